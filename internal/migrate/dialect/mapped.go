package dialect

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/migrate/row"
)

// maxSpans bounds the changes of a zone that a statement spells out; Asia/Shanghai has about thirty.
const maxSpans = 40

// mapped are the pieces of a row of the old side as it is carried forward.
func (d *Dialect) mapped(m *row.Mapping) ([]string, bool) {
	steps, alike := m.Steps(), oneCollation(m.Old().Columns)
	pieces := make([]string, 0, len(m.New().Columns))
	for at := range m.New().Columns {
		if slices.Contains(m.Once(), at) {
			continue
		}
		i := slices.IndexFunc(steps, func(s row.Step) bool { return slices.Contains(s.To, at) })
		if i < 0 {
			return nil, false
		}
		s := &steps[i]
		if len(s.From) != 1 || len(s.To) != 1 {
			return nil, false
		}
		from, to := &m.Old().Columns[s.From[0]], &m.New().Columns[at]
		expr, ok := d.step(s, from, to, alike)
		if !ok {
			return nil, false
		}
		pieces = append(pieces, d.piece(to, expr, from.Nullable || to.Nullable || s.Empty))
	}
	return pieces, true
}

// step is the expression of what a column of the old side becomes, as it stands in the encoding of the new side.
func (d *Dialect) step(s *row.Step, from, to *row.Column, alike bool) (string, bool) {
	expr, ok := d.carried(s, from, to, alike && !s.Empty && len(s.Values) == 0)
	if len(s.Values) > 0 {
		text, has := d.Text(from, d.Quote(from.Name))
		if !has {
			return "", false
		}
		if !ok {
			expr = text // a value without translation, which the other side could not hold: they differ anyhow
		}
		expr, ok = d.translated(s.Values, text, expr, to), true
	}
	if !ok {
		return "", false
	}
	switch {
	case s.Empty && d.Kind == DM8:
		return "", false // there no expression is an empty text
	case to.EmptyNull && to.Type == row.Text && !from.EmptyNull:
		expr = "NULLIF(" + expr + ", '')"
	case s.Empty && to.Nullable && !from.Nullable:
		expr = "NULLIF(" + expr + ", '')"
	case s.Empty && !to.Nullable:
		expr = "COALESCE(" + expr + ", '')"
	}
	return expr, true
}

func (d *Dialect) translated(values map[string]string, text, otherwise string, to *row.Column) string {
	var b strings.Builder
	if d.mysql() {
		b.WriteString("CASE CAST(" + text + " AS BINARY)")
	} else {
		b.WriteString("CASE " + text)
	}
	for _, from := range slices.Sorted(maps.Keys(values)) {
		b.WriteString(" WHEN " + d.literal(from) + " THEN " + d.literal(to.Code(values[from])))
	}
	b.WriteString(" ELSE " + otherwise + " END")
	return b.String()
}

func number(t row.Type) bool { return t == row.Integer || t == row.Decimal }

func timed(t row.Type) bool { return t == row.Clock || t == row.Local || t == row.Instant }

// carried is the expression without translations and NULL.
func (d *Dialect) carried(s *row.Step, from, to *row.Column, alike bool) (string, bool) {
	ref := d.Quote(from.Name)
	switch {
	case s.Scale != 0:
		if !number(from.Type) || s.Read == row.Text || !number(to.Type) && to.Type != row.Text || d.Kind == DM8 {
			return "", false
		}
		return d.scaled(from, to, ref, s.Scale)
	case s.Zone != nil:
		if from.Type != row.Local || s.Read != row.Local || to.Scale < from.Scale {
			return "", false
		}
		return d.zoned(s.Zone, from, ref)
	case s.Read != from.Type && (from.Type != row.Integer || s.Read != row.Bool || to.Type != row.Bool && to.Type != row.Integer):
		return "", false
	case timed(to.Type) && timed(from.Type) && to.Scale < from.Scale:
		return "", false
	case to.Padded && !from.Padded:
		return "", false
	case from.Type == to.Type:
		return d.code(from, to, ref, alike)
	}
	return d.converted(from, to, ref)
}

// converted is the expression of a value of another type.
func (d *Dialect) converted(from, to *row.Column, ref string) (string, bool) {
	if number(from.Type) && to.Type == row.Decimal {
		as := *from
		as.Type = row.Decimal
		return d.decimalCode(&as, to, ref)
	}
	text, ok := d.Text(from, ref)
	if !ok {
		return "", false
	}
	switch {
	case from.Type == row.Decimal && to.Type == row.Integer:
		return text, true
	case to.Type == row.Text && from.Type != row.Bytes:
		return text, true
	case from.Type == row.Integer && to.Type == row.Bool:
		return text, true // 1 and 0 are what they are in the encoding
	case from.Type == row.Bool && to.Type == row.Integer:
		return d.code(from, from, ref, false)
	case from.Type == row.Text && to.Type == row.UUID:
		return "LOWER(" + text + ")", !d.mysql() // LOWER leaves bytes as they are
	case from.Type == row.Bytes && to.Type == row.UUID:
		if d.mysql() {
			return "INSERT(INSERT(INSERT(INSERT(" + text + ", 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-')", true
		}
		return text + "::uuid::text", d.postgres()
	case from.Type == row.UUID && to.Type == row.Bytes:
		return "REPLACE(" + text + ", '-', '')", true
	case from.Type == row.Date && to.Type == row.Local:
		if d.mysql() {
			return "CONCAT(" + text + ", ' 00:00:00')", true
		}
		return text + " || ' 00:00:00'", true
	}
	return "", false
}

// scaled multiplies exactly: by a whole number, or by one with digits behind its point.
func (d *Dialect) scaled(from, to *row.Column, ref string, n int) (string, bool) {
	factor := "1" + zeros(max(n, 0))
	if n < 0 {
		factor = "0." + zeros(-n-1) + "1"
	}
	product := row.Column{Type: row.Decimal, Scale: from.Scale}
	if n < 0 && from.Scale >= 0 {
		product.Scale -= n
	}
	if d.mysql() {
		ref = "(CAST(" + ref + " AS DECIMAL(65, " + strconv.Itoa(max(from.Scale, 0)) + ")) * " + factor + ")"
	} else {
		ref = "(" + ref + "::numeric * " + factor + ")"
	}
	if to.Type != row.Decimal || to.Scale < 0 {
		return d.Text(&product, ref)
	}
	if from.Scale < 0 || from.Scale-n > to.Scale {
		return "", false // what has more digits cannot be carried, and a database would round it
	}
	if d.mysql() {
		return "CAST(" + ref + " AS DECIMAL(65, " + strconv.Itoa(to.Scale) + "))", true
	}
	return "round(" + ref + ", " + strconv.Itoa(to.Scale) + ")::text", true
}

// zoned spells the changes of a zone out, the last one first.
func (d *Dialect) zoned(z *row.Zone, c *row.Column, ref string) (string, bool) {
	spans, ok := z.Spans(maxSpans)
	if !ok || d.Kind == DM8 {
		return "", false
	}
	var b strings.Builder
	for i, span := range slices.Backward(spans) {
		offset := strconv.Itoa(span.Offset)
		switch {
		case len(spans) == 1:
			b.WriteString(offset)
			continue
		case i == 0:
			b.WriteString(" ELSE " + offset + " END")
			continue
		case i == len(spans)-1:
			b.WriteString("CASE")
		}
		b.WriteString(" WHEN " + ref + " >= '" + strings.Replace(span.From, "T", " ", 1) + "' THEN " + offset)
	}
	if d.mysql() {
		return d.code(c, c, "DATE_SUB("+ref+", INTERVAL "+b.String()+" SECOND)", false)
	}
	return d.code(c, c, "("+ref+" - ("+b.String()+") * INTERVAL '1 second')", false)
}

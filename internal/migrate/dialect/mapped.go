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
	steps := m.Steps()
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
		expr, ok := d.step(s, from, to)
		if !ok {
			return nil, false
		}
		pieces = append(pieces, d.piece(to, expr, from.Nullable || to.Nullable || s.Empty))
	}
	return pieces, true
}

// step is the expression of the canonical text that a column of the old side becomes.
func (d *Dialect) step(s *row.Step, from, to *row.Column) (string, bool) {
	expr, ok := d.carried(s, from, to)
	if !ok && len(s.Values) == 0 {
		return "", false
	}
	if len(s.Values) > 0 {
		text, has := d.Text(from, d.Quote(from.Name))
		if !has {
			return "", false
		}
		if !ok {
			expr = text // a value without translation, which the other side could not hold: they differ anyhow
		}
		expr = d.translated(s.Values, text, expr)
	}
	switch {
	case to.EmptyNull && to.Type == row.Text && !from.EmptyNull:
		expr = "NULLIF(" + expr + ", '')"
	case s.Empty && to.Nullable && !from.Nullable:
		expr = "NULLIF(" + expr + ", '')"
	case s.Empty && !to.Nullable:
		expr = "COALESCE(" + expr + ", '')"
	}
	return expr, true
}

func (d *Dialect) translated(values map[string]string, text, otherwise string) string {
	var b strings.Builder
	if d.mysql() {
		b.WriteString("CASE CAST(" + text + " AS BINARY)")
	} else {
		b.WriteString("CASE " + text)
	}
	for _, from := range slices.Sorted(maps.Keys(values)) {
		b.WriteString(" WHEN " + d.literal(from) + " THEN " + d.literal(values[from]))
	}
	b.WriteString(" ELSE " + otherwise + " END")
	return b.String()
}

func number(t row.Type) bool { return t == row.Integer || t == row.Decimal }

func timed(t row.Type) bool { return t == row.Clock || t == row.Local || t == row.Instant }

// carried is the expression without translations and NULL.
func (d *Dialect) carried(s *row.Step, from, to *row.Column) (string, bool) {
	ref := d.Quote(from.Name)
	switch {
	case s.Scale != 0:
		if !number(from.Type) || s.Read == row.Text || !number(to.Type) && to.Type != row.Text || d.Kind == DM8 {
			return "", false
		}
		return d.scaled(from, ref, s.Scale), true
	case s.Zone != nil:
		if from.Type != row.Local || s.Read != row.Local || to.Scale < from.Scale {
			return "", false
		}
		return d.zoned(s.Zone, from, ref)
	case s.Read != from.Type && !(from.Type == row.Integer && s.Read == row.Bool):
		return "", false
	case timed(to.Type) && timed(from.Type) && to.Scale < from.Scale:
		return "", false
	case to.Padded && !from.Padded:
		return "", false
	}
	text, ok := d.Text(from, ref)
	if !ok {
		return "", false
	}
	if s.Read == row.Bool && from.Type == row.Integer {
		if to.Type == row.Integer {
			return text, true
		}
		return d.fromInteger(text, ref), to.Type == row.Bool || to.Type == row.Text
	}
	if from.Type == to.Type {
		return text, true
	}
	return d.converted(text, ref, from.Type, to.Type)
}

func (d *Dialect) fromInteger(text, ref string) string {
	return "CASE " + ref + " WHEN 0 THEN 'false' WHEN 1 THEN 'true' ELSE " + text + " END"
}

func (d *Dialect) converted(text, ref string, from, to row.Type) (string, bool) {
	switch {
	case number(from) && number(to):
		return text, true
	case to == row.Text && from != row.Bytes && from != row.JSON:
		return text, true
	case from == row.Integer && to == row.Bool:
		return d.fromInteger(text, ref), true
	case from == row.Bool && to == row.Integer:
		if d.postgres() {
			return "CASE WHEN " + ref + " THEN '1' WHEN NOT " + ref + " THEN '0' END", true
		}
		return "(" + ref + " + 0)", true
	case from == row.Text && to == row.UUID:
		return "LOWER(" + text + ")", !d.mysql() // LOWER leaves bytes as they are
	case from == row.Bytes && to == row.UUID:
		if d.mysql() {
			return "INSERT(INSERT(INSERT(INSERT(" + text + ", 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-')", true
		}
		return text + "::uuid::text", d.postgres()
	case from == row.UUID && to == row.Bytes:
		return "REPLACE(" + text + ", '-', '')", true
	case from == row.Date && to == row.Local:
		if d.mysql() {
			return "CONCAT(" + text + ", 'T00:00:00')", true
		}
		return text + " || 'T00:00:00'", true
	}
	return "", false
}

// scaled multiplies exactly: by a whole number, or by one with digits behind its point.
func (d *Dialect) scaled(c *row.Column, ref string, n int) string {
	factor := "1" + zeros(n0(n))
	if n < 0 {
		factor = "0." + zeros(-n-1) + "1"
	}
	scale := c.Scale
	if n < 0 && scale >= 0 {
		scale -= n
	}
	product := *c
	product.Type, product.Scale, product.Native = row.Decimal, scale, ""
	if d.mysql() {
		ref = "CAST(" + ref + " AS DECIMAL(65, " + strconv.Itoa(max(c.Scale, 0)) + "))"
	} else {
		ref += "::numeric"
	}
	text, _ := d.Text(&product, "("+ref+" * "+factor+")") // a decimal has one
	return text
}

func n0(n int) int { return max(n, 0) }

// zoned spells the changes of a zone out, the last one first.
func (d *Dialect) zoned(z *row.Zone, c *row.Column, ref string) (string, bool) {
	spans, ok := z.Spans(maxSpans)
	if !ok || d.Kind == DM8 {
		return "", false
	}
	var b strings.Builder
	for i := len(spans) - 1; i >= 0; i-- {
		offset := strconv.Itoa(spans[i].Offset)
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
		b.WriteString(" WHEN " + ref + " >= '" + strings.Replace(spans[i].From, "T", " ", 1) + "' THEN " + offset)
	}
	instant := *c
	if d.mysql() {
		instant.Type = row.Instant
		return d.mysqlTime(&instant, "DATE_SUB("+ref+", INTERVAL "+b.String()+" SECOND)", "Z"), true
	}
	text, _ := d.postgresExpr(&instant, "("+ref+" - ("+b.String()+") * INTERVAL '1 second')")
	return text + " || 'Z'", true
}

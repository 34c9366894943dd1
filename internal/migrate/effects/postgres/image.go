package postgres

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// image is how the rows of a simple write are read: those before it by its condition or the keys of its
// values, those after it by RETURNING, which the proxy adds.
type image struct {
	t     *table
	shape *sqltext.Shape
	text  string // the write, with RETURNING
	find  string // the query of the rows before; "" where there can be none
	extra int    // columns that RETURNING gives in addition

	before, after []row.Row
	off           bool // the rows cannot be told: the statement is recorded instead
}

// writeInShade runs a write of a shadow in the transaction that will be rolled back.
func (s *session) writeInShade(p *prepared, po *portal, raw []byte) error {
	if why, err := s.notUndone(p); err != nil || why != "" {
		if e, ok := errors.AsType[*serverError](err); ok {
			return s.fail(e)
		}
		if err != nil {
			return err
		}
		s.Refused(p.mark, s.effectOf(p, po, 0))
		return s.refuse(&refusal{stateDenied, "a statement of a shadow that writes is refused: " + why + " (JD-EFFECTS-111)"})
	}
	if !s.shade.open || s.shade.dead {
		// What it ran in is gone: a portal that was bound in it, for one.
		return s.refuse(&refusal{stateLost, shadeIsDead})
	}
	im, err := s.imageOf(s.main, p, po)
	if err != nil {
		if e, ok := errors.AsType[*serverError](err); ok {
			return s.fail(e)
		}
		return err
	}
	if im == nil {
		return s.writePlain(p, po, raw)
	}
	return s.write(s.main, im, p, po, "rolled_back")
}

// writePlain runs a write whose rows cannot be told.
func (s *session) writePlain(p *prepared, po *portal, raw []byte) error {
	kind := byte('E')
	if s.simple {
		kind = 'Q'
	}
	if err := s.main.say(raw, expected{kind: kind, of: p, po: po, quiet: s.simple}); err != nil {
		return err
	}
	if err := s.main.settleAll(); err != nil {
		return err
	}
	if !s.batch.failed {
		e := s.effectOf(p, po, s.last.rows)
		e.Fate = "rolled_back"
		s.fx.add(s, p.mark, e)
	}
	return s.answered()
}

// write runs a write with its rows, answers it as the server would have, and keeps its effects.
func (s *session) write(l *link, im *image, p *prepared, po *portal, fate string) error {
	o := asking{oids: p.oids, most: s.limits.imageRows}
	if po != nil {
		o.values = po.values
	}
	if im.find != "" {
		r, err := l.ask(im.find, o)
		if e, ok := errors.AsType[*serverError](err); ok {
			return s.fail(e) // a lock that was not to be had, a deadlock: the write would say the same
		}
		if err != nil {
			return err
		}
		im.before = im.rows(r, 0)
	}
	shown := 0
	o.described = func(columns []byte) {
		shown = int(binary.BigEndian.Uint16(columns)) - im.extra
		if po == nil && im.shape.Returning {
			s.put(appendMessage(nil, 'T', cutColumns(columns, shown)))
		}
	}
	if im.shape.Returning {
		o.each = func(cells [][]byte) { s.put(appendRow(nil, cells[:max(min(shown, len(cells)), 0)])) }
		if po != nil {
			formats, err := s.formats(l, im, po)
			if err != nil {
				return err
			}
			o.format = formats
		}
	}
	r, err := l.ask(im.text, o)
	if e, ok := errors.AsType[*serverError](err); ok {
		return s.fail(e)
	}
	if err != nil {
		return err
	}
	if po != nil {
		po.done = true
	}
	im.after = im.rows(r, shown)
	list := im.effects(rowsOf(r.tag))
	if list == nil {
		list = []v1.Effect{s.effectOf(p, po, rowsOf(r.tag))}
	}
	for _, e := range list {
		e.Fate = fate
		s.fx.add(s, p.mark, e)
	}
	s.last = expected{tag: r.tag}
	if l != s.main {
		s.put(appendComplete(nil, r.tag))
		return nil
	}
	return s.done(r.tag)
}

// imageOf says how to read the rows of a write; nil when it is not simple.
func (s *session) imageOf(l *link, p *prepared, po *portal) (*image, error) {
	shape, ok := sqltext.ShapeOf(p.text, s.options())
	if !ok || shape.Table.Catalog != "" || po != nil && po.part {
		return nil, nil
	}
	t, err := s.table(l, shape.Table)
	if err != nil || t == nil || !t.readable {
		return nil, err
	}
	if po != nil && shape.Count > 0 {
		if ok, err := s.knowTypes(l, p); err != nil || !ok {
			return nil, err
		}
	}
	ref := shape.Alias
	if ref == "" {
		ref = shape.Table.Name
	}
	im := &image{t: t, shape: shape, extra: len(t.columns)}
	list := t.list(quote(ref))
	switch shape.Op {
	case sqltext.Update, sqltext.Delete:
		for _, k := range t.key {
			if shape.SetsColumn(t.columns[k].Name, func(a, b string) bool { return a == b }) {
				return nil, nil // the row would not be found again
			}
		}
		if volatile(shape.Where) {
			return nil, nil
		}
		if shape.Op == sqltext.Update {
			im.find = "SELECT " + list + " FROM " + shape.Named
			if shape.Where != "" {
				im.find += " WHERE " + shape.Where
			}
			im.find += " LIMIT " + strconv.Itoa(s.limits.imageRows+1) + " FOR UPDATE"
		}
	default:
		if !im.findByKeys(list, po) {
			return nil, nil
		}
	}
	text := trimmed(p.text, s.options())
	if shape.Returning {
		im.text = text + ", " + list
	} else {
		im.text = text + " RETURNING " + list
	}
	return im, nil
}

// trimmed is a statement without semicolons and comments at its end.
func trimmed(sql string, o sqltext.Options) string {
	sc := sqltext.NewScanner([]byte(sql), o)
	end := 0
	for {
		t := sc.Next()
		switch {
		case t.Kind == sqltext.End, t.Kind == sqltext.Bad:
			return sql[:end]
		case t.Kind != sqltext.Symbol || sql[t.Start] != ';':
			end = t.End
		}
	}
}

// knowTypes asks for the types of a statement's parameters.
func (s *session) knowTypes(l *link, p *prepared) (bool, error) {
	if p.known {
		return true, nil
	}
	if s.prepared[p.name] != p {
		return false, nil // the name is another statement's now
	}
	r, err := l.tell(append(appendMessage(nil, 'D', []byte("S"), zero(p.name)), msgSync...), asking{})
	if err != nil {
		return false, err
	}
	p.oids, p.known = r.oids, true
	return true, nil
}

// formats are those of the client's columns, and text for the others.
func (s *session) formats(l *link, im *image, po *portal) ([]byte, error) {
	c := cursor{b: po.formats}
	n := c.u16()
	codes := c.take(2 * n)
	if n == 0 || n == 1 && binary.BigEndian.Uint16(codes) == 0 {
		return nil, nil
	}
	if n == 1 { // of each column, however many
		r, err := l.ask(trimmed(po.of.text, s.options()), asking{oids: po.of.oids, values: po.values, format: []byte{0, 0}, noRun: true})
		if err != nil || len(r.columns) < 2 {
			return nil, err
		}
		n = int(binary.BigEndian.Uint16(r.columns))
		codes = []byte(strings.Repeat(string(codes), n))
	}
	b := binary.BigEndian.AppendUint16(nil, uint16(n+im.extra))
	return append(append(b, codes...), make([]byte, 2*im.extra)...), nil
}

// cutColumns is a description of the first n columns.
func cutColumns(body []byte, n int) []byte {
	c := cursor{b: body[2:]}
	for range n {
		c.text()
		c.take(18)
	}
	out := binary.BigEndian.AppendUint16(nil, uint16(max(n, 0)))
	return append(out, body[2:len(body)-len(c.b)]...)
}

func appendRow(b []byte, cells [][]byte) []byte {
	b, at := begin(b, 'D')
	b = binary.BigEndian.AppendUint16(b, uint16(len(cells)))
	for _, c := range cells {
		if c == nil {
			b = append(b, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(c)))
		b = append(b, c...)
	}
	return finish(b, at)
}

// volatile says whether a condition holds for other rows each time it is asked.
func volatile(sql string) bool {
	sc := sqltext.NewScanner([]byte(sql), sqltext.Options{Dialect: sqltext.Postgres})
	for {
		t := sc.Next()
		switch t.Kind {
		case sqltext.End:
			return false
		case sqltext.Bad:
			return true
		case sqltext.Word:
			switch strings.ToUpper(sql[t.Start:t.End]) {
			case "RANDOM", "CLOCK_TIMESTAMP", "TIMEOFDAY", "GEN_RANDOM_UUID", "UUID_GENERATE_V4", "NEXTVAL", "CURRVAL", "LASTVAL", "PG_SLEEP", "TABLESAMPLE":
				return true
			}
		default:
		}
	}
}

// findByKeys is for inserts that may collide: the rows that have the keys of the new ones.
func (im *image) findByKeys(list string, po *portal) bool {
	sh, t := im.shape, im.t
	if !sh.Ignore && !sh.Upsert {
		return true // no row was there, or it fails
	}
	var columns []int
	for i := range t.columns {
		if sh.Columns == nil {
			columns = append(columns, i)
		}
	}
	for _, c := range sh.Columns {
		at := t.column(c)
		if at < 0 {
			return false
		}
		columns = append(columns, at)
	}
	if t.partial {
		return false
	}
	var preds []string
	for _, key := range t.unique {
		for _, k := range key {
			if sh.SetsColumn(t.columns[k].Name, func(a, b string) bool { return a == b }) {
				return false
			}
		}
	}
	for _, values := range sh.Rows {
		if len(values) > len(columns) {
			return false
		}
		for _, key := range t.unique {
			pred, known, ok := im.predicate(key, columns[:len(values)], values, po)
			if !ok {
				return false
			}
			if known {
				preds = append(preds, pred)
			}
		}
	}
	if len(preds) > 0 {
		from := sh.Table
		im.find = "SELECT " + list + " FROM " + full(from) + " AS " + quote(orName(sh.Alias, from.Name)) + " WHERE " + strings.Join(preds, " OR ") + " LIMIT " + strconv.Itoa(len(preds)+1) + " FOR UPDATE"
	}
	return true
}

func orName(alias, name string) string {
	if alias != "" {
		return alias
	}
	return name
}

// predicate says where a row with the key of the values is. It is not known when the database makes the key,
// or where a NULL in it collides with nothing.
func (im *image) predicate(key, columns []int, values []sqltext.Value, po *portal) (pred string, known, ok bool) {
	var parts []string
	for _, k := range key {
		var v *sqltext.Value
		for i, c := range columns {
			if c == k {
				v = &values[i]
			}
		}
		c := &im.t.columns[k]
		made := v == nil || v.Kind == sqltext.DefaultValue || v.Kind == sqltext.Null
		if v != nil && v.Kind == sqltext.Parameter {
			if po == nil {
				return "", false, false
			}
			params := po.params()
			if v.Param >= len(params) {
				return "", false, false
			}
			made = params[v.Param].null
		}
		switch {
		case made:
			// A key that a sequence counts does not collide; NULL does not either.
			return "", false, v == nil && c.Filled || c.Nullable && !c.Filled || v != nil && v.Kind == sqltext.DefaultValue && c.Filled
		case v.Kind == sqltext.Literal, v.Kind == sqltext.Parameter:
			parts = append(parts, quote(orName(im.shape.Alias, im.shape.Table.Name))+"."+quote(c.Name)+" = "+v.Text)
		default:
			return "", false, false
		}
	}
	return "(" + strings.Join(parts, " AND ") + ")", true, true
}

package mysql

import (
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/migrate/row"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// findByKeys is for inserts: the rows that have the keys of the new ones.
func (im *image) findByKeys(st *statement, charset string) bool {
	sh, t := im.shape, im.t
	collides := sh.Ignore || sh.Upsert || sh.Op == sqltext.Replace
	columns := make([]int, 0, len(t.columns))
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
	if collides && t.partial {
		return false
	}
	for _, key := range t.unique {
		for _, k := range key {
			if sh.SetsColumn(t.columns[k].Name, strings.EqualFold) {
				return false
			}
		}
	}
	for _, values := range sh.Rows {
		if len(values) != len(columns) {
			return false
		}
		for n, key := range t.unique {
			if !collides && !im.primary(n) {
				continue
			}
			pred, known, ok := im.predicate(key, columns, values, st, charset)
			if !ok {
				return false
			}
			if known {
				im.preds = append(im.preds, pred)
			}
		}
	}
	if collides && len(im.preds) > 0 {
		im.find = " WHERE " + strings.Join(im.preds, " OR ")
	}
	return true
}

// primary says whether a unique key is the primary one.
func (im *image) primary(n int) bool {
	if len(im.t.unique[n]) != len(im.t.key) {
		return false
	}
	for i, k := range im.t.unique[n] {
		if im.t.key[i] != k {
			return false
		}
	}
	return true
}

// predicate says where a row with the key of the values is. It is not known when the database makes the key,
// or where a NULL in it collides with nothing.
func (im *image) predicate(key, columns []int, values []sqltext.Value, st *statement, charset string) (pred string, known, ok bool) {
	var parts []string
	for _, k := range key {
		var v *sqltext.Value
		for i, c := range columns {
			if c == k {
				v = &values[i]
			}
		}
		made := v == nil || v.Kind == sqltext.DefaultValue || v.Kind == sqltext.Null
		text := ""
		if v != nil {
			switch v.Kind {
			case sqltext.Literal:
				text = v.Text
			case sqltext.Parameter:
				if v.Param >= len(st.params) {
					return "", false, false
				}
				p := st.params[v.Param]
				if made = p.null; !made {
					if text, ok = p.literal(introducer(charset, p)); !ok {
						return "", false, false
					}
				}
			case sqltext.Expression:
				return "", false, false
			}
		}
		if k == im.t.auto && (made || text == "0" || text == "'0'") {
			return "", false, len(key) == 1 || len(im.t.key) == 1
		}
		if made {
			c := &im.t.columns[k]
			// Absent it is its default, which may collide; NULL does not.
			return "", false, c.Nullable && !c.Filled
		}
		parts = append(parts, quote(im.t.columns[k].Name)+" = "+text)
	}
	return "(" + strings.Join(parts, " AND ") + ")", true, true
}

// madeKeys are the keys that the database counted for the new rows.
func (s *session) madeKeys(l *link, im *image, a *answer) ([]string, bool, error) {
	t := im.t
	plain := !im.shape.Ignore && !im.shape.Upsert && im.shape.Op == sqltext.Insert
	if len(t.key) != 1 || t.key[0] != t.auto {
		return nil, true, nil
	}
	counted := len(im.shape.Rows)
	for n := range t.unique {
		if im.primary(n) && plain {
			counted -= len(im.preds)
		}
	}
	if !plain {
		// Where another key finds the row the number is not needed, and it may be that of another row.
		counted = 0
		if len(im.shape.Rows) == 1 && a.insertID != 0 && len(im.preds) == 0 {
			counted = 1
		}
	}
	switch {
	case counted == 0:
		return nil, true, nil
	case a.insertID == 0 || counted != len(im.shape.Rows):
		return nil, false, nil // some given, some counted
	}
	step := uint64(1)
	if counted > 1 {
		rows, _, _, err := l.ask("SELECT @@auto_increment_increment", 1)
		if err != nil || len(rows) != 1 {
			return nil, false, err
		}
		if step, err = strconv.ParseUint(string(rows[0][0]), 10, 64); err != nil {
			return nil, false, nil //nolint:nilerr // the keys are not known
		}
	}
	var preds []string
	for i := range counted {
		preds = append(preds, quote(t.columns[t.auto].Name)+" = "+strconv.FormatUint(a.insertID+uint64(i)*step, 10))
	}
	return preds, true, nil
}

// byKey is the condition that finds a row by its primary key; false for types that do not compare exactly.
func (im *image) byKey(r row.Row) (string, bool) {
	parts := make([]string, 0, len(im.t.key))
	for _, k := range im.t.key {
		v := r[k]
		var text string
		switch im.t.columns[k].Type {
		case row.Integer, row.Decimal:
			text = v.Text
		case row.Bool:
			text = map[string]string{"true": "1", "false": "0"}[v.Text]
			if text == "" {
				text = v.Text
			}
		case row.Text, row.UUID:
			text = name(v.Text)
		case row.Bytes:
			text = "X'" + v.Text + "'"
		case row.Bits:
			text = "b'" + v.Text + "'"
		case row.Date, row.Clock, row.Local:
			text = "'" + strings.Replace(v.Text, "T", " ", 1) + "'"
		default:
			return "", false
		}
		if v.Null || text == "" {
			return "", false
		}
		parts = append(parts, quote(im.t.columns[k].Name)+" = "+text)
	}
	return "(" + strings.Join(parts, " AND ") + ")", true
}

// id is a row's key as text, for telling rows apart.
func (im *image) id(r row.Row) string {
	var b strings.Builder
	for _, k := range im.t.key {
		b.WriteString(strconv.Itoa(len(r[k].Text)) + ":" + r[k].Text)
	}
	return b.String()
}

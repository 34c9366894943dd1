package postgres

import (
	"strconv"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// rows are rows in canonical text; the columns to be read stand behind the first skip.
func (im *image) rows(r reply, skip int) []row.Row {
	if r.over {
		im.off = true
		return nil
	}
	out := make([]row.Row, 0, len(r.rows))
	for _, cells := range r.rows {
		cells = cells[min(skip, len(cells)):]
		if len(cells) != len(im.t.columns) {
			im.off = true
			return nil
		}
		values := make(row.Row, len(cells))
		for i, cell := range cells {
			if cell == nil {
				values[i] = row.Value{Null: true}
				continue
			}
			v, err := row.Canon(&im.t.columns[i], string(cell))
			if err != nil {
				im.off = true // a value without canonical text
				return nil
			}
			values[i] = v
		}
		out = append(out, values)
	}
	return out
}

// effects are what became of the rows; nil when that cannot be told.
func (im *image) effects(affected int64) []v1.Effect {
	if im.off || int64(len(im.after)) != affected {
		return nil
	}
	list := []v1.Effect{} // nothing changed is told, too
	target := nameOf(im.shape.Table)
	if im.shape.Op == sqltext.Delete {
		for _, r := range im.after {
			list = append(list, v1.Effect{Kind: v1.EffectRow, Op: "delete", Target: target, Key: im.values(r, im.t.key), Before: im.values(r, nil)})
		}
		return list
	}
	if im.shape.Op == sqltext.Update && len(im.before) != len(im.after) {
		return nil
	}
	was := map[string]row.Row{}
	for _, r := range im.before {
		was[im.id(r)] = r
	}
	for _, a := range im.after {
		b, there := was[im.id(a)]
		e := v1.Effect{Kind: v1.EffectRow, Op: "insert", Target: target, Key: im.values(a, im.t.key)}
		if !there {
			if im.shape.Op == sqltext.Update {
				return nil
			}
			e.After = im.values(a, nil)
			list = append(list, e)
			continue
		}
		var at []int
		for i := range b {
			if a[i] != b[i] {
				at = append(at, i)
			}
		}
		if at != nil {
			e.Op, e.Before, e.After = "update", im.values(b, at), im.values(a, at)
			list = append(list, e)
		}
	}
	return list
}

// id is a row's key as text, for telling rows apart.
func (im *image) id(r row.Row) string {
	var b strings.Builder
	for _, k := range im.t.key {
		b.WriteString(strconv.Itoa(len(r[k].Text)) + ":" + r[k].Text)
	}
	return b.String()
}

// values are the columns at those indices, all when there are none.
func (im *image) values(r row.Row, at []int) []v1.ColumnValue {
	var out []v1.ColumnValue
	add := func(i int) {
		v := v1.ColumnValue{Name: im.t.columns[i].Name}
		if !r[i].Null {
			text := r[i].Text
			v.Value = &text
		}
		out = append(out, v)
	}
	for _, i := range at {
		add(i)
	}
	if at == nil {
		for i := range r {
			add(i)
		}
	}
	return out
}

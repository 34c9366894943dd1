package data

import (
	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
)

// Effects are the row effects of a transaction, in its order: what a run did when Mark names one. Of an
// update only the columns that changed are told, all of them where the capture does not tell what was before.
func (t *Txn) Effects() []v1.Effect {
	out := make([]v1.Effect, 0, len(t.Changes))
	for i := range t.Changes {
		c := &t.Changes[i]
		e := v1.Effect{Kind: v1.EffectRow, Op: c.Op.String(), Target: c.Table.Name}
		key := c.Key()
		for i, at := range c.Table.Key {
			e.Key = append(e.Key, column(c.Table, at, key[i]))
		}
		changed := func(i int) bool {
			return c.Op != Update || c.Before == nil || len(c.Before) != len(c.After) || c.Before[i] != c.After[i]
		}
		e.Before, e.After = columns(c.Table, c.Before, changed), columns(c.Table, c.After, changed)
		out = append(out, e)
	}
	return out
}

func columns(t *row.Table, r row.Row, which func(i int) bool) []v1.ColumnValue {
	var out []v1.ColumnValue
	for i := range r {
		if which(i) {
			out = append(out, column(t, i, r[i]))
		}
	}
	return out
}

func column(t *row.Table, i int, v row.Value) v1.ColumnValue {
	c := v1.ColumnValue{Name: t.Columns[i].Name}
	if !v.Null {
		c.Value = &v.Text
	}
	return c
}

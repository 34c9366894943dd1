package data

import (
	"context"
	"errors"
	"slices"

	"jindu.dev/jindu/internal/migrate/row"
)

// kinship is a table whose two sides are databases of one kind and have the same columns.
type kinship struct {
	stores [2]Kin
	tables [2]*row.Table // columns in the same order
}

// kinOf says how the sides of a pair are summed with less work, nil where they are not alike.
func kinOf(p *Pair, stores [2]Store) *kinship {
	old := aligned(p)
	a, ok1 := stores[oldSide].(Kin)
	b, ok2 := stores[newSide].(Kin)
	if old == nil || !ok1 || !ok2 {
		return nil
	}
	if kin := a.Kin(old); kin == "" || kin != b.Kin(p.compare) {
		return nil
	}
	return &kinship{[2]Kin{a, b}, [2]*row.Table{old, p.compare}}
}

// aligned is the old side's table with its columns in the order of those that are compared, nil where a value
// changes on its way.
func aligned(p *Pair) *row.Table {
	if p.SQL == nil {
		return nil
	}
	from := p.tables[oldSide]
	at := make([]int, len(p.compare.Columns)) // column of the old side by column compared
	for i := range at {
		at[i] = -1
	}
	for _, s := range p.SQL.Steps() {
		if !s.Plain() || s.Read != from.Columns[s.From[0]].Type {
			return nil
		}
		if i := slices.Index(p.pick, s.To[0]); i >= 0 {
			at[i] = s.From[0]
		}
	}
	t := &row.Table{Name: from.Name}
	for _, i := range at {
		if i < 0 {
			return nil
		}
		t.Columns = append(t.Columns, from.Columns[i])
	}
	for _, k := range from.Key {
		i := slices.Index(at, k)
		if i < 0 {
			return nil
		}
		t.Key = append(t.Key, i)
	}
	return t
}

func (k *kinship) sums(ctx context.Context, p pace, s span) (out [2]Sum, err error) {
	var errs [2]error
	one := func(on side) { out[on], errs[on] = k.stores[on].KinSum(ctx, k.tables[on], s[on]) }
	p.both(func() { one(oldSide) }, func() { one(newSide) })
	return out, errors.Join(errs[:]...)
}

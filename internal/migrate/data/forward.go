package data

import (
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
)

// parter is a Mapper that carries what is known of a row.
type parter interface {
	ForwardPart(r row.Row, known func(i int) bool) (out row.Row, set []int, err error)
}

// Normal is a row effect of a side in the form in which both sides compare: that of the new side, with the
// columns that both have. What is no row, belongs to no table that is carried, or cannot be carried stays as
// it is.
func (s *Server) Normal(migration string, old bool, e v1.Effect) v1.Effect {
	c, err := s.find(migration)
	if err != nil || e.Kind != v1.EffectRow {
		return e
	}
	c.mu.Lock()
	plan := c.plan
	c.mu.Unlock()
	if plan == nil {
		return e
	}
	of := newSide
	if old {
		of = oldSide
	}
	pair := plan.by[of][e.Target[strings.LastIndexByte(e.Target, '.')+1:]] // without its schema
	switch {
	case pair == nil:
		return e
	case old:
		return pair.forward(e)
	}
	e.Before, e.After = pair.shared(e.Before), pair.shared(e.After)
	return e
}

// shared leaves out the columns that only the new side has.
func (p *Pair) shared(list []v1.ColumnValue) []v1.ColumnValue {
	return slices.DeleteFunc(slices.Clone(list), func(c v1.ColumnValue) bool { return p.compare.Index(c.Name) < 0 })
}

func (p *Pair) forward(e v1.Effect) v1.Effect {
	m, ok := p.Mapper.(parter)
	if !ok {
		return e
	}
	key, ok1 := carryColumns(m, p.tables, e.Key)
	before, ok2 := carryColumns(m, p.tables, e.Before)
	after, ok3 := carryColumns(m, p.tables, e.After)
	if !ok1 || !ok2 || !ok3 {
		return e
	}
	e.Target, e.Key, e.Before, e.After = p.tables[newSide].Name, key, before, after
	return e
}

// carryColumns carries some columns of a row; false when one of them has a value that cannot be.
func carryColumns(m parter, tables [2]*row.Table, list []v1.ColumnValue) ([]v1.ColumnValue, bool) {
	if len(list) == 0 {
		return nil, true
	}
	from := tables[oldSide]
	r := make(row.Row, len(from.Columns))
	known := make([]bool, len(from.Columns))
	for _, c := range list {
		at := from.Index(c.Name)
		if at < 0 {
			continue // not carried
		}
		if known[at] = true; c.Value == nil {
			r[at].Null = true
		} else {
			r[at].Text = *c.Value
		}
	}
	out, set, err := m.ForwardPart(r, func(i int) bool { return known[i] })
	if err != nil {
		return nil, false
	}
	carried := make([]v1.ColumnValue, 0, len(set))
	for _, at := range set {
		carried = append(carried, column(tables[newSide], at, out[at]))
	}
	return carried, true
}

package row

import "slices"

// build makes the mapping of the plans: tables with the columns carried, in the tables' own order.
func (b *builder) build() *Mapping {
	m := &Mapping{old: &Table{Name: b.old.Name}, new: &Table{Name: b.new.Name}}
	var from, to []string
	for _, p := range b.plans {
		from, to = append(from, p.from...), append(to, p.to...)
	}
	for i := range b.old.Columns {
		if slices.Contains(from, b.old.Columns[i].Name) {
			m.old.Columns = append(m.old.Columns, b.old.Columns[i])
		}
	}
	for i := range b.new.Columns {
		name := b.new.Columns[i].Name
		v, alone := b.defaults[name]
		if alone {
			m.once, m.defaults = append(m.once, len(m.new.Columns)), append(m.defaults, v)
		}
		if alone || slices.Contains(to, name) {
			m.new.Columns = append(m.new.Columns, b.new.Columns[i])
		}
	}
	for _, p := range b.plans {
		s := p.step
		for _, name := range p.from {
			s.From = append(s.From, m.old.Index(name))
		}
		for _, name := range p.to {
			s.To = append(s.To, m.new.Index(name))
		}
		m.steps = append(m.steps, s)
	}
	return m
}

// key pairs the columns of both primary keys.
func (b *builder) key(m *Mapping) {
	for _, at := range b.old.Key {
		m.old.Key = append(m.old.Key, m.old.Index(b.old.Columns[at].Name))
	}
	for _, at := range b.new.Key {
		m.new.Key = append(m.new.Key, m.new.Index(b.new.Columns[at].Name))
	}
	if len(m.old.Key) == 0 || len(m.new.Key) == 0 {
		b.fail("name", b.rule.Name, "a side has no primary key; rows are told apart by it")
		return
	}
	if len(m.old.Key) != len(m.new.Key) || slices.Contains(m.old.Key, -1) {
		b.fail("columns", "", "the primary key of the old side (%s) is not that of the new side (%s); carry each of its columns to one of the other", keyNames(b.old), keyNames(b.new))
		return
	}
	m.ordered = true
	for i := range m.new.Key {
		s := m.stepTo(m.new.Key[i])
		if s == nil || len(s.From) != 1 || len(s.To) != 1 || !slices.Contains(m.old.Key, s.From[0]) {
			b.fail("columns", b.new.Columns[b.new.Key[i]].Name, "is part of the primary key of the new side (%s); carry a column of the old side's key (%s) to it", keyNames(b.new), keyNames(b.old))
			continue
		}
		at := slices.Index(m.old.Key, s.From[0])
		m.keys = append(m.keys, keyStep{old: at, new: i, step: s})
		m.ordered = m.ordered && at == i && s.monotone(m.old.Columns[s.From[0]].Type, m.new.Columns[s.To[0]].Type)
	}
}

func keyNames(t *Table) string {
	n := &Table{}
	for _, at := range t.Key {
		n.Columns = append(n.Columns, t.Columns[at])
	}
	return names(n)
}

// stepTo is the step that gives a column of the new side its value.
func (m *Mapping) stepTo(at int) *Step {
	for i := range m.steps {
		if slices.Contains(m.steps[i].To, at) {
			return &m.steps[i]
		}
	}
	return nil
}

// monotone says that values sort on both sides alike.
func (s *Step) monotone(from, to Type) bool {
	if s.Zone != nil || s.Empty || len(s.Values) > 0 || s.Read != from {
		return false
	}
	number := func(t Type) bool { return t == Integer || t == Decimal || t == Bool }
	if from == to || number(from) && number(to) {
		return true
	}
	switch (pair{from, to}) {
	case pair{Text, UUID}, pair{UUID, Text}, pair{Bytes, UUID}, pair{UUID, Bytes}, pair{Date, Local}, pair{Local, Date}:
		return true
	}
	return false
}

// special holds the columns with a meaning of their own against their tables.
func (b *builder) special(m *Mapping) {
	need := func(path, name string, fits func(Type) bool, what string) {
		if name == "" {
			return
		}
		at := m.old.Index(name)
		if at < 0 {
			b.fail(path, name, "is no column of the old side that is carried; carried are %s", names(m.old))
			return
		}
		for i := range m.steps {
			s := &m.steps[i]
			if !slices.Contains(s.From, at) {
				continue
			}
			for _, to := range s.To {
				if fits != nil && (!fits(m.old.Columns[at].Type) || !fits(m.new.Columns[to].Type)) {
					b.fail(path, name, "is %s on the old and %s on the new side; it must be %s on both", m.old.Columns[at].Type, m.new.Columns[to].Type, what)
				}
			}
			if path == "version" && !s.Plain() {
				b.fail(path, name, "must be the same number on both sides; leave scale and values out")
			}
		}
	}
	need("version", b.rule.Version, func(t Type) bool { return t == Integer || t == Decimal }, "an integer")
	need("owner", b.rule.Owner, func(t Type) bool { return t == Text }, "text")
	need("settled", b.rule.Settled, func(t Type) bool { return t == Local || t == Instant }, "a time")
	for _, name := range b.rule.Money {
		need("money", name, nil, "")
	}
}

package row

import (
	"slices"

	"jindu.dev/jindu/internal/kit/kind"
)

// Mapping carries rows of a table of the old side into the form of the new side and back. Its rows hold the
// columns that are carried, in the order of Old and New.
type Mapping struct {
	old, new *Table
	steps    []Step
	once     []int   // columns of new
	defaults []Value // theirs
	keys     []keyStep
	ordered  bool
}

// keyStep carries one column of the key.
type keyStep struct {
	old, new int // positions in the keys
	step     *Step
}

// Old is the table of the old side, with the columns that are carried.
func (m *Mapping) Old() *Table { return m.old }

// New is the table of the new side, with the columns that are carried and those of Once.
func (m *Mapping) New() *Table { return m.new }

// Once are the columns of New that only the new side has, with a default: they are written once and not
// compared.
func (m *Mapping) Once() []int { return m.once }

// Ordered says that the keys of both sides sort alike, so that a range of one is a range of the other.
func (m *Mapping) Ordered() bool { return m.ordered }

// Steps are what is done, for a dialect to say it in SQL.
func (m *Mapping) Steps() []Step { return m.steps }

func width(t *Table, r Row) error {
	if len(r) != len(t.Columns) {
		return kind.New(kind.Invalid, "JD-ROW-004", "table %s: a row of %d values for %d columns; the table was altered: read it again", t.Name, len(r), len(t.Columns))
	}
	return nil
}

// Forward carries a row of Old to New.
func (m *Mapping) Forward(r Row) (Row, error) {
	if err := width(m.old, r); err != nil {
		return nil, err
	}
	out := make(Row, len(m.new.Columns))
	for i := range m.steps {
		if err := m.steps[i].forward(r, out, m); err != nil {
			return nil, err
		}
	}
	for i, at := range m.once {
		out[at] = m.defaults[i]
	}
	return out, nil
}

// Backward carries a row of New to Old.
func (m *Mapping) Backward(r Row) (Row, error) {
	if err := width(m.new, r); err != nil {
		return nil, err
	}
	out := make(Row, len(m.old.Columns))
	for i := range m.steps {
		if err := m.steps[i].backward(r, out, m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ForwardKey carries a key of Old to New. One that would not come back the same is an error: two rows must
// not become one.
func (m *Mapping) ForwardKey(k Key) (Key, error) {
	if len(k) != len(m.old.Key) {
		return nil, width(m.old, Row(k))
	}
	out := make(Key, len(k))
	for _, s := range m.keys {
		from, to := &m.old.Columns[m.old.Key[s.old]], &m.new.Columns[m.new.Key[s.new]]
		v, err := s.step.one(k[s.old], from, to)
		if err != nil {
			return nil, err
		}
		if !s.step.Plain() || from.Type != to.Type || to.Padded {
			if back, err := s.step.oneBack(v, from, to); err != nil || back != k[s.old] {
				return nil, cannot(from, "is part of the key and would not come back the same")
			}
		}
		out[s.new] = v
	}
	return out, nil
}

// BackwardKey carries a key of New to Old.
func (m *Mapping) BackwardKey(k Key) (Key, error) {
	if len(k) != len(m.new.Key) {
		return nil, width(m.new, Row(k))
	}
	out := make(Key, len(k))
	for _, s := range m.keys {
		from, to := &m.old.Columns[m.old.Key[s.old]], &m.new.Columns[m.new.Key[s.new]]
		v, err := s.step.oneBack(k[s.new], from, to)
		if err != nil {
			return nil, err
		}
		out[s.old] = v
	}
	return out, nil
}

// Lost names the columns of Old whose values would not come back the same, or cannot be carried.
func (m *Mapping) Lost(r Row) []string {
	if width(m.old, r) != nil {
		return nil
	}
	var lost []string
	forth, back := make(Row, len(m.new.Columns)), make(Row, len(m.old.Columns))
	for i := range m.steps {
		s := &m.steps[i]
		err := s.forward(r, forth, m)
		if err == nil {
			err = s.backward(forth, back, m)
		}
		for _, at := range s.From {
			if err != nil || back[at] != r[at] {
				lost = append(lost, m.old.Columns[at].Name)
			}
		}
	}
	slices.Sort(lost)
	return lost
}

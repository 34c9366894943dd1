package row

import (
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
)

// Step carries one column of the old side to one of the new, one to several (it splits), or several to one
// (it joins).
type Step struct {
	From, To []int // indices in Mapping.Old and Mapping.New
	Split    string
	Scale    int
	Zone     *Zone
	Values   map[string]string // canonical text of the old side to that of the new
	back     map[string]string
	Empty    bool // NULL of the one side is the empty text of the other
	Read     Type // what the old value is read as: its column's type unless the rule says otherwise
}

// Plain says that the step carries one column to one without any rule.
func (s *Step) Plain() bool {
	return len(s.From) == 1 && len(s.To) == 1 && s.Scale == 0 && s.Zone == nil && len(s.Values) == 0 && !s.Empty
}

func cannot(c *Column, why string) error {
	return kind.New(kind.Invalid, "JD-ROW-003", "column %s: the value %s; correct the row, or the rule of the column", c.Name, why)
}

func (s *Step) forward(in Row, out Row, m *Mapping) error {
	switch {
	case len(s.To) > 1:
		return split(in[s.From[0]], out, s.To, s.Split, m.new)
	case len(s.From) > 1:
		v, err := joined(in, s.From, s.Split, m.old)
		out[s.To[0]] = v
		return err
	}
	from, to := &m.old.Columns[s.From[0]], &m.new.Columns[s.To[0]]
	v, err := s.one(in[s.From[0]], from, to)
	out[s.To[0]] = v
	return err
}

func (s *Step) backward(in Row, out Row, m *Mapping) error {
	switch {
	case len(s.To) > 1:
		v, err := joined(in, s.To, s.Split, m.new)
		out[s.From[0]] = v
		return err
	case len(s.From) > 1:
		return split(in[s.To[0]], out, s.From, s.Split, m.old)
	}
	from, to := &m.old.Columns[s.From[0]], &m.new.Columns[s.To[0]]
	v, err := s.oneBack(in[s.To[0]], from, to)
	out[s.From[0]] = v
	return err
}

// one carries a value to the new side.
func (s *Step) one(v Value, from, to *Column) (Value, error) {
	if v.Null {
		return s.null(to, from)
	}
	if s.Empty && v.Text == "" && (!from.Nullable || to.EmptyNull) || to.EmptyNull && to.Type == Text && v.Text == "" {
		return s.none(to)
	}
	if to, ok := s.Values[v.Text]; ok {
		return Value{Text: to}, nil
	}
	if _, ok := s.back[v.Text]; ok {
		return Value{}, cannot(from, "has no translation, and is what another one is translated to")
	}
	text := v.Text
	var ok bool
	read := *from
	if s.Read != from.Type {
		read.Type, read.Scale, read.Length, read.Padded = s.Read, -1, 0, false
		if text, ok = convert(text, from.Type, &read); !ok {
			return Value{}, cannot(from, "cannot be read as "+s.Read.String())
		}
	}
	if s.Scale != 0 && !special(text) {
		text = scaled(text, s.Scale)
		if read.Type = Integer; !isInteger(text) {
			read.Type = Decimal
		}
	}
	if s.Zone != nil {
		if text, ok = s.Zone.cross(text, read.Type); !ok {
			return Value{}, cannot(from, "is no time that a zone has")
		}
		read.Type = other(read.Type)
	}
	if text, ok = convert(text, read.Type, to); !ok {
		return Value{}, cannot(from, "cannot be written as "+to.Type.String())
	}
	return fitted(text, to)
}

// oneBack carries a value to the old side.
func (s *Step) oneBack(v Value, from, to *Column) (Value, error) {
	if v.Null {
		return s.null(from, to)
	}
	if s.Empty && v.Text == "" && from.Nullable || from.EmptyNull && from.Type == Text && v.Text == "" {
		return s.none(from)
	}
	if back, ok := s.back[v.Text]; ok {
		return Value{Text: back}, nil
	}
	if _, ok := s.Values[v.Text]; ok {
		return Value{}, cannot(to, "has no translation, and is what another one is translated from")
	}
	text := v.Text
	var ok bool
	read := *from
	read.Type = s.Read
	if s.Read != from.Type {
		read.Scale, read.Length, read.Padded = -1, 0, false
	}
	if s.Zone != nil {
		read.Type = other(s.Read)
	}
	if s.Scale != 0 && (read.Type == Integer || read.Type == Decimal) {
		read.Type = Decimal
		if to.Type == Integer {
			read.Type = Integer
		}
	}
	if text, ok = convert(text, to.Type, &read); !ok {
		return Value{}, cannot(to, "cannot be read as "+read.Type.String())
	}
	if s.Zone != nil {
		if text, ok = s.Zone.cross(text, read.Type); !ok {
			return Value{}, cannot(to, "is no time that a zone has")
		}
		read.Type = s.Read
	}
	if s.Scale != 0 && !special(text) {
		text = scaled(text, -s.Scale)
		if read.Type = Integer; !isInteger(text) {
			read.Type = Decimal
		}
	}
	if text, ok = convert(text, read.Type, from); !ok {
		return Value{}, cannot(to, "cannot be written as "+from.Type.String())
	}
	return fitted(text, from)
}

// other is the type on the other side of a zone.
func other(t Type) Type {
	if t == Local {
		return Instant
	}
	return Local
}

func (z *Zone) cross(text string, from Type) (string, bool) {
	if from == Local {
		return z.Instant(text)
	}
	return z.Local(text)
}

func fitted(text string, c *Column) (Value, error) {
	text, why := fit(text, c)
	if why != "" {
		return Value{}, cannot(c, why)
	}
	return Value{Text: text}, nil
}

// null is what NULL becomes in a column.
func (s *Step) null(to, from *Column) (Value, error) {
	if s.Empty && !to.EmptyNull && (!to.Nullable || from.EmptyNull) {
		return Value{}, nil
	}
	return s.none(to)
}

// none is NULL in a column.
func (s *Step) none(to *Column) (Value, error) {
	if !to.Nullable {
		return Value{}, cannot(to, "is NULL, which the column does not take")
	}
	return Value{Null: true}, nil
}

// split cuts a text into columns. With fewer parts than columns the last ones are NULL.
func split(v Value, out Row, to []int, sep string, t *Table) error {
	var parts []string
	if !v.Null {
		parts = strings.SplitN(v.Text, sep, len(to))
	}
	for i, at := range to {
		if i < len(parts) {
			var err error
			if out[at], err = fitted(parts[i], &t.Columns[at]); err != nil {
				return err
			}
			continue
		}
		if !t.Columns[at].Nullable {
			return cannot(&t.Columns[at], "has no part for it")
		}
		out[at] = Value{Null: true}
	}
	return nil
}

// joined is the text of which split makes these columns.
func joined(in Row, from []int, sep string, t *Table) (Value, error) {
	if in[from[0]].Null {
		for _, at := range from {
			if !in[at].Null {
				return Value{}, cannot(&t.Columns[at], "stands behind one that is NULL")
			}
		}
		return Value{Null: true}, nil
	}
	var parts []string
	for i, at := range from {
		switch {
		case in[at].Null:
			continue
		case i > len(parts):
			return Value{}, cannot(&t.Columns[at], "stands behind one that is NULL")
		case i < len(from)-1 && strings.Contains(in[at].Text, sep):
			return Value{}, cannot(&t.Columns[at], "has the separator in it")
		}
		parts = append(parts, in[at].Text)
	}
	return Value{Text: strings.Join(parts, sep)}, nil
}

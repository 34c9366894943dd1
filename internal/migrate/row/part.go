package row

// ForwardPart carries what is known of a row of Old to New: known says which of its columns are. It returns the
// row and the columns of New that could be worked out from them, in their order.
func (m *Mapping) ForwardPart(r Row, known func(i int) bool) (out Row, set []int, err error) {
	if err := width(m.old, r); err != nil {
		return nil, nil, err
	}
	out = make(Row, len(m.new.Columns))
	have := make([]bool, len(m.new.Columns))
	for i := range m.steps {
		s := &m.steps[i]
		all := len(s.From) > 0
		for _, at := range s.From {
			all = all && known(at)
		}
		if !all {
			continue
		}
		if err := s.forward(r, out, m); err != nil {
			return nil, nil, err
		}
		for _, at := range s.To {
			have[at] = true
		}
	}
	for i, ok := range have {
		if ok {
			set = append(set, i)
		}
	}
	return out, set, nil
}

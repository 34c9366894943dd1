package compare

import "strings"

// lists compares two lists. Elements are paired before they are compared, so that one lost, moved or
// changed element is named as that and not as a change of all that follow:
//  1. equal elements pair up, at the same index first;
//  2. the remaining objects pair up by a member that identifies them, if there is one;
//  3. what still remains pairs up in order when the lists are of one length.
//
// Other lengths are reported at the list, so is another order of the elements paired by 1 and 2.
func (d *differ) lists(a, b *Value) {
	m := matching{a: a.Kids, b: b.Kids, at: make([]int, len(a.Kids)), taken: make([]bool, len(b.Kids))}
	for i := range m.at {
		m.at[i] = -1
	}
	m.equalElements()
	if key := m.identity(); key != "" {
		m.byKey(key)
	}
	set := a.form == formSet && b.form == formSet
	if set {
		m.byLikeness()
	}
	moved := !set && m.moved()
	if len(a.Kids) != len(b.Kids) {
		d.add(KindLength, a, b)
	} else {
		m.inOrder()
		if moved {
			d.add(KindOrder, a, b)
		}
	}
	for i, j := range m.at {
		if j >= 0 {
			d.value(&a.Kids[i], &b.Kids[j])
		}
	}
}

// matching pairs the elements of two lists: at[i] is the index in b of a[i]'s partner, -1 for none.
type matching struct {
	a, b  []Value
	at    []int
	taken []bool
}

func (m *matching) pair(i, j int) {
	m.at[i] = j
	m.taken[j] = true
}

func (m *matching) equalElements() {
	for i := range min(len(m.a), len(m.b)) {
		if m.a[i].hash == m.b[i].hash {
			m.pair(i, i)
		}
	}
	free := map[uint64][]int{}
	for j := range m.b {
		if !m.taken[j] {
			free[m.b[j].hash] = append(free[m.b[j].hash], j)
		}
	}
	for i := range m.a {
		if at := free[m.a[i].hash]; m.at[i] < 0 && len(at) > 0 {
			m.pair(i, at[0])
			free[m.a[i].hash] = at[1:]
		}
	}
}

// identity is the member that identifies the elements which are still alone: a scalar in all of them,
// different in each, with at least half of its values on both sides. Most values in common win, then
// names such as id or code, then the first by name.
func (m *matching) identity() string {
	var first *Value
	for i := range m.a {
		if m.at[i] < 0 {
			first = &m.a[i]
			break
		}
	}
	if first == nil || first.Type != Object {
		return ""
	}
	best, score := "", 0
	for _, name := range names(first) {
		if n := 2 * m.common(name); n > 0 {
			if looksLikeIdentity(name) {
				n++
			}
			if n > score {
				best, score = name, n
			}
		}
	}
	return best
}

func looksLikeIdentity(name string) bool {
	name = name[strings.IndexByte(name, 0)+1:]
	switch strings.ToLower(name) {
	case "id", "key", "code", "sku", "no", "name", "uuid":
		return true
	}
	return strings.HasSuffix(name, "Id") || strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "No")
}

// common counts the values of a member that both sides have, 0 when it does not identify.
func (m *matching) common(name string) int {
	left, ok := index(m.a, name, func(i int) bool { return m.at[i] < 0 })
	if !ok {
		return 0
	}
	right, ok := index(m.b, name, func(j int) bool { return !m.taken[j] })
	if !ok {
		return 0
	}
	n := 0
	for value := range left {
		if _, ok := right[value]; ok {
			n++
		}
	}
	if 2*n < min(len(left), len(right)) {
		return 0
	}
	return n
}

// index finds elements by the value of a member; false when one of them lacks it or two share a value.
func index(list []Value, name string, alone func(int) bool) (map[string]int, bool) {
	byValue := map[string]int{}
	for i := range list {
		if !alone(i) {
			continue
		}
		v := list[i].at(name)
		if v == nil || v.Type != String && v.Type != Number {
			return nil, false
		}
		if _, ok := byValue[v.Text]; ok {
			return nil, false
		}
		byValue[v.Text] = i
	}
	return byValue, true
}

func (m *matching) byKey(name string) {
	right, ok := index(m.b, name, func(j int) bool { return !m.taken[j] })
	if !ok {
		return
	}
	for i := range m.a {
		if m.at[i] >= 0 {
			continue
		}
		if j, ok := right[m.a[i].at(name).Text]; ok {
			m.pair(i, j)
		}
	}
}

// inOrder pairs what is left, first with first.
func (m *matching) inOrder() {
	j := 0
	for i := range m.a {
		if m.at[i] >= 0 {
			continue
		}
		for m.taken[j] {
			j++
		}
		m.pair(i, j)
	}
}

// moved says whether the pairs found so far stand in another order on the two sides.
func (m *matching) moved() bool {
	last := -1
	for _, j := range m.at {
		if j >= 0 {
			if j < last {
				return true
			}
			last = j
		}
	}
	return false
}

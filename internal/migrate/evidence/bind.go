package evidence

import "jindu.dev/jindu/internal/migrate/compare"

// Bounds of what is bound.
const (
	maxTraces   = 512 // traces remembered, the oldest goes first
	maxBindings = 256 // ids of one trace
)

// binding is a bijection between the ids of the old answer and those of another. Both sides allocate ids
// of their own; what must hold is that one old id is always the same new id and the other way round. An
// id that was swapped, mixed up or made up breaks it.
type binding struct {
	to, from map[string]string
}

// keeps binds the pair on first sight and says whether it agrees with what was bound before.
func (b *binding) keeps(old, fresh string) bool {
	if b.to == nil {
		b.to, b.from = map[string]string{}, map[string]string{}
	}
	x, known := b.to[old]
	y, taken := b.from[fresh]
	if known || taken {
		return known && taken && x == fresh && y == old
	}
	if len(b.to) < maxBindings {
		b.to[old], b.from[fresh] = fresh, old
	}
	return true
}

// keepsAll says whether every pair of ids of a difference agrees.
func (b *binding) keepsAll(d *compare.Difference) bool {
	ok := true
	for i := range d.Pairs {
		p := &d.Pairs[i]
		if p.Kind != compare.KindValue || !p.Old.Scalar() || !p.New.Scalar() || !b.keeps(p.Old.Text, p.New.Text) {
			ok = false
		}
	}
	return ok
}

// sides are the bindings of one trace or one answer: to the second old answer and to the new one.
type sides struct{ second, fresh binding }

// traces keeps the bindings of the latest traces.
type traces struct {
	byID map[string]*sides
	ring []string
	next int
}

// of returns the bindings of a trace; those of an answer without a trace are its own.
func (t *traces) of(id string) *sides {
	if id == "" {
		return &sides{}
	}
	if s, ok := t.byID[id]; ok {
		return s
	}
	if t.byID == nil {
		t.byID = map[string]*sides{}
	}
	if len(t.ring) < maxTraces {
		t.ring = append(t.ring, id)
	} else {
		delete(t.byID, t.ring[t.next])
		t.ring[t.next] = id
		t.next = (t.next + 1) % maxTraces
	}
	s := &sides{}
	t.byID[id] = s
	return s
}

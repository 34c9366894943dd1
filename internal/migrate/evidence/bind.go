package evidence

import (
	"strings"

	"jindu.dev/jindu/internal/migrate/compare"
)

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

// keepsAll says whether every pair of ids of a difference agrees. The numbers of a sequence are bound
// within what it counts: order 57 and line 57 have nothing in common.
func (b *binding) keepsAll(d *compare.Difference, space string) bool {
	ok := true
	for i := range d.Pairs {
		p := &d.Pairs[i]
		if p.Kind != compare.KindValue || !p.Old.Scalar() || !p.New.Scalar() {
			ok = false
			continue
		}
		old, fresh := p.Old.Text, p.New.Text
		if space != "" && counted(p.Old) && counted(p.New) {
			old, fresh = space+" "+old, space+" "+fresh
		}
		ok = b.keeps(old, fresh) && ok
	}
	return ok
}

// sequence says whether a path is named like an id, and what a sequence there counts: orders, for the id
// of a row of orders, order_id elsewhere, and the id in order:{}. A path of another name counts for itself.
func sequence(path string) (space string, named bool) {
	for _, end := range [...]string{".to", ".from", ".by"} { // of a change: its column has the name
		if rest, ok := strings.CutSuffix(path, end); ok && strings.Contains(rest, ".change.") {
			path = rest
		}
	}
	at := strings.LastIndexByte(path, '.')
	base, named := identity(path[at+1:])
	if !named || at < 0 {
		return path, named
	}
	if base != "" {
		return plural(base), true
	}
	parent := strings.TrimSuffix(path[:at], "[]")
	if group, ok := strings.CutPrefix(path, "effects."); ok {
		_, group, _ = strings.Cut(group, ".") // the kind
		if kind, rest, quoted := strings.Cut(path[len("effects."):], `["`); quoted && !strings.Contains(kind, ".") {
			group = rest
		}
		group, rest, _ := strings.Cut(group, "[]")
		if strings.Contains(rest, "body") || strings.Contains(rest, "arg") {
			return path, true
		}
		if before, _, templated := strings.Cut(group, "{}"); templated {
			group = before
		}
		parent = strings.TrimRight(group, `:/|."]`)
	}
	parent = parent[strings.LastIndexAny(parent, `.:/|"`)+1:]
	if parent == "$" || parent == "" {
		return path, true
	}
	return plural(parent), true
}

// identity cuts what makes a name that of an id; a number of something is another sequence than its id.
func identity(name string) (base string, ok bool) {
	lower := strings.ToLower(name)
	switch {
	case lower == "id":
		return "", true
	case strings.HasSuffix(name, "Id"), strings.HasSuffix(name, "ID"), strings.HasSuffix(name, "_id"):
		return lower[:len(lower)-2], true
	case strings.HasSuffix(name, "No"), strings.HasSuffix(name, "_no"):
		return lower, true
	}
	return "", false
}

// plural writes the names of a thing and of a table of them alike.
func plural(name string) string {
	return strings.TrimSuffix(strings.Trim(strings.ReplaceAll(strings.ToLower(name), "_", ""), "-"), "s") + "s"
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

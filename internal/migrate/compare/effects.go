package compare

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// form is how a value of effects is compared, where that is not as in an answer.
type form uint8

const (
	formPlain   form = iota
	formNames        // an object of tables, topics, templates: its keys are names, whatever they look like
	formSet          // a list whose order means nothing
	formElement      // something done: with another operation nothing else compares
	formChange       // what became of a column: by, from, to
)

// Members of an element and of a change.
const (
	memberOp   = "op"
	memberBy   = "by"
	memberFrom = "from"
	memberTo   = "to"
)

// readEffects reads what writeset.Document wrote. What cannot be read is compared by digest: never silently
// passed over.
func readEffects(doc []byte) *Value {
	if doc == nil {
		return nil
	}
	root, err := parseJSON(string(doc))
	if err != nil || root.Type != Object {
		sum := sha256.Sum256(doc)
		return &Value{Type: String, Text: strconv.Itoa(len(doc)) + " bytes sha256:" + hex.EncodeToString(sum[:])}
	}
	root.form = formNames
	for i := range root.Kids {
		kind := &root.Kids[i]
		kind.form = formNames
		for j := range kind.Kids {
			shape(kind.Key, &kind.Kids[j])
		}
	}
	return &root
}

// shape says how what was done to one table, topic or template is compared.
func shape(kind string, group *Value) {
	switch kind {
	case "row":
		group.form = formSet
		for i := range group.Kids {
			e := &group.Kids[i]
			e.form = formElement
			for j := range e.Kids {
				e.Kids[j].form = formNames
				if e.Kids[j].Key == "change" {
					changes(&e.Kids[j])
				}
			}
		}
	case "redis":
		group.form = formSet
	default:
		for i := range group.Kids {
			group.Kids[i].form = formElement
		}
	}
}

func changes(columns *Value) {
	for i := range columns.Kids {
		if c := &columns.Kids[i]; c.Type == Object && c.member(memberTo) != nil {
			c.form = formChange
		}
	}
}

// names walks an object whose keys are names: it is no map, unless it has far too many.
func (t *pathTable) names(found []int32, v *Value, id int32) []int32 {
	for i := range v.Kids {
		key := v.Kids[i].Key
		at, known := t.ids[pathKey{id, key}]
		switch {
		case known:
		case t.nodes[id].members < maxNames && len(key) <= 256:
			t.nodes[id].members++
			at = t.child(id, key, step(key))
		default:
			at = t.child(id, "*", ".*")
		}
		found = t.walk(found, &v.Kids[i], at)
	}
	return found
}

// maxNames bounds the tables, topics, templates and columns of one place that are told apart.
const maxNames = 512

// decides is the member of a change that says whether two changes are the same: by how much a number was
// raised, or what any other value is now. For all other values it is nil.
func (v *Value) decides() *Value {
	if v.form != formChange {
		return nil
	}
	if by := v.member(memberBy); by != nil {
		return by
	}
	return v.member(memberTo)
}

// deeds compares what was done, kind by kind: of a kind that one side did nothing of, each group is missing,
// so that what is missing is named alike whatever else was done.
func (d *differ) deeds(a, b *Value) {
	if a.form != formNames || b.form != formNames {
		d.value(a, b)
		return
	}
	for i, j := 0, 0; i < len(a.Kids) || j < len(b.Kids); {
		switch {
		case j == len(b.Kids) || i < len(a.Kids) && a.Kids[i].Key < b.Kids[j].Key:
			d.members(a.Kids[i].Kids, nil)
			i++
		case i == len(a.Kids) || b.Kids[j].Key < a.Kids[i].Key:
			d.members(nil, b.Kids[j].Kids)
			j++
		default:
			d.members(a.Kids[i].Kids, b.Kids[j].Kids)
			i, j = i+1, j+1
		}
	}
}

// change compares what became of a column. A number was raised by as much, or set to the same: both are
// the same code on other data. Another value is compared when both sides found the same before, or when it
// is a moment, which does not come from what was there; else the data differed first.
func (d *differ) change(a, b *Value) {
	to, fresh := a.member(memberTo), b.member(memberTo)
	if to.hash == fresh.hash || d.r.equal(to.path, to, fresh) {
		return
	}
	if by, other := a.member(memberBy), b.member(memberBy); by != nil && other != nil {
		d.value(by, other)
		return
	}
	from, found := a.member(memberFrom), b.member(memberFrom)
	_, moment := MomentOf(to)
	_, second := MomentOf(fresh)
	if from != nil && found != nil && from.hash != found.hash && (!moment || !second) {
		d.add(KindState, from, found)
		return
	}
	d.value(to, fresh)
}

func otherOp(a, b *Value) bool {
	x, y := a.member(memberOp), b.member(memberOp)
	return x != nil && y != nil && x.hash != y.hash
}

// at finds a member of a value by name, or a member of a member by both names with a point between.
func (v *Value) at(name string) *Value {
	outer, inner, nested := strings.Cut(name, "\x00")
	m := v.member(outer)
	if nested && m != nil {
		return m.member(inner)
	}
	return m
}

// names are the members that may identify an element: its own, and of something done those one level below.
func names(v *Value) []string {
	out := make([]string, 0, len(v.Kids))
	for i := range v.Kids {
		kid := &v.Kids[i]
		if v.form != formElement || kid.Type != Object {
			out = append(out, kid.Key)
			continue
		}
		for j := range kid.Kids {
			out = append(out, kid.Key+"\x00"+kid.Kids[j].Key)
		}
	}
	return out
}

// maxLikened bounds the elements that are paired by likeness: it takes the square of their number.
const maxLikened = 64

// byLikeness pairs the elements that are still alone with those most like them, the most alike first.
func (m *matching) byLikeness() {
	var left, right []int
	for i := range m.a {
		if m.at[i] < 0 {
			left = append(left, i)
		}
	}
	for j := range m.b {
		if !m.taken[j] {
			right = append(right, j)
		}
	}
	if len(left) > maxLikened || len(right) > maxLikened || len(left)+len(right) <= 2 {
		return
	}
	score := make([]int, len(left)*len(right))
	for x, i := range left {
		for y, j := range right {
			score[x*len(right)+y] = likeness(&m.a[i], &m.b[j])
		}
	}
	for range min(len(left), len(right)) {
		best, at := -1, 0
		for k, s := range score {
			if s > best {
				best, at = s, k
			}
		}
		x, y := at/len(right), at%len(right)
		m.pair(left[x], right[y])
		for k := range score {
			if k/len(right) == x || k%len(right) == y {
				score[k] = -1
			}
		}
	}
}

// likeness counts what two elements have in common, two levels deep; the same operation counts most.
func likeness(a, b *Value) int {
	n := 0
	for i := range a.Kids {
		x := &a.Kids[i]
		y := b.member(x.Key)
		switch {
		case y == nil:
		case x.hash == y.hash:
			n += 1 + len(x.Kids)
			if x.Key == memberOp {
				n += 64
			}
		case x.Type == Object && y.Type == Object:
			n += commonMembers(x, y)
		}
	}
	return n
}

func commonMembers(a, b *Value) int {
	n := 0
	for i := range a.Kids {
		if y := b.member(a.Kids[i].Key); y != nil && y.hash == a.Kids[i].hash {
			n++
		}
	}
	return n
}

// EffectsPath is the path of a place in effects: kind, group, then members, "[]" for a list's elements.
func EffectsPath(places ...string) string {
	var b strings.Builder
	b.WriteString("effects")
	for _, place := range places {
		if place == "[]" {
			b.WriteString(place)
		} else {
			b.WriteString(step(place))
		}
	}
	return b.String()
}

package compare

import "strings"

// Kind says how two values differ.
type Kind string

// The kinds of differences.
const (
	KindValue   Kind = "value"   // other text, same type
	KindType    Kind = "type"    // other type
	KindMissing Kind = "missing" // only the old side has it
	KindExtra   Kind = "extra"   // only the new side has it
	KindOrder   Kind = "order"   // same elements, other order
	KindLength  Kind = "length"  // other number of elements
	KindStatus  Kind = "status"  // other status
	KindFailure Kind = "failure" // one side failed, or each in its way
	KindState   Kind = "state"   // the sides found other data before they did something: no sign of either's code
)

// maxPairs bounds the pairs kept of one path; further ones are counted.
const maxPairs = 256

// Pair is one place where two answers differ. Old or New is nil where there is no value.
type Pair struct {
	Kind     Kind
	Old, New *Value
}

// Difference is all that differs at one field path.
type Difference struct {
	ID    int32  // number of the path, as in Doc.Paths
	Path  string // such as $.items[].price
	Kind  Kind   // of the first pair
	Pairs []Pair // in the order of the document
	More  int    // pairs beyond the bound
}

// Diff compares two answers, the old one first. Nothing is returned when they are alike.
func (r *Rules) Diff(a, b *Doc) []Difference {
	if a.hash == b.hash {
		return nil
	}
	d := differ{r: r}
	switch {
	case a.Failed || b.Failed:
		if a.Failed != b.Failed || a.Status.Text != b.Status.Text {
			d.add(KindFailure, &a.Status, &b.Status)
		}
		return d.out
	case a.code != b.code:
		d.add(KindStatus, &a.Status, &b.Status)
		return d.out
	}
	d.members(a.Headers, b.Headers)
	switch {
	case r.on[ruleErrorBody] && springError(a, b):
		for _, key := range [...]string{"status", "code"} {
			if x, y := a.Root.member(key), b.Root.member(key); x != nil && y != nil {
				d.value(x, y)
			}
		}
	case a.Root != nil && b.Root != nil:
		d.value(a.Root, b.Root)
	default:
		d.body(a, b)
	}
	if a.Effects != nil && b.Effects != nil {
		d.deeds(a.Effects, b.Effects)
	}
	return d.out
}

type differ struct {
	r   *Rules
	out []Difference
}

func (d *differ) add(kind Kind, a, b *Value) {
	at := a
	if at == nil {
		at = b
	}
	d.put(at.path, kind, a, b)
}

func (d *differ) put(id int32, kind Kind, a, b *Value) {
	for i := range d.out {
		if d.out[i].ID == id {
			if len(d.out[i].Pairs) == maxPairs {
				d.out[i].More++
			} else {
				d.out[i].Pairs = append(d.out[i].Pairs, Pair{kind, a, b})
			}
			return
		}
	}
	d.out = append(d.out, Difference{ID: id, Path: d.r.paths.name(id), Kind: kind, Pairs: []Pair{{kind, a, b}}})
}

// body compares bodies of which at least one is not JSON.
func (d *differ) body(a, b *Doc) {
	old, fresh := a.whole(), b.whole()
	switch {
	case old == nil && fresh == nil:
	case old == nil:
		d.put(pathBody, KindExtra, nil, fresh)
	case fresh == nil:
		d.put(pathBody, KindMissing, old, nil)
	case (a.Root == nil) != (b.Root == nil):
		d.put(pathBody, KindType, old, fresh)
	case old.Text != fresh.Text:
		d.put(pathBody, KindValue, old, fresh)
	}
}

// whole is the body as one value, nil when it is empty.
func (d *Doc) whole() *Value {
	if d.Root != nil {
		return d.Root
	}
	return d.Opaque
}

func (d *differ) value(a, b *Value) {
	switch {
	case a.hash == b.hash:
	case a.form == formChange && b.form == formChange:
		d.change(a, b)
	case a.form == formElement && otherOp(a, b):
		d.value(a.member(memberOp), b.member(memberOp)) // what else differs is the echo
	case a.Type == Object && b.Type == Object:
		d.members(a.Kids, b.Kids)
	case a.Type == Array && b.Type == Array:
		if !d.r.equal(a.path, a, b) {
			d.lists(a, b)
		}
	case d.r.equal(a.path, a, b):
	case a.Type != b.Type:
		d.add(KindType, a, b)
	default:
		d.add(KindValue, a, b)
	}
}

// members compares two lists of named values, both sorted by name.
func (d *differ) members(a, b []Value) {
	for len(a) > 0 || len(b) > 0 {
		order := -1
		switch {
		case len(a) == 0:
			order = 1
		case len(b) > 0:
			order = strings.Compare(a[0].Key, b[0].Key)
		}
		switch {
		case order == 0:
			d.value(&a[0], &b[0])
			a, b = a[1:], b[1:]
		case order < 0:
			if !d.r.equal(a[0].path, &a[0], nil) {
				d.add(KindMissing, &a[0], nil)
			}
			a = a[1:]
		default:
			if !d.r.equal(b[0].path, nil, &b[0]) {
				d.add(KindExtra, nil, &b[0])
			}
			b = b[1:]
		}
	}
}

// springError says whether both answers are errors in JSON and one has the shape of Spring's.
func springError(a, b *Doc) bool {
	if a.code < 400 || a.Root == nil || b.Root == nil || a.Root.Type != Object || b.Root.Type != Object {
		return false
	}
	return springShape(a.Root) || springShape(b.Root)
}

func springShape(v *Value) bool {
	for _, key := range [...]string{"timestamp", "status", "error", "path"} {
		if v.member(key) == nil {
			return false
		}
	}
	return true
}

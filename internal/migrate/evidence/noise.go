package evidence

import (
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
)

// What it takes to class a path.
const (
	provenAfter = 30   // old/old clusters without a difference: deterministic
	classAfter  = 5    // old/old differences that one class explains
	fitShare    = 0.98 // of them that it must explain once they are many
	commonForm  = 0.02 // a form that is rarer among old values is no usual one
	maxForms    = 24   // forms kept of a path
	maxClock    = time.Hour
	maxSpread   = 0.5
	maxWords    = 32 // different values of a flaky field that is judged by the values it may have
	freshDraws  = 64 // differences watched to tell ids from words
	maxMeasure  = 15 // digits of a number from which on it is an id, no measure
)

// noise learns how a path behaves when the old side is asked twice. What it learned from the answers so
// far judges the next one: under the hypothesis that new is another old, the second old and the new answer
// are judged alike, whatever was learned. So a class decides what can be found, never whether the test is
// valid.
type noise struct {
	named bool  // the path is named like an id, so that whole numbers there count things up
	makes bool  // requests of the endpoint make things, so that a number that always rises may be one of theirs
	kept  int64 // differences that kept to the bijection, of ids or whole numbers
	risen int64 // differences in which the second old answer had a whole number above that of the first
	shown int64 // old/old clusters that showed the path
	diffs int64 // old/old observations that differed
	fits  [fitCount]int64

	forms  map[string]int64 // how differing values are written
	formed int64
	clock  time.Duration       // largest distance of two old moments
	spread float64             // largest relative distance of two old numbers
	words  map[uint64]struct{} // values of old answers where they differed; at most maxWords+1
	drawn  int                 // of the first differences, and
	fresh  int                 // how many of those brought a value never seen
}

// The classes that explain a difference, the first that does wins.
const (
	fitTime = iota
	fitOrder
	fitTolerance
	fitID
	fitCount
)

var fitClass = [fitCount]v1.NoiseClass{v1.NoiseTimeLike, v1.NoiseOrderFree, v1.NoiseTolerance, v1.NoiseIDLike}

// class is the class by what was seen so far. tripled is the number of old/old clusters of the endpoint:
// they are the proof for a path that the old side never showed.
func (n *noise) class(tripled int64) v1.NoiseClass {
	if n.diffs == 0 {
		proof := n.shown
		if proof == 0 {
			proof = tripled
		}
		if proof >= provenAfter {
			return v1.NoiseDeterministic
		}
		return v1.NoiseUnknown
	}
	if n.diffs < classAfter {
		return v1.NoiseUnknown
	}
	if n.counts() && explains(n.kept, n.diffs) {
		return v1.NoiseIDLike
	}
	for fit, hits := range n.fits {
		if explains(hits, n.diffs) {
			if fit == fitID && !n.unlikeWords() {
				continue
			}
			return fitClass[fit]
		}
	}
	return v1.NoiseUnknown
}

func explains(hits, diffs int64) bool {
	return hits == diffs || diffs >= 50 && float64(hits) >= fitShare*float64(diffs)
}

// counts says whether the path shows a sequence, by its name or, where requests make things, because its
// number always rises and never comes again: then it is no measure, however near two of its values are. The two sides count each for
// itself, so that nothing but the bijection says whether a number is right.
func (n *noise) counts() bool {
	return n.named || n.makes && n.diffs >= classAfter && explains(n.risen, n.diffs) && n.unlikeWords()
}

// unlikeWords says whether differing values hardly ever come again, as those of ids.
func (n *noise) unlikeWords() bool { return float64(n.fresh) >= 0.8*float64(n.drawn) }

// wordy says whether the path is noisy in a few values only, such as HIT and MISS.
func (n *noise) wordy() bool { return n.diffs >= classAfter && len(n.words) <= maxWords }

// learn takes one difference between two old answers. bound says that its values kept to the bijection.
func (n *noise) learn(d *compare.Difference, bound bool) {
	n.diffs++
	n.watch(&d.Pairs[0])
	ok := [fitCount]bool{true, true, true, bound}
	kept := bound
	if rises(d) {
		n.risen++
	}
	for i := range d.Pairs {
		p := &d.Pairs[i]
		n.word(p.Old)
		n.word(p.New)
		ok[fitOrder] = ok[fitOrder] && p.Kind == compare.KindOrder
		if p.Kind != compare.KindValue {
			ok[fitTime], ok[fitTolerance], ok[fitID], kept = false, false, false, false
			continue
		}
		if gap, timed := clockGap(p); timed && gap <= maxClock {
			n.clock = max(n.clock, gap)
		} else {
			ok[fitTime] = false
		}
		if spread, numeric := compare.Spread(p.Old, p.New); numeric && spread <= maxSpread && len(p.Old.Text) < maxMeasure {
			n.spread = max(n.spread, spread)
		} else {
			ok[fitTolerance] = false
		}
		ok[fitID] = ok[fitID] && idShaped(p.Old) && idShaped(p.New)
		kept = kept && (ok[fitID] || counted(p.Old) && counted(p.New))
		n.form(p.Old)
		n.form(p.New)
	}
	if kept {
		n.kept++
	}
	for fit := range ok {
		if ok[fit] {
			n.fits[fit]++
		}
	}
}

// watch counts over the first differences whether they bring new values.
func (n *noise) watch(p *compare.Pair) {
	if n.drawn >= freshDraws || len(n.words) > maxWords {
		return
	}
	n.drawn++
	if _, known := n.words[wordOf(p.New)]; !known {
		n.fresh++
	}
}

func (n *noise) word(v *compare.Value) {
	if n.words == nil {
		n.words = map[uint64]struct{}{}
	}
	if len(n.words) <= maxWords {
		n.words[wordOf(v)] = struct{}{}
	}
}

// known judges a difference of a wordy path: whether every new value is one that the old side has, too.
func (n *noise) known(d *compare.Difference) bool {
	for i := range d.Pairs {
		if _, ok := n.words[wordOf(d.Pairs[i].New)]; !ok {
			return false
		}
	}
	return true
}

// wordOf is a hash of a value and its type; a list or an object is only its type.
func wordOf(v *compare.Value) uint64 {
	if v == nil {
		return 0
	}
	return hashText(v.Type.String() + v.Text)
}

func (n *noise) form(v *compare.Value) {
	if n.forms == nil {
		n.forms = map[string]int64{}
	}
	n.formed++
	form := formOf(v)
	if _, ok := n.forms[form]; ok || len(n.forms) < maxForms {
		n.forms[form]++
	}
}

func (n *noise) usual(v *compare.Value) bool {
	return float64(n.forms[formOf(v)]) >= commonForm*float64(n.formed)
}

// alike judges a difference by the predicate of a class: whether two old answers could differ so.
func (n *noise) alike(class v1.NoiseClass, d *compare.Difference, bound bool) bool {
	if class == v1.NoiseIDLike && !bound {
		return false
	}
	for i := range d.Pairs {
		p := &d.Pairs[i]
		if class == v1.NoiseOrderFree {
			if p.Kind != compare.KindOrder {
				return false
			}
			continue
		}
		if class == v1.NoiseIDLike && p.Kind == compare.KindValue && counted(p.Old) && counted(p.New) && n.counts() {
			continue // the two sides need not have counted equally far
		}
		if p.Kind != compare.KindValue || !n.usual(p.New) && formOf(p.Old) != formOf(p.New) || !n.near(class, p) {
			return false
		}
	}
	return true
}

func (n *noise) near(class v1.NoiseClass, p *compare.Pair) bool {
	switch class {
	case v1.NoiseTimeLike:
		gap, ok := clockGap(p)
		return ok && gap <= 2*n.clock+2*time.Second
	case v1.NoiseTolerance:
		spread, ok := compare.Spread(p.Old, p.New)
		return ok && spread <= 1.25*n.spread
	case v1.NoiseIDLike:
		return idShaped(p.New)
	}
	return false
}

func clockGap(p *compare.Pair) (time.Duration, bool) {
	a, ok1 := compare.MomentOf(p.Old)
	b, ok2 := compare.MomentOf(p.New)
	if !ok1 || !ok2 {
		return 0, false
	}
	return a.At.Sub(b.At).Abs(), true
}

// idShaped says whether a value could be generated: a whole number of six digits, or a text of four
// characters with a digit, or a long text, without spaces.
func idShaped(v *compare.Value) bool {
	switch v.Type {
	case compare.Number:
		return len(v.Text) >= 6 && !strings.ContainsAny(v.Text, ".eE")
	case compare.String:
		return len(v.Text) >= 4 && !strings.Contains(v.Text, " ") && (len(v.Text) >= 16 || strings.ContainsAny(v.Text, "0123456789"))
	}
	return false
}

// rises says whether every pair of a difference is of whole numbers, the second above the first.
func rises(d *compare.Difference) bool {
	for i := range d.Pairs {
		p := &d.Pairs[i]
		if p.Kind != compare.KindValue || !counted(p.Old) || !counted(p.New) {
			return false
		}
		if a, b := p.Old.Text, p.New.Text; len(a) > len(b) || len(a) == len(b) && a >= b {
			return false
		}
	}
	return true
}

// counted says whether a value could be the next of a sequence: a whole number short enough to be one.
func counted(v *compare.Value) bool {
	return v.Type == compare.Number && len(v.Text) < maxMeasure && !strings.ContainsAny(v.Text, ".eE-")
}

// formOf is how a value is written: the layout of a moment, the decimals of a number, the parts of an id
// with their length and alphabet. Trailing zeros are part of the form: they betray a 64-bit id that went
// through floating point.
func formOf(v *compare.Value) string {
	if m, ok := compare.MomentOf(v); ok {
		return m.Form
	}
	if v.Type == compare.Number {
		if scale := compare.Scale(v); scale > 0 {
			return "decimal" + letter(scale)
		}
		zeros := len(v.Text) - len(strings.TrimRight(v.Text, "0"))
		if len(v.Text) < 6 {
			return "integer"
		}
		return "digits" + letter(len(v.Text)) + letter(min(zeros, 2))
	}
	var b strings.Builder
	b.WriteString(v.Type.String())
	for i := 0; len(v.Text) > i && b.Len() < 64; {
		end := i
		for end < len(v.Text) && !separator(v.Text[end]) {
			end++
		}
		b.WriteString(part(v.Text[i:end], i == 0))
		if end < len(v.Text) {
			b.WriteByte(v.Text[end])
		}
		i = end + 1
	}
	return b.String()
}

func separator(c byte) bool { return strings.IndexByte("-_:/.@", c) >= 0 }

// part is the alphabet and length of one part of an id; a word in front stays itself. A part of digits
// may be hex that happens to have no letter, so both are one form; but zeros at the end of a long one
// are part of the form.
func part(s string, first bool) string {
	digits, lower, upper := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f':
			lower++
		case c >= 'A' && c <= 'F':
			upper++
		}
	}
	alphabet := "any"
	switch {
	case first && digits == 0 && len(s) <= 6:
		return s
	case digits == len(s) && len(s) >= 12 && strings.HasSuffix(s, "00"):
		alphabet = "digits00"
	case digits+lower == len(s):
		alphabet = "hex"
	case digits+upper == len(s):
		alphabet = "HEX"
	}
	return alphabet + letter(len(s))
}

// letter writes a small number as one character, to keep forms short.
func letter(n int) string { return string(rune('a' + min(n, 1000))) }

func hashText(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return scramble(h)
}

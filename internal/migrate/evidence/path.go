package evidence

import (
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
)

// The tests of a path and the part of its alpha that each has.
const (
	testRaw    = iota // triples, values compared as they are
	testJudged        // triples, values compared by what noise may do: the class's predicate, or known words
	testRecent        // as the first of those that applies, over one block of triples
	testPairs         // pairs against the noise of the triples around them
	testCount
)

var testLevel = [testCount]float64{0.5, 0.25, 0.125, 0.125}

// pathBits is the size of a path's cluster filters in bits: 2 KiB each, once a path has differed often.
const pathBits = 1 << 14

// maxSamples is how many differences of a path are kept to be shown.
const maxSamples = 5

// path is what is known of one field path of one endpoint.
type path struct {
	id       int32
	name     string
	kind     compare.Kind // of the first difference that counted
	noise    noise
	class    v1.NoiseClass
	clusters int64 // clusters that showed it
	tests    [testCount]track
	index    int64 // place in the order of becoming testable, from 1; 0: cannot reject yet
	subjects seen
	hits     int64 // differences that counted, for the reservoir
	first    time.Time
	samples  []v1.Sample
	space    string // what a sequence at the path counts
}

func newPath(id int32, name string) *path {
	p := &path{id: id, name: name, class: v1.NoiseUnknown, subjects: seen{bits: pathBits}}
	p.space, p.noise.named = sequence(name)
	for i := range p.tests {
		p.tests[i].clusters.bits = pathBits
	}
	return p
}

// byClass says whether differences of the path are judged by its class's predicate.
func (p *path) byClass() bool {
	return p.class != v1.NoiseUnknown && p.class != v1.NoiseDeterministic
}

// judged says whether what noise may do to the path is known, beyond that it differs.
func (p *path) judged() bool {
	return p.byClass() || p.class == v1.NoiseUnknown && p.noise.wordy()
}

// raw says whether the path is also tested as it is. Moments, ids and orders are not: a new side that is
// only slower, or sorts, would differ there without a defect.
func (p *path) raw() bool {
	return !p.byClass() || p.class == v1.NoiseTolerance
}

// reclass adopts what the noise learned says. Coins that fell under another predicate are dropped where
// they no longer mean the same; looks already spent stay spent.
func (p *path) reclass(tripled int64) {
	class := p.noise.class(tripled)
	if class == p.class {
		return
	}
	p.class = class
	p.tests[testPairs].forget()
	p.tests[testRecent].forget()
	p.tests[testJudged].forget()
	if !p.raw() {
		p.tests[testRaw].forget()
		p.tests[testRaw].at = 0
	}
}

// alike says whether two old answers could differ as d says, by what is known of the path's noise.
func (p *path) alike(d *compare.Difference, bound bool) bool {
	switch {
	case d == nil:
		return true
	case p.byClass():
		return p.noise.alike(p.class, d, bound)
	}
	return p.judged() && p.noise.known(d)
}

// triple counts the coins of one triple and says whether it spoke against the new side.
func (p *path) triple(cluster uint64, second, fresh *compare.Difference, boundSecond, boundFresh bool) bool {
	against := false
	if p.raw() {
		against = p.coin(testRaw, cluster, second == nil, fresh == nil)
		p.coin(testRecent, cluster, second == nil, fresh == nil)
	}
	if p.judged() {
		oldAlike, newAlike := p.alike(second, boundSecond), p.alike(fresh, boundFresh)
		against = p.coin(testJudged, cluster, oldAlike, newAlike) || against
		if !p.raw() {
			p.coin(testRecent, cluster, oldAlike, newAlike)
		}
	}
	return against
}

// coin is b when only the new side differs, c when only the second old one does, and none otherwise.
func (p *path) coin(test int, cluster uint64, oldAlike, newAlike bool) bool {
	if oldAlike == newAlike {
		return false
	}
	p.tests[test].event(cluster, oldAlike, 0.5)
	return oldAlike
}

// weight is the part of the migration's alpha that the i-th testable path has.
func weight(i int64) float64 { return 1 / (float64(i) * float64(i+1)) }

// look tests what changed. Recent is looked at when its block ends.
func (p *path) look(b *Book) {
	for _, test := range [...]int{testRaw, testJudged, testPairs} {
		p.lookAt(test, b)
	}
}

func (p *path) lookAt(test int, b *Book) {
	t := &p.tests[test]
	if p.index == 0 {
		if !t.couldReject(b.alpha * testLevel[test] * weight(b.tested+1)) {
			return
		}
		b.tested++
		p.index = b.tested
	}
	t.look(b.alpha * testLevel[test] * weight(p.index))
}

// best is the test that speaks loudest: the one with the smallest p-value after looks and split.
func (p *path) best() (test int, sequential float64) {
	sequential = 1
	for i := range p.tests {
		if s := p.tests[i].sequential() / testLevel[i]; p.tests[i].at > 0 && s < sequential {
			test, sequential = i, s
		}
	}
	return test, sequential
}

// coins are b and c as shown: of the test on triples that speaks louder, and the pairs.
func (p *path) coins() (against, favour int64) {
	raw, judged := &p.tests[testRaw], &p.tests[testJudged]
	t := raw
	if !p.raw() || judged.sequential() < raw.sequential() {
		t = judged
	}
	return t.against + p.tests[testPairs].against, t.favour
}

// note keeps one difference that counted: who, when, and, for some of them, what.
func (p *path) note(o *Observation, d *compare.Difference, rules *compare.Rules) {
	if p.hits == 0 {
		p.first, p.kind = o.At, d.Kind
	}
	p.hits++
	p.subjects.add(o.Subject)
	place := len(p.samples)
	if place == maxSamples {
		// A reservoir: the n-th stays with the chance 5/n. The cluster's hash is the dice.
		if place = int(scramble(o.Cluster^uint64(p.hits)) % uint64(p.hits)); place >= maxSamples {
			return
		}
	} else {
		p.samples = append(p.samples, v1.Sample{})
	}
	pair := &d.Pairs[0]
	p.samples[place] = v1.Sample{At: o.At, Old: rules.Show(d.Path, pair.Kind, pair.Old), New: rules.Show(d.Path, pair.Kind, pair.New), Trace: o.Trace}
}

package evidence

import (
	"strings"
	"time"

	"jindu.dev/jindu/internal/migrate/compare"
)

// Bounds of an endpoint.
const (
	maxEndpointPaths = 512
	endpointBits     = 1 << 17 // of its cluster filters: 16 KiB each
	block            = 512     // triples of a recent window
)

// endpoint is what is known of one endpoint.
type endpoint struct {
	name          string
	seen          time.Time
	pairs         int64 // answers compared, triples among them
	triples       int64
	notComparable int64
	states        int64 // places where the sides found other data before they changed it
	missed        int64 // of those, requests whose like can be compared: truncated, state_differs, effects_*
	clusters      seen  // all
	tripled       seen  // those with a triple
	mismatched    seen
	paths         map[int32]*path
	omitted       seen // paths beyond the bound
	inBlock       int64

	// Pairs and triples of late, for the chance that an event falls on a pair; halved now and then.
	latePairs, lateTriples float64
}

func newEndpoint(name string) *endpoint {
	return &endpoint{
		name: name, paths: map[int32]*path{},
		clusters: seen{bits: endpointBits}, tripled: seen{bits: endpointBits}, mismatched: seen{bits: pathBits}, omitted: seen{bits: pathBits},
	}
}

// pathOf returns the path, nil when it is beyond the bounds and was counted as omitted.
func (e *endpoint) pathOf(id int32, b *Book) *path {
	if p, ok := e.paths[id]; ok {
		return p
	}
	if len(e.paths) >= maxEndpointPaths || b.paths >= b.limits.Paths {
		e.omitted.add(uint64(id))
		return nil
	}
	b.paths++
	p := newPath(id, b.rules.PathName(id))
	p.noise.makes = !reads(e.name)
	e.paths[id] = p
	return p
}

// blind says that nothing of the endpoint can be compared by its nature, such as what an unsafe method did.
// It is shown and named, and holds nothing up: no traffic would ever change it.
func (e *endpoint) blind() bool { return e.pairs == 0 && e.missed == 0 }

// reads says that requests of an endpoint make nothing, by their method.
func reads(endpoint string) bool {
	method, _, _ := strings.Cut(endpoint, " ")
	return method == "GET" || method == "HEAD" || method == "OPTIONS"
}

// nowhere ends the name of the endpoint of what neither side has.
const nowhere = " (not found)"

// isLost says that neither side has what is asked for at the endpoint. How often people ask for such is
// nobody's to decide: a difference there counts, too few requests hold nothing up.
func isLost(endpoint string) bool { return strings.HasSuffix(endpoint, nowhere) }

// parsed is an observation after parsing and comparing, outside of the lock.
type parsed struct {
	shown         []int32
	second, fresh []compare.Difference
	states        int64
	against       []string // paths that spoke against the new side
	triple        bool
}

// add counts one comparable observation.
func (e *endpoint) add(b *Book, o *Observation, in *parsed) {
	e.seen = o.At
	e.pairs++
	e.states += in.states
	if e.clusters.add(o.Cluster) {
		for _, id := range in.shown {
			if p := e.pathOf(id, b); p != nil {
				p.clusters++
			}
		}
	}
	var counted bool
	// Late counts are raised after use: the chance of an event is known before the event.
	switch {
	case in.triple && o.NewFirst:
		counted = e.addTriple(b, o, in, &sides{}) // both sides are bound within the answer alone
	case in.triple:
		counted = e.addTriple(b, o, in, b.traces.of(o.Trace))
		e.lateTriples++
	default:
		counted = e.addPair(b, o, in, b.traces.of(o.Trace))
		e.latePairs++
	}
	if counted {
		e.mismatched.add(o.Cluster)
	}
	if e.latePairs+e.lateTriples > 2*block {
		e.latePairs, e.lateTriples = e.latePairs/2, e.lateTriples/2
	}
}

// addTriple counts a triple. One whose first answer is old teaches noise; what two new answers do is the new
// side's affair, but where the old side cannot be asked again it is all that there is to learn from.
func (e *endpoint) addTriple(b *Book, o *Observation, in *parsed, bound *sides) bool {
	e.triples++
	teaches := !o.NewFirst || o.Twice
	if teaches && e.tripled.add(o.Cluster) {
		for _, id := range in.shown {
			if p := e.paths[id]; p != nil {
				p.noise.shown++
			}
		}
	}
	counted := false
	each(in.second, in.fresh, func(id int32, second, fresh *compare.Difference) {
		p := e.pathOf(id, b)
		if p == nil {
			return
		}
		p.reclass(e.tripled.count() - 1) // this one is no proof yet
		if second == nil && covered(in.second, p.name) || fresh == nil && covered(in.fresh, p.name) {
			return // one of the two says nothing about the path
		}
		boundSecond, boundFresh := p.keeps(second, &bound.second), p.keeps(fresh, &bound.fresh)
		if p.triple(o.Cluster, second, fresh, boundSecond, boundFresh) && fresh != nil {
			p.note(o, fresh, b.rules)
			in.against = append(in.against, p.name)
			counted = counted || b.rules.Ignored(e.name, p.name, o.At) == nil && (p.byClass() || p.noise.diffs == 0)
		}
		if second != nil && teaches {
			// The second old answer is noise seen: a coin in favour of the new side's pairs.
			if p.class != unknown && !p.alike(second, boundSecond) {
				p.tests[testPairs].event(o.Cluster, false, e.pairShare())
			}
			p.noise.learn(second, boundSecond)
		}
		p.look(b)
	})
	if e.inBlock++; e.inBlock >= block {
		e.endBlock(b)
	}
	return counted
}

// covered says that differences leave open whether there is one at a path: where the status differs, or
// something that holds the path is missing, what is within is not compared.
func covered(differences []compare.Difference, path string) bool {
	for i := range differences {
		d := &differences[i]
		if d.Kind == compare.KindStatus || d.Kind == compare.KindFailure {
			return d.Path != path
		}
		if rest, ok := strings.CutPrefix(path, d.Path); ok && rest != "" && (rest[0] == '.' || rest[0] == '[') && d.Kind != compare.KindOrder {
			return true
		}
	}
	return false
}

func (e *endpoint) addPair(b *Book, o *Observation, in *parsed, bound *sides) bool {
	counted := false
	for i := range in.fresh {
		d := &in.fresh[i]
		p := e.pathOf(d.ID, b)
		if p == nil {
			continue
		}
		p.reclass(e.tripled.count())
		if p.class == unknown {
			continue
		}
		if p.alike(d, p.keeps(d, &bound.fresh)) {
			continue
		}
		p.tests[testPairs].event(o.Cluster, true, e.pairShare())
		p.note(o, d, b.rules)
		in.against = append(in.against, p.name)
		counted = counted || b.rules.Ignored(e.name, p.name, o.At) == nil
		p.lookAt(testPairs, b)
	}
	return counted
}

// pairShare is the chance that a difference which both kinds show alike falls on a pair: the share of
// pairs among the observations of late, rounded up.
func (e *endpoint) pairShare() float64 { return (e.latePairs + 1) / (e.latePairs + e.lateTriples + 1) }

// endBlock looks at what the last block of triples showed by itself, so that a defect that began late is
// not drowned in older noise.
func (e *endpoint) endBlock(b *Book) {
	e.inBlock = 0
	for _, p := range e.paths {
		if p.tests[testRecent].events() == 0 {
			continue
		}
		p.lookAt(testRecent, b)
		p.tests[testRecent].forget()
	}
}

// keeps says whether a difference keeps to the bijection of ids; only ids are bound.
func (p *path) keeps(d *compare.Difference, to *binding) bool {
	if d == nil {
		return true
	}
	if p.class != idLike && (p.byClass() || !mayBeIDs(d)) {
		return false
	}
	return to.keepsAll(d, p.space)
}

func mayBeIDs(d *compare.Difference) bool {
	for i := range d.Pairs {
		p := &d.Pairs[i]
		if p.Kind == compare.KindValue && counted(p.Old) && counted(p.New) {
			continue
		}
		if p.Kind != compare.KindValue || !idShaped(p.Old) || !idShaped(p.New) {
			return false
		}
		if _, moment := compare.MomentOf(p.Old); moment {
			return false
		}
	}
	return true
}

// each walks two lists of differences, path by path, in the order of the document.
func each(second, fresh []compare.Difference, fn func(id int32, second, fresh *compare.Difference)) {
	for i := range second {
		fn(second[i].ID, &second[i], find(fresh, second[i].ID))
	}
	for i := range fresh {
		if find(second, fresh[i].ID) == nil {
			fn(fresh[i].ID, nil, &fresh[i])
		}
	}
}

func find(list []compare.Difference, id int32) *compare.Difference {
	for i := range list {
		if list[i].ID == id {
			return &list[i]
		}
	}
	return nil
}

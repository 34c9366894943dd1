package evidence

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
)

// minSubjects is how many different subjects a fail needs: one broken account is no broken service.
const minSubjects = 3

// verdictOf is a path with what the whole family makes of it.
type verdictOf struct {
	endpoint *endpoint
	path     *path
	p        float64 // sequential p-value over the path's weight; beyond all p-values when never tested
	holm     float64 // factor of Holm's correction on the test's p-value
	rejected bool
	ignored  *v1.IgnoreRule
}

// Look says what the evidence shows now. It may be called as often as one likes: tests are looked at when
// coins fall, not when somebody asks.
func (b *Book) Look(now time.Time) Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	family := b.family(now)
	byEndpoint := map[*endpoint][]verdictOf{}
	for _, v := range family {
		byEndpoint[v.endpoint] = append(byEndpoint[v.endpoint], v)
	}
	var out Result
	var short, watched, blind []string
	lost := 0
	for _, e := range b.endpoints {
		ev := b.endpointEvidence(e, byEndpoint[e], now)
		switch {
		case e.blind():
			blind = append(blind, e.name)
		case ev.Verdict == v1.VerdictNotEnough && (ev.Clusters < b.gates.minSamples || ev.Detectable > b.gates.maxMismatch):
			short = append(short, e.name)
		case ev.Verdict == v1.VerdictNotEnough:
			watched = append(watched, e.name)
		case isLost(e.name):
			lost++
		}
		out.Endpoints = append(out.Endpoints, ev)
	}
	slices.SortFunc(out.Endpoints, worseEndpoint)
	out.First = first(family)
	out.Verdict = v1.VerdictPass
	switch {
	case out.First != nil:
		out.Verdict = v1.VerdictFail
	case len(b.endpoints) == len(blind)+lost || len(short) > 0 || len(watched) > 0:
		out.Verdict = v1.VerdictNotEnough
	}
	slices.Sort(short)
	slices.Sort(watched)
	slices.Sort(blind)
	out.Gate = b.gate(&out, lost, short, watched, blind)
	return out
}

// family is every path, with Holm's step-down over those that can be tested, smallest p-value per weight
// first. The weights of paths still to come stay reserved; those of rejected paths are set free.
func (b *Book) family(now time.Time) []verdictOf {
	var all []verdictOf
	for _, e := range b.endpoints {
		for _, p := range e.paths {
			p.reclass(e.tripled.count())
			v := verdictOf{endpoint: e, path: p, p: math.Inf(1), ignored: b.rules.Ignored(e.name, p.name, now)}
			if p.index > 0 {
				_, sequential := p.best()
				v.p = sequential / weight(p.index)
			}
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(x, y verdictOf) int {
		return cmp.Or(cmp.Compare(x.p, y.p), strings.Compare(x.endpoint.name, y.endpoint.name), strings.Compare(x.path.name, y.path.name))
	})
	left, open := 1.0, true
	for i := range all {
		v := &all[i]
		if v.path.index == 0 {
			continue
		}
		w := weight(v.path.index)
		v.holm = left / w
		if open = open && v.p*left <= b.alpha; !open {
			continue
		}
		left -= w
		v.rejected = v.path.subjects.count() >= minSubjects
	}
	return all
}

func (b *Book) endpointEvidence(e *endpoint, family []verdictOf, now time.Time) v1.EndpointEvidence {
	ev := v1.EndpointEvidence{
		Endpoint: e.name, Verdict: v1.VerdictPass, Pairs: e.pairs, Clusters: e.clusters.count(), Triples: e.triples, NotComparable: e.notComparable,
		Mismatches: e.mismatched.count(), Detectable: b.detectable(e), OmittedPaths: e.omitted.count(), StateDiffers: e.states, Paths: []v1.PathEvidence{},
	}
	if ev.Clusters > 0 {
		ev.Rate = float64(ev.Mismatches) / float64(ev.Clusters)
	}
	ev.Low, ev.High = wilson(ev.Mismatches, ev.Clusters)
	excused := isLost(e.name) || b.rules.Ignored(e.name, "*", now) != nil
	if !excused && (ev.Clusters < b.gates.minSamples || ev.Detectable > b.gates.maxMismatch) {
		ev.Verdict = v1.VerdictNotEnough
	}
	for i := range family {
		v := &family[i]
		pe := b.pathEvidence(v)
		if v.ignored == nil && pe.Verdict != v1.VerdictPass && ev.Verdict != v1.VerdictFail {
			ev.Verdict = pe.Verdict
		}
		if v.path.hits > 0 || v.path.noise.diffs > 0 {
			ev.Paths = append(ev.Paths, pe)
		}
	}
	slices.SortStableFunc(ev.Paths, func(x, y v1.PathEvidence) int {
		return cmp.Or(cmp.Compare(rank(x.Verdict), rank(y.Verdict)), -cmp.Compare(x.Evidence-x.Counter, y.Evidence-y.Counter), strings.Compare(x.Path, y.Path))
	})
	return ev
}

func (b *Book) pathEvidence(v *verdictOf) v1.PathEvidence {
	p := v.path
	against, favour := p.coins()
	pe := v1.PathEvidence{
		Path: p.name, Class: p.class, Verdict: v1.VerdictPass, Clusters: p.clusters, Evidence: against, Counter: favour, Noise: p.noise.diffs,
		Subjects: p.subjects.count(), PValue: 1, Alpha: b.alpha, Samples: slices.Clone(p.samples),
	}
	if pe.Samples == nil {
		pe.Samples = []v1.Sample{}
	}
	if !p.first.IsZero() {
		at := p.first
		pe.FirstSeen = &at
	}
	if v.ignored != nil {
		pe.Ignored = v.ignored.Owner + " until " + v.ignored.Expires.UTC().Format(time.RFC3339)
	}
	if test, _ := p.best(); p.index > 0 && p.tests[test].at > 0 {
		t := &p.tests[test]
		pe.PValue = min(1, t.p/testLevel[test]*v.holm)
		pe.Alpha = b.alpha / float64(t.at*(t.at+1))
	}
	switch {
	case v.rejected:
		pe.Verdict = v1.VerdictFail
	case p.suspect():
		pe.Verdict = v1.VerdictNotEnough
	}
	return pe
}

// suspect says that the new side differed for three subjects where the old one never did: not enough to
// take users back, too much to move more of them.
func (p *path) suspect() bool {
	for _, test := range [...]int{testRaw, testJudged, testPairs} {
		if t := &p.tests[test]; t.favour == 0 && t.against >= minSubjects {
			return p.subjects.count() >= minSubjects
		}
	}
	return false
}

// detectable is the smallest difference rate of a path, so far without noise that its class does not
// explain, which the triples or the pairs of the endpoint would have shown by now.
func (b *Book) detectable(e *endpoint) float64 {
	level := b.alpha * weight(b.tested+1) / 2 // first look
	best := detectable(e.tripled.count(), needed(level*testLevel[testRaw], 0.5))
	if e.tripled.count() >= provenAfter {
		pairs := max(0, e.clusters.count()-e.tripled.count())
		best = min(best, detectable(pairs, needed(level*testLevel[testPairs], e.pairShare())))
	}
	return best
}

func (b *Book) gate(r *Result, lost int, short, watched, blind []string) v1.Gate {
	g := v1.Gate{Name: "mismatch", Verdict: r.Verdict, Bound: 100 * b.gates.maxMismatch}
	worst := 0.0
	for i := range r.Endpoints {
		g.Samples += r.Endpoints[i].Clusters
		g.Value = max(g.Value, 100*r.Endpoints[i].Rate)
		if r.Endpoints[i].Verdict == v1.VerdictPass && !isLost(r.Endpoints[i].Endpoint) {
			worst = max(worst, r.Endpoints[i].Detectable)
		}
	}
	switch {
	case r.First != nil:
		g.Detail = fmt.Sprintf("%s differs at %s", r.First.Endpoint, r.First.Path)
	case len(r.Endpoints) == len(blind)+lost:
		g.Detail = "nothing was compared yet"
	case len(short) > 0:
		g.Detail = fmt.Sprintf("not enough compared: %s (needs %d subjects and a detectable rate of %.3g %%)", some(short), b.gates.minSamples, g.Bound)
	case len(watched) > 0:
		g.Detail = "differences under watch: " + some(watched)
	default:
		g.Detail = fmt.Sprintf("%d endpoints alike over %d clusters; a rate of %.2g %% would have shown", len(r.Endpoints)-len(blind)-lost, g.Samples, 100*worst)
	}
	if len(blind) > 0 {
		g.Detail += "; cannot be compared: " + some(blind)
	}
	if b.evicted > 0 {
		g.Detail += fmt.Sprintf("; %d endpoints beyond the bound were dropped", b.evicted)
	}
	return g
}

// some names up to three of a list.
func some(names []string) string {
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + fmt.Sprintf(" and %d more", len(names)-3)
	}
	return strings.Join(names, ", ")
}

func rank(v v1.Verdict) int {
	switch v {
	case v1.VerdictFail:
		return 0
	case v1.VerdictNotEnough:
		return 1
	}
	return 2
}

func worseEndpoint(x, y v1.EndpointEvidence) int {
	return cmp.Or(cmp.Compare(rank(x.Verdict), rank(y.Verdict)), -cmp.Compare(x.Rate, y.Rate), strings.Compare(x.Endpoint, y.Endpoint))
}

// first names the cause among the paths that failed. A cause shows at least as often as its echoes, so
// what shows clearly less often comes later; then a status explains everything, a changed shape explains
// changed values, a value deep in the body explains a sum above it, and headers are derived from bodies.
func first(family []verdictOf) *v1.DifferenceRef {
	var best *verdictOf
	for i := range family {
		v := &family[i]
		if v.rejected && v.ignored == nil && (best == nil || v.before(best)) {
			best = v
		}
	}
	if best == nil {
		return nil
	}
	return &v1.DifferenceRef{Endpoint: best.endpoint.name, Path: best.path.name}
}

func (v *verdictOf) before(w *verdictOf) bool {
	if v.endpoint == w.endpoint {
		x, _ := v.path.coins()
		y, _ := w.path.coins()
		if 10*x < 8*y || 10*y < 8*x {
			return x > y
		}
		if c := cmp.Or(cmp.Compare(cause(v.path), cause(w.path)), -cmp.Compare(depth(v.path), depth(w.path))); c != 0 {
			return c < 0
		}
	}
	if !v.path.first.Equal(w.path.first) {
		return v.path.first.Before(w.path.first)
	}
	return strings.Compare(v.endpoint.name+v.path.name, w.endpoint.name+w.path.name) < 0
}

func cause(p *path) int {
	switch {
	case p.kind == compare.KindStatus || p.kind == compare.KindFailure:
		return 0
	case strings.HasPrefix(p.name, "header:"):
		return 3
	case p.kind == compare.KindValue || p.kind == compare.KindOrder:
		return 2
	}
	return 1
}

func depth(p *path) int { return strings.Count(p.name, ".") + strings.Count(p.name, "[") }

package evidence

import "math"

// growth is the factor by which the events of a test must grow before it is looked at again.
const growth = 1.25

// track is one test of one path, looked at many times. Its events are coins: under the hypothesis that the
// new side is another old one, each event is one "against" (counts for a defect) with the chance share.
//
// The k-th look may spend alpha/(k(k+1)), which sums to alpha over all looks. When to look depends on the
// number of events alone, never on how they fell, so that looking does not bias. A look that could not
// reject, however the coins fell, is no look and costs nothing.
type track struct {
	against, favour int64
	shares          float64 // sum of share over the events
	clusters        seen    // each cluster is one event
	looks           int64
	next            int64   // events at which to look again
	p               float64 // of the best look
	at              int64   // number of the best look, 0 when there was none
}

// event counts a coin, once a cluster; it says whether it counted.
func (t *track) event(cluster uint64, against bool, share float64) bool {
	if !t.clusters.add(cluster) {
		return false
	}
	if against {
		t.against++
	} else {
		t.favour++
	}
	t.shares += share
	return true
}

func (t *track) events() int64 { return t.against + t.favour }

// couldReject says whether a next look could reject at level, the share of alpha that this test has.
func (t *track) couldReject(level float64) bool {
	n := t.events()
	if n == 0 {
		return false
	}
	k := float64(t.looks + 1)
	return math.Pow(t.shares/float64(n), float64(n)) <= level/(k*(k+1))
}

// look tests when it is time to. The events' shares may differ: their number against is then no binomial,
// but its tail lies below that of the binomial with the mean share (Hoeffding 1956).
func (t *track) look(level float64) {
	n := t.events()
	if n < t.next || !t.couldReject(level) {
		return
	}
	t.looks++
	t.next = max(n+1, int64(math.Ceil(float64(n)*growth)))
	p := upperTail(n, t.against, t.shares/float64(n))
	if t.at == 0 || spent(p, t.looks) < t.sequential() {
		t.p, t.at = p, t.looks
	}
}

// sequential is a p-value that holds at any moment: the smallest over the looks, each multiplied by what
// its alpha is divided by. It never rises.
func (t *track) sequential() float64 {
	if t.at == 0 {
		return 1
	}
	return min(1, spent(t.p, t.at))
}

func spent(p float64, look int64) float64 { return p * float64(look) * float64(look+1) }

// forget drops the events but not the looks: what was spent stays spent.
func (t *track) forget() {
	t.against, t.favour, t.shares, t.next = 0, 0, 0, 0
	t.clusters.reset()
}

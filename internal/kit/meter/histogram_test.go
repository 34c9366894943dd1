package meter

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestEveryValueFallsIntoABucketThatHoldsIt(t *testing.T) {
	last := -1
	for us := int64(0); us < 1<<27; us += max(us/97, 1) {
		i := index(us)
		if i < last {
			t.Fatalf("index(%d) = %d, below the one before, %d", us, i, last)
		}
		last = i
		if i == buckets-1 {
			continue
		}
		if up := upper(i); up < us || float64(up-us) > 0.032*float64(us)+1 {
			t.Fatalf("value %d: bucket %d ends at %d", us, i, up)
		}
	}
}

func TestQuantilesAreWithinABucketOfTheTruth(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []time.Duration
	for range 20000 {
		d := time.Duration(r.ExpFloat64()*3000) * time.Microsecond
		all = append(all, d)
		h.Observe(d)
	}
	slices.Sort(all)
	var s Counts
	h.Snapshot(&s)
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999} {
		want := all[int(q*float64(len(all)))]
		got := s.Quantile(q)
		if diff := got - want; diff < -want/25-time.Microsecond || diff > want/25+2*time.Microsecond {
			t.Errorf("quantile %v = %v, want about %v", q, got, want)
		}
	}
	limit := 3 * time.Millisecond
	above := int64(0)
	for _, d := range all {
		if d > limit {
			above++
		}
	}
	if got := s.Above(limit); got > above || got < above-above/15 {
		t.Errorf("Above(%v) = %d, want about %d", limit, got, above)
	}
	if got := s.Above(limit) + s.Below(limit); got != s.Count() {
		t.Errorf("above and below = %d, want %d", got, s.Count())
	}
	var earlier Counts
	h.Snapshot(&earlier)
	h.Observe(time.Second)
	h.Snapshot(&s)
	s.Sub(&earlier)
	if s.Count() != 1 || s.Sum() != time.Second {
		t.Errorf("difference holds %d, %v", s.Count(), s.Sum())
	}
}

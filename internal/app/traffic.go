package app

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/kit/meter"
)

// traffic turns the gateway's cumulative counters into rates, once a second. It is a run.Part.
type traffic struct {
	gw  *gateway.Gateway
	now func() time.Time

	mu      sync.Mutex
	last    map[subsetKey]*gateway.SubsetCounters
	taken   time.Time
	current v1.Overview
	changed chan struct{} // closed when current is replaced
}

type subsetKey struct{ service, subset string }

func newTraffic(gw *gateway.Gateway, now func() time.Time) *traffic {
	return &traffic{gw: gw, now: now, taken: now(), last: map[subsetKey]*gateway.SubsetCounters{},
		current: v1.Overview{Subsets: []v1.SubsetTraffic{}}, changed: make(chan struct{})}
}

// Name is the part's name.
func (t *traffic) Name() string { return "traffic" }

// Run samples until ctx ends.
func (t *traffic) Run(ctx context.Context, ready func()) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	t.sample()
	ready()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			t.sample()
		}
	}
}

// sample makes the overview of the time since the sample before.
func (t *traffic) sample() {
	counters := t.gw.Traffic()
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	seconds := max(now.Sub(t.taken).Seconds(), 1e-3)
	o := v1.Overview{At: now.UTC(), Seconds: seconds, InFlight: t.gw.InFlight(), Connections: t.gw.Connections(), Subsets: []v1.SubsetTraffic{}}
	next := make(map[subsetKey]*gateway.SubsetCounters, len(counters))
	for i := range counters {
		c := &counters[i]
		key := subsetKey{c.Service, c.Subset}
		next[key] = c
		before := t.last[key]
		if before == nil {
			before = &gateway.SubsetCounters{}
		}
		latency := c.Latency
		latency.Sub(&before.Latency)
		s := subsetTraffic(c, before, &latency, seconds)
		o.Rate += s.Rate
		o.Errors += s.Errors
		o.Subsets = append(o.Subsets, s)
	}
	slices.SortFunc(o.Subsets, func(a, b v1.SubsetTraffic) int {
		return cmp.Or(cmp.Compare(b.Rate, a.Rate), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Subset, b.Subset))
	})
	t.last, t.taken, t.current = next, now, o
	close(t.changed)
	t.changed = make(chan struct{})
}

func subsetTraffic(now, before *gateway.SubsetCounters, latency *meter.Counts, seconds float64) v1.SubsetTraffic {
	return v1.SubsetTraffic{
		Service: now.Service, Subset: now.Subset,
		Rate:      float64(now.Requests-before.Requests) / seconds,
		Errors:    float64(now.Failures-before.Failures) / seconds,
		P50Micros: latency.Quantile(0.5).Microseconds(),
		P99Micros: latency.Quantile(0.99).Microseconds(),
	}
}

// overview is the last sample, and a channel that closes with the next.
func (t *traffic) overview() (v1.Overview, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current, t.changed
}

// stream yields every sample until ctx ends, beginning with the last one.
func (t *traffic) stream(ctx context.Context) iter.Seq[v1.Overview] {
	return func(yield func(v1.Overview) bool) {
		for {
			o, changed := t.overview()
			if !yield(o) {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

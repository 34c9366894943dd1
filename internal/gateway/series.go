package gateway

import (
	"sync/atomic"
	"time"

	"jindu.dev/jindu/internal/kit/meter"
	"jindu.dev/jindu/internal/route"
)

// classes are the status classes that are counted; 0 is no answer: the client left.
const classes = 6

var classNames = [classes]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}

func classOf(status int) int {
	if c := status / 100; c > 0 && c < classes {
		return c
	}
	return 0
}

// seriesKey names a series; Subset is empty for answers that no service gave.
type seriesKey struct{ route, rule, service, subset string }

// A series counts the requests of one rule that one subset answered.
type series struct {
	key     seriesKey
	classes [classes]atomic.Int64
	buckets [len(bounds) + 1]atomic.Int64
	micros  atomic.Int64
}

// bounds are the upper bounds of the latency buckets.
var bounds = [...]time.Duration{
	500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

func (s *series) observe(status int, d time.Duration) {
	s.classes[classOf(status)].Add(1)
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	s.buckets[i].Add(1)
	s.micros.Add(d.Microseconds())
}

// maxSeries bounds the memory and the exposition; what is beyond it is counted together.
const maxSeries = 20_000

// ruleState is what the engine keeps of a rule: its budget, and its series by the subset that answered.
type ruleState struct {
	rule     *route.Rule
	requests *atomic.Int64
	retries  *budget
	list     atomic.Pointer[[]ruleSeries]
}

type ruleSeries struct {
	subset *route.Subset
	series *series
}

// series finds the series of the subset: a scan of a handful of pointers. The first use makes it.
func (r *ruleState) series(g *Gateway, s *route.Subset) *series {
	if list := r.list.Load(); list != nil {
		for i := range *list {
			if (*list)[i].subset == s {
				return (*list)[i].series
			}
		}
	}
	return r.add(g, s)
}

func (r *ruleState) add(g *Gateway, s *route.Subset) *series {
	key := seriesKey{}
	if r.rule != nil {
		key.route, key.rule = r.rule.Route, r.rule.Name
	}
	if s != nil {
		key.service, key.subset = s.Service, s.Text
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	made := g.seriesOf(key)
	var next []ruleSeries
	if list := r.list.Load(); list != nil {
		next = append(next, *list...)
	}
	next = append(next, ruleSeries{s, made})
	r.list.Store(&next)
	return made
}

// seriesOf is called with g.mu held.
func (g *Gateway) seriesOf(key seriesKey) *series {
	s := g.series[key]
	if s == nil {
		if len(g.series) >= maxSeries {
			key = seriesKey{route: "others"}
			if s = g.series[key]; s != nil {
				return s
			}
		}
		s = &series{key: key}
		g.series[key] = s
	}
	return s
}

// subsetTotals counts what the instances of one subset answered.
type subsetTotals struct {
	service, text string
	requests      atomic.Int64
	failures      atomic.Int64
	latency       meter.Histogram
}

// SubsetCounters are the cumulative counters of one subset.
type SubsetCounters struct {
	Service, Subset    string
	Requests, Failures int64
	Latency            meter.Counts
}

// Outcome is what became of the requests assigned to one side of a migration, cumulative.
type Outcome struct {
	Requests, Failures, Fallbacks int64
	Latency                       meter.Counts
}

type outcome struct {
	requests, failures, fallbacks, inFlight atomic.Int64
	owned                                   atomic.Int64 // decided by owner; not among requests
	latency                                 meter.Histogram
}

func (o *outcome) load() (out Outcome) {
	out.Requests, out.Failures, out.Fallbacks = o.requests.Load(), o.failures.Load(), o.fallbacks.Load()
	o.latency.Snapshot(&out.Latency)
	return out
}

// cohortState is what the engine keeps of a migration.
type cohortState struct {
	old, new *outcome
	breaker  *breaker
	fallback *budget
}

// Events counts what happens beside answers.
type Events struct {
	Retries, RetriesDenied, FallbacksDenied, Ejections, Upgrades, FieldsDropped, ClientsLeft atomic.Int64
	ConnectionsRefused, UpstreamStale, UpstreamDesync, UpstreamDials                         atomic.Int64
	RecordingsTruncated, MirrorsSent, MirrorsDropped, Observed                               atomic.Int64
	Fenced, FencedDenied                                                                     atomic.Int64
}

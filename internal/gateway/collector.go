package gateway

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Collector exposes rate, errors and duration of every rule and subset, and what happens beside.
func (g *Gateway) Collector() prometheus.Collector { return newCollector(g) }

type collector struct {
	g                    *Gateway
	requests, seconds    *prometheus.Desc
	cohort, cohortFailed *prometheus.Desc
	fallbacks, breaker   *prometheus.Desc
	owned                *prometheus.Desc
	rejected, ejected    *prometheus.Desc
	events               []event
}

// event is one plain counter or gauge.
type event struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func() int64
}

func newCollector(g *Gateway) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("jindu_gateway_"+name, help, labels, nil)
	}
	c := &collector{g: g,
		requests:     desc("requests_total", "Requests by route, rule, the subset that answered, and status class; none: the client left.", "route", "rule", "service", "subset", "class"),
		seconds:      desc("request_seconds", "Time from a request's head to the last byte of its answer.", "route", "rule", "service", "subset"),
		cohort:       desc("cohort_requests_total", "Requests assigned to a side of a migration.", "migration", "side"),
		cohortFailed: desc("cohort_failures_total", "Failures charged to a side of a migration; a fallback is a failure of the new side.", "migration", "side"),
		fallbacks:    desc("fallbacks_total", "Requests of the new side that the old one answered.", "migration"),
		owned:        desc("owned_requests_total", "Requests that went to the side which owns their entity, whatever their cohort.", "migration", "side"),
		breaker:      desc("breaker_open", "Whether the circuit of the new side is open.", "migration"),
		rejected:     desc("rejected_total", "Messages refused for how they were written.", "reason"),
		ejected:      desc("upstream_ejected", "Whether an instance is passively ejected now.", "instance"),
	}
	counter := func(name, help string, read func() int64) {
		c.events = append(c.events, event{desc(name, help), prometheus.CounterValue, read})
	}
	gauge := func(name, help string, read func() int64) {
		c.events = append(c.events, event{desc(name, help), prometheus.GaugeValue, read})
	}
	e := &g.Events
	gauge("in_flight_requests", "Requests under way.", g.InFlight)
	gauge("client_connections", "Client connections open.", g.Connections)
	counter("client_connections_refused_total", "Connections closed because there were too many.", e.ConnectionsRefused.Load)
	counter("clients_left_total", "Clients that left before their answer.", e.ClientsLeft.Load)
	counter("retries_total", "Tries beyond the first.", e.Retries.Load)
	counter("retries_denied_total", "Retries that the budget did not allow.", e.RetriesDenied.Load)
	counter("fallbacks_denied_total", "Fallbacks that the budget did not allow.", e.FallbacksDenied.Load)
	counter("ejections_total", "Instances passively ejected.", e.Ejections.Load)
	counter("upgrades_ignored_total", "Requests that asked for another protocol and were answered in this one.", e.Upgrades.Load)
	counter("fields_dropped_total", "Request fields removed because of unusual characters in their names.", e.FieldsDropped.Load)
	counter("upstream_dials_total", "Connections opened to instances.", e.UpstreamDials.Load)
	counter("upstream_stale_total", "Idle connections that the instance had closed.", e.UpstreamStale.Load)
	counter("upstream_desync_total", "Connections closed because of bytes that belong to no answer.", e.UpstreamDesync.Load)
	counter("recordings_truncated_total", "Recordings over their bound.", e.RecordingsTruncated.Load)
	counter("mirrors_sent_total", "Copies sent by RequestMirror filters.", e.MirrorsSent.Load)
	counter("mirrors_dropped_total", "Copies of RequestMirror filters that were not sent.", e.MirrorsDropped.Load)
	counter("observed_total", "Requests taken by the observe listener.", e.Observed.Load)
	counter("fenced_total", "Answers by which a fence refused a request before any effect.", e.Fenced.Load)
	counter("fenced_denied_total", "Refusals of a fence that were given to the client: the request could not be sent again, or no newer share came in time.", e.FencedDenied.Load)
	gauge("fenced_waiting", "Requests that a fence refused and that wait for the share that follows.", g.fenced.Load)
	counter("access_log_lines_total", "Lines written to the access log.", g.access.Written.Load)
	counter("access_log_dropped_total", "Lines of the access log that were dropped.", g.access.Dropped.Load)
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.requests, c.seconds, c.cohort, c.cohortFailed, c.fallbacks, c.owned, c.breaker, c.rejected, c.ejected} {
		out <- d
	}
	for _, e := range c.events {
		out <- e.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	for _, e := range c.events {
		out <- prometheus.MustNewConstMetric(e.desc, e.kind, float64(e.read()))
	}
	g := c.g
	g.mu.Lock()
	all := slices.Collect(maps.Values(g.series))
	outcomes, rejected := maps.Clone(g.outcomes), maps.Clone(g.rejected)
	ups := slices.Collect(maps.Values(g.upstreams))
	g.mu.Unlock()

	for _, s := range all {
		c.collectSeries(out, s)
	}
	count := func(d *prometheus.Desc, v int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	for name, sides := range outcomes {
		for i, side := range []string{"old", "new"} {
			count(c.cohort, sides[i].requests.Load(), name, side)
			count(c.cohortFailed, sides[i].failures.Load(), name, side)
			count(c.owned, sides[i].owned.Load(), name, side)
		}
		count(c.fallbacks, sides[1].fallbacks.Load(), name)
	}
	flag := func(d *prometheus.Desc, on bool, label string) {
		v := 0.0
		if on {
			v = 1
		}
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, label)
	}
	for cohort, state := range g.Load().cohorts {
		flag(c.breaker, state.breaker.until.Load() != 0, cohort.Migration)
	}
	for reason, n := range rejected {
		count(c.rejected, n, reason)
	}
	now := g.Clock(g.now())
	for _, u := range ups {
		flag(c.ejected, u.ejected(now), u.Address)
	}
}

func (c *collector) collectSeries(out chan<- prometheus.Metric, s *series) {
	k := s.key
	for class := range s.classes {
		if n := s.classes[class].Load(); n > 0 {
			out <- prometheus.MustNewConstMetric(c.requests, prometheus.CounterValue, float64(n), k.route, k.rule, k.service, k.subset, classNames[class])
		}
	}
	cumulative := make(map[float64]uint64, len(bounds))
	var total uint64
	for i := range s.buckets {
		total += uint64(s.buckets[i].Load())
		if i < len(bounds) {
			cumulative[bounds[i].Seconds()] = total
		}
	}
	out <- prometheus.MustNewConstHistogram(c.seconds, total, float64(s.micros.Load())/1e6, cumulative, k.route, k.rule, k.service, k.subset)
}

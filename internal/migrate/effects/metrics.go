package effects

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Events count what happened at one proxy. Protocols add to those of operations.
type Events struct {
	Connections        atomic.Int64
	ConnectionsRefused atomic.Int64 // over maxConns
	DialFailed         atomic.Int64
	LoginsTimedOut     atomic.Int64
	Stalled            atomic.Int64 // a peer took no byte for too long
	Failed             atomic.Int64 // connections that ended in an error of ours

	// Operations, by whose they were.
	Users    atomic.Int64
	Shadows  atomic.Int64
	Unmarked atomic.Int64

	Recorded     atomic.Int64
	Unattributed atomic.Int64
	Refused      atomic.Int64
	RolledBack   atomic.Int64 // transactions of shadows that were rolled back
	Diverted     atomic.Int64 // operations of shadows that went elsewhere
	Dropped      atomic.Int64 // effects over a bound of the proxy
}

// Collector gives the metrics of proxies, jindu_effects_*.
func Collector(servers ...*Server) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("jindu_effects_"+name, help, append([]string{"proxy"}, labels...), nil)
	}
	c := &collector{servers: servers,
		open:       desc("connections_open", "Connections of clients that are open."),
		operations: desc("operations_total", "Statements and commands, by whose they were.", "whose"),
	}
	for _, e := range []struct {
		name, help string
		of         func(*Events) *atomic.Int64
	}{
		{"connections_total", "Connections that clients opened.", func(e *Events) *atomic.Int64 { return &e.Connections }},
		{"connections_refused_total", "Connections over maxConns.", func(e *Events) *atomic.Int64 { return &e.ConnectionsRefused }},
		{"dial_failures_total", "Connections to the database that could not be opened.", func(e *Events) *atomic.Int64 { return &e.DialFailed }},
		{"login_timeouts_total", "Clients that did not log in in time.", func(e *Events) *atomic.Int64 { return &e.LoginsTimedOut }},
		{"stalls_total", "Connections ended because a peer took no byte for too long.", func(e *Events) *atomic.Int64 { return &e.Stalled }},
		{"failures_total", "Connections that ended in an error which the log tells.", func(e *Events) *atomic.Int64 { return &e.Failed }},
		{"recorded_total", "Effects told to the recorder.", func(e *Events) *atomic.Int64 { return &e.Recorded }},
		{"unattributed_total", "Writes without a mark that were let through.", func(e *Events) *atomic.Int64 { return &e.Unattributed }},
		{"refused_total", "Writes that were not let out.", func(e *Events) *atomic.Int64 { return &e.Refused }},
		{"rolled_back_total", "Transactions of shadows that were rolled back.", func(e *Events) *atomic.Int64 { return &e.RolledBack }},
		{"diverted_total", "Operations of shadows that went elsewhere.", func(e *Events) *atomic.Int64 { return &e.Diverted }},
		{"dropped_total", "Effects dropped because a bound of the proxy was reached.", func(e *Events) *atomic.Int64 { return &e.Dropped }},
	} {
		c.counts = append(c.counts, counter{desc(e.name, e.help), e.of})
	}
	return c
}

type counter struct {
	desc *prometheus.Desc
	of   func(*Events) *atomic.Int64
}

type collector struct {
	servers          []*Server
	open, operations *prometheus.Desc
	counts           []counter
}

// Describe sends every description.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.open
	ch <- c.operations
	for _, n := range c.counts {
		ch <- n.desc
	}
}

// Collect sends the numbers of now.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.servers {
		s.mu.Lock()
		open := len(s.sessions)
		s.mu.Unlock()
		ch <- prometheus.MustNewConstMetric(c.open, prometheus.GaugeValue, float64(open), s.name)
		for whose, n := range map[string]*atomic.Int64{"user": &s.Events.Users, "shadow": &s.Events.Shadows, "unmarked": &s.Events.Unmarked} {
			ch <- prometheus.MustNewConstMetric(c.operations, prometheus.CounterValue, float64(n.Load()), s.name, whose)
		}
		for _, n := range c.counts {
			ch <- prometheus.MustNewConstMetric(n.desc, prometheus.CounterValue, float64(n.of(&s.Events).Load()), s.name)
		}
	}
}

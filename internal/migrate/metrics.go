package migrate

import (
	"github.com/prometheus/client_golang/prometheus"

	v1 "jindu.dev/jindu/api/v1"
)

// Collector gives the part's metrics, jindu_migrate_*.
func (s *Server) Collector() prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("jindu_migrate_"+name, help, append([]string{"migration"}, labels...), nil)
	}
	return &collector{
		server:        s,
		share:         desc("share_ratio", "Share of subjects on the new side, 0 to 1."),
		epoch:         desc("epoch", "Rises with every move."),
		phase:         desc("phase", "1 for the phase that the migration is in.", "phase"),
		gate:          desc("gate", "1 for the verdict that a gate gives now.", "gate", "verdict"),
		unsaved:       desc("unsaved", "1 while a rollback is in force that the store does not have yet."),
		offered:       desc("mirror_offered_total", "Recordings offered for mirroring."),
		compared:      desc("mirror_compared_total", "Pairs and triples compared."),
		triples:       desc("mirror_triples_total", "Compared with a second answer of the side that answered first."),
		notSampled:    desc("mirror_not_sampled_total", "Exchanges left out by percent or rate."),
		notComparable: desc("mirror_not_comparable_total", "Exchanges that cannot be compared, by reason.", "reason"),
		dropped:       desc("mirror_dropped_total", "Copies dropped, by reason.", "reason"),
		queued:        desc("mirror_queued", "Recordings that wait."),
		inFlight:      desc("mirror_in_flight", "Copies under way."),
		bytes:         desc("mirror_bytes", "Bytes of recordings that wait or run."),
	}
}

type collector struct {
	server *Server

	share, epoch, phase, gate, unsaved                             *prometheus.Desc
	offered, compared, triples, notSampled, notComparable, dropped *prometheus.Desc
	queued, inFlight, bytes                                        *prometheus.Desc
}

// Describe sends every description.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.share, c.epoch, c.phase, c.gate, c.unsaved, c.offered, c.compared, c.triples, c.notSampled, c.notComparable,
		c.dropped, c.queued, c.inFlight, c.bytes,
	} {
		ch <- d
	}
}

// Collect sends the numbers of now.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	for name, a := range c.server.accounts() {
		st := &a.view.Migration.Status
		gauge(c.share, float64(st.Buckets)/fullShare, name)
		gauge(c.epoch, float64(st.Epoch), name)
		for _, p := range []v1.Phase{v1.PhaseObserve, v1.PhaseMirror, v1.PhaseRamp, v1.PhaseHold, v1.PhaseDone, v1.PhaseRolledBack} {
			gauge(c.phase, one(p == st.Phase), name, string(p))
		}
		for _, g := range a.view.Gates {
			for _, v := range []v1.Verdict{v1.VerdictPass, v1.VerdictFail, v1.VerdictNotEnough} {
				gauge(c.gate, one(g.Verdict == v), name, g.Name, string(v))
			}
		}
		gauge(c.unsaved, one(a.view.Unsaved), name)
		t := &a.lane.tally
		count(c.offered, t.offered.Load(), name)
		count(c.compared, t.compared.Load(), name)
		count(c.triples, t.triples.Load(), name)
		count(c.notSampled, t.notSampled.Load(), name)
		for i, reason := range skipReasons {
			count(c.notComparable, t.notComparable[i].Load(), name, reason)
		}
		for i, reason := range dropReasons {
			count(c.dropped, t.dropped[i].Load(), name, reason)
		}
		queued, inFlight, bytes := a.lane.load()
		gauge(c.queued, float64(queued), name)
		gauge(c.inFlight, float64(inFlight), name)
		gauge(c.bytes, float64(bytes), name)
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// account is one migration as metrics see it.
type account struct {
	view View
	lane *lane
}

func (s *Server) accounts() map[string]account {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	out := map[string]account{}
	for name, l := range *s.lanes.Load() {
		if v, ok := s.ctl.View(now, name); ok {
			out[name] = account{v, l}
		}
	}
	return out
}

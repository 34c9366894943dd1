package migrate

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/meter"
)

//go:fix inline
func resolved(t testing.TB, change func(*v1.MigrationSpec)) *Settings {
	t.Helper()
	spec := v1.MigrationSpec{Service: "orders", From: v1.Selector{"runtime": "java17"}, To: v1.Selector{"runtime": "go1.26"}}
	if change != nil {
		change(&spec)
	}
	s, err := Resolve("move", spec)
	if err != nil {
		t.Fatal(err)
	}
	return &s
}

// cohort makes cumulative outcomes.
type cohort struct {
	requests, failures int64
	latency            meter.Histogram
}

func (c *cohort) serve(r *rand.Rand, n int, fail float64, slow func() time.Duration) {
	for range n {
		c.requests++
		if r.Float64() < fail {
			c.failures++
		}
		c.latency.Observe(slow())
	}
}

func (c *cohort) outcome() Outcome {
	o := Outcome{Requests: c.requests, Failures: c.failures}
	c.latency.Snapshot(&o.Latency)
	return o
}

// tailed draws latencies with a long tail, median about 3 ms.
func tailed(r *rand.Rand, factor float64) func() time.Duration {
	return func() time.Duration {
		d := 2 + r.ExpFloat64()*1.5
		if r.Float64() < 0.02 {
			d += r.ExpFloat64() * 40
		}
		return time.Duration(d * factor * float64(time.Millisecond))
	}
}

// trial lets both cohorts serve for a number of looks, half a second apart, and says at which look a
// gate failed first, -1 for never. from is the look at which the new side turns bad.
type trial struct {
	looks, oldRate, newRate int // requests a look
	oldFail, newFail        float64
	slowdown                float64 // of a fifth of the new answers, in milliseconds
	from                    int
	base                    *v1.Baseline
}

func (tr trial) run(s *Settings, seed uint64) (errorsAt, latencyAt int, last []v1.Gate) {
	r := rand.New(rand.NewPCG(seed, 99))
	var olds, news cohort
	latency := tailed(r, 1)
	bad := func() time.Duration {
		d := latency()
		if r.IntN(5) == 0 {
			d += time.Duration(tr.slowdown * float64(time.Millisecond))
		}
		return d
	}
	var zero traffic
	w := newWindow(windowKey{}, 0, &zero, Copies{}, 30*time.Second)
	errorsAt, latencyAt = -1, -1
	for k := 1; k <= tr.looks; k++ {
		olds.serve(r, tr.oldRate, tr.oldFail, latency)
		if k < tr.from {
			news.serve(r, tr.newRate, tr.oldFail, latency)
		} else {
			news.serve(r, tr.newRate, tr.newFail, bad)
		}
		sum := traffic{old: olds.outcome(), new: news.outcome()}
		whole, recent := w.since(time.Duration(k)*lookEvery, &sum)
		alpha := spend(s.Alpha, k)
		e := judge(errorsGate, s, &whole, recent, tr.base, alpha)
		l := judge(latencyGate, s, &whole, recent, tr.base, alpha)
		last = []v1.Gate{e, l}
		if errorsAt < 0 && e.Verdict == v1.VerdictFail {
			errorsAt = k
		}
		if latencyAt < 0 && l.Verdict == v1.VerdictFail {
			latencyAt = k
		}
	}
	return errorsAt, latencyAt, last
}

func TestCleanTrafficIsNotRolledBackHoweverOftenOneLooks(t *testing.T) {
	runs := 40
	if testing.Short() {
		runs = 15
	}
	// Alpha far above the default, so that a gate that spends too much shows in few runs; a small
	// allowed excess leaves no room to hide behind.
	s := resolved(t, func(m *v1.MigrationSpec) {
		m.Gates = v1.GatesSpec{Alpha: new(0.4), MaxErrorExcess: new(0.0), MaxSlow: new(1.0), LatencyFactor: new(1.0), LatencySlack: "0s", MinRequests: new(100)}
	})
	for name, tr := range map[string]trial{
		"a first step":       {looks: 160, oldRate: 99, newRate: 1, oldFail: 0.02, newFail: 0.02},
		"half and half":      {looks: 160, oldRate: 20, newRate: 20, oldFail: 0.02, newFail: 0.02},
		"few requests":       {looks: 160, oldRate: 1, newRate: 1, oldFail: 0.1, newFail: 0.1},
		"hold, frozen above": {looks: 160, newRate: 30, oldFail: 0.02, newFail: 0.02, base: &v1.Baseline{Requests: 100_000, Failures: 2_000, P99Micros: 45_000}},
	} {
		e, l := 0, 0
		for seed := range runs {
			errorsAt, latencyAt, _ := tr.run(s, uint64(seed))
			if errorsAt >= 0 {
				e++
			}
			if latencyAt >= 0 {
				l++
			}
		}
		// 0.1 of alpha each; three standard deviations of slack.
		if most := int(0.1*float64(runs) + 3*2); e > most || l > most {
			t.Errorf("%s: of %d clean migrations %d fail by errors and %d by latency, at most %d may", name, runs, e, l, most)
		}
		t.Logf("%s: of %d clean migrations %d fail by errors, %d by latency", name, runs, e, l)
	}
}

func TestCleanTrafficPassesWithTheDefaults(t *testing.T) {
	s := resolved(t, nil)
	for name, tr := range map[string]trial{
		"first step": {looks: 300, oldRate: 495, newRate: 5, oldFail: 0.001, newFail: 0.001},
		"half":       {looks: 100, oldRate: 50, newRate: 50, oldFail: 0.001, newFail: 0.001},
		"hold":       {looks: 60, newRate: 50, oldFail: 0.001, newFail: 0.001, base: &v1.Baseline{Requests: 50_000, Failures: 50, P99Micros: 40_000}},
	} {
		passed := 0
		for seed := range 20 {
			e, l, last := tr.run(s, uint64(seed))
			if e >= 0 || l >= 0 {
				t.Errorf("%s, seed %d: fails at look %d, %d: %v", name, seed, e, l, last)
			}
			if together(last) == v1.VerdictPass {
				passed++
			}
			want := concurrent
			if tr.base != nil {
				want = frozen
			}
			if last[0].Baseline != want || last[1].Baseline != want {
				t.Errorf("%s: baseline %q, %q, want %q", name, last[0].Baseline, last[1].Baseline, want)
			}
		}
		if passed < 15 {
			t.Errorf("%s: only %d of 20 clean steps pass at the end", name, passed)
		}
	}
}

func TestRealRegressionsFail(t *testing.T) {
	s := resolved(t, nil)
	for name, c := range map[string]struct {
		tr     trial
		errors bool
		within int // looks after the onset
	}{
		"refusals at 1 percent":       {trial{looks: 60, oldRate: 990, newRate: 10, oldFail: 0.001, newFail: 0.2}, true, 12},
		"all fail at 1 percent":       {trial{looks: 20, oldRate: 99, newRate: 1, newFail: 1}, true, 10},
		"two points more at half":     {trial{looks: 200, oldRate: 100, newRate: 100, oldFail: 0.005, newFail: 0.025}, true, 100},
		"slow fifth":                  {trial{looks: 60, oldRate: 200, newRate: 20, oldFail: 0, newFail: 0, slowdown: 120}, false, 30},
		"refusals after long calm":    {trial{looks: 700, from: 600, oldRate: 50, newRate: 50, newFail: 0.05}, true, 60},
		"slow after long calm":        {trial{looks: 700, from: 600, oldRate: 50, newRate: 50, slowdown: 120}, false, 60},
		"hold, against frozen errors": {trial{looks: 60, newRate: 20, newFail: 0.1, base: &v1.Baseline{Requests: 5000, Failures: 5, P99Micros: 40_000}}, true, 20},
		"hold, against frozen p99":    {trial{looks: 60, newRate: 20, slowdown: 120, base: &v1.Baseline{Requests: 5000, Failures: 5, P99Micros: 40_000}}, false, 40},
	} {
		for seed := range 5 {
			e, l, last := c.tr.run(s, uint64(seed))
			at := l
			if c.errors {
				at = e
			}
			if at < max(c.tr.from, 1) || at > c.tr.from+c.within {
				t.Errorf("%s, seed %d: fails at look %d, want within %d after %d: %+v", name, seed, at, c.within, c.tr.from, last)
			}
		}
	}
}

func TestNotEnoughSaysWhatIsMissing(t *testing.T) {
	s := resolved(t, nil)
	var w traffic
	w.new.Requests, w.old.Requests = 10, 20
	if g := errorsGate(s, &w, nil, 0.01); g.Verdict != v1.VerdictNotEnough || !strings.Contains(g.Detail, "10 of at least 1000 new requests") {
		t.Errorf("gate %+v", g)
	}
	w.new.Requests, w.old.Requests = 5000, 0
	for _, g := range []v1.Gate{errorsGate(s, &w, nil, 0.01), latencyGate(s, &w, nil, 0.01)} {
		if g.Verdict != v1.VerdictNotEnough || !strings.Contains(g.Detail, "no earlier step left a larger one") {
			t.Errorf("gate %+v", g)
		}
	}
}

func TestDropsHoldButNeverFail(t *testing.T) {
	s := resolved(t, nil)
	for _, c := range []struct {
		attempts, dropped int64
		want              v1.Verdict
	}{{0, 0, v1.VerdictPass}, {10_000, 9, v1.VerdictPass}, {10_000, 10, v1.VerdictNotEnough}, {5, 5, v1.VerdictNotEnough}} {
		if g := dropsGate(s, c.attempts, c.dropped); g.Verdict != c.want || g.Samples != c.attempts {
			t.Errorf("%d of %d dropped: %+v, want %s", c.dropped, c.attempts, g, c.want)
		}
	}
}

func TestAllGatesTogether(t *testing.T) {
	gate := func(v v1.Verdict) v1.Gate { return v1.Gate{Verdict: v} }
	for _, c := range []struct {
		gates []v1.Gate
		want  v1.Verdict
	}{
		{nil, v1.VerdictNotEnough},
		{[]v1.Gate{gate(v1.VerdictPass)}, v1.VerdictPass},
		{[]v1.Gate{gate(v1.VerdictPass), gate(v1.VerdictNotEnough)}, v1.VerdictNotEnough},
		{[]v1.Gate{gate(v1.VerdictNotEnough), gate(v1.VerdictFail)}, v1.VerdictFail},
	} {
		if got := together(c.gates); got != c.want {
			t.Errorf("%v together = %s, want %s", c.gates, got, c.want)
		}
	}
}

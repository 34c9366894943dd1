package migrate

import (
	"fmt"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// The gates.
const (
	gateMismatch = "mismatch"
	gateErrors   = "errors"
	gateLatency  = "latency"
	gateDrops    = "mirror_drops"
	gateLag      = "data_lag" // of Data.Gates, as data_differences

	concurrent = "concurrent"
	frozen     = "frozen"
)

// passAlpha is the chance that a bound used to pass is wrong. It is not spent by looks: the cost of a
// wrong pass is one step, where the gates look again.
const passAlpha = 0.05

// traffic is what both cohorts did in one span of time.
type traffic struct{ old, new Outcome }

// reference is the old cohort that the new one is held against.
type reference struct {
	name               string // concurrent or frozen
	requests, failures int64
	p99                time.Duration
	slower             func(than time.Duration) int64 // of requests; nil when frozen
}

// referenceFor is the concurrent old cohort, or the frozen one where the concurrent one is too small
// and stays so: below the least number while the new cohort is nine times as large.
func referenceFor(s *Settings, t *traffic, base *v1.Baseline) reference {
	small := t.old.Requests < s.MinRequests && t.new.Requests >= 50 && t.old.Requests*9 <= t.new.Requests
	if small && base != nil {
		return reference{name: frozen, requests: base.Requests, failures: base.Failures, p99: time.Duration(base.P99Micros) * time.Microsecond}
	}
	return reference{
		name: concurrent, requests: t.old.Requests, failures: t.old.Failures,
		p99: t.old.Latency.Quantile(0.99), slower: t.old.Latency.Above,
	}
}

// judge is a gate over the whole window, turned to fail when the recent part of it alone proves a
// failure: what began late would else drown in a clean past. alpha is what this look may spend.
func judge(one func(*Settings, *traffic, *v1.Baseline, float64) v1.Gate, s *Settings, whole, recent *traffic, base *v1.Baseline, alpha float64) v1.Gate {
	if recent == nil {
		return one(s, whole, base, alpha)
	}
	g := one(s, whole, base, alpha/2)
	if g.Verdict == v1.VerdictFail {
		return g
	}
	if late := one(s, recent, base, alpha/2); late.Verdict == v1.VerdictFail {
		late.Detail = "recently: " + late.Detail
		return late
	}
	return g
}

// errorsGate holds the difference of failure rates against the allowed excess. It fails when the excess
// is proved: the lower bound of the new rate less the upper bound of the old one, each at half of
// alpha, is above the allowed. It passes when the upper bound of the difference is within it.
func errorsGate(s *Settings, t *traffic, base *v1.Baseline, alpha float64) v1.Gate {
	ref := referenceFor(s, t, base)
	n, k := t.new.Requests, t.new.Failures
	rate, refRate := share(k, n), share(ref.failures, ref.requests)
	g := v1.Gate{
		Name: gateErrors, Verdict: v1.VerdictNotEnough, Baseline: ref.name, Samples: n,
		Value: percent(rate - refRate), Bound: percent(s.MaxErrorExcess),
	}
	seen := fmt.Sprintf("%d of %d new requests failed (%.3g %%, %d of them by fallback) against %d of %d old ones (%.3g %%)",
		k, n, percent(rate), t.new.Fallbacks, ref.failures, ref.requests, percent(refRate))
	if ref.requests > 0 && rate-refRate > s.MaxErrorExcess { // else no bound can prove it
		least := lowerBound(k, n, alpha/2) - upperBound(ref.failures, ref.requests, alpha/2)
		if least > s.MaxErrorExcess {
			g.Verdict = v1.VerdictFail
			g.Detail = fmt.Sprintf("%s: at least %.3g points more, %.3g are allowed", seen, percent(least), g.Bound)
			return g
		}
	}
	if g.Detail = short(s, n, &ref); g.Detail != "" {
		return g
	}
	most := upperBound(k, n, passAlpha/2) - lowerBound(ref.failures, ref.requests, passAlpha/2)
	if most <= s.MaxErrorExcess {
		g.Verdict = v1.VerdictPass
	}
	g.Detail = fmt.Sprintf("%s: at most %.3g points more, %.3g are allowed", seen, percent(most), g.Bound)
	return g
}

// latencyGate bounds the share of new answers that are slow: slower than factor x old p99 + slack. It
// fails when more than the allowed share is proved slow while the old cohort is proved not to be; the
// latter matters where the old p99 rests on few answers.
func latencyGate(s *Settings, t *traffic, base *v1.Baseline, alpha float64) v1.Gate {
	ref := referenceFor(s, t, base)
	limit := time.Duration(s.LatencyFactor*float64(ref.p99)) + s.LatencySlack
	n := t.new.Requests
	g := v1.Gate{Name: gateLatency, Verdict: v1.VerdictNotEnough, Baseline: ref.name, Samples: n, Bound: percent(s.MaxSlow)}
	if ref.requests == 0 {
		g.Detail = short(s, n, &ref)
		return g
	}
	k := t.new.Latency.Above(limit)
	g.Value = percent(share(k, n))
	seen := fmt.Sprintf("%d of %d new answers (%.3g %%) took longer than %v, which is %.4g x old p99 %v + %v",
		k, n, g.Value, limit.Round(time.Microsecond), s.LatencyFactor, ref.p99, s.LatencySlack)
	if share(k, n) > s.MaxSlow {
		least := lowerBound(k, n, alpha/2)
		if least > s.MaxSlow && (ref.slower == nil || upperBound(ref.slower(limit), ref.requests, alpha/2) <= s.MaxSlow) {
			g.Verdict = v1.VerdictFail
			g.Detail = fmt.Sprintf("%s: at least %.3g %%, %.3g are allowed", seen, percent(least), g.Bound)
			return g
		}
	}
	if g.Detail = short(s, n, &ref); g.Detail != "" {
		return g
	}
	most := upperBound(k, n, passAlpha)
	if most <= s.MaxSlow {
		g.Verdict = v1.VerdictPass
	}
	g.Detail = fmt.Sprintf("%s: at most %.3g %%, %.3g are allowed", seen, percent(most), g.Bound)
	return g
}

// short says which cohort is too small to pass, "" when both are large enough.
func short(s *Settings, n int64, ref *reference) string {
	switch {
	case n < s.MinRequests:
		return fmt.Sprintf("%d of at least %d new requests", n, s.MinRequests)
	case ref.requests < s.MinRequests:
		return fmt.Sprintf("the old cohort has %d of at least %d requests, and no earlier step left a larger one", ref.requests, s.MinRequests)
	}
	return ""
}

// dropsGate holds while too many copies were dropped: what was compared would not stand for all. Drops
// say nothing against the new side, so the gate never fails.
func dropsGate(s *Settings, attempts, dropped int64) v1.Gate {
	rate := share(dropped, attempts)
	g := v1.Gate{
		Name: gateDrops, Verdict: v1.VerdictPass, Value: percent(rate), Bound: percent(s.MaxDrops), Samples: attempts,
		Detail: fmt.Sprintf("%d of %d copies dropped (%.3g %%), less than %.3g %% are allowed", dropped, attempts, percent(rate), percent(s.MaxDrops)),
	}
	if dropped > 0 && rate >= s.MaxDrops {
		g.Verdict = v1.VerdictNotEnough
	}
	return g
}

// together is fail when any gate fails, else not_enough when any lacks evidence, else pass.
func together(gates []v1.Gate) v1.Verdict {
	verdict := v1.VerdictPass
	for _, g := range gates {
		switch g.Verdict {
		case v1.VerdictFail:
			return v1.VerdictFail
		case v1.VerdictNotEnough:
			verdict = v1.VerdictNotEnough
		case v1.VerdictPass:
		}
	}
	if len(gates) == 0 {
		return v1.VerdictNotEnough
	}
	return verdict
}

// first is the first gate with a verdict, nil when none has it.
func first(gates []v1.Gate, verdict v1.Verdict) *v1.Gate {
	for i := range gates {
		if gates[i].Verdict == verdict {
			return &gates[i]
		}
	}
	return nil
}

func share(k, n int64) float64 {
	if n <= 0 {
		return 0
	}
	return float64(k) / float64(n)
}

func percent(share float64) float64 { return share * 100 }

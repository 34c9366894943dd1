package gateway

import (
	"time"

	"jindu.dev/jindu/internal/route"
)

// Decide has the exchange decided and counts it as under way.
func (v *View) Decide(ex *Exchange) {
	v.Table.Decide(&ex.Request, &ex.Decision)
	v.g.inFlight.Add(1)
	v.enter(ex)
	if r := ex.Decision.Rule; r != nil {
		v.rules[r.Index].requests.Add(1)
	}
}

// enter and leave count the exchange among those of the new side that are under way.
func (v *View) enter(ex *Exchange) { v.underWay(ex, 1) }
func (v *View) leave(ex *Exchange) { v.underWay(ex, -1) }

func (v *View) underWay(ex *Exchange, n int64) {
	if d := &ex.Decision; d.Cohort != nil && d.Side == route.SideNew && !d.ByOwner {
		v.cohorts[d.Cohort].new.inFlight.Add(n)
	}
}

// Finish counts the exchange: for the rule and subset that answered, and for the side it was assigned
// to. It is the end of every exchange that Decide began.
func (v *View) Finish(ex *Exchange, now time.Time) {
	ex.Latency = now.Sub(ex.Start)
	v.g.inFlight.Add(-1)
	v.unqueue(ex)
	rule := v.norule
	if r := ex.Decision.Rule; r != nil {
		rule = v.rules[r.Index]
	}
	rule.series(v.g, ex.Subset).observe(ex.Status, ex.Latency)
	failed := ex.Origin != OriginNone && ex.Status >= 500 || ex.Failure != Answered && ex.Failure != ClientLeft
	failed = failed && !ex.Fenced
	if ex.Subset != nil {
		t := v.totals[ex.Subset.Index]
		t.requests.Add(1)
		if failed {
			t.failures.Add(1)
		}
		t.latency.Observe(ex.Latency)
		if b := v.circuit[ex.Subset.Index]; b != nil && ex.allowed {
			b.record(v.g.Clock(now), failed, ex.trialOther)
		}
	}
	if ex.Decision.Cohort != nil {
		v.charge(ex, failed, v.g.Clock(now))
	}
	if ex.Origin == OriginNone {
		v.g.Events.ClientsLeft.Add(1)
	}
	v.g.logAccess(v.Settings, ex, failed || ex.Fenced)
}

// charge counts the exchange for the side it was assigned to. A fallback is a failure of the new side,
// however well the old one answered. A client that left is no failure, but its wait counts. What the
// owner of an entity decided is charged to neither: it is not what the side's cohort asks for.
func (v *View) charge(ex *Exchange, failed bool, now int64) {
	c := v.cohorts[ex.Decision.Cohort]
	o := c.old
	v.leave(ex)
	if ex.Decision.Side == route.SideNew {
		o = c.new
		failed = failed || ex.FellBack
		if ex.reached || ex.trial {
			c.breaker.record(now, failed, ex.trial)
		}
	}
	if ex.Decision.ByOwner {
		o.owned.Add(1)
		return
	}
	o.requests.Add(1)
	if failed {
		o.failures.Add(1)
	}
	if ex.FellBack {
		o.fallbacks.Add(1)
	}
	o.latency.Observe(ex.Latency)
}

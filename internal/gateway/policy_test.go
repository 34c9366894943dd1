package gateway

import (
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/route"
)

// crossing is a gateway whose service moves, with everyone on the new side.
func crossing(t *testing.T, change func(*v1.MigrationSpec, *v1.RouteRule)) (*Gateway, func(method string) *Exchange) {
	t.Helper()
	now := time.Unix(1000, 0)
	g := New(Default(), Options{Now: func() time.Time { return now }})
	spec := v1.MigrationSpec{Service: "s", From: v1.Selector{"v": "1"}, To: v1.Selector{"v": "2"}}
	rule := v1.RouteRule{BackendRefs: []v1.BackendRef{{BackendTarget: v1.BackendTarget{Service: "s"}}}, Retry: &v1.Retry{Attempts: new(2), Codes: []int{502}}}
	if change != nil {
		change(&spec, &rule)
	}
	in := func(addr, version string) *registry.Instance {
		return &registry.Instance{Name: addr, Service: "s", Address: addr, Weight: 1, Usable: true, Metadata: map[string]string{"v": version}}
	}
	table, problems := route.Build(
		[]v1.Route{{Metadata: v1.Meta{Name: "r"}, Spec: v1.RouteSpec{Rules: []v1.RouteRule{rule}}}},
		[]v1.Migration{{Metadata: v1.Meta{Name: "m"}, Spec: spec, Status: v1.MigrationStatus{Phase: v1.PhaseHold, Buckets: 10000}}},
		&registry.Snapshot{Services: map[string]*registry.Service{"s": {Name: "s", Instances: []*registry.Instance{in("a:1", "1"), in("b:1", "2")}}}},
		route.Defaults{Retry: route.RetryPolicy{Percent: 20}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	g.Apply(table)
	return g, func(method string) *Exchange {
		ex := &Exchange{Start: now}
		ex.Request = route.Request{Method: []byte(method), Path: []byte("/"), Fields: nothing{}}
		g.Load().Decide(ex)
		ex.Tries, ex.Subset = 1, ex.Decision.Subset
		return ex
	}
}

func TestWhatMayBeRepeatedWithinASubset(t *testing.T) {
	g, begin := crossing(t, nil)
	v := g.Load()
	for _, c := range []struct {
		method string
		f      Failure
		whole  bool
		want   bool
	}{
		{"POST", NoConnection, true, true}, {"POST", NoConnection, false, false}, {"POST", Broken, true, false}, {"POST", TimedOut, true, false},
		{"GET", Broken, true, true}, {"GET", TimedOut, true, true}, {"PUT", Broken, true, true}, {"DELETE", Broken, false, false},
		{"GET", Refused, true, false}, {"GET", CircuitOpen, true, false}, {"GET", ClientLeft, true, false}, {"PATCH", Broken, true, false},
	} {
		if got := v.MayRetry(begin(c.method), c.f, c.whole, 0); got != c.want {
			t.Errorf("%s after %q, whole %v: %v", c.method, c.f.Detail(), c.whole, got)
		}
	}
	ex := begin("GET")
	if !v.Retries(ex, 502) || v.Retries(ex, 500) || v.Retries(begin("POST"), 502) {
		t.Error("the route's codes do not decide")
	}
	if ex.Tries = 3; v.MayRetry(ex, Broken, true, 0) || v.Retries(ex, 502) {
		t.Error("more tries than the route allows")
	}
}

func TestWhatMayCrossToTheOldSide(t *testing.T) {
	g, begin := crossing(t, nil)
	v := g.Load()
	for _, c := range []struct {
		method string
		f      Failure
		want   bool
	}{
		{"POST", Refused, true}, {"POST", NoConnection, true}, {"GET", NoInstance, true}, {"PATCH", CircuitOpen, true},
		{"POST", Broken, false}, {"GET", TimedOut, false}, {"GET", Answered, false}, {"PUT", Refused, false}, {"DELETE", NoConnection, false},
	} {
		if got := v.MayFallBack(begin(c.method), c.f, true, 0); got != c.want {
			t.Errorf("%s after %q: %v", c.method, c.f.Detail(), got)
		}
	}
	ex := begin("GET")
	if v.MayFallBack(ex, Refused, false, 0) || !v.MayFallBack(ex, Refused, true, 0) || v.MayFallBack(ex, Refused, true, 0) {
		t.Error("a body that is gone, or a second time")
	}
	g, begin = crossing(t, func(m *v1.MigrationSpec, _ *v1.RouteRule) { m.Fallback.Disabled = true })
	if g.Load().MayFallBack(begin("GET"), Refused, true, 0) {
		t.Error("it is switched off")
	}
}

func TestOutcomesAreChargedToTheSideThatWasAssigned(t *testing.T) {
	g, begin := crossing(t, nil)
	v := g.Load()
	finish := func(status int, o Origin, f Failure, fell bool) {
		ex := begin("GET")
		ex.Status, ex.Origin, ex.Failure, ex.FellBack = status, o, f, fell
		if fell {
			ex.Subset = ex.Decision.Cohort.Old
		}
		v.Finish(ex, ex.Start.Add(time.Millisecond))
	}
	finish(200, OriginUpstream, Answered, false)
	finish(200, OriginUpstream, Answered, true)
	finish(500, OriginUpstream, Answered, false)
	finish(504, OriginGateway, TimedOut, false)
	finish(499, OriginNone, ClientLeft, false)
	finish(409, OriginUpstream, Answered, false)
	old, now := g.Outcomes("m")
	if old.Requests != 0 || now.Requests != 6 || now.Failures != 3 || now.Fallbacks != 1 || now.Latency.Count() != 6 {
		t.Fatalf("old %d; new %d, %d failures, %d fallbacks", old.Requests, now.Requests, now.Failures, now.Fallbacks)
	}
	for _, s := range g.Traffic() {
		if s.Subset == "v=1" && (s.Requests != 1 || s.Failures != 0) || s.Subset == "v=2" && (s.Requests != 5 || s.Failures != 2) {
			t.Errorf("%s: %d requests, %d failures", s.Subset, s.Requests, s.Failures)
		}
	}
	if o, n := g.Outcomes("unknown"); o.Requests+n.Requests != 0 {
		t.Error("an unknown migration has outcomes")
	}
	if g.InFlight() != 0 {
		t.Errorf("%d in flight", g.InFlight())
	}
}

func TestTheBreakerOfAMigrationIsForItsNewSideAlone(t *testing.T) {
	g, begin := crossing(t, func(m *v1.MigrationSpec, _ *v1.RouteRule) { one := 1; m.Breaker.Requests = &one })
	v := g.Load()
	ex := begin("GET")
	if !v.Allow(ex, ex.Decision.Subset, route.SideNew, 0) {
		t.Fatal("closed circuit")
	}
	ex.Status, ex.Origin = 500, OriginUpstream
	v.Finish(ex, ex.Start)
	ex = begin("GET")
	if v.Allow(ex, ex.Decision.Subset, route.SideNew, 0) {
		t.Fatal("open circuit")
	}
	if !v.Allow(ex, ex.Decision.Cohort.Old, route.SideOld, 0) {
		t.Fatal("the old side has no breaker")
	}
}

func TestTriesAreReportedToTheInstance(t *testing.T) {
	g, begin := crossing(t, nil)
	v := g.Load()
	ex := begin("GET")
	u := v.Pick(ex.Subset, 0, 7, nil)
	for _, c := range []struct {
		f      Failure
		status int
		row    int32
	}{{Broken, 0, 1}, {TimedOut, 0, 2}, {ClientLeft, 0, 2}, {Answered, 500, 3}, {Refused, 503, 0}, {NoConnection, 0, 1}, {Answered, 404, 0}} {
		v.Began(u)
		v.Ended(ex.Subset, u, c.f, c.status, 0)
		if u.failures.Load() != c.row || u.inFlight.Load() != 0 {
			t.Errorf("after %q %d: %d in a row, %d in flight", c.f.Detail(), c.status, u.failures.Load(), u.inFlight.Load())
		}
	}
}

// nothing is a head without fields.
type nothing struct{}

func (nothing) Get(string) []byte { return nil }

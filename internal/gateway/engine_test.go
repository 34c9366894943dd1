package gateway

import (
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/route"
)

const sec = int64(time.Second)

func TestABreakerOpensOnFailuresAndClosesAfterATrial(t *testing.T) {
	b := newBreaker(v1.BreakerSpec{Requests: new(10)})
	now := 100 * sec
	for i := range 9 {
		b.record(now, i%2 == 0, false)
	}
	if ok, _ := b.allow(now); !ok {
		t.Fatal("opened below the least number of requests")
	}
	b.record(now, true, false)
	if ok, _ := b.allow(now); ok {
		t.Fatal("did not open at 60 %")
	}
	if ok, trial := b.allow(now + 5*sec); !ok || !trial {
		t.Fatal("no trial after the pause")
	}
	if ok, _ := b.allow(now + 5*sec); ok {
		t.Fatal("two trials at once")
	}
	b.record(now+5*sec, true, true)
	if ok, _ := b.allow(now + 9*sec); ok {
		t.Fatal("a failed trial closed the circuit")
	}
	if ok, trial := b.allow(now + 10*sec); !ok || !trial {
		t.Fatal("no second trial")
	}
	b.record(now+10*sec, false, true)
	if ok, trial := b.allow(now + 10*sec); !ok || trial {
		t.Fatal("a good trial did not close the circuit")
	}
	b.record(now+10*sec, true, false)
	if ok, _ := b.allow(now + 10*sec); !ok {
		t.Fatal("what was before the trial still counts")
	}
}

func TestABreakerForgetsWhatIsOlderThanItsWindow(t *testing.T) {
	b := newBreaker(v1.BreakerSpec{Requests: new(10)})
	for range 9 {
		b.record(0, true, false)
	}
	b.record(11*sec, true, false)
	if ok, _ := b.allow(11 * sec); !ok {
		t.Fatal("opened on failures of another window")
	}
	off := newBreaker(v1.BreakerSpec{Disabled: true, Failures: new(1.0), Requests: new(1)})
	off.record(0, true, false)
	if ok, _ := off.allow(0); !ok {
		t.Fatal("a disabled breaker opened")
	}
}

func TestABudgetGivesAShareAndAFloor(t *testing.T) {
	b := &budget{percent: 20, floor: 10}
	taken := 0
	for i := range int64(1000) {
		if b.take(0, i+1) {
			taken++
		}
	}
	if taken < 205 || taken > 211 {
		t.Fatalf("%d of 1000 in one moment, want 10 + 20 %%", taken)
	}
	if got := b.take(20*sec, 1000); !got {
		t.Fatal("the floor does not come back")
	}
	quiet := 0
	for range 1000 {
		if b.take(21*sec, 1000) {
			quiet++
		}
	}
	if quiet < 9 || quiet > 20 {
		t.Fatalf("%d without a single request", quiet)
	}
}

// pair is a balancer over instances of the given weights.
func pair(weights ...int) *balancer {
	s := &route.Subset{}
	ups := map[string]*Upstream{}
	for i, w := range weights {
		s.Instances = append(s.Instances, &registry.Instance{Address: string(rune('a' + i)), Weight: w})
	}
	l := limitsOf(s)
	return newBalancer(s, func(i *registry.Instance) *Upstream {
		u := &Upstream{Address: i.Address}
		u.limits.Store(l)
		ups[i.Address] = u
		return u
	})
}

// draws counts choices over a fixed sequence of numbers.
func draws(b *balancer, n int, avoid *Upstream) map[string]int {
	got := map[string]int{}
	x := uint64(1)
	for range n {
		x = x*6364136223846793005 + 1442695040888963407
		got[b.pick(0, x^x>>29, avoid).Address]++
	}
	return got
}

func TestInstancesGetTrafficByWeight(t *testing.T) {
	got := draws(pair(100, 100), 10_000, nil)
	if got["a"] < 4500 || got["a"] > 5500 {
		t.Errorf("equal weights: %v", got)
	}
	got = draws(pair(90, 10), 10_000, nil)
	if got["b"] > 1500 || got["b"] < 50 {
		t.Errorf("90 to 10: %v", got)
	}
	if b := pair(); b.pick(0, 1, nil) != nil {
		t.Error("an empty subset gave an instance")
	}
}

func TestTheLessBusyOfTwoIsTaken(t *testing.T) {
	b := pair(100, 100)
	b.ups[0].inFlight.Store(10)
	if got := draws(b, 1000, nil); got["a"] != 0 {
		t.Errorf("the busy one got %d", got["a"])
	}
	if got := draws(b, 1000, b.ups[1]); got["b"] != 0 {
		t.Errorf("the one to avoid got %d", got["b"])
	}
}

func TestEjectionIsBoundedAndGrows(t *testing.T) {
	b := pair(100, 100, 100, 100)
	fail := func(i int, now int64) (out bool) {
		for range 5 {
			out = b.report(now, b.ups[i], true)
		}
		return out
	}
	if !fail(0, 0) || !fail(1, 0) {
		t.Fatal("two of four may be out")
	}
	if fail(2, 0) {
		t.Fatal("three of four were ejected")
	}
	if got := draws(b, 1000, nil); got["a"]+got["b"] != 0 {
		t.Fatalf("ejected ones got traffic: %v", got)
	}
	if b.ups[0].ejected(6 * sec) {
		t.Fatal("out for longer than the first time")
	}
	if !fail(0, 6*sec) || !b.ups[0].ejected(15*sec) || b.ups[0].ejected(17*sec) {
		t.Fatal("the second time is not twice as long")
	}
	b.report(20*sec, b.ups[0], true)
	b.report(20*sec, b.ups[0], false)
	for range 4 {
		if b.report(20*sec, b.ups[0], true) {
			t.Fatal("failures that were not in a row ejected")
		}
	}
	b.report(17*sec+int64(maxEjection), b.ups[0], false)
	if b.ups[0].ejections.Load() != 0 {
		t.Fatal("good behaviour is not remembered")
	}
	for range 40 {
		b.ups[0].ejectedUntil.Store(0)
		fail(0, 0)
	}
	if b.ups[0].ejectedUntil.Load() > int64(maxEjection) {
		t.Fatal("out for longer than the most")
	}
}

func TestASubsetOfOneIsNeverEjected(t *testing.T) {
	b := pair(100)
	for range 100 {
		if b.report(0, b.ups[0], true) {
			t.Fatal("nobody is left")
		}
	}
	spec := v1.ServiceSpec{Outlier: &v1.Outlier{Disabled: true}}
	if l := limitsOf(&route.Subset{Spec: spec}); l.ejectAfter != 0 {
		t.Fatal("ejection is not off")
	}
}

func TestAnAddressKeepsItsStateOverTables(t *testing.T) {
	now := time.Unix(1000, 0)
	g := New(Default(), Options{Now: func() time.Time { return now }})
	made, shut := 0, 0
	g.Attach(func(*Upstream) Conns { made++; return shutter{&shut} })
	in := &registry.Instance{Address: "a:1", Weight: 1, Service: "s", Usable: true}
	with := func(list ...*registry.Instance) {
		table, _ := route.Build([]v1.Route{{Metadata: v1.Meta{Name: "r"}, Spec: v1.RouteSpec{Rules: []v1.RouteRule{{BackendRefs: []v1.BackendRef{{BackendTarget: v1.BackendTarget{Service: "s"}}}}}}}},
			nil, &registry.Snapshot{Services: map[string]*registry.Service{"s": {Name: "s", Instances: list}}}, route.Defaults{})
		g.Apply(table)
	}
	with(in)
	g.upstreams["a:1"].ejectedUntil.Store(int64(time.Hour))
	now = now.Add(time.Minute)
	with()
	with(in)
	if made != 1 || shut != 0 || !g.Ejected("a:1") || g.Ejected("b:1") {
		t.Fatalf("made %d, shut %d, ejected %v", made, shut, g.Ejected("a:1"))
	}
	now = now.Add(6 * time.Minute)
	with()
	if shut != 1 || g.Ejected("a:1") {
		t.Fatalf("an address of long ago is kept: shut %d", shut)
	}
}

type shutter struct{ n *int }

func (s shutter) Close() { *s.n++ }

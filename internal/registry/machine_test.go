package registry

import (
	"fmt"
	"slices"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// world is a machine with its time.
type world struct {
	*machine
	at  time.Duration
	now time.Time
}

func newWorld() *world {
	return &world{machine: newMachine(Default()), now: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
}

func (w *world) pass(d time.Duration) {
	w.at += d
	w.now = w.now.Add(d)
}

// put applies an instance of service orders; ttl "" makes it a fixed one.
func (w *world) put(name string, port int, ttl v1.Duration, revision int64) {
	w.putInstance(object(name, port, ttl, revision), w.at)
}

func object(name string, port int, ttl v1.Duration, revision int64) v1.Instance {
	return v1.Instance{
		Metadata: v1.Meta{Name: name, Revision: revision},
		Spec:     v1.InstanceSpec{Service: "orders", IP: "10.0.0.1", Port: port, TTL: ttl, Metadata: map[string]string{"runtime": "go1.26"}},
	}
}

func (w *world) beat(name string) { w.heartbeat(w.instances[name], w.at, w.now) }

// usable are the names of the usable instances of service orders.
func (w *world) usable() []string {
	names := []string{}
	s := w.publish().Services["orders"]
	if s == nil {
		return names
	}
	for _, in := range s.Instances {
		if in.Usable {
			names = append(names, in.Name)
		}
	}
	return names
}

func (w *world) expect(t *testing.T, when string, want ...string) {
	t.Helper()
	if got := w.usable(); !slices.Equal(got, want) {
		t.Errorf("%s: usable %v, want %v", when, got, want)
	}
}

func TestALeaseEndsWithoutHeartbeatsAndComesBackWithOne(t *testing.T) {
	w := newWorld()
	w.put("a", 1, "15s", 1)
	w.put("b", 2, "15s", 2)
	w.put("c", 3, "", 3)
	for range 3 {
		w.pass(7 * time.Second)
		w.beat("b")
		w.sweep(w.at)
	}
	w.expect(t, "after 21 s", "b", "c")
	st, ok := w.instanceStatus("a")
	if !ok || st.State != v1.StateGone || st.Reason != "no heartbeat for 15s" || st.LastHeartbeat != nil {
		t.Errorf("a: %+v", st)
	}
	if st, _ := w.instanceStatus("b"); st.LastHeartbeat == nil || !st.LastHeartbeat.Equal(w.now) {
		t.Errorf("b: %+v", st)
	}
	w.beat("a")
	w.expect(t, "after a heartbeat", "a", "b", "c")
	if st, _ := w.instanceStatus("a"); st.State != v1.StateServing || st.Reason != "" {
		t.Errorf("a: %+v", st)
	}
}

func TestAClockThatIsSetEndsNoLease(t *testing.T) {
	mono, most := time.Duration(0), time.Second
	clock := steady{mono: func() time.Duration { return mono }, most: most}
	w := newWorld()
	w.put("a", 1, "5s", 1)
	for range 4 {
		mono += time.Second
		w.now = w.now.Add(-time.Hour) // the wall clock is set back again and again
		w.at = clock.now()
		w.sweep(w.at)
	}
	w.beat("a")
	w.expect(t, "set back", "a")
	mono += time.Hour // the process was stopped for an hour
	w.at = clock.now()
	w.sweep(w.at)
	w.expect(t, "stopped", "a")
	for range 6 {
		mono += time.Second
		w.at = clock.now()
		w.sweep(w.at)
	}
	if st, _ := w.instanceStatus("a"); st.State != v1.StateGone {
		t.Error("the lease does not end any more")
	}
}

func TestADeregisteredInstanceDrainsAndIsForgotten(t *testing.T) {
	w := newWorld()
	w.put("a", 1, "15s", 1)
	w.put("b", 2, "15s", 2)
	if !w.leave("a", w.at) || w.leave("x", w.at) {
		t.Fatal("leave")
	}
	w.expect(t, "left", "b")
	if st, _ := w.instanceStatus("a"); st.State != v1.StateDraining {
		t.Errorf("a: %+v", st)
	}
	w.pass(w.config.Drain - 1)
	w.beat("b")
	if got := w.sweep(w.at); len(got) != 0 {
		t.Errorf("forgotten too early: %v", got)
	}
	w.put("a", 1, "15s", 3) // an event of its object does not bring it back
	w.pass(1)
	if got := w.sweep(w.at); !slices.Equal(got, []string{"a"}) || !w.forgettable("a") {
		t.Errorf("forget %v", got)
	}
	w.deleteInstance("a", 3)
	if _, ok := w.instanceStatus("a"); ok || w.forgettable("a") {
		t.Error("not forgotten")
	}
}

func TestAnInstanceThatRegistersAgainWhileDrainingServes(t *testing.T) {
	w := newWorld()
	w.put("a", 1, "15s", 1)
	w.leave("a", w.at)
	w.beat("a")
	w.expect(t, "back", "a")
	w.pass(14 * time.Second)
	if got := w.sweep(w.at); len(got) != 0 || w.forgettable("a") {
		t.Errorf("forget %v", got)
	}
}

func TestAFixedInstanceThatIsAppliedAgainIsBack(t *testing.T) {
	w := newWorld()
	w.put("a", 1, "", 1)
	w.leave("a", w.at)
	w.put("a", 1, "", 1)
	w.expect(t, "the same event")
	w.put("a", 1, "", 2)
	w.expect(t, "applied again", "a")
}

func TestDrainingByTheUserFinishesWhatIsThere(t *testing.T) {
	w := newWorld()
	o := object("a", 1, "15s", 1)
	w.putInstance(o, w.at)
	o.Spec.Draining, o.Metadata.Revision = true, 2
	w.putInstance(o, w.at)
	w.expect(t, "draining")
	w.beat("a")
	if st, _ := w.instanceStatus("a"); st.State != v1.StateDraining {
		t.Errorf("a: %+v", st)
	}
	if w.publish().Services["orders"].Protected {
		t.Error("protection holds what a user drains")
	}
	o.Spec.Draining, o.Metadata.Revision = false, 3
	w.putInstance(o, w.at)
	w.expect(t, "no longer", "a")
}

func TestAGoneInstanceIsShownForAWhileAndThenForgotten(t *testing.T) {
	w := newWorld()
	w.put("a", 1, "15s", 1)
	w.put("b", 2, "", 2)
	w.pass(16 * time.Second)
	if got := w.sweep(w.at); len(got) != 0 {
		t.Errorf("forget %v", got)
	}
	w.pass(w.config.Gone)
	if got := w.sweep(w.at); !slices.Equal(got, []string{"a"}) {
		t.Errorf("forget %v", got)
	}
}

func TestProtectionKeepsInstancesWhenTooManyAreLost(t *testing.T) {
	w := newWorld()
	for i := range 10 {
		w.put(fmt.Sprintf("i%d", i), i+1, "15s", 1)
	}
	lose := func(alive int) {
		w.pass(10 * time.Second)
		for i := range alive {
			w.beat(fmt.Sprintf("i%d", i))
		}
		w.pass(10 * time.Second)
		w.sweep(w.at)
		for i := range alive {
			w.beat(fmt.Sprintf("i%d", i))
		}
	}
	lose(2)
	w.expect(t, "a fifth is left", "i0", "i1")
	lose(1)
	if got := w.usable(); len(got) != 10 || !w.publish().Services["orders"].Protected {
		t.Errorf("a tenth is left: %v", got)
	}
	w.leave("i5", w.at)
	if got := w.usable(); slices.Contains(got, "i5") {
		t.Error("what left by itself is kept")
	}
	for range 60 { // far past the time after which gone instances are forgotten
		lose(1)
	}
	if got := w.sweep(w.at); slices.Contains(got, "i6") {
		t.Error("what protection holds is forgotten")
	}
	w.deleteInstance("i5", 9)
	lose(3)
	w.expect(t, "recovered", "i0", "i1", "i2")
	w.pass(w.config.Hold)
	w.beat("i0")
	if got := w.sweep(w.at); len(got) != 6 {
		t.Errorf("forget %v", got)
	}
}

func TestProtectionEndsAfterTheLongestHold(t *testing.T) {
	w := newWorld()
	w.put("a", 1, "15s", 1)
	w.pass(16 * time.Second)
	w.sweep(w.at)
	w.expect(t, "held", "a")
	w.pass(w.config.Hold - 1)
	if got := w.sweep(w.at); len(got) != 0 {
		t.Errorf("forget %v", got)
	}
	w.pass(1)
	if got := w.sweep(w.at); !slices.Equal(got, []string{"a"}) {
		t.Errorf("forget %v", got)
	}
}

func TestProtectionCanBeTurnedOff(t *testing.T) {
	w := newWorld()
	w.putService(v1.Service{Metadata: v1.Meta{Name: "orders"}, Spec: v1.ServiceSpec{Protection: &v1.Protection{Disabled: true}}})
	w.put("a", 1, "15s", 1)
	w.pass(16 * time.Second)
	w.sweep(w.at)
	w.expect(t, "lost")
}

func TestDeletionIsNeverHeldByProtection(t *testing.T) {
	w := newWorld()
	w.put("a", 1, "", 1)
	w.deleteInstance("a", 2)
	w.expect(t, "deleted")
	if len(w.publish().Services) != 0 {
		t.Error("a service without object and instances stays")
	}
	w.deleteInstance("a", 3)
	w.deleteService("orders")
}

func TestOlderEventsAreNoNews(t *testing.T) {
	w := newWorld()
	w.put("a", 1, "", 5)
	w.put("a", 9, "", 4)
	if got := w.instances["a"].addr.Port(); got != 1 {
		t.Errorf("port %d", got)
	}
	w.deleteInstance("a", 4)
	w.expect(t, "older deletion", "a")
}

func TestAnInstanceCanMoveToAnotherService(t *testing.T) {
	w := newWorld()
	w.put("a", 1, "", 1)
	w.expect(t, "before", "a")
	o := object("a", 1, "", 2)
	o.Spec.Service = "stock"
	w.putInstance(o, w.at)
	snap := w.publish()
	if snap.Services["orders"] != nil || len(snap.Services["stock"].Instances) != 1 {
		t.Errorf("services: %v", snap.Services)
	}
}

func TestASnapshotNeverChangesAndSharesWhatStayed(t *testing.T) {
	w := newWorld()
	w.put("a", 1, "", 1)
	o := object("b", 2, "", 2)
	o.Spec.Service = "stock"
	w.putInstance(o, w.at)
	before := w.publish()
	if again := w.publish(); again != before {
		t.Error("a snapshot without a change")
	}
	w.leave("a", w.at)
	after := w.publish()
	if !before.Services["orders"].Instances[0].Usable || after.Services["orders"].Instances[0].Usable {
		t.Error("the old snapshot changed, or the new one did not")
	}
	if before.Services["stock"] != after.Services["stock"] || after.Revision <= before.Revision {
		t.Error("an unchanged service was made anew, or the revision did not rise")
	}
}

func TestAnInstanceHasItsDefaults(t *testing.T) {
	w := newWorld()
	w.putService(v1.Service{Metadata: v1.Meta{Name: "orders"}, Spec: v1.ServiceSpec{Owner: "team"}})
	o := object("a", 8080, "", 1)
	o.Spec.IP = "::ffff:10.0.0.1"
	w.putInstance(o, w.at)
	o = object("z", 8081, "", 1)
	o.Spec.Weight = new(int)
	w.putInstance(o, w.at)
	w.putInstance(v1.Instance{Metadata: v1.Meta{Name: "bad"}, Spec: v1.InstanceSpec{Service: "orders", IP: "x", Port: 1}}, w.at)
	s := w.publish().Services["orders"]
	if len(s.Instances) != 2 || s.Instances[0].Address != "10.0.0.1:8080" || s.Instances[0].Weight != 100 || s.Instances[1].Weight != 0 || s.Spec.Owner != "team" {
		t.Errorf("%+v", s)
	}
}

func TestHealthFollowsTheThresholds(t *testing.T) {
	w := newWorld()
	w.putService(v1.Service{Metadata: v1.Meta{Name: "orders"}, Spec: v1.ServiceSpec{
		HealthCheck: &v1.HealthCheck{Type: "TCP", Interval: "1s", Healthy: 2, Unhealthy: 3}, Protection: &v1.Protection{Disabled: true},
	}})
	w.put("a", 1, "", 1)
	w.expect(t, "not asked yet", "a")
	ask := func(reason string) {
		t.Helper()
		probes := w.due(w.at, 10)
		if len(probes) != 1 || probes[0].check.Type != "TCP" || probes[0].addr.Port() != 1 {
			t.Fatalf("probes: %+v", probes)
		}
		if again := w.due(w.at, 10); len(again) != 0 {
			t.Fatal("asked twice at once")
		}
		w.checked(probes[0], reason, w.at)
		if early := w.due(w.at, 10); len(early) != 0 {
			t.Fatal("asked before the interval")
		}
		w.pass(time.Second)
	}
	ask("refused")
	w.expect(t, "the first answer decides")
	if st, _ := w.instanceStatus("a"); st.Healthy || st.Reason != "refused" || st.State != v1.StateServing {
		t.Errorf("status: %+v", st)
	}
	ask("")
	w.expect(t, "one success")
	ask("")
	w.expect(t, "two successes", "a")
	ask("slow")
	ask("slow")
	w.expect(t, "two failures", "a")
	ask("")
	ask("slow")
	ask("slow")
	w.expect(t, "not in a row", "a")
	ask("slow")
	w.expect(t, "three in a row")

	w.putService(v1.Service{Metadata: v1.Meta{Name: "orders"}})
	w.expect(t, "without a check", "a")
	if len(w.due(w.at, 10)) != 0 {
		t.Error("asked without a check")
	}
}

func TestAnAnswerAboutAnotherAddressIsIgnored(t *testing.T) {
	w := newWorld()
	w.putService(v1.Service{Metadata: v1.Meta{Name: "orders"}, Spec: v1.ServiceSpec{HealthCheck: &v1.HealthCheck{Type: "TCP"}, Protection: &v1.Protection{Disabled: true}}})
	w.put("a", 1, "", 1)
	p := w.due(w.at, 1)
	w.put("a", 2, "", 2)
	w.checked(p[0], "refused", w.at)
	w.expect(t, "moved", "a")
	w.deleteService("orders")
	w.checked(p[0], "refused", w.at)
	w.deleteInstance("a", 3)
	w.checked(p[0], "refused", w.at)
}

func TestChecksAreBoundedAndSkipWhatLeft(t *testing.T) {
	w := newWorld()
	w.putService(v1.Service{Metadata: v1.Meta{Name: "orders"}, Spec: v1.ServiceSpec{HealthCheck: &v1.HealthCheck{Type: "TCP"}}})
	for i := range 5 {
		w.put(fmt.Sprint(i), i+1, "", 1)
	}
	w.leave("0", w.at)
	if n := len(w.due(w.at, 3)); n != 3 {
		t.Errorf("%d checks", n)
	}
	if n := len(w.due(w.at, 3)); n != 1 {
		t.Errorf("%d more checks", n)
	}
}

package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// store is Objects in memory; it counts writes and can be out of reach.
type store struct {
	mu        sync.Mutex
	revision  int64
	writes    int
	instances map[string]v1.Instance
	services  map[string]bool
	down      error
	by        string
}

func (s *store) write(by v1.Identity) error {
	s.writes++
	s.by = by.Name
	s.revision++
	return s.down
}

func (s *store) PutInstance(_ context.Context, in v1.Instance, by v1.Identity) (v1.Instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.write(by); err != nil {
		return in, err
	}
	in.Metadata.Revision = s.revision
	s.instances[in.Metadata.Name] = in
	return in, nil
}

func (s *store) DeleteInstance(_ context.Context, name string, by v1.Identity) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.write(by); err != nil {
		return err
	}
	delete(s.instances, name)
	return nil
}

func (s *store) CreateService(_ context.Context, name string, by v1.Identity) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.services[name] = true
	return s.write(by)
}

func (s *store) state() (writes int, instances map[string]v1.Instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes, maps.Clone(s.instances)
}

func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

type checker func(netip.AddrPort) error

func (c checker) Check(_ context.Context, _ v1.HealthCheck, addr netip.AddrPort) error {
	return c(addr)
}

func newServer(t *testing.T, c Config, check checker) (*Server, *store) {
	t.Helper()
	st := &store{instances: map[string]v1.Instance{}, services: map[string]bool{}}
	s, err := New(c, Options{Objects: st, Checker: check, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s, st
}

// start runs s inside a synctest bubble until the test ends.
func start(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done, ready := make(chan error, 1), make(chan struct{})
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func settle() {
	time.Sleep(coalesce)
	synctest.Wait()
}

func usable(s *Server, service string) int {
	st, _ := s.ServiceStatus(service)
	return st.Usable
}

func registration(port int) v1.Registration {
	return v1.Registration{Service: "orders", IP: "10.0.0.1", Port: port, Metadata: map[string]string{"runtime": "go1.26"}}
}

var me = v1.Identity{Name: "tester", Role: v1.RoleRegister, Services: []string{"orders"}}

func TestRegisteringCreatesObjectsAndServesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newServer(t, Default(), nil)
		start(t, s)
		lease, err := s.Register(t.Context(), registration(8080), me)
		if err != nil {
			t.Fatal(err)
		}
		if lease != (v1.Lease{Instance: "orders-10.0.0.1-8080", TTL: "15s", Heartbeat: "5s", State: v1.StateServing}) {
			t.Errorf("lease: %+v", lease)
		}
		settle()
		if usable(s, "orders") != 1 || !st.services["orders"] || st.by != "tester" || s.Name() != "registry" {
			t.Errorf("usable %d, services %v, by %s", usable(s, "orders"), st.services, st.by)
		}
		if in := st.instances[lease.Instance]; in.Kind != v1.KindInstance || in.APIVersion != v1.APIVersion || in.Spec.TTL != "15s" {
			t.Errorf("object: %+v", in)
		}
	})
}

func TestAHeartbeatWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newServer(t, Default(), nil)
		start(t, s)
		for range 20 {
			if _, err := s.Register(t.Context(), registration(8080), me); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
		}
		if n, _ := st.state(); n != 2 { // the service and the instance
			t.Errorf("%d writes", n)
		}
		r := registration(8080)
		r.Metadata["version"] = "2"
		if _, err := s.Register(t.Context(), r, me); err != nil {
			t.Fatal(err)
		}
		settle()
		if in := s.Snapshot().Services["orders"].Instances[0]; in.Metadata["version"] != "2" {
			t.Errorf("metadata: %v", in.Metadata)
		}
	})
}

func TestHeartbeatsGoOnWhileTheStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newServer(t, Default(), nil)
		start(t, s)
		if _, err := s.Register(t.Context(), registration(1), me); err != nil {
			t.Fatal(err)
		}
		st.fail(errors.New("disk gone"))
		for range 10 {
			time.Sleep(5 * time.Second)
			if _, err := s.Register(t.Context(), registration(1), me); err != nil {
				t.Fatal(err)
			}
		}
		if usable(s, "orders") != 1 {
			t.Error("not usable")
		}
		_, err := s.Register(t.Context(), registration(2), me)
		if kind.Of(err) != kind.Unavailable || kind.Code(err) != "JD-REGISTRY-006" {
			t.Errorf("error: %v", err)
		}
	})
}

func TestWhatAUserChangedStaysUntilTheInstanceSaysSomethingNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newServer(t, Default(), nil)
		start(t, s)
		lease, err := s.Register(t.Context(), registration(1), me)
		if err != nil {
			t.Fatal(err)
		}
		_, all := st.state()
		edited := all[lease.Instance]
		edited.Spec.Draining, edited.Metadata.Revision = true, 100
		weight := 5
		edited.Spec.Weight = &weight
		s.PutInstance(edited)
		lease, err = s.Register(t.Context(), registration(1), me)
		if err != nil || lease.State != v1.StateDraining {
			t.Errorf("lease: %+v %v", lease, err)
		}
		settle()
		if n, _ := st.state(); n != 2 || s.Snapshot().Services["orders"].Instances[0].Weight != 5 {
			t.Errorf("%d writes", n)
		}

		again, st2 := newServer(t, Default(), nil) // a restart: the label remembers
		st2.revision = 200
		again.SetServices([]v1.Service{{Metadata: v1.Meta{Name: "orders"}}})
		again.SetInstances([]v1.Instance{edited}, 100)
		if _, err = again.Register(t.Context(), registration(1), me); err != nil || st2.writes != 0 {
			t.Errorf("%d writes after a restart, %v", st2.writes, err)
		}
		r := registration(1)
		r.Metadata["version"] = "2"
		if lease, err = again.Register(t.Context(), r, me); err != nil || lease.State != v1.StateDraining {
			t.Errorf("lease: %+v %v", lease, err)
		}
	})
}

func TestLeasesBeginAnewAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newServer(t, Default(), nil)
		s.SetInstances([]v1.Instance{object("a", 1, "15s", 1)}, 1)
		start(t, s)
		if usable(s, "orders") != 1 {
			t.Fatal("not usable from the start")
		}
		time.Sleep(14 * time.Second)
		if st, _ := s.InstanceStatus("a"); st.State != v1.StateServing {
			t.Errorf("status: %+v", st)
		}
		time.Sleep(2 * time.Second)
		if st, _ := s.InstanceStatus("a"); st.State != v1.StateGone {
			t.Errorf("status: %+v", st)
		}
	})
}

func TestADeregisteredInstanceIsDeletedAndItsReturnIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newServer(t, Default(), nil)
		start(t, s)
		for _, port := range []int{1, 2} {
			if _, err := s.Register(t.Context(), registration(port), me); err != nil {
				t.Fatal(err)
			}
			if err := s.Deregister(t.Context(), v1.Deregistration{Service: "orders", IP: "10.0.0.1", Port: port}, me); err != nil {
				t.Fatal(err)
			}
		}
		settle()
		if usable(s, "orders") != 0 {
			t.Error("draining instances get traffic")
		}
		if _, err := s.Register(t.Context(), registration(2), me); err != nil {
			t.Fatal(err)
		}
		time.Sleep(Default().Drain + time.Second)
		synctest.Wait()
		if _, all := st.state(); len(all) != 1 || usable(s, "orders") != 1 {
			t.Errorf("objects %v, usable %d", all, usable(s, "orders"))
		}
		if _, ok := s.InstanceStatus("orders-10.0.0.1-1"); ok {
			t.Error("not forgotten")
		}
		err := s.Deregister(t.Context(), v1.Deregistration{Service: "orders", IP: "10.0.0.1", Port: 9}, me)
		if kind.Of(err) != kind.NotFound {
			t.Errorf("error: %v", err)
		}
	})
}

func TestADeletionIsTriedAgainWhenTheStoreIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newServer(t, Default(), nil)
		start(t, s)
		if _, err := s.Register(t.Context(), registration(1), me); err != nil {
			t.Fatal(err)
		}
		st.fail(errors.New("disk gone"))
		if err := s.Deregister(t.Context(), v1.Deregistration{Service: "orders", IP: "10.0.0.1", Port: 1}, me); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, ok := s.InstanceStatus("orders-10.0.0.1-1"); !ok {
			t.Fatal("forgotten before it was deleted")
		}
		st.fail(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if _, all := st.state(); len(all) != 0 {
			t.Errorf("objects: %v", all)
		}
	})
}

func TestHealthChecksDecideWithinTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Default()
		c.MaxChecks = 2
		var mu sync.Mutex
		running, most, sick := 0, 0, map[uint16]bool{3: true}
		check := checker(func(a netip.AddrPort) error {
			mu.Lock()
			running++
			most = max(most, running)
			bad := sick[a.Port()]
			mu.Unlock()
			time.Sleep(50 * time.Millisecond)
			mu.Lock()
			running--
			mu.Unlock()
			if bad {
				return errors.New("refused")
			}
			return nil
		})
		s, _ := newServer(t, c, check)
		s.SetServices([]v1.Service{{Metadata: v1.Meta{Name: "orders"}, Spec: v1.ServiceSpec{HealthCheck: &v1.HealthCheck{Type: "TCP", Interval: "1s"}}}})
		for i := range 5 {
			s.PutInstance(object(fmt.Sprint("i", i), i+1, "", 1))
		}
		start(t, s)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if st, _ := s.InstanceStatus("i2"); st.Healthy || st.Reason != "refused" {
			t.Errorf("status: %+v", st)
		}
		if usable(s, "orders") != 4 {
			t.Errorf("usable %d", usable(s, "orders"))
		}
		mu.Lock()
		defer mu.Unlock()
		if most != 2 {
			t.Errorf("%d checks at once", most)
		}
	})
}

func TestSubscribersSeeTheSnapshotOfNowAndEachThatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newServer(t, Default(), nil)
		start(t, s)
		var seen []int64
		s.Subscribe(func(snap *Snapshot) { seen = append(seen, snap.Revision) })
		for i := range 100 {
			s.PutInstance(object(fmt.Sprint("i", i), i+1, "", 1))
		}
		settle()
		if len(seen) != 2 || seen[1] != s.Snapshot().Revision || len(s.Snapshot().Services["orders"].Instances) != 100 {
			t.Errorf("seen %v", seen)
		}
	})
}

func TestAListReplacesWhatWasKnownUpToItsRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newServer(t, Default(), nil)
		start(t, s)
		s.SetServices([]v1.Service{{Metadata: v1.Meta{Name: "orders"}}, {Metadata: v1.Meta{Name: "stock"}}})
		s.PutInstance(object("old", 1, "", 5))
		s.PutInstance(object("kept", 2, "", 6))
		s.PutInstance(object("new", 3, "", 9))
		s.SetInstances([]v1.Instance{object("kept", 2, "", 6)}, 8)
		s.SetServices([]v1.Service{{Metadata: v1.Meta{Name: "orders"}}})
		settle()
		if n := usable(s, "orders"); n != 2 {
			t.Errorf("usable %d", n)
		}
		if _, ok := s.InstanceStatus("old"); ok {
			t.Error("old is still there")
		}
		if _, ok := s.ServiceStatus("stock"); ok {
			t.Error("stock is still there")
		}
		s.PutService(v1.Service{Metadata: v1.Meta{Name: "stock"}})
		s.DeleteInstance("new", 10)
		settle()
		if st, ok := s.ServiceStatus("stock"); !ok || st.Instances != 0 {
			t.Errorf("stock: %+v %v", st, ok)
		}
		s.DeleteService("stock")
		settle()
		if len(s.Snapshot().Services) != 1 {
			t.Error("stock is still there")
		}
	})
}

func TestWhatCanNotBeRegisteredIsSaid(t *testing.T) {
	c := Default()
	c.CreateServices, c.MaxInstances = false, 1
	s, _ := newServer(t, c, nil)
	_, err := s.Register(t.Context(), registration(1), me)
	if kind.Of(err) != kind.NotFound || kind.Code(err) != "JD-REGISTRY-003" {
		t.Errorf("error: %v", err)
	}
	s.PutService(v1.Service{Metadata: v1.Meta{Name: "orders"}})
	if _, err := s.Register(t.Context(), registration(1), me); err != nil {
		t.Fatal(err)
	}
	if _, err = s.Register(t.Context(), registration(2), me); kind.Of(err) != kind.Exhausted {
		t.Errorf("error: %v", err)
	}
	for name, spoil := range map[string]func(*v1.Registration){
		"service":        func(r *v1.Registration) { r.Service = "" },
		"service ":       func(r *v1.Registration) { r.Service = "Orders" },
		"ip":             func(r *v1.Registration) { r.IP = "0.0.0.0" },
		"ip ":            func(r *v1.Registration) { r.IP = "fe80::1%eth0" },
		"port":           func(r *v1.Registration) { r.Port = 70000 },
		"weight":         func(r *v1.Registration) { r.Weight = new(int); *r.Weight = -1 },
		"ttl":            func(r *v1.Registration) { r.TTL = "1ms" },
		"ttl ":           func(r *v1.Registration) { r.TTL = "15" },
		"metadata":       func(r *v1.Registration) { r.Metadata = map[string]string{"a=b": ""} },
		"metadata.a":     func(r *v1.Registration) { r.Metadata = map[string]string{"a": "\n"} },
		"metadata ":      func(r *v1.Registration) { r.Metadata = many(65) },
		"service (long)": func(r *v1.Registration) { r.Service = string(make([]byte, 0, 250)) + longName() },
	} {
		r := registration(3)
		spoil(&r)
		_, err := s.Register(t.Context(), r, me)
		e, ok := errors.AsType[*kind.Error](err)
		if !ok || e.Kind != kind.Invalid || len(e.Fields) != 1 || e.Fields[0].Path != first(name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Deregister(t.Context(), v1.Deregistration{}, me); kind.Of(err) != kind.Invalid {
		t.Errorf("error: %v", err)
	}
}

func first(s string) string {
	for i, c := range s {
		if c == ' ' {
			return s[:i]
		}
	}
	return s
}

func longName() string {
	b := make([]byte, 250)
	for i := range b {
		b[i] = 'a'
	}
	return string(b)
}

func many(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint(i)] = ""
	}
	return m
}

func TestIPv6InstancesHaveNames(t *testing.T) {
	s, _ := newServer(t, Default(), nil)
	r := registration(80)
	r.IP = "2001:DB8:0::1"
	lease, err := s.Register(t.Context(), r, me)
	if err != nil || lease.Instance != "orders-2001:db8::1-80" {
		t.Errorf("%+v %v", lease, err)
	}
}

func TestAWrongConfigurationIsRefused(t *testing.T) {
	c := Config{}
	_, err := New(c, Options{})
	e, ok := errors.AsType[*kind.Error](err)
	if !ok || e.Code != "JD-REGISTRY-001" || len(e.Fields) != 3 {
		t.Errorf("error: %v", err)
	}
}

package registry

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// machine is the state of all services and instances. It is driven from outside: each call says at
// which steady time, counted from the start of the process, it happens. It is not safe for concurrent
// use.
type machine struct {
	config    Config
	services  map[string]*service
	instances map[string]*instance
	snapshot  *Snapshot
}

type service struct {
	name      string
	exists    bool // as an object; otherwise instances alone name it
	spec      v1.ServiceSpec
	instances map[string]*instance
	stale     bool // the snapshot has to be made anew
}

type instance struct {
	name     string
	labels   map[string]string
	said     string // digest of the last registration that this process heard
	revision int64  // of the object; an older event is no news
	spec     v1.InstanceSpec
	addr     netip.AddrPort
	ttl      time.Duration // 0: fixed

	state  v1.State
	since  time.Duration // of the state
	reason string        // of gone
	left   bool          // deregistered: never kept by protection, removed when drained
	beat   time.Duration // last heartbeat, or when the instance became known
	beatAt time.Time     // last heartbeat by the wall clock, for people
	health health
}

func newMachine(c Config) *machine {
	return &machine{
		config:    c,
		services:  map[string]*service{},
		instances: map[string]*instance{},
		snapshot:  &Snapshot{Services: map[string]*Service{}},
	}
}

func (m *machine) service(name string) *service {
	s := m.services[name]
	if s == nil {
		s = &service{name: name, instances: map[string]*instance{}}
		m.services[name] = s
	}
	s.stale = true
	return s
}

// dropEmpty forgets a service that is neither an object nor named by an instance.
func (m *machine) dropEmpty(s *service) {
	if !s.exists && len(s.instances) == 0 {
		delete(m.services, s.name)
		m.snapshot = without(m.snapshot, s.name)
	}
}

func (m *machine) putService(o v1.Service) {
	s := m.service(o.Metadata.Name)
	s.exists, s.spec = true, o.Spec
	for _, in := range s.instances {
		in.health.spec(o.Spec.HealthCheck)
	}
}

func (m *machine) deleteService(name string) {
	s := m.services[name]
	if s == nil {
		return
	}
	s.exists, s.spec, s.stale = false, v1.ServiceSpec{}, true
	for _, in := range s.instances {
		in.health.spec(nil)
	}
	m.dropEmpty(s)
}

// putInstance takes an instance object. One that was not known yet has just shown that it lives.
func (m *machine) putInstance(o v1.Instance, at time.Duration) {
	name := o.Metadata.Name
	ip, err := netip.ParseAddr(o.Spec.IP)
	if err != nil || o.Spec.Port < 1 || o.Spec.Port > 65535 || o.Spec.Service == "" {
		return // refused when it is applied; nothing to do for one that came past that
	}
	in := m.instances[name]
	switch {
	case in == nil:
		in = &instance{name: name, beat: at, since: at}
		m.instances[name] = in
	case o.Metadata.Revision < in.revision:
		return
	case in.spec.Service != o.Spec.Service:
		old := m.service(in.spec.Service)
		delete(old.instances, name)
		m.dropEmpty(old)
	}
	s := m.service(o.Spec.Service)
	s.instances[name] = in
	addr := netip.AddrPortFrom(ip.Unmap(), uint16(o.Spec.Port))
	if addr != in.addr {
		in.health = health{}
	}
	ttl := max(o.Spec.TTL.Or(0), 0)
	if ttl > 0 && in.ttl == 0 {
		in.beat = at
	}
	if ttl == 0 && o.Metadata.Revision > in.revision {
		in.left = false // a user wants it back
	}
	in.labels, in.revision, in.spec, in.addr, in.ttl = o.Metadata.Labels, o.Metadata.Revision, o.Spec, addr, ttl
	in.health.spec(s.spec.HealthCheck)
	if in.state != v1.StateGone || in.ttl == 0 && !in.left {
		in.settle(at)
	}
}

// settle gives an instance that lives the state that its spec asks for.
func (in *instance) settle(at time.Duration) {
	state := v1.StateServing
	if in.left || in.spec.Draining {
		state = v1.StateDraining
	}
	if state != in.state {
		in.state, in.since, in.reason = state, at, ""
	}
}

// deleteInstance forgets an instance whose object was deleted at a revision.
func (m *machine) deleteInstance(name string, revision int64) {
	in := m.instances[name]
	if in == nil || in.revision > revision {
		return
	}
	delete(m.instances, name)
	s := m.service(in.spec.Service)
	delete(s.instances, name)
	m.dropEmpty(s)
}

// heartbeat renews the lease of an instance. One that had left or was gone is back.
func (m *machine) heartbeat(in *instance, at time.Duration, now time.Time) {
	in.beat, in.beatAt = at, now
	if in.left || in.state == v1.StateGone {
		in.left = false
		m.service(in.spec.Service)
	}
	in.settle(at)
}

// leave drains an instance that says that it goes; false when it is not known.
func (m *machine) leave(name string, at time.Duration) bool {
	in := m.instances[name]
	if in == nil {
		return false
	}
	if !in.left {
		in.left = true
		in.state, in.since, in.reason = v1.StateDraining, at, ""
		m.service(in.spec.Service)
	}
	return true
}

// sweep ends leases and returns the names of instances whose objects are to be deleted.
func (m *machine) sweep(at time.Duration) (forget []string) {
	keeps := map[*service]bool{} // on duty, by those asked already
	kept := func(in *instance) bool {
		s := m.services[in.spec.Service]
		k, asked := keeps[s]
		if !asked {
			k = s.keeps()
			keeps[s] = k
		}
		return k
	}
	for name, in := range m.instances {
		if in.ttl > 0 && !in.left && in.state != v1.StateGone && at-in.beat > in.ttl {
			in.state, in.since = v1.StateGone, at
			in.reason = "no heartbeat for " + in.ttl.String()
			m.service(in.spec.Service)
		}
		age := at - in.since
		switch {
		case in.left && age >= m.config.Drain,
			in.state == v1.StateGone && age >= m.config.Hold,
			in.state == v1.StateGone && age >= m.config.Gone && !kept(in):
			forget = append(forget, name)
		}
	}
	slices.Sort(forget)
	return forget
}

// forgettable says whether an instance is still to be deleted: it may have come back since sweep.
func (m *machine) forgettable(name string) bool {
	in := m.instances[name]
	return in != nil && (in.left || in.state == v1.StateGone)
}

// counts are the instances that protection is about, and how many of them are well by themselves.
func (s *service) counts() (members, well int) {
	for _, in := range s.instances {
		if in.left || in.state == v1.StateDraining {
			continue
		}
		members++
		if in.state == v1.StateServing && in.health.ok() {
			well++
		}
	}
	return members, well
}

// keeps says whether push-empty protection is on duty.
func (s *service) keeps() bool {
	p := s.spec.WithDefaults().Protection
	members, well := s.counts()
	return !p.Disabled && well*100 < p.Threshold*members
}

func (m *machine) instanceStatus(name string) (v1.InstanceStatus, bool) {
	in := m.instances[name]
	if in == nil {
		return v1.InstanceStatus{}, false
	}
	st := v1.InstanceStatus{State: in.state, Healthy: in.health.ok(), Reason: in.reason}
	if st.Reason == "" {
		st.Reason = in.health.reason
	}
	if in.ttl > 0 && !in.beatAt.IsZero() {
		at := in.beatAt
		st.LastHeartbeat = &at
	}
	return st, true
}

// publish returns the snapshot of now: the last one when nothing changed.
func (m *machine) publish() *Snapshot {
	next := m.snapshot
	for name, s := range m.services {
		if !s.stale {
			continue
		}
		s.stale = false
		if next == m.snapshot {
			next = without(m.snapshot, "")
		}
		next.Services[name] = s.view()
	}
	m.snapshot = next
	return next
}

// without is a copy of a snapshot that lacks one service.
func without(s *Snapshot, name string) *Snapshot {
	next := &Snapshot{Revision: s.Revision + 1, Services: make(map[string]*Service, len(s.Services)+1)}
	for k, v := range s.Services {
		if k != name {
			next.Services[k] = v
		}
	}
	return next
}

func (s *service) view() *Service {
	out := &Service{Name: s.name, Spec: s.spec, Instances: make([]*Instance, 0, len(s.instances)), Protected: s.keeps()}
	for _, in := range s.instances {
		weight := 100
		if in.spec.Weight != nil {
			weight = *in.spec.Weight
		}
		well := in.state == v1.StateServing && in.health.ok()
		held := out.Protected && !in.left && in.state != v1.StateDraining
		out.Instances = append(out.Instances, &Instance{
			Name: in.name, Service: s.name, Addr: in.addr, Address: in.addr.String(), Weight: weight,
			Metadata: in.spec.Metadata, State: in.state, Healthy: in.health.ok(), Usable: well || held,
		})
	}
	slices.SortFunc(out.Instances, func(a, b *Instance) int { return strings.Compare(a.Name, b.Name) })
	return out
}

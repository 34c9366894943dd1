package registry

import (
	"context"
	"maps"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// Register registers an instance or renews its lease. Only a registration that says something new is
// written to the store.
func (s *Server) Register(ctx context.Context, r v1.Registration, caller v1.Identity) (v1.Lease, error) {
	spec, err := s.config.specOf(r)
	if err != nil {
		return v1.Lease{}, err
	}
	name, err := named(r.Service, r.IP, r.Port)
	if err != nil {
		return v1.Lease{}, err
	}
	said := digest(spec)
	if lease, ok := s.renew(name, said); ok {
		return lease, nil
	}

	s.writing.Lock()
	defer s.writing.Unlock()
	if lease, ok := s.renew(name, said); ok {
		return lease, nil
	}
	o, service, err := s.object(name, spec, said)
	if err != nil {
		return v1.Lease{}, err
	}
	if !service {
		if !s.config.CreateServices {
			return v1.Lease{}, noService(spec.Service)
		}
		if err := s.options.Objects.CreateService(ctx, spec.Service, caller); err != nil {
			return v1.Lease{}, notWritten(name, err)
		}
	}
	o, err = s.options.Objects.PutInstance(ctx, o, caller)
	if err != nil {
		return v1.Lease{}, notWritten(name, err)
	}
	var lease v1.Lease
	s.do(func(m *machine, at time.Duration) {
		m.putInstance(o, at)
		if in := m.instances[name]; in != nil {
			in.said = said
			m.heartbeat(in, at, s.options.Now())
			lease = in.lease()
		}
	})
	return lease, nil
}

// renew takes a heartbeat of an instance that says what it said before.
func (s *Server) renew(name, said string) (lease v1.Lease, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.machine.instances[name]
	if in == nil || in.ttl == 0 || in.said != said && in.labels[registeredLabel] != said {
		return v1.Lease{}, false
	}
	back := in.left || in.state == v1.StateGone
	s.machine.heartbeat(in, s.clock.now(), s.options.Now())
	if back {
		s.poke()
	}
	return in.lease(), true
}

// object is the Instance to write: what the instance says, and of the one before what users decide.
// service says whether its service exists.
func (s *Server) object(name string, spec v1.InstanceSpec, said string) (o v1.Instance, service bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.machine
	labels := map[string]string{}
	if in := m.instances[name]; in != nil {
		maps.Copy(labels, in.labels)
		spec.Draining = in.spec.Draining
	} else if len(m.instances) >= s.config.MaxInstances {
		return o, false, tooMany(s.config.MaxInstances)
	}
	labels[registeredLabel] = said
	o = v1.Instance{
		TypeMeta: v1.TypeMeta{APIVersion: v1.APIVersion, Kind: v1.KindInstance},
		Metadata: v1.Meta{Name: name, Labels: labels},
		Spec:     spec,
	}
	svc := m.services[spec.Service]
	return o, svc != nil && svc.exists, nil
}

// Deregister drains an instance at once and removes it after a while. It needs no store.
func (s *Server) Deregister(_ context.Context, d v1.Deregistration, _ v1.Identity) error {
	name, err := named(d.Service, d.IP, d.Port)
	if err != nil {
		return err
	}
	known := false
	s.do(func(m *machine, at time.Duration) { known = m.leave(name, at) })
	if !known {
		return unknownInstance(name)
	}
	return nil
}

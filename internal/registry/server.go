package registry

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

const (
	tick       = 200 * time.Millisecond
	coalesce   = 5 * time.Millisecond // changes within it make one snapshot
	storeLimit = 5 * time.Second      // of one deletion
	maxForget  = 256                  // deletions in one go
)

// Options are what a Server works with.
type Options struct {
	Objects Objects
	Checker Checker
	Now     func() time.Time // wall clock, for people alone
	// Steady is a monotonic clock; nil takes the process's own.
	Steady func() time.Duration
	Log    *slog.Logger
}

// Server keeps the registry. Its methods are safe for concurrent use.
type Server struct {
	config   Config
	options  Options
	changed  chan struct{}
	snapshot atomic.Pointer[Snapshot]

	mu      sync.Mutex // of what follows; never held during I/O
	machine *machine
	clock   steady
	checks  int  // under way
	tidying bool // deletions are under way

	writing sync.Mutex // held while the store is written, so that a return and a deletion do not cross

	publishing  sync.Mutex
	subscribers []func(*Snapshot)
}

// New makes an empty registry. Feed it before Run, so that its first snapshot is complete.
func New(c Config, o Options) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Steady == nil {
		start := time.Now()
		o.Steady = func() time.Duration { return time.Since(start) }
	}
	s := &Server{
		config: c, options: o, machine: newMachine(c),
		clock:   steady{mono: o.Steady, most: 5 * tick},
		changed: make(chan struct{}, 1),
	}
	s.snapshot.Store(s.machine.snapshot)
	return s, nil
}

// Name is the part's name.
func (s *Server) Name() string { return "registry" }

// Run sweeps leases, makes checks and publishes snapshots until ctx ends.
func (s *Server) Run(ctx context.Context, ready func()) error {
	var work sync.WaitGroup
	defer work.Wait()
	s.publish()
	ready()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	pause := time.NewTimer(coalesce)
	pause.Stop()
	waiting := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.changed:
			if !waiting {
				pause.Reset(coalesce)
				waiting = true
			}
		case <-pause.C:
			waiting = false
			s.publish()
		case <-ticker.C:
			s.sweep(ctx, &work)
			s.check(ctx, &work)
			s.publish()
		}
	}
}

// Snapshot is the last one published.
func (s *Server) Snapshot() *Snapshot { return s.snapshot.Load() }

// Subscribe calls f with the snapshot of now and with each that follows, one at a time, from the
// registry's own goroutine: f must not wait.
func (s *Server) Subscribe(f func(*Snapshot)) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.subscribers = append(s.subscribers, f)
	f(s.snapshot.Load())
}

func (s *Server) publish() {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.mu.Lock()
	snap := s.machine.publish()
	s.mu.Unlock()
	if snap == s.snapshot.Load() {
		return
	}
	s.snapshot.Store(snap)
	for _, f := range s.subscribers {
		f(snap)
	}
}

// do changes the machine and has the change published.
func (s *Server) do(f func(m *machine, at time.Duration)) {
	s.mu.Lock()
	f(s.machine, s.clock.now())
	s.mu.Unlock()
	s.poke()
}

func (s *Server) poke() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// SetServices replaces all services by the list of a store revision.
func (s *Server) SetServices(services []v1.Service) {
	s.do(func(m *machine, _ time.Duration) {
		keep := make(map[string]bool, len(services))
		for _, o := range services {
			keep[o.Metadata.Name] = true
			m.putService(o)
		}
		for name, svc := range m.services {
			if svc.exists && !keep[name] {
				m.deleteService(name)
			}
		}
	})
}

// SetInstances replaces all instances by the list of a store revision; what was registered after that
// revision stays.
func (s *Server) SetInstances(instances []v1.Instance, revision int64) {
	s.do(func(m *machine, at time.Duration) {
		keep := make(map[string]bool, len(instances))
		for _, o := range instances {
			keep[o.Metadata.Name] = true
			m.putInstance(o, at)
		}
		for name := range m.instances {
			if !keep[name] {
				m.deleteInstance(name, revision)
			}
		}
	})
}

// PutService takes a service that was applied.
func (s *Server) PutService(o v1.Service) {
	s.do(func(m *machine, _ time.Duration) { m.putService(o) })
}

// DeleteService takes a deletion.
func (s *Server) DeleteService(name string) {
	s.do(func(m *machine, _ time.Duration) { m.deleteService(name) })
}

// PutInstance takes an instance that was applied.
func (s *Server) PutInstance(o v1.Instance) {
	s.do(func(m *machine, at time.Duration) { m.putInstance(o, at) })
}

// DeleteInstance takes a deletion at a store revision.
func (s *Server) DeleteInstance(name string, revision int64) {
	s.do(func(m *machine, _ time.Duration) { m.deleteInstance(name, revision) })
}

// InstanceStatus is what is known of an instance now; false when it is not known.
func (s *Server) InstanceStatus(name string) (v1.InstanceStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.machine.instanceStatus(name)
}

// ServiceStatus is what is known of a service now; false when it is not known.
func (s *Server) ServiceStatus(name string) (v1.ServiceStatus, bool) {
	svc := s.Snapshot().Services[name]
	if svc == nil {
		return v1.ServiceStatus{}, false
	}
	st := v1.ServiceStatus{Instances: len(svc.Instances), Protected: svc.Protected}
	for _, in := range svc.Instances {
		if in.Usable {
			st.Usable++
		}
	}
	return st, true
}

// sweep ends leases and starts the deletion of what is to be forgotten.
func (s *Server) sweep(ctx context.Context, work *sync.WaitGroup) {
	s.mu.Lock()
	forget := s.machine.sweep(s.clock.now())
	start := len(forget) > 0 && !s.tidying
	s.tidying = s.tidying || start
	s.mu.Unlock()
	if start {
		work.Go(func() {
			s.forget(ctx, forget[:min(len(forget), maxForget)])
			s.mu.Lock()
			s.tidying = false
			s.mu.Unlock()
		})
	}
}

func (s *Server) forget(ctx context.Context, names []string) {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	for _, name := range names {
		if err := s.forgetOne(ctx, name); err != nil {
			// The next sweep names it again.
			if ctx.Err() == nil {
				s.options.Log.Warn("delete forgotten instance", "instance", name, "error", err)
			}
			return
		}
	}
}

func (s *Server) forgetOne(ctx context.Context, name string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	still := s.machine.forgettable(name)
	var revision int64
	if still {
		revision = s.machine.instances[name].revision
	}
	s.mu.Unlock()
	if !still {
		return nil
	}
	if err := s.options.Objects.DeleteInstance(ctx, name, v1.Identity{Name: "controller:registry"}); err != nil {
		return err
	}
	s.DeleteInstance(name, revision)
	return nil
}

// check starts the health checks that are due, within the bound.
func (s *Server) check(ctx context.Context, work *sync.WaitGroup) {
	s.mu.Lock()
	probes := s.machine.due(s.clock.now(), s.config.MaxChecks-s.checks)
	s.checks += len(probes)
	s.mu.Unlock()
	for _, p := range probes {
		work.Go(func() {
			limit, cancel := context.WithTimeout(ctx, p.check.Timeout.Or(time.Second))
			defer cancel()
			err := s.options.Checker.Check(limit, p.check, p.addr)
			if ctx.Err() != nil {
				return // the registry stops; that says nothing of the instance
			}
			reason := ""
			if err != nil {
				reason = err.Error()
			}
			s.do(func(m *machine, at time.Duration) {
				s.checks--
				m.checked(p, reason, at)
			})
		})
	}
}

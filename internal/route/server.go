package route

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
)

const (
	coalesce     = 10 * time.Millisecond // changes within it make one table
	watchdogTick = 500 * time.Millisecond
)

// Options are what a Server works with.
type Options struct {
	// Apply is called with each new table, one at a time, the newest last.
	Apply func(*Table)
	Now   func() time.Time
	Log   *slog.Logger
}

// Server keeps the table up to date. Its methods are safe for concurrent use.
type Server struct {
	defaults Defaults
	options  Options
	changed  chan struct{}
	table    atomic.Pointer[Table]

	mu         sync.Mutex // of what follows, never held while a table is built
	routes     []v1.Route
	routesAt   int // counts changes of routes
	migrations []v1.Migration
	registry   *registry.Snapshot
	shares     shares
	watchdog   watchdog
	problems   []Problem

	building sync.Mutex // held while a table is built and applied
	index    *index
	indexAt  int
	compiled []Problem
}

// New makes a server with an empty table. Feed it before Run, so that its first table is complete.
func New(c Config, o Options) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		defaults: c.Defaults(),
		options:  o,
		changed:  make(chan struct{}, 1),
		shares:   shares{override: map[string]share{}, latched: map[string]bool{}},
		watchdog: watchdog{limit: c.Silence, tick: watchdogTick},
		indexAt:  -1,
	}
	t, _ := Build(nil, nil, nil, s.defaults)
	s.table.Store(t)
	return s, nil
}

// Name is the part's name.
func (s *Server) Name() string { return "route" }

// Run builds tables until ctx ends. The first is applied before ready.
func (s *Server) Run(ctx context.Context, ready func()) error {
	s.mu.Lock()
	s.watchdog.beat(s.options.Now())
	s.mu.Unlock()
	s.rebuild()
	ready()
	tick := time.NewTicker(watchdogTick)
	defer tick.Stop()
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
			s.rebuild()
		case <-tick.C:
			s.watch()
		}
	}
}

// SetRoutes replaces all routes.
func (s *Server) SetRoutes(routes []v1.Route) {
	s.mu.Lock()
	s.routes = slices.Clone(routes)
	s.routesAt++
	s.mu.Unlock()
	s.poke()
}

// SetMigrations replaces all migrations; their status is what the data path obeys.
func (s *Server) SetMigrations(migrations []v1.Migration) {
	s.mu.Lock()
	s.migrations = slices.Clone(migrations)
	s.shares.forget(migrations)
	s.mu.Unlock()
	s.poke()
}

// SetRegistry replaces the known services and instances.
func (s *Server) SetRegistry(reg *registry.Snapshot) {
	s.mu.Lock()
	s.registry = reg
	s.mu.Unlock()
	s.poke()
}

// Override puts a share and who owns entities (as in status) in force before they are persisted; when it
// returns, requests obey them. They hold until a status of the same or a later epoch arrives. An epoch
// that is not later than the one in force changes nothing.
func (s *Server) Override(migration string, buckets int, owner string, epoch int64) {
	s.mu.Lock()
	if o, ok := s.shares.override[migration]; ok && epoch <= o.epoch {
		s.mu.Unlock()
		return
	}
	s.shares.override[migration] = share{min(max(buckets, 0), Buckets), owner, epoch}
	s.mu.Unlock()
	s.rebuild()
}

// Beat says that the controller lived at now.
func (s *Server) Beat(now time.Time) {
	s.mu.Lock()
	s.watchdog.beat(now)
	s.mu.Unlock()
}

// Latched says whether the share of a migration fell to 0 because the controller was silent.
func (s *Server) Latched(migration string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shares.latched[migration]
}

// Rearm lets a latched migration have its share again. Persist or override the share that it is to
// have first: the one in force before the silence comes back otherwise.
func (s *Server) Rearm(migration string) {
	s.mu.Lock()
	was := s.shares.latched[migration]
	delete(s.shares.latched, migration)
	s.mu.Unlock()
	if was {
		s.rebuild()
	}
}

// Table is the table in force.
func (s *Server) Table() *Table { return s.table.Load() }

// Problems are those of the objects that the table in force was built from.
func (s *Server) Problems() []Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

// RouteStatus says whether a route is in force; false when the server does not know it.
func (s *Server) RouteStatus(name string) (v1.RouteStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.routes, func(r v1.Route) bool { return r.Metadata.Name == name }) {
		return v1.RouteStatus{}, false
	}
	st := v1.RouteStatus{Accepted: true, Revision: s.Table().Revision}
	for _, p := range s.problems {
		if p.Object != v1.KindRoute || p.Name != name {
			continue
		}
		st.Accepted = st.Accepted && p.Warning
		st.Warnings = append(st.Warnings, p.Err.Error())
	}
	return st, true
}

func (s *Server) poke() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// rebuild builds a table of what is known now and applies it.
func (s *Server) rebuild() {
	s.building.Lock()
	defer s.building.Unlock()
	s.mu.Lock()
	routes, at, reg := s.routes, s.routesAt, s.registry
	migrations := s.shares.effective(s.migrations)
	s.mu.Unlock()

	if at != s.indexAt {
		s.index, s.compiled = compile(routes, s.defaults)
		s.indexAt = at
	}
	t, problems := bind(s.index, migrations, reg)
	s.table.Store(t)
	s.mu.Lock()
	s.problems = slices.Concat(s.compiled, problems)
	s.mu.Unlock()
	s.options.Apply(t)
}

// watch latches migrations when the controller is silent.
func (s *Server) watch() {
	s.mu.Lock()
	var names []string
	if s.watchdog.expired(s.options.Now()) {
		names = s.shares.latch(s.migrations)
	}
	s.mu.Unlock()
	if len(names) > 0 {
		s.options.Log.Error("controller silent, share set to 0", "migrations", names)
		s.rebuild()
	}
}

package data

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// SourceRequest says what a source is to capture.
type SourceRequest struct {
	Migration string
	Side      string // old or new
	From      v1.DataSide
	Tables    []string          // on that side
	Versions  map[string]string // version column by table, where there is one
}

// Options are what New needs beside configuration. Open and Source must be set.
type Options struct {
	// Open makes the store of a database by its name in the configuration. The server closes it.
	Open func(name string) (Store, error)
	// Source makes the source of one side. It does no I/O before it is run or asked.
	Source func(r SourceRequest) (Source, error)
	Notes  Notes // nil: kept in memory only
	Now    func() time.Time
	Log    *slog.Logger
	// Captured is told every transaction that a source tells of a database, before it is carried; nil: nobody asks.
	Captured func(database string, t *Txn)
	// Progress is told up to when everything that a database committed was told.
	Progress func(database string, until time.Time)
}

// Server carries the rows of migrations. It is a run.Part.
type Server struct {
	cfg  Config
	opts Options

	mu        sync.Mutex // guards what follows; never held over I/O
	ctx       context.Context
	crossings map[string]*running
	wanted    map[string]v1.Migration
	work      sync.WaitGroup
}

// running is a crossing and how to stop it.
type running struct {
	*crossing
	stop context.CancelFunc
	done chan struct{}
}

// New makes a server that does nothing until Run.
func New(cfg Config, opts Options) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if opts.Open == nil || opts.Source == nil {
		return nil, kind.New(kind.Internal, "JD-DATA-015", "data: Open and Source must be given")
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Notes == nil {
		opts.Notes = &memory{}
	}
	return &Server{cfg: cfg, opts: opts, crossings: map[string]*running{}, wanted: map[string]v1.Migration{}}, nil
}

// Name is the part's name.
func (s *Server) Name() string { return "data" }

// Run carries rows until ctx ends and everything under way is done or given up.
func (s *Server) Run(ctx context.Context, ready func()) error {
	s.mu.Lock()
	s.ctx = ctx
	s.adjust()
	s.mu.Unlock()
	ready()
	<-ctx.Done()
	s.mu.Lock()
	s.ctx = nil
	for _, r := range s.crossings {
		r.stop()
	}
	s.mu.Unlock()
	s.work.Wait()
	return nil
}

// SetMigrations tells all migrations as the store has them. Rows cross from the mirror phase on; a migration
// that is gone takes nothing with it: rows, positions and fences stay in the databases.
func (s *Server) SetMigrations(migrations []v1.Migration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = make(map[string]v1.Migration, len(migrations))
	for _, m := range migrations {
		if m.Spec.Data != nil && m.Status.Phase != "" && m.Status.Phase != v1.PhaseObserve {
			s.wanted[m.Metadata.Name] = m
		}
	}
	s.adjust()
}

// adjust starts, follows and stops. s.mu is held.
func (s *Server) adjust() {
	if s.ctx == nil {
		return
	}
	for name, r := range s.crossings {
		m, ok := s.wanted[name]
		if ok && reflect.DeepEqual(specOf(&m), r.spec) {
			r.follow(&m)
			continue
		}
		r.stop() // a successor begins when it is done
		if !ok {
			delete(s.crossings, name)
		}
	}
	for name, m := range s.wanted {
		old := s.crossings[name]
		if old != nil && reflect.DeepEqual(specOf(&m), old.spec) {
			continue
		}
		s.start(&m, old)
	}
}

// start runs a crossing, after the one that it replaces has ended. s.mu is held.
func (s *Server) start(m *v1.Migration, old *running) {
	ctx, cancel := context.WithCancel(s.ctx)
	r := &running{crossing: newCrossing(m, s.cfg, &s.opts, pacer{s.opts.Now}, s.opts.Log), stop: cancel, done: make(chan struct{})}
	s.crossings[m.Metadata.Name] = r
	s.work.Go(func() {
		defer cancel()
		defer close(r.done)
		if old != nil {
			<-old.done
		}
		r.run(ctx)
	})
}

// specOf is what a migration says of its data, with defaults.
func specOf(m *v1.Migration) v1.DataSpec { return *m.Spec.WithDefaults(m.Metadata.Name).Data }

// find is a migration's crossing.
func (s *Server) find(migration string) (*crossing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.crossings[migration]
	if r == nil {
		return nil, kind.New(kind.NotFound, "JD-DATA-001", "no data cross for migration %q: it does not exist, has no spec.data, or is in phase observe", migration)
	}
	return r.crossing, nil
}

// pacer is the real clock.
type pacer struct{ clock func() time.Time }

func (p pacer) now() time.Time { return p.clock() }

func (p pacer) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p pacer) within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

func (p pacer) both(f, g func()) { p.each(f, g) }

func (p pacer) each(fs ...func()) {
	var group sync.WaitGroup
	for _, f := range fs {
		group.Go(f)
	}
	group.Wait()
}

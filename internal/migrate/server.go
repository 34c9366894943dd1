package migrate

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/registry"
)

// Options are what New needs beside configuration and ports. Zero values are fit for use.
type Options struct {
	Log     *slog.Logger
	Now     func() time.Time // with a monotonic reading, as time.Now gives
	Random  func() uint64    // safe for concurrent use
	Version string           // of the product, for dossiers
}

// Server runs the controller and the mirror. It is a run.Part.
type Server struct {
	cfg     Config
	ports   Ports
	log     *slog.Logger
	now     func() time.Time
	random  func() uint64
	version string
	start   time.Time

	lanes atomic.Pointer[map[string]*lane] // by migration, replaced as a whole

	mu      sync.Mutex // guards what follows; never held over I/O
	ctl     *Controller
	snap    *registry.Snapshot
	replies map[int64]chan Effect
	ids     int64
	ways    map[string]*way // of data, by migration

	gate sync.Mutex      // guards what follows; nothing else is locked under it
	ctx  context.Context // of copies; nil while not running
	work sync.WaitGroup

	stopped chan struct{} // closed when Run ends
}

// New makes a server that does nothing until Run.
func New(cfg Config, ports Ports, opts Options) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, ports: ports, log: opts.Log, now: opts.Now, random: opts.Random, version: opts.Version,
		ctl: NewController(cfg.Recent), replies: map[int64]chan Effect{}, ways: map[string]*way{}, stopped: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.random == nil {
		s.random = rand.Uint64
	}
	s.start = s.now()
	s.lanes.Store(&map[string]*lane{})
	return s, nil
}

// Name is the part's name.
func (s *Server) Name() string { return "migrate" }

// Run looks at every migration each Config.Tick until ctx ends, and beats the data path's watchdog
// after each look. At the end it drops what waits to be mirrored and stores a rollback that the store
// does not have yet.
func (s *Server) Run(ctx context.Context, ready func()) error {
	copies, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer close(s.stopped)
	s.open(copies)
	if s.ports.Effects != nil {
		s.work.Go(func() { s.collect(copies) })
	}
	ready()
	ticker := time.NewTicker(s.cfg.Tick)
	defer ticker.Stop()
	for ctx.Err() == nil {
		s.tick()
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	s.shut()
	for _, l := range *s.lanes.Load() {
		l.close()
	}
	cancel()
	s.work.Wait()
	s.flush(context.WithoutCancel(ctx))
	return nil
}

// open lets goroutines begin under ctx, until shut.
func (s *Server) open(ctx context.Context) {
	s.gate.Lock()
	defer s.gate.Unlock()
	s.ctx = ctx
}

func (s *Server) shut() {
	s.gate.Lock()
	defer s.gate.Unlock()
	s.ctx = nil
}

func (s *Server) clock() Clock {
	now := s.now()
	return Clock{Wall: now.Round(0).UTC(), Mono: now.Sub(s.start)}
}

func (s *Server) tick() {
	s.mu.Lock()
	now := s.clock()
	s.look()
	s.perform(s.ctl.Tick(now, facts{s}))
	s.refresh(now)
	s.mu.Unlock()
	s.ports.Shares.Beat(s.now())
}

// look takes over what the registry knows now. s.mu is held.
func (s *Server) look() {
	s.snap = s.ports.Registry.Snapshot()
	s.ctl.SetRegistry(s.snap)
}

// SetMigrations tells all migrations as the store has them.
func (s *Server) SetMigrations(migrations []v1.Migration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.perform(s.ctl.SetMigrations(now, migrations))
	s.refresh(now)
}

// perform carries effects out in order. What may take long goes to a goroutine of its own, so that a
// store that hangs holds up no rollback. s.mu is held.
func (s *Server) perform(effects []Effect) {
	for _, e := range effects {
		switch e.Kind {
		case EffectOverride:
			s.ports.Shares.Override(e.Name, e.Buckets, e.Owner, e.Epoch)
			s.log.Warn("share set in the data path ahead of the store", "migration", e.Name, "buckets", e.Buckets, "epoch", e.Epoch)
		case EffectRearm:
			s.ports.Shares.Rearm(e.Name)
		case EffectRestart:
			s.restart(e.Name)
		case EffectWrite, EffectPause:
			if ctx, running := s.begin(); running {
				go func() {
					defer s.work.Done()
					s.store(context.WithoutCancel(ctx), e)
				}()
			}
		case EffectMove, EffectSettle, EffectHandOver:
			s.move(e)
		case EffectReply:
			if ch, ok := s.replies[e.ID]; ok {
				delete(s.replies, e.ID)
				ch <- e
			}
		}
	}
}

// settleTimeout bounds Settle.
const settleTimeout = 5 * time.Second

// move begins a data operation behind the one before it. s.mu is held.
func (s *Server) move(e Effect) {
	ctx, running := s.begin()
	if !running {
		return
	}
	w := s.ways[e.Name]
	if w == nil {
		w = &way{}
		s.ways[e.Name] = w
	}
	line := &w.line
	if e.Kind == EffectHandOver {
		line = &w.handover
	}
	before := *line
	if before.stop != nil && (e.Urgent || e.Kind == EffectHandOver) {
		before.stop()
	}
	ctx, cancel := context.WithCancel(ctx)
	mine := step{done: make(chan struct{})}
	if e.Kind != EffectSettle { // what ends in the middle could take a later fence back
		mine.stop = cancel
	}
	*line = mine
	go func() {
		defer s.work.Done()
		defer cancel()
		if before.done != nil {
			<-before.done
		}
		err := s.cross(ctx, &e)
		close(mine.done)
		s.mu.Lock()
		defer s.mu.Unlock()
		now := s.clock()
		s.perform(s.ctl.Moved(now, e.Name, e.ID, err))
		s.refresh(now)
		if s.ctl.trackers[e.Name] == nil && line.done == mine.done {
			delete(s.ways, e.Name)
		}
	}()
}

// cross does a data operation.
func (s *Server) cross(ctx context.Context, e *Effect) (err error) {
	if s.ports.Data == nil {
		return kind.New(kind.Unavailable, "JD-MIGRATE-018", "this node carries no data: name the databases of migration %s in its configuration, data.databases", e.Name)
	}
	began := s.now()
	switch e.Kind {
	case EffectMove:
		ctx, cancel := context.WithTimeout(ctx, e.Limit)
		defer cancel()
		err = s.ports.Data.Move(ctx, e.Name, e.Epoch, e.From, e.To)
	case EffectSettle:
		ctx, cancel := context.WithTimeout(ctx, settleTimeout)
		defer cancel()
		err = s.ports.Data.Settle(ctx, e.Name, e.Epoch)
	default:
		err = s.ports.Data.HandOver(ctx, e.Name, e.Owner)
	}
	took := s.now().Sub(began)
	switch {
	case err != nil:
		s.log.Warn("rows did not cross", "migration", e.Name, "operation", e.Kind, "epoch", e.Epoch, "from", e.From, "to", e.To, "owner", e.Owner, "took", took, "error", err)
	case e.Kind == EffectMove:
		s.log.Info("fenced and drained", "migration", e.Name, "epoch", e.Epoch, "from", e.From, "to", e.To, "took", took)
	case e.Kind == EffectHandOver:
		s.log.Info("entities handed over", "migration", e.Name, "owner", e.Owner, "took", took)
	}
	return err
}

// store does a Write or Pause and tells the controller how it ended.
func (s *Server) store(ctx context.Context, e Effect) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StoreTimeout)
	defer cancel()
	var m v1.Migration
	var err error
	if e.Kind == EffectPause {
		m, err = s.ports.Objects.SetPaused(ctx, e.Name, e.Paused, e.Who)
	} else {
		m, err = s.ports.Objects.SetStatus(ctx, e.Name, e.Revision, e.Status, e.By)
	}
	object := &m
	if err != nil {
		object = nil
		s.log.Warn("migration not stored", "migration", e.Name, "error", err)
		if kind.Of(err) == kind.Conflict {
			if m, getErr := s.ports.Objects.Get(ctx, e.Name); getErr == nil {
				object = &m
			}
		}
	} else if e.Kind == EffectWrite {
		s.log.Info("migration stored", "migration", e.Name, "phase", e.Status.Phase, "buckets", e.Status.Buckets, "epoch", e.Status.Epoch, "by", e.By, "reason", e.Status.Reason)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.perform(s.ctl.Written(now, e.Name, e.ID, object, err))
	s.refresh(now)
}

// flush makes a last attempt to store rollbacks that the store does not have.
func (s *Server) flush(ctx context.Context) {
	s.mu.Lock()
	effects := s.ctl.Flush(s.clock())
	s.mu.Unlock()
	for _, e := range effects {
		s.store(ctx, e)
	}
}

// begin lets a goroutine begin while the part runs; the caller ends it by work.Done.
func (s *Server) begin() (context.Context, bool) {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.ctx == nil {
		return nil, false
	}
	s.work.Add(1)
	return s.ctx, true
}

// pump starts the jobs of a lane that fit under its bounds.
func (s *Server) pump(l *lane) {
	for {
		ctx, running := s.begin()
		if !running {
			return
		}
		j, ok := l.take()
		if !ok {
			s.work.Done()
			return
		}
		go func() {
			defer s.work.Done()
			l.done(&j, s.mirror(ctx, l, &j))
			s.pump(l)
		}()
	}
}

// mirror sends the copies of a job, all at once, and puts what came back into the book, or has it wait for
// what the copies did.
func (s *Server) mirror(ctx context.Context, l *lane, j *job) (waits bool) {
	if waited := s.clock().Mono - j.at; waited >= j.view.settings.Timeout {
		l.tally.drop(dropTimeout, 1) // the primary answer is too old to be compared with
		return false
	}
	spec := &j.view.settings.Spec
	stop := ctx
	ctx, cancel := context.WithTimeout(ctx, j.view.settings.Timeout)
	defer cancel()
	all := make([]said, len(j.asks))
	var others sync.WaitGroup
	for i := range j.asks {
		send := func() {
			run := ""
			if spec.Marked() {
				run = hex16(s.random())
			}
			c := copyOf(j.rec, l.name, run, s.random())
			began := s.now()
			reply, err := s.ports.Caller.Call(ctx, j.asks[i].address, c, j.view.settings.MaxBody)
			answered := s.now()
			if reply.Latency == 0 {
				reply.Latency = answered.Sub(began)
			}
			if err != nil && stop.Err() != nil {
				err = stop.Err() // whatever it looks like, the node stops
			}
			all[i] = said{j.asks[i].role, reply, err, run, began, answered}
		}
		if j.inTurn || i == len(j.asks)-1 {
			send()
		} else {
			others.Go(send)
		}
	}
	others.Wait()
	return l.settle(j, all, s.ports.Effects != nil && spec.Effects.Compared(), s.now())
}

// collect compares, again and again until ctx ends, what waited for effects.
func (s *Server) collect(ctx context.Context) {
	ticker := time.NewTicker(s.cfg.Tick / 5)
	defer ticker.Stop()
	for ctx.Err() == nil {
		now := s.now()
		s.ports.Effects.Tick(now)
		for _, l := range *s.lanes.Load() {
			l.collect(s.ports.Effects, now)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

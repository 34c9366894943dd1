package data

import (
	"context"
	"log/slog"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// Manual is a server with one crossing that does nothing by itself: whoever holds it takes each step, in any
// order that goroutines might have, on a clock of its own. It is for simulations. Dropping it is kill -9.
type Manual struct {
	*Server
	c *crossing
}

// Clock is the clock of a Manual. Sleep is where other things happen.
type Clock struct {
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

type manualPace struct{ clock Clock }

func (p manualPace) now() time.Time                                   { return p.clock.Now() }
func (p manualPace) sleep(ctx context.Context, d time.Duration) error { return p.clock.Sleep(ctx, d) }
func (p manualPace) both(f, g func())                                 { f(); g() }
func (p manualPace) within(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

func (p manualPace) each(fs ...func()) {
	for _, f := range fs {
		f()
	}
}

// NewManual makes a manual server of one migration.
func NewManual(m v1.Migration, cfg Config, o Options, clock Clock) *Manual {
	if o.Notes == nil {
		o.Notes = &memory{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, opts: o, crossings: map[string]*running{}, wanted: map[string]v1.Migration{m.Metadata.Name: m}}
	c := newCrossing(&m, cfg, &s.opts, manualPace{clock}, o.Log)
	s.crossings[m.Metadata.Name] = &running{crossing: c, stop: func() {}, done: make(chan struct{})}
	return &Manual{Server: s, c: c}
}

// Follow tells where the migration stands.
func (m *Manual) Follow(x v1.Migration) { m.c.follow(&x) }

// SetUp opens the databases, makes the plan and stores where relays begin.
func (m *Manual) SetUp(ctx context.Context) error {
	if err := m.c.setUp(ctx); err != nil {
		return err
	}
	return m.c.anchor(ctx)
}

// Board makes the relay of one side as its stream stands, and says from where its source is to tell.
func (m *Manual) Board(ctx context.Context, from string) (Position, error) {
	_, at, err := m.c.board(ctx, sideOf(from))
	if err == nil {
		m.c.relayState(sideOf(from), "running", "")
	}
	return at.position, err
}

// Lost goes on from the log's end, as after ErrLogGone.
func (m *Manual) Lost(ctx context.Context, from string, cause error) error {
	one := m.c.carriers[sideOf(from)]
	m.c.carriers[sideOf(from)] = nil
	return m.c.restart(ctx, sideOf(from), one, cause)
}

// Push takes what a source tells.
func (m *Manual) Push(from string, t Txn) error {
	m.c.heard(sideOf(from))
	one := m.c.carriers[sideOf(from)]
	if one.again(&t) {
		return nil
	}
	return one.relay.Push(t)
}

// Full says that no more may be pushed.
func (m *Manual) Full(from string) bool { return m.c.carriers[sideOf(from)].relay.Full() }

// Flight is a batch between being taken and being settled.
type Flight struct {
	c     *carrier
	b     *batch
	fates []Fate
	err   error
}

// Take takes a batch of one side for a worker, nil when there is none.
func (m *Manual) Take(from string, worker int) *Flight {
	one := m.c.carriers[sideOf(from)]
	if b := one.relay.take(worker); b != nil {
		return &Flight{c: one, b: b}
	}
	return nil
}

// Write writes it to the target.
func (f *Flight) Write(ctx context.Context) { f.fates, f.err = f.c.apply(ctx, f.b) }

// Settle tells the relay how that went.
func (f *Flight) Settle() { f.c.relay.Settle(f.b, f.fates, f.err, f.c.pace.now()) }

// Keep stores the position of one side, one of nothing but beats too when idle, and ends care when what came late
// has arrived.
func (m *Manual) Keep(ctx context.Context, from string, idle bool) error {
	one := m.c.carriers[sideOf(from)]
	err := one.flush(ctx, idle)
	m.c.settleLate(ctx, sideOf(from), one)
	return err
}

// Chore places fences that could not be placed, and keeps cases.
func (m *Manual) Chore(ctx context.Context) {
	m.c.refence(ctx)
	m.c.keepCases(ctx)
}

// Fill copies one chunk of what was there before; it says whether more is to come.
func (m *Manual) Fill(ctx context.Context) (more bool, err error) {
	for _, b := range m.c.fills {
		if b.known && b.done {
			continue
		}
		more, err := b.step(ctx)
		m.c.filled(b, err)
		return more || b != m.c.fills[len(m.c.fills)-1], err
	}
	return false, nil
}

// Compare compares everything from end to end.
func (m *Manual) Compare(ctx context.Context) error {
	_, err := m.c.compareFull(ctx, nil, nil)
	return err
}

// Sweep compares the rolling windows that are due.
func (m *Manual) Sweep(ctx context.Context) error { return m.c.sweep(ctx) }

// Look looks at suspects that are due.
func (m *Manual) Look(ctx context.Context) error {
	return m.c.looker().look(ctx, lookAt)
}

// Waiting is how many changes of one side are read and not applied, and how many rows are being looked at.
func (m *Manual) Waiting(from string) (changes, unsure int64) {
	_, unsure, _ = m.c.judge.Standing()
	return m.c.carriers[sideOf(from)].relay.State().Waiting, unsure
}

package data

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/row"
)

// crossing is one migration whose rows are carried: its databases, both relays, backfill, comparison and what
// they found. Its files: relayrun.go runs relays, chores.go all else, fence.go moves shares, ops.go is what
// people ask for, status.go what it says.
type crossing struct {
	name string
	spec v1.DataSpec // with defaults
	cfg  Config
	opts *Options
	pace pace
	log  *slog.Logger

	history *History
	judge   *Judge
	nudge   chan struct{} // work for the chores
	full    chan struct{} // holds a token while a table is compared in full

	shapes alterations // what logs tell of altered tables

	mu       sync.Mutex // guards what follows; never held over I/O
	stores   [2]Store
	plan     *Plan
	carriers [2]*carrier
	relays   [2]relayView
	fills    []*backfill
	tables   map[string]*tableView
	windows  []*window // newest last
	problem  string
	fences   []fenceNote // newest last
	repairs  []mended    // oldest first
	repairs0 int64       // number of the newest
	closed   bool        // the window is
	replan   bool        // a table was altered: begin anew with a plan that knows it
	lost     bool        // a log was gone: a full comparison is due
	fullAt   time.Time   // when the last full comparison of everything ended
	fullTook time.Duration
	reader   bool // notes were read
	phase    v1.Phase
	buckets  int
	owner    string
	users    time.Time // since when users are on the new side, zero without
}

type relayView struct {
	state   string
	problem string
	lost    string    // why the log that was needed is gone, until a full comparison has found what it held
	beat    time.Time // when the source told something last
	base    relayTally
}

type tableView struct {
	old, now int64
	compared time.Time
	problem  string
	next     time.Time // begin of the next window
	copied   int64
	done     bool
	running  bool
}

func newCrossing(m *v1.Migration, cfg Config, opts *Options, p pace, log *slog.Logger) *crossing {
	spec := specOf(m)
	c := &crossing{
		name: m.Metadata.Name, spec: spec, cfg: cfg, opts: opts, pace: p, log: log.With("migration", m.Metadata.Name),
		history: NewHistory(historyBytes), judge: NewJudge(cfg.MaxCases, spec.Grace.Or(0), spec.Every.Or(0)),
		nudge: make(chan struct{}, 1), full: make(chan struct{}, 1), tables: map[string]*tableView{},
	}
	for i := range spec.Tables {
		c.tables[spec.Tables[i].Name] = &tableView{old: -1, now: -1}
	}
	for i := range c.relays {
		c.relays[i].state = "starting"
	}
	c.follow(m)
	return c
}

// follow takes over where the migration stands.
func (c *crossing) follow(m *v1.Migration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := &m.Status
	c.phase, c.buckets, c.owner = st.Phase, st.Buckets, st.Owner
	c.users = time.Time{}
	if st.Buckets == 0 {
		return
	}
	for _, t := range slices.Backward(st.History) {
		if t.Buckets == 0 {
			break
		}
		c.users = t.At
	}
	if c.users.IsZero() {
		c.users = c.pace.now()
	}
}

// run keeps rows crossing until ctx ends. What fails is tried again with backoff, and said.
func (c *crossing) run(ctx context.Context) {
	wait := backoff{}
	for ctx.Err() == nil {
		err := c.setUp(ctx)
		if err == nil {
			wait = backoff{}
			err = c.cross(ctx)
		}
		if ctx.Err() != nil {
			break
		}
		if err != nil && !errors.Is(err, errReplan) {
			c.say(err.Error())
			c.log.Warn("rows do not cross", "error", err)
		}
		if c.pace.sleep(ctx, wait.next()) != nil {
			break
		}
	}
	c.tearDown()
}

// backoff doubles from 100 ms to 5 s.
type backoff struct{ last time.Duration }

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, 100*time.Millisecond), 5*time.Second)
	return b.last
}

func (c *crossing) say(problem string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problem = problem
}

// setUp opens both databases and makes the plan, unless that is done already.
func (c *crossing) setUp(ctx context.Context) error {
	c.mu.Lock()
	stores := c.stores
	c.mu.Unlock()
	for _, on := range sides() {
		if stores[on] != nil {
			continue
		}
		store, err := c.opts.Open(c.side(on).Database)
		if err != nil {
			return c.trouble(on, "open", err)
		}
		stores[on] = store
		c.mu.Lock()
		c.stores = stores
		c.mu.Unlock()
	}
	plan, err := c.makePlan(ctx, stores)
	if err != nil {
		return err
	}
	if err := c.recall(ctx, plan); err != nil {
		return err
	}
	c.judge.Gone(plan)
	fills := make([]*backfill, 0, len(plan.Pairs))
	for _, p := range plan.Pairs {
		fills = append(fills, &backfill{
			pair: p, stores: stores, stream: backfillStream(c.name, p.Rule.Name), chunk: max(c.spec.Chunk, 1),
			limit: &throttle{pace: c.pace, rate: c.spec.MaxRate},
		})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan, c.fills, c.problem, c.replan = plan, fills, "", false
	return nil
}

// makePlan reads the tables of both sides and works the rules out.
func (c *crossing) makePlan(ctx context.Context, stores [2]Store) (*Plan, error) {
	var tables [2]map[string]*row.Table
	for _, on := range sides() {
		one, cancel := c.pace.within(ctx, 6*c.cfg.Timeout)
		err := stores[on].Prepare(one)
		if err == nil {
			tables[on], err = c.readTables(one, stores[on], on)
		}
		cancel()
		if err != nil {
			return nil, c.trouble(on, "prepare", err)
		}
	}
	pairs := make([]*Pair, 0, len(c.spec.Tables))
	for _, rule := range c.spec.Tables {
		m, err := row.NewMapping(rule, tables[oldSide][rule.Name], tables[newSide][rule.To])
		if err != nil {
			return nil, err
		}
		pair, err := NewPair(rule, m, m)
		if err != nil {
			return nil, err
		}
		pair.known = [2]*row.Table{tables[oldSide][rule.Name], tables[newSide][rule.To]}
		pairs = append(pairs, pair)
	}
	return NewPlan(pairs), nil
}

func (c *crossing) readTables(ctx context.Context, store Store, on side) (map[string]*row.Table, error) {
	out := map[string]*row.Table{}
	for i := range c.spec.Tables {
		name := c.spec.Tables[i].Name
		if on == newSide {
			name = c.spec.Tables[i].To
		}
		t, err := store.Table(ctx, name)
		if err != nil {
			return nil, err
		}
		out[name] = t
	}
	return out, nil
}

func (c *crossing) side(on side) v1.DataSide {
	if on == oldSide {
		return c.spec.Old
	}
	return c.spec.New
}

// trouble names the database that an error is about.
func (c *crossing) trouble(on side, verb string, err error) error {
	k, code := kind.Unavailable, "JD-DATA-003"
	if known, ok := errors.AsType[*kind.Error](err); ok && known.Kind != kind.Internal {
		k, code = known.Kind, known.Code
	}
	return kind.New(k, code, "database %s of the %s side: %s: %w", c.side(on).Database, on, verb, err)
}

func (c *crossing) tearDown() {
	c.mu.Lock()
	stores := c.stores
	c.stores = [2]Store{}
	c.carriers = [2]*carrier{}
	for i := range c.relays {
		c.relays[i].state = "off"
	}
	c.mu.Unlock()
	for _, s := range stores {
		if s != nil {
			if err := s.Close(); err != nil {
				c.log.Warn("database not closed", "error", err)
			}
		}
	}
}

// errReplan ends a crossing so that it is set up anew with the tables as they are now.
var errReplan = errors.New("a table was altered")

// refresh reads the tables again. Where they changed, the relays begin anew with what they are now.
func (c *crossing) refresh(ctx context.Context, stores [2]Store, plan *Plan) (*Plan, error) {
	next, err := c.makePlan(ctx, stores)
	if err != nil {
		return nil, err
	}
	for i := range next.Pairs {
		if !reflect.DeepEqual(next.Pairs[i].tables, plan.Pairs[i].tables) {
			c.mu.Lock()
			c.replan = true
			c.mu.Unlock()
			return next, nil
		}
	}
	return plan, nil
}

// cross runs everything until ctx ends or the plan must be made anew.
func (c *crossing) cross(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	keep := func(f func(context.Context) error) func() {
		return func() {
			wait := backoff{}
			for ctx.Err() == nil {
				err := f(ctx)
				if errors.Is(err, errReplan) {
					cancel(errReplan)
					return
				}
				if shape, ok := errors.AsType[*shapeError](err); ok {
					cancel(kind.New(kind.Invalid, "JD-DATA-010", "%w", shape))
					return
				}
				if ctx.Err() != nil || c.pace.sleep(ctx, wait.next()) != nil {
					return
				}
				if err == nil {
					wait = backoff{}
				}
			}
		}
	}
	if err := c.anchor(ctx); err != nil {
		return err
	}
	c.pace.each(
		keep(func(ctx context.Context) error { return c.relayOnce(ctx, oldSide) }),
		keep(func(ctx context.Context) error { return c.relayOnce(ctx, newSide) }),
		keep(c.chores),
		keep(c.looks),
	)
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (c *crossing) twoStores() ([2]Store, *Plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stores, c.plan
}

package migrate

import (
	"maps"
	"slices"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/registry"
)

// Clock is a moment. Mono is time since the process began and never goes back; Wall is for records only.
type Clock struct {
	Wall time.Time
	Mono time.Duration
}

// Copies counts what became of shadow requests since the process began.
type Copies struct{ Attempts, Dropped int64 }

// Facts is what the controller asks at a tick. None of it may block.
type Facts interface {
	Latched(migration string) bool
	Outcomes(migration string) (oldSide, newSide Outcome)
	Copies(migration string) Copies
	// Look is a look at the book of evidence; it spends alpha of the mismatch gate.
	Look(migration string, at time.Time) (v1.Gate, *v1.DifferenceRef)
	// Data is what the data say; asked only of migrations with spec.data.
	Data(migration string) []v1.Gate
}

// EffectKind is what an Effect does.
type EffectKind uint8

// The kinds of effects, in words.
const (
	EffectOverride EffectKind = iota // apply Buckets at Epoch to the data path, at once
	EffectRearm                      // end the latch of the data path
	EffectRestart                    // begin the evidence anew
	EffectWrite                      // store Status if Revision holds; answer by Written
	EffectPause                      // store spec.paused as user Who; answer by Written
	EffectReply                      // answer the command ID
	EffectMove                       // Data.Move From To at Epoch, within Limit; answer by Moved
	EffectSettle                     // Data.Settle Epoch; answer by Moved
	EffectHandOver                   // Data.HandOver to Owner; answer by Moved
)

// String names the effect in logs.
func (k EffectKind) String() string {
	return [...]string{"override", "rearm", "restart", "write", "pause", "reply", "move", "settle", "hand over"}[k]
}

// Effect is what the controller wants done, in order. Write, Pause and those of data may take long; they
// must not hold up the next tick. Move and Settle of a migration are done one after the other, in order;
// an Urgent one ends a Move that is under way. A HandOver ends the one before it.
type Effect struct {
	Kind EffectKind
	Name string // of the migration
	ID   int64  // of the write, or of the command replied to

	Buckets int
	Owner   string // as in status
	Epoch   int64

	From, To int // shares, in buckets
	Limit    time.Duration
	Urgent   bool

	Revision int64
	Status   v1.MigrationStatus
	By       string
	Paused   bool
	Who      v1.Identity

	Migration v1.Migration
	Err       error
}

// Controller is the account of all migrations: input, state and time in, effects out. It is pure and
// not safe for concurrent use.
type Controller struct {
	recent   time.Duration
	registry *registry.Snapshot
	trackers map[string]*tracker
	ids      int64
}

// NewController makes an empty one. recent is Config.Recent.
func NewController(recent time.Duration) *Controller {
	return &Controller{recent: recent, trackers: map[string]*tracker{}}
}

// SetRegistry tells the instances.
func (c *Controller) SetRegistry(snap *registry.Snapshot) { c.registry = snap }

// SetMigrations tells all migrations as the store has them. What is older than what is known already
// is passed over.
func (c *Controller) SetMigrations(now Clock, migrations []v1.Migration) []Effect {
	var out []Effect
	there := make(map[string]bool, len(migrations))
	for i := range migrations {
		m := &migrations[i]
		there[m.Metadata.Name] = true
		t := c.trackers[m.Metadata.Name]
		if t != nil && t.remade(m) {
			out = append(out, t.gone()...)
			t = nil
		}
		if t == nil {
			t = &tracker{name: m.Metadata.Name, recentSpan: c.recent}
			c.trackers[t.name] = t
			out = append(out, Effect{Kind: EffectRestart, Name: t.name})
		}
		if m.Metadata.Revision > t.object.Metadata.Revision {
			out = append(out, t.adopt(*m)...)
		}
	}
	for name, t := range c.trackers {
		if !there[name] {
			out = append(out, t.gone()...)
			delete(c.trackers, name)
		}
	}
	c.findRivals()
	return out
}

// findRivals marks every migration that moves a service which an older one moves. Admit keeps them out;
// this is for those that came by another way.
func (c *Controller) findRivals() {
	owner := map[string]*tracker{}
	for _, name := range slices.Sorted(maps.Keys(c.trackers)) {
		t := c.trackers[name]
		o := owner[t.object.Spec.Service]
		if o == nil || t.olderThan(o) {
			owner[t.object.Spec.Service] = t
		}
	}
	for _, t := range c.trackers {
		t.rival = ""
		if o := owner[t.object.Spec.Service]; o != t {
			t.rival = o.name
		}
	}
}

// Tick looks at every migration once. A migration makes at most one move in a tick.
func (c *Controller) Tick(now Clock, f Facts) []Effect {
	var out []Effect
	for _, name := range slices.Sorted(maps.Keys(c.trackers)) {
		t := c.trackers[name]
		t.sides = sidesOf(c.registry, &t.object.Spec)
		out = append(out, t.tick(now, f, c.nextID)...)
	}
	return out
}

// Written tells how a Write or Pause ended. object is what was stored; on a Conflict it is what the
// store has instead, with err set.
func (c *Controller) Written(now Clock, name string, id int64, object *v1.Migration, err error) []Effect {
	t := c.trackers[name]
	if t == nil || t.flight == nil || t.flight.id != id {
		return nil
	}
	out := t.landed(now, object, err, c.nextID)
	return append(out, t.proceed(now, c.nextID)...)
}

// Moved tells how a Move, Settle or HandOver ended.
func (c *Controller) Moved(now Clock, name string, id int64, err error) []Effect {
	t := c.trackers[name]
	switch {
	case t == nil:
		return nil
	case t.descent != nil && t.descent.fence == id:
		return t.retreated(now, err, c.nextID)
	case t.flight != nil && t.flight.id == id && t.flight.crossing:
		out := append(t.crossed(now, err), t.proceed(now, c.nextID)...)
		return append(out, t.tend(now, c.nextID)...)
	}
	t.moved(now, id, err)
	return t.tend(now, c.nextID)
}

// Command takes a command; its answer is an EffectReply with the command's ID, now or later.
func (c *Controller) Command(now Clock, cmd Command) []Effect {
	t := c.trackers[cmd.Name]
	if t == nil {
		return []Effect{reply(cmd.ID, v1.Migration{}, notFound(cmd.Name))}
	}
	t.sides = sidesOf(c.registry, &t.object.Spec)
	if cmd.Verb == VerbRollback {
		return t.emergency(now, cmd, c.nextID)
	}
	if len(t.waiting) >= maxWaiting {
		return []Effect{reply(cmd.ID, v1.Migration{}, kind.New(kind.Exhausted, "JD-MIGRATE-010",
			"%d commands wait for the store already; wait until it answers", maxWaiting))}
	}
	t.waiting = append(t.waiting, cmd)
	return t.proceed(now, c.nextID)
}

// Flush is a last Write for each rollback that the store does not have yet, for the end of the process:
// no other write may be under way. One that still waits for its fence is not in force and is left.
func (c *Controller) Flush(now Clock) []Effect {
	var out []Effect
	for _, name := range slices.Sorted(maps.Keys(c.trackers)) {
		if t := c.trackers[name]; t.descent != nil && t.descent.fence == 0 {
			t.flight, t.retryAt = nil, 0
			out = append(out, t.proceed(now, c.nextID)...)
		}
	}
	return out
}

// View is what is known of a migration now.
type View struct {
	Migration v1.Migration // with the status in force and what blocks it now
	Gates     []v1.Gate    // as of the last look; none while nothing is compared
	Verdict   v1.Verdict
	Old, New  Outcome // in the present phase or step
	Unsaved   bool    // a rollback is in force that the store does not have yet
}

// View tells of one migration.
func (c *Controller) View(now Clock, name string) (View, bool) {
	t := c.trackers[name]
	if t == nil {
		return View{}, false
	}
	v := View{Migration: t.view(now), Gates: t.gates, Verdict: t.verdict, Unsaved: t.descent != nil}
	if t.window != nil {
		v.Old, v.New = t.traffic.old, t.traffic.new
	}
	return v, true
}

func (c *Controller) nextID() int64 {
	c.ids++
	return c.ids
}

func reply(id int64, m v1.Migration, err error) Effect {
	return Effect{Kind: EffectReply, Name: m.Metadata.Name, ID: id, Migration: m, Err: err}
}

func notFound(name string) error {
	return kind.New(kind.NotFound, "JD-MIGRATE-003", "migration %q does not exist; see jindu migration list", name)
}

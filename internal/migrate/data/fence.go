package data

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// ErrNotDrained is wrapped by Move when time was up before all changes of the losing side had arrived: the fence
// stands, what is pending follows, and each of it is checked against what the gaining side wrote meanwhile.
var ErrNotDrained = errors.New("not all changes have arrived on the other side")

// ErrNoWayBack is wrapped by Move when moving back would lose writes, because a person closed the window: nothing
// was fenced.
var ErrNoWayBack = errors.New("the old side no longer has what the new one wrote")

// fenceNote is a fence as it is kept over a restart.
type fenceNote struct {
	Status v1.FenceStatus `json:"status"`
	Placed bool           `json:"placed"` // the database has it
	Want   Position       `json:"want"`   // end of the losing side's log behind it
}

const (
	keptFences = 32
	// everyone is the share at which requests without a subject move too.
	everyone = 10_000
)

// buckets are those that move between two shares, and the side that loses them.
func moved(from, to int) (low, high int, loser side) {
	low, high = min(from, to), max(from, to)
	if high >= everyone {
		high = everyone + 1
	}
	if from < to {
		return low, high, oldSide
	}
	return low, high, newSide
}

// move fences the losing side and waits until what it had committed has arrived.
func (c *crossing) move(ctx context.Context, epoch int64, from, to int) error {
	if from == to {
		return nil
	}
	low, high, loser := moved(from, to)
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if loser == newSide && closed {
		return kind.New(kind.Conflict, "JD-DATA-009", "migration %s: the window was closed: %w; moving back would lose writes", c.name, ErrNoWayBack)
	}
	f := fenceNote{Status: v1.FenceStatus{Epoch: epoch, From: loser.String(), Low: low, High: high, At: c.pace.now()}}
	if err := c.keepFence(ctx, f); err != nil {
		return err
	}
	c.careful(true)
	if !c.awaited(ctx, loser) {
		return c.notRunning()
	}
	f, err := c.place(ctx, f)
	if err != nil {
		return err
	}
	return c.drain(ctx, f)
}

// awaited waits until a side can be fenced: a node that just began knows its databases soon, and a rollback without
// a fence would leave late changes behind.
func (c *crossing) awaited(ctx context.Context, on side) bool {
	for {
		c.mu.Lock()
		ready := c.stores[on] != nil && c.plan != nil
		c.mu.Unlock()
		if ready || c.pace.sleep(ctx, 10*time.Millisecond) != nil {
			return ready
		}
	}
}

// place writes the fence and takes the end of the log behind it.
func (c *crossing) place(ctx context.Context, f fenceNote) (fenceNote, error) {
	loser := sideOf(f.Status.From)
	stores, plan := c.twoStores()
	if stores[loser] == nil || plan == nil {
		return f, c.notRunning()
	}
	ctx, cancel := c.pace.within(ctx, c.cfg.Timeout)
	defer cancel()
	if _, err := stores[loser].Fence(ctx, FenceRow{Migration: c.name, Epoch: f.Status.Epoch, Low: f.Status.Low, High: f.Status.High}); err != nil {
		return f, c.trouble(loser, "fence", err)
	}
	c.mu.Lock()
	one := c.carriers[loser]
	c.mu.Unlock()
	var source Source
	if one != nil {
		source = one.source
	} else {
		var err error
		if source, err = c.newSource(loser, plan); err != nil {
			return f, c.trouble(loser, "capture", err)
		}
	}
	want, err := source.Here(ctx)
	if err != nil {
		return f, c.trouble(loser, "take the log's position", err)
	}
	f.Placed, f.Want = true, want
	// A transaction behind it makes the source tell a place that is further, at once.
	if _, err := stores[loser].Apply(ctx, streamName("fence/"+c.name), Position(fmt.Sprint(f.Status.Epoch)), nil); err != nil {
		c.log.Warn("log not nudged", "side", loser.String(), "error", err)
	}
	return f, c.keepFence(ctx, f)
}

// drain waits for what was committed before a fence.
func (c *crossing) drain(ctx context.Context, f fenceNote) error {
	loser := sideOf(f.Status.From)
	end := c.pace.now().Add(c.spec.Drain.Or(0))
	for {
		c.mu.Lock()
		one := c.carriers[loser]
		c.mu.Unlock()
		pending := int64(-1)
		if one != nil {
			if one.drained(f.Want) {
				return c.arrived(ctx, f)
			}
			if err := c.keepLow(ctx, one, f.Want); err != nil && ctx.Err() == nil {
				c.log.Warn("position not stored", "side", loser.String(), "error", err)
			}
			pending = one.relay.State().Waiting
		}
		if !c.pace.now().Before(end) {
			f.Status.Pending = max(pending, 0)
			if err := c.keepFence(ctx, f); err != nil {
				return err
			}
			c.log.Warn("not drained", "side", loser.String(), "epoch", f.Status.Epoch, "pending", pending)
			return kind.New(kind.Unavailable, "JD-DATA-005", "migration %s: %w within %v: %d changes of the %s side are on their way", c.name, ErrNotDrained, c.spec.Drain.Or(0), max(pending, 0), loser)
		}
		if err := c.pace.sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// keepLow stores the position at once when everything up to a place is applied: what arrived before a share moved is
// not to be applied again behind what the gaining side wrote since.
func (c *crossing) keepLow(ctx context.Context, one *carrier, want Position) error {
	if !one.source.Reached(one.relay.State().Low.position, want) {
		return nil
	}
	return one.flush(ctx, true)
}

// arrived notes that everything before a fence arrived, and so everything before earlier ones of that side.
func (c *crossing) arrived(ctx context.Context, f fenceNote) error {
	c.mu.Lock()
	fences := slices.Clone(c.fences)
	c.mu.Unlock()
	for _, o := range fences {
		if o.Status.From != f.Status.From || o.Status.Epoch > f.Status.Epoch || o.Status.Drained || !o.Placed && o.Status.Epoch != f.Status.Epoch {
			continue
		}
		if o.Status.Epoch == f.Status.Epoch {
			o = f
		}
		o.Status.Drained, o.Status.Pending = true, 0
		if err := c.keepFence(ctx, o); err != nil {
			return err
		}
	}
	c.ease()
	return nil
}

func sideOf(name string) side {
	if name == v1.SideNew {
		return newSide
	}
	return oldSide
}

// careful makes both relays check rows as they were before each change. It holds from a fence until what the
// losing side had committed has arrived: meanwhile the gaining side's users may write the same rows, and neither
// side's change may pass over the other's.
func (c *crossing) careful(yes bool) {
	c.mu.Lock()
	carriers := c.carriers
	c.mu.Unlock()
	for _, on := range sides() {
		if yes {
			c.history.Watch(on)
		} else {
			c.history.Unwatch(on)
		}
		if carriers[on] != nil {
			carriers[on].relay.Careful(yes)
		}
	}
}

// ease ends that care where nothing is late any more.
func (c *crossing) ease() {
	if !c.tender() {
		c.careful(false)
	}
}

// tender says whether relays must be careful: changes come late, or a log was gone and nobody knows yet what it held.
func (c *crossing) tender() bool {
	c.mu.Lock()
	lost := c.lost
	c.mu.Unlock()
	return lost || c.late(oldSide) || c.late(newSide)
}

// late says whether changes of a side are still to come that were committed before its last fence.
func (c *crossing) late(from side) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.fences, func(f fenceNote) bool { return sideOf(f.Status.From) == from && !f.Status.Drained })
}

// toldAll says whether a source told everything that was committed before its side's last fence, and before its
// relay began: what is told again is known by what follows it.
func (c *crossing) toldAll(from side, one *carrier) bool {
	told := one.relay.State().Told
	if one.horizon != "" && !one.source.Reached(told.position, one.horizon) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.fences {
		if sideOf(f.Status.From) == from && !f.Status.Drained && (!f.Placed || !one.source.Reached(told.position, f.Want)) {
			return false
		}
	}
	return true
}

// settleLate marks fences as drained once what they overtook has arrived.
func (c *crossing) settleLate(ctx context.Context, from side, one *carrier) {
	if !c.late(from) {
		return
	}
	c.mu.Lock()
	fences := slices.Clone(c.fences)
	c.mu.Unlock()
	for _, f := range fences {
		if sideOf(f.Status.From) != from || f.Status.Drained {
			continue
		}
		if !f.Placed || c.fresh(f, c.spec.Drain.Or(0)) {
			continue // Move still waits and tells
		}
		if err := c.keepLow(ctx, one, f.Want); err != nil || !one.drained(f.Want) {
			continue
		}
		f.Status.Drained = true
		if err := c.keepFence(ctx, f); err != nil {
			c.log.Warn("fence not noted", "epoch", f.Status.Epoch, "error", err)
		}
	}
	c.ease()
}

// fresh says whether a fence is younger than d.
func (c *crossing) fresh(f fenceNote, d time.Duration) bool {
	age := c.pace.now().Sub(f.Status.At)
	return age >= 0 && age <= d
}

// refence writes fences that could not be written when a share moved, because the losing side's database was
// not to be reached.
func (c *crossing) refence(ctx context.Context) {
	c.mu.Lock()
	fences := slices.Clone(c.fences)
	c.mu.Unlock()
	for _, f := range fences {
		if f.Placed || c.fresh(f, c.cfg.Timeout) {
			continue // Move still tries
		}
		if _, err := c.place(ctx, f); err != nil {
			c.log.Warn("fence not placed", "epoch", f.Status.Epoch, "error", err)
		}
	}
}

// keepFence remembers a fence, also over a restart.
func (c *crossing) keepFence(ctx context.Context, f fenceNote) error {
	c.mu.Lock()
	at := slices.IndexFunc(c.fences, func(o fenceNote) bool { return o.Status.Epoch == f.Status.Epoch })
	if at < 0 {
		c.fences = append(c.fences, f)
		slices.SortStableFunc(c.fences, func(a, b fenceNote) int { return int(a.Status.Epoch - b.Status.Epoch) })
	} else {
		c.fences[at] = f
	}
	var drop []int64
	for len(c.fences) > keptFences && c.fences[0].Status.Drained {
		drop = append(drop, c.fences[0].Status.Epoch)
		c.fences = c.fences[1:]
	}
	c.mu.Unlock()
	body, err := json.Marshal(f)
	if err == nil {
		err = c.opts.Notes.Put(ctx, c.fenceName(f.Status.Epoch), body)
	}
	for _, epoch := range drop {
		err = errors.Join(err, c.opts.Notes.Put(ctx, c.fenceName(epoch), nil))
	}
	if err != nil {
		return kind.New(kind.Unavailable, "JD-DATA-012", "keep the fence of epoch %d: %w", f.Status.Epoch, err)
	}
	return nil
}

func (c *crossing) fenceName(epoch int64) string {
	return c.noteName(fmt.Sprintf("fence/%020d", epoch))
}

// unfence takes fences above an epoch back.
func (c *crossing) unfence(ctx context.Context, epoch int64) error {
	stores, _ := c.twoStores()
	var errs []error
	for _, on := range sides() {
		if stores[on] == nil {
			errs = append(errs, c.notRunning())
			continue
		}
		one, cancel := c.pace.within(ctx, c.cfg.Timeout)
		if err := stores[on].Unfence(one, c.name, epoch); err != nil {
			errs = append(errs, c.trouble(on, "take fences back", err))
		}
		cancel()
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	c.mu.Lock()
	var drop []int64
	c.fences = slices.DeleteFunc(c.fences, func(f fenceNote) bool {
		if f.Status.Epoch > epoch {
			drop = append(drop, f.Status.Epoch)
		}
		return f.Status.Epoch > epoch
	})
	c.mu.Unlock()
	for _, e := range drop {
		if err := c.opts.Notes.Put(ctx, c.fenceName(e), nil); err != nil {
			return kind.New(kind.Unavailable, "JD-DATA-012", "forget the fence of epoch %d: %w", e, err)
		}
	}
	c.ease()
	return nil
}

// handOver gives every entity to one side: on that side's database, as a write of its own, so that its relay
// carries it. Nothing of the other side may be on its way.
func (c *crossing) handOver(ctx context.Context, to side) error {
	stores, plan := c.twoStores()
	if plan == nil || stores[to] == nil {
		return c.notRunning()
	}
	if c.late(to.other()) {
		return kind.New(kind.Unavailable, "JD-DATA-005", "migration %s: %w: changes of the %s side from before the last move are on their way; hand over when they arrived", c.name, ErrNotDrained, to.other())
	}
	for _, p := range plan.Pairs {
		at := p.owner[to]
		if at < 0 {
			continue
		}
		h := Handover{
			Table: p.tables[to], Owner: p.tables[to].Columns[at].Name, From: to.other().String(), To: to.String(),
			Outbox: c.side(to).Capture == "outbox", Chunk: max(c.cfg.Batch, 1),
		}
		if v := p.version[to]; v >= 0 {
			h.Version = p.tables[to].Columns[v].Name
		}
		n, err := stores[to].HandOver(ctx, h)
		if err != nil {
			return c.trouble(to, "hand over table "+h.Table.Name, err)
		}
		c.log.Info("rows handed over", "table", p.Rule.Name, "to", h.To, "rows", n)
	}
	return nil
}

package data

import (
	"context"
	"errors"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// RelayName is the name under which a direction stores its position and what it parked.
func relayName(migration string, from side) string {
	return streamName(migration + "/" + from.String())
}

// newSource makes the source of one side.
func (c *crossing) newSource(on side, plan *Plan) (Source, error) {
	r := SourceRequest{Migration: c.name, Side: on.String(), From: c.side(on), Tables: plan.tables(on), Versions: map[string]string{}}
	for _, p := range plan.Pairs {
		if at := p.version[on]; at >= 0 {
			r.Versions[p.tables[on].Name] = p.tables[on].Columns[at].Name
		}
	}
	return c.opts.Source(r)
}

// anchor stores where both relays begin, before anything is copied: what is committed from there on is carried by
// them, what was there before by the backfill.
func (c *crossing) anchor(ctx context.Context) error {
	stores, plan := c.twoStores()
	for _, on := range sides() {
		target := stores[on.other()]
		stream := relayName(c.name, on)
		_, ok, err := resume(ctx, target, stream)
		if err != nil {
			return c.trouble(on.other(), "read the position", err)
		}
		if ok {
			continue
		}
		source, err := c.newSource(on, plan)
		if err != nil {
			return c.trouble(on, "capture", err)
		}
		if err := c.fromHere(ctx, source, target, stream, stamp{}); err != nil {
			return c.trouble(on, "take the log's position", err)
		}
	}
	return nil
}

// fromHere makes a stream go on from the log's end, behind the place where it was.
func (c *crossing) fromHere(ctx context.Context, source Source, target Store, stream string, last stamp) error {
	ctx, cancel := c.pace.within(ctx, 3*c.cfg.Timeout)
	defer cancel()
	here, err := source.Here(ctx)
	if err != nil {
		return err
	}
	return begin(ctx, target, stream, stamp{sequence: last.sequence, beats: last.beats + 1, position: here, commit: c.pace.now()})
}

// board makes the carrier of one direction as its stream stands, and makes it known.
func (c *crossing) board(ctx context.Context, from side) (*carrier, stamp, error) {
	stores, plan := c.twoStores()
	target := stores[from.other()]
	stream := relayName(c.name, from)
	source, err := c.newSource(from, plan)
	if err != nil {
		return nil, stamp{}, err
	}
	at, ok, err := resume(ctx, target, stream)
	if err == nil && !ok { // somebody deleted it
		if err = c.anchor(ctx); err == nil {
			at, _, err = resume(ctx, target, stream)
		}
	}
	if err != nil {
		return nil, at, err
	}
	relay := NewRelay(plan, from, stream, RelayOptions{MaxBytes: c.cfg.MaxBytes, Batch: c.cfg.Batch, Strong: c.spec.Strong.Or(0)}, at)
	relay.observe = func(t *Txn, one *cargo) { c.history.Add(from, t, one) }
	relay.suspect = func(one *cargo) { c.judge.Suspect(one.pair, from, one.key, c.pace.now(), nil) }
	relay.frozen = func(ident string) bool {
		return c.judge.frozen(ident, c.spec.Winner == from.String() || c.spec.Winner == "owner")
	}
	relay.load.added = c.added
	relay.touched = func(ident string) bool { return c.history.Touched(from.other(), ident) }
	one := &carrier{relay: relay, source: source, origin: stores[from], target: target, pace: c.pace, timeout: c.cfg.Timeout, workers: max(c.cfg.Workers, 1)}
	one.toldAll = func() bool { return c.toldAll(from, one) }
	if err := one.hold(ctx); err != nil {
		return nil, at, err
	}
	if c.tender() {
		c.history.Watch(oldSide)
		c.history.Watch(newSide)
		relay.Careful(true)
		if one.horizon, err = source.Here(ctx); err != nil {
			return nil, at, err
		}
		c.log.Warn("changes come late to the other side", "from", from.String())
	}
	c.mu.Lock()
	c.carriers[from] = one
	c.mu.Unlock()
	return one, at, nil
}

// relayOnce runs one direction until ctx ends or its source fails.
func (c *crossing) relayOnce(ctx context.Context, from side) error {
	if c.idle(from) {
		c.relayState(from, "off", "")
		return c.pace.sleep(ctx, time.Second)
	}
	one, at, err := c.board(ctx, from)
	if err != nil {
		return c.stall(from, err)
	}
	err = c.pump(ctx, from, one, at)
	c.mu.Lock()
	c.relays[from].base.add(one.relay.State().relayTally)
	c.carriers[from] = nil
	c.mu.Unlock()
	if errors.Is(err, ErrLogGone) {
		return c.restart(ctx, from, one, err)
	}
	if err != nil && ctx.Err() == nil {
		return c.stall(from, err)
	}
	return err
}

func (t *relayTally) add(o relayTally) {
	t.changes += o.changes
	t.stale += o.stale
	t.origin += o.origin
	t.passed += o.passed
	t.alarms += o.alarms
}

// restart goes on from the log's end when what was needed of it is gone: what is missing now only a full
// comparison finds.
func (c *crossing) restart(ctx context.Context, from side, one *carrier, cause error) error {
	c.log.Error("log is gone", "from", from.String(), "error", cause)
	if err := c.opts.Notes.Put(ctx, c.noteName("lost"), []byte(from.String())); err != nil {
		return c.stall(from, err)
	}
	c.mu.Lock()
	c.lost = true
	c.relays[from].lost = cause.Error() + "; carried on from the log's end, a full comparison follows"
	c.mu.Unlock()
	c.careful(true)
	if err := c.fromHere(ctx, one.source, one.target, one.relay.stream, one.relay.State().Durable); err != nil {
		return c.stall(from, err)
	}
	return nil
}

// dally holds a change of the old side back while requests are mirrored: a copy should find the rows that its
// request found.
func (c *crossing) dally(ctx context.Context, from side, t *Txn) error {
	delay := c.spec.Delay.Or(0)
	if from != oldSide || delay <= 0 || len(t.Changes) == 0 || t.Origin {
		return nil
	}
	c.mu.Lock()
	mirror := c.phase == v1.PhaseMirror
	c.mu.Unlock()
	if !mirror {
		return nil
	}
	return c.pace.sleep(ctx, min(delay, t.Commit.Add(delay).Sub(c.pace.now())))
}

// pump runs source and workers of one direction.
func (c *crossing) pump(ctx context.Context, from side, one *carrier, at stamp) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work, room := make(chan struct{}, one.workers), make(chan struct{}, 1)
	database := c.side(from).Database
	emit := func(t Txn) error {
		if one.again(&t) {
			return ctx.Err()
		}
		if c.opts.Captured != nil && len(t.Changes) > 0 {
			c.opts.Captured(database, &t)
		}
		if c.opts.Progress != nil {
			c.opts.Progress(database, t.Commit)
		}
		if err := c.dally(ctx, from, &t); err != nil {
			return err
		}
		if err := one.relay.Push(t); err != nil {
			return err
		}
		c.heard(from)
		poke(work)
		for one.relay.Full() {
			select {
			case <-room:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return ctx.Err()
	}
	jobs := []func(){
		func() {
			err := one.source.Run(ctx, at.position, tablesOf(one, from), emit)
			if err == nil {
				err = errEnded
			}
			cancel(err)
		},
		func() { cancel(c.keepStored(ctx, from, one)) },
	}
	for w := range one.workers {
		jobs = append(jobs, func() { c.workerLoop(ctx, from, one, w, work, room) })
	}
	c.relayState(from, "running", "")
	c.pace.each(jobs...)
	return context.Cause(ctx)
}

// errEnded is a source that ended without saying why.
var errEnded = errors.New("the source ended by itself")

func tablesOf(one *carrier, from side) []string { return one.relay.load.plan.tables(from) }

// poke wakes one that waits, or the next that will.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// workerLoop writes batches until ctx ends; a database that cannot be reached is tried again.
func (c *crossing) workerLoop(ctx context.Context, from side, one *carrier, w int, work, room chan struct{}) {
	wait := backoff{}
	for ctx.Err() == nil {
		did, err := one.step(ctx, w)
		switch {
		case err != nil && ctx.Err() == nil:
			c.relayState(from, "stalled", c.trouble(from.other(), "apply", err).Error())
			if c.pace.sleep(ctx, wait.next()) != nil {
				return
			}
		case did:
			if wait.last > 0 {
				wait = backoff{}
				c.relayState(from, "running", "")
			}
			poke(room)
			poke(work) // what waited for this may be ready now
		default:
			select {
			case <-work:
			case <-ctx.Done():
			}
		}
	}
}

// keepStored stores the position where no batch does, tells the source what is stored, and ends care when the late
// changes have arrived.
func (c *crossing) keepStored(ctx context.Context, from side, one *carrier) error {
	acked, ackAt, idleAt := Position(""), c.pace.now(), c.pace.now()
	for {
		if err := c.pace.sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		now := c.pace.now()
		idle := now.Sub(idleAt) >= 30*time.Second || now.Before(idleAt)
		if err := one.flush(ctx, idle); err != nil && ctx.Err() == nil {
			c.relayState(from, "stalled", c.trouble(from.other(), "store the position", err).Error())
			continue
		}
		if idle {
			idleAt = now
		}
		if now.Sub(ackAt) >= time.Second || now.Before(ackAt) {
			var err error
			if acked, err = one.ack(ctx, acked); err != nil && ctx.Err() == nil {
				c.log.Warn("position not acknowledged", "from", from.String(), "error", err)
			}
			ackAt = now
		}
		c.settleLate(ctx, from, one)
		if c.idle(from) {
			return nil // the window was closed
		}
	}
}

func (c *crossing) stall(from side, err error) error {
	c.relayState(from, "stalled", err.Error())
	c.log.Warn("relay stalled", "from", from.String(), "error", err)
	return err
}

func (c *crossing) relayState(from side, state, problem string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.relays[from].state, c.relays[from].problem = state, problem
}

func (c *crossing) heard(from side) {
	now := c.pace.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.relays[from].beat = now
	if c.relays[from].state == "starting" {
		c.relays[from].state = "running"
	}
}

// idle says that a direction carries nothing: back, once the operator closed the window.
func (c *crossing) idle(from side) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return from == newSide && c.closed
}

// reached is the time up to which both relays have applied what was committed; the zero time when one does not run.
func (c *crossing) reached() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	var low time.Time
	for _, on := range sides() {
		if on == newSide && c.closed {
			continue
		}
		if c.carriers[on] == nil {
			return time.Time{}
		}
		at := c.carriers[on].relay.State().Low.commit
		if low.IsZero() || at.Before(low) {
			low = at
		}
	}
	return low
}

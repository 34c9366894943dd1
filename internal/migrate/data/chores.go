package data

import (
	"context"
	"slices"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
)

const (
	keptWindows  = 50
	fullEvery    = 10 * time.Minute // between full comparisons that nobody asked for, and at least:
	fullShare    = 20               // times as long as the last one took
	segmentRows  = 20_000           // rows that are summed at once
	leafRows     = 1000             // rows that are read at once
	watermarkLag = 200 * time.Millisecond
)

// chores copies what was there before, then compares: all once, and again from time to time, and windows in
// between.
func (c *crossing) chores(ctx context.Context) error {
	if err := c.fill(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		c.takeUp(ctx)
		if c.altered() {
			return errReplan
		}
		c.refence(ctx)
		c.keepCases(ctx)
		if !c.windowClosed() {
			if c.fullDue() {
				if _, err := c.compareFull(ctx, nil, nil); err != nil {
					return c.note(err)
				}
			}
			if err := c.sweep(ctx); err != nil {
				return c.note(err)
			}
		}
		if err := c.pace.sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// note says what keeps the chores from being done.
func (c *crossing) note(err error) error {
	if err != nil {
		c.say("comparing: " + err.Error())
		c.log.Warn("rows not compared", "error", err)
	}
	return err
}

func (c *crossing) altered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replan
}

func (c *crossing) windowClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// fill copies the tables one after the other, parents first.
func (c *crossing) fill(ctx context.Context) error {
	c.mu.Lock()
	fills, stores := c.fills, c.stores
	c.mu.Unlock()
	for _, b := range fills {
		for more := true; more; {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var err error
			if b.known && !b.done {
				err = yieldTo(ctx, c.pace, stores, c.spec.MaxLag.Or(0))
			}
			if err == nil {
				more, err = b.step(ctx)
			}
			c.filled(b, err)
			if err != nil {
				c.log.Warn("rows not copied", "table", b.pair.Rule.Name, "error", err)
				return err
			}
		}
	}
	return nil
}

func (c *crossing) filled(b *backfill, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tables[b.pair.Rule.Name]
	t.copied, t.done, t.running, t.problem = b.copied, b.done, err == nil && !b.done, b.problem
	if err != nil {
		t.problem = "copying stopped and is tried again: " + err.Error()
	}
}

// fullDue says whether everything is to be compared: never yet, a log was gone, or long ago.
func (c *crossing) fullDue() bool {
	now := c.pace.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fullAt.IsZero() || c.lost || now.Sub(c.fullAt) >= max(fullEvery, fullShare*c.fullTook) || now.Before(c.fullAt)
}

// compareFull compares tables from end to end, all where none is named, and waits until what differed is decided.
func (c *crossing) compareFull(ctx context.Context, tables []string, limit *throttle) (map[string]int64, error) {
	select {
	case c.full <- struct{}{}:
		defer func() { <-c.full }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	began := c.pace.now()
	stores, plan := c.twoStores()
	if plan == nil {
		return nil, c.notRunning()
	}
	if limit == nil {
		limit = &throttle{pace: c.pace, rate: c.spec.MaxRate}
	}
	c.mu.Lock()
	wasLost := c.lost
	c.mu.Unlock()
	out := map[string]int64{}
	var count tally
	for _, p := range plan.Pairs {
		if !wanted(tables, p.Rule.Name) {
			continue
		}
		c.judge.Restart(p.Rule.Name)
		one := &comparer{
			pace: c.pace, stores: stores, segment: segmentRows, leaf: leafRows, limit: limit,
			found: func(p *Pair, on side, key row.Key) { c.judge.Suspect(p, on, key, c.pace.now(), &count) },
		}
		old, now, err := one.Full(ctx, p)
		if err != nil {
			return out, err
		}
		out[p.Rule.Name] = max(old, now)
		c.mu.Lock()
		t := c.tables[p.Rule.Name]
		t.old, t.now, t.compared = old, now, c.pace.now()
		c.mu.Unlock()
	}
	// Hot rows may stay undecided as long as they are written; they are not waited for without end.
	end := c.pace.now().Add(max(20*c.spec.Grace.Or(0), 5*time.Second))
	for c.judge.count(&count).pending > 0 && c.pace.now().Before(end) {
		if err := c.pace.sleep(ctx, 20*time.Millisecond); err != nil {
			return out, err
		}
	}
	if len(tables) == 0 {
		c.fullDone(ctx, began, wasLost)
	}
	return out, nil
}

func (c *crossing) fullDone(ctx context.Context, began time.Time, wasLost bool) {
	now := c.pace.now()
	c.mu.Lock()
	c.fullAt, c.fullTook = now, now.Sub(began)
	c.lost = c.lost && !wasLost
	lost := c.lost
	c.mu.Unlock()
	if !lost && wasLost {
		c.ease()
		for _, on := range sides() {
			c.found(on)
		}
		if err := c.opts.Notes.Put(ctx, c.noteName("lost"), nil); err != nil {
			c.log.Warn("note not kept", "note", "lost", "error", err)
		}
	}
}

// found ends the state lost: what the log no longer told was found by comparison.
func (c *crossing) found(on side) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.relays[on].lost = ""
}

func wanted(tables []string, name string) bool {
	return len(tables) == 0 || slices.Contains(tables, name)
}

// sweep compares the next rolling window of each table whose turn it is.
func (c *crossing) sweep(ctx context.Context) error {
	_, plan := c.twoStores()
	now := c.pace.now()
	until := c.reached().Add(-watermarkLag)
	every, grace := c.spec.Every.Or(0), c.spec.Grace.Or(0)
	for _, p := range plan.Pairs {
		if p.settled[oldSide] == "" {
			continue
		}
		c.mu.Lock()
		t := c.tables[p.Rule.Name]
		from := t.next
		c.mu.Unlock()
		if from.IsZero() || from.After(now) {
			from = until.Add(-every)
		}
		if until.Sub(from) < every || until.Before(now.Add(-24*time.Hour)) { // not yet, or a relay does not run
			continue
		}
		from = maxTime(from, until.Add(-10*every)) // what is older is for the full comparison
		w := &window{pair: p, result: v1.WindowResult{Table: p.Rule.Name, From: from.Add(-grace), Until: until}}
		if err := c.looker().sweep(ctx, w, &throttle{pace: c.pace, rate: c.spec.MaxRate}); err != nil {
			return err
		}
		c.mu.Lock()
		t.next = until
		c.windows = append(c.windows, w)
		if n := len(c.windows) - keptWindows; n > 0 {
			c.windows = append([]*window(nil), c.windows[n:]...)
		}
		c.mu.Unlock()
	}
	return nil
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (c *crossing) looker() *looker {
	stores, _ := c.twoStores()
	return &looker{
		pace: c.pace, stores: stores, judge: c.judge, history: c.history, reached: c.reached,
		opened: func(one *v1.Case) { c.log.Warn("case opened", "case", one.ID, "table", one.Difference.Table) },
	}
}

// looks looks at suspects as they become due.
func (c *crossing) looks(ctx context.Context) error {
	pause := min(max(c.spec.Grace.Or(0)/8, 10*time.Millisecond), 250*time.Millisecond)
	l := c.looker()
	for {
		if err := c.pace.sleep(ctx, pause); err != nil {
			return err
		}
		if c.windowClosed() {
			continue
		}
		if err := l.look(ctx, 10*lookAt); err != nil {
			return c.note(err)
		}
	}
}

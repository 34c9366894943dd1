package data

import (
	"context"
	"reflect"
	"sync"
	"time"
)

// alterations are columns that logs tell and that the plan does not know. The plan is made anew for them, but not at
// once: a log that is read again from before the alteration does not say which columns its rows have.
type alterations struct {
	mu    sync.Mutex // a leaf: relays call with their own lock held
	seen  map[string]bool
	due   bool
	next  time.Time // when tables are read again
	ready time.Time // when a plan could be made that knows them; zero: not yet
}

const alterationLook = time.Second

// added notes a column. What is in no table when it is looked for was dropped since, and is asked for no more.
func (c *crossing) added(from side, table, column string) {
	a := &c.shapes
	a.mu.Lock()
	defer a.mu.Unlock()
	name := from.String() + "." + table + "." + column
	if a.seen[name] {
		return
	}
	if a.seen == nil {
		a.seen = map[string]bool{}
	}
	a.seen[name] = true
	a.due, a.next, a.ready = true, time.Time{}, time.Time{}
}

// takeUp has the plan made anew when a table got columns that can be carried and both relays have stored a place
// behind that. What the new columns held until then was not carried: everything is compared.
func (c *crossing) takeUp(ctx context.Context) {
	a, now := &c.shapes, c.pace.now()
	a.mu.Lock()
	due, ready := a.due && (!now.Before(a.next) || a.next.Sub(now) > alterationLook), a.ready
	if due {
		a.next = now.Add(alterationLook)
	}
	a.mu.Unlock()
	if !due {
		return
	}
	stores, plan := c.twoStores()
	if ready.IsZero() {
		next, err := c.makePlan(ctx, stores)
		if err != nil {
			if ctx.Err() == nil {
				c.say("a table got new columns, which do not cross: " + err.Error())
			}
			return
		}
		same := true
		for i := range next.Pairs {
			same = same && reflect.DeepEqual(next.Pairs[i].known, plan.Pairs[i].known)
		}
		a.mu.Lock()
		a.due, a.ready = !same, now
		a.mu.Unlock()
		c.say("")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.carriers {
		if one == nil || !one.relay.State().Durable.commit.After(ready) {
			return
		}
	}
	a.mu.Lock()
	a.due, a.ready = false, time.Time{}
	a.mu.Unlock()
	c.replan, c.fullAt = true, time.Time{}
}

package data

import (
	"context"
	"errors"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// maxParkedShown bounds an answer.
const maxParkedShown = 1000

// parked lists the changes that wait for a person: of each row the first, with how many wait behind it.
func (c *crossing) parked(ctx context.Context) ([]v1.ParkedChange, error) {
	stores, plan, err := c.ready()
	if err != nil {
		return nil, err
	}
	out := []v1.ParkedChange{}
	for _, from := range sides() {
		first := map[string]int{}
		err := c.eachParked(ctx, stores, from, func(p ParkedRow, body *parcel) error {
			if at, ok := first[body.Ident]; ok {
				if at >= 0 {
					out[at].Behind++
				}
				return nil
			}
			if len(out) == maxParkedShown {
				first[body.Ident] = -1
				return nil
			}
			first[body.Ident] = len(out)
			shown := body.Table
			if pair := plan.by[from][body.Table]; pair != nil {
				shown = pair.Rule.Name
			}
			out = append(out, body.view(from, p.ID, shown, 0))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// eachParked reads what is parked of one direction, in commit order.
func (c *crossing) eachParked(ctx context.Context, stores [2]Store, from side, each func(ParkedRow, *parcel) error) error {
	after := ""
	for {
		list, err := stores[from.other()].Parked(ctx, relayName(c.name, from), after, 500)
		if err != nil {
			return c.trouble(from.other(), "read parked changes", err)
		}
		for _, p := range list {
			body, err := unwrap(p)
			if err != nil {
				return err
			}
			if err := each(p, &body); err != nil {
				return err
			}
			after = p.ID
		}
		if len(list) < 500 {
			return nil
		}
	}
}

// pick is a parked change by the id that people see.
func (c *crossing) pick(ctx context.Context, id string) (from side, first ParkedRow, body parcel, err error) {
	name, own, ok := strings.Cut(id, "-")
	if !ok || name != v1.SideOld && name != v1.SideNew {
		return 0, first, body, kind.New(kind.NotFound, "JD-DATA-022", "parked change %q does not exist; see jindu migration parked", id)
	}
	from = sideOf(name)
	stores, _, err := c.ready()
	if err != nil {
		return from, first, body, err
	}
	err = c.eachParked(ctx, stores, from, func(p ParkedRow, b *parcel) error {
		if p.ID == own {
			first, body = p, *b
		}
		return nil
	})
	if err == nil && first.ID == "" {
		err = kind.New(kind.NotFound, "JD-DATA-022", "parked change %q does not exist; see jindu migration parked", id)
	}
	return from, first, body, err
}

// retry applies a parked change and what waits behind it, in order, until one is refused again.
func (c *crossing) retry(ctx context.Context, id string) error {
	from, _, body, err := c.pick(ctx, id)
	if err != nil {
		return err
	}
	return c.release(ctx, from, body.Ident)
}

// skip forgets one parked change and applies what waits behind it. The row is compared: skipping it may have
// left a difference.
func (c *crossing) skip(ctx context.Context, id string) error {
	from, p, body, err := c.pick(ctx, id)
	if err != nil {
		return err
	}
	stores, plan, err := c.ready()
	if err != nil {
		return err
	}
	// Compare first: were the node to stop in between, the full comparison finds it.
	if pair := plan.by[from][body.Table]; pair != nil {
		l := loader{plan: plan, from: from}
		if list, err := l.load(body.txn(), 0, body.Sequence); err == nil {
			for i := range list {
				c.judge.Suspect(pair, from, list[i].key, c.pace.now(), nil)
			}
		}
	}
	if err := stores[from.other()].Unpark(ctx, p.Stream, p.ID); err != nil {
		return c.trouble(from.other(), "forget a parked change", err)
	}
	if c.unparked(from, body.Ident, p.ID) {
		return nil
	}
	return c.release(ctx, from, body.Ident)
}

// unparked tells the relay; it is true when nothing more of the row is parked.
func (c *crossing) unparked(from side, ident, id string) bool {
	c.mu.Lock()
	one := c.carriers[from]
	c.mu.Unlock()
	return one == nil || one.relay.Unparked(ident, id)
}

// errNotCarried is a parked change of a table that the rules no longer name.
var errNotCarried = errors.New("the table is no longer carried")

// release applies what is parked of one row. The relay keeps parking later changes of it until nothing is left.
func (c *crossing) release(ctx context.Context, from side, ident string) error {
	stores, plan, err := c.ready()
	if err == nil {
		plan, err = c.refresh(ctx, stores, plan) // who corrected a table expects it to count
	}
	if err != nil {
		return err
	}
	target := stores[from.other()]
	for range maxParkedShown {
		var rows []ParkedRow
		var bodies []parcel
		if err := c.eachParked(ctx, stores, from, func(p ParkedRow, b *parcel) error {
			if b.Ident == ident {
				rows, bodies = append(rows, p), append(bodies, *b)
			}
			return nil
		}); err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		for i := range rows {
			if err := c.unload(ctx, plan, target, from, rows[i], &bodies[i]); err != nil {
				return err
			}
			if c.unparked(from, ident, rows[i].ID) && i == len(rows)-1 {
				return nil
			}
		}
	}
	return kind.New(kind.Exhausted, "JD-DATA-023", "changes of the row come faster than they can be applied one by one; try again")
}

// unload applies one parked change, carried anew under the rule as it is now.
func (c *crossing) unload(ctx context.Context, plan *Plan, target Store, from side, p ParkedRow, body *parcel) error {
	l := loader{plan: plan, from: from}
	list, err := l.load(body.txn(), 0, body.Sequence)
	if err == nil && len(list) == 0 {
		err = errNotCarried
	}
	if err != nil {
		return kind.New(kind.Conflict, "JD-DATA-024", "table %s: the parked change cannot be applied: %w", body.Table, err)
	}
	one := &list[len(list)-1]
	if strings.HasSuffix(p.ID, "a") {
		one = &list[0] // of a change of key, the old key's delete is parked by itself
	}
	if one.err != nil {
		return kind.New(kind.Conflict, "JD-DATA-024", "table %s: the parked change still cannot be carried: %w; correct the rule, or skip the change", body.Table, one.err)
	}
	short, cancel := c.pace.within(ctx, c.cfg.Timeout)
	defer cancel()
	if _, err := target.Apply(short, streamName("parked/"+relayName(c.name, from)), Position(p.ID), []Write{one.write}); err != nil {
		return kind.New(kind.Conflict, "JD-DATA-024", "table %s: the parked change is still refused: %w; correct the row on the other side, or skip the change", body.Table, err)
	}
	c.judge.Suspect(one.pair, from, one.key, c.pace.now(), nil)
	if err := target.Unpark(short, p.Stream, p.ID); err != nil {
		return c.trouble(from.other(), "forget a parked change", err)
	}
	return nil
}

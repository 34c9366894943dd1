package data

import (
	"context"
	"errors"
	"time"

	"jindu.dev/jindu/internal/migrate/row"
)

// carrier runs what a relay decides: it is the relay with its source and its target.
type carrier struct {
	relay   *Relay
	source  Source
	origin  Store // database of the source
	target  Store
	pace    pace
	timeout time.Duration
	workers int
	horizon Position    // end of the log when the relay began, where changes come late; else ""
	toldAll func() bool // everything that was committed before the last fence was told
}

// errPatience is a change that seems to come late to its row, as long as what follows it in the log is not known.
var errPatience = errors.New("more of the log must be read first")

// maxStreams is how many workers a relay may ever have had: positions of all of them are read at the start.
const maxStreams = 64

// resume reads where a stream stands: the furthest of what its workers stored, each of which is true.
func resume(ctx context.Context, target Store, stream string) (at stamp, ok bool, err error) {
	for w := range maxStreams {
		text, found, err := target.Position(ctx, workerStream(stream, w))
		if err != nil {
			return stamp{}, false, err
		}
		if !found {
			continue
		}
		s, err := parseStamp(text)
		if err != nil {
			return stamp{}, false, err
		}
		if !ok || at.behind(s) {
			at, ok = s, true
		}
	}
	return at, ok, nil
}

// begin stores the place from which a stream that never ran goes on, before anything else is done.
func begin(ctx context.Context, target Store, stream string, at stamp) error {
	_, err := target.Apply(ctx, workerStream(stream, 0), Position(at.String()), nil)
	return err
}

// held makes the relay know what is parked in the target.
func (c *carrier) hold(ctx context.Context) error {
	after := ""
	for {
		list, err := c.target.Parked(ctx, c.relay.stream, after, 500)
		if err != nil {
			return err
		}
		for _, p := range list {
			body, err := unwrap(p)
			if err != nil {
				return err
			}
			c.relay.Hold(body.Ident, p.ID)
			after = p.ID
		}
		if len(list) < 500 {
			return nil
		}
	}
}

// step takes a batch, writes it and settles it; it says whether there was one.
func (c *carrier) step(ctx context.Context, worker int) (bool, error) {
	b := c.relay.take(worker)
	if b == nil {
		return false, nil
	}
	return true, c.write(ctx, b)
}

// flush stores the position when that is due.
func (c *carrier) flush(ctx context.Context, idle bool) error {
	b := c.relay.flush(idle)
	if b == nil {
		return nil
	}
	return c.write(ctx, b)
}

func (c *carrier) write(ctx context.Context, b *batch) error {
	ctx, cancel := c.pace.within(ctx, c.timeout)
	defer cancel()
	fates, err := c.apply(ctx, b)
	c.relay.Settle(b, fates, err, c.pace.now())
	if _, refused := errors.AsType[*RowError](err); refused {
		return nil // the relay knows what to do
	}
	if errors.Is(err, errPatience) {
		return c.pace.sleep(ctx, 10*time.Millisecond)
	}
	return err
}

func (c *carrier) apply(ctx context.Context, b *batch) ([]Fate, error) {
	for _, p := range b.park {
		if err := c.target.Park(ctx, p); err != nil {
			return nil, plain(err)
		}
	}
	fates, err := c.target.Apply(ctx, b.stream, Position(b.stored.String()), b.writes)
	if err != nil || !b.careful {
		return fates, err
	}
	for i, fate := range fates {
		if fate != Changed {
			continue
		}
		done, err := c.told(ctx, b, i)
		if err != nil {
			return nil, plain(err)
		}
		if done {
			fates[i] = Stale
		} else if !c.relay.cares(b.from[i]) || !c.toldAll() && !c.relay.Full() {
			return nil, errPatience // or care has ended meanwhile: apply it as usual
		}
	}
	return fates, nil
}

// told says whether a change whose row is not as it was before it had been applied before, and is only told
// again: the row is as it, or a later change of the row, leaves it, or is the same on both sides.
func (c *carrier) told(ctx context.Context, b *batch, i int) (bool, error) {
	place := b.from[i]
	one := &place.unit.cargo[place.cargo]
	from, to := c.relay.from, c.relay.from.other()
	var rows [2]row.Row
	found, err := c.target.Rows(ctx, one.pair.tables[to], []row.Key{one.write.Table.KeyOf(one.write.Row)})
	if err != nil {
		return false, err
	}
	if len(found) == 1 {
		rows[to] = found[0]
	}
	if c.relay.leaves(place.unit, place.cargo, rows[to]) {
		return true, nil
	}
	if found, err = c.origin.Rows(ctx, one.pair.tables[from], []row.Key{one.key}); err != nil {
		return false, nil //nolint:nilerr // the losing side may be gone: then nothing more is known of it
	}
	if len(found) == 1 {
		rows[from] = found[0]
	}
	return one.pair.equal(rows), nil
}

// plain makes sure that an error of another call is not taken for one of Apply that names a write.
func plain(err error) error {
	if refused, ok := errors.AsType[*RowError](err); ok {
		return refused.Err
	}
	return err
}

// sameBut says whether two rows are the same apart from some columns.
func sameBut(a, b row.Row, but []int) bool {
	if len(but) == 0 {
		return same(a, b)
	}
	x, y := append(row.Row(nil), a...), append(row.Row(nil), b...)
	for _, at := range but {
		x[at], y[at] = row.Value{}, row.Value{}
	}
	return same(x, y)
}

// again says whether a transaction was told before by this source: it is on its way, or applied. A part of one has the
// position before it, but a sequence of its own.
func (c *carrier) again(t *Txn) bool {
	told := c.relay.State().Told
	return len(t.Changes) > 0 && t.Sequence <= told.sequence && c.source.Reached(told.position, t.Position)
}

// ack tells the source what is stored.
func (c *carrier) ack(ctx context.Context, last Position) (Position, error) {
	acker, ok := c.source.(Acker)
	at := c.relay.State().Durable.position
	if !ok || at == "" || at == last {
		return last, nil
	}
	ctx, cancel := c.pace.within(ctx, c.timeout)
	defer cancel()
	if err := acker.Ack(ctx, at); err != nil {
		return last, err
	}
	return at, nil
}

// drained says whether everything up to a position of the source is applied, and that is stored.
func (c *carrier) drained(want Position) bool {
	return c.source.Reached(c.relay.State().Durable.position, want)
}

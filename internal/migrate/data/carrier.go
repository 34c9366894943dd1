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
	target  Store
	pace    pace
	timeout time.Duration
	workers int
}

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
	b := c.relay.Take(worker)
	if b == nil {
		return false, nil
	}
	return true, c.write(ctx, b)
}

// flush stores the position when that is due.
func (c *carrier) flush(ctx context.Context, idle bool) error {
	b := c.relay.Flush(idle)
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
		done, err := written(ctx, c.target, &b.writes[i])
		if err != nil {
			return nil, plain(err)
		}
		if done {
			fates[i] = Stale
		}
	}
	return fates, nil
}

// plain makes sure that an error of another call is not taken for one of Apply that names a write.
func plain(err error) error {
	if refused, ok := errors.AsType[*RowError](err); ok {
		return refused.Err
	}
	return err
}

// written says whether the target holds already what a write would leave.
func written(ctx context.Context, target Store, w *Write) (bool, error) {
	rows, err := target.Rows(ctx, w.Table, []row.Key{w.Table.KeyOf(w.Row)})
	if err != nil {
		return false, err
	}
	if w.Op == Delete {
		return len(rows) == 0, nil
	}
	return len(rows) == 1 && sameBut(rows[0], w.Row, w.Once), nil
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

// drained says whether everything up to a position of the source is applied.
func (c *carrier) drained(want Position) bool {
	return c.source.Reached(c.relay.State().Low.position, want)
}

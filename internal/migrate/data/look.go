package data

import (
	"context"
	"errors"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
)

// looker reads suspects of both sides and lets the judge decide.
type looker struct {
	pace    pace
	stores  [2]Store
	judge   *Judge
	history *History
	reached func() time.Time // up to when both relays have applied everything
	opened  func(*v1.Case)   // a case was opened
}

// lookAt is how many suspects are read at once.
const lookAt = 500

// look looks at every suspect that is due, at most about limit of them.
func (l *looker) look(ctx context.Context, limit int) error {
	for n := 0; n < limit; {
		due := l.judge.dueNow(l.pace.now(), lookAt)
		if len(due) == 0 {
			break
		}
		if err := l.read(ctx, due); err != nil {
			return err
		}
		n += len(due)
	}
	return nil
}

// read reads suspects, all of one table, on both sides.
func (l *looker) read(ctx context.Context, due []*suspect) error {
	p := due[0].pair
	at := l.pace.now()
	var found [2]map[string]row.Row
	var errs [2]error
	one := func(on side) {
		keys := make([]row.Key, 0, len(due))
		for _, s := range due {
			if s.key[on] != nil {
				keys = append(keys, s.key[on])
			}
		}
		found[on], errs[on] = rowsByKey(ctx, l.stores[on], p.tables[on], keys)
	}
	l.pace.both(func() { one(oldSide) }, func() { one(newSide) })
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	reached := l.reached()
	for _, s := range due {
		var now twin
		for _, on := range sides() {
			if s.key[on] != nil {
				now.rows[on] = found[on][keyText(p.tables[on], s.key[on])]
			}
		}
		var carried row.Row
		if now.rows[oldSide] != nil {
			if to, err := p.Mapper.Forward(now.rows[oldSide]); err == nil {
				carried = to
			}
		}
		if l.judge.Look(s, now, carried, at, reached) == OutcomeDiffers {
			if c := l.judge.Open(s, l.history, at); c != nil && l.opened != nil {
				l.opened(c)
			}
		}
	}
	return nil
}

func rowsByKey(ctx context.Context, store Store, t *row.Table, keys []row.Key) (map[string]row.Row, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := store.Rows(ctx, t, keys)
	if err != nil {
		return nil, err
	}
	by := make(map[string]row.Row, len(rows))
	for _, r := range rows {
		by[keyText(t, t.KeyOf(r))] = r
	}
	return by, nil
}

// window compares the rows of a table that changed last in [from, until) and hands what differs to the judge.
type window struct {
	pair   *Pair
	result v1.WindowResult
	count  tally
}

// windowRows bounds the rows of one window; those beyond belong to the full comparison.
const windowRows = 100_000

// sweep compares one rolling window.
func (l *looker) sweep(ctx context.Context, w *window, limit *throttle) error {
	for _, on := range sides() {
		var after row.Key
		for read := 0; read < windowRows; {
			p := w.pair
			keys, err := l.stores[on].Changed(ctx, p.tables[on], p.settled[on], w.result.From, w.result.Until, after, lookAt)
			if err != nil {
				return err
			}
			if len(keys) > 0 {
				if err := l.match(ctx, w, on, keys); err != nil {
					return err
				}
				after = keys[len(keys)-1]
			}
			read += len(keys)
			if on == oldSide {
				w.result.Rows += int64(len(keys))
			}
			if len(keys) < lookAt {
				break
			}
			if err := limit.take(ctx, int64(len(keys))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *looker) match(ctx context.Context, w *window, on side, keys []row.Key) error {
	p, other := w.pair, on.other()
	carried := make([]row.Key, len(keys))
	asked := make([]row.Key, 0, len(keys))
	for i, k := range keys {
		if to, err := p.carryKey(on, k); err == nil {
			carried[i] = to
			asked = append(asked, to)
		}
	}
	var found [2]map[string]row.Row
	var errs [2]error
	l.pace.both(
		func() { found[on], errs[on] = rowsByKey(ctx, l.stores[on], p.tables[on], keys) },
		func() { found[other], errs[other] = rowsByKey(ctx, l.stores[other], p.tables[other], asked) },
	)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	for i, k := range keys {
		var rows [2]row.Row
		rows[on] = found[on][keyText(p.tables[on], k)]
		if carried[i] != nil {
			rows[other] = found[other][keyText(p.tables[other], carried[i])]
		}
		if !p.equal(rows) {
			l.judge.Suspect(p, on, k, l.pace.now(), &w.count)
		}
	}
	return nil
}

// equal says whether both sides hold the same row.
func (p *Pair) equal(rows [2]row.Row) bool {
	if rows[oldSide] == nil || rows[newSide] == nil {
		return rows[oldSide] == nil && rows[newSide] == nil
	}
	forward, err := p.Mapper.Forward(rows[oldSide])
	return err == nil && same(p.compared(forward), p.compared(rows[newSide]))
}

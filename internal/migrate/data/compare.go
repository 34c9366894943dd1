package data

import (
	"context"
	"errors"
	"slices"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/row"
)

// comparer compares a table of both sides in full: sums of key ranges, halved where they differ, down to rows.
// It holds no more than the rows of one leaf.
type comparer struct {
	pace    pace
	stores  [2]Store
	segment int64                               // rows summed at once
	leaf    int                                 // rows read at once
	limit   *throttle                           // rows a second, nil: as fast as it goes
	found   func(p *Pair, on side, key row.Key) // a row that differs at this moment
	noSQL   bool                                // the database cannot sum mapped rows
	kin     *kinship                            // both sides sum alike with less work; nil: they do not
	counted [2]int64                            // rows of both sides
	done    func(n int64)                       // rows done, for progress; nil: nobody asks
}

// span is a range of keys on both sides.
type span [2]Range

// Full compares a table from the first key to the last and tells the rows of both sides.
func (c *comparer) Full(ctx context.Context, p *Pair) (old, now int64, err error) {
	c.counted, c.noSQL, c.kin = [2]int64{}, p.SQL == nil, kinOf(p, c.stores)
	if !p.Mapper.Ordered() {
		err = c.byKeys(ctx, p)
		return c.counted[oldSide], c.counted[newSide], err
	}
	var after [2]row.Key
	for on := oldSide; ; {
		until, err := c.middle(ctx, p, on, Range{After: after[on]}, 2*c.step())
		if err != nil {
			return 0, 0, err
		}
		if until == nil && on == oldSide {
			on = newSide // the old side ends here; the new one may have any number of rows behind
			continue
		}
		s := span{{After: after[oldSide]}, {After: after[newSide]}}
		if until != nil {
			if s[oldSide].Until, s[newSide].Until, err = c.keys(p, on, until); err != nil {
				return 0, 0, err
			}
		}
		if err := c.spans(ctx, p, s); err != nil {
			return 0, 0, err
		}
		if until == nil {
			return c.counted[oldSide], c.counted[newSide], nil
		}
		after = [2]row.Key{s[oldSide].Until, s[newSide].Until}
	}
}

// step is how many rows are compared at once: as many as may be read when nothing can be summed.
func (c *comparer) step() int64 {
	if c.noSQL {
		return max(int64(c.leaf), 1)
	}
	return max(c.segment, 1)
}

// keys are a key of one side as both sides write it.
func (c *comparer) keys(p *Pair, on side, key row.Key) (old, now row.Key, err error) {
	other, err := p.carryKey(on, key)
	if err != nil {
		return nil, nil, kind.New(kind.Invalid, "JD-DATA-011", "table %s: key %s of the %s side cannot be carried: %w", p.Rule.Name, keyText(p.tables[on], key), on, err)
	}
	if on == oldSide {
		return key, other, nil
	}
	return other, key, nil
}

func (c *comparer) middle(ctx context.Context, p *Pair, on side, r Range, rows int64) (row.Key, error) {
	return c.stores[on].Middle(ctx, p.tables[on], r, rows)
}

// spans compares a range and, where it differs, its halves.
func (c *comparer) spans(ctx context.Context, p *Pair, first span) error {
	for todo := []span{first}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		sums, err := c.sums(ctx, p, s)
		if errors.Is(err, ErrNoSQL) {
			c.noSQL = true
			sums, err = [2]Sum{{Rows: -1}, {Rows: -2}}, nil
		}
		if err != nil {
			return err
		}
		if sums[oldSide] == sums[newSide] {
			c.count(sums[oldSide].Rows, sums[newSide].Rows)
			continue
		}
		if max(sums[oldSide].Rows, sums[newSide].Rows) <= int64(c.leaf) {
			left, err := c.rows(ctx, p, s)
			if err != nil {
				return err
			}
			if left != nil {
				todo = append(todo, *left)
			}
			continue
		}
		on := oldSide
		if sums[newSide].Rows > sums[oldSide].Rows {
			on = newSide
		}
		until, err := c.middle(ctx, p, on, s[on], sums[on].Rows)
		if err != nil {
			return err
		}
		if until == nil { // rows went while they were counted
			todo = append(todo, s)
			if err := c.limit.take(ctx, 1); err != nil {
				return err
			}
			continue
		}
		low, high := s, s
		if low[oldSide].Until, low[newSide].Until, err = c.keys(p, on, until); err != nil {
			return err
		}
		high[oldSide].After, high[newSide].After = low[oldSide].Until, low[newSide].Until
		todo = append(todo, high, low)
	}
	return nil
}

// sums asks both databases at the same time.
func (c *comparer) sums(ctx context.Context, p *Pair, s span) (out [2]Sum, err error) {
	if c.noSQL {
		return out, ErrNoSQL
	}
	if c.kin != nil {
		if out, err = c.kin.sums(ctx, c.pace, s); err == nil {
			return out, c.limit.take(ctx, max(out[oldSide].Rows, out[newSide].Rows))
		}
		if ctx.Err() != nil {
			return out, err
		}
		c.kin = nil // a side has more rows in the range than one statement may read: Sum goes on in pieces
	}
	var errs [2]error
	c.pace.both(
		func() { out[oldSide], errs[oldSide] = c.stores[oldSide].Sum(ctx, p.tables[oldSide], s[oldSide], p.SQL) },
		func() { out[newSide], errs[newSide] = c.stores[newSide].Sum(ctx, p.compare, s[newSide], nil) },
	)
	if err := errors.Join(errs[:]...); err != nil {
		return out, err
	}
	return out, c.limit.take(ctx, max(out[oldSide].Rows, out[newSide].Rows))
}

// rows reads a range of both sides and tells what differs. Where one side has more rows than may be read at
// once, what is behind them is left.
func (c *comparer) rows(ctx context.Context, p *Pair, s span) (left *span, err error) {
	var rows [2][]row.Row
	var errs [2]error
	read := func(on side) {
		rows[on], errs[on] = c.stores[on].Read(ctx, p.tables[on], s[on], 2*c.leaf)
	}
	c.pace.both(func() { read(oldSide) }, func() { read(newSide) })
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if left, err = c.cut(p, s, &rows); err != nil {
		return nil, err
	}
	if err := c.limit.take(ctx, int64(max(len(rows[oldSide]), len(rows[newSide])))); err != nil {
		return nil, err
	}
	c.match(p, rows)
	return left, nil
}

// cut keeps rows up to the lowest key at which a side stopped reading, and says what is left behind it.
func (c *comparer) cut(p *Pair, s span, rows *[2][]row.Row) (*span, error) {
	t := p.tables[newSide]
	var low [2]row.Key
	for _, on := range sides() {
		if len(rows[on]) < 2*c.leaf {
			continue
		}
		old, now, err := c.keys(p, on, p.tables[on].KeyOf(rows[on][len(rows[on])-1]))
		if err != nil {
			return nil, err
		}
		if low[newSide] == nil || t.CompareKeys(now, low[newSide]) < 0 {
			low = [2]row.Key{old, now}
		}
	}
	if low[newSide] == nil {
		return nil, nil
	}
	for _, on := range sides() {
		rows[on] = slices.DeleteFunc(rows[on], func(r row.Row) bool {
			return p.tables[on].CompareKeys(p.tables[on].KeyOf(r), low[on]) > 0
		})
		s[on].After = low[on]
	}
	return &s, nil
}

// match tells which rows of a range differ.
func (c *comparer) match(p *Pair, rows [2][]row.Row) {
	c.count(int64(len(rows[oldSide])), int64(len(rows[newSide])))
	has := make(map[string]row.Row, len(rows[newSide]))
	for _, r := range rows[newSide] {
		has[keyText(p.tables[newSide], p.tables[newSide].KeyOf(r))] = r
	}
	for _, r := range rows[oldSide] {
		key := p.tables[oldSide].KeyOf(r)
		forward, err := p.Mapper.Forward(r)
		if err != nil {
			if to, err := p.Mapper.ForwardKey(key); err == nil {
				delete(has, keyText(p.tables[newSide], to))
			}
			c.found(p, oldSide, key)
			continue
		}
		id := keyText(p.tables[newSide], p.tables[newSide].KeyOf(forward))
		other := has[id]
		delete(has, id)
		if other == nil || !same(p.compared(forward), p.compared(other)) {
			c.found(p, oldSide, key)
		}
	}
	for _, r := range has {
		c.found(p, newSide, p.tables[newSide].KeyOf(r))
	}
}

func (c *comparer) count(old, now int64) {
	c.counted[oldSide] += max(old, 0)
	c.counted[newSide] += max(now, 0)
	if c.done != nil {
		c.done(max(old, 0))
	}
}

// byKeys compares without ranges, where the keys of both sides do not sort alike: each row is looked up on the
// other side by its key, from both sides.
func (c *comparer) byKeys(ctx context.Context, p *Pair) error {
	for _, on := range sides() {
		var after row.Key
		for {
			page, err := c.stores[on].Read(ctx, p.tables[on], Range{After: after}, c.leaf)
			if err != nil {
				return err
			}
			if err := c.lookUp(ctx, p, on, page); err != nil {
				return err
			}
			if err := c.limit.take(ctx, int64(len(page))); err != nil {
				return err
			}
			if len(page) < c.leaf {
				break
			}
			after = p.tables[on].KeyOf(page[len(page)-1])
		}
	}
	return nil
}

// lookUp compares rows of one side with those that the other has for them; of the new side only rows that the old
// side lacks are told, the others were told from there.
func (c *comparer) lookUp(ctx context.Context, p *Pair, on side, page []row.Row) error {
	keys := make([]row.Key, 0, len(page))
	asked := make([]row.Row, 0, len(page))
	for _, r := range page {
		key, err := p.carryKey(on, p.tables[on].KeyOf(r))
		if err != nil {
			c.found(p, on, p.tables[on].KeyOf(r))
			continue
		}
		keys, asked = append(keys, key), append(asked, r)
	}
	var rows [2][]row.Row
	var err error
	other := on.other()
	if len(keys) > 0 {
		if rows[other], err = c.stores[other].Rows(ctx, p.tables[other], keys); err != nil {
			return err
		}
	}
	if on == oldSide {
		old := c.counted[newSide]
		rows[on] = asked
		c.match(p, rows)
		c.counted[newSide] = old
		return nil
	}
	c.counted[newSide] += int64(len(page))
	has := make(map[string]bool, len(rows[other]))
	for _, r := range rows[other] {
		has[keyText(p.tables[other], p.tables[other].KeyOf(r))] = true
	}
	for i, key := range keys {
		if !has[keyText(p.tables[other], key)] {
			c.found(p, on, p.tables[on].KeyOf(asked[i]))
		}
	}
	return nil
}

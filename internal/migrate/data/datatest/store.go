package datatest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

// Store is a DB as package data sees it.
type Store struct {
	d *DB
	// Dead says that whoever held the store was killed: nothing it does has an effect any more.
	Dead func() error
}

var _ data.Store = (*Store)(nil)

// Store makes a store.
func (d *DB) Store() *Store { return &Store{d: d} }

func (s *Store) dead() error {
	if s.Dead == nil {
		return nil
	}
	return s.Dead()
}

// call does f unless something is in the way.
func (s *Store) call(ctx context.Context, op string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.dead(); err != nil {
		return err
	}
	if err := s.d.fault(op); err != nil {
		return err
	}
	if err := s.dead(); err != nil { // meanwhile
		return err
	}
	s.d.mu.Lock()
	err := ErrDown
	if !s.d.down {
		err = f()
	}
	s.d.mu.Unlock()
	if err != nil {
		return err
	}
	if s.d.Lost != nil {
		return s.d.Lost(op)
	}
	return nil
}

// Prepare does nothing: all is there.
func (s *Store) Prepare(ctx context.Context) error {
	return s.call(ctx, "prepare", func() error { return nil })
}

// Table is the definition of a table.
func (s *Store) Table(ctx context.Context, name string) (t *row.Table, err error) {
	return t, s.call(ctx, "table", func() error {
		tab := s.d.tables[name]
		if tab == nil {
			return fmt.Errorf("table %q does not exist", name)
		}
		t = tab.def
		return nil
	})
}

// Position is what a stream stored.
func (s *Store) Position(ctx context.Context, stream string) (at data.Position, ok bool, err error) {
	return at, ok, s.call(ctx, "position", func() error {
		at, ok = s.d.relay[stream]
		return nil
	})
}

// Apply writes in one transaction.
func (s *Store) Apply(ctx context.Context, stream string, at data.Position, writes []data.Write) (fates []data.Fate, err error) {
	err = s.call(ctx, "apply", func() error {
		tx := s.d.begin("")
		tx.origin = true
		defer tx.end()
		marks := map[string]*version{}
		for i := range writes {
			fate, err := tx.apply(&writes[i], marks)
			if errors.Is(err, ErrLocked) {
				return err
			}
			if err != nil {
				return &data.RowError{Index: i, Err: err}
			}
			fates = append(fates, fate)
		}
		tx.after = append(tx.after, func() {
			s.d.relay[stream] = at
			for id, v := range marks {
				if v == nil {
					delete(s.d.versions, id)
				} else {
					s.d.versions[id] = *v
				}
			}
		})
		return tx.commit()
	})
	if err != nil {
		return nil, err
	}
	return fates, nil
}

// apply writes one row under its guard, as data.Write says.
func (t *Tx) apply(w *data.Write, marks map[string]*version) (data.Fate, error) {
	d := t.d
	tab := d.tables[w.Table.Name]
	if tab == nil {
		return 0, fmt.Errorf("table %q does not exist", w.Table.Name)
	}
	key := w.Table.KeyOf(w.Row)
	id, err := t.lock(w.Table.Name, key)
	if err != nil {
		return 0, err
	}
	has := t.read(w.Table.Name, id, key)
	var mark *version
	if m, ok := marks[id]; ok {
		mark = m
	} else if v, ok := d.versions[id]; ok {
		mark = &v
	}
	switch {
	case w.Absent:
		if has != nil || mark != nil && mark.gone {
			return data.Stale, nil
		}
	case w.Check:
		now := project(has, tab.def, w.Table)
		if (now == nil) != (w.Was == nil) || !same(now, w.Was, w.Once) {
			return data.Changed, nil
		}
	case w.VersionColumn >= 0 && has != nil:
		column := tab.def.Index(w.Table.Columns[w.VersionColumn].Name)
		v := number(has[column])
		if w.Op == data.Delete && v > w.Version || w.Op != data.Delete && v >= w.Version {
			return data.Stale, nil
		}
	case w.VersionColumn >= 0:
		if mark != nil && mark.gone && mark.version >= w.Sequence {
			return data.Stale, nil
		}
	case mark != nil && mark.version >= w.Sequence:
		return data.Stale, nil
	}
	if !w.Absent {
		switch {
		case w.Sequence == 0 && w.Check:
			if mark != nil && mark.gone {
				marks[id] = nil
			}
		case w.Op == data.Delete:
			marks[id] = &version{w.Sequence, true}
		case w.VersionColumn < 0:
			marks[id] = &version{w.Sequence, false}
		default:
			marks[id] = nil
		}
	}
	if w.Op == data.Delete {
		return data.Applied, t.remove(w.Table.Name, key)
	}
	out := make(row.Row, len(tab.def.Columns))
	for i := range out {
		at := w.Table.Index(tab.def.Columns[i].Name)
		switch {
		case at >= 0 && (has == nil || !slices.Contains(w.Once, at)):
			out[i] = w.Row[at]
		case has != nil:
			out[i] = has[i]
		default:
			out[i].Null = true
		}
	}
	return data.Applied, t.put(w.Table.Name, out)
}

func number(v row.Value) int64 {
	var n int64
	_, _ = fmt.Sscan(v.Text, &n) // no number is 0
	return n
}

func same(a, b row.Row, but []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !slices.Contains(but, i) {
			return false
		}
	}
	return true
}

// project is a row in the columns of another table of the same name.
func project(r row.Row, from, to *row.Table) row.Row {
	if r == nil {
		return nil
	}
	out := make(row.Row, len(to.Columns))
	for i := range out {
		if at := from.Index(to.Columns[i].Name); at >= 0 {
			out[i] = r[at]
		} else {
			out[i].Null = true
		}
	}
	return out
}

// sorted are the keys of a table in order.
func (t *table) sorted() []string {
	if t.order == nil {
		t.order = make([]string, 0, len(t.rows))
		for k := range t.rows {
			t.order = append(t.order, k)
		}
		slices.SortFunc(t.order, func(a, b string) int { return t.def.CompareKeys(t.def.KeyOf(t.rows[a]), t.def.KeyOf(t.rows[b])) })
	}
	return t.order
}

// within are the rows of a range, at most limit.
func (t *table) within(r data.Range, limit int) []row.Row {
	order := t.sorted()
	from := 0
	if r.After != nil {
		from, _ = slices.BinarySearchFunc(order, r.After, func(k string, after row.Key) int {
			if t.def.CompareKeys(t.def.KeyOf(t.rows[k]), after) <= 0 {
				return -1
			}
			return 1
		})
	}
	var out []row.Row
	for _, k := range order[from:] {
		if r.Until != nil && t.def.CompareKeys(t.def.KeyOf(t.rows[k]), r.Until) > 0 || len(out) == limit {
			break
		}
		out = append(out, t.rows[k])
	}
	return out
}

const all = int(^uint(0) >> 1)

// Read reads rows of a range by key.
func (s *Store) Read(ctx context.Context, t *row.Table, r data.Range, limit int) (out []row.Row, err error) {
	return out, s.call(ctx, "read", func() error {
		tab := s.d.tables[t.Name]
		for _, one := range tab.within(r, limit) {
			out = append(out, project(one, tab.def, t))
		}
		return nil
	})
}

// Rows reads rows by key.
func (s *Store) Rows(ctx context.Context, t *row.Table, keys []row.Key) (out []row.Row, err error) {
	return out, s.call(ctx, "rows", func() error {
		tab := s.d.tables[t.Name]
		for _, k := range keys {
			if r := tab.rows[keyText(k)]; r != nil {
				out = append(out, project(r, tab.def, t))
			}
		}
		return nil
	})
}

// Sum sums a range.
func (s *Store) Sum(ctx context.Context, t *row.Table, r data.Range, mapped *row.Mapping) (sum data.Sum, err error) {
	return sum, s.call(ctx, "sum", func() error {
		tab := s.d.tables[t.Name]
		for _, one := range tab.within(r, all) {
			sum.Rows++
			out, def := project(one, tab.def, t), t
			if mapped != nil {
				var err error
				if out, err = mapped.Forward(out); err != nil {
					return data.ErrNoSQL
				}
				out, def = without(out, mapped)
			}
			sum.Hash += def.Hash(out)
		}
		return nil
	})
}

// without takes the columns of Once out of a row.
func without(r row.Row, m *row.Mapping) (row.Row, *row.Table) {
	t := &row.Table{Name: m.New().Name}
	var out row.Row
	for i := range r {
		if !slices.Contains(m.Once(), i) {
			out, t.Columns = append(out, r[i]), append(t.Columns, m.New().Columns[i])
		}
	}
	return out, t
}

// Middle is the key in the middle of a range.
func (s *Store) Middle(ctx context.Context, t *row.Table, r data.Range, rows int64) (k row.Key, err error) {
	return k, s.call(ctx, "middle", func() error {
		tab := s.d.tables[t.Name]
		n := int(max(rows/2, 1))
		if list := tab.within(r, n); len(list) == n {
			k = tab.def.KeyOf(list[n-1])
		}
		return nil
	})
}

// Changed reads keys by the time of the last change.
func (s *Store) Changed(ctx context.Context, t *row.Table, settled string, from, until time.Time, after row.Key, limit int) (keys []row.Key, err error) {
	return keys, s.call(ctx, "changed", func() error {
		tab := s.d.tables[t.Name]
		column := tab.def.Index(settled)
		for _, one := range tab.within(data.Range{After: after}, all) {
			text := one[column].Text
			if !strings.HasSuffix(text, "Z") {
				text += "Z"
				f := from
				from = time.Date(f.Year(), f.Month(), f.Day(), f.Hour(), f.Minute(), f.Second(), f.Nanosecond(), time.UTC)
			}
			at, err := time.Parse(time.RFC3339Nano, text)
			if err != nil || at.Before(from) || !at.Before(until) {
				continue
			}
			if keys = append(keys, tab.def.KeyOf(one)); len(keys) == limit {
				break
			}
		}
		return nil
	})
}

// Fence writes a fence row, unless a writer that asked is still under way.
func (s *Store) Fence(ctx context.Context, f data.FenceRow) (p data.Position, err error) {
	return p, s.call(ctx, "fence", func() error {
		if s.d.shared > 0 {
			return ErrLocked
		}
		if !slices.Contains(s.d.fences, f) {
			s.d.fences = append(s.d.fences, f)
		}
		p = at(len(s.d.log))
		return nil
	})
}

// Unfence deletes fence rows above an epoch.
func (s *Store) Unfence(ctx context.Context, migration string, above int64) error {
	return s.call(ctx, "unfence", func() error {
		s.d.fences = slices.DeleteFunc(s.d.fences, func(f data.FenceRow) bool { return f.Migration == migration && f.Epoch > above })
		return nil
	})
}

// HandOver changes owners as a service would.
func (s *Store) HandOver(ctx context.Context, h data.Handover) (n int64, err error) {
	return n, s.call(ctx, "hand over", func() error {
		tab := s.d.tables[h.Table.Name]
		owner, version := tab.def.Index(h.Owner), -1
		if h.Version != "" {
			version = tab.def.Index(h.Version)
		}
		tx := s.d.begin("")
		defer tx.end()
		for _, one := range tab.within(data.Range{}, all) {
			if one[owner].Text != h.From {
				continue
			}
			next := slices.Clone(one)
			next[owner].Text = h.To
			if version >= 0 {
				next[version].Text = fmt.Sprint(number(one[version]) + 1)
			}
			if err := tx.put(h.Table.Name, next); err != nil {
				return err
			}
			n++
		}
		return tx.commit()
	})
}

// Park keeps a change.
func (s *Store) Park(ctx context.Context, p data.ParkedRow) error {
	return s.call(ctx, "park", func() error {
		s.d.parked[p.Stream+"\x00"+p.ID] = p
		return nil
	})
}

// Parked reads parked changes.
func (s *Store) Parked(ctx context.Context, stream, after string, limit int) (out []data.ParkedRow, err error) {
	return out, s.call(ctx, "parked", func() error {
		for _, p := range s.d.parked {
			if p.Stream == stream && p.ID > after {
				out = append(out, p)
			}
		}
		slices.SortFunc(out, func(a, b data.ParkedRow) int { return strings.Compare(a.ID, b.ID) })
		out = out[:min(len(out), limit)]
		return nil
	})
}

// Unpark forgets one.
func (s *Store) Unpark(ctx context.Context, stream, id string) error {
	return s.call(ctx, "unpark", func() error {
		delete(s.d.parked, stream+"\x00"+id)
		return nil
	})
}

// Lag is Delay.
func (s *Store) Lag(ctx context.Context) (lag time.Duration, err error) {
	return lag, s.call(ctx, "lag", func() error {
		lag = s.d.Delay
		return nil
	})
}

// Close closes nothing: the database outlives its stores.
func (s *Store) Close() error { return nil }

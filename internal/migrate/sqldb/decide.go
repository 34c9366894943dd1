package sqldb

import (
	"slices"

	"jindu.dev/jindu/internal/migrate/data"
)

// decide says what becomes of a write, and of its row.
func (b *batch) decide(o *op) {
	w, t := &b.writes[o.write], o.target
	fate := data.Applied
	switch {
	case w.Check && !o.second:
		if !b.asWas(w, t) {
			fate = data.Changed
		}
	case w.Absent:
		if t.exists || t.marked && t.gone {
			fate = data.Stale
		}
	case t.stale(w, o.gone):
		fate = data.Stale
	}
	if !o.second {
		b.fates[o.write] = fate
	}
	if fate != data.Applied {
		return
	}
	if o.gone {
		if t.was {
			t.deleted = true
		}
		t.exists, t.row = false, nil
	} else {
		r := w.Row
		if t.row != nil && len(w.Once) > 0 { // the row is new, and this is no longer the write that makes it
			r = slices.Clone(r)
			for _, i := range w.Once {
				r[i] = t.row[i]
			}
		}
		t.exists, t.row, t.last, t.current = true, r, o.write, r
		if w.VersionColumn >= 0 {
			t.version = w.Version
		}
	}
	t.fresh = true
	b.note(w, t, o.gone)
}

// note says what is left in jindu_version.
func (b *batch) note(w *data.Write, t *target, gone bool) {
	switch {
	case w.Absent:
		return
	case w.Check && w.Sequence == 0:
		t.takeAway()
	case gone || w.VersionColumn < 0:
		t.marked, t.gone, t.seq = true, gone, w.Sequence
		t.mark, t.unmark = true, false
	default:
		t.takeAway()
	}
}

// takeAway deletes a tombstone.
func (t *target) takeAway() {
	if t.marked && t.gone {
		t.marked, t.gone = false, false
		t.mark, t.unmark = false, t.hadMarked
	}
}

// stale says that what is there is as new or newer. Against what this batch wrote a write of the same version
// is not stale: it comes from the same transaction, behind it.
func (t *target) stale(w *data.Write, gone bool) bool {
	newer := func(there, version int64) bool { return there > version || there == version && !t.fresh }
	if w.VersionColumn < 0 {
		return t.marked && newer(t.seq, w.Sequence)
	}
	if !t.exists {
		return t.marked && t.gone && newer(t.seq, w.Sequence)
	}
	if gone {
		return t.version > w.Version
	}
	return newer(t.version, w.Version)
}

// asWas says whether the row is what a Check was compared with.
func (b *batch) asWas(w *data.Write, t *target) bool {
	if w.Was == nil || !t.exists {
		return w.Was == nil && !t.exists
	}
	for i := range w.Was {
		if !slices.Contains(w.Once, i) && w.Was[i] != t.current[i] {
			return false
		}
	}
	return true
}

package data

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"jindu.dev/jindu/internal/migrate/row"
)

// errConflict parks a change that came late to a row which the other side's users wrote since.
var errConflict = errors.New("the row on the other side is not as it was before this change: users moved there before it arrived, or the row is known to differ; compare both, then retry to overwrite it or skip this change")

// workerStream is the name under which a worker's position is stored, so that workers do not wait for each other's lock.
func workerStream(stream string, worker int) string { return stream + "/" + strconv.Itoa(worker) }

// compact takes out writes that later ones of the same batch stand for.
func (r *Relay) compact(b *batch) {
	n := 0
	for i := range b.writes {
		if b.from[i].unit != nil {
			b.writes[n], b.from[n] = b.writes[i], b.from[i]
			n++
		}
	}
	b.writes, b.from = b.writes[:n], b.from[:n]
}

// reach works out which position is true once the batch is committed: everything before it is done, or in
// the batch.
func (r *Relay) reach(b *batch) {
	mine := make(map[*pending]int, len(b.units))
	for _, u := range b.units {
		mine[u.txn]++
	}
	b.stored = r.low
	if b.careful {
		return // a write may turn out to be parked later
	}
	for _, t := range r.q.line {
		if t.left != mine[t] {
			break
		}
		b.stored = r.stampOf(b.stored, t)
	}
}

// stampOf is the place behind a transaction that follows the place last.
func (r *Relay) stampOf(last stamp, t *pending) stamp {
	s := stamp{sequence: t.sequence, position: t.position, commit: t.commit}
	if s.sequence == last.sequence {
		s.beats = last.beats + 1
	}
	return s
}

// advance moves the low watermark over what is done.
func (r *Relay) advance() {
	for _, t := range r.q.line {
		if t.left > 0 {
			break
		}
		r.low = r.stampOf(r.low, t)
		r.soiled = r.soiled || t.dirty
	}
	r.q.advance()
}

// flush is a batch that stores the position alone, nil when that is not due: soon after changes whose position
// no batch stored, because others were under way; seldom otherwise, since each such write is a transaction
// that the other direction reads.
func (r *Relay) flush(idle bool) *batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.durable.behind(r.low) || r.inFlight > 0 || r.low.position == r.durable.position || !idle && !r.soiled {
		return nil
	}
	r.inFlight++
	return &batch{stream: workerStream(r.stream, 0), stored: r.low, flush: true}
}

// Settle says how a batch went: with fates it is committed, with an error nothing of it is, or nobody knows.
func (r *Relay) Settle(b *batch, fates []Fate, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
	if b.flush {
		if err == nil {
			r.store(b.stored)
		}
		return
	}
	if err != nil {
		r.failed(b, err)
		return
	}
	held := map[*unit]bool{}
	for i, fate := range fates {
		if i >= len(b.from) {
			break
		}
		from := b.from[i]
		c := &from.unit.cargo[from.cargo]
		switch fate {
		case Changed:
			c.err = errConflict
			held[from.unit] = true
			continue
		case Stale:
			r.tally.stale += int64(from.over) + 1
		case Applied:
			r.tally.changes += int64(from.over) + 1
		}
		late := max(now.Sub(from.unit.txn.commit), 0)
		r.lately.observe(late, int64(from.over)+1, now)
		if c.pair.Rule.Strong && r.strong > 0 && late > r.strong {
			r.tally.alarms += int64(from.over) + 1
		}
	}
	r.parks(b, true)
	for _, u := range b.units {
		if !held[u] {
			r.waiting -= int64(len(u.cargo))
			r.q.finish(u)
			continue
		}
		// What was applied is applied again, which the guard makes nothing of; the rest is parked.
		r.q.requeue(u)
	}
	if len(held) == 0 {
		r.store(b.stored)
	}
	r.advance()
}

// parks notes what a batch parked, or would have.
func (r *Relay) parks(b *batch, stored bool) {
	for i := range b.park {
		ident := b.rows[i]
		lot := r.parked[ident]
		lot.storing--
		if stored && !lot.ids[b.park[i].ID] {
			lot.ids[b.park[i].ID] = true
			r.held++
		}
		r.drop(ident, lot)
	}
}

// drop forgets a row of which nothing is parked.
func (r *Relay) drop(ident string, lot *parkedRow) bool {
	if len(lot.ids)+lot.storing > 0 {
		return false
	}
	delete(r.parked, ident)
	return true
}

// cares says whether the row of a write must still be as it was before it.
func (r *Relay) cares(p place) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.careful || r.frozen != nil && r.frozen(p.unit.cargo[p.cargo].ident)
}

// leaves says whether a row is as a change of a unit, or a later one of the same row that is on its way, leaves it.
func (r *Relay) leaves(u *unit, at int, has row.Row) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	ident := u.cargo[at].ident
	seen := map[*unit]bool{u: true}
	for todo := []*unit{u}; len(todo) > 0; todo = todo[1:] {
		for i := range todo[0].cargo {
			c := &todo[0].cargo[i]
			if c.ident != ident || todo[0] == u && i < at {
				continue
			}
			if c.write.Op == Delete && has == nil || c.write.Op != Delete && has != nil && sameBut(has, c.write.Row, c.write.Once) {
				return true
			}
		}
		for _, n := range todo[0].next {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return false
}

// failed puts the units of a batch back. Who is refused by the database is tried by itself once everything
// before it is done, since it may need what comes before; refused again it is parked.
func (r *Relay) failed(b *batch, err error) {
	r.parks(b, false)
	if refused, ok := errors.AsType[*RowError](err); ok && refused.Index >= 0 && refused.Index < len(b.from) {
		from := b.from[refused.Index]
		switch {
		case from.unit.alone || len(b.units) == 1 && r.q.first(from.unit):
			from.unit.alone = true
			from.unit.cargo[from.cargo].err = fmt.Errorf("the database refuses it: %w", refused.Err)
		default:
			from.unit.alone = true
		}
	}
	for _, u := range b.units {
		r.q.requeue(u)
	}
}

// store notes a position that the target has.
func (r *Relay) store(s stamp) {
	if r.durable.behind(s) {
		r.durable = s
	}
	if !r.durable.behind(r.low) {
		r.soiled = false
	}
}

// Hold makes known what was parked before: later changes of the row wait behind it.
func (r *Relay) Hold(ident, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	lot := r.parked[ident]
	if lot == nil {
		lot = &parkedRow{ids: map[string]bool{}}
		r.parked[ident] = lot
	}
	if !lot.ids[id] {
		lot.ids[id] = true
		r.held++
	}
}

// Unparked says that a parked change is no more. When it was the last of its row, and none is about to be
// parked, later changes of the row go on: then it is true.
func (r *Relay) Unparked(ident, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	lot := r.parked[ident]
	if lot == nil {
		return true
	}
	if lot.ids[id] {
		delete(lot.ids, id)
		r.held--
	}
	return r.drop(ident, lot)
}

// Careful makes the relay check each row as it was before a change, because users of the other side may have
// written it since; false ends that.
func (r *Relay) Careful(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.careful = on
}

// State is where a relay stands.
type State struct {
	Low, Durable, Told stamp
	Waiting            int64 // changes read and not applied
	Oldest             time.Time
	Parked             int64
	Careful            bool
	relayTally
}

// State is where the relay stands now.
func (r *Relay) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := State{Low: r.low, Durable: r.durable, Told: r.told, Waiting: r.waiting, Careful: r.careful, relayTally: r.tally}
	for _, t := range r.q.line {
		if t.left > 0 {
			s.Oldest = t.commit
			break
		}
	}
	s.Parked = int64(r.held)
	return s
}

// Convergence is the median, the 99th percentile and the largest of the time from commit to applied in the last
// minute.
func (r *Relay) Convergence(now time.Time) (p50, p99, most time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lately.read(now, time.Minute)
}

// Lag is the 99th percentile of convergence as a gate sees it.
func (r *Relay) Lag(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, p99, _ := r.lately.read(now, gateSpan)
	return p99
}

package data

import (
	"container/heap"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// Relay is one direction: what a source tells, put into an order in which several workers may write it to the
// other side. It does no I/O and knows no clock; whoever runs it takes batches, writes them and settles them.
// It is safe for concurrent use.
type Relay struct {
	from    side
	stream  string // without the worker
	max     int64  // bytes
	size    int    // writes of a batch
	strong  time.Duration
	observe func(t *Txn, c *cargo)  // every native change, before it is carried; nil: nobody asks
	suspect func(c *cargo)          // a row that may differ: compare it; nil: nobody asks
	frozen  func(ident string) bool // a row known to differ that this side may not simply overwrite; nil: none
	touched func(ident string) bool // careful: whether the other side wrote the row since; nil: nobody knows

	mu       sync.Mutex
	load     loader
	q        queue
	ordinal  int64
	told     stamp // last position that the source told
	low      stamp // everything up to it is applied
	durable  stamp // stored in the target
	soiled   bool  // low holds changes that durable does not
	careful  bool
	parked   map[string]*parkedRow // by row
	held     int                   // ids in parked
	inFlight int
	waiting  int64 // changes that are not applied
	tally    relayTally
	lately   lately
}

// parkedRow is what is parked of one row: ids of changes, and how many are about to be parked.
type parkedRow struct {
	ids     map[string]bool
	storing int
}

// maxParked bounds the changes that wait for a person in one direction; beyond it the log is read no further.
const maxParked = 100_000

type relayTally struct{ changes, stale, origin, passed, alarms int64 }

// RelayOptions bound a relay.
type RelayOptions struct {
	MaxBytes int64
	Batch    int
	Strong   time.Duration
}

// NewRelay makes a relay that goes on from a stored position.
func NewRelay(plan *Plan, from side, stream string, o RelayOptions, at stamp) *Relay {
	return &Relay{
		from: from, stream: stream, max: o.MaxBytes, size: max(o.Batch, 1), strong: o.Strong,
		load: loader{plan: plan, from: from}, q: newQueue(), told: at, low: at, durable: at, parked: map[string]*parkedRow{},
	}
}

// Push takes a transaction that the source tells. An error says that it cannot be understood under the plan.
func (r *Relay) Push(t Txn) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &pending{position: t.Position, sequence: t.Sequence, commit: t.Commit, mark: t.Mark}
	if t.Sequence <= r.told.sequence {
		p.sequence = r.told.sequence // a beat, or one told again
	}
	var units []*unit
	if t.Origin {
		r.tally.origin += int64(len(t.Changes))
	} else {
		var err error
		if units, err = r.units(p, &t); err != nil {
			return err
		}
	}
	next := stamp{sequence: p.sequence, position: p.position, commit: p.commit}
	if next.sequence == r.told.sequence {
		next.beats = r.told.beats + 1
	}
	if next.position == "" {
		next.position = r.told.position
		p.position = next.position
	}
	r.told = next
	r.ordinal++
	p.ordinal = r.ordinal
	if n := len(r.q.line); len(units) == 0 && n > 0 && r.q.line[n-1].left == 0 && !r.q.line[n-1].dirty {
		last := r.q.line[n-1]
		last.position, last.sequence, last.commit, last.ordinal = p.position, p.sequence, p.commit, p.ordinal
	} else {
		p.dirty = len(units) > 0
		r.q.add(p, units)
	}
	r.advance()
	return nil
}

// units cuts a transaction into what is written in one.
func (r *Relay) units(p *pending, t *Txn) ([]*unit, error) {
	mark, marked := v1.ParseMark(t.Mark)
	sequence := t.Sequence
	var units []*unit
	var u *unit
	for i := range t.Changes {
		list, err := r.load.load(t, i, sequence)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			continue
		}
		before, after := picked(t.Changes[i].Before, r.load.last.pick), picked(t.Changes[i].After, r.load.last.pick)
		if marked && mark.Shadow || list[0].pair.foreign(r.from, before, after) {
			// A shadow's row, or one that the other side owns: it does not cross, and what it did is looked at.
			r.tally.passed++
			for j := range list {
				r.see(t, &list[j])
				r.doubt(&list[j])
			}
			continue
		}
		for j := range list {
			r.see(t, &list[j])
			if u == nil || len(u.cargo) >= r.size {
				u = &unit{txn: p, part: len(units)}
				units = append(units, u)
			}
			u.cargo = append(u.cargo, list[j])
			r.waiting++
		}
		p.bytes += weigh(t.Changes[i].Before) + weigh(t.Changes[i].After) + 256
	}
	return units, nil
}

func (r *Relay) see(t *Txn, c *cargo) {
	if r.observe != nil {
		r.observe(t, c)
	}
}

func (r *Relay) doubt(c *cargo) {
	if r.suspect != nil {
		r.suspect(c)
	}
}

// Full says that no more should be pushed until something is applied.
func (r *Relay) Full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.q.bytes > r.max || r.held > maxParked
}

// take is the next batch for a worker, nil when there is nothing to do. It must be settled.
func (r *Relay) take(worker int) *batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := &batch{stream: workerStream(r.stream, worker), careful: r.careful}
	seen := map[string]int{}
	if u := r.q.single(); u != nil {
		r.put(b, u, seen)
	} else {
		r.fill(b, seen)
	}
	if len(b.units) == 0 {
		return nil
	}
	r.compact(b)
	r.reach(b)
	r.inFlight++
	return b
}

// fill adds units until the batch is full: those that wait for nothing, and those that wait only for units
// of the batch itself.
func (r *Relay) fill(b *batch, seen map[string]int) {
	var local ready
	for len(r.q.ready)+len(local) > 0 {
		from := &r.q.ready
		if len(local) > 0 && (len(*from) == 0 || local.before((*from)[0])) {
			from = &local
		}
		u := (*from)[0]
		if len(b.units) > 0 && b.changes+len(u.cargo) > r.size {
			break
		}
		heap.Pop(from)
		r.put(b, u, seen)
		for _, n := range u.next {
			if !n.alone && n.batch == nil && n.at < 0 && n.within(b) {
				heap.Push(&local, n)
			}
		}
	}
	for _, u := range local {
		u.at = -1
	}
}

func (r ready) before(u *unit) bool {
	first := r[0].txn.ordinal
	return first < u.txn.ordinal || first == u.txn.ordinal && r[0].part < u.part
}

// put adds a unit to a batch. Of several writes of one row only the last is kept, unless the row was deleted in
// between: what the row's version was before says nothing of the next one.
func (r *Relay) put(b *batch, u *unit, seen map[string]int) {
	u.batch = b
	b.units = append(b.units, u)
	b.changes += len(u.cargo)
	for i := range u.cargo {
		c := &u.cargo[i]
		if r.careful && c.err == nil && !c.sealed && r.touched != nil && r.touched(c.ident) {
			c.err = errConflict
		}
		lot := r.parked[c.ident]
		if c.err != nil || lot != nil || c.behind { // what was to be parked once stays so: it may be stored already
			c.behind = c.err == nil
			row, err := c.wrap(r.stream, u.txn)
			if err != nil {
				row = ParkedRow{Stream: r.stream, ID: c.id, Body: []byte("{}")}
			}
			b.park = append(b.park, row)
			b.rows = append(b.rows, c.ident)
			if lot == nil {
				lot = &parkedRow{ids: map[string]bool{}}
				r.parked[c.ident] = lot
			}
			lot.storing++
			continue
		}
		w := c.write
		frozen := r.frozen != nil && r.frozen(c.ident)
		if (r.careful || frozen) && c.sealed {
			w.Check, b.careful = true, true
		} else if frozen {
			w.Check, b.careful = true, true // what was before is not known: the row stays as it is
			w.Was = c.write.Row
		}
		at, twice := seen[c.ident]
		if !twice || w.Check || b.writes[at].Op == Delete {
			seen[c.ident] = len(b.writes)
			b.writes = append(b.writes, w)
			b.from = append(b.from, place{u, i, 0})
			continue
		}
		over := b.from[at].over + 1
		if w.Op != Delete {
			b.writes[at], b.from[at] = w, place{u, i, over}
			continue
		}
		b.from[at].unit = nil // taken out by compact
		seen[c.ident] = len(b.writes)
		b.writes = append(b.writes, w)
		b.from = append(b.from, place{u, i, over})
	}
}

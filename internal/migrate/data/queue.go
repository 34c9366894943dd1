package data

import (
	"container/heap"
	"slices"
	"time"
)

// pending is a transaction of the source of which not everything is applied.
type pending struct {
	position Position
	sequence int64 // of the source, or the last one's where this one has none
	commit   time.Time
	mark     string
	ordinal  int64
	left     int // units that are not done
	dirty    bool
	bytes    int64
}

// unit is what is written in one transaction at the target: a transaction of the source, or a part of a large
// one. It waits for those before it that touch one of its rows.
type unit struct {
	txn   *pending
	part  int
	cargo []cargo
	next  []*unit // that wait for this one
	deps  []*unit // that this one waits for
	wait  int     // how many of deps are not done
	done  bool
	batch *batch
	alone bool // refused together with others: tried by itself when everything before it is done
	at    int  // place in the heap, -1 outside
}

// batch is what one worker writes in one transaction.
type batch struct {
	stream  string // of the worker
	units   []*unit
	park    []ParkedRow // stored before anything else
	rows    []string    // ident of each of park
	writes  []Write
	from    []place // of each write, where it came from
	stored  stamp   // position that is true once the batch is committed
	changes int
	careful bool // writes are checked against the row as it was
	flush   bool // nothing but the position
}

// place is where a write of a batch came from.
type place struct {
	unit  *unit
	cargo int
	over  int // writes that this one stands for beside itself: earlier ones of the same row
}

// ready is a heap of units that wait for nothing, oldest first.
type ready []*unit

func (r ready) Len() int { return len(r) }
func (r ready) Less(i, j int) bool {
	a, b := r[i], r[j]
	if a.txn.ordinal != b.txn.ordinal {
		return a.txn.ordinal < b.txn.ordinal
	}
	return a.part < b.part
}

func (r ready) Swap(i, j int) {
	r[i], r[j] = r[j], r[i]
	r[i].at, r[j].at = i, j
}

// Push is for package heap.
func (r *ready) Push(x any) {
	u := x.(*unit)
	u.at = len(*r)
	*r = append(*r, u)
}

// Pop is for package heap.
func (r *ready) Pop() any {
	last := len(*r) - 1
	u := (*r)[last]
	(*r)[last] = nil
	*r = (*r)[:last]
	u.at = -1
	return u
}

// queue orders units: those of one row one after the other, others as they come.
type queue struct {
	line  []*pending       // in commit order, from the oldest that is not done
	last  map[string]*unit // by row: the newest unit that touches it and is not done
	ready ready
	alone []*unit
	bytes int64
	units int
}

func newQueue() queue { return queue{last: map[string]*unit{}} }

// add appends a transaction with its units.
func (q *queue) add(t *pending, units []*unit) {
	t.left = len(units)
	q.line = append(q.line, t)
	q.bytes += t.bytes
	q.units += len(units)
	for i, u := range units {
		u.at = -1
		if i > 0 {
			u.after(units[i-1]) // parents before children within a transaction
		}
		for j := range u.cargo {
			id := u.cargo[j].ident
			if prev := q.last[id]; prev != nil && prev != u {
				u.after(prev)
			}
			q.last[id] = u
		}
		if u.wait == 0 {
			heap.Push(&q.ready, u)
		}
	}
}

func (u *unit) after(prev *unit) {
	if prev.done || slices.Contains(u.deps, prev) {
		return
	}
	u.deps = append(u.deps, prev)
	prev.next = append(prev.next, u)
	u.wait++
}

// within says whether everything that u waits for is done or in b, before it.
func (u *unit) within(b *batch) bool {
	for _, d := range u.deps {
		if !d.done && d.batch != b {
			return false
		}
	}
	return true
}

// finish takes a unit out and lets those go that waited for it.
func (q *queue) finish(u *unit) {
	u.done, u.batch = true, nil
	q.units--
	u.txn.left--
	for i := range u.cargo {
		if id := u.cargo[i].ident; q.last[id] == u {
			delete(q.last, id)
		}
	}
	for _, n := range u.next {
		if n.wait--; n.wait == 0 && n.batch == nil && !n.done {
			q.requeue(n)
		}
	}
	u.next, u.deps, u.cargo = nil, nil, nil
}

// requeue puts a unit back that waits for nothing.
func (q *queue) requeue(u *unit) {
	u.batch = nil
	if u.wait > 0 || u.at >= 0 || u.done {
		return
	}
	if u.alone {
		if !slices.Contains(q.alone, u) {
			q.alone = append(q.alone, u)
		}
		return
	}
	heap.Push(&q.ready, u)
}

// first says whether everything before u is done.
func (q *queue) first(u *unit) bool {
	for _, t := range q.line {
		if t == u.txn {
			return true // parts of one transaction wait for each other
		}
		if t.left > 0 {
			return false
		}
	}
	return true
}

// single is a unit that was refused and whose turn it is now.
func (q *queue) single() *unit {
	for i, u := range q.alone {
		if q.first(u) {
			q.alone = slices.Delete(q.alone, i, i+1)
			return u
		}
	}
	return nil
}

// advance drops what is done from the head of the line; it says what was dropped last.
func (q *queue) advance() *pending {
	var low *pending
	n := 0
	for n < len(q.line) && q.line[n].left == 0 {
		low = q.line[n]
		q.bytes -= low.bytes
		q.line[n] = nil
		n++
	}
	q.line = q.line[n:]
	return low
}

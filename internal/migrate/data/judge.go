package data

import (
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
)

// twin is a row as both sides hold it, each in the columns that are carried; nil: the side has none.
type twin struct{ rows [2]row.Row }

func (t twin) equal(o twin) bool {
	return sameOrNone(t.rows[0], o.rows[0]) && sameOrNone(t.rows[1], o.rows[1])
}

// digest is a short name of what both sides hold.
func (t twin) digest() string {
	var b []byte
	for _, r := range t.rows {
		if r == nil {
			b = append(b, '-')
		} else {
			b = append(b, row.EncodeKey(row.Key(r))...)
		}
		b = append(b, '|')
	}
	return digest(string(b))
}

func sameOrNone(a, b row.Row) bool { return (a == nil) == (b == nil) && same(a, b) }

// suspect is a row that differed when it was looked at, or that may differ. It is called a difference only
// when it still does after the grace, both sides are as they were, and both relays have applied what was
// committed until then.
type suspect struct {
	pair   *Pair
	ident  string
	key    [2]row.Key // nil where it cannot be carried
	looked bool
	seen   twin
	at     time.Time // when seen was read
	due    time.Time
	since  time.Time
	tries  int
	window *tally // the rolling window that found it, nil
	known  bool   // it is a difference already
	cause  string // the case, "" without
}

// tally counts what became of the suspects of a window or a full comparison. It is guarded by the judge.
type tally struct{ differ, settled, pending int64 }

// Judge keeps the rows that are suspected or known to differ, and cases. It does no I/O; it is safe for
// concurrent use.
type Judge struct {
	mu       sync.Mutex
	max      int
	grace    time.Duration
	every    time.Duration // between looks at what is known to differ
	list     map[string]*suspect
	known    int
	over     map[string]int64  // differences beyond the bound, by table
	accepted map[string]string // digests of rows of which a person said that both stay
	cases    cases
	repaired map[string]int64
}

// NewJudge makes a judge that keeps at most limit rows.
func NewJudge(limit int, grace, every time.Duration) *Judge {
	return &Judge{
		max: max(limit, 1), grace: grace, every: max(every, grace), list: map[string]*suspect{}, over: map[string]int64{},
		accepted: map[string]string{}, cases: newCases(), repaired: map[string]int64{},
	}
}

// Suspect notes a row to be looked at. One of the keys may be nil: it is worked out from the other. It is false
// when there is no room: the table must be compared in full again.
func (j *Judge) Suspect(p *Pair, on side, key row.Key, now time.Time, window *tally) bool {
	s := &suspect{pair: p, ident: p.ident(on, key), since: now, due: now}
	s.key[on] = key
	if other, err := p.carryKey(on, key); err == nil {
		s.key[on.other()] = other
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if old := j.list[s.ident]; old != nil {
		if old.window == nil && !old.known {
			old.watch(window)
		}
		if !old.known && old.looked {
			return true
		}
		old.due = now
		return true
	}
	if len(j.list) >= j.max {
		j.over[p.Rule.Name]++
		return false
	}
	s.watch(window)
	j.list[s.ident] = s
	return true
}

// watch counts what becomes of s for a window.
func (s *suspect) watch(window *tally) {
	if s.window = window; window != nil {
		window.pending++
	}
}

// count is what became of suspects so far.
func (j *Judge) count(t *tally) tally {
	j.mu.Lock()
	defer j.mu.Unlock()
	return *t
}

// dueNow are suspects of one table to be looked at now, at most limit.
func (j *Judge) dueNow(now time.Time, limit int) []*suspect {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []*suspect
	for _, s := range j.list {
		if s.due.After(now) && !now.Before(s.at) || len(out) > 0 && out[0].pair != s.pair {
			continue
		}
		if out = append(out, s); len(out) == limit {
			break
		}
	}
	return out
}

// Look says how both sides hold a suspect's row now. carried is the old side's row in the new side's form, nil
// when there is none or it cannot be carried. reached is the time up to which both relays have applied everything.
// It says what it decided, for the caller to open a case or to log.
func (j *Judge) Look(s *suspect, now twin, carried row.Row, at, reached time.Time) Outcome {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.list[s.ident] != s {
		return OutcomeNone
	}
	equal := now.rows[oldSide] == nil && now.rows[newSide] == nil ||
		now.rows[oldSide] != nil && now.rows[newSide] != nil && carried != nil && same(s.pair.compared(carried), s.pair.compared(now.rows[newSide]))
	accepted, ok := j.accepted[s.ident]
	switch {
	case equal || ok && accepted == now.digest():
		j.settle(s, at, equal)
		if ok && equal {
			delete(j.accepted, s.ident)
		}
		return OutcomeEqual
	case ok:
		delete(j.accepted, s.ident)
	}
	steady := s.looked && s.seen.equal(now) && !at.Before(s.at) // else the clock jumped: begin anew
	if !steady {
		s.seen, s.looked, s.at = now, true, at
		s.tries++
		s.due = at.Add(j.grace)
		if c := j.cases.open[s.cause]; c != nil {
			c.Difference = s.view()
		}
		return OutcomeUnsure
	}
	if s.known {
		s.at, s.due = at, at.Add(j.every)
		return OutcomeNone
	}
	if at.Sub(s.at) < j.grace || reached.Before(s.at) {
		s.due = at.Add(max(j.grace/2, 10*time.Millisecond))
		return OutcomeUnsure
	}
	s.known = true
	j.known++
	s.due = at.Add(j.every)
	if s.window != nil {
		s.window.differ++
		s.window.pending--
		s.window = nil
	}
	return OutcomeDiffers
}

// Outcome is what a look came to.
type Outcome uint8

// The outcomes.
const (
	OutcomeNone    Outcome = iota // nothing new
	OutcomeEqual                  // the sides agree
	OutcomeUnsure                 // look again
	OutcomeDiffers                // a difference, from now on
)

// settle forgets a suspect whose rows agree.
func (j *Judge) settle(s *suspect, at time.Time, equal bool) {
	if s.known {
		j.known--
	} else if s.window != nil {
		s.window.settled++
		s.window.pending--
	}
	if s.cause != "" && equal {
		j.cases.agree(s.cause, at)
	}
	delete(j.list, s.ident)
}

// Gone forgets what is known of tables that are no longer carried.
func (j *Judge) Gone(plan *Plan) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.list {
		pair := plan.by[oldSide][s.pair.Rule.Name]
		if pair == nil {
			j.settle(s, time.Time{}, false)
			continue
		}
		s.pair, s.looked = pair, s.looked && s.known
	}
}

// Restart forgets how many differences of a table did not fit: a full comparison counts them anew.
func (j *Judge) Restart(table string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.over, table)
}

// Overflow is how many rows of a table did not fit.
func (j *Judge) Overflow(table string) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.over[table]
}

// Counts are the known differences of a table, those beyond the bound, and rows repaired.
func (j *Judge) Counts(table string) (differ, repaired int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.list {
		if s.known && s.pair.Rule.Name == table {
			differ++
		}
	}
	return differ + j.over[table], j.repaired[table]
}

// Standing is how many rows differ, how many are being looked at, and how many cases are open.
func (j *Judge) Standing() (differ, unsure int64, open int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, n := range j.over {
		differ += n
	}
	return differ + int64(j.known), int64(len(j.list) - j.known), len(j.cases.open)
}

// frozen says whether changes of a row may not simply overwrite the other side's: it is known to differ, and a person
// must settle that, or the side they come from is not the declared winner.
func (j *Judge) frozen(ident string, winner bool) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.known == 0 {
		return false
	}
	s := j.list[ident]
	return s != nil && s.known && (s.cause != "" || !winner)
}

// Unsure says whether any row of a table waits to be looked at again.
func (j *Judge) Unsure(table string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.list {
		if !s.known && s.pair.Rule.Name == table {
			return true
		}
	}
	return false
}

// view is a difference for people. j.mu is held.
func (s *suspect) view() v1.RowDifference {
	p := s.pair
	d := v1.RowDifference{Table: p.Rule.Name, Since: s.since, Case: s.cause, Kind: "differs"}
	if s.key[oldSide] != nil {
		d.Key = namedKey(p.tables[oldSide], s.key[oldSide])
	} else {
		d.Key = namedKey(p.tables[newSide], s.key[newSide])
	}
	var carried row.Row
	if s.seen.rows[oldSide] != nil {
		if forward, err := p.Mapper.Forward(s.seen.rows[oldSide]); err == nil {
			carried = p.compared(forward)
		}
	}
	has := p.compared(s.seen.rows[newSide])
	d.Old, d.New = named(p.compare, carried), named(p.compare, has)
	switch {
	case s.seen.rows[oldSide] == nil:
		d.Kind = "missing_old"
	case has == nil:
		d.Kind = "missing_new"
	default:
		for i := range p.compare.Columns {
			if carried == nil || carried[i] != has[i] {
				d.Columns = append(d.Columns, p.compare.Columns[i].Name)
			}
		}
	}
	return d
}

// money says whether a person must settle a difference: one in a column of money or stock, or a whole row that
// has such columns.
func (s *suspect) money() bool {
	p := s.pair
	if len(p.Rule.Money) == 0 {
		return false
	}
	if s.seen.rows[oldSide] == nil || s.seen.rows[newSide] == nil {
		return true
	}
	forward, err := p.Mapper.Forward(s.seen.rows[oldSide])
	if err != nil {
		return true
	}
	carried, has := p.compared(forward), p.compared(s.seen.rows[newSide])
	for i, money := range p.money {
		if money && carried[i] != has[i] {
			return true
		}
	}
	return false
}

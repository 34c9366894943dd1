package data

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/row"
)

// cases are what only persons settle: open ones and the last of those that are closed.
type cases struct {
	open   map[string]*v1.Case
	closed []v1.Case // oldest first
	dirty  map[string]bool
	ident  map[string]string // of cases whose rows both stay
}

const closedCases = 1000

func newCases() cases {
	return cases{open: map[string]*v1.Case{}, dirty: map[string]bool{}, ident: map[string]string{}}
}

// agree closes a case because the rows came to agree by themselves.
func (c *cases) agree(id string, at time.Time) {
	c.shut(id, "equal", "", "the rows of both sides came to agree", at)
}

func (c *cases) shut(id, decision, by, reason string, at time.Time) *v1.Case {
	one := c.open[id]
	if one == nil {
		return nil
	}
	delete(c.open, id)
	one.Closed, one.Decision, one.By, one.Reason = &at, decision, by, reason
	c.closed = append(c.closed, *one)
	if n := len(c.closed) - closedCases; n > 0 {
		c.closed = slices.Delete(c.closed, 0, n)
	}
	c.dirty[id] = true
	return one
}

// Open opens a case for a difference of money, with what both sides did to the row. It is nil when none is
// needed or it is open already.
func (j *Judge) Open(s *suspect, h *History, at time.Time) *v1.Case {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !s.known || s.cause != "" || j.list[s.ident] != s || !s.money() {
		return nil
	}
	id := "c-" + digest(s.ident + sortable(s.since))[:12]
	for _, c := range j.cases.open { // found again after a restart
		if c.Difference.Table == s.pair.Rule.Name && sameKey(c.Difference.Key, s.view().Key) {
			s.cause = c.ID
			return nil
		}
	}
	s.cause = id
	one := &v1.Case{ID: id, Opened: at, Difference: s.view(), History: h.Of(s.ident)}
	j.cases.open[id] = one
	j.cases.dirty[id] = true
	return one
}

func sameKey(a, b []v1.ColumnValue) bool {
	return slices.EqualFunc(a, b, func(x, y v1.ColumnValue) bool {
		return x.Name == y.Name && (x.Value == nil) == (y.Value == nil) && (x.Value == nil || *x.Value == *y.Value)
	})
}

// Cases are the open cases, or the closed ones too, newest first. History of what happened since is added.
func (j *Judge) Cases(all bool) []v1.Case {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]v1.Case, 0, len(j.cases.open))
	for _, c := range j.cases.open {
		out = append(out, *c)
	}
	if all {
		out = append(out, j.cases.closed...)
	}
	slices.SortFunc(out, func(a, b v1.Case) int { return cmp.Or(b.Opened.Compare(a.Opened), cmp.Compare(a.ID, b.ID)) })
	return out
}

// find is the suspect that an open case is about, as a person decides it.
func (j *Judge) find(id string) (*suspect, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.cases.open[id] == nil {
		for i := range j.cases.closed {
			if c := &j.cases.closed[i]; c.ID == id {
				return nil, kind.New(kind.Conflict, "JD-DATA-007", "case %s was closed at %s by %q with decision %s", id, c.Closed.Format(time.RFC3339), c.By, c.Decision)
			}
		}
		return nil, kind.New(kind.NotFound, "JD-DATA-006", "case %q does not exist; see jindu migration cases", id)
	}
	for _, s := range j.list {
		if s.cause == id {
			return s, nil
		}
	}
	return nil, kind.New(kind.Unavailable, "JD-DATA-008", "the rows of case %s were not compared yet since the node started; try again when the full comparison has ended", id)
}

// Close ends a case by a person's decision. Rows that both stay are no difference as long as they stay.
func (j *Judge) Close(s *suspect, decision, by, reason string, at time.Time) *v1.Case {
	j.mu.Lock()
	defer j.mu.Unlock()
	if decision == "both" {
		j.accepted[s.ident] = s.seen.digest()
		j.cases.ident[s.cause] = s.ident
		j.known--
		delete(j.list, s.ident)
	} else {
		s.due = at // the next look finds the rows equal
	}
	id := s.cause
	s.cause = ""
	return j.cases.shut(id, decision, by, reason, at)
}

// note is a case as it is kept over a restart.
type note struct {
	Case     v1.Case `json:"case"`
	Ident    string  `json:"ident,omitempty"`    // both rows stay:
	Accepted string  `json:"accepted,omitempty"` // as long as they are these
}

// Dirty are cases that changed since the last call, as bytes to be kept by id.
func (j *Judge) Dirty() map[string][]byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.cases.dirty) == 0 {
		return nil
	}
	out := make(map[string][]byte, len(j.cases.dirty))
	put := func(c *v1.Case) {
		if !j.cases.dirty[c.ID] {
			return
		}
		n := note{Case: *c}
		if c.Decision == "both" {
			n.Ident = j.cases.ident[c.ID]
			n.Accepted = j.accepted[n.Ident]
		}
		if body, err := json.Marshal(n); err == nil {
			out[c.ID] = body
		}
	}
	for _, c := range j.cases.open {
		put(c)
	}
	for i := range j.cases.closed {
		put(&j.cases.closed[i])
	}
	j.cases.dirty = map[string]bool{}
	return out
}

// Again says that cases could not be kept: they are dirty still.
func (j *Judge) Again(ids map[string][]byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for id := range ids {
		j.cases.dirty[id] = true
	}
}

// Recall takes back cases that were kept over a restart; the rows of open ones are looked at again. What cannot
// be read is left out: the next full comparison opens it anew.
func (j *Judge) Recall(plan *Plan, bodies [][]byte, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, body := range bodies {
		var n note
		if json.Unmarshal(body, &n) != nil || n.Case.ID == "" {
			continue
		}
		if n.Case.Closed != nil {
			j.cases.closed = append(j.cases.closed, n.Case)
			if n.Accepted != "" {
				j.accepted[n.Ident] = n.Accepted
			}
			continue
		}
		c := n.Case
		j.cases.open[c.ID] = &c
		if s := recalled(plan, &c, now); s != nil && j.list[s.ident] == nil {
			j.list[s.ident] = s
			j.known++
		}
	}
	slices.SortFunc(j.cases.closed, func(a, b v1.Case) int { return a.Closed.Compare(*b.Closed) })
}

// recalled is the suspect of a case, nil when its table is no longer carried as it was.
func recalled(plan *Plan, c *v1.Case, now time.Time) *suspect {
	pair := plan.by[oldSide][c.Difference.Table]
	if pair == nil {
		return nil
	}
	for _, on := range sides() {
		t := pair.tables[on]
		key := make(row.Key, len(t.Key))
		if len(c.Difference.Key) != len(key) {
			continue
		}
		fits := true
		for i, v := range c.Difference.Key {
			fits = fits && t.Columns[t.Key[i]].Name == v.Name
			if v.Value == nil {
				key[i].Null = true
			} else {
				key[i].Text = *v.Value
			}
		}
		if !fits {
			continue
		}
		s := &suspect{pair: pair, ident: pair.ident(on, key), since: c.Difference.Since, due: now, known: true, cause: c.ID}
		s.key[on] = key
		if other, err := pair.carryKey(on, key); err == nil {
			s.key[on.other()] = other
		}
		return s
	}
	return nil
}

// opened is when the newest open case was opened; ok is false without one.
func (j *Judge) opened() (newest time.Time, id string, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range j.cases.open {
		if !ok || c.Opened.After(newest) {
			newest, id, ok = c.Opened, c.ID, true
		}
	}
	return newest, id, ok
}

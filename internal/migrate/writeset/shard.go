package writeset

import (
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// run finds a run or begins it; nil when there is no room. s is locked.
func (c *Collector) run(s *shard, id uint64) *run {
	if r := s.runs[id]; r != nil {
		return r
	}
	c.expire(s)
	for c.runs.Load() >= int64(c.limits.Runs) {
		if s.old == nil { // the others' locks are not ours to take
			c.drop(dropRuns, 1)
			s.gone = max(s.gone, c.now.Load()+int64(slack))
			return nil
		}
		c.evict(s, dropRuns)
	}
	r := &run{id: id, at: c.now.Load()}
	s.runs[id] = r
	if r.prev = s.new; r.prev != nil {
		r.prev.next = r
	} else {
		s.old = r
	}
	s.new = r
	c.runs.Add(1)
	return r
}

// add keeps an effect of a run, making room by forgetting the oldest runs. s is locked.
func (c *Collector) add(s *shard, r *run, capture string, e v1.Effect) {
	if len(r.told) >= c.limits.Effects {
		r.lossy = true
		c.drop(dropEffects, 1)
		return
	}
	n := weight(&e)
	for c.bytes.Load()+n > c.limits.Bytes {
		if s.old == nil || s.old == r {
			r.lossy = true
			c.drop(dropBytes, 1)
			return
		}
		c.evict(s, dropBytes)
	}
	r.lossy = r.lossy || e.Truncated
	r.told = append(r.told, Told{Capture: capture, Effect: e})
	r.bytes += n
	c.bytes.Add(n)
}

// fresh is the age up to which a run may be asked for where settling takes its usual time. Beyond it, a
// run that goes because others come is no loss: most users' runs are never asked for.
const fresh = 10 * time.Second

// evict forgets the oldest run. s is locked.
func (c *Collector) evict(s *shard, reason string) {
	if c.now.Load()-s.old.at < int64(fresh) {
		c.drop(reason, 1)
	}
	c.forget(s, s.old)
}

// expire forgets the runs that nobody took in time; that is their usual end. s is locked.
func (c *Collector) expire(s *shard) {
	before := c.now.Load() - int64(c.limits.Age)
	for s.old != nil && s.old.at < before {
		c.forget(s, s.old)
	}
}

// forget drops the oldest run and remembers until when runs may be missing. s is locked.
func (c *Collector) forget(s *shard, r *run) {
	s.gone = max(s.gone, r.at+int64(slack))
	c.remove(s, r)
}

func (c *Collector) remove(s *shard, r *run) {
	delete(s.runs, r.id)
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		s.old = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	} else {
		s.new = r.prev
	}
	r.next, r.prev = nil, nil
	c.runs.Add(-1)
	c.bytes.Add(-r.bytes)
}

// weight is what an effect weighs in memory, in bytes.
func weight(e *v1.Effect) int64 {
	n := 320 + len(e.Op) + len(e.Target) + len(e.Text) + len(e.Body) + len(e.Answer)
	for _, list := range [...][]v1.ColumnValue{e.Key, e.Before, e.After} {
		for i := range list {
			n += 32 + len(list[i].Name)
			if list[i].Value != nil {
				n += 16 + len(*list[i].Value)
			}
		}
	}
	for _, a := range e.Args {
		n += 16 + len(a)
	}
	return int64(n)
}

// Ask is a question for a run.
type Ask struct {
	Run      string
	Shadow   bool      // a copy
	Captures []string  // that must have told all
	Began    time.Time // when the request was sent
	Answered time.Time // when its answer was there
	Deadline time.Time // when waiting ends
}

// State is how far a run is.
type State uint8

// The states. Every one but Waiting is final: the run is forgotten.
const (
	Waiting  State = iota
	Complete       // every capture told all
	Late           // one did not in time
	Lossy          // something of it was dropped, cut off, or has an unknown outcome
	Refused        // something of it was not let out, so that what came after is no run of the same request
)

// Take asks for the write set of a run.
func (c *Collector) Take(a Ask, now time.Time) (WriteSet, State) {
	id, ok := runID(a.Run)
	if !ok {
		return WriteSet{}, c.final(Late)
	}
	if at := now.UnixNano(); at > c.now.Load() {
		c.now.Store(at)
	}
	s := &c.shards[id%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runs[id]
	state := c.state(s, r, &a, now)
	if state == Waiting {
		return WriteSet{}, Waiting
	}
	ws := WriteSet{Run: a.Run, Shadow: a.Shadow}
	if r != nil {
		c.remove(s, r)
		ws.Told, ws.Statements = r.told, r.statements
	}
	if state == Complete {
		state = ws.state(a.Captures)
	}
	return ws, c.final(state)
}

// Forget drops a run whose write set is of no use any more.
func (c *Collector) Forget(name string) {
	id, ok := runID(name)
	if !ok {
		return
	}
	s := &c.shards[id%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runs[id]; r != nil {
		c.remove(s, r)
	}
}

func (c *Collector) state(s *shard, r *run, a *Ask, now time.Time) State {
	switch {
	case a.Began.UnixNano() <= s.gone, r != nil && r.lossy:
		return Lossy
	case c.all(r, a):
		return Complete
	case !now.Before(a.Deadline):
		return Late
	}
	return Waiting
}

// all says whether every capture told all of a run.
func (c *Collector) all(r *run, a *Ask) bool {
	for _, name := range a.Captures {
		if name == CaptureReport {
			if r == nil || !r.closed {
				return false
			}
			continue
		}
		known := c.capture(name)
		if !known.prompt.Load() && known.until.Load() < a.Answered.UnixNano() {
			return false
		}
	}
	return true
}

func (c *Collector) final(s State) State {
	c.asked.Add(1)
	switch s {
	case Complete, Refused:
		c.complete.Add(1)
	case Late:
		c.late.Add(1)
	}
	return s
}

package writeset

import (
	"cmp"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// CaptureReport is the capture that sdk/effects and the Java agent are.
const CaptureReport = "report"

// Why effects are dropped.
const (
	dropRuns     = "runs"     // the run was the oldest of too many
	dropEffects  = "effects"  // the run has too many
	dropBytes    = "bytes"    // all runs together weigh too much
	dropReporter = "reporter" // the reporter's queue was full, or what it sent names no run
)

var dropReasons = [...]string{dropRuns, dropEffects, dropBytes, dropReporter}

// shards is how many locks there are: recorders of different runs hardly ever meet.
const shards = 32

// slack covers that the time of a record is that of the last Tick.
const slack = time.Second

// Limits bound a Collector. Zero values are the defaults.
type Limits struct {
	Runs    int           // kept at once; default 16,384
	Effects int           // of one run; default 4,096
	Bytes   int64         // of all runs; default 64 MiB
	Age     time.Duration // after which a run that nobody took is forgotten; default 30s
}

// Collector gathers effects by run. Recorders do not wait: a record takes one lock of many for as long as
// an append takes.
type Collector struct {
	limits   Limits
	now      atomic.Int64 // of the last Tick or Take, Unix nanoseconds
	runs     atomic.Int64
	bytes    atomic.Int64
	shards   [shards]shard
	captures sync.Map // name: *capture
	dropped  [len(dropReasons)]atomic.Int64

	asked, complete, late atomic.Int64
}

// capture is what is known of one capture.
type capture struct {
	until        atomic.Int64 // Unix nanoseconds: all that was done before was told
	prompt       atomic.Bool
	unattributed atomic.Int64
	refused      atomic.Int64
}

// shard is the runs that share a lock, the oldest first.
type shard struct {
	mu       sync.Mutex
	runs     map[uint64]*run
	old, new *run
	gone     int64 // runs that began before this moment may have been forgotten; Unix nanoseconds
	_        [64]byte
}

// run is what was told of one run so far.
type run struct {
	id         uint64
	at         int64 // first record, Unix nanoseconds
	told       []Told
	bytes      int64
	closed     bool // its own report is whole
	lossy      bool
	statements int
	next, prev *run
}

// NewCollector makes an empty collector.
func NewCollector(l Limits, now time.Time) *Collector {
	c := &Collector{limits: Limits{
		Runs: cmp.Or(l.Runs, 16_384), Effects: cmp.Or(l.Effects, 4_096), Bytes: cmp.Or(l.Bytes, 64<<20), Age: cmp.Or(l.Age, 30*time.Second),
	}}
	for i := range c.shards {
		c.shards[i].runs = map[uint64]*run{}
	}
	c.now.Store(now.UnixNano())
	return c
}

// Tick says what time it is, at least once a second, and forgets runs that are too old.
func (c *Collector) Tick(now time.Time) {
	c.now.Store(now.UnixNano())
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		c.expire(s)
		s.mu.Unlock()
	}
}

// Record tells one effect of a run.
func (c *Collector) Record(capture string, m v1.Mark, e v1.Effect) {
	id, ok := runID(m.Run)
	if !ok {
		c.drop(dropReporter, 1)
		return
	}
	s := &c.shards[id%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := c.run(s, id); r != nil {
		c.add(s, r, capture, e)
	}
}

// Report tells effects of a run at once, and perhaps that the run is over.
func (c *Collector) Report(capture string, told v1.RunEffects) {
	id, ok := runID(told.Run)
	if !ok {
		c.drop(dropReporter, 1)
		return
	}
	s := &c.shards[id%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	r := c.run(s, id)
	if r == nil {
		return
	}
	for i := range told.Effects {
		c.add(s, r, capture, told.Effects[i])
	}
	r.statements += told.Statements
	r.closed = r.closed || told.Closed
}

// Progress says that a capture has told everything that was committed before a moment, by the clock of
// this node: a capture that reads a log takes the moment, then the end of the log, and says so when it got there.
func (c *Collector) Progress(name string, until time.Time) {
	at := &c.capture(name).until
	for next := until.UnixNano(); ; {
		if was := at.Load(); next <= was || at.CompareAndSwap(was, next) {
			return
		}
	}
}

// Prompt says that a capture tells each effect before the service hears how its operation went, or that it
// no longer runs.
func (c *Collector) Prompt(name string, on bool) { c.capture(name).prompt.Store(on) }

// Unattributed counts a write without a mark.
func (c *Collector) Unattributed(name string) { c.capture(name).unattributed.Add(1) }

// Refused counts a write of a shadow that was not let out.
func (c *Collector) Refused(name string) { c.capture(name).refused.Add(1) }

// Lost counts runs that a reporter dropped.
func (c *Collector) Lost(n int64) {
	if n > 0 {
		c.drop(dropReporter, n)
	}
}

// Counts says what became of effects. Its maps are never nil.
func (c *Collector) Counts() v1.EffectCounts {
	out := v1.EffectCounts{
		Runs: c.asked.Load(), Complete: c.complete.Load(), Late: c.late.Load(),
		Unattributed: map[string]int64{}, Refused: map[string]int64{}, Dropped: map[string]int64{},
	}
	c.captures.Range(func(name, value any) bool {
		known := value.(*capture)
		keep(out.Unattributed, name.(string), known.unattributed.Load())
		keep(out.Refused, name.(string), known.refused.Load())
		return true
	})
	for i, reason := range dropReasons {
		keep(out.Dropped, reason, c.dropped[i].Load())
	}
	return out
}

// Add puts the counts of two collectors together, for those who ask several nodes.
func Add(a, b v1.EffectCounts) v1.EffectCounts {
	sum := v1.EffectCounts{Runs: a.Runs + b.Runs, Complete: a.Complete + b.Complete, Late: a.Late + b.Late}
	merge := func(x, y map[string]int64) map[string]int64 {
		out := maps.Clone(x)
		if out == nil {
			out = map[string]int64{}
		}
		for name, n := range y {
			out[name] += n
		}
		return out
	}
	sum.Unattributed, sum.Refused, sum.Dropped = merge(a.Unattributed, b.Unattributed), merge(a.Refused, b.Refused), merge(a.Dropped, b.Dropped)
	return sum
}

func keep(counts map[string]int64, name string, n int64) {
	if n > 0 {
		counts[name] = n
	}
}

// maxCaptures bounds the captures told apart; configuration names them, so more is a mistake.
const maxCaptures = 1024

func (c *Collector) capture(name string) *capture {
	if known, ok := c.captures.Load(name); ok {
		return known.(*capture)
	}
	n := 0
	c.captures.Range(func(any, any) bool { n++; return n < maxCaptures })
	if n >= maxCaptures {
		name = "(more)"
	}
	known, _ := c.captures.LoadOrStore(strings.Clone(name), &capture{})
	return known.(*capture)
}

func (c *Collector) drop(reason string, n int64) {
	for i := range dropReasons {
		if dropReasons[i] == reason {
			c.dropped[i].Add(n)
		}
	}
}

// runID reads the run of a mark: 16 hex digits in lower case.
func runID(s string) (uint64, bool) {
	if len(s) != 16 || strings.Trim(s, "0123456789abcdef") != "" {
		return 0, false
	}
	id, err := strconv.ParseUint(s, 16, 64)
	return id, err == nil
}

package load

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// maxNames bounds what is counted apart: names of requests and kinds of errors beyond it share "other".
const maxNames = 64

// longest is the longest latency that a histogram tells from a longer one.
const longest = 2 * time.Minute

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, longest.Microseconds(), 3)
}

// recorder counts what came of requests. Safe for concurrent use.
type recorder struct {
	mu       sync.Mutex
	total    counts
	service  *hdrhistogram.Histogram // from the actual start
	interval *hdrhistogram.Histogram // since the last progress
	byName   map[string]*counts
	errors   map[string]int64
	statuses map[int]int64
	late     int64
	dropped  int64
	inFlight int64
}

type counts struct {
	requests, errors int64
	latency          *hdrhistogram.Histogram // from the intended start
}

func newRecorder() *recorder {
	return &recorder{
		total: counts{latency: newHistogram()}, service: newHistogram(), interval: newHistogram(),
		byName: map[string]*counts{}, errors: map[string]int64{}, statuses: map[int]int64{},
	}
}

// lateAfter is how long after its intended start a request must begin to count as late.
const lateAfter = 10 * time.Millisecond

// done counts a request that was sent; status is 0 when there was no answer, kind is "" when all is well.
func (c *recorder) done(name string, status int, kind string, latency, service, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	us := clampMicros(latency)
	named := c.named(name)
	for _, t := range []*counts{&c.total, named} {
		t.requests++
		if kind != "" {
			t.errors++
		}
		_ = t.latency.RecordValue(us) // clamped into its range
	}
	_ = c.interval.RecordValue(us)
	_ = c.service.RecordValue(clampMicros(service))
	if wait > lateAfter {
		c.late++
	}
	if status != 0 {
		c.statuses[status]++
	}
	if kind != "" {
		c.fail(kind)
	}
}

func (c *recorder) named(name string) *counts {
	n, ok := c.byName[name]
	if ok {
		return n
	}
	if len(c.byName) >= maxNames {
		name = "other"
		if n, ok = c.byName[name]; ok {
			return n
		}
	}
	n = &counts{latency: newHistogram()}
	c.byName[name] = n
	return n
}

func (c *recorder) fail(kind string) {
	if _, ok := c.errors[kind]; !ok && len(c.errors) >= maxNames {
		kind = "other"
	}
	c.errors[kind]++
}

// drop counts intended requests that were never sent.
func (c *recorder) drop(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped += n
}

func (c *recorder) flying(delta int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight += delta
}

func clampMicros(d time.Duration) int64 {
	return min(max(d.Microseconds(), 1), longest.Microseconds())
}

package migrate

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// Why a copy was dropped.
const (
	dropQueue    = "queue_full"
	dropBytes    = "bytes_full"
	dropTimeout  = "timeout"
	dropFailed   = "failed"
	dropShutdown = "shutdown"
)

// lane is the way of one migration's recordings to their copies: a queue bounded by count and bytes,
// and a bound on copies under way. It is safe for concurrent use.
type lane struct {
	name  string
	view  atomic.Pointer[mirrorView]
	rate  limiter
	tally tally
	full  atomic.Bool // the queue has no room, so that Plan need not lock

	mu       sync.Mutex
	queue    []job
	maxQueue int
	bytes    int64 // of recordings that wait or run
	inFlight int   // copies under way
	closed   bool
}

// job is a recording with the copies to send of it.
type job struct {
	rec      *Recorded
	view     *mirrorView
	endpoint string
	asks     []ask
	size     int64
	at       time.Duration // Clock.Mono when it was put into the queue
}

// sampled decides whether an exchange is mirrored at all; that it is not is no drop.
func (l *lane) sampled(v *mirrorView, now time.Duration, random uint64) bool {
	if float64(random>>11)/(1<<53) < v.settings.Percent && l.rate.allow(now, v.settings.MaxRate) {
		return true
	}
	l.tally.notSampled.Add(1)
	return false
}

// push queues a job, or says why it cannot.
func (l *lane) push(j job) (drop string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return dropShutdown
	case len(l.queue) >= l.maxQueue:
		return dropQueue
	case l.bytes+j.size > j.view.settings.MaxBytes:
		return dropBytes
	}
	l.queue = append(l.queue, j)
	l.bytes += j.size
	l.full.Store(len(l.queue) >= l.maxQueue)
	return ""
}

// take starts the next job when its copies fit under the bound; started runs under the lock.
func (l *lane) take(started func()) (job, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return job{}, false
	}
	j := l.queue[0]
	if l.inFlight > 0 && l.inFlight+len(j.asks) > j.view.settings.MaxInFlight {
		return job{}, false
	}
	l.queue[0] = job{}
	if l.queue = l.queue[1:]; len(l.queue) == 0 {
		l.queue = nil // let go of the array that was walked through
	}
	l.inFlight += len(j.asks)
	l.full.Store(false)
	started()
	return j, true
}

// done ends a job.
func (l *lane) done(j *job) {
	l.mu.Lock()
	l.inFlight -= len(j.asks)
	l.bytes -= j.size
	l.mu.Unlock()
}

// close drops what waits and refuses what comes.
func (l *lane) close() {
	l.mu.Lock()
	waiting := int64(len(l.queue))
	for i := range l.queue {
		l.bytes -= l.queue[i].size
	}
	l.queue, l.closed = nil, true
	l.mu.Unlock()
	if waiting > 0 {
		l.tally.drop(dropShutdown, waiting)
	}
}

// load is what waits and runs now.
func (l *lane) load() (queued, inFlight int, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue), l.inFlight, l.bytes
}

// tally counts what became of exchanges since the process began.
type tally struct {
	offered, compared, triples, notSampled atomic.Int64
	lost                                   atomic.Int64 // copies answered, but not comparable

	mu            sync.Mutex
	notComparable map[string]int64
	dropped       map[string]int64
	drops         int64
}

func (t *tally) drop(reason string, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dropped == nil {
		t.dropped = map[string]int64{}
	}
	t.dropped[reason] += n
	t.drops += n
}

func (t *tally) skip(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.notComparable == nil {
		t.notComparable = map[string]int64{}
	}
	t.notComparable[reason]++
}

// copies is what the drops gate holds against each other.
func (t *tally) copies() Copies {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Copies{Attempts: t.compared.Load() + t.lost.Load() + t.drops, Dropped: t.drops}
}

// counts is the tally for people. Its maps are never nil.
func (t *tally) counts() v1.MirrorCounts {
	m := v1.MirrorCounts{
		Offered: t.offered.Load(), Compared: t.compared.Load(), Triples: t.triples.Load(), NotSampled: t.notSampled.Load(),
		NotComparable: map[string]int64{}, Dropped: map[string]int64{},
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, n := range t.notComparable {
		m.NotComparable[k] = n
	}
	for k, n := range t.dropped {
		m.Dropped[k] = n
	}
	return m
}

// triple draws whether a second old answer is asked for; its copy counts against the rate too.
func (l *lane) triple(v *mirrorView, now time.Duration, rng *rand.Rand) bool {
	return rng.Float64() < v.settings.Triples && l.rate.allow(now, v.settings.MaxRate)
}

package migrate

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/evidence"
	"jindu.dev/jindu/internal/migrate/writeset"
)

// lane is the way of one migration's recordings to their copies: a queue bounded by count and bytes,
// and a bound on copies under way. It is safe for concurrent use.
type lane struct {
	name string
	view atomic.Pointer[mirrorView]
	rate limiter

	recorders recorders
	tally     tally
	full      atomic.Bool // the queue has no room, so that Plan need not lock
	// book is where comparisons go, result what the last look at it said; nil where there is none.
	book   atomic.Pointer[evidence.Book]
	result atomic.Pointer[evidence.Result]
	// across and normal are those of Data; nil where no rows are carried.
	across   func(migration string) bool
	normal   func(migration string, old bool, e v1.Effect) v1.Effect
	settings *Settings // that view and book were made from; of the caller of refresh
	broken   error     // why there is no book; likewise

	mu       sync.Mutex
	queue    []job
	maxQueue int
	bytes    int64 // of recordings that wait or run
	inFlight int   // copies under way
	waiting  []*waiting
	closed   bool

	pairs pairs // that differed in what they did
}

// job is a recording with the copies to send of it.
type job struct {
	rec      *Recorded
	view     *mirrorView
	book     *evidence.Book // of the versions that answered
	endpoint string
	asks     []ask
	inTurn   bool // see mirrorPlan
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

// take starts the next job when its copies fit under the bound.
func (l *lane) take() (job, bool) {
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
	return j, true
}

// done ends the copies of a job; one that waits for its effects still weighs.
func (l *lane) done(j *job, waits bool) {
	l.mu.Lock()
	l.inFlight -= len(j.asks)
	if !waits {
		l.bytes -= j.size
	}
	l.mu.Unlock()
}

// wait keeps an observation until what its runs did is known, and says whether there was room.
func (l *lane) wait(w *waiting) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting) >= l.maxQueue {
		return false
	}
	l.waiting = append(l.waiting, w)
	return true
}

// collect compares those that wait and of which everything is known now.
func (l *lane) collect(effects *writeset.Collector, now time.Time) {
	l.mu.Lock()
	list := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	var still []*waiting
	var size int64
	for _, w := range list {
		if w.settled(effects, now) {
			size += w.job.size
			l.conclude(w)
		} else {
			still = append(still, w)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes -= size
	if l.closed {
		l.tally.drop(dropShutdown, int64(len(still)))
		return
	}
	l.waiting = append(still, l.waiting...)
}

// close drops what waits and refuses what comes.
func (l *lane) close() {
	l.mu.Lock()
	waiting := int64(len(l.queue) + len(l.waiting))
	for i := range l.queue {
		l.bytes -= l.queue[i].size
	}
	for _, w := range l.waiting {
		l.bytes -= w.job.size
	}
	l.queue, l.waiting, l.closed = nil, nil, true
	l.mu.Unlock()
	l.tally.drop(dropShutdown, waiting)
}

// load is what waits and runs now.
func (l *lane) load() (queued, inFlight int, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue), l.inFlight, l.bytes
}

// triple draws whether a control is asked for. Its copy counts against the rate too, but is not refused
// by it: then controls would starve first where the rate is short, and pairs without them show little.
func (l *lane) triple(v *mirrorView, rng *rand.Rand) bool {
	if rng.Float64() >= v.settings.Triples {
		return false
	}
	l.rate.charge(v.settings.MaxRate)
	return true
}

// refresh brings view and book in line with the controller's account.
func (l *lane) refresh(t *tracker, at time.Time, maxEndpoints int) {
	st := t.status()
	if t.settings == nil || t.rival != "" || !comparing(st.Phase) || t.sides.usableOld == 0 || t.sides.usableNew == 0 ||
		l.across != nil && t.settings.Spec.Data != nil && !l.across(l.name) {
		l.view.Store(nil) // nobody to ask is no drop: it blocks by itself, and so do rows that are under way
	} else if v := newMirrorView(l.name, t.settings, st.Phase, &t.sides); !v.equal(l.view.Load()) {
		l.view.Store(v)
	}
	if t.settings == nil {
		return
	}
	if b := l.book.Load(); b == nil && (l.broken == nil || l.settings != t.settings) {
		b, l.broken = evidence.NewBook(evidence.Config{
			Compare: t.settings.Spec.Compare, Gates: t.settings.evidenceGates(), Now: at,
			Limits: evidence.Limits{Endpoints: maxEndpoints},
		})
		if l.broken == nil {
			l.book.Store(b)
		}
	} else if b != nil && l.settings != t.settings {
		l.broken = b.Reconfigure(t.settings.Spec.Compare, t.settings.evidenceGates(), at)
	}
	l.settings = t.settings
}

// look looks at the book. Without one there is no evidence.
func (l *lane) look(at time.Time) (v1.Gate, *v1.DifferenceRef) {
	b := l.book.Load()
	if b == nil {
		g := v1.Gate{Name: gateMismatch, Verdict: v1.VerdictNotEnough, Detail: "nothing is compared yet"}
		if l.broken != nil {
			g.Detail = l.broken.Error()
		}
		return g, nil
	}
	r := b.Look(at)
	l.result.Store(&r)
	r.Gate.Name, r.Gate.Verdict = gateMismatch, r.Verdict
	return r.Gate, r.First
}

// settle puts what the copies of a job brought into its book, or has it wait until what they did is known.
func (l *lane) settle(j *job, all []said, effects bool, now time.Time) (waits bool) {
	o, drop := j.observe(all)
	if drop != "" {
		l.tally.drop(drop, 1)
		return false
	}
	if !effects {
		l.conclude(&waiting{job: *j, o: o})
		return false
	}
	w := j.effectsOf(&o, all, now)
	if slices.ContainsFunc(all, said.refused) {
		l.incomparable(w, reasonRefused)
		return false
	}
	if len(w.needs) == 0 {
		l.conclude(w)
		return false
	}
	if !l.wait(w) {
		l.tally.drop(dropQueue, 1)
		return false
	}
	return true
}

// conclude compares an observation of which everything is known.
func (l *lane) conclude(w *waiting) {
	if w.answeredByOld() {
		l.recorders.tell(w.recording)
	}
	if l.normal != nil {
		w.normalize(l.normal)
	}
	if reason := w.judge(); reason != "" {
		l.incomparable(w, reason)
		return
	}
	against, reason := w.job.book.Judge(w.o)
	if reason != "" {
		l.tally.lost.Add(1)
		l.tally.skip(reason)
		return
	}
	l.tally.compared.Add(1)
	if w.o.Old2 != nil || w.o.New2 != nil {
		l.tally.triples.Add(1)
	}
	if v := w.view(against, w.job.book.Rules()); v != nil {
		l.pairs.keep(v)
	}
}

// incomparable counts a pair of which something is missing that the comparison needs.
func (l *lane) incomparable(w *waiting, reason string) {
	w.job.book.NotComparable(w.job.endpoint, reason)
	l.tally.lost.Add(1)
	l.tally.skip(reason)
}

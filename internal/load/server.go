package load

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Interval is the time between two calls of a Watch.
const Interval = 500 * time.Millisecond

// Watch sees a run while it goes on.
type Watch func(Progress)

// Run sends requests until the options' end or until ctx ends, which is no error, and tells what came of
// them. check may be nil: then an answer of 400 and above is an error. watch may be nil. Run closes client.
func Run(ctx context.Context, o Options, client Client, source Source, check Check, watch Watch) (Result, error) {
	if err := o.Validate(); err != nil {
		return Result{}, err
	}
	if check == nil {
		check = StatusCheck
	}
	defer client.Close()
	e := &engine{o: o, client: client, source: source, check: check, rec: newRecorder(), start: time.Now()}
	e.measureFrom = e.start.Add(o.WarmUp)

	watched := make(chan struct{})
	stopWatch := make(chan struct{})
	go func() {
		defer close(watched)
		if watch != nil {
			e.watch(stopWatch, watch)
		}
	}()
	if o.Closed {
		e.closed(ctx)
	} else {
		e.open(ctx)
	}
	took := time.Since(e.measureFrom)
	close(stopWatch)
	<-watched
	return e.rec.result(o, max(took, 0))
}

type engine struct {
	o           Options
	client      Client
	source      Source
	check       Check
	rec         *recorder
	start       time.Time
	measureFrom time.Time
	taken       atomic.Int64 // measured requests of a closed loop
}

// slot is what one request under way needs; reused.
type slot struct {
	req    Request
	resp   Response
	random *rand.Rand
}

func (e *engine) newSlot(i int) *slot {
	return &slot{random: rand.New(rand.NewPCG(e.o.Seed, uint64(i)))}
}

// one sends one request that was meant to begin at intended.
func (e *engine) one(ctx context.Context, s *slot, intended time.Time) {
	s.req.Reset()
	e.source.Next(s.random, &s.req)
	began := time.Now()
	err := e.client.Do(ctx, &s.req, &s.resp)
	ended := time.Now()
	status := s.resp.Status
	if err != nil {
		status = 0
		if ctx.Err() != nil {
			return // cut off by the end of the run: it says nothing about the server
		}
	}
	kind := e.check(&s.req, &s.resp, err)
	if intended.Before(e.measureFrom) {
		return
	}
	e.rec.done(s.req.Name, status, kind, ended.Sub(intended), ended.Sub(began), began.Sub(intended))
}

// StatusCheck takes no answer, and every answer of 400 and above, for an error.
func StatusCheck(_ *Request, resp *Response, err error) string {
	switch {
	case err != nil:
		return ErrorKind(err)
	case resp.Status >= 500:
		return "status_5xx"
	case resp.Status >= 400:
		return "status_4xx"
	}
	return ""
}

// ErrorKind is the word under which an error of a Client is counted.
func ErrorKind(err error) string {
	if k, ok := errors.AsType[KindError](err); ok {
		return k.Kind()
	}
	return "failed"
}

// open runs the open loop: arrivals take a free slot at once, wait in the backlog, or are dropped.
func (e *engine) open(ctx context.Context) {
	flight, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	d := &dispatcher{e: e, ctx: flight, backlog: make([]time.Time, e.o.Backlog)}
	pace := NewPace(e.o.Rate, e.o.Poisson, e.o.Seed)
	timer := time.NewTimer(0)
	defer timer.Stop()
	measured := int64(0)
	for ctx.Err() == nil {
		offset := pace.Next()
		intended := e.start.Add(offset)
		if !intended.Before(e.measureFrom) {
			if e.o.Duration > 0 && offset >= e.o.WarmUp+e.o.Duration || e.o.Count > 0 && measured >= e.o.Count {
				break
			}
			measured++
		}
		if wait := time.Until(intended); wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				d.finish(0, cut)
				return
			case <-timer.C:
			}
		}
		d.arrive(intended)
	}
	grace := time.Duration(0)
	if ctx.Err() == nil {
		grace = longest
	}
	d.finish(grace, cut)
}

// dispatcher hands arrivals to slots.
type dispatcher struct {
	e   *engine
	ctx context.Context
	wg  sync.WaitGroup

	mu      sync.Mutex
	free    []*slot
	made    int
	backlog []time.Time // a ring
	head, n int
}

func (d *dispatcher) arrive(intended time.Time) {
	d.mu.Lock()
	var s *slot
	switch {
	case len(d.free) > 0:
		s = d.free[len(d.free)-1]
		d.free = d.free[:len(d.free)-1]
	case d.made < d.e.o.MaxInFlight:
		s = d.e.newSlot(d.made)
		d.made++
	case d.n < len(d.backlog):
		d.backlog[(d.head+d.n)%len(d.backlog)] = intended
		d.n++
	default:
		if !intended.Before(d.e.measureFrom) {
			d.e.rec.drop(1)
		}
	}
	d.mu.Unlock()
	if s != nil {
		d.e.rec.flying(1)
		d.wg.Go(func() { d.serve(s, intended) })
	}
}

// serve sends a request, and then those that waited for the slot.
func (d *dispatcher) serve(s *slot, intended time.Time) {
	defer d.e.rec.flying(-1)
	for more := true; more; {
		d.e.one(d.ctx, s, intended)
		d.mu.Lock()
		if more = d.n > 0; more {
			intended = d.backlog[d.head]
			d.head = (d.head + 1) % len(d.backlog)
			d.n--
		} else {
			d.free = append(d.free, s)
		}
		d.mu.Unlock()
	}
}

// finish waits for what is under way, at most for grace and a moment, then cuts it off. What still waits
// in the backlog is dropped when there is no grace.
func (d *dispatcher) finish(grace time.Duration, cut func()) {
	if grace == 0 {
		d.mu.Lock()
		for ; d.n > 0; d.n-- {
			if !d.backlog[d.head].Before(d.e.measureFrom) {
				d.e.rec.drop(1)
			}
			d.head = (d.head + 1) % len(d.backlog)
		}
		d.mu.Unlock()
	}
	done := make(chan struct{})
	go func() { d.wg.Wait(); close(done) }()
	timer := time.NewTimer(grace + 500*time.Millisecond)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		cut()
		d.e.client.Close()
		<-done
	}
}

// closed runs the closed loop.
func (e *engine) closed(ctx context.Context) {
	flight, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stop := ctx
	if e.o.Duration > 0 {
		var cancel context.CancelFunc
		stop, cancel = context.WithDeadline(ctx, e.measureFrom.Add(e.o.Duration))
		defer cancel()
	}
	var wg sync.WaitGroup
	for i := range e.o.Concurrency {
		wg.Go(func() {
			s := e.newSlot(i)
			for stop.Err() == nil {
				now := time.Now()
				if !now.Before(e.measureFrom) && e.o.Count > 0 && e.taken.Add(1) > e.o.Count {
					return
				}
				e.rec.flying(1)
				e.one(flight, s, now)
				e.rec.flying(-1)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		timer := time.NewTimer(500 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
			cut()
			e.client.Close()
			<-done
		}
	}
}

func (e *engine) watch(stop <-chan struct{}, watch Watch) {
	tick := time.NewTicker(Interval)
	defer tick.Stop()
	last := Progress{}
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			now := time.Now()
			p := Progress{Elapsed: max(now.Sub(e.measureFrom), 0), Of: e.o.Duration, Count: e.o.Count, WarmUp: now.Before(e.measureFrom)}
			last = e.rec.progress(p, &last)
			watch(last)
		}
	}
}

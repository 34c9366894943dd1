package effects

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
)

// Options say whom to tell. Service is needed; the rest has defaults.
type Options struct {
	// Node is the address of the node's admin API; default http://127.0.0.1:8090.
	Node string
	// Token is a register token for the service. A node on the same machine needs none.
	Token   string
	Service string
	// Queue is how many runs may wait to be told; default 4096. What comes on top is dropped and counted.
	Queue int
	// Client sends the reports; give one to trust a private CA. Default: a client of its own.
	Client *http.Client
	// Log hears of reports that fail and work again; default nobody.
	Log *slog.Logger
}

const (
	gather      = 10 * time.Millisecond // from the first run of a report to its sending
	reportLimit = time.Second           // of one call; a node does not wait for a run much longer
	reportTries = 2
	maxRuns     = 1024 // of one report
	maxReport   = 512 << 10
)

// Reporter sends what runs did to the node, some together. It is safe for concurrent use.
type Reporter struct {
	node *sdk.Node
	path string
	log  *slog.Logger

	mu     sync.RWMutex // holds closed against sends on queue
	closed bool
	queue  chan v1.RunEffects
	done   chan struct{}
	cancel context.CancelFunc

	toldLost                       int64 // only the sender's goroutine uses it
	failing                        bool  // likewise
	told, reports, lost, lateCount atomic.Int64
}

// Stats counts what a Reporter did.
type Stats struct {
	Runs    int64 // told to the node
	Reports int64 // accepted by it
	Lost    int64 // runs dropped, because the queue was full or the node did not take them
	Late    int64 // effects after the handler of their run had returned: they are told nobody
}

// NewReporter starts a reporter. It sends nothing before the first run ends.
func NewReporter(o Options) (*Reporter, error) {
	if o.Service == "" {
		return nil, errors.New("effects: Options.Service is empty: name the service as it is registered")
	}
	if o.Queue < 0 {
		return nil, fmt.Errorf("effects: Options.Queue is %d: say how many runs may wait, or leave it out", o.Queue)
	}
	node, err := sdk.NewNode(sdk.Options{Node: o.Node, Token: o.Token, Client: o.Client})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Reporter{
		node: node, path: "/api/v1/services/" + url.PathEscape(o.Service) + "/effects", log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		queue: make(chan v1.RunEffects, cmp.Or(o.Queue, 4096)), done: make(chan struct{}), cancel: cancel,
	}
	go r.run(ctx)
	return r, nil
}

// Stats is what was done so far.
func (r *Reporter) Stats() Stats {
	return Stats{Runs: r.told.Load(), Reports: r.reports.Load(), Lost: r.lost.Load(), Late: r.lateCount.Load()}
}

// Close tells what waits, within ctx, and ends the reporter. Runs that end later are lost. Calling it
// again waits for the same.
func (r *Reporter) Close(ctx context.Context) error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
	r.mu.Unlock()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		r.cancel()
		<-r.done
		return fmt.Errorf("effects: close: %w", ctx.Err())
	}
}

func (r *Reporter) late() { r.lateCount.Add(1) }

// put never waits.
func (r *Reporter) put(run v1.RunEffects) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.closed {
		select {
		case r.queue <- run:
			return
		default:
		}
	}
	r.lost.Add(1)
}

// run sends until the queue is closed and empty.
func (r *Reporter) run(ctx context.Context) {
	defer close(r.done)
	defer r.cancel()
	for open := true; open; {
		var runs []v1.RunEffects
		if runs, open = r.next(); len(runs) > 0 {
			r.send(ctx, runs)
		}
	}
}

// next waits for a run and gathers what ends soon after; open is false when there will be no more.
func (r *Reporter) next() (runs []v1.RunEffects, open bool) {
	first, open := <-r.queue
	if !open {
		return nil, false
	}
	runs = append(runs, first)
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for size := sizeOfRun(&first); len(runs) < maxRuns && size < maxReport; {
		select {
		case next, open := <-r.queue:
			if !open {
				return runs, false
			}
			runs, size = append(runs, next), size+sizeOfRun(&next)
		case <-timer.C:
			return runs, true
		}
	}
	return runs, true
}

func sizeOfRun(run *v1.RunEffects) int {
	n := 64
	for i := range run.Effects {
		n += sizeOf(&run.Effects[i])
	}
	return n
}

// send tells the node. What it does not take soon comes too late to be compared, so it is given up.
func (r *Reporter) send(ctx context.Context, runs []v1.RunEffects) {
	lost := r.lost.Load()
	report := v1.EffectReport{Runs: runs, Lost: lost - r.toldLost}
	var err error
	for range reportTries {
		if err = r.post(ctx, report); err == nil || lasting(err) || ctx.Err() != nil {
			break
		}
	}
	switch {
	case err != nil:
		r.lost.Add(int64(len(runs)))
		if !r.failing {
			r.log.Warn("report of effects failed", "runs", len(runs), "error", err)
		}
	default:
		r.toldLost = lost
		r.told.Add(int64(len(runs)))
		r.reports.Add(1)
		if r.failing {
			r.log.Info("report of effects works again", "lost", lost)
		}
	}
	r.failing = err != nil
}

func (r *Reporter) post(ctx context.Context, report v1.EffectReport) error {
	ctx, cancel := context.WithTimeout(ctx, reportLimit)
	defer cancel()
	return r.node.Post(ctx, r.path, report, nil)
}

// lasting says that trying again will not help.
func lasting(err error) bool {
	e, ok := errors.AsType[*sdk.Error](err)
	return ok && e.Problem.Status < 500 && e.Problem.Status != http.StatusTooManyRequests
}

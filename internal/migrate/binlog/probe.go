package binlog

import (
	"context"
	"sync"
	"time"
)

// probe is a look at the server: everything committed before at is before pos in the log.
type probe struct {
	at  time.Time
	pos position
}

// maxProbes bounds those that wait for a stream that is behind; beyond it every second one goes.
const maxProbes = 512

// Times between probes: while transactions of ours come, and else.
const (
	probeBusy = 25 * time.Millisecond
	probeIdle = 150 * time.Millisecond
)

// probes looks at the server beside the stream.
type probes struct {
	mu   sync.Mutex
	list []probe
	err  error
	busy bool
	done chan struct{}
}

// run looks until ctx ends or a look fails; failed is called then.
func (p *probes) run(ctx context.Context, srv server, c *conn, failed func()) {
	defer close(p.done)
	for {
		pos, at, err := srv.end(c)
		p.mu.Lock()
		if err != nil {
			p.err = err
			p.mu.Unlock()
			failed()
			return
		}
		if len(p.list) >= maxProbes {
			kept := p.list[:0]
			for i := 1; i < len(p.list); i += 2 {
				kept = append(kept, p.list[i])
			}
			p.list = kept
		}
		p.list = append(p.list, probe{at, pos})
		wait := probeIdle
		if p.busy {
			wait, p.busy = probeBusy, false
		}
		p.mu.Unlock()
		if !sleep(ctx, wait) {
			return
		}
	}
}

// take drops the probes whose place the stream has reached, and tells the time of the last of them.
func (p *probes) take(at position, busy bool) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy = p.busy || busy
	n := 0
	for n < len(p.list) && at.reached(p.list[n].pos) {
		n++
	}
	if n == 0 {
		return time.Time{}, false
	}
	t := p.list[n-1].at
	p.list = append(p.list[:0], p.list[n:]...)
	return t, true
}

func (p *probes) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

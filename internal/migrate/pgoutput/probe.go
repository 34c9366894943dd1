package pgoutput

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// probe is a look at the server: everything committed before at is before pos in the log.
type probe struct {
	at  time.Time
	pos lsn
}

// maxProbes bounds those that wait for a stream that is behind; beyond it every second one goes.
const maxProbes = 512

// Times between probes: while transactions of ours come, and else.
const (
	probeBusy = 50 * time.Millisecond
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
func (p *probes) run(ctx context.Context, srv server, c *pgconn.PgConn, failed func()) {
	defer close(p.done)
	for {
		one, err := look(ctx, srv, c)
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
		p.list = append(p.list, one)
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

// look asks for the time first: what commits between the two is then behind the time.
func look(ctx context.Context, srv server, c *pgconn.PgConn) (probe, error) {
	r, err := query(ctx, c, "WITH t AS MATERIALIZED (SELECT (extract(epoch FROM clock_timestamp())*1000000)::bigint AS at) SELECT at, pg_current_wal_insert_lsn() FROM t")
	if err != nil {
		return probe{}, err
	}
	at, err := strconv.ParseInt(r[0][0], 10, 64)
	if err != nil {
		return probe{}, fmt.Errorf("the server's clock: %w", err)
	}
	pos, err := parsePosition(dataPosition(r[0][1]))
	return probe{time.UnixMicro(at).UTC(), pos.whole(srv.segment)}, err
}

// take drops the probes whose place the stream has reached, and tells the time of the last of them.
func (p *probes) take(at lsn) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.list) && at >= p.list[n].pos {
		n++
	}
	if n == 0 {
		return time.Time{}, false
	}
	t := p.list[n-1].at
	p.list = append(p.list[:0], p.list[n:]...)
	return t, true
}

// hurry says whether transactions come.
func (p *probes) hurry(busy bool) {
	p.mu.Lock()
	p.busy = p.busy || busy
	p.mu.Unlock()
}

func (p *probes) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

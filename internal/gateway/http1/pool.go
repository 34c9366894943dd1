package http1

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"jindu.dev/jindu/internal/gateway"
)

var (
	errStale    = errors.New("the connection was closed while it was idle")
	errDesync   = errors.New("the connection has bytes that belong to no answer")
	errPoolFull = errors.New("as many connections as the instance may have")
)

// upConn is a connection to an instance. One goroutine uses it at a time.
type upConn struct {
	nc    net.Conn
	raw   syscall.RawConn
	idle  int64 // since when, nanoseconds of the gateway's clock
	used  bool  // answered before
	turnF func(fd uintptr) bool

	// State of a turn.
	out, in []byte
	stage   uint8
	wrote   int
	n       int
	err     error
}

const (
	turnWrite = iota
	turnRead
)

func newUpConn(nc net.Conn) *upConn {
	u := &upConn{nc: nc, raw: rawConn(nc)}
	u.turnF = u.step
	return u
}

// turn writes out and reads the first bytes of the answer into in. wrote tells how much of out left.
// The connection is looked at first: errStale and errDesync mean that nothing was written.
//
// It is one wait of the runtime's poller: look, write, wait, read. The look finds the socket empty, so
// there is no read that would only find it empty again.
func (u *upConn) turn(out, in []byte) (n int, err error) {
	u.out, u.in, u.stage, u.wrote, u.n, u.err = out, in, turnWrite, 0, 0, nil
	if u.raw == nil {
		if u.wrote, err = u.nc.Write(out); err != nil {
			return 0, err
		}
		return u.nc.Read(in)
	}
	err = u.raw.Read(u.turnF)
	u.out, u.in = nil, nil
	switch {
	case u.err != nil:
		return 0, u.err
	case err != nil:
		return 0, err
	case u.wrote < len(out): // the socket's buffer is full: wait for it
		m, err := u.nc.Write(out[u.wrote:])
		if u.wrote += m; err != nil {
			return 0, err
		}
		return u.nc.Read(in)
	}
	return u.n, nil
}

func (u *upConn) step(fd uintptr) bool {
	if u.stage == turnWrite {
		if u.err = sysPeek(fd); u.err != nil {
			return true
		}
		if u.wrote, u.err = sysWrite(fd, u.out); u.err != nil || u.wrote < len(u.out) {
			return true
		}
		u.stage = turnRead
		return false
	}
	var ready bool
	u.n, ready, u.err = sysRead(fd, u.in)
	return ready
}

// pool keeps the connections to one upstream, the last used first, so that the rest grow old and go.
type pool struct {
	gw   *gateway.Gateway
	up   *gateway.Upstream
	mu   sync.Mutex
	free []*upConn
	open int
	shut bool
}

// get takes an idle connection or dials one. An idle one may turn out stale when it is used.
func (p *pool) get(ctx context.Context) (*upConn, error) {
	p.mu.Lock()
	if n := len(p.free); n > 0 {
		u := p.free[n-1]
		p.free[n-1] = nil
		p.free = p.free[:n-1]
		p.mu.Unlock()
		return u, nil
	}
	if p.open >= p.up.MaxConnections() {
		p.mu.Unlock()
		return nil, errPoolFull
	}
	p.open++
	p.mu.Unlock()

	p.gw.Events.UpstreamDials.Add(1)
	d := net.Dialer{Timeout: p.up.ConnectTimeout(), KeepAlive: 30 * time.Second}
	nc, err := d.DialContext(ctx, "tcp", p.up.Address)
	if err != nil {
		p.mu.Lock()
		p.open--
		p.mu.Unlock()
		return nil, err
	}
	return newUpConn(nc), nil
}

// put gives a connection back after an answer that was read to its end.
func (p *pool) put(u *upConn, now int64, keep int) {
	u.idle, u.used = now, true
	p.mu.Lock()
	if p.shut || len(p.free) >= keep {
		p.mu.Unlock()
		p.discard(u)
		return
	}
	p.free = append(p.free, u)
	p.mu.Unlock()
}

// discard closes a connection that must not be used again.
func (p *pool) discard(u *upConn) {
	_ = u.nc.Close()
	p.mu.Lock()
	p.open--
	p.mu.Unlock()
}

// sweep closes what was idle for too long or was closed by the instance.
func (p *pool) sweep(now int64, timeout time.Duration) {
	p.mu.Lock()
	var gone []*upConn
	kept := p.free[:0]
	for _, u := range p.free {
		if now-u.idle > int64(timeout) || peek(u.raw) != nil {
			gone = append(gone, u)
		} else {
			kept = append(kept, u)
		}
	}
	clear(p.free[len(kept):])
	p.free = kept
	p.open -= len(gone)
	p.mu.Unlock()
	for _, u := range gone {
		_ = u.nc.Close()
	}
}

// Close closes what is idle, and what is in use as it comes back.
func (p *pool) Close() {
	p.mu.Lock()
	free := p.free
	p.free, p.shut = nil, true
	p.open -= len(free)
	p.mu.Unlock()
	for _, u := range free {
		_ = u.nc.Close()
	}
}

// eof says that a read ended because the peer closed in order.
func eof(err error) bool { return errors.Is(err, io.EOF) }

func (p *pool) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shut && p.open == 0
}

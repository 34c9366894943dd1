package effects

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	v1 "jindu.dev/jindu/api/v1"
)

// Session is one connection of a client, as the protocol sees it.
//
//	accept ─► Serve: [StartTLS] ─► Dial ─► login ─► LoggedIn ─► Rest ─► read an operation ─► Work ─► relay ─► Rest ...
//
// A protocol calls Rest before it waits for the client's next operation while nothing is held open on the
// client's behalf (no transaction, no half-sent operation), and Work when the first byte of one is there;
// resting sessions are ended first when the process stops. Its methods, but for what is said otherwise, are
// for the goroutine of Serve.
type Session struct {
	Client net.Conn // the client's connection; of TLS after StartTLS
	Rule   Proxy    // how the proxy is configured, defaults filled in
	Log    *slog.Logger

	server *Server
	ctx    context.Context
	cancel context.CancelFunc
	began  int64
	login  atomic.Bool // under way
	run    string      // that something is held for; guarded by Server.mu
	over   atomic.Bool
	state  atomic.Int32

	mu     sync.Mutex
	conns  []*conn
	closed bool
}

// States of a session.
const (
	working int32 = iota
	resting
	ended
)

func newSession(s *Server, nc net.Conn) *Session {
	se := &Session{Rule: s.cfg, Log: s.log, server: s, began: s.clock.Load()}
	se.login.Store(true)
	se.ctx, se.cancel = context.WithCancel(s.ctx)
	c := &conn{Conn: nc, clock: &s.clock}
	se.Client, se.conns = c, []*conn{c}
	return se
}

// Name is the name of the proxy, for messages to clients.
func (s *Session) Name() string { return s.server.name }

// Remote is the client's address.
func (s *Session) Remote() net.Addr { return s.conns[0].RemoteAddr() }

// Events are the counters of the proxy.
func (s *Session) Events() *Events { return &s.server.Events }

// HasTLS says that the proxy has a certificate: the client must then begin TLS before it logs in. A
// protocol that negotiates TLS calls StartTLS when the client asks and refuses a client that goes on
// without; one that has no words for it calls StartTLS first of all.
func (s *Session) HasTLS() bool { return s.server.tls != nil }

// StartTLS makes the client's connection one of TLS. first are bytes that were read from it already and
// belong to TLS.
func (s *Session) StartTLS(first []byte) error {
	if s.server.tls == nil {
		return errors.New("the proxy has no certificate")
	}
	t := tls.Server(&early{Conn: s.Client, first: first}, s.server.tls)
	if err := t.HandshakeContext(s.ctx); err != nil {
		return err
	}
	s.Client = t
	return nil
}

// Dial opens a connection to the database; a protocol may open several. It is closed with the session at
// the latest. The error is a *kind.Error that says what to do.
func (s *Session) Dial() (net.Conn, error) {
	nc, err := s.server.dial(s.ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, clock: &s.server.clock}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = nc.Close()
		return nil, net.ErrClosed
	}
	s.conns = append(s.conns, c)
	return c, nil
}

// LoggedIn ends the limit of time for the login.
func (s *Session) LoggedIn() { s.login.Store(false) }

// Rest says that the session waits for the client's next operation and holds nothing open.
func (s *Session) Rest() {
	s.state.CompareAndSwap(working, resting)
	if s.server.draining.Load() {
		s.endIfResting()
	}
}

// Work says that an operation of the client has begun. It is false when the session was ended meanwhile.
func (s *Session) Work() bool {
	return s.state.CompareAndSwap(resting, working) || s.state.Load() == working
}

// Holds says that the session holds something open for a run until the run is over: locks, that nobody else
// should wait for longer than need be. "" says that it holds nothing any more.
func (s *Session) Holds(run string) { s.server.holds(s, run) }

// Over says that the run is over which the session holds something for. A read of the client's connection that
// waits then fails with a timeout.
func (s *Session) Over() bool { return s.over.Load() }

// Stopping says that the process ends: a protocol may close the connection at the next good moment.
func (s *Session) Stopping() bool { return s.server.draining.Load() }

// Record tells the recorder one effect of a run.
func (s *Session) Record(m v1.Mark, e v1.Effect) {
	s.server.Events.Recorded.Add(1)
	s.server.rec.Record(s.server.Capture(), m, e)
}

// Unattributed counts a write without a mark that was let through.
func (s *Session) Unattributed() {
	s.server.Events.Unattributed.Add(1)
	s.server.rec.Unattributed(s.server.Capture())
}

// Refused counts a write that was not let out. When it carried a mark, e is recorded with fate refused.
func (s *Session) Refused(m v1.Mark, e v1.Effect) {
	s.server.Events.Refused.Add(1)
	s.server.rec.Refused(s.server.Capture())
	if m.Run != "" {
		e.Fate = "refused"
		s.Record(m, e)
	}
}

// inspect ends the session when something of it takes too long.
func (s *Session) inspect(now int64, draining bool) {
	if draining {
		s.endIfResting()
	}
	if s.login.Load() && now-s.began > int64(s.server.Limits.Login) {
		s.server.Events.LoginsTimedOut.Add(1)
		s.kill()
		return
	}
	s.mu.Lock()
	stalled := false
	for _, c := range s.conns {
		if since := c.writing.Load(); since != 0 && now-since > int64(s.server.Limits.Stall) {
			stalled = true
		}
	}
	s.mu.Unlock()
	if stalled {
		s.server.Events.Stalled.Add(1)
		s.kill()
	}
}

func (s *Session) endIfResting() {
	if s.state.CompareAndSwap(resting, ended) {
		s.kill()
	}
}

// kill closes every connection of the session. It may be called from anywhere, more than once.
func (s *Session) kill() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, c := range s.conns {
		_ = c.Close()
	}
}

// conn notes when a write began, so that one that stalls is found without a timer for each.
type conn struct {
	net.Conn
	clock   *atomic.Int64
	writing atomic.Int64
}

func (c *conn) Write(b []byte) (int, error) {
	c.writing.Store(c.clock.Load())
	n, err := c.Conn.Write(b)
	c.writing.Store(0)
	return n, err
}

// CloseWrite tells the peer that nothing more comes, where the connection can.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// early gives back bytes that were read before TLS began.
type early struct {
	net.Conn
	first []byte
}

func (e *early) Read(b []byte) (int, error) {
	if len(e.first) > 0 {
		n := copy(b, e.first)
		e.first = e.first[n:]
		return n, nil
	}
	return e.Conn.Read(b)
}

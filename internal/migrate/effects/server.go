package effects

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/listen"
)

// Protocol speaks the protocol of one kind of database. One value serves all connections of a proxy, at the
// same time.
type Protocol interface {
	// Serve relays one connection of a client until either side ends it. It returns nil when the
	// connection ended in order, a *kind.Error when something ended it that an operator should hear of
	// (it is logged and counted), and any other error for what networks do. Session closes what it
	// handed out when Serve returns, so Serve need not.
	//
	// ctx ends when the connection is cut: reads and writes of the session fail then by themselves.
	Serve(ctx context.Context, s *Session) error
}

// Limits are the limits of time and tests shorten them.
type Limits struct {
	Dial  time.Duration // to open a connection to the database
	Login time.Duration // from accepting a client until Session.LoggedIn
	Stall time.Duration // a write that the peer takes no byte of
	Drain time.Duration // at the end of the process, sessions at work may go on for this long
	Tick  time.Duration // how often they are looked at
}

// DefaultLimits are the limits in production.
func DefaultLimits() Limits {
	return Limits{Dial: 5 * time.Second, Login: 15 * time.Second, Stall: 60 * time.Second, Drain: 10 * time.Second, Tick: 250 * time.Millisecond}
}

// Server is one proxy: it accepts, bounds and counts connections and hands each to the protocol. It is a
// run.Part.
type Server struct {
	Limits Limits // may be changed before Run
	Events Events

	name     string
	cfg      Proxy
	protocol Protocol
	rec      Recorder
	log      *slog.Logger
	tls      *tls.Config

	ctx      context.Context // of sessions; ends when they are cut
	cut      context.CancelFunc
	draining atomic.Bool
	clock    atomic.Int64 // nanoseconds since start, as of the last tick; never 0
	start    time.Time

	mu       sync.Mutex
	sessions map[*Session]struct{}
	holders  map[string][]*Session // by run
	addr     net.Addr
	wg       sync.WaitGroup
}

// New makes the proxy called name. cfg has been validated; log may carry attributes of the node.
func New(name string, cfg Proxy, p Protocol, rec Recorder, log *slog.Logger) *Server {
	s := &Server{Limits: DefaultLimits(), name: name, cfg: cfg.withDefaults(), protocol: p, rec: rec,
		log: log.With("proxy", name), sessions: map[*Session]struct{}{}, holders: map[string][]*Session{}}
	s.ctx, s.cut = context.WithCancel(context.Background())
	return s
}

// Name is effects.NAME.
func (s *Server) Name() string { return "effects." + s.name }

// Capture is how effects name the proxy: proxy:NAME.
func (s *Server) Capture() string { return "proxy:" + s.name }

// Addr is where the proxy listens, nil before Run called ready.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Run serves until ctx ends. Then it accepts no more, ends sessions as soon as they rest, and cuts what is
// left when Limits.Drain is over.
func (s *Server) Run(ctx context.Context, ready func()) error {
	defer s.cut()
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer stop()
	if s.cfg.Cert != "" {
		files, err := listen.NewTLS(listen.Files{Cert: s.cfg.Cert, Key: s.cfg.Key}, time.Minute, func(err error) {
			if err != nil {
				s.log.Error("certificate is not taken, the one before stays", "error", err)
			}
		})
		if err != nil {
			return err
		}
		s.tls = files.Config()
		helpers.Go(func() { _ = files.Run(background, func() {}) })
	}
	ln, err := listen.TCP(ctx, "effects.proxies."+s.name+".listen", s.cfg.Listen)
	if err != nil {
		return err
	}
	s.start = time.Now()
	s.clock.Store(1)
	s.mu.Lock()
	s.addr = ln.Addr()
	s.mu.Unlock()
	var accepts sync.WaitGroup
	accepts.Go(func() { s.accept(ln) })
	helpers.Go(func() { s.janitor(background) })
	ready()
	<-ctx.Done()

	s.draining.Store(true)
	_ = ln.Close()
	accepts.Wait()
	s.drain()
	return nil
}

// accept takes connections until the listener is closed.
func (s *Server) accept(ln net.Listener) {
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of descriptors, most likely: wait for some to come back.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log.Warn("accept failed", "error", err, "pause", pause)
			select {
			case <-time.After(pause):
			case <-s.ctx.Done():
			}
			continue
		}
		pause = 0
		s.Events.Connections.Add(1)
		s.mu.Lock()
		full := len(s.sessions) >= s.cfg.MaxConns
		var session *Session
		if !full {
			session = newSession(s, nc)
			s.sessions[session] = struct{}{}
		}
		s.mu.Unlock()
		if full {
			s.Events.ConnectionsRefused.Add(1)
			_ = nc.Close()
			continue
		}
		s.wg.Go(func() { s.serve(session) })
	}
}

func (s *Server) serve(session *Session) {
	err := s.protocol.Serve(session.ctx, session)
	session.kill()
	s.holds(session, "")
	s.mu.Lock()
	delete(s.sessions, session)
	s.mu.Unlock()
	if e, ok := errors.AsType[*kind.Error](err); ok {
		s.Events.Failed.Add(1)
		s.log.Warn("connection ended", "client", session.Remote(), "error", e)
	} else if err != nil && !Ordinary(err) {
		s.log.Debug("connection ended", "client", session.Remote(), "error", err)
	}
}

// Ordinary says whether err is how connections end every day: a peer left, or this side closed.
func Ordinary(err error) bool {
	return err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, context.Canceled)
}

// holds notes for which run a session holds something.
func (s *Server) holds(session *Session, run string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session.run == run {
		return
	}
	if left := slices.DeleteFunc(s.holders[session.run], func(o *Session) bool { return o == session }); len(left) > 0 {
		s.holders[session.run] = left
	} else {
		delete(s.holders, session.run)
	}
	session.over.Store(false)
	if session.run = run; run != "" {
		s.holders[run] = append(s.holders[run], session)
	}
}

// EndRun says that a run is over: what its sessions hold is let go at once, not when it has been idle for long.
func (s *Server) EndRun(run string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, session := range s.holders[run] {
		session.over.Store(true)
		_ = session.Client.SetReadDeadline(time.Unix(1, 0)) // one that is gone holds nothing
	}
}

// janitor ends what takes too long, and resting sessions when the process ends.
func (s *Server) janitor(ctx context.Context) {
	t := time.NewTicker(s.Limits.Tick)
	defer t.Stop()
	var all []*Session
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := int64(time.Since(s.start)) + 1
		s.clock.Store(now)
		s.mu.Lock()
		all = all[:0]
		for session := range s.sessions {
			all = append(all, session)
		}
		s.mu.Unlock()
		draining := s.draining.Load()
		for _, session := range all {
			session.inspect(now, draining)
		}
		clear(all)
	}
}

// drain waits for sessions at work, then cuts the rest.
func (s *Server) drain() {
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	s.each((*Session).endIfResting)
	limit := time.NewTimer(s.Limits.Drain)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		s.cut()
		s.each((*Session).kill)
		<-done
	}
}

func (s *Server) each(f func(*Session)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session := range s.sessions {
		f(session)
	}
}

// dial opens a connection to the database.
func (s *Server) dial(ctx context.Context) (net.Conn, error) {
	network := "tcp"
	if strings.HasPrefix(s.cfg.Upstream, "/") {
		network = "unix"
	}
	d := net.Dialer{Timeout: s.Limits.Dial, KeepAlive: 30 * time.Second}
	nc, err := d.DialContext(ctx, network, s.cfg.Upstream)
	if err != nil {
		s.Events.DialFailed.Add(1)
		return nil, kind.New(kind.Unavailable, "JD-EFFECTS-002", "proxy %s cannot reach the database at effects.proxies.%s.upstream %s; see that it runs and listens there: %w",
			s.name, s.name, s.cfg.Upstream, err)
	}
	return nc, nil
}

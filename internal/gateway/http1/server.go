package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/kit/listen"
)

// Options are what the node hands to the driver.
type Options struct {
	// TLS makes the gateway's listener speak TLS; nil for plain HTTP. Only http/1.1 is offered.
	TLS *tls.Config
	// Listen opens a listener for the setting key; nil: a new socket. A node that is started with its
	// sockets open hands those out here.
	Listen func(ctx context.Context, key, address string) (net.Listener, error)
}

// Server is the gateway's HTTP/1.1 listener, and the one for copies from another proxy. It is a
// run.Part.
type Server struct {
	gw      *gateway.Gateway
	cfg     gateway.Config
	limits  limits
	opts    Options
	works   workPool
	client  *Client // for RequestMirror filters
	mirrors chan mirrorJob

	ctx      context.Context // of dials; ends when the server is cut
	cut      context.CancelFunc
	draining atomic.Bool
	coarse   atomic.Int64 // the gateway's clock at the last tick

	mu      sync.Mutex
	conns   map[*conn]struct{}
	pools   []*pool
	addr    net.Addr
	observe net.Addr
	wg      sync.WaitGroup
}

// NewServer makes the driver of gw. cfg is the configuration that gw was made with.
func NewServer(gw *gateway.Gateway, cfg gateway.Config, opts Options) *Server {
	s := &Server{gw: gw, cfg: cfg, opts: opts, conns: map[*conn]struct{}{}, mirrors: make(chan mirrorJob, mirrorQueue),
		client: NewClient(ClientConfig{})}
	s.limits = limits{head: cfg.Limits.HeadBytes, target: cfg.Limits.TargetBytes, fields: cfg.Limits.HeaderFields}
	if opts.TLS != nil {
		s.opts.TLS = opts.TLS.Clone()
		s.opts.TLS.NextProtos = []string{"http/1.1"}
	}
	if s.opts.Listen == nil {
		s.opts.Listen = listen.TCP
	}
	s.ctx, s.cut = context.WithCancel(context.Background())
	gw.Attach(s.newPool)
	return s
}

func (s *Server) newPool(u *gateway.Upstream) gateway.Conns {
	p := &pool{gw: s.gw, up: u}
	s.mu.Lock()
	s.pools = append(s.pools, p)
	s.mu.Unlock()
	return p
}

// Name is "gateway".
func (s *Server) Name() string { return "gateway" }

// Addr is where the gateway listens, nil before Run called ready.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// ObserveAddr is where copies are taken, nil without such a listener.
func (s *Server) ObserveAddr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.observe
}

// Run serves until ctx ends. Then it stops accepting, lets requests in flight finish for as long as
// the configuration says, and closes what is left.
func (s *Server) Run(ctx context.Context, ready func()) error {
	ln, err := s.opts.Listen(ctx, "gateway.listen", s.cfg.Listen)
	if err != nil {
		return err
	}
	var observe net.Listener
	if s.cfg.Observe != "" {
		if observe, err = s.opts.Listen(ctx, "gateway.observe", s.cfg.Observe); err != nil {
			_ = ln.Close()
			return err
		}
	}
	s.mu.Lock()
	s.addr = ln.Addr()
	if observe != nil {
		s.observe = observe.Addr()
	}
	s.mu.Unlock()

	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers, accepts sync.WaitGroup
	helpers.Go(func() { s.gw.Run(background) })
	helpers.Go(func() { s.janitor(background) })
	for range mirrorWorkers {
		helpers.Go(func() { s.mirrorLoop(background) })
	}
	accepts.Go(func() { s.accept(ln, false) })
	if observe != nil {
		accepts.Go(func() { s.accept(observe, true) })
	}
	ready()
	<-ctx.Done()

	s.draining.Store(true)
	_ = ln.Close()
	if observe != nil {
		_ = observe.Close()
	}
	accepts.Wait()
	s.drain()
	stop()
	helpers.Wait()
	s.client.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pools {
		p.Close()
	}
	return nil
}

// accept takes connections until the listener is closed.
func (s *Server) accept(ln net.Listener, observe bool) {
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of descriptors, most likely: wait for some to come back.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.gw.Log().Warn("accept failed", "error", err, "pause", pause)
			select {
			case <-time.After(pause):
			case <-s.ctx.Done():
			}
			continue
		}
		pause = 0
		if s.gw.Opened() > int64(s.cfg.Limits.Connections) {
			s.gw.Closed()
			s.gw.Events.ConnectionsRefused.Add(1)
			_ = nc.Close()
			continue
		}
		if s.opts.TLS != nil && !observe {
			nc = tls.Server(nc, s.opts.TLS)
		}
		c := newConn(s, nc, observe)
		s.mu.Lock()
		s.conns[c] = struct{}{}
		s.mu.Unlock()
		s.wg.Go(c.serve)
	}
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.gw.Closed()
}

// drain waits for requests in flight, then cuts the rest.
func (s *Server) drain() {
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	limit := time.NewTimer(s.cfg.Timeouts.Drain)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
		s.cut()
		s.mu.Lock()
		for c := range s.conns {
			c.kill()
		}
		s.mu.Unlock()
		<-done
	}
	s.cut()
}

const (
	tick       = 25 * time.Millisecond
	sweepEvery = time.Second
	// A client is looked at when its request has waited this long for the service, and again after as
	// long as it has waited.
	lookAfter = 100 * time.Millisecond
)

// janitor fires deadlines, notices clients that left, and closes idle connections.
func (s *Server) janitor(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	var conns []*conn
	var swept int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := s.gw.Clock(s.gw.Now())
		s.coarse.Store(now)
		s.mu.Lock()
		conns = conns[:0]
		for c := range s.conns {
			conns = append(conns, c)
		}
		pools := s.pools
		s.mu.Unlock()
		draining := s.draining.Load()
		for _, c := range conns {
			c.inspect(now, draining)
		}
		clear(conns)
		if now-swept > int64(sweepEvery) {
			swept = now
			timeout := s.gw.Load().Upstream.IdleTimeout
			for _, p := range pools {
				p.sweep(now, timeout)
			}
			s.client.sweep()
			s.dropShut()
		}
	}
}

// dropShut forgets pools of upstreams that are gone.
func (s *Server) dropShut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.pools[:0:0]
	for _, p := range s.pools {
		if !p.gone() {
			kept = append(kept, p)
		}
	}
	s.pools = kept
}

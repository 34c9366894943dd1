package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"jindu.dev/jindu/internal/kit/listen"
)

// ServerConfig is what a Server needs.
type ServerConfig struct {
	Name  string        // of the part
	Addr  string        // such as 127.0.0.1:8090
	Key   string        // configuration key that Addr is from, for errors
	TLS   *tls.Config   // nil: plain HTTP
	Drain time.Duration // how long requests in flight may finish; default 5s
	Log   *slog.Logger  // nil: discarded
}

// Server serves a handler on a listener of its own. It is a run.Part.
type Server struct {
	config  ServerConfig
	handler http.Handler
	addr    atomic.Pointer[net.Addr]
}

// NewServer makes a Server; nothing is opened before Run.
func NewServer(config ServerConfig, handler http.Handler) *Server {
	if config.Drain == 0 {
		config.Drain = 5 * time.Second
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{config: config, handler: handler}
}

// Name is the part's name.
func (s *Server) Name() string { return s.config.Name }

// Addr is where it listens, once it is ready; nil before.
func (s *Server) Addr() net.Addr {
	if a := s.addr.Load(); a != nil {
		return *a
	}
	return nil
}

type drainKey struct{}

// Draining is closed when the server that the request came through begins to stop; streams end then.
// It is nil, and blocks for ever, outside a Server.
func Draining(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(drainKey{}).(<-chan struct{})
	return c
}

// Run listens and serves until ctx ends. Then it stops accepting, ends the streams, lets requests in
// flight finish, and closes what is left.
func (s *Server) Run(ctx context.Context, ready func()) error {
	l, err := listen.TCP(ctx, s.config.Key, s.config.Addr)
	if err != nil {
		return err
	}
	addr := l.Addr()
	s.addr.Store(&addr)
	if s.config.TLS != nil {
		l = tls.NewListener(l, s.config.TLS)
	}
	drain := make(chan struct{})
	var draining <-chan struct{} = drain
	base := context.WithValue(context.WithoutCancel(ctx), drainKey{}, draining)
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	ready()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	close(drain)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Drain)
	defer cancel()
	err = server.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if ended := <-served; err == nil && !errors.Is(ended, http.ErrServerClosed) {
		err = ended
	}
	if err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

package order

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"jindu.dev/jindu/sdk"
)

// Config says where the service runs and what it is.
type Config struct {
	Listen   string // such as 127.0.0.1:7003
	Store    string // URL of the store
	Register string // URL of Jindu's admin API; empty: stay unknown
	Runtime  string // registered: what a migration's subsets select by
	Version  string // likewise
	// Wrap may change the handler; nil: as it is.
	Wrap func(http.Handler) http.Handler
}

// Serve runs the service until ctx ends, then lets requests in flight finish. ready gets the address.
func Serve(ctx context.Context, c Config, ready func(address string)) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	handler := New(c.Store, time.Now).Handler()
	if c.Wrap != nil {
		handler = c.Wrap(handler)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	if c.Register != "" {
		// It takes requests now, so it may be given some. Copies of unsafe requests are welcome: they are dry runs.
		instance, err := sdk.Register(ctx, sdk.Options{
			Node: c.Register, Service: "orders", IP: l.Addr().(*net.TCPAddr).IP.String(), Port: l.Addr().(*net.TCPAddr).Port,
			Metadata: map[string]string{"runtime": c.Runtime, "version": c.Version, "shadow-safe": "true"},
		})
		if err != nil {
			return errors.Join(err, server.Close())
		}
		defer leave(ctx, instance)
	}
	ready(l.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(stop)
}

// leave takes the instance out. When Jindu is gone already, its lease ends by itself.
func leave(ctx context.Context, instance *sdk.Registration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = instance.Close(ctx)
}

package sdk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// Options say what to register and where. Service and Port are needed; the rest has defaults.
type Options struct {
	// Node is the address of the node's admin API; default http://127.0.0.1:8090.
	Node string
	// Token is a register token for the service. A node on the same machine needs none.
	Token string

	Service string
	// IP is the address of this instance; default the one that the node sees the call come from.
	IP   string
	Port int
	// Weight is the share of traffic relative to the other instances; default 100.
	Weight *int
	// Metadata is what selectors match. runtime (such as go1.26) and arch (such as amd64) are set when
	// they are absent.
	Metadata map[string]string
	// TTL is how long the instance is held for alive without a heartbeat; default 15s.
	TTL time.Duration

	// Client sends the calls; give one to trust a private CA. Default: a client of its own.
	Client *http.Client
	// Log hears of heartbeats that fail and work again; default nobody.
	Log *slog.Logger
}

const (
	callLimit  = 5 * time.Second        // of one call
	leastPause = 200 * time.Millisecond // between two calls
	closeTries = 3
)

// Registration keeps an instance registered until Close.
type Registration struct {
	client *client
	body   v1.Registration
	log    *slog.Logger
	stop   context.CancelFunc
	done   chan struct{}
	once   sync.Once
	closed error

	mu    sync.Mutex
	lease v1.Lease
	err   error
}

// Register registers an instance and keeps its lease alive in the background. It tries until the
// instance is registered, the node says that trying is useless, or ctx ends; afterwards ctx has no more
// say. Call it when the service takes requests, and Close before it stops doing so.
func Register(ctx context.Context, o Options) (*Registration, error) {
	o.Node = cmp.Or(o.Node, defaultNode)
	c, err := newClient(&o)
	if err != nil {
		return nil, err
	}
	r := &Registration{client: c, body: body(&o), log: o.Log, done: make(chan struct{})}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	for failures := 1; ; failures++ {
		err := r.beat(ctx)
		if err == nil {
			break
		}
		if lasting(err) {
			return nil, fmt.Errorf("sdk: register %s: %w", o.Service, err)
		}
		if !sleep(ctx, backoff(failures, time.Second)) {
			return nil, fmt.Errorf("sdk: register %s: %w", o.Service, errors.Join(ctx.Err(), err))
		}
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	go r.run(background)
	return r, nil
}

func body(o *Options) v1.Registration {
	m := map[string]string{"runtime": goVersion(runtime.Version()), "arch": runtime.GOARCH}
	maps.Copy(m, o.Metadata)
	b := v1.Registration{Service: o.Service, IP: o.IP, Port: o.Port, Weight: o.Weight, Metadata: m}
	if o.TTL > 0 {
		b.TTL = v1.Duration(o.TTL.String())
	}
	return b
}

// goVersion is the language version in what runtime.Version says: go1.26 of "go1.26.3 X:nodwarf5".
func goVersion(v string) string {
	v, _, _ = strings.Cut(v, " ")
	if parts := strings.SplitN(v, ".", 3); len(parts) == 3 {
		v = parts[0] + "." + parts[1]
	}
	return v
}

// Lease is what the node answered last. An instance whose State is draining should prepare to stop.
func (r *Registration) Lease() v1.Lease {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lease
}

// Err is why the last heartbeat failed, nil when it did not. The lease is tried to be renewed all the
// same.
func (r *Registration) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Close ends the heartbeats and deregisters the instance: it gets no new requests from then on. It
// tries a few times within ctx; when the node can not be reached, the lease ends by itself. Calling it
// again does nothing and returns the same.
func (r *Registration) Close(ctx context.Context) error {
	r.once.Do(func() {
		r.stop()
		<-r.done
		r.closed = r.deregister(ctx)
	})
	return r.closed
}

func (r *Registration) deregister(ctx context.Context) error {
	d := v1.Deregistration{Service: r.body.Service, IP: r.body.IP, Port: r.body.Port}
	for failures := 1; ; failures++ {
		err := r.call(ctx, "/api/v1/deregister", d, nil)
		if e, ok := errors.AsType[*Error](err); err == nil || ok && e.Problem.Status == http.StatusNotFound {
			return nil
		}
		if lasting(err) || failures == closeTries || !sleep(ctx, backoff(failures, time.Second)) {
			return fmt.Errorf("sdk: deregister %s: %w", r.body.Service, err)
		}
	}
}

// run sends heartbeats until ctx ends.
func (r *Registration) run(ctx context.Context) {
	defer close(r.done)
	failures := 0
	for {
		pause := max(r.Lease().Heartbeat.Or(callLimit), leastPause)
		if failures > 0 {
			pause = backoff(failures, pause)
		} else {
			pause = jitter(pause)
		}
		if !sleep(ctx, pause) {
			return
		}
		err := r.beat(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			if failures == 1 {
				r.log.Warn("heartbeat failed", "service", r.body.Service, "error", err)
			}
		case failures > 0:
			r.log.Info("heartbeat works again", "service", r.body.Service, "failures", failures)
			failures = 0
		}
	}
}

func (r *Registration) beat(ctx context.Context) error {
	var lease v1.Lease
	err := r.call(ctx, "/api/v1/register", r.body, &lease)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	if err == nil {
		r.lease = lease
	}
	return err
}

func (r *Registration) call(ctx context.Context, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return r.client.post(ctx, path, in, out)
}

// backoff is the pause after n failures in a row: doubled each time up to most, with jitter.
func backoff(n int, most time.Duration) time.Duration {
	return jitter(min(leastPause<<min(n-1, 16), most))
}

// jitter is d less up to a fifth, so that instances that started together do not call together.
func jitter(d time.Duration) time.Duration { return d - time.Duration(rand.Int64N(int64(d)/5+1)) }

// sleep is false when ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

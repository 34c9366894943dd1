// Package run starts parts in order and stops them in reverse under one deadline.
package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Part is a running piece of the product. Run blocks until ctx ends and all that it opened is closed;
// it calls ready once, when the parts after it may start.
type Part interface {
	Name() string
	Run(ctx context.Context, ready func()) error
}

// Func makes a Part of a name and a function.
func Func(name string, f func(ctx context.Context, ready func()) error) Part {
	return part{name, f}
}

type part struct {
	name string
	run  func(ctx context.Context, ready func()) error
}

func (p part) Name() string                                { return p.name }
func (p part) Run(ctx context.Context, ready func()) error { return p.run(ctx, ready) }

// ErrDeadline means that a part did not stop within the deadline.
var ErrDeadline = errors.New("did not stop within the deadline")

type running struct {
	part   Part
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// Parts runs parts until ctx ends or one of them fails: each starts after the one before called
// ready, all stop in reverse, one after the other, together within stopWithin. up is called when every
// part is ready. The error joins what went wrong; the end of ctx is no error.
func Parts(ctx context.Context, stopWithin time.Duration, up func(), parts ...Part) error {
	base := context.WithoutCancel(ctx)
	failed := make(chan *running, len(parts))
	var started []*running
	var cause error

	for _, p := range parts {
		r, ok := start(base, ctx, p, failed)
		started = append(started, r)
		if !ok {
			break
		}
	}
	if len(started) == len(parts) && ctx.Err() == nil {
		select {
		case r := <-failed:
			failed <- r
		default:
			up()
		}
	}
	select {
	case <-ctx.Done():
	case r := <-failed:
		cause = ended(r)
	}
	return errors.Join(cause, stop(started, stopWithin, cause))
}

func ended(r *running) error {
	if r.err == nil {
		return fmt.Errorf("%s: ended by itself", r.part.Name())
	}
	return fmt.Errorf("%s: %w", r.part.Name(), r.err)
}

// start runs p and waits until it is ready, fails, or ctx ends.
func start(base, ctx context.Context, p Part, failed chan<- *running) (*running, bool) {
	pctx, cancel := context.WithCancel(base)
	r := &running{part: p, cancel: cancel, done: make(chan struct{})}
	ready := make(chan struct{}, 1)
	go func() {
		defer close(r.done)
		r.err = p.Run(pctx, func() {
			select {
			case ready <- struct{}{}:
			default:
			}
		})
		if pctx.Err() == nil {
			failed <- r
		}
	}()
	select {
	case <-ready:
		return r, true
	case <-r.done:
		return r, false
	case <-ctx.Done():
		return r, false
	}
}

func stop(started []*running, within time.Duration, cause error) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	var errs []error
	late := false
	for _, r := range slices.Backward(started) {
		r.cancel()
		if !late {
			select {
			case <-r.done:
			case <-deadline.C:
				late = true
			}
		}
		select {
		case <-r.done:
			// A part that failed by itself is already the cause.
			if r.err != nil && !errors.Is(r.err, context.Canceled) && !errors.Is(cause, r.err) {
				errs = append(errs, fmt.Errorf("%s: stop: %w", r.part.Name(), r.err))
			}
		default:
			errs = append(errs, fmt.Errorf("%s: %w", r.part.Name(), ErrDeadline))
		}
	}
	return errors.Join(errs...)
}

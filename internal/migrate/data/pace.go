package data

import (
	"context"
	"time"
)

// pace is the clock as the core sees it, and the only way in which it waits. server.go gives the real one, tests
// one of their own.
type pace interface {
	now() time.Time
	// sleep waits, at most until ctx ends: then it is its error.
	sleep(ctx context.Context, d time.Duration) error
	// within bounds one call.
	within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	// both does two things at the same time.
	both(f, g func())
	// each does all at the same time and waits for all.
	each(fs ...func())
}

// throttle spreads rows over time. It is used by one goroutine.
type throttle struct {
	pace pace
	rate int // rows a second; 0: as fast as it goes
	next time.Time
}

// take waits until n rows may be read.
func (t *throttle) take(ctx context.Context, n int64) error {
	if t.rate <= 0 || n <= 0 {
		return ctx.Err()
	}
	now := t.pace.now()
	if t.next.Before(now.Add(-time.Second)) || t.next.After(now.Add(time.Minute)) { // idle, or the clock jumped
		t.next = now
	}
	wait := t.next.Sub(now)
	t.next = t.next.Add(time.Duration(float64(n) / float64(t.rate) * float64(time.Second)))
	if wait <= 0 {
		return ctx.Err()
	}
	return t.pace.sleep(ctx, wait)
}

package gateway

import (
	"sync/atomic"

	v1 "jindu.dev/jindu/api/v1"
)

// A breaker opens the circuit of a subset that fails too often. Times are nanoseconds of the gateway's
// clock. It takes no lock; a count that races with the turn of a slot may be lost, which is harmless.
type breaker struct {
	spec     v1.BreakerSpec
	disabled bool
	percent  float64
	requests int64
	slot     int64 // nanoseconds
	open     int64 // nanoseconds

	until atomic.Int64 // 0: closed
	opens atomic.Int64
	slots [breakerSlots]breakerSlot
}

const breakerSlots = 10

type breakerSlot struct{ stamp, requests, failures atomic.Int64 }

func newBreaker(spec v1.BreakerSpec) *breaker {
	full := spec.WithDefaults()
	return &breaker{spec: spec, disabled: full.Disabled, percent: *full.Failures, requests: int64(*full.Requests),
		slot: max(int64(full.Window.Or(0))/breakerSlots, 1), open: int64(full.Open.Or(0))}
}

// allow says whether a request may go to the subset. While the circuit is open one request after each
// pause is let through as a trial.
func (b *breaker) allow(now int64) (ok, trial bool) {
	until := b.until.Load()
	if until == 0 || b.disabled {
		return true, false
	}
	if now < until {
		return false, false
	}
	ok = b.until.CompareAndSwap(until, now+b.open)
	return ok, ok
}

// record notes how a request that was allowed ended.
func (b *breaker) record(now int64, failed, trial bool) {
	if b.disabled {
		return
	}
	if trial {
		if failed {
			b.until.Store(now + b.open)
			return
		}
		for i := range b.slots {
			b.slots[i].stamp.Store(0)
		}
		b.until.Store(0)
		return
	}
	stamp := now/b.slot + 1
	s := &b.slots[stamp%breakerSlots]
	if old := s.stamp.Load(); old != stamp && s.stamp.CompareAndSwap(old, stamp) {
		s.requests.Store(0)
		s.failures.Store(0)
	}
	s.requests.Add(1)
	if !failed {
		return
	}
	s.failures.Add(1)
	var requests, failures int64
	for i := range b.slots {
		if s := &b.slots[i]; s.stamp.Load() > stamp-breakerSlots {
			requests += s.requests.Load()
			failures += s.failures.Load()
		}
	}
	if requests >= b.requests && float64(failures)*100 >= b.percent*float64(requests) && b.until.CompareAndSwap(0, now+b.open) {
		b.opens.Add(1)
	}
}

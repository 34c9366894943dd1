package gateway

import (
	"sync/atomic"
	"time"
)

// A breaker opens the circuit of a side that fails too often. Times are nanoseconds of the gateway's
// clock. It takes no lock; a count that races with the turn of a slot may be lost, which is harmless.
type breaker struct {
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

func newBreaker(disabled bool, percent float64, requests int, window, open time.Duration) *breaker {
	return &breaker{disabled: disabled, percent: percent, requests: int64(requests),
		slot: max(int64(window)/breakerSlots, 1), open: int64(open)}
}

// allow says whether a request may go to the side. While the circuit is open one request after each
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

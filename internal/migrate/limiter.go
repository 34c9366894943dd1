package migrate

import (
	"sync/atomic"
	"time"
)

// limiter lets at most rate events a second through, with a burst of a tenth of a second. It is the
// generic cell rate algorithm on one atomic: safe for concurrent use, no lock, no allocation.
type limiter struct{ next atomic.Int64 } // when the next event is due, nanoseconds of Clock.Mono

// charge takes an event that happens anyway off those that follow.
func (l *limiter) charge(rate int) {
	if rate > 0 {
		l.next.Add(max(int64(time.Second)/int64(rate), 1))
	}
}

func (l *limiter) allow(now time.Duration, rate int) bool {
	if rate <= 0 {
		return false
	}
	gap := max(int64(time.Second)/int64(rate), 1)
	burst := max(int64(time.Second)/10, gap)
	for {
		old := l.next.Load()
		due := max(old, int64(now)-burst+gap)
		if due > int64(now) {
			return false
		}
		if l.next.CompareAndSwap(old, due+gap) {
			return true
		}
	}
}

package http1

import (
	"runtime"
	"sync/atomic"
)

// A watch is a deadline that costs two atomic operations instead of a timer: its owner sets and clears
// it, the janitor fires it. Deadlines are nanoseconds of the gateway's clock.
type watch struct{ word atomic.Int64 }

const (
	firing = -1 // the janitor is at it
	fired  = -2
)

// set arms the watch, or moves its deadline; 0 disarms. It is false when the watch fired.
func (w *watch) set(deadline int64) bool {
	for {
		v := w.word.Load()
		if v < 0 {
			return false
		}
		if w.word.CompareAndSwap(v, deadline) {
			return true
		}
	}
}

// armed says that the watch waits for its deadline.
func (w *watch) armed() bool { return w.word.Load() > 0 }

// clear disarms the watch and says whether it had fired. After it the janitor is done with whatever
// the watch guards.
func (w *watch) clear() bool {
	for {
		switch v := w.word.Load(); v {
		case firing:
			runtime.Gosched()
		case fired:
			w.word.Store(0)
			return true
		default:
			if w.word.CompareAndSwap(v, 0) {
				return false
			}
		}
	}
}

// fire runs f when the deadline has passed, or when force is set and the watch is armed at all. Only
// the janitor calls it.
func (w *watch) fire(now int64, force bool, f func()) {
	v := w.word.Load()
	if v <= 0 || v > now && !force {
		return
	}
	if w.word.CompareAndSwap(v, firing) {
		f()
		w.word.Store(fired)
	}
}

// fireOn is fire for a watch that guards what p points to while it is armed.
func fireOn[T any](w *watch, p *atomic.Pointer[T], now int64, force bool, f func(*T)) {
	v := w.word.Load()
	if v <= 0 || v > now && !force {
		return
	}
	guarded := p.Load() // before the exchange below: then it belongs to this deadline
	if guarded != nil && w.word.CompareAndSwap(v, firing) {
		f(guarded)
		w.word.Store(fired)
	}
}

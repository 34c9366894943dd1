package route

import "time"

// watchdog measures the silence of the controller in time that this process was running: a step of the
// clock, or a process that was stopped and goes on, adds two ticks at most.
type watchdog struct {
	limit, tick time.Duration
	last        time.Time
	silent      time.Duration
}

func (w *watchdog) beat(now time.Time) { w.last, w.silent = now, 0 }

// expired counts the time since it was asked last and says whether the silence is too long.
func (w *watchdog) expired(now time.Time) bool {
	w.silent += min(max(now.Sub(w.last), 0), 2*w.tick)
	w.last = now
	return w.silent >= w.limit
}

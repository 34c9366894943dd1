package migrate

import (
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// windowKey is what a window is about; when it changes, a new window begins.
type windowKey struct {
	phase    v1.Phase
	buckets  int
	epoch    int64
	versions string
}

func keyOf(st *v1.MigrationStatus) windowKey {
	return windowKey{st.Phase, st.Buckets, st.Epoch, st.Versions}
}

// window is the traffic since a phase or step began in this process: differences of cumulative counts.
type window struct {
	key    windowKey
	start  time.Duration // Clock.Mono
	zero   traffic       // cumulative counts at the start
	recent []moment      // cumulative counts of the last Config.Recent, oldest first
	step   time.Duration

	// Copies are judged since before, which follows at a distance of one to two spans.
	before, later Copies
	turned        time.Duration
}

// moment is the cumulative counts at one time.
type moment struct {
	at time.Duration
	traffic
}

// recentParts is into how many parts the short window is cut.
const recentParts = 6

func newWindow(key windowKey, now time.Duration, cumulative *traffic, copies Copies, recent time.Duration) *window {
	return &window{
		key: key, start: now, zero: *cumulative, before: copies, later: copies, turned: now,
		recent: []moment{{now, *cumulative}}, step: recent / recentParts,
	}
}

// since is what happened in the window and, when it is older than the short window, in that.
func (w *window) since(now time.Duration, cumulative *traffic) (whole traffic, recent *traffic) {
	whole = *cumulative
	whole.old.sub(&w.zero.old)
	whole.new.sub(&w.zero.new)
	if now >= w.recent[len(w.recent)-1].at+w.step {
		if len(w.recent) > recentParts {
			copy(w.recent, w.recent[1:])
			w.recent = w.recent[:recentParts]
		}
		w.recent = append(w.recent, moment{now, *cumulative})
	}
	if len(w.recent) > recentParts {
		late := *cumulative
		late.old.sub(&w.recent[0].old)
		late.new.sub(&w.recent[0].new)
		recent = &late
	}
	return whole, recent
}

// copiesSince is what became of copies in the window, at most in its last two spans: copies that were
// dropped long ago do not bind for ever, while all that a span can show was compared since.
func (w *window) copiesSince(now time.Duration, copies Copies, span time.Duration) Copies {
	if now >= w.turned+span {
		w.before, w.later, w.turned = w.later, copies, now
	}
	return Copies{copies.Attempts - w.before.Attempts, copies.Dropped - w.before.Dropped}
}

// baseline is the old cohort of the window when it is large enough to be one, else the one before.
func (w *window) baseline(before *v1.Baseline, t *traffic, s *Settings, step int, at time.Time) *v1.Baseline {
	if t.old.Requests < s.MinRequests {
		return before
	}
	return &v1.Baseline{
		Step: step, Taken: at, Requests: t.old.Requests, Failures: t.old.Failures,
		P99Micros: t.old.Latency.Quantile(0.99).Microseconds(),
	}
}

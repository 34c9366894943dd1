package data

import (
	"time"

	"jindu.dev/jindu/internal/kit/meter"
)

// lately keeps the convergence of the last minute, in slots of ten seconds.
type lately struct {
	slot [6]struct {
		began time.Time
		h     *meter.Histogram
		most  time.Duration
		count int64
	}
}

const slotTime = 10 * time.Second

// observe counts n changes that took d. A slot that a minute has passed since begins anew.
func (l *lately) observe(d time.Duration, n int64, now time.Time) {
	began := now.Truncate(slotTime)
	s := &l.slot[int(began.Unix()/int64(slotTime/time.Second)%int64(len(l.slot)))]
	if s.h == nil || !s.began.Equal(began) {
		s.began, s.h, s.most, s.count = began, &meter.Histogram{}, 0, 0
	}
	for range n {
		s.h.Observe(d)
	}
	s.most = max(s.most, d)
	s.count += n
}

// gateSpan is how far back a gate looks: what was slow before, such as the first copy, is over.
const gateSpan = 15 * time.Second

// read is median, 99th percentile and largest of what began in a span before now.
func (l *lately) read(now time.Time, span time.Duration) (p50, p99, most time.Duration) {
	var all, one meter.Counts
	for i := range l.slot {
		s := &l.slot[i]
		if s.h == nil || now.Sub(s.began) > span || s.began.After(now.Add(time.Minute)) {
			continue
		}
		s.h.Snapshot(&one)
		all.Add(&one)
		most = max(most, s.most)
	}
	return min(all.Quantile(0.5), most), min(all.Quantile(0.99), most), most
}

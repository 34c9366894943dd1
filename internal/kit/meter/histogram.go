// Package meter has the latency histogram that the data path, the gates and the console share.
package meter

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A Histogram counts durations in log-linear buckets: exact below 32 µs, then 32 buckets for each
// power of two, so a value is known within 3.2 %. Durations of 2^26 µs (67 s) and more share the last.
// Observe is lock-free and allocates nothing.
type Histogram struct {
	counts [buckets]atomic.Int64
	sum    atomic.Int64 // microseconds
}

const (
	subBits = 5
	sub     = 1 << subBits
	maxBits = 26
	buckets = (maxBits-subBits+1)*sub + 1
)

func index(micros int64) int {
	if micros < sub {
		return int(max(micros, 0))
	}
	shift := bits.Len64(uint64(micros)) - subBits - 1
	return min(shift<<subBits+int(micros>>shift), buckets-1)
}

// upper is the largest value, in microseconds, that falls into bucket i.
func upper(i int) int64 {
	if i < 2*sub {
		return int64(i)
	}
	shift := i>>subBits - 1
	return int64(i-shift<<subBits+1)<<shift - 1
}

// Observe counts d.
func (h *Histogram) Observe(d time.Duration) {
	us := d.Microseconds()
	h.counts[index(us)].Add(1)
	h.sum.Add(us)
}

// Snapshot copies the counts into s, so that a caller that looks often need not allocate.
func (h *Histogram) Snapshot(s *Counts) {
	for i := range h.counts {
		s.n[i] = h.counts[i].Load()
	}
	s.sum = h.sum.Load()
}

// Counts are the counts of a histogram at one moment, or the difference of two moments.
type Counts struct {
	n   [buckets]int64
	sum int64
}

// Sub takes an earlier moment away, leaving what was counted since.
func (s *Counts) Sub(earlier *Counts) {
	for i := range s.n {
		s.n[i] -= earlier.n[i]
	}
	s.sum -= earlier.sum
}

// Add adds other to s.
func (s *Counts) Add(other *Counts) {
	for i := range s.n {
		s.n[i] += other.n[i]
	}
	s.sum += other.sum
}

// Count is the number of durations.
func (s *Counts) Count() int64 {
	var t int64
	for _, c := range s.n {
		t += c
	}
	return t
}

// Sum is the total of all durations.
func (s *Counts) Sum() time.Duration { return time.Duration(s.sum) * time.Microsecond }

// Quantile is the duration that a share q (0 to 1) of all did not exceed; 0 when there are none.
func (s *Counts) Quantile(q float64) time.Duration {
	total := s.Count()
	if total == 0 {
		return 0
	}
	rank := int64(q*float64(total) + 0.5)
	rank = min(max(rank, 1), total)
	var seen int64
	for i, c := range s.n {
		seen += c
		if seen >= rank {
			return time.Duration(upper(i)) * time.Microsecond
		}
	}
	return time.Duration(upper(buckets-1)) * time.Microsecond
}

// Above is how many durations were longer than d, within the width of d's bucket.
func (s *Counts) Above(d time.Duration) int64 {
	var t int64
	for _, c := range s.n[index(d.Microseconds())+1:] {
		t += c
	}
	return t
}

// Below returns how many durations were at most d, for exposition as cumulative buckets.
func (s *Counts) Below(d time.Duration) int64 { return s.Count() - s.Above(d) }

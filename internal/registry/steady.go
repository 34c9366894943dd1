package registry

import "time"

// steady is time in which this process was running. It is taken from a monotonic clock, so a clock that
// is set changes nothing; a gap between two readings, such as of a process that was stopped, counts at
// most most: heartbeats could not be heard in it.
type steady struct {
	mono        func() time.Duration
	most        time.Duration
	last, total time.Duration
}

func (s *steady) now() time.Duration {
	m := s.mono()
	s.total += min(max(m-s.last, 0), s.most)
	s.last = m
	return s.total
}

package gateway

import "sync"

// A budget lets a share of requests be repeated, beside some a second, measured over the last 5 to 10
// seconds. It costs nothing until something is to be repeated.
type budget struct {
	percent float64
	floor   float64 // a second

	mu        sync.Mutex
	cur, prev window
	started   bool
}

type window struct {
	start    int64 // nanoseconds of the gateway's clock
	requests int64 // counter of requests at the start
	used     int64
}

const budgetWindow = int64(5e9)

// take asks for one repetition. requests is the counter of all requests so far.
func (b *budget) take(now, requests int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch age := now - b.cur.start; {
	case !b.started || age >= 2*budgetWindow:
		// After a pause, what was due in it is forgotten. The request at hand counts.
		b.started = true
		b.cur = window{start: now, requests: max(requests-1, 0)}
		b.prev = b.cur
	case age >= budgetWindow:
		b.prev, b.cur = b.cur, window{start: now, requests: requests}
	}
	seconds := max(float64(now-b.prev.start)/1e9, 1)
	allowed := b.percent/100*float64(requests-b.prev.requests) + b.floor*seconds
	if float64(b.prev.used+b.cur.used)+1 > allowed {
		return false
	}
	b.cur.used++
	return true
}

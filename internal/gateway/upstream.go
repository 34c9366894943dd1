package gateway

import (
	"net/netip"
	"sync/atomic"
	"time"

	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/route"
)

// Upstream is one instance address. It outlives tables: connections, requests in flight and ejection
// are kept while the address is known.
type Upstream struct {
	Address string
	Addr    netip.AddrPort
	// Conns is what the driver keeps for the address, made by the function given to Gateway.Attach.
	Conns Conns

	limits       atomic.Pointer[upstreamLimits]
	inFlight     atomic.Int64
	failures     atomic.Int32 // in a row
	ejections    atomic.Int32 // that followed each other
	ejectedUntil atomic.Int64 // nanoseconds of the gateway's clock
	unused       int64        // when it was last in a table; guarded by Gateway.mu
}

// Conns are a driver's connections to one upstream.
type Conns interface {
	Close() // close what is idle, now and from now on
}

// upstreamLimits are what the service says of its instances.
type upstreamLimits struct {
	connectTimeout  time.Duration
	maxConnections  int
	ejectAfter      int32 // 0: never
	baseEjection    time.Duration
	maxEjectPercent int
}

const maxEjection = 5 * time.Minute

func limitsOf(s *route.Subset) *upstreamLimits {
	l := &upstreamLimits{connectTimeout: duration(string(s.Spec.ConnectTimeout), time.Second), maxConnections: s.Spec.MaxConnections,
		ejectAfter: 5, baseEjection: 5 * time.Second, maxEjectPercent: 50}
	if l.maxConnections <= 0 {
		l.maxConnections = 1024
	}
	if o := s.Spec.Outlier; o != nil {
		if o.Consecutive > 0 {
			l.ejectAfter = int32(min(o.Consecutive, 1<<20))
		}
		if o.Disabled {
			l.ejectAfter = 0
		}
		l.baseEjection = duration(string(o.BaseEjection), l.baseEjection)
		if o.MaxEjectPercent > 0 {
			l.maxEjectPercent = o.MaxEjectPercent
		}
	}
	return l
}

func duration(s string, fallback time.Duration) time.Duration {
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return d
	}
	return fallback
}

// ConnectTimeout is the limit of one connection attempt.
func (u *Upstream) ConnectTimeout() time.Duration { return u.limits.Load().connectTimeout }

// MaxConnections is how many connections there may be.
func (u *Upstream) MaxConnections() int { return u.limits.Load().maxConnections }

func (u *Upstream) ejected(now int64) bool { return u.ejectedUntil.Load() > now }

// balancer chooses among the instances of one subset.
type balancer struct {
	subset *route.Subset
	ups    []*Upstream
	upTo   []uint64 // cumulative weights
	weight []int64
}

func newBalancer(s *route.Subset, find func(*registry.Instance) *Upstream) *balancer {
	b := &balancer{subset: s}
	var total uint64
	for _, i := range s.Instances {
		total += uint64(max(i.Weight, 1))
		b.ups = append(b.ups, find(i))
		b.upTo = append(b.upTo, total)
		b.weight = append(b.weight, int64(max(i.Weight, 1)))
	}
	return b
}

// pick takes two at random by weight and of them the one with fewer requests in flight for its weight.
// Ejected ones, and the one to avoid, are taken only when there is no other.
func (b *balancer) pick(now int64, random uint64, avoid *Upstream) *Upstream {
	switch len(b.ups) {
	case 0:
		return nil
	case 1:
		return b.ups[0]
	}
	x, y := b.draw(uint32(random)), b.draw(uint32(random>>32))
	if x == y {
		y = (y + 1) % len(b.ups)
		if b.weight[y] < b.weight[x] { // the second must not get more than its weight
			y = x
		}
	}
	best := x
	if b.better(now, y, x, avoid) {
		best = y
	}
	if b.usable(now, best, avoid) {
		return b.ups[best]
	}
	for i := range b.ups {
		if n := (best + i) % len(b.ups); b.usable(now, n, avoid) {
			return b.ups[n]
		}
	}
	for i := range b.ups {
		if n := (best + i) % len(b.ups); b.ups[n] != avoid {
			return b.ups[n]
		}
	}
	return b.ups[best]
}

func (b *balancer) usable(now int64, i int, avoid *Upstream) bool {
	return b.ups[i] != avoid && !b.ups[i].ejected(now)
}

func (b *balancer) better(now int64, i, than int, avoid *Upstream) bool {
	if u, v := b.usable(now, i, avoid), b.usable(now, than, avoid); u != v {
		return u
	}
	return b.ups[i].inFlight.Load()*b.weight[than] < b.ups[than].inFlight.Load()*b.weight[i]
}

func (b *balancer) draw(random uint32) int {
	at := uint64(random) * b.upTo[len(b.upTo)-1] >> 32
	lo, hi := 0, len(b.upTo)-1
	for lo < hi {
		if mid := (lo + hi) / 2; at < b.upTo[mid] {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// report notes how a try ended and ejects the upstream when it failed too often in a row.
func (b *balancer) report(now int64, u *Upstream, failed bool) (ejected bool) {
	if !failed {
		if u.failures.Load() != 0 {
			u.failures.Store(0)
		}
		if n := u.ejections.Load(); n > 0 && now-u.ejectedUntil.Load() > int64(maxEjection) {
			u.ejections.CompareAndSwap(n, 0)
		}
		return false
	}
	l := u.limits.Load()
	if n := u.failures.Add(1); l.ejectAfter == 0 || n < l.ejectAfter || u.ejected(now) {
		return false
	}
	out := 0
	for _, other := range b.ups {
		if other.ejected(now) {
			out++
		}
	}
	if (out+1)*100 > len(b.ups)*l.maxEjectPercent {
		return false
	}
	u.failures.Store(0)
	pause := l.baseEjection
	for range u.ejections.Add(1) - 1 {
		if pause *= 2; pause >= maxEjection {
			pause = maxEjection
			break
		}
	}
	u.ejectedUntil.Store(now + int64(pause))
	return true
}

package load

import (
	"math/rand/v2"
	"time"
)

// Pace gives the intended starts of an open loop, as offsets from its beginning, rising.
type Pace struct {
	gap    float64 // nanoseconds between starts, on average
	random *rand.Rand
	n      float64
	next   float64
}

// NewPace is a constant pace of rate a second, or a Poisson process of that rate.
func NewPace(rate float64, poisson bool, seed uint64) *Pace {
	p := &Pace{gap: float64(time.Second) / rate}
	if poisson {
		p.random = rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	}
	return p
}

// Next is the next intended start. A constant pace does not drift: the n-th start is n gaps after the first.
func (p *Pace) Next() time.Duration {
	at := p.next
	p.n++
	if p.random != nil {
		p.next += p.random.ExpFloat64() * p.gap
	} else {
		p.next = p.n * p.gap
	}
	return time.Duration(at)
}

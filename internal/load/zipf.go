package load

import (
	"math"
	"math/rand/v2"
	"sort"
)

// Zipf draws 1..n, where k is drawn in proportion to 1/k^s: few popular ones, a long tail. s may be 1 or
// below, as measured popularity often is.
type Zipf struct {
	cumulative []float64
}

// NewZipf makes the table for n values.
func NewZipf(n int, s float64) *Zipf {
	z := &Zipf{make([]float64, n)}
	sum := 0.0
	for k := range n {
		sum += math.Pow(float64(k+1), -s)
		z.cumulative[k] = sum
	}
	return z
}

// Draw is the next value.
func (z *Zipf) Draw(r *rand.Rand) int64 {
	x := r.Float64() * z.cumulative[len(z.cumulative)-1]
	i := sort.SearchFloat64s(z.cumulative, x)
	return int64(min(i, len(z.cumulative)-1)) + 1
}

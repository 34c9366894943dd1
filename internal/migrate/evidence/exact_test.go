package evidence

import (
	"math"
	"math/big"
	"testing"
)

// ratTail is P(X >= k) for X ~ Binomial(n, num/den) in exact arithmetic.
func ratTail(n, k, num, den int64) float64 {
	sum := new(big.Rat)
	p, q := big.NewRat(num, den), big.NewRat(den-num, den)
	for i := k; i <= n; i++ {
		term := new(big.Rat).SetInt(new(big.Int).Binomial(n, i))
		for range i {
			term.Mul(term, p)
		}
		for range n - i {
			term.Mul(term, q)
		}
		sum.Add(sum, term)
	}
	f, _ := sum.Float64()
	return f
}

func TestTheBinomialTailIsExact(t *testing.T) {
	for _, n := range []int64{1, 2, 5, 10, 37, 120} {
		for _, k := range []int64{0, 1, n / 3, n / 2, n/2 + 1, n - 1, n} {
			for _, p := range [][2]int64{{1, 2}, {1, 3}, {4, 5}, {1, 100}} {
				if k < 0 {
					continue
				}
				want := ratTail(n, k, p[0], p[1])
				got := upperTail(n, k, float64(p[0])/float64(p[1]))
				if math.Abs(got-want) > 1e-9*want+1e-15 {
					t.Errorf("P(X >= %d), n %d, p %d/%d: %g, want %g", k, n, p[0], p[1], got, want)
				}
			}
		}
	}
	for _, c := range []struct {
		n, k int64
		p    float64
		want float64
	}{{10, 11, 0.5, 0}, {10, 0, 0.5, 1}, {10, 1, 0, 0}, {10, 3, 1, 1}, {10, 9, 0.5, 11.0 / 1024}} {
		if got := upperTail(c.n, c.k, c.p); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v: %g", c, got)
		}
	}
	// A large case against the normal approximation with continuity correction.
	n := int64(100_000)
	got := upperTail(n, 50_500, 0.5)
	want := 0.5 * math.Erfc((50_499.5-50_000)/math.Sqrt(25_000)/math.Sqrt2)
	if math.Abs(got/want-1) > 0.01 {
		t.Errorf("%g, want about %g", got, want)
	}
}

// Published values: Brown, Cai, DasGupta (2001) and common tables.
func TestWilsonIntervalsAreThePublishedOnes(t *testing.T) {
	for _, c := range []struct {
		hits, n   int64
		low, high float64
	}{{5, 10, 0.2366, 0.7634}, {0, 10, 0, 0.2775}, {1, 10, 0.0179, 0.4042}, {50, 100, 0.4038, 0.5962}, {0, 0, 0, 1}} {
		low, high := wilson(c.hits, c.n)
		if math.Abs(low-c.low) > 5e-5 || math.Abs(high-c.high) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f", c.hits, c.n, low, high)
		}
	}
}

func TestWhatIsDetectableFollowsFromThePower(t *testing.T) {
	// One hit needed: the exact form of the rule of three.
	for _, n := range []int64{10, 300, 3000} {
		if got, want := detectable(n, 1), 1-math.Pow(0.05, 1/float64(n)); math.Abs(got-want) > 1e-9 {
			t.Errorf("n %d: %g, want %g", n, got, want)
		}
	}
	if detectable(9, 10) != 1 {
		t.Error("nine clusters cannot show ten")
	}
	if got := detectable(1000, 10); math.Abs(upperTail(1000, 10, got)-power) > 1e-6 {
		t.Errorf("%g does not have the power", got)
	}
	if detectable(2000, 10) >= detectable(1000, 10) {
		t.Error("more clusters must show less")
	}
	for _, c := range []struct {
		threshold, share float64
		want             int64
	}{{1.0 / 1024, 0.5, 10}, {1.0 / 1000, 0.5, 10}, {0.5, 0.5, 1}, {0.01, 0.8, 21}} {
		if got := needed(c.threshold, c.share); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

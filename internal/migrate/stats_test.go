package migrate

import (
	"math"
	"math/rand/v2"
	"testing"
)

// binomialTail is P(X >= k) by summing, the slow truth.
func binomialTail(k, n int64, p float64) float64 {
	sum := 0.0
	for i := k; i <= n; i++ {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(a - b - c + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

func TestBoundsInvertTheExactBinomialTail(t *testing.T) {
	for _, c := range []struct {
		k, n  int64
		alpha float64
	}{{1, 10, 0.05}, {5, 10, 0.025}, {9, 10, 1e-6}, {3, 1000, 0.05}, {200, 1000, 1e-9}, {1, 5000, 0.01}} {
		if low := lowerBound(c.k, c.n, c.alpha); math.Abs(binomialTail(c.k, c.n, low)-c.alpha) > 1e-6*c.alpha+1e-15 {
			t.Errorf("lower bound of %d of %d at %g is %g with tail %g", c.k, c.n, c.alpha, low, binomialTail(c.k, c.n, low))
		}
		high := upperBound(c.k, c.n, c.alpha)
		if tail := 1 - binomialTail(c.k+1, c.n, high); math.Abs(tail-c.alpha) > 1e-6*c.alpha+1e-12 {
			t.Errorf("upper bound of %d of %d at %g is %g with tail %g", c.k, c.n, c.alpha, high, tail)
		}
	}
}

func TestBoundsAtTheEdges(t *testing.T) {
	if lowerBound(0, 100, 0.05) != 0 || upperBound(100, 100, 0.05) != 1 || upperBound(0, 0, 0.05) != 1 || lowerBound(1, 0, 0.05) != 0 {
		t.Error("nothing seen, or nothing else seen, must bound nothing")
	}
	// Known: with none in 300, the 95 % upper bound is 1 - 0.05^(1/300).
	if got, want := upperBound(0, 300, 0.05), 1-math.Pow(0.05, 1.0/300); math.Abs(got-want) > 1e-9 {
		t.Errorf("upper bound of 0 of 300 = %v, want %v", got, want)
	}
	// Large counts still converge, around the share.
	if low, high := lowerBound(20_000, 2_000_000, 1e-10), upperBound(20_000, 2_000_000, 1e-10); !(low > 0.0095 && low < 0.01 && high > 0.01 && high < 0.0105) {
		t.Errorf("bounds of 1 %% of two million = %v, %v", low, high)
	}
}

func TestTheLowerBoundErrsAsOftenAsAlphaAllows(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	const runs, n, p, alpha = 4000, 400, 0.03, 0.05
	wrong := 0
	for range runs {
		k := int64(0)
		for range n {
			if r.Float64() < p {
				k++
			}
		}
		if lowerBound(k, n, alpha) > p {
			wrong++
		}
	}
	if rate := float64(wrong) / runs; rate > alpha+0.01 || rate < 0.005 {
		t.Errorf("the bound was above the truth in %.3f of runs, allowed %.2f", rate, alpha)
	}
}

func TestLooksTogetherSpendAlpha(t *testing.T) {
	sum := 0.0
	for k := 1; k < 1_000_000; k++ {
		sum += spend(0.01, k)
	}
	if sum > 0.01 || sum < 0.00999 {
		t.Errorf("a million looks spend %v", sum)
	}
}

package migrate

import "math"

// lowerBound is the one-sided Clopper-Pearson bound: the share below which k of n or more would happen
// with a chance of at most alpha.
func lowerBound(k, n int64, alpha float64) float64 {
	if k <= 0 || n <= 0 {
		return 0
	}
	return solve(func(p float64) bool { return betaInc(float64(k), float64(n-k+1), p) < alpha })
}

// upperBound is the share above which k of n or fewer would happen with a chance of at most alpha.
func upperBound(k, n int64, alpha float64) float64 {
	if n <= 0 || k >= n {
		return 1
	}
	return solve(func(p float64) bool { return betaInc(float64(n-k), float64(k+1), 1-p) > alpha })
}

// solve finds where below turns from true to false in [0, 1].
func solve(below func(p float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 50 {
		mid := (low + high) / 2
		if below(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// betaInc is the regularised incomplete beta function I_x(a, b): the chance that a binomial of a+b-1
// trials with probability x has a successes or more.
func betaInc(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab - la - lb + a*math.Log(x) + b*math.Log1p(-x))
	// The continued fraction converges fast on the side of the mean where the tail is.
	if x < (a+1)/(a+b+2) {
		return front * betaFraction(a, b, x) / a
	}
	return 1 - front*betaFraction(b, a, 1-x)/b
}

// betaFraction evaluates the continued fraction of I_x(a, b) by the modified Lentz method; it needs
// about sqrt(max(a, b)) rounds.
func betaFraction(a, b, x float64) float64 {
	const tiny, eps = 1e-300, 1e-14
	keep := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/keep(1-(a+b)*x/(a+1))
	h := d
	for i := 1; i < 100_000; i++ {
		m := float64(i)
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / keep(1+even*d)
		c = keep(1 + even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / keep(1+odd*d)
		c = keep(1 + odd/c)
		delta := d * c
		h *= delta
		if math.Abs(delta-1) < eps {
			break
		}
	}
	return h
}

// spend is what the k-th look, k from 1, may spend of alpha; the sum over all looks is alpha. A look
// costs its logarithm only, so looking each second instead of each minute delays a verdict by little.
func spend(alpha float64, k int) float64 {
	n := float64(k)
	return alpha / (n * (n + 1))
}

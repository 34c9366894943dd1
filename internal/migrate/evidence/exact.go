package evidence

import "math"

// upperTail is P(X >= k) for X ~ Binomial(n, p).
func upperTail(n, k int64, p float64) float64 {
	switch {
	case k <= 0:
		return 1
	case k > n || p <= 0:
		return 0
	case p >= 1:
		return 1
	}
	// Sum from the end that is smaller, starting at its largest term.
	if float64(k) > float64(n)*p {
		return tailFrom(n, k, p)
	}
	return max(0, 1-tailFrom(n, n-k+1, 1-p))
}

// tailFrom sums P(X = k) + P(X = k+1) + ... for k above the mean: terms fall, so it ends early.
func tailFrom(n, k int64, p float64) float64 {
	term := math.Exp(logChoose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	odds := p / (1 - p)
	sum := 0.0
	for i := k; i <= n; i++ {
		sum += term
		next := term * odds * float64(n-i) / float64(i+1)
		if next < sum*1e-17 {
			break
		}
		term = next
	}
	return min(sum, 1)
}

func logChoose(n, k int64) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// wilson is the 95 % Wilson interval of a rate, for display.
func wilson(hits, n int64) (low, high float64) {
	if n <= 0 {
		return 0, 1
	}
	const z = 1.959963984540054
	p, m := float64(hits)/float64(n), float64(n)
	middle := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return max(0, middle-half), min(1, middle+half)
}

// power is the chance that a defect of which the test would have told must be met with.
const power = 0.95

// detectable is the smallest difference rate at which n clusters show at least need differing ones with
// the chance of power; 1 when n cannot.
func detectable(n, need int64) float64 {
	if n < need || need <= 0 {
		return 1
	}
	low, high := 0.0, 1.0
	for range 50 {
		if mid := (low + high) / 2; upperTail(n, need, mid) >= power {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// needed is the smallest number of differing clusters, with none against them, that a test rejects at
// threshold when each of them falls on the new side by chance share.
func needed(threshold, share float64) int64 {
	return int64(math.Ceil(math.Log(threshold)/math.Log(share) - 1e-9))
}

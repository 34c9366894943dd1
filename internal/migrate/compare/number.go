package compare

import (
	"math"
	"strconv"
	"strings"
)

// canonicalNumber is the value of a JSON number as text: two texts of one value have the same, such as
// 1.10, 1.1 and 11e-1. No floating point is involved; an exponent beyond 2^31 stays as it was sent.
func canonicalNumber(s string) string {
	mantissa, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.ParseInt(s[i+1:], 10, 32)
		if err != nil {
			return s
		}
		mantissa, exp = s[:i], int(n)
	}
	neg := strings.HasPrefix(mantissa, "-")
	mantissa = strings.TrimPrefix(mantissa, "-")
	whole, frac, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+frac, "0")
	exp -= len(frac)
	short := strings.TrimRight(digits, "0")
	exp += len(digits) - len(short)
	if short == "" {
		return "0"
	}
	if neg {
		short = "-" + short
	}
	if exp == 0 {
		return short
	}
	return short + "e" + strconv.Itoa(exp)
}

// isNumber says whether s is a number as JSON writes it.
func isNumber(s string) bool {
	p := parser{s: s}
	_, err := p.number()
	return err == nil && p.i == len(s)
}

// Spread is |a-b| relative to the larger of the two, for values that vary by nature; false when they are
// not both finite numbers.
func Spread(a, b *Value) (float64, bool) {
	if a == nil || b == nil || a.Type != Number || b.Type != Number {
		return 0, false
	}
	x, err1 := strconv.ParseFloat(a.Text, 64)
	y, err2 := strconv.ParseFloat(b.Text, 64)
	if err1 != nil || err2 != nil {
		return 0, false
	}
	if x == y {
		return 0, true
	}
	return math.Abs(x-y) / math.Max(math.Abs(x), math.Abs(y)), true
}

// Scale is the number of decimals of a number as sent, such as 2 for 1.10.
func Scale(v *Value) int {
	_, frac, _ := strings.Cut(v.Text, ".")
	if i := strings.IndexAny(frac, "eE"); i >= 0 {
		frac = frac[:i]
	}
	return len(frac)
}

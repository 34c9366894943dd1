package row

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// maxExponent bounds what an exponent may unfold to.
const maxExponent = 512

// plain writes a decimal number without exponent, without zeros that say nothing, and never -0. ok is false
// when s is no number, or one too long to write down.
func plain(s string) (text string, ok bool) {
	body := s
	negative := false
	if body != "" && (body[0] == '-' || body[0] == '+') {
		negative, body = body[0] == '-', body[1:]
	}
	exponent := 0
	if at := strings.IndexAny(body, "eE"); at >= 0 {
		n, err := strconv.Atoi(strings.TrimPrefix(body[at+1:], "+"))
		if err != nil || n > maxExponent || n < -maxExponent {
			return "", false
		}
		exponent, body = n, body[:at]
	}
	whole, part, _ := strings.Cut(body, ".")
	if whole == "" && part == "" || !digits(whole) || !digits(part) {
		return "", false
	}
	if exponent == 0 && !negative && s[0] != '+' && (len(whole) == 1 || whole != "" && whole[0] != '0') {
		// The common case: nothing to shift, only zeros to cut.
		if part == "" {
			return strings.TrimSuffix(s, "."), true
		}
		if cut := strings.TrimRight(part, "0"); cut != "" {
			return s[:len(s)-len(part)+len(cut)], true
		}
		return whole, true
	}
	whole, part = shift(whole, part, exponent)
	return join(negative, whole, part), true
}

// shift moves the point by n digits to the right, or left.
func shift(whole, part string, n int) (string, string) {
	if n > 0 {
		if len(part) < n {
			part += strings.Repeat("0", n-len(part))
		}
		return whole + part[:n], part[n:]
	}
	n = -n
	if len(whole) < n {
		whole = strings.Repeat("0", n-len(whole)) + whole
	}
	return whole[:len(whole)-n], whole[len(whole)-n:] + part
}

func join(negative bool, whole, part string) string {
	whole, part = strings.TrimLeft(whole, "0"), strings.TrimRight(part, "0")
	if whole == "" && part == "" {
		return "0"
	}
	if whole == "" {
		whole = "0"
	}
	if part != "" {
		whole += "." + part
	}
	if negative {
		return "-" + whole
	}
	return whole
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}

// isInteger says whether s is the canonical text of an integer.
func isInteger(s string) bool {
	d := strings.TrimPrefix(s, "-")
	return d != "" && digits(d) && (d[0] != '0' || s == "0")
}

// scaled is a canonical number times 10^n.
func scaled(s string, n int) string {
	negative := strings.HasPrefix(s, "-")
	whole, part, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	whole, part = shift(whole, part, n)
	return join(negative, whole, part)
}

// fraction is how many digits a canonical number has behind its point.
func fraction(s string) int {
	_, part, _ := strings.Cut(s, ".")
	return len(part)
}

// compareNumbers compares canonical numbers.
func compareNumbers(a, b string) int {
	if special(a) || special(b) {
		return rank(a) - rank(b)
	}
	na, nb := strings.HasPrefix(a, "-"), strings.HasPrefix(b, "-")
	switch {
	case na && nb:
		return compareNumbers(b[1:], a[1:])
	case na:
		return -1
	case nb:
		return 1
	}
	wa, pa, _ := strings.Cut(a, ".")
	wb, pb, _ := strings.Cut(b, ".")
	if len(wa) != len(wb) {
		return len(wa) - len(wb)
	}
	if c := strings.Compare(wa, wb); c != 0 {
		return c
	}
	return strings.Compare(pa, pb)
}

func special(s string) bool { return s == "NaN" || strings.HasSuffix(s, "Infinity") }

// rank sorts what is no number as PostgreSQL does: NaN is the largest.
func rank(s string) int {
	switch s {
	case "-Infinity":
		return -1
	case "Infinity":
		return 1
	case "NaN":
		return 2
	}
	return 0
}

// AppendFloat writes a floating point number in canonical text.
func AppendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		return append(dst, '0')
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

// floatText is the canonical text of a floating point number that a database wrote.
func floatText(s string, bits int) (string, bool) {
	if bits != 32 {
		bits = 64
	}
	f, err := strconv.ParseFloat(s, bits)
	if err != nil || strings.ContainsAny(s, "_xX") {
		return "", false
	}
	return string(AppendFloat(nil, f)), true
}

// exactFloat says whether a canonical number survives being a floating point number of that many bits.
func exactFloat(s string, bits int) bool {
	if special(s) {
		return true
	}
	f, ok := floatText(s, bits)
	if !ok {
		return false
	}
	if f == s {
		return true
	}
	a, ok1 := new(big.Rat).SetString(s)
	b, ok2 := new(big.Rat).SetString(f)
	return ok1 && ok2 && a.Cmp(b) == 0
}

package writeset

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDigits is the length beyond which a number is not calculated with.
const maxDigits = 80

// isNumber says whether a text is a number in canonical form: it reads the same as JSON.
func isNumber(s string) bool {
	if len(s) > maxDigits {
		return false
	}
	digits := strings.TrimPrefix(s, "-")
	whole, frac, point := strings.Cut(digits, ".")
	switch {
	case whole == "" || strings.Trim(whole, "0123456789") != "" || len(whole) > 1 && whole[0] == '0':
		return false
	case point && (frac == "" || strings.Trim(frac, "0123456789") != ""):
		return false
	}
	return len(s) == len(digits) || strings.Trim(digits, "0.") != "" // -0 is no canonical number
}

// minus is a-b, exactly, in canonical form; both are numbers.
func minus(a, b string) string {
	scale := max(decimals(a), decimals(b))
	n := new(big.Int).Sub(scaled(a, scale), scaled(b, scale))
	digits := new(big.Int).Abs(n).String()
	for len(digits) <= scale {
		digits = "0" + digits
	}
	if scale > 0 {
		digits = strings.TrimSuffix(strings.TrimRight(digits[:len(digits)-scale]+"."+digits[len(digits)-scale:], "0"), ".")
	}
	if n.Sign() < 0 {
		digits = "-" + digits
	}
	return digits
}

func decimals(s string) int {
	_, frac, _ := strings.Cut(s, ".")
	return len(frac)
}

func scaled(s string, scale int) *big.Int {
	n, _ := new(big.Int).SetString(strings.Replace(s, ".", "", 1)+strings.Repeat("0", scale-decimals(s)), 10)
	return n
}

// scalar writes a value: a number as a number, SQL's NULL as null, everything else as a string.
func scalar(b []byte, v *string) []byte {
	switch {
	case v == nil:
		return append(b, "null"...)
	case isNumber(*v):
		return append(b, *v...)
	}
	return quote(b, *v)
}

// tree writes a text that is a JSON object or list as that, and any other as a scalar.
func tree(b []byte, s string) []byte {
	if t := strings.TrimLeft(s, " \t\r\n"); t != "" && (t[0] == '{' || t[0] == '[') && json.Valid([]byte(s)) {
		return append(b, s...)
	}
	return scalar(b, &s)
}

const hexDigits = "0123456789abcdef"

// quote writes a JSON string; bytes that are no UTF-8 become U+FFFD.
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// generated says whether a text looks made for one run: an id or a moment. Only the order in which rows
// are written depends on it.
func generated(v *string) bool {
	if v == nil {
		return false
	}
	s := *v
	return varies(s) && (len(s) >= 15 || strings.Count(s, "-") >= 2 || strings.Count(s, ":") >= 2)
}

// varies says whether one part of a key or path is data rather than a name: all digits, or four bytes and
// more with a digit among them, or too long for a name.
func varies(part string) bool {
	digits := 0
	for i := range len(part) {
		if part[i] >= '0' && part[i] <= '9' {
			digits++
		}
	}
	return digits > 0 && (digits == len(part) || len(part) >= 4) || len(part) > 40
}

// template parts a name into what is the same for all of its kind and what is not: cart:4711 is cart:{}
// with 4711.
func template(s string, separators string) (name string, ids []string) {
	var b strings.Builder
	for i := 0; i <= len(s); {
		end := i
		for end < len(s) && strings.IndexByte(separators, s[end]) < 0 {
			end++
		}
		if part := s[i:end]; varies(part) {
			b.WriteString("{}")
			ids = append(ids, part)
		} else {
			b.WriteString(part)
		}
		if end < len(s) {
			b.WriteByte(s[end])
		}
		i = end + 1
	}
	return b.String(), ids
}

// statement writes a statement so that two that differ only in layout, case, quotes around names and the
// spelling of placeholders are the same; literals become placeholders and come back as args.
func statement(s string) (text string, args []string) {
	var b strings.Builder
	space := false
	word := func(w string) {
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteString(w)
	}
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			space = true
			i++
		case c == '\'':
			literal, n := quoted(s[i:], c)
			word("?")
			args = append(args, literal)
			i += n
		case c == '`' || c == '"':
			name, n := quoted(s[i:], c)
			word(strings.ToLower(name))
			i += n
		case c == '$' && i+1 < len(s) && digit(s[i+1]):
			for i++; i < len(s) && digit(s[i]); i++ {
			}
			word("?")
		case digit(c):
			end := i
			for end < len(s) && (digit(s[end]) || s[end] == '.') {
				end++
			}
			word("?")
			args = append(args, s[i:end])
			i = end
		case letter(c):
			end := i
			for end < len(s) && (letter(s[end]) || digit(s[end])) {
				end++
			}
			word(strings.ToLower(s[i:end]))
			i = end
		case strings.IndexByte("(),=<>+-*/;", c) >= 0:
			space = false // space around these means nothing
			if c != ';' {
				b.WriteByte(c)
			}
			i++
			for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n') {
				i++
			}
		default:
			word(s[i : i+1])
			i++
		}
	}
	return b.String(), args
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// quoted reads what stands between two quotes, a doubled one being one, and how long it is with them.
func quoted(s string, quote byte) (text string, n int) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != quote {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		return b.String(), i + 1
	}
	return b.String(), len(s)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

package row

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"jindu.dev/jindu/internal/kit/kind"
)

// Canon puts what a driver or a log gives into canonical text. v is nil, a bool, an integer, a float, a
// time.Time, []byte or string. []byte is what MariaDB and MySQL give: bytes and bits are raw. A string is
// what PostgreSQL prints: bytes are \x and hexadecimal (raw without it), bits are 0 and 1.
func Canon(c *Column, v any) (Value, error) {
	var text string
	var ok bool
	switch v := v.(type) {
	case nil:
		return Value{Null: true}, nil
	case []byte:
		text, ok = canonBytes(c, v)
	case string:
		text, ok = canonText(c, v)
	case bool:
		text, ok = canonBool(c, v)
	case int64:
		text, ok = canonInteger(c, strconv.FormatInt(v, 10), uint64(v))
	case uint64:
		text, ok = canonInteger(c, strconv.FormatUint(v, 10), v)
	case int:
		return Canon(c, int64(v))
	case int32:
		return Canon(c, int64(v))
	case int16:
		return Canon(c, int64(v))
	case int8:
		return Canon(c, int64(v))
	case uint32:
		return Canon(c, uint64(v))
	case uint16:
		return Canon(c, uint64(v))
	case uint8:
		return Canon(c, uint64(v))
	case float64:
		text, ok = string(AppendFloat(nil, v)), c.Type == Float
	case float32:
		text, ok = string(AppendFloat(nil, float64(v))), c.Type == Float
	case time.Time:
		text, ok = canonTime(c, v)
	default:
		ok = false
	}
	if !ok {
		return Value{}, notCanonical(c, v)
	}
	if c.EmptyNull && c.Type == Text && text == "" {
		return Value{Null: true}, nil
	}
	return Value{Text: text}, nil
}

// notCanonical names the column, not the value: values of rows are nobody's to log.
func notCanonical(c *Column, v any) error {
	native := c.Native
	if native == "" {
		native = c.Type.String()
	}
	return kind.New(kind.Invalid, "JD-ROW-001", "column %s (%s): a %T of this form is no value of it; check that the table was not altered since it was read", c.Name, native, v)
}

func canonBool(c *Column, v bool) (string, bool) {
	switch c.Type {
	case Bool, Text:
		return strconv.FormatBool(v), true
	case Integer, Bits:
		if v {
			return "1", true
		}
		return "0", true
	}
	return "", false
}

func canonInteger(c *Column, text string, raw uint64) (string, bool) {
	switch c.Type {
	case Integer, Decimal, Text, Float:
		return text, true
	case Bool:
		return boolText(text), true
	case Bits:
		return pad(strconv.FormatUint(raw, 2), c.Length), true
	}
	return "", false
}

func boolText(s string) string {
	switch s {
	case "1", "t", "true", "TRUE", "T":
		return "true"
	case "0", "f", "false", "FALSE", "F":
		return "false"
	}
	return s
}

func pad(bits string, n int) string {
	if len(bits) < n {
		return strings.Repeat("0", n-len(bits)) + bits
	}
	return bits
}

func canonBytes(c *Column, b []byte) (string, bool) {
	switch c.Type {
	case Bytes:
		text := hex.EncodeToString(b)
		if c.Padded && len(b) < c.Length {
			text += strings.Repeat("00", c.Length-len(b))
		}
		return text, true
	case Bits, Bool:
		if c.Type == Bool && (len(b) != 1 || b[0] > 1) { // text, unless it is the byte of a BIT(1)
			return canonText(c, string(b))
		}
		if len(b) > 8 {
			return "", false
		}
		var n uint64
		for _, x := range b {
			n = n<<8 | uint64(x)
		}
		return canonInteger(c, strconv.FormatUint(n, 10), n)
	case UUID:
		if len(b) == 16 {
			return uuidText(hex.EncodeToString(b))
		}
	}
	return canonText(c, string(b))
}

func canonText(c *Column, s string) (string, bool) {
	switch c.Type {
	case Text:
		if c.Padded {
			s = strings.TrimRight(s, " ")
		}
		return s, utf8.ValidString(s)
	case Bool:
		b := boolText(s)
		return b, b == "true" || b == "false" || isInteger(b)
	case Integer:
		return integerText(s)
	case Decimal:
		if special(s) {
			return s, true
		}
		return plain(s)
	case Float:
		return floatText(s, c.Length)
	case Bytes:
		if rest, ok := strings.CutPrefix(s, `\x`); ok && len(rest)%2 == 0 && isHex(rest) {
			return strings.ToLower(rest), true
		}
		return hex.EncodeToString([]byte(s)), true
	case Date:
		return s, plausible(s)
	case Clock:
		return trimFraction(s), plausible(s)
	case Local:
		return localText(s)
	case Instant:
		return instantText(s)
	case JSON:
		b, err := AppendJSON(nil, []byte(s))
		return string(b), err == nil
	case UUID:
		return uuidText(s)
	case Bits:
		return s, strings.Trim(s, "01") == ""
	}
	return "", false
}

func integerText(s string) (string, bool) {
	if isInteger(s) {
		return s, true
	}
	d, negative := strings.CutPrefix(s, "-")
	if d == "" || !digits(d) {
		return "", false
	}
	return join(negative, d, ""), true
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c-'0' > 9 && c-'a' > 5 {
			return false
		}
	}
	return true
}

func uuidText(s string) (string, bool) {
	h := strings.ToLower(strings.Trim(s, "{}"))
	if len(h) == 36 {
		h = h[:8] + h[9:13] + h[14:18] + h[19:23] + h[24:]
	}
	if len(h) != 32 || !isHex(h) {
		return "", false
	}
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], true
}

package http1

import "encoding/binary"

// Classes of bytes.
const (
	charToken  = 1 << iota // RFC 9110 5.6.2
	charPlain              // letter, digit, hyphen: field names that every recipient reads alike
	charTarget             // request target
	charHost               // reg-name or IPv4, narrowed to what names consist of
	charMethod             // capital letters, hyphen, underscore
)

var classes = func() (t [256]uint8) {
	mark := func(s string, c uint8) {
		for i := range len(s) {
			t[s[i]] |= c
		}
	}
	for c := byte('a'); c <= 'z'; c++ {
		t[c] |= charToken | charPlain | charHost
		t[c-'a'+'A'] |= charToken | charPlain | charHost | charMethod
	}
	for c := byte('0'); c <= '9'; c++ {
		t[c] |= charToken | charPlain | charHost
	}
	mark("!#$%&'*+-.^_`|~", charToken)
	mark("-", charPlain|charHost|charMethod)
	mark("._~", charHost)
	mark("_", charMethod)
	for c := 0x21; c < 0x7f; c++ {
		if c != '#' { // a fragment is never sent
			t[c] |= charTarget
		}
	}
	return t
}()

func all(b []byte, class uint8) bool {
	for _, c := range b {
		if classes[c]&class == 0 {
			return false
		}
	}
	return true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// valueOK says that b has no control byte but HTAB. It looks at eight bytes at a time.
func valueOK(b []byte) bool {
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		ctl := (x - ones*0x20) &^ x & highs
		del := x ^ ones*0x7f
		del = (del - ones) &^ del & highs
		if ctl|del != 0 && !valueOKSlow(b[:8]) {
			return false
		}
		b = b[8:]
	}
	return valueOKSlow(b)
}

func valueOKSlow(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// is compares b with an all lower-case ASCII string, ignoring the case of letters.
func is(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c != lower[i] {
			if c < 'A' || c > 'Z' || c|0x20 != lower[i] {
				return false
			}
		}
	}
	return true
}

// hasPrefix is is for the beginning of b.
func hasPrefix(b []byte, lower string) bool {
	return len(b) >= len(lower) && is(b[:len(lower)], lower)
}

// trim removes optional whitespace around b.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// nextItem cuts the next element off a comma-separated list; quoted strings are not looked into, as no
// list we read has any.
func nextItem(list []byte) (item, rest []byte) {
	for i, c := range list {
		if c == ',' {
			return trim(list[:i]), list[i+1:]
		}
	}
	return trim(list), nil
}

// parseUint reads 1 to 18 digits and nothing else.
func parseUint(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

func lowerInto(dst, b []byte) []byte {
	for _, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

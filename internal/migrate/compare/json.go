package compare

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of a document. A body beyond them is compared by digest.
const (
	maxDepth = 128
	maxNodes = 200_000
)

var (
	errSyntax = errors.New("not JSON")
	errBounds = errors.New("JSON beyond the bounds")
)

// parseJSON reads one JSON text as encoding/json does: it accepts and refuses the same texts (but for the
// bounds), the last of two equal keys counts, bytes that are not UTF-8 become U+FFFD. Members are sorted
// by key. Strings without escapes are views of s.
func parseJSON(s string) (Value, error) {
	p := parser{s: s}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	p.space()
	if p.i != len(p.s) {
		return Value{}, errSyntax
	}
	return v, nil
}

type parser struct {
	s     string
	i     int
	nodes int
	stack []Value // children of the containers that are open
}

func (p *parser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *parser) value(depth int) (Value, error) {
	p.nodes++
	if depth > maxDepth || p.nodes > maxNodes {
		return Value{}, errBounds
	}
	switch c := p.peek(); {
	case c == '{':
		return p.container(depth, Object, '}')
	case c == '[':
		return p.container(depth, Array, ']')
	case c == '"':
		text, escaped, err := p.string()
		return Value{Type: String, Text: text, escaped: escaped}, err
	case c == '-' || c >= '0' && c <= '9':
		text, err := p.number()
		return Value{Type: Number, Text: text}, err
	case c == 't':
		return p.word("true", Bool)
	case c == 'f':
		return p.word("false", Bool)
	case c == 'n':
		return p.word("null", Null)
	}
	return Value{}, errSyntax
}

func (p *parser) word(w string, t Type) (Value, error) {
	if !strings.HasPrefix(p.s[p.i:], w) {
		return Value{}, errSyntax
	}
	p.i += len(w)
	return Value{Type: t, Text: w}, nil
}

func (p *parser) container(depth int, t Type, end byte) (Value, error) {
	p.i++ // the opening bracket
	start := len(p.stack)
	p.space()
	for first := true; ; first = false {
		if first && p.peek() == end {
			break
		}
		var key string
		if t == Object {
			if p.peek() != '"' {
				return Value{}, errSyntax
			}
			var err error
			if key, _, err = p.string(); err != nil {
				return Value{}, err
			}
			p.space()
			if p.peek() != ':' {
				return Value{}, errSyntax
			}
			p.i++
			p.space()
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		v.Key = key
		p.stack = append(p.stack, v)
		p.space()
		if p.peek() == ',' {
			p.i++
			p.space()
			continue
		}
		if p.peek() != end {
			return Value{}, errSyntax
		}
		break
	}
	p.i++
	kids := slices.Clone(p.stack[start:])
	p.stack = p.stack[:start]
	if t == Object {
		kids = sortMembers(kids)
	}
	return Value{Type: t, Kids: kids}, nil
}

// sortMembers sorts by key and keeps the last of equal keys.
func sortMembers(kids []Value) []Value {
	slices.SortStableFunc(kids, func(a, b Value) int { return strings.Compare(a.Key, b.Key) })
	out := kids[:0]
	for i := range kids {
		if i+1 < len(kids) && kids[i+1].Key == kids[i].Key {
			continue
		}
		out = append(out, kids[i])
	}
	return out
}

func (p *parser) number() (string, error) {
	start := p.i
	if p.peek() == '-' {
		p.i++
	}
	switch c := p.peek(); {
	case c == '0':
		p.i++
	case c >= '1' && c <= '9':
		p.digits()
	default:
		return "", errSyntax
	}
	if p.peek() == '.' {
		p.i++
		if !p.digits() {
			return "", errSyntax
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.i++
		if c := p.peek(); c == '+' || c == '-' {
			p.i++
		}
		if !p.digits() {
			return "", errSyntax
		}
	}
	return p.s[start:p.i], nil
}

func (p *parser) digits() bool {
	start := p.i
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.i++
	}
	return p.i > start
}

// string reads a string; escaped says that it was sent with the escapes that HTML-safe encoders use.
func (p *parser) string() (text string, escaped bool, err error) {
	p.i++ // the quote
	start := p.i
	plain := true
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"':
			text = p.s[start:p.i]
			p.i++
			if plain && utf8.ValidString(text) {
				return text, false, nil
			}
			text, escaped = unquote(text)
			return text, escaped, nil
		case c == '\\':
			plain = false
			if !p.escape() {
				return "", false, errSyntax
			}
		case c < 0x20:
			return "", false, errSyntax
		default:
			p.i++
		}
	}
	return "", false, errSyntax
}

// escape steps over one escape and says whether it is a valid one.
func (p *parser) escape() bool {
	rest := p.s[p.i:]
	if len(rest) < 2 {
		return false
	}
	switch rest[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		p.i += 2
		return true
	case 'u':
		if hex4(rest[2:]) < 0 {
			return false
		}
		p.i += 6
		return true
	}
	return false
}

// unquote decodes the inside of a string whose escapes are known to be valid.
func unquote(s string) (text string, escaped bool) {
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		if s[0] != '\\' {
			r, n := utf8.DecodeRuneInString(s)
			b.WriteRune(r) // U+FFFD for a byte that is not UTF-8
			s = s[n:]
			continue
		}
		if s[1] != 'u' {
			b.WriteByte(plainEscape(s[1]))
			s = s[2:]
			continue
		}
		r := hex4(s[2:])
		s = s[6:]
		switch r {
		case '<', '>', '&', 0x2028, 0x2029:
			escaped = true
		}
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if strings.HasPrefix(s, `\u`) {
				low = hex4(s[2:])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				s = s[6:]
			}
		}
		b.WriteRune(r)
	}
	return b.String(), escaped
}

func plainEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// hex4 is the number that the first four hex digits of s mean, -1 when they are not.
func hex4(s string) rune {
	if len(s) < 4 {
		return -1
	}
	var r rune
	for i := range 4 {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

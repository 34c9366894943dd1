package route

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// maxClaims bounds the part of a token that is read, in base64 octets; a longer one has no claims.
const maxClaims = 16 << 10

// claims decodes the claims of "Bearer header.claims.signature" into buf. Nothing is verified. The
// result is empty when it is no such token.
func claims(authorization, buf []byte) []byte {
	const scheme = "bearer "
	if len(authorization) < len(scheme) || !equalFold(authorization[:len(scheme)], scheme) {
		return buf[:0]
	}
	token := bytes.Trim(authorization[len(scheme):], " ")
	i := bytes.IndexByte(token, '.')
	if i < 0 {
		return buf[:0]
	}
	body := token[i+1:]
	if i = bytes.IndexByte(body, '.'); i < 0 || i > maxClaims {
		return buf[:0]
	}
	body = bytes.TrimRight(body[:i], "=")
	out, err := base64.RawURLEncoding.AppendDecode(buf[:0], body)
	if err != nil {
		return out[:0]
	}
	return out
}

// equalFold compares ASCII; lower is in lower case.
func equalFold(b []byte, lower string) bool {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// claim finds a top-level claim whose value is a string, a number or a boolean. As in JSON parsers the
// last of the same name counts. A string is unescaped into buf where it has escapes; numbers and
// booleans are returned as written.
func claim(doc []byte, name string, buf []byte) (value, grown []byte, ok bool) {
	p := scanner{doc: doc}
	p.space()
	if !p.eat('{') {
		return nil, buf, false
	}
	p.space()
	if p.eat('}') {
		return nil, buf, false
	}
	for {
		p.space()
		key, escaped, good := p.str()
		if !good {
			return nil, buf, false
		}
		same := string(key) == name
		if escaped {
			buf = unescapeJSON(key, buf[:0])
			same = string(buf) == name
		}
		p.space()
		if !p.eat(':') {
			return nil, buf, false
		}
		p.space()
		start := p.at
		if !p.skip() {
			return nil, buf, false
		}
		if same {
			value = doc[start:p.at]
		}
		p.space()
		if p.eat('}') {
			break
		}
		if !p.eat(',') {
			return nil, buf, false
		}
	}
	p.space()
	if p.at != len(doc) || len(value) == 0 {
		return nil, buf, false
	}
	switch value[0] {
	case '"':
		value = value[1 : len(value)-1]
		if bytes.IndexByte(value, '\\') >= 0 {
			buf = unescapeJSON(value, buf[:0])
			value = buf
		}
		return value, buf, true
	case '{', '[', 'n':
		return nil, buf, false
	}
	return value, buf, true
}

// scanner walks over JSON without building it. It takes every valid document and some that are not:
// what matters is that it finds the ends of values, within bounds.
type scanner struct {
	doc []byte
	at  int
}

func (p *scanner) space() {
	for p.at < len(p.doc) {
		switch p.doc[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

func (p *scanner) eat(c byte) bool {
	if p.at < len(p.doc) && p.doc[p.at] == c {
		p.at++
		return true
	}
	return false
}

// str reads a string and returns what is between its quotes.
func (p *scanner) str() (raw []byte, escaped, ok bool) {
	if !p.eat('"') {
		return nil, false, false
	}
	start := p.at
	for ; p.at < len(p.doc); p.at++ {
		switch p.doc[p.at] {
		case '\\':
			escaped = true
			p.at++
		case '"':
			p.at++
			return p.doc[start : p.at-1], escaped, true
		}
	}
	return nil, false, false
}

// skip passes one value.
func (p *scanner) skip() bool {
	depth := 0
	for p.at < len(p.doc) {
		switch c := p.doc[p.at]; c {
		case '"':
			if _, _, ok := p.str(); !ok {
				return false
			}
		case '{', '[':
			depth++
			p.at++
			continue
		case '}', ']':
			if depth == 0 {
				return false
			}
			depth--
			p.at++
		case ' ', '\t', '\r', '\n', ',', ':':
			if depth == 0 {
				return false
			}
			p.at++
			continue
		default:
			for p.at < len(p.doc) && strings.IndexByte(" \t\r\n,:{}[]\"", p.doc[p.at]) < 0 {
				p.at++
			}
		}
		if depth == 0 {
			return true
		}
	}
	return false
}

// unescapeJSON appends the text that the inside of a JSON string stands for.
func unescapeJSON(raw, buf []byte) []byte {
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c != '\\' || i+1 == len(raw) {
			buf = append(buf, c)
			continue
		}
		i++
		switch raw[i] {
		case 'n':
			buf = append(buf, '\n')
		case 't':
			buf = append(buf, '\t')
		case 'r':
			buf = append(buf, '\r')
		case 'b':
			buf = append(buf, '\b')
		case 'f':
			buf = append(buf, '\f')
		case 'u':
			r := hex4(raw[i+1:])
			if r < 0 {
				buf = append(buf, '\\', 'u')
				continue
			}
			i += 4
			if 0xd800 <= r && r < 0xdc00 && i+2 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
				if low := hex4(raw[i+3:]); 0xdc00 <= low && low < 0xe000 {
					r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
					i += 6
				}
			}
			buf = utf8.AppendRune(buf, r)
		default:
			buf = append(buf, raw[i])
		}
	}
	return buf
}

func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		v := unhex(c)
		if v < 0 {
			return -1
		}
		r = r<<4 | rune(v)
	}
	return r
}

package route

import (
	"bytes"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// scratch are buffers of a Decision that outlive it, so that decisions do not allocate.
type scratch struct {
	path   []byte // canonical path
	value  []byte // one decoded value
	claims []byte // decoded claims of the bearer token
	parsed bool   // claims are those of this request
}

// source is a compiled v1.ValueSource.
type source struct {
	from fromWhere
	name string // lower-case for a header
}

type fromWhere uint8

const (
	fromHeader fromWhere = iota
	fromCookie
	fromQuery
	fromJWT
	fromClientIP
)

type sources []source

func compileSource(v v1.ValueSource) source {
	switch {
	case v.Header != "":
		return source{fromHeader, strings.ToLower(v.Header)}
	case v.Cookie != "":
		return source{fromCookie, v.Cookie}
	case v.Query != "":
		return source{fromQuery, v.Query}
	case v.JWTClaim != "":
		return source{fromJWT, v.JWTClaim}
	}
	return source{from: fromClientIP}
}

func compileSources(vs []v1.ValueSource) sources {
	out := make(sources, len(vs))
	for i, v := range vs {
		out[i] = compileSource(v)
	}
	return out
}

// first is the value of the first source that has one. An empty value is no value: nobody is named "".
func (ss sources) first(req *Request, s *scratch) ([]byte, bool) {
	for _, src := range ss {
		if v, ok := src.read(req, s); ok && len(v) > 0 {
			return v, true
		}
	}
	return nil, false
}

// read returns a view that is valid until the next read.
func (src source) read(req *Request, s *scratch) ([]byte, bool) {
	switch src.from {
	case fromHeader:
		v := req.Fields.Get(src.name)
		return v, v != nil
	case fromCookie:
		return cookie(req.Fields.Get("cookie"), src.name)
	case fromQuery:
		v, ok := queryParam(req.Query, src.name)
		if ok {
			v, s.value = unescapeQuery(v, s.value[:0])
		}
		return v, ok
	case fromJWT:
		if !s.parsed {
			s.claims, s.parsed = claims(req.Fields.Get("authorization"), s.claims[:0]), true
		}
		var v []byte
		var ok bool
		v, s.value, ok = claim(s.claims, src.name, s.value[:0])
		return v, ok
	default:
		if !req.ClientIP.IsValid() {
			return nil, false
		}
		s.value = req.ClientIP.Unmap().WithZone("").AppendTo(s.value[:0])
		return s.value, true
	}
}

// cookie finds the first cookie of a name in a Cookie header. Quotes around the value are left out.
func cookie(header []byte, name string) ([]byte, bool) {
	for len(header) > 0 {
		var pair []byte
		pair, header, _ = cutByte(header, ';')
		key, value, ok := cutByte(pair, '=')
		if !ok || string(bytes.Trim(key, " \t")) != name {
			continue
		}
		value = bytes.Trim(value, " \t")
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		return value, true
	}
	return nil, false
}

// queryParam finds the first parameter of a name, its value still escaped.
func queryParam(query []byte, name string) ([]byte, bool) {
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = cutByte(query, '&')
		key, value, _ := cutByte(pair, '=')
		if escapedEqual(key, name) {
			return value, true
		}
	}
	return nil, false
}

// escapedEqual says whether an escaped key stands for name.
func escapedEqual(key []byte, name string) bool {
	n := 0
	for i := 0; i < len(key); n++ {
		c, width := unescapeOne(key[i:])
		if n >= len(name) || name[n] != c {
			return false
		}
		i += width
	}
	return n == len(name)
}

// unescapeQuery decodes an escaped value into buf; without escapes it is v itself.
func unescapeQuery(v, buf []byte) (value, grown []byte) {
	if !bytes.ContainsAny(v, "%+") {
		return v, buf
	}
	for i := 0; i < len(v); {
		c, width := unescapeOne(v[i:])
		buf = append(buf, c)
		i += width
	}
	return buf, buf
}

// unescapeOne decodes the first octet of a query; a broken escape stands for itself.
func unescapeOne(v []byte) (c byte, width int) {
	switch {
	case v[0] == '+':
		return ' ', 1
	case v[0] == '%' && len(v) > 2:
		if hi, lo := unhex(v[1]), unhex(v[2]); hi >= 0 && lo >= 0 {
			return byte(hi<<4 | lo), 3
		}
	}
	return v[0], 1
}

// cutByte is bytes.Cut for one octet.
func cutByte(b []byte, sep byte) (before, after []byte, found bool) {
	if i := bytes.IndexByte(b, sep); i >= 0 {
		return b[:i], b[i+1:], true
	}
	return b, nil, false
}

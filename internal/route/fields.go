package route

import (
	"fmt"
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// fields collects wrong fields.
type fields struct{ wrong []kind.Field }

func (f *fields) add(path, value, format string, args ...any) {
	const enough = 80
	if len(value) > enough {
		value = strings.ToValidUTF8(value[:enough], "") + "…"
	}
	f.wrong = append(f.wrong, kind.Field{Path: path, Value: value, Detail: fmt.Sprintf(format, args...)})
}

func (f *fields) duration(path string, d v1.Duration) {
	switch v, err := d.Parse(); {
	case err != nil:
		f.add(path, string(d), "is no duration: write it like 250ms, 5s or 1h30m")
	case v < 0:
		f.add(path, string(d), "must not be negative")
	}
}

func (f *fields) percent(path string, p *float64) {
	if p != nil && !(*p >= 0 && *p <= 100) {
		f.add(path, fmt.Sprint(*p), "must be 0 to 100")
	}
}

func (f *fields) oneOf(path, value string, allowed ...string) bool {
	if slices.Contains(allowed, value) {
		return true
	}
	f.add(path, value, "must be one of %s", strings.Join(allowed, ", "))
	return false
}

// token checks the name of a header field, a method or a cookie.
func (f *fields) token(path, value string) bool {
	if isToken(value) {
		return true
	}
	f.add(path, value, "must be a token of letters, digits and !#$%%&'*+-.^_`|~")
	return false
}

func isToken(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func (f *fields) service(path, name string) {
	if name == "" {
		f.add(path, "", "is missing: name the service")
	} else if strings.ContainsAny(name, "/ \t\r\n") {
		f.add(path, name, "is no name of a service")
	}
}

// selector checks that a selector can be told from every other in words.
func (f *fields) selector(path string, sel v1.Selector) {
	for k, v := range sel {
		if k == "" || strings.ContainsAny(k, "=,* \t\r\n") {
			f.add(path, k, "is no metadata key: keys have no '=', ',', '*' or spaces")
		}
		if strings.ContainsAny(v, "=,\r\n") || strings.Contains(strings.TrimSuffix(v, "*"), "*") {
			f.add(path+"."+k, v, "must have no '=' or ',', and '*' only at its end")
		}
	}
}

func (f *fields) subject(path string, sources []v1.ValueSource) {
	if len(sources) > 4 {
		f.add(path, fmt.Sprint(len(sources)), "may name 4 sources at most")
	}
	for i, s := range sources {
		f.source(fmt.Sprintf("%s[%d]", path, i), s)
	}
}

func (f *fields) source(path string, s v1.ValueSource) {
	n := 0
	for _, set := range []bool{s.Header != "", s.Cookie != "", s.Query != "", s.JWTClaim != "", s.ClientIP} {
		if set {
			n++
		}
	}
	if n != 1 {
		f.add(path, "", "must set exactly one of header, cookie, query, jwtClaim, clientIP, but sets %d", n)
	}
	if s.Header != "" {
		f.token(path+".header", s.Header)
	}
	if s.Cookie != "" {
		f.token(path+".cookie", s.Cookie)
	}
}

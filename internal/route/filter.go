package route

import (
	"strconv"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// Filters are the compiled filters of a rule; mirrors are in Rule.Mirrors. Everything is read-only.
type Filters struct {
	RequestHeaders, ResponseHeaders HeaderChange
	Redirect                        *Redirect // nil: none
	Rewrite                         *Rewrite  // nil: none
}

// HeaderChange is a compiled header modifier; names are lower-case.
type HeaderChange struct {
	Set, Add []v1.Header
	Remove   []string
}

// Empty says that nothing changes.
func (c *HeaderChange) Empty() bool { return len(c.Set)+len(c.Add)+len(c.Remove) == 0 }

// Rewrite changes what is forwarded.
type Rewrite struct {
	Hostname string // "" keeps the request's
	path     pathChange
}

// ChangesPath says whether AppendPath differs from the path as sent.
func (r *Rewrite) ChangesPath() bool { return r.path.mode != pathKeep }

// AppendPath appends the path to forward, escaped, without query. path is the request's as sent.
func (r *Rewrite) AppendPath(dst, path []byte, d *Decision) []byte {
	return r.path.appendTo(dst, path, d)
}

// Redirect answers the request itself.
type Redirect struct {
	Status   int
	Scheme   string // "" keeps the request's
	Hostname string // "" keeps the request's
	Port     int    // 0: that of the scheme, or the request's where the scheme stays
	path     pathChange
}

// AppendLocation appends the value of Location. scheme and port are those the client spoke to. A port
// that the scheme implies is left out; the query stays.
func (r *Redirect) AppendLocation(dst []byte, scheme string, port int, req *Request, d *Decision) []byte {
	switch {
	case r.Port != 0:
		port = r.Port
	case r.Scheme != "":
		port = 0
	}
	if r.Scheme != "" {
		scheme = r.Scheme
	}
	dst = append(dst, scheme...)
	dst = append(dst, "://"...)
	if r.Hostname != "" {
		dst = append(dst, r.Hostname...)
	} else {
		dst = append(dst, req.Host...)
	}
	if port != 0 && (scheme != "http" || port != 80) && (scheme != "https" || port != 443) {
		dst = append(dst, ':')
		dst = strconv.AppendInt(dst, int64(port), 10)
	}
	dst = r.path.appendTo(dst, req.Path, d)
	if len(req.Query) > 0 {
		dst = append(dst, '?')
		dst = append(dst, req.Query...)
	}
	return dst
}

type pathMode uint8

const (
	pathKeep pathMode = iota
	pathFull
	pathPrefix
)

// pathChange is a compiled v1.PathModifier.
type pathChange struct {
	mode  pathMode
	value string // escaped; for a prefix without trailing slash
}

func (c pathChange) appendTo(dst, path []byte, d *Decision) []byte {
	switch c.mode {
	case pathFull:
		return append(dst, c.value...)
	case pathPrefix:
		rest := behind(path, strings.Count(d.Prefix, "/"))
		for len(rest) > 1 && rest[0] == '/' && rest[1] == '/' {
			rest = rest[1:] // "//host" at the start would name a host
		}
		dst = append(dst, c.value...)
		if c.value == "" && len(rest) == 0 {
			return append(dst, '/')
		}
		return append(dst, rest...)
	}
	return append(dst, path...)
}

func compilePath(m *v1.PathModifier) pathChange {
	switch {
	case m == nil:
		return pathChange{}
	case m.Type == "ReplacePrefixMatch":
		return pathChange{pathPrefix, escapePath(strings.TrimRight(m.Value, "/"))}
	}
	return pathChange{pathFull, escapePath(m.Value)}
}

// escapePath escapes what may not stand in a path.
func escapePath(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("/-._~!$&'()*+,=:@", c) >= 0 {
			b.WriteByte(c)
		} else {
			const hex = "0123456789ABCDEF"
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

func compileHeaders(m *v1.HeaderModifier) HeaderChange {
	lower := func(in []v1.Header) []v1.Header {
		out := make([]v1.Header, len(in))
		for i, h := range in {
			out[i] = v1.Header{Name: strings.ToLower(h.Name), Value: h.Value}
		}
		return out
	}
	c := HeaderChange{Set: lower(m.Set), Add: lower(m.Add)}
	for _, n := range m.Remove {
		c.Remove = append(c.Remove, strings.ToLower(n))
	}
	return c
}

func (ix *index) compileFilters(in []v1.RouteFilter, rule *Rule) {
	for _, f := range in {
		switch f.Type {
		case "RequestHeaderModifier":
			rule.Filters.RequestHeaders = compileHeaders(f.RequestHeaderModifier)
		case "ResponseHeaderModifier":
			rule.Filters.ResponseHeaders = compileHeaders(f.ResponseHeaderModifier)
		case "RequestRedirect":
			r := f.RequestRedirect
			rule.Filters.Redirect = &Redirect{
				Status: r.StatusCode, Scheme: r.Scheme, Hostname: strings.ToLower(r.Hostname), Port: r.Port, path: compilePath(r.Path),
			}
			if r.StatusCode == 0 {
				rule.Filters.Redirect.Status = 302
			}
		case "URLRewrite":
			rule.Filters.Rewrite = &Rewrite{Hostname: strings.ToLower(f.URLRewrite.Hostname), path: compilePath(f.URLRewrite.Path)}
		case "RequestMirror":
			m := Mirror{Percent: 100, target: ix.target(f.RequestMirror.BackendRef)}
			if f.RequestMirror.Percent != nil {
				m.Percent = *f.RequestMirror.Percent
			}
			rule.Mirrors = append(rule.Mirrors, m)
		}
	}
}

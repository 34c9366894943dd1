package http1

import (
	"bytes"
)

// requestHead is the head of a request, parsed in place.
type requestHead struct {
	method  []byte
	target  []byte // path and query, as they are forwarded
	path    []byte
	query   []byte
	host    []byte // with port, as sent; empty in HTTP/1.0 without one
	name    []byte // of the host: lower-case, without port and trailing dot
	minor   int    // HTTP/1.minor
	fields  fields
	body    framing
	conn    connection
	expect  bool // 100-continue
	upgrade bool // asked to switch protocols
	teTrail bool // TE: trailers
	hosts   int
	scratch []byte // backs name when the host has capitals
}

// parseRequest reads a whole head, empty line included.
func parseRequest(r *requestHead, b []byte, lim *limits) error {
	*r = requestHead{fields: r.fields[:0], scratch: r.scratch[:0]}
	r.body.reset()
	line, rest, err := cutLine(b)
	if err != nil {
		return err
	}
	authority, err := r.parseLine(line, lim)
	if err != nil {
		return err
	}
	r.fields, err = parseFields(r.fields, rest, lim)
	if err != nil {
		return err
	}
	return r.check(authority)
}

// parseLine reads the request line and returns the authority of an absolute target.
func (r *requestHead) parseLine(line []byte, lim *limits) (authority []byte, err error) {
	sp := bytes.IndexByte(line, ' ')
	if sp <= 0 {
		return nil, errRequestLine
	}
	r.method = line[:sp]
	if !all(r.method, charMethod) {
		return nil, errMethod
	}
	rest := line[sp+1:]
	sp = bytes.IndexByte(rest, ' ')
	if sp < 0 {
		if len(rest) > 0 && rest[0] == '/' {
			return nil, errHTTP09
		}
		return nil, errRequestLine
	}
	target, version := rest[:sp], rest[sp+1:]
	if len(target) > lim.target {
		return nil, errTargetSize
	}
	if r.minor, err = parseVersion(version); err != nil {
		return nil, err
	}
	if string(r.method) == "CONNECT" || string(r.method) == "TRACE" {
		return nil, errConnectMethod
	}
	if len(target) == 0 || !all(target, charTarget) {
		return nil, errTarget
	}
	return r.parseTarget(target)
}

func parseVersion(v []byte) (minor int, err error) {
	if len(v) != 8 || string(v[:5]) != "HTTP/" || v[6] != '.' || v[5] < '0' || v[5] > '9' || v[7] < '0' || v[7] > '9' {
		return 0, errRequestLine
	}
	if v[5] != '1' || v[7] > '1' {
		return 0, errVersion
	}
	return int(v[7] - '0'), nil
}

func (r *requestHead) parseTarget(t []byte) (authority []byte, err error) {
	if t[0] != '/' {
		if len(t) == 1 && t[0] == '*' && string(r.method) == "OPTIONS" {
			r.target, r.path = t, t
			return nil, nil
		}
		switch {
		case hasPrefix(t, "http://"):
			t = t[len("http://"):]
		case hasPrefix(t, "https://"):
			t = t[len("https://"):]
		default:
			return nil, errTarget
		}
		end := bytes.IndexAny(t, "/?")
		if end < 0 {
			end = len(t)
		}
		authority, t = t[:end], t[end:]
		if len(authority) == 0 {
			return nil, errTarget
		}
		if len(t) == 0 || t[0] == '?' {
			t = append([]byte{'/'}, t...) // rare: absolute form without a path
		}
	}
	r.target, r.path = t, t
	if q := bytes.IndexByte(t, '?'); q >= 0 {
		r.path, r.query = t[:q], t[q+1:]
	}
	return authority, nil
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// check reads the fields that matter and judges the head as a whole.
func (r *requestHead) check(authority []byte) error {
	for i := range r.fields {
		f := &r.fields[i]
		if f.header == hOther {
			continue
		}
		if hopByHop(f.header) {
			f.drop = true
			if err := r.note(f); err != nil {
				return err
			}
		}
	}
	switch {
	case r.body.chunked && r.body.length >= 0:
		return errLengthAndTE
	case r.body.chunked && r.minor == 0:
		return errTEOld
	case r.hosts == 0 && r.minor == 1:
		return errNoHost
	}
	if authority != nil {
		if r.hosts > 0 && (len(r.host) != len(authority) || !equalFold(r.host, authority)) {
			return errAuthority
		}
		r.host, r.hosts = authority, 1
	}
	if r.hosts > 0 {
		return r.parseHost()
	}
	return nil
}

// note takes the meaning of a hop-by-hop field. Tabs around what frames a message are whitespace to some
// and part of the value to others.
func (r *requestHead) note(f *field) error {
	switch f.header {
	case hHost, hContentLength, hTransferEncoding:
		if bytes.IndexByte(f.line, '\t') >= 0 {
			return errTab
		}
	}
	switch f.header {
	case hHost:
		if r.hosts++; r.hosts > 1 {
			return errTwoHosts
		}
		r.host = f.value
	case hContentLength:
		return r.body.setLength(f.value)
	case hTransferEncoding:
		return r.body.setCoding(f.value)
	case hConnection:
		return r.conn.read(f.value, r.fields)
	case hUpgrade:
		r.upgrade = true
	case hTE:
		for v := f.value; len(v) > 0; {
			var item []byte
			item, v = nextItem(v)
			r.teTrail = r.teTrail || is(item, "trailers")
		}
	case hExpect:
		if r.minor == 0 {
			return nil
		}
		if !is(f.value, "100-continue") {
			return errExpect
		}
		r.expect = true
	}
	return nil
}

// parseHost checks host [":" port] and finds name.
func (r *requestHead) parseHost() error {
	h := r.host
	if len(h) == 0 {
		return errHost
	}
	var name, port []byte
	if h[0] == '[' {
		end := bytes.IndexByte(h, ']')
		if end < 3 {
			return errHost
		}
		for _, c := range h[1:end] {
			if unhex(c) < 0 && c != ':' && c != '.' {
				return errHost
			}
		}
		name, port = h[:end+1], h[end+1:]
	} else {
		name = h
		if i := bytes.IndexByte(h, ':'); i >= 0 {
			name, port = h[:i], h[i:]
		}
		if len(name) == 0 || !all(name, charHost) {
			return errHost
		}
	}
	if len(port) > 0 {
		if n, ok := parseUint(port[1:]); port[0] != ':' || len(port) > 6 || !ok || n == 0 || n > 65535 {
			return errHost
		}
	}
	if n := len(name); n > 1 && name[n-1] == '.' {
		name = name[:n-1]
	}
	if name[0] == '.' || bytes.Contains(name, []byte("..")) {
		return errHost
	}
	r.name = name
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			r.scratch = lowerInto(r.scratch[:0], name)
			r.name = r.scratch
			break
		}
	}
	return nil
}

// keepAlive says that the client wants to go on with the connection.
func (r *requestHead) keepAlive() bool {
	if r.minor == 0 {
		return r.conn.keepAlive && !r.conn.close
	}
	return !r.conn.close
}

// hasBody says that bytes follow the head.
func (r *requestHead) hasBody() bool { return r.body.chunked || r.body.length > 0 }

package http1

// header names the fields that mean something to the gateway.
type header uint8

const (
	hOther header = iota
	hHost
	hConnection
	hContentLength
	hTransferEncoding
	hTE
	hTrailer
	hUpgrade
	hKeepAlive
	hProxyConnection
	hProxyAuthorization
	hProxyAuthenticate
	hHTTP2Settings
	hExpect
	hTraceparent
	hTracestate
	hB3
	hB3TraceID
	hB3SpanID
	hB3Sampled
	hB3Flags
	hForwarded
	hForwardedFor
	hForwardedProto
	hForwardedHost
	hVia
	hJindu // X-Jindu-*
)

// classify finds the header that a field name means.
func classify(n []byte) header {
	switch len(n) {
	case 2:
		if is(n, "te") {
			return hTE
		}
		if is(n, "b3") {
			return hB3
		}
	case 3:
		if is(n, "via") {
			return hVia
		}
	case 4:
		if is(n, "host") {
			return hHost
		}
	case 6:
		if is(n, "expect") {
			return hExpect
		}
	case 7:
		if is(n, "trailer") {
			return hTrailer
		}
		if is(n, "upgrade") {
			return hUpgrade
		}
	case 9:
		if is(n, "forwarded") {
			return hForwarded
		}
	case 10:
		switch n[0] | 0x20 {
		case 'c':
			if is(n, "connection") {
				return hConnection
			}
		case 'k':
			if is(n, "keep-alive") {
				return hKeepAlive
			}
		case 't':
			if is(n, "tracestate") {
				return hTracestate
			}
		case 'x':
			if is(n, "x-b3-flags") {
				return hB3Flags
			}
		}
	case 11:
		if is(n, "traceparent") {
			return hTraceparent
		}
		if is(n, "x-b3-spanid") {
			return hB3SpanID
		}
	case 12:
		if is(n, "x-b3-traceid") {
			return hB3TraceID
		}
		if is(n, "x-b3-sampled") {
			return hB3Sampled
		}
	case 14:
		if is(n, "content-length") {
			return hContentLength
		}
		if is(n, "http2-settings") {
			return hHTTP2Settings
		}
	case 15:
		if is(n, "x-forwarded-for") {
			return hForwardedFor
		}
	case 16:
		switch n[0] | 0x20 {
		case 'p':
			if is(n, "proxy-connection") {
				return hProxyConnection
			}
		case 'x':
			if is(n, "x-forwarded-host") {
				return hForwardedHost
			}
		}
	case 17:
		switch n[0] | 0x20 {
		case 't':
			if is(n, "transfer-encoding") {
				return hTransferEncoding
			}
		case 'x':
			if is(n, "x-forwarded-proto") {
				return hForwardedProto
			}
		}
	case 18:
		if is(n, "proxy-authenticate") {
			return hProxyAuthenticate
		}
	case 19:
		if is(n, "proxy-authorization") {
			return hProxyAuthorization
		}
	}
	if len(n) > 8 && n[1] == '-' && hasPrefix(n, "x-jindu-") {
		return hJindu
	}
	return hOther
}

// hopByHop says that a field ends at the gateway whatever Connection lists.
func hopByHop(h header) bool {
	switch h {
	case hConnection, hKeepAlive, hProxyConnection, hProxyAuthenticate, hProxyAuthorization, hTE, hTrailer,
		hTransferEncoding, hContentLength, hUpgrade, hHTTP2Settings, hHost, hExpect:
		return true
	}
	return false
}

// field is one field line. All are views into the head's buffer.
type field struct {
	name, value []byte
	line        []byte // with CRLF, for copying as it is
	header      header
	drop        bool // is not forwarded
}

// fields are the field lines of a head. They implement route.Fields.
type fields []field

// Get returns the first value of a header, nil when it is absent. name is lower-case.
func (f fields) Get(name string) []byte {
	for i := range f {
		if is(f[i].name, name) {
			return f[i].value
		}
	}
	return nil
}

// appendKept copies every field line that is not dropped, neighbours in one piece.
func (f fields) appendKept(dst []byte) []byte {
	for i := 0; i < len(f); i++ {
		if f[i].drop {
			continue
		}
		run := f[i].line
		for i+1 < len(f) && !f[i+1].drop {
			i++
			run = run[: len(run)+len(f[i].line) : cap(run)]
		}
		dst = append(dst, run...)
	}
	return dst
}

// dropNamed drops the fields that Connection lists.
func (f fields) dropNamed(name []byte) {
	for i := range f {
		if len(f[i].name) == len(name) && equalFold(f[i].name, name) {
			f[i].drop = true
		}
	}
}

func equalFold(a, b []byte) bool {
	for i := range a {
		x, y := a[i], b[i]
		if x >= 'A' && x <= 'Z' {
			x |= 0x20
		}
		if y >= 'A' && y <= 'Z' {
			y |= 0x20
		}
		if x != y {
			return false
		}
	}
	return true
}

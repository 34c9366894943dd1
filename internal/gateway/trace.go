package gateway

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
)

// Begin gives the exchange's own span an id, and the trace one when it begins here.
func (t *TraceContext) Begin(random func() uint64, sampled bool) {
	if t.TraceID == ([16]byte{}) {
		binary.BigEndian.PutUint64(t.TraceID[:8], random())
		binary.BigEndian.PutUint64(t.TraceID[8:], random()|1)
		t.Parent, t.Sampled = [8]byte{}, sampled
	}
	binary.BigEndian.PutUint64(t.SpanID[:], random()|1)
}

// AppendParent appends the value of traceparent for the next hop.
func (t *TraceContext) AppendParent(dst []byte) []byte {
	dst = append(dst, "00-"...)
	dst = hex.AppendEncode(dst, t.TraceID[:])
	dst = append(dst, '-')
	dst = hex.AppendEncode(dst, t.SpanID[:])
	if t.Sampled {
		return append(dst, "-01"...)
	}
	return append(dst, "-00"...)
}

// ReadParent reads a W3C traceparent; a malformed one leaves t as it was.
func (t *TraceContext) ReadParent(v []byte) bool {
	// 2 version, 32 trace, 16 parent, 2 flags; a later version may append more after a hyphen.
	if len(v) < 55 || v[2] != '-' || v[35] != '-' || v[52] != '-' || len(v) > 55 && v[55] != '-' {
		return false
	}
	var version, flags [1]byte
	var n TraceContext
	if !lowerHex(version[:], v[:2]) || version[0] == 0xff || version[0] == 0 && len(v) != 55 ||
		!lowerHex(n.TraceID[:], v[3:35]) || !lowerHex(n.Parent[:], v[36:52]) || !lowerHex(flags[:], v[53:55]) ||
		n.TraceID == ([16]byte{}) || n.Parent == ([8]byte{}) {
		return false
	}
	n.Sampled = flags[0]&1 != 0
	*t = n
	return true
}

// ReadB3 reads the single b3 header: trace-span[-sampled[-parent]]. A lone sampling decision is no
// context.
func (t *TraceContext) ReadB3(v []byte) bool {
	trace, rest, ok := bytes.Cut(v, []byte{'-'})
	if !ok {
		return false
	}
	span, rest, _ := bytes.Cut(rest, []byte{'-'})
	sampled, _, _ := bytes.Cut(rest, []byte{'-'})
	return t.ReadB3Multi(trace, span, sampled, nil)
}

// ReadB3Multi reads the X-B3-* headers. Without a sampling decision the trace counts as sampled.
func (t *TraceContext) ReadB3Multi(trace, span, sampled, flags []byte) bool {
	var n TraceContext
	switch len(trace) {
	case 32:
		if !lowerHex(n.TraceID[:], trace) {
			return false
		}
	case 16:
		if !lowerHex(n.TraceID[8:], trace) {
			return false
		}
	default:
		return false
	}
	if len(span) != 16 || !lowerHex(n.Parent[:], span) || n.TraceID == ([16]byte{}) || n.Parent == ([8]byte{}) {
		return false
	}
	switch string(sampled) {
	case "0", "false":
	case "", "1", "d", "true":
		n.Sampled = true
	default:
		return false
	}
	n.Sampled = n.Sampled || string(flags) == "1"
	*t = n
	return true
}

// lowerHex decodes lower-case hex of exactly the length of dst.
func lowerHex(dst, src []byte) bool {
	if len(src) != 2*len(dst) {
		return false
	}
	for _, c := range src {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	_, err := hex.Decode(dst, src)
	return err == nil
}

package http1

import (
	"strconv"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/route"
)

// appendRequest builds what is sent to the instance in w.out: the head, and the body when it was
// gathered.
func (c *conn) appendRequest(v *gateway.View, up *gateway.Upstream) {
	w := c.w
	r, rule := &w.req, w.ex.Decision.Rule
	b := w.out[:0]
	b = append(b, r.method...)
	b = append(b, ' ')
	host := r.host
	if rw := rule.Filters.Rewrite; rw != nil {
		if b = c.appendTarget(b, rw); rw.Hostname != "" {
			w.scratch = append(w.scratch[:0], rw.Hostname...)
			host = w.scratch
		}
	} else {
		b = append(b, r.target...)
	}
	headers := &rule.Filters.RequestHeaders
	if !headers.Empty() {
		if h := hostOf(headers); h != "" {
			w.scratch = append(w.scratch[:0], h...)
			host = w.scratch
		}
		change(r.fields, headers)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	if len(host) > 0 {
		b = append(b, host...)
	} else {
		b = append(b, up.Address...)
	}
	b = append(b, "\r\n"...)
	b = r.fields.appendKept(b)
	b = appendModifier(b, headers)
	switch {
	case w.send.streaming && r.body.chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case w.send.gathered:
		b = appendLength(b, int64(len(w.send.body)))
	case r.body.length >= 0:
		b = appendLength(b, r.body.length)
	}
	if r.expect && w.send.streaming && !w.send.started {
		b = append(b, "Expect: 100-continue\r\n"...)
	}
	if r.teTrail {
		b = append(b, "TE: trailers\r\nConnection: TE\r\n"...)
	}
	b = c.appendForwarded(b, v)
	b = c.appendMark(b)
	b = append(b, "traceparent: "...)
	b = w.ex.Trace.AppendParent(b)
	b = append(b, "\r\n\r\n"...)
	if w.send.gathered {
		b = append(b, w.send.body...)
	}
	w.out = b
}

// appendMark says which run this is. A trusted peer's mark goes on where this service has no other, or
// where the request is a copy of the peer's.
func (c *conn) appendMark(b []byte) []byte {
	ex, prior := &c.w.ex, c.w.note.mark
	switch {
	case prior != nil && (ex.Run == 0 || ex.Shadow):
		b = append(append(b, gateway.MarkHeader...), prior...)
	case ex.Run != 0:
		b = ex.AppendMark(append(b, gateway.MarkHeader...))
	default:
		return b
	}
	return append(b, "\r\n"...)
}

func appendLength(b []byte, n int64) []byte {
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, "\r\n"...)
}

func (c *conn) appendTarget(b []byte, rw *route.Rewrite) []byte {
	r := &c.w.req
	if !rw.ChangesPath() {
		return append(b, r.target...)
	}
	b = rw.AppendPath(b, r.path, &c.w.ex.Decision)
	if len(r.path) < len(r.target) {
		b = append(append(b, '?'), r.query...)
	}
	return b
}

// appendForwarded says who asked and how.
func (c *conn) appendForwarded(b []byte, v *gateway.View) []byte {
	n, r := &c.w.note, &c.w.req
	b = append(b, "X-Forwarded-For: "...)
	if n.priorFor != nil {
		b = append(append(b, n.priorFor...), ", "...)
	}
	b = append(append(b, c.address...), "\r\nX-Forwarded-Proto: "...)
	b = append(append(b, n.proto...), "\r\n"...)
	host := n.priorHost
	if host == nil {
		host = r.host
	}
	if len(host) > 0 {
		b = append(append(append(b, "X-Forwarded-Host: "...), host...), "\r\n"...)
	}
	if v.Forwarded || n.priorFwd != nil {
		b = append(b, "Forwarded: "...)
		if n.priorFwd != nil {
			b = append(append(b, n.priorFwd...), ", "...)
		}
		b = append(b, "for="...)
		if c.peer.Addr().Is6() {
			b = append(append(append(b, `"[`...), c.address...), `]"`...)
		} else {
			b = append(b, c.address...)
		}
		b = append(append(b, ";proto="...), n.proto...)
		if len(r.host) > 0 {
			b = append(append(append(b, `;host="`...), r.host...), '"')
		}
		b = append(b, "\r\n"...)
	}
	if v.Via {
		b = append(b, "Via: 1.1 jindu\r\n"...)
	}
	return b
}

// change drops the fields that a modifier sets or removes.
func change(fs fields, m *route.HeaderChange) {
	for i := range fs {
		for j := range m.Set {
			fs[i].drop = fs[i].drop || is(fs[i].name, m.Set[j].Name)
		}
		for _, name := range m.Remove {
			fs[i].drop = fs[i].drop || is(fs[i].name, name)
		}
	}
}

// appendModifier appends what a modifier sets and adds, but for fields that frame the message.
func appendModifier(b []byte, m *route.HeaderChange) []byte {
	for _, list := range [...][]v1.Header{m.Set, m.Add} {
		for i := range list {
			h := &list[i]
			if hopByHop(classify([]byte(h.Name))) {
				continue
			}
			b = append(append(append(append(b, h.Name...), ": "...), h.Value...), "\r\n"...)
		}
	}
	return b
}

// hostOf is the Host that a modifier sets, "" when it sets none.
func hostOf(m *route.HeaderChange) string {
	for i := range m.Set {
		if m.Set[i].Name == "host" {
			return m.Set[i].Value
		}
	}
	return ""
}

// appendChanged appends the fields of an answer, nil for one of the gateway's own, as the rule changes
// them.
func (c *conn) appendChanged(b []byte, fs fields) []byte {
	m := &c.w.ex.Decision.Rule.Filters.ResponseHeaders
	if m.Empty() {
		return fs.appendKept(b)
	}
	change(fs, m)
	return appendModifier(fs.appendKept(b), m)
}

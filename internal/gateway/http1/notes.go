package http1

import (
	"bytes"
	"net/netip"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/gateway"
)

// notes are what a driver keeps of an exchange beside gateway.Exchange.
type notes struct {
	plan    gateway.Plan
	overall int64     // deadline of the exchange, 0 for none
	fenced  int64     // until when a newer share is waited for, 0 before a fence refused
	end     time.Time // of the last try

	trusted   bool
	proto     string // http or https, as the client spoke
	priorFor  []byte // what trusted proxies said
	priorHost []byte
	priorFwd  []byte
	mark      []byte // what a trusted peer said of the run
	parent    bool   // a traceparent was continued

	closing bool // the client connection ends after this answer
	flushed bool // something of the answer was sent
	record  recording
}

// recording is what the tap asked for of the answer.
type recording struct {
	fields    []v1.Header
	answer    []byte
	truncated bool
}

// begin takes what the head says about the client and the trace.
func (c *conn) begin(v *gateway.View) {
	w := c.w
	r, ex, n := &w.req, &w.ex, &w.note
	*n = notes{record: recording{answer: n.record.answer[:0]}}
	n.trusted = v.Trusts(c.peer.Addr())
	n.proto = "http"
	if c.tls {
		n.proto = "https"
	}
	ex.Client, ex.TLS, ex.Target = c.peer, c.tls, r.target
	q := &ex.Request
	q.Method, q.Host, q.Path, q.Query = r.method, r.name, r.path, r.query
	q.ClientIP, q.Random = c.peer.Addr(), c.s.gw.Random()
	q.Fields = r // *requestHead: an interface around fields would allocate

	var traceID, spanID, sampled, flags, b3, parent []byte
	dropped := int64(0)
	for i := range r.fields {
		f := &r.fields[i]
		if f.name == nil {
			dropped++
			continue
		}
		switch f.header {
		case hOther:
			continue
		case hTraceparent:
			f.drop = true
			if parent != nil {
				f.value = nil // more than one: none counts
			}
			parent = f.value
		case hB3:
			b3 = f.value
		case hB3TraceID:
			traceID = f.value
		case hB3SpanID:
			spanID = f.value
		case hB3Sampled:
			sampled = f.value
		case hB3Flags:
			flags = f.value
		case hJindu:
			switch {
			case !n.trusted:
				f.drop, f.name = true, nil
			case is(f.name, "x-jindu-shadow"):
				ex.Shadow = true
			case is(f.name, "x-jindu-mark"):
				f.drop, n.mark = true, f.value
			}
		case hForwardedFor, hForwardedProto, hForwardedHost, hForwarded:
			f.drop = true
			c.forwardedBy(f)
		}
	}
	if dropped > 0 {
		c.s.gw.Events.FieldsDropped.Add(dropped)
	}
	if r.upgrade {
		c.s.gw.Events.Upgrades.Add(1)
	}
	if n.trusted {
		c.findClient(v)
	}
	n.parent = parent != nil && ex.Trace.ReadParent(parent)
	if !n.parent && (b3 == nil || !ex.Trace.ReadB3(b3)) && traceID != nil {
		ex.Trace.ReadB3Multi(traceID, spanID, sampled, flags)
	}
	if !n.parent {
		r.fields.dropKind(hTracestate)
	}
	ex.Trace.Begin(c.s.gw.Random, v.TraceSample >= 1 || gateway.Share(gateway.Mix(q.Random, gateway.UseTrace)) < v.TraceSample)
}

// forwardedBy takes over what a trusted proxy said of the client; anybody else's word is hidden.
func (c *conn) forwardedBy(f *field) {
	n := &c.w.note
	if !n.trusted {
		f.name = nil
		return
	}
	join := func(prior []byte) []byte {
		if prior == nil {
			return f.value
		}
		return bytes.Join([][]byte{prior, f.value}, []byte(", "))
	}
	switch f.header {
	case hForwardedFor:
		n.priorFor = join(n.priorFor)
	case hForwarded:
		n.priorFwd = join(n.priorFwd)
	case hForwardedHost:
		if n.priorHost == nil {
			n.priorHost = f.value
		}
	case hForwardedProto:
		if is(f.value, "https") {
			n.proto = "https"
		} else if is(f.value, "http") {
			n.proto = "http"
		}
	}
}

// findClient takes the rightmost address that is no trusted proxy.
func (c *conn) findClient(v *gateway.View) {
	list := c.w.note.priorFor
	for len(list) > 0 {
		item := list
		if i := bytes.LastIndexByte(list, ','); i >= 0 {
			item, list = list[i+1:], list[:i]
		} else {
			list = nil
		}
		addr, err := netip.ParseAddr(string(trim(item)))
		if err != nil {
			return
		}
		c.w.ex.Request.ClientIP = addr.Unmap()
		if !v.Trusts(addr) {
			return
		}
	}
}

// Get implements route.Fields.
func (r *requestHead) Get(name string) []byte { return r.fields.Get(name) }

func (f fields) dropKind(h header) {
	for i := range f {
		if f[i].header == h {
			f[i].drop = true
		}
	}
}

// mayKeep says that both sides want to keep the client's connection.
func (c *conn) mayKeep() bool { return c.w.req.keepAlive() && !c.s.draining.Load() }

// bodyRead says that nothing of the request is unread.
func (c *conn) bodyRead() bool {
	return !c.w.req.hasBody() || c.w.send.gathered || c.w.send.streaming && c.w.send.finished()
}

// sent says that something of an answer was given to the client.
func (c *conn) sent() bool { return c.w.note.flushed }

package http1

import (
	"bytes"
	"errors"
	"io"

	"jindu.dev/jindu/internal/gateway"
)

// shadowSuffix is what Envoy appends to the Host of requests that it mirrors.
var shadowSuffix = []byte("-shadow")

// takeCopy answers a request of the observe listener: 204 at once after its body, and the tap gets it.
// It is decided by the same table, so that it belongs to the same route and migration.
func (c *conn) takeCopy(v *gateway.View) bool {
	w, g := c.w, c.s.gw
	g.Events.Observed.Add(1)
	w.req.host = bytes.TrimSuffix(w.req.host, shadowSuffix)
	w.ex.Request.Host = bytes.TrimSuffix(w.ex.Request.Host, shadowSuffix)
	v.Table.Decide(&w.ex.Request, &w.ex.Decision)
	if tap, d := g.Tap(), &w.ex.Decision; tap != nil && d.Cohort != nil {
		w.note.plan = tap.Plan(&w.ex)
	}
	if r := c.readCopy(v); r != nil {
		if r != errBodyLeft {
			c.reject(r)
		}
		return false
	}
	keep := c.mayKeep()
	w.back = append(w.back[:0], "HTTP/1.1 204 No Content\r\n"...)
	if !keep {
		w.back = append(w.back, "Connection: close\r\n"...)
	}
	w.back = append(w.back, "\r\n"...)
	if c.write(w.back) != nil {
		keep = false
	}
	if w.note.plan.Record {
		w.ex.Status = 0
		rec := c.recorded()
		rec.Observed = true
		if rec.Truncated {
			g.Events.RecordingsTruncated.Add(1)
		}
		g.Tap().Done(rec)
	}
	w.send.reset()
	return keep
}

// readCopy reads the whole body and keeps as much as the plan says.
func (c *conn) readCopy(v *gateway.View) *rejection {
	w := c.w
	s := &w.send
	if !w.req.hasBody() {
		return nil
	}
	if v.Limits.BodyBytes > 0 && w.req.body.length > v.Limits.BodyBytes {
		return errBodySize
	}
	if w.req.expect {
		if c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n")) != nil {
			return errBodyLeft
		}
	}
	s.streaming = true
	c.openUpload()
	if s.err = c.pump(v, io.Discard); s.err != nil {
		if r, ok := errors.AsType[*rejection](s.err); ok {
			return r
		}
		return errBodyLeft
	}
	w.in.r = w.in.w
	if rest := s.buf.unread(); len(rest) > 0 {
		w.in.grow(len(rest))
		w.in.w += copy(w.in.free(), rest)
	}
	s.gathered = !s.cut
	return nil
}

package http1

import (
	"bytes"
	"errors"

	"jindu.dev/jindu/internal/gateway"
)

// try asks one instance and passes its answer on. status is what the instance answered.
func (c *conn) try(v *gateway.View, up *gateway.Upstream, now int64) (f gateway.Failure, status int, keep bool) {
	w := c.w
	p := up.Conns.(*pool)
	deadline := w.note.overall
	if t := w.ex.Decision.Rule.TryTimeout; t > 0 && (deadline == 0 || now+int64(t) < deadline) {
		deadline = now + int64(t)
	}
	v.Mark(&w.ex)
	c.appendRequest(v, up)
	for {
		u, err := p.get(c.s.ctx)
		if err != nil {
			w.note.end = c.s.gw.Now()
			return gateway.NoConnection, 0, false
		}
		f, status, keep, err = c.ask(v, p, u, deadline)
		switch {
		case errors.Is(err, errStale):
			c.s.gw.Events.UpstreamStale.Add(1)
		case errors.Is(err, errDesync):
			c.s.gw.Events.UpstreamDesync.Add(1)
		default:
			return f, status, keep
		}
	}
}

// ask sends the request over u and passes the answer on. errStale and errDesync mean that nothing was
// sent and another connection is worth trying.
func (c *conn) ask(v *gateway.View, p *pool, u *upConn, deadline int64) (f gateway.Failure, status int, keep bool, err error) {
	w := c.w
	c.left.Store(false)
	c.upConn.Store(u)
	c.asked++
	if deadline == 0 {
		deadline = 1 << 62 // far away, so that a client that leaves still ends the wait
	}
	c.up.set(deadline + c.asked&0xffff) // never the same twice, see fireOn
	c.waiting.Store(c.s.gw.Clock(w.ex.Start))
	var reuse bool
	f, reuse, err = c.converse(v, u)
	if fired := c.up.clear(); fired {
		reuse = false
		if f != gateway.Answered {
			switch f = gateway.TimedOut; {
			case c.left.Load():
				f = gateway.ClientLeft
			case c.body.armed(): // it is the client that is waited for
				w.send.late.Store(true)
			}
		}
	}
	c.waiting.Store(0)
	w.note.end = c.s.gw.Now()
	if !c.finishUpload(u) { // before u is given back: the upload writes to it
		reuse = false
		if w.send.client && f != gateway.Answered {
			f = gateway.ClientLeft // or its body was at fault: nothing to charge the instance with
		}
	}
	c.upConn.Store(nil)
	if reuse {
		p.put(u, c.s.gw.Clock(w.note.end), v.Upstream.Idle)
	} else {
		p.discard(u)
	}
	if f == gateway.Answered {
		w.ex.Status, w.ex.Origin = w.resp.status, gateway.OriginUpstream
		keep = !w.note.closing
	}
	return f, w.resp.status, keep, err
}

// converse writes the request, reads heads until the final one, and relays the answer.
func (c *conn) converse(v *gateway.View, u *upConn) (f gateway.Failure, reuse bool, err error) {
	w := c.w
	w.up.r, w.up.w, w.resp.status = 0, 0, 0
	if w.send.streaming {
		if u.used {
			if err := peek(u.raw); err != nil {
				return gateway.NoConnection, false, err
			}
		}
		if _, err := u.nc.Write(w.out); err != nil {
			return gateway.NoConnection, false, nil //nolint:nilerr // the failure tells; err is for what may be tried again
		}
		c.startUpload(v, u)
	} else {
		n, err := u.turn(w.out, w.up.b)
		switch {
		case errors.Is(err, errStale), errors.Is(err, errDesync):
			return gateway.NoConnection, false, err
		case err != nil && u.wrote == 0:
			return gateway.NoConnection, false, nil
		case err != nil:
			return gateway.Broken, false, nil //nolint:nilerr // as above
		}
		w.up.w = n
	}
	for interims := 0; ; interims++ {
		if f := c.readAnswer(u); f != gateway.Answered {
			return f, false, nil
		}
		if w.resp.status >= 200 {
			break
		}
		if w.resp.status == 101 || interims == maxInterims {
			return gateway.Broken, false, nil
		}
		if f := c.interim(); f != gateway.Answered {
			return f, false, nil
		}
	}
	if w.resp.status == 503 && w.resp.fenced && v.MayWait(&w.ex, c.replayable()) {
		return gateway.Fenced, c.skipBody(), nil
	}
	if w.resp.status == 503 && w.resp.refused && v.MayFallBack(&w.ex, gateway.Refused, c.replayable(), c.clock()) {
		return gateway.Refused, c.skipBody(), nil
	}
	if v.Retries(&w.ex, w.resp.status) && v.MayRetry(&w.ex, gateway.RetryStatus, c.replayable(), c.clock()) {
		return gateway.RetryStatus, c.skipBody(), nil
	}
	return c.relay(v, u)
}

const maxInterims = 16

// readAnswer reads until a head is whole and parses it.
func (c *conn) readAnswer(u *upConn) gateway.Failure {
	w := c.w
	from := 0
	for {
		b := w.up.unread()
		end, resume := headEnd(b, from)
		if end > c.s.limits.head || end < 0 && len(b) > c.s.limits.head {
			return c.malformed(errHeadSize)
		}
		if end > 0 {
			lim := c.s.limits
			lim.unusual = true
			if err := parseResponse(&w.resp, b[:end], &lim); err != nil {
				return c.malformed(err)
			}
			w.up.r += end
			return gateway.Answered
		}
		if len(b) >= 5 && !bytes.HasPrefix(b, []byte("HTTP/")) {
			return c.malformed(errStatusLine)
		}
		from = resume
		if w.up.w == len(w.up.b) {
			if w.up.r > 0 {
				w.up.compact()
			} else {
				w.up.grow(len(w.up.b))
			}
		}
		n, err := u.nc.Read(w.up.free())
		if w.up.w += n; n == 0 && err != nil {
			return gateway.Broken
		}
	}
}

// malformed counts an answer that was no HTTP.
func (c *conn) malformed(err error) gateway.Failure {
	c.s.gw.Rejected("answer: " + err.Error())
	return gateway.Broken
}

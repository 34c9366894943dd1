package http1

import (
	"jindu.dev/jindu/internal/gateway"
)

// How an answer's body ends.
const (
	endNone   = iota // there is no body
	endLength        // after as many bytes as Content-Length says
	endChunk         // with the last chunk
	endClose         // with the connection
)

// interim passes a 1xx on to a client that can take it.
func (c *conn) interim() gateway.Failure {
	w := c.w
	if w.resp.status == 100 {
		w.send.proceed()
		if !w.req.expect {
			return gateway.Answered
		}
	}
	if w.req.minor == 0 {
		return gateway.Answered
	}
	w.back = appendStatus(w.back[:0], w.resp.status, w.resp.reason)
	w.back = w.resp.fields.appendKept(w.back)
	w.back = append(w.back, "\r\n"...)
	if c.write(w.back) != nil {
		return gateway.ClientLeft
	}
	return gateway.Answered
}

// relay passes the final answer on. reuse says that it ended exactly where the instance said, and the
// connection may serve again.
func (c *conn) relay(v *gateway.View, u *upConn) (f gateway.Failure, reuse bool, err error) {
	w := c.w
	end, left := c.answerEnd()
	chunked := (end == endChunk || end == endClose) && w.req.minor == 1
	early := w.send.streaming && !w.send.finished() // the service answers before it has the whole request
	c.unread = early
	w.note.closing = !c.mayKeep() || early || (end == endChunk || end == endClose) && !chunked
	w.back = c.appendAnswerHead(w.back[:0], v, end, left, chunked)

	if w.note.plan.Record {
		c.recordHead()
	}
	reuse = w.resp.keepAlive() && end != endClose
	switch end {
	case endLength:
		f = c.relayLength(u, left)
	case endChunk:
		f = c.relayChunks(u, chunked)
	case endClose:
		f = c.relayUntilClose(u, chunked)
	}
	if f != gateway.Answered {
		return f, false, nil
	}
	if !w.up.empty() { // bytes beyond the answer
		c.s.gw.Events.UpstreamDesync.Add(1)
		reuse = false
	}
	if c.flush() != nil {
		return gateway.ClientLeft, reuse, nil //nolint:nilerr // the failure tells; err is for what may be tried again
	}
	return gateway.Answered, reuse, nil
}

// answerEnd is how the answer's body is framed (RFC 9112 6.3).
func (c *conn) answerEnd() (end int, length int64) {
	r := &c.w.resp
	switch {
	case r.bodyless(string(c.w.req.method) == "HEAD"):
		return endNone, r.body.length
	case r.body.chunked:
		return endChunk, 0
	case r.body.length >= 0:
		return endLength, r.body.length
	}
	return endClose, 0
}

func (c *conn) appendAnswerHead(b []byte, v *gateway.View, end int, length int64, chunked bool) []byte {
	w := c.w
	b = appendStatus(b, w.resp.status, w.resp.reason)
	b = c.appendChanged(b, w.resp.fields)
	if w.ex.Fenced && w.resp.fields.Get("retry-after") == nil {
		b = append(b, retryAfter...)
	}
	switch {
	case chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case end == endLength, end == endNone && length >= 0 && w.resp.status != 204:
		b = appendLength(b, length)
	}
	switch {
	case w.note.closing:
		b = append(b, "Connection: close\r\n"...)
	case w.req.minor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	if v.Via {
		b = append(b, "Via: 1.1 jindu\r\n"...)
	}
	return append(b, "\r\n"...)
}

// flush sends what was built of the answer.
func (c *conn) flush() error {
	w := c.w
	if len(w.back) == 0 {
		return nil
	}
	w.note.flushed = true
	err := c.write(w.back)
	w.back = w.back[:0]
	return err
}

// more reads the next bytes of the answer's body, after what was built is sent: nothing waits while
// the instance thinks.
func (c *conn) more(u *upConn) gateway.Failure {
	w := c.w
	if c.flush() != nil {
		return gateway.ClientLeft
	}
	w.up.compact()
	if w.up.w == len(w.up.b) {
		return gateway.Broken // a line or trailer longer than any we take
	}
	deadline := c.soon(c.s.gw.Load().Timeouts.Stall)
	if w.note.overall > 0 {
		deadline = min(deadline, w.note.overall)
	}
	if !c.up.set(deadline) {
		return gateway.TimedOut
	}
	n, err := u.nc.Read(w.up.free())
	if w.up.w += n; n > 0 {
		return gateway.Answered
	}
	if eof(err) {
		return failEOF
	}
	return gateway.Broken
}

// failEOF is an orderly end where more was expected, or, of a body that ends with its connection, the
// end.
const failEOF = gateway.Failure(255)

func broken(f gateway.Failure) gateway.Failure {
	if f == failEOF {
		return gateway.Broken
	}
	return f
}

// give adds bytes of the body to what is built and sends it when it is much.
func (c *conn) give(data []byte, chunked bool) gateway.Failure {
	w := c.w
	c.record(data)
	w.ex.BytesOut += int64(len(data))
	if chunked {
		w.back = appendChunk(w.back, data)
	} else {
		w.back = append(w.back, data...)
	}
	if len(w.back) >= bigSize && c.flush() != nil {
		return gateway.ClientLeft
	}
	return gateway.Answered
}

func (c *conn) relayLength(u *upConn, left int64) gateway.Failure {
	w := c.w
	if left > bigSize {
		w.up.grow(bigSize - len(w.up.unread()))
	}
	for {
		data := w.up.unread()
		if int64(len(data)) > left {
			data = data[:left]
		}
		w.up.r += len(data)
		left -= int64(len(data))
		if len(data) > 0 {
			if f := c.give(data, false); f != gateway.Answered {
				return f
			}
		}
		if left == 0 {
			return gateway.Answered
		}
		if f := c.more(u); f != gateway.Answered {
			return broken(f)
		}
	}
}

func (c *conn) relayChunks(u *upConn, chunked bool) gateway.Failure {
	w := c.w
	w.ck.reset()
	lim := c.s.limits
	lim.unusual = true
	for {
		data, n, done, err := w.ck.next(w.up.unread(), &lim)
		w.up.r += n
		if err != nil {
			return c.malformed(err)
		}
		if len(data) > 0 {
			if f := c.give(data, chunked); f != gateway.Answered {
				return f
			}
		}
		if done {
			if chunked {
				trailers := w.ck.trailers
				if !w.req.teTrail {
					trailers = nil
				}
				w.back = appendLastChunk(w.back, trailers)
			}
			return gateway.Answered
		}
		if len(data) > 0 {
			continue
		}
		if len(w.up.b)-w.up.w+w.up.r < 2*maxTrailer {
			w.up.grow(2 * maxTrailer)
		}
		if f := c.more(u); f != gateway.Answered {
			return broken(f)
		}
	}
}

func (c *conn) relayUntilClose(u *upConn, chunked bool) gateway.Failure {
	w := c.w
	for {
		if data := w.up.unread(); len(data) > 0 {
			w.up.r = w.up.w
			if f := c.give(data, chunked); f != gateway.Answered {
				return f
			}
		}
		switch f := c.more(u); f {
		case gateway.Answered:
		case failEOF:
			if chunked {
				w.back = appendLastChunk(w.back, nil)
			}
			return gateway.Answered
		default:
			return f
		}
	}
}

// skipBody throws away the body of an answer that is not passed on, when it is all there.
func (c *conn) skipBody() bool {
	w := c.w
	end, left := c.answerEnd()
	switch end {
	case endNone:
		left = 0
	case endLength:
	case endChunk:
		w.ck.reset()
		for {
			data, n, done, err := w.ck.next(w.up.unread(), &c.s.limits)
			w.up.r += n
			if done {
				return w.resp.keepAlive() && w.up.empty()
			}
			if err != nil || len(data) == 0 {
				return false
			}
		}
	default:
		return false
	}
	return w.resp.keepAlive() && int64(len(w.up.unread())) == left
}

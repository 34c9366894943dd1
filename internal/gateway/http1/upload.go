package http1

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"jindu.dev/jindu/internal/gateway"
)

// gatherMax is the longest body that is read whole before it is sent: it travels with its head in one
// write and can be sent again. Longer ones are streamed.
const gatherMax = 16 << 10

var errBodyLeft = &rejection{499, "", "client left"}

// upload is the body of a request on its way to an instance.
type upload struct {
	gathered  bool   // all of it is in body
	streaming bool   // it is sent while it is read, by a goroutine of its own
	started   bool   // that goroutine was started
	body      []byte // gathered, or recorded while streaming
	cut       bool   // the recording is not the whole body

	read   atomic.Bool // all of it was read from the client
	goOn   chan struct{}
	done   chan struct{}
	err    error // of the goroutine: a *rejection, or what the connection to the instance said
	client bool  // err is the client's fault
	rest   []byte
}

func (s *upload) reset() {
	s.gathered, s.streaming, s.started, s.cut, s.err, s.client = false, false, false, false, nil, false
	s.read.Store(false)
	s.body, s.goOn, s.done, s.rest = nil, nil, nil, nil
}

func (s *upload) finished() bool { return s.read.Load() }

// rejected is why the body was refused, nil when it was not.
func (s *upload) rejected() *rejection {
	if !s.started || !s.client {
		return nil
	}
	r, _ := errors.AsType[*rejection](s.err)
	return r
}

// proceed lets the upload begin after 100 Continue.
func (s *upload) proceed() {
	if s.goOn != nil {
		close(s.goOn)
		s.goOn = nil
	}
}

// replayable says that the request may be sent again with all of its body.
func (c *conn) replayable() bool {
	s := &c.w.send
	return !c.w.req.hasBody() || s.gathered || s.streaming && !s.started
}

// gather reads a small body whole, or decides that it is streamed.
func (c *conn) gather(v *gateway.View) *rejection {
	w := c.w
	r, s := &w.req, &w.send
	switch {
	case !r.hasBody():
		return nil
	case r.body.chunked:
		return c.gatherChunks(v)
	case r.expect || r.body.length > gatherMax:
		s.streaming = true
		return nil
	}
	need := int(r.body.length)
	if len(w.in.unread()) < need {
		w.in.grow(need - len(w.in.unread()))
		if rej := c.fillBody(v, need); rej != nil {
			return rej
		}
	}
	s.body = w.in.unread()[:need]
	w.in.r += need
	s.gathered = true
	s.read.Store(true)
	w.ex.BytesIn = int64(need)
	return nil
}

// fillBody reads until need bytes are there.
func (c *conn) fillBody(v *gateway.View, need int) *rejection {
	for len(c.w.in.unread()) < need {
		c.client.set(c.soon(v.Timeouts.Stall))
		err := c.fill()
		if c.client.clear() {
			_ = c.nc.SetDeadline(time.Time{})
			return errBodyTime
		}
		if err != nil {
			return errBodyLeft
		}
	}
	return nil
}

// gatherChunks takes a chunked body that is already here; otherwise it is streamed. The decoded body
// is sent with a length.
func (c *conn) gatherChunks(v *gateway.View) *rejection {
	w := c.w
	s := &w.send
	if w.req.expect {
		s.streaming = true
		return nil
	}
	var ck chunks
	ck.trailers = w.ck.trailers[:0]
	w.body = w.body[:0]
	b := w.in.unread()
	used := 0
	for {
		data, n, done, err := ck.next(b[used:], &c.s.limits)
		used += n
		if err != nil {
			r, _ := errors.AsType[*rejection](err)
			return r
		}
		w.body = append(w.body, data...)
		if done {
			break
		}
		if len(data) == 0 { // more is to come
			s.streaming = true
			return nil
		}
	}
	if v.Limits.BodyBytes > 0 && int64(len(w.body)) > v.Limits.BodyBytes {
		return errBodySize
	}
	w.in.r += used
	s.body, s.gathered = w.body, true
	s.read.Store(true)
	w.ex.BytesIn = int64(len(w.body))
	return nil
}

// startUpload sends the body while the answer is awaited.
func (c *conn) startUpload(v *gateway.View, u *upConn) {
	s := &c.w.send
	s.started = true
	s.done = make(chan struct{})
	var goOn chan struct{}
	if c.w.req.expect {
		goOn = make(chan struct{})
		s.goOn = goOn
	}
	done := s.done
	go func() {
		defer close(done)
		if goOn != nil {
			t := time.NewTimer(continueAfter)
			select {
			case <-goOn:
			case <-t.C: // a service that does not know Expect waits for the body
			}
			t.Stop()
		}
		s.err = c.pump(v, u.nc)
		if s.err != nil {
			_ = u.nc.SetDeadline(past) // wakes the reader of the answer
		}
	}()
}

const continueAfter = time.Second

// pump copies the request's body from the client to the instance. It checks chunks and makes new ones.
func (c *conn) pump(v *gateway.View, to io.Writer) error {
	w := c.w
	s := &w.send
	var buf buffer
	buf.b = make([]byte, max(bigSize, len(w.in.unread())))
	buf.w = copy(buf.b, w.in.unread())
	var ck chunks
	keep := max(v.Limits.ReplayBytes, 0)
	if w.note.plan.Record {
		keep = max(keep, w.note.plan.MaxRequest)
	}
	left := w.req.body.length
	out := make([]byte, 0, 4<<10)
	for {
		var data []byte
		var done bool
		if w.req.body.chunked {
			var n int
			var err error
			data, n, done, err = ck.next(buf.unread(), &c.s.limits)
			buf.r += n
			if err != nil {
				s.client = true
				return err
			}
		} else {
			if data = buf.unread(); int64(len(data)) > left {
				data = data[:left]
			}
			buf.r += len(data)
			left -= int64(len(data))
			done = left == 0
		}
		w.ex.BytesIn += int64(len(data))
		if v.Limits.BodyBytes > 0 && w.ex.BytesIn > v.Limits.BodyBytes {
			s.client = true
			return errBodySize
		}
		s.keep(data, keep)
		if done {
			s.rest = buf.unread()
			s.read.Store(true)
		}
		out = out[:0]
		switch {
		case !w.req.body.chunked:
			out = data
		case done:
			out = appendLastChunk(out, ck.trailers)
		case len(data) > 0:
			out = appendChunk(out, data)
		}
		if len(out) > 0 {
			if _, err := to.Write(out); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
		if len(data) > 0 && w.req.body.chunked {
			continue
		}
		if err := c.pumpRead(v, &buf); err != nil {
			return err
		}
	}
}

func (c *conn) pumpRead(v *gateway.View, buf *buffer) error {
	buf.compact()
	if !c.body.set(c.soon(v.Timeouts.Stall)) {
		return errBodyTime
	}
	n, err := c.nc.Read(buf.free())
	buf.w += n
	late := c.body.clear()
	if n > 0 && !late {
		return nil
	}
	c.w.send.client = true
	if late {
		return errBodyTime
	}
	if err == nil {
		return nil
	}
	return errBodyLeft
}

// keep records what was sent, up to limit bytes.
func (s *upload) keep(data []byte, limit int) {
	if s.cut {
		return
	}
	if len(s.body)+len(data) > limit {
		s.cut = true
		return
	}
	s.body = append(s.body, data...)
}

// finishUpload waits for the upload's goroutine, which it wakes when the answer is complete already.
// It is false when the connection to the instance may not be used again.
func (c *conn) finishUpload(u *upConn) (clean bool) {
	s := &c.w.send
	if !s.started || s.done == nil {
		return true
	}
	if s.read.Load() {
		// The last bytes are being written; a service that answered without taking them gets no more time.
		_ = u.nc.SetWriteDeadline(c.s.gw.Now().Add(time.Second))
	} else {
		_ = u.nc.SetDeadline(past)
		_ = c.nc.SetReadDeadline(past)
	}
	s.proceed()
	<-s.done
	s.done = nil
	_ = c.nc.SetReadDeadline(time.Time{})
	_ = u.nc.SetWriteDeadline(time.Time{})
	c.w.in.r = c.w.in.w
	if s.err != nil {
		return false
	}
	if !s.cut { // all of it is recorded: it can be sent again
		s.gathered, s.streaming = true, false
	}
	if len(s.rest) > 0 {
		c.w.in.grow(len(s.rest))
		c.w.in.w += copy(c.w.in.free(), s.rest)
	}
	return true
}

package http1

import (
	"errors"
	"sync/atomic"
	"time"

	"jindu.dev/jindu/internal/gateway"
)

// gatherMax is the longest body that is read whole before it is sent: it travels with its head in one
// write and can be sent again. Longer ones are streamed.
const gatherMax = 16 << 10

var errAborted = errors.New("the answer ended before the request")

var errBodyLeft = &rejection{499, "", "client left"}

// upload is the body of a request on its way to an instance.
type upload struct {
	gathered  bool   // all of it is in body
	streaming bool   // it is sent while it is read, by a goroutine of its own
	started   bool   // that goroutine was started
	body      []byte // gathered, or recorded while streaming
	cut       bool   // the recording is not the whole body

	read    atomic.Bool // all of it was read from the client
	aborted atomic.Bool // the answer ended first
	late    atomic.Bool // the exchange's time was over while the client was waited for
	goOn    chan struct{}
	done    chan struct{}
	err     error // of the goroutine: a *rejection, or what the connection to the instance said
	client  bool  // err is the client's fault

	// What is read and not recorded, kept from one try to the next.
	buf  buffer
	ck   chunks
	left int64 // of Content-Length
}

func (s *upload) reset() {
	s.gathered, s.streaming, s.started, s.cut, s.err, s.client = false, false, false, false, nil, false
	s.read.Store(false)
	s.late.Store(false)
	s.body, s.goOn, s.done, s.buf = nil, nil, nil, buffer{}
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
	return !c.w.req.hasBody() || s.gathered || s.streaming && !s.cut
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
		deadline := c.soon(v.Timeouts.Stall)
		if c.w.note.overall > 0 {
			deadline = min(deadline, c.w.note.overall)
		}
		c.client.set(deadline)
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

// startUpload sends the body while the answer is awaited. A further try sends what was recorded and
// goes on from there.
func (c *conn) startUpload(v *gateway.View, u *upConn) {
	s := &c.w.send
	s.done, s.err = make(chan struct{}), nil
	s.aborted.Store(false)
	var goOn chan struct{}
	if c.w.req.expect && !s.started {
		goOn = make(chan struct{})
		s.goOn = goOn
	}
	c.openUpload()
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
			_ = u.nc.SetReadDeadline(past) // wakes the reader of the answer
		}
	}()
}

const continueAfter = time.Second

// openUpload prepares the first try.
func (c *conn) openUpload() {
	w := c.w
	s := &w.send
	if s.started {
		return
	}
	s.started = true
	s.buf.b = make([]byte, max(bigSize, len(w.in.unread())))
	s.buf.w = copy(s.buf.b, w.in.unread())
	s.ck.reset()
	s.left = w.req.body.length
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
		s.aborted.Store(true)
		_ = u.nc.SetDeadline(past)
		_ = c.nc.SetReadDeadline(past)
	}
	s.proceed()
	<-s.done
	s.done = nil
	_ = c.nc.SetReadDeadline(time.Time{})
	_ = u.nc.SetWriteDeadline(time.Time{})
	c.w.in.r = c.w.in.w
	if !s.read.Load() {
		return false
	}
	if !s.cut { // all of it is recorded: from now on it is like one that was gathered
		s.gathered, s.streaming = true, false
	}
	if rest := s.buf.unread(); len(rest) > 0 { // the next request
		c.w.in.grow(len(rest))
		c.w.in.w += copy(c.w.in.free(), rest)
		s.buf.r = s.buf.w
	}
	return s.err == nil
}

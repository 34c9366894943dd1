package http1

import (
	"io"

	"jindu.dev/jindu/internal/gateway"
)

// pump copies the request's body from the client to the instance. It checks chunks and makes new ones.
func (c *conn) pump(v *gateway.View, to io.Writer) error {
	w := c.w
	s := &w.send
	chunked := w.req.body.chunked
	keep := v.Limits.ReplayBytes
	if w.note.plan.Record {
		keep = max(keep, w.note.plan.MaxRequest)
	}
	var out []byte
	if len(s.body) > 0 {
		if out = s.body; chunked {
			out = appendChunk(nil, s.body)
		}
		if _, err := to.Write(out); err != nil {
			return err
		}
	}
	for {
		data, done, err := c.pumpNext(v, chunked)
		if err != nil {
			return err
		}
		s.keep(data, keep)
		if done {
			s.read.Store(true)
		}
		if out = data; chunked {
			out = nil
			if len(data) > 0 {
				out = appendChunk(out, data)
			}
			if done {
				out = appendLastChunk(out, s.ck.trailers)
			}
		}
		if len(out) > 0 {
			if _, err := to.Write(out); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
		if len(data) == 0 || !chunked {
			if err := c.pumpRead(v); err != nil {
				return err
			}
		}
	}
}

// pumpNext takes the next payload out of what was read.
func (c *conn) pumpNext(v *gateway.View, chunked bool) (data []byte, done bool, err error) {
	s := &c.w.send
	if chunked {
		var n int
		data, n, done, err = s.ck.next(s.buf.unread(), &c.s.limits)
		s.buf.r += n
	} else {
		data = s.buf.unread()
		data = data[:min(int64(len(data)), s.left)]
		s.buf.r += len(data)
		s.left -= int64(len(data))
		done = s.left == 0
	}
	c.w.ex.BytesIn += int64(len(data))
	if err == nil && v.Limits.BodyBytes > 0 && c.w.ex.BytesIn > v.Limits.BodyBytes {
		err = errBodySize
	}
	s.client = s.client || err != nil
	return data, done, err
}

func (c *conn) pumpRead(v *gateway.View) error {
	s := &c.w.send
	s.buf.compact()
	c.body.set(c.soon(v.Timeouts.Stall))
	n, err := c.nc.Read(s.buf.free())
	s.buf.w += n
	late := c.body.clear()
	switch {
	case n > 0 && !late:
		return nil
	case s.aborted.Load() && !s.late.Load():
		return errAborted
	}
	s.client = true
	if late || s.late.Load() {
		return errBodyTime
	}
	if err == nil {
		err = errBodyLeft
	}
	return err
}

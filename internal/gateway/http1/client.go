package http1

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/kit/kind"
)

// ClientConfig bounds a Client. Zero fields have defaults.
type ClientConfig struct {
	MaxInFlight int           // requests at once, over all addresses; default 256
	MaxIdle     int           // idle connections to one address; default 16
	MaxBody     int64         // bytes of an answer's body; over it the answer is cut; default 4 MiB
	Connect     time.Duration // limit of a connection attempt; default 1s
	Idle        time.Duration // an idle connection is closed after this; default 30s
}

// Client sends requests of the gateway's own: shadows and mirrors. It has connections of its own, so
// that copies never take those of users.
type Client struct {
	cfg  ClientConfig
	slot chan struct{}
	lim  limits

	mu     sync.Mutex
	free   map[string][]*idleConn
	closed bool
}

type idleConn struct {
	*upConn
	since time.Time
}

// NewClient makes a client. It opens nothing until Do.
func NewClient(cfg ClientConfig) *Client {
	def := func(p *int, n int) {
		if *p <= 0 {
			*p = n
		}
	}
	def(&cfg.MaxInFlight, 256)
	def(&cfg.MaxIdle, 16)
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 4 << 20
	}
	if cfg.Connect <= 0 {
		cfg.Connect = time.Second
	}
	if cfg.Idle <= 0 {
		cfg.Idle = 30 * time.Second
	}
	return &Client{cfg: cfg, slot: make(chan struct{}, cfg.MaxInFlight), free: map[string][]*idleConn{},
		lim: limits{head: 64 << 10, target: 16 << 10, fields: 200, unusual: true}}
}

// Do sends req to addr and reads the answer. Nothing is repeated once a byte was sent. When ctx ends,
// so does the request.
func (c *Client) Do(ctx context.Context, addr string, req gateway.Outgoing) (gateway.Incoming, error) {
	select {
	case c.slot <- struct{}{}:
		defer func() { <-c.slot }()
	case <-ctx.Done():
		return gateway.Incoming{}, failed(addr, context.Cause(ctx))
	}
	out, err := appendOutgoing(nil, req)
	if err != nil {
		return gateway.Incoming{}, err
	}
	for {
		u, err := c.get(ctx, addr)
		if err != nil {
			return gateway.Incoming{}, failed(addr, err)
		}
		in, reuse, err := c.do(ctx, u.upConn, out, req.Method == "HEAD")
		if err == nil && reuse {
			c.put(addr, u)
			return in, nil
		}
		_ = u.nc.Close()
		if errors.Is(err, errStale) || errors.Is(err, errDesync) {
			continue
		}
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return gateway.Incoming{}, failed(addr, err)
		}
		return in, nil
	}
}

func failed(addr string, err error) error {
	return kind.New(kind.Unavailable, "JD-GATEWAY-102", "ask %s: %w", addr, err)
}

func (c *Client) get(ctx context.Context, addr string) (*idleConn, error) {
	c.mu.Lock()
	if list := c.free[addr]; len(list) > 0 {
		u := list[len(list)-1]
		c.free[addr] = list[:len(list)-1]
		c.mu.Unlock()
		return u, nil
	}
	c.mu.Unlock()
	d := net.Dialer{Timeout: c.cfg.Connect}
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &idleConn{upConn: newUpConn(nc)}, nil
}

func (c *Client) put(addr string, u *idleConn) {
	u.since = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.free[addr]) >= c.cfg.MaxIdle {
		_ = u.nc.Close()
		return
	}
	c.free[addr] = append(c.free[addr], u)
}

// sweep closes connections that were idle for too long.
func (c *Client) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := time.Now().Add(-c.cfg.Idle)
	for addr, list := range c.free {
		kept := list[:0]
		for _, u := range list {
			if u.since.Before(limit) || peek(u.raw) != nil {
				_ = u.nc.Close()
			} else {
				kept = append(kept, u)
			}
		}
		clear(list[len(kept):])
		if c.free[addr] = kept; len(kept) == 0 {
			delete(c.free, addr)
		}
	}
}

// Close closes idle connections, and the others when their requests end.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for addr, list := range c.free {
		for _, u := range list {
			_ = u.nc.Close()
		}
		delete(c.free, addr)
	}
}

func appendOutgoing(b []byte, req gateway.Outgoing) ([]byte, error) {
	wrong := func(what string) ([]byte, error) {
		return nil, kind.New(kind.Invalid, "JD-GATEWAY-103", "the request's %s can not be sent over HTTP/1.1", what)
	}
	if req.Method == "" || !all([]byte(req.Method), charToken) {
		return wrong("method")
	}
	if req.Target == "" || !all([]byte(req.Target), charTarget) {
		return wrong("target")
	}
	if !valueOK([]byte(req.Host)) {
		return wrong("host")
	}
	b = append(append(append(b, req.Method...), ' '), req.Target...)
	b = append(append(append(b, " HTTP/1.1\r\nHost: "...), req.Host...), "\r\n"...)
	for _, h := range req.Header {
		if h.Name == "" || !all([]byte(h.Name), charToken) || !valueOK([]byte(h.Value)) {
			return wrong("header " + h.Name)
		}
		if !hopByHop(classify([]byte(h.Name))) {
			b = append(append(append(append(b, h.Name...), ": "...), h.Value...), "\r\n"...)
		}
	}
	if len(req.Body) > 0 || req.Method == "POST" || req.Method == "PUT" || req.Method == "PATCH" {
		b = appendLength(b, int64(len(req.Body)))
	}
	return append(append(b, "\r\n"...), req.Body...), nil
}

// do is one exchange over u.
func (c *Client) do(ctx context.Context, u *upConn, out []byte, head bool) (in gateway.Incoming, reuse bool, err error) {
	var deadline time.Time
	if d, ok := ctx.Deadline(); ok {
		deadline = d
	}
	_ = u.nc.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = u.nc.SetDeadline(past) })
	defer func() { reuse = stop() && reuse }()

	buf := buffer{b: make([]byte, upSize)}
	if buf.w, err = u.turn(out, buf.b); err != nil {
		return in, false, err
	}
	var r responseHead
	for r.status < 200 {
		if err := c.readHead(u, &buf, &r); err != nil {
			return in, false, err
		}
		if r.status == 101 {
			return in, false, errSwitching
		}
	}
	in.Status, in.Header = r.status, appendHeaders(nil, r.fields, true)
	if r.bodyless(head) {
		return in, r.keepAlive() && buf.empty(), nil
	}
	whole, err := c.readBody(u, &buf, &r, &in)
	return in, err == nil && whole && r.keepAlive() && buf.empty() && !in.Truncated, err
}

func (c *Client) readHead(u *upConn, buf *buffer, r *responseHead) error {
	from := 0
	for {
		b := buf.unread()
		end, resume := headEnd(b, from)
		if end > c.lim.head || end < 0 && len(b) > c.lim.head {
			return errHeadSize
		}
		if end > 0 {
			buf.r += end
			return parseResponse(r, b[:end], &c.lim)
		}
		from = resume
		if err := readMore(u.nc, buf); err != nil {
			return err
		}
	}
}

func readMore(nc io.Reader, buf *buffer) error {
	if buf.w == len(buf.b) {
		buf.grow(max(len(buf.b)/2, upSize))
	}
	n, err := nc.Read(buf.free())
	if buf.w += n; n > 0 {
		return nil
	}
	if eof(err) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readBody reads the body into in, up to the client's bound. whole says that its end was seen.
func (c *Client) readBody(u *upConn, buf *buffer, r *responseHead, in *gateway.Incoming) (whole bool, err error) {
	var ck chunks
	left := r.body.length
	for {
		data, done := buf.unread(), false
		switch {
		case r.body.chunked:
			var n int
			if data, n, done, err = ck.next(data, &c.lim); err != nil {
				return false, err
			}
			buf.r += n
		case left >= 0:
			data = data[:min(int64(len(data)), left)]
			buf.r += len(data)
			left -= int64(len(data))
			done = left == 0
		default:
			buf.r = buf.w
		}
		if room := c.cfg.MaxBody - int64(len(in.Body)); int64(len(data)) > room {
			in.Body, in.Truncated = append(in.Body, data[:room]...), true
			return false, nil
		}
		in.Body = append(in.Body, data...)
		if done {
			return true, nil
		}
		if r.body.chunked && len(data) > 0 {
			continue
		}
		buf.compact()
		if err := readMore(u.nc, buf); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) && !r.body.chunked && r.body.length < 0 {
				return true, nil
			}
			return false, err
		}
	}
}

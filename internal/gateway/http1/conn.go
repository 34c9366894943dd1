package http1

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"jindu.dev/jindu/internal/gateway"
)

// conn is a connection of a client. One goroutine serves it; a long request body gets a second one for
// its time.
type conn struct {
	s       *Server
	nc      net.Conn
	raw     syscall.RawConn // for reading; nil with TLS
	sock    syscall.RawConn // for looking whether the client left
	tls     bool
	observe bool
	peer    netip.AddrPort
	address string // of the peer, without port

	w      *work // nil while idle
	unread bool  // the client may still send when the connection ends

	// Deadlines. client: waiting for a request, for its head, or for the client to take an answer.
	// body: waiting for a request body. up: waiting for the instance.
	client, body, up watch
	upConn           atomic.Pointer[upConn] // what up guards
	idle             atomic.Bool            // between requests
	left             atomic.Bool            // the client left while its request waited
	waiting          atomic.Int64           // since when a request waits for an instance; 0: none does
	asked            int64                  // connections to instances that were used
	looked           int64                  // when the janitor looked for the client; the janitor's own

	readF func(fd uintptr) bool
	readN int
	readE error
}

func newConn(s *Server, nc net.Conn, observe bool) *conn {
	c := &conn{s: s, nc: nc, raw: rawConn(nc), observe: observe, tls: s.opts.TLS != nil && !observe}
	c.sock = c.raw
	if t, ok := nc.(*tls.Conn); ok {
		c.sock = rawConn(t.NetConn())
	}
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		p := a.AddrPort()
		c.peer = netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	c.address = c.peer.Addr().String()
	c.readF = c.step
	return c
}

// serve answers requests until one of them is the last.
func (c *conn) serve() {
	defer func() {
		if c.w != nil {
			c.s.works.put(c.w)
			c.w = nil
		}
		_ = c.nc.Close()
		c.s.forget(c)
	}()
	for c.head() && c.exchange() {
	}
	if c.unread {
		c.linger()
	}
}

// past is a deadline that wakes whoever waits.
var past = time.Unix(1, 0)

// inspect is the janitor's look at the connection.
func (c *conn) inspect(now int64, draining bool) {
	c.client.fire(now, draining && c.idle.Load(), func() { _ = c.nc.SetDeadline(past) })
	c.body.fire(now, false, func() { _ = c.nc.SetReadDeadline(past) })
	fireOn(&c.up, &c.upConn, now, false, expire)
	since := c.waiting.Load()
	if since == 0 || now-since < int64(lookAfter) || now-max(c.looked, since) < min(max((now-since)/2, int64(lookAfter)), int64(time.Second)) {
		return
	}
	c.looked = now
	if left(c.sock) && c.waiting.Load() == since {
		c.left.Store(true)
		fireOn(&c.up, &c.upConn, now, true, expire)
	}
}

func expire(u *upConn) { _ = u.nc.SetDeadline(past) }

// kill ends the connection whatever it does.
func (c *conn) kill() {
	_ = c.nc.Close()
	if u := c.upConn.Load(); u != nil {
		_ = u.nc.Close()
	}
}

// step reads once the socket is readable. An idle connection borrows its buffers only then.
func (c *conn) step(fd uintptr) bool {
	lent := c.w == nil
	if lent {
		c.w = c.s.works.get()
	}
	n, ready, err := sysRead(fd, c.w.in.free())
	if !ready {
		if lent || c.w.in.w == 0 && c.idle.Load() {
			c.s.works.put(c.w)
			c.w = nil
		}
		return false
	}
	c.readN, c.readE = n, err
	return true
}

// fill reads more bytes of the client into w.in.
func (c *conn) fill() error {
	if c.raw != nil {
		if err := c.raw.Read(c.readF); err != nil {
			return err
		}
		if c.readE != nil {
			return c.readE
		}
		c.w.in.w += c.readN
		return nil
	}
	if c.w == nil {
		c.w = c.s.works.get()
	}
	n, err := c.nc.Read(c.w.in.free())
	c.w.in.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

func (c *conn) clock() int64 { return c.s.gw.Clock(c.s.gw.Now()) }

// soon is d from now, within a tick: for limits of seconds.
func (c *conn) soon(d time.Duration) int64 { return c.s.coarse.Load() + int64(d) + 1 }

// head waits for a request and parses its head. It is false when there is none to answer.
func (c *conn) head() bool {
	set := c.s.gw.Load().Settings
	if c.w == nil || c.w.in.empty() {
		if c.s.draining.Load() {
			return false
		}
		if c.w != nil {
			c.w.in.r, c.w.in.w = 0, 0
		}
		c.idle.Store(true)
		c.client.set(c.soon(set.Timeouts.Idle))
		err := c.fill()
		c.idle.Store(false)
		late := c.client.clear()
		if err != nil {
			return false
		}
		if late && c.nc.SetDeadline(time.Time{}) != nil {
			return false
		}
	} else {
		c.w.in.compact()
	}
	lim := c.s.limits
	lim.unusual = set.UnusualNames
	return c.parse(&lim, set)
}

// parse reads until the head is whole. The first bytes are there.
func (c *conn) parse(lim *limits, set *gateway.Settings) bool {
	in := &c.w.in
	from, timed, lined := 0, false, false
	for {
		if b := in.unread(); len(b) >= 2 && b[0] == '\r' && b[1] == '\n' && from == 0 {
			in.r += 2 // one empty line before a request is forgiven (RFC 9112 2.2)
		}
		b := in.unread()
		end, resume := headEnd(b, from)
		if end > 0 {
			if timed && c.client.clear() {
				c.reject(errHeadTime)
				return false
			}
			if end > lim.head {
				c.reject(errHeadSize)
				return false
			}
			if err := parseRequest(&c.w.req, b[:end], lim); err != nil {
				c.refuse(err)
				return false
			}
			in.r += end
			return true
		}
		if err := c.early(b, resume, &lined, lim); err != nil {
			c.refuse(err)
			return false
		}
		from = resume
		if !timed {
			timed = true
			c.client.set(c.soon(set.Timeouts.Head))
		}
		if in.w == len(in.b) {
			in.grow(len(in.b))
		}
		if err := c.fill(); err != nil {
			if c.client.clear() {
				_ = c.nc.SetDeadline(time.Time{})
				c.reject(errHeadTime)
			}
			return false
		}
	}
}

// early refuses a head that is not whole yet and cannot become right. lined notes that the request line
// was looked at.
func (c *conn) early(b []byte, lines int, lined *bool, lim *limits) error {
	switch {
	case len(b) > lim.head:
		return errHeadSize
	case lines > 0 && !*lined:
		*lined = true
		line, _, err := cutLine(b[:bytes.IndexByte(b, '\n')+1])
		if err == nil {
			_, err = c.w.req.parseLine(line, lim)
		}
		return err
	case lines == 0 && len(b) > lim.target+64:
		return errTargetSize
	case lines == 0 && len(b) > 0 && classes[b[0]]&charMethod == 0 && (b[0] != '\r' || len(b) > 1):
		return errMethod
	}
	return nil
}

func (c *conn) refuse(err error) {
	r, ok := errors.AsType[*rejection](err)
	if !ok {
		r = errRequestLine
	}
	c.reject(r)
}

// reject answers a request that could not be understood and ends the connection.
func (c *conn) reject(r *rejection) {
	c.s.gw.Rejected(r.reason)
	c.w.back = appendProblem(c.w.back[:0], r.status, r.code, r.reason, false, true, false)
	c.unread = c.write(c.w.back) == nil
}

// write sends b to the client within the stall timeout.
func (c *conn) write(b []byte) error {
	if !c.client.set(c.soon(c.s.gw.Load().Timeouts.Stall)) {
		return errStale
	}
	_, err := c.nc.Write(b)
	if c.client.clear() && err == nil {
		err = errStale
	}
	return err
}

const (
	lingerTime  = 2 * time.Second
	lingerBytes = 1 << 20
)

// linger reads what the client still sends before the connection is closed, so that a reset does not
// take the answer away from it.
func (c *conn) linger() {
	type halfCloser interface{ CloseWrite() error }
	h, ok := c.nc.(halfCloser)
	if !ok || h.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Time{})
	c.client.set(c.soon(lingerTime))
	for left := lingerBytes; left > 0; {
		n, err := c.nc.Read(c.w.in.b)
		if left -= n; err != nil {
			break
		}
	}
	c.client.clear()
}

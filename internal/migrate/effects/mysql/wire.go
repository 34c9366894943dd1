package mysql

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"
)

const (
	headBytes  = 4
	maxPayload = 1<<24 - 1 // of a packet; a message of as much or more goes on in the next
	readBuffer = 16 << 10
	keepBuffer = 64 << 10 // a buffer that grew beyond this is given back
)

var errProtocol = errors.New("the peer does not speak the MySQL protocol as the proxy knows it")

// stream reads packets of one connection. What was read and is to be passed on stays in the buffer until
// the next read, so that a chunk is read once and written once.
//
//	buf: ... [from ── r) read, to be passed on to sink   [r ── w) not read yet
type stream struct {
	conn       net.Conn
	buf        []byte
	from, r, w int
	sink       io.Writer // nil: what is read is not passed on
}

func newStream(conn net.Conn) *stream { return &stream{conn: conn, buf: make([]byte, readBuffer)} }

// flush passes on what was read.
func (s *stream) flush() error {
	if s.from == s.r {
		return nil
	}
	var err error
	if s.sink != nil {
		_, err = s.sink.Write(s.buf[s.from:s.r])
	}
	s.from = s.r
	return err
}

// fill reads until n unread bytes are there. n is at most the size of the buffer, which grows only by grow.
func (s *stream) fill(n int) error {
	for s.w-s.r < n {
		if err := s.flush(); err != nil {
			return err
		}
		if s.r == s.w {
			s.from, s.r, s.w = 0, 0, 0
		} else if s.r+n > len(s.buf) {
			s.w = copy(s.buf, s.buf[s.r:s.w])
			s.from, s.r = 0, 0
		}
		got, err := s.conn.Read(s.buf[s.w:])
		s.w += got
		if got == 0 && err != nil {
			if s.w > s.r && errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// grow makes room for n unread bytes.
func (s *stream) grow(n int) {
	if n <= len(s.buf) {
		return
	}
	b := make([]byte, n)
	s.w = copy(b, s.buf[s.r:s.w])
	s.from, s.r, s.buf = 0, 0, b
}

// shrink gives a large buffer back once it is empty.
func (s *stream) shrink() {
	if len(s.buf) > keepBuffer && s.r == s.w && s.from == s.r {
		s.buf = make([]byte, readBuffer)
		s.from, s.r, s.w = 0, 0, 0
	}
}

// packet is one packet, valid until the next read.
type packet struct {
	raw  []byte // with its head; of a packet larger than the buffer only what was asked for
	size int    // of the payload
}

func (p packet) body() []byte { return p.raw[headBytes:] }
func (p packet) seq() byte    { return p.raw[3] }

func (p packet) first() byte {
	if p.size == 0 {
		return 0
	}
	return p.raw[headBytes]
}

// whole says that the body is all there.
func (p packet) whole() bool { return len(p.raw) == headBytes+p.size }

// next reads a packet. One larger than the buffer is given by its first bytes and passed on by and by.
func (s *stream) next() (packet, error) {
	if err := s.fill(headBytes); err != nil {
		return packet{}, err
	}
	size := length3(s.buf[s.r:])
	total := headBytes + size
	if total <= len(s.buf) {
		if err := s.fill(total); err != nil {
			return packet{}, err
		}
		p := packet{s.buf[s.r : s.r+total : s.r+total], size}
		s.r += total
		return p, nil
	}
	const look = 64
	if err := s.fill(headBytes + look); err != nil {
		return packet{}, err
	}
	p := packet{append([]byte(nil), s.buf[s.r:s.r+headBytes+look]...), size}
	return p, s.pass(total)
}

// pass passes n bytes on.
func (s *stream) pass(n int) error {
	for n > 0 {
		if s.r == s.w {
			if err := s.fill(1); err != nil {
				return err
			}
		}
		step := min(n, s.w-s.r)
		s.r += step
		n -= step
	}
	return nil
}

// command reads one whole packet, however large, into the buffer.
func (s *stream) command() (packet, error) {
	s.from = s.r
	if err := s.fill(headBytes); err != nil {
		return packet{}, err
	}
	total := headBytes + length3(s.buf[s.r:])
	s.grow(total)
	if err := s.fill(total); err != nil {
		return packet{}, err
	}
	p := packet{s.buf[s.r : s.r+total : s.r+total], total - headBytes}
	s.r += total
	s.from = s.r
	return p, nil
}

// take gives what was read and not passed on, and no longer passes it on.
func (s *stream) take() []byte {
	b := s.buf[s.from:s.r]
	s.from = s.r
	return b
}

// buffered says that the beginning of a packet is there already.
func (s *stream) buffered() bool { return s.r < s.w }

// isTimeout says whether a read deadline ended the wait.
func isTimeout(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// past is a deadline that ends a read at once.
func past() time.Time { return time.Unix(1, 0) }

func length3(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// frame puts a payload of less than maxPayload bytes into a packet.
func frame(dst []byte, seq byte, payload []byte) []byte {
	n := len(payload)
	dst = append(dst, byte(n), byte(n>>8), byte(n>>16), seq)
	return append(dst, payload...)
}

// cursor reads fields of a payload; after a failure everything is zero and bad is true.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.bad, c.b = true, nil
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) u8() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// lenenc is an integer of variable length; null is that of a text row.
func (c *cursor) lenenc() (n uint64, null bool) {
	switch first := c.u8(); first {
	case 0xfb:
		return 0, true
	case 0xfc:
		return uint64(c.u16()), false
	case 0xfd:
		if b := c.take(3); b != nil {
			return uint64(length3(b)), false
		}
		return 0, false
	case 0xfe:
		return c.u64(), false
	case 0xff:
		c.bad = true
		return 0, false
	default:
		return uint64(first), false
	}
}

// text is a string with its length in front; nil is NULL.
func (c *cursor) text() []byte {
	n, null := c.lenenc()
	if null || c.bad {
		return nil
	}
	if n > uint64(len(c.b)) {
		c.bad = true
		return nil
	}
	return c.take(int(n))
}

// until0 is a string that a zero byte ends; the end of the payload ends it too.
func (c *cursor) until0() []byte {
	for i, x := range c.b {
		if x == 0 {
			b := c.b[:i]
			c.b = c.b[i+1:]
			return b
		}
	}
	return c.take(len(c.b))
}

func appendLenenc(b []byte, n uint64) []byte {
	switch {
	case n < 0xfb:
		return append(b, byte(n))
	case n < 1<<16:
		return append(b, 0xfc, byte(n), byte(n>>8))
	case n < 1<<24:
		return append(b, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0xfe), n)
}

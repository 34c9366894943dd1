package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"time"
)

const (
	headBytes  = 5 // kind and length of a message
	readBuffer = 16 << 10
	keepBuffer = 64 << 10  // a buffer that grew beyond this is given back
	bigMessage = 256 << 10 // rows larger than this are passed on by and by
	maxMessage = 64 << 20  // what is read whole
)

var (
	errProtocol = errors.New("the peer does not speak the PostgreSQL protocol as the proxy knows it")
	errTooLarge = errors.New("the message is larger than the proxy carries")
)

// message is one message, valid until the next read.
type message struct {
	kind byte
	raw  []byte // with its head
	rest int    // bytes that are not in raw, of a row larger than bigMessage
}

func (m message) body() []byte { return m.raw[headBytes:] }

// stream reads messages of one connection.
type stream struct {
	conn   net.Conn
	buf    []byte
	r, w   int
	before func() error // called before the connection is read
}

func newStream(conn net.Conn) *stream { return &stream{conn: conn, buf: make([]byte, readBuffer)} }

func (s *stream) buffered() bool { return s.w > s.r }

// fill reads until n unread bytes are there.
func (s *stream) fill(n int) error {
	for s.w-s.r < n {
		if s.r == s.w {
			s.r, s.w = 0, 0
			if len(s.buf) > keepBuffer && n <= readBuffer {
				s.buf = make([]byte, readBuffer)
			}
		}
		if s.w == len(s.buf) {
			// It grows as bytes come: who only announces many gets no memory.
			b := s.buf
			if s.r == 0 {
				b = make([]byte, min(2*len(b), max(n, len(b)+1)))
			}
			s.w = copy(b, s.buf[s.r:s.w])
			s.r, s.buf = 0, b
		}
		if s.before != nil {
			if err := s.before(); err != nil {
				return err
			}
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

// next reads a message; rows larger than bigMessage by their first bytes.
func (s *stream) next() (message, error) {
	if err := s.fill(headBytes); err != nil {
		return message{}, err
	}
	kind := s.buf[s.r]
	size := int(binary.BigEndian.Uint32(s.buf[s.r+1:]))
	total := size + 1
	if size < 4 || size > 1<<30 {
		return message{}, errProtocol
	}
	rest := 0
	if total > bigMessage && (kind == 'D' || kind == 'd') {
		rest, total = total-bigMessage, bigMessage
	}
	if total > maxMessage {
		return message{}, errTooLarge
	}
	if err := s.fill(total); err != nil {
		return message{}, err
	}
	m := message{kind, s.buf[s.r : s.r+total : s.r+total], rest}
	s.r += total
	return m, nil
}

// piece gives some of the rest of a message.
func (s *stream) piece(rest int) ([]byte, error) {
	if err := s.fill(1); err != nil {
		return nil, err
	}
	n := min(rest, s.w-s.r)
	b := s.buf[s.r : s.r+n]
	s.r += n
	return b, nil
}

// first reads the first message of a connection, which has no kind.
func (s *stream) first() (code uint32, raw []byte, err error) {
	if err := s.fill(8); err != nil {
		return 0, nil, err
	}
	size := int(binary.BigEndian.Uint32(s.buf[s.r:]))
	if size < 8 || size > 10000 {
		return 0, nil, errProtocol
	}
	if err := s.fill(size); err != nil {
		return 0, nil, err
	}
	raw = append([]byte(nil), s.buf[s.r:s.r+size]...)
	s.r += size
	return binary.BigEndian.Uint32(raw[4:]), raw, nil
}

// cursor reads the parts of a body. What is not there is empty, and bad is set.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.bad, c.b = true, nil
		return nil
	}
	out := c.b[:n:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) text() []byte {
	i := bytes.IndexByte(c.b, 0)
	if i < 0 {
		c.bad, c.b = true, nil
		return nil
	}
	out := c.b[:i]
	c.b = c.b[i+1:]
	return out
}

func (c *cursor) u16() int {
	if b := c.take(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// begin starts a message at the end of b; finish writes its length.
func begin(b []byte, kind byte) ([]byte, int) { return append(b, kind, 0, 0, 0, 0), len(b) + 1 }

func finish(b []byte, at int) []byte {
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at))
	return b
}

func appendMessage(b []byte, kind byte, body ...[]byte) []byte {
	b, at := begin(b, kind)
	for _, p := range body {
		b = append(b, p...)
	}
	return finish(b, at)
}

func zero(s string) []byte { return append([]byte(s), 0) }

// Messages of the proxy's own.
var (
	msgSync  = []byte{'S', 0, 0, 0, 4}
	msgFlush = []byte{'H', 0, 0, 0, 4}
)

func readyMessage(status byte) []byte { return []byte{'Z', 0, 0, 0, 5, status} }

func appendComplete(b []byte, tag string) []byte { return appendMessage(b, 'C', zero(tag)) }

func appendQuery(b []byte, sql string) []byte { return appendMessage(b, 'Q', zero(sql)) }

// errorMessage is an error as the server tells it.
func errorMessage(state, text string) []byte {
	b, at := begin(nil, 'E')
	for _, f := range []string{"SERROR", "VERROR", "C" + state, "M" + text} {
		b = append(append(b, f...), 0)
	}
	return finish(append(b, 0), at)
}

// field is a field of an error.
func field(body []byte, which byte) string {
	c := cursor{b: body}
	for len(c.b) > 0 && c.b[0] != 0 {
		if f := c.text(); len(f) > 0 && f[0] == which {
			return string(f[1:])
		}
	}
	return ""
}

// movedError is an error whose position is less by n characters, which the proxy put in front.
func movedError(raw []byte, n int) []byte {
	body := raw[headBytes:]
	p, err := strconv.Atoi(field(body, 'P'))
	if err != nil {
		return raw
	}
	b, at := begin(nil, 'E')
	c := cursor{b: body}
	for len(c.b) > 0 && c.b[0] != 0 {
		f := c.text()
		if len(f) > 0 && f[0] == 'P' {
			f = []byte("P" + strconv.Itoa(max(p-n, 1)))
		}
		b = append(append(b, f...), 0)
	}
	return finish(append(b, 0), at)
}

// serverError is an error that the database answered with.
type serverError struct {
	state, text string
	raw         []byte // as it came
}

func (e *serverError) Error() string { return "the database says " + e.state + ": " + e.text }

func newServerError(m message) *serverError {
	return &serverError{field(m.body(), 'C'), field(m.body(), 'M'), append([]byte(nil), m.raw...)}
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

func past() time.Time { return time.Unix(1, 0) }

package redis

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
)

const (
	readBuffer = 16 << 10
	keepBuffer = 64 << 10 // a buffer that grew beyond this is given back
	maxLine    = 1 << 20  // of a reply: a status or an error
	maxNesting = 32       // of arrays in a reply
	smallText  = 64 << 10 // texts up to this are shown to a visitor
)

var (
	errProtocol = errors.New("the peer does not speak the protocol of Redis as the proxy knows it")
	errTooLarge = errors.New("the message is larger than the proxy carries")
)

// stream reads replies of one connection. What was read goes to sink before the next read, so that a large
// reply never stands in memory.
//
//	buf: ... [from ── r) read, not handed to sink yet   [r ── w) not read yet
type stream struct {
	conn       net.Conn
	buf        []byte
	from, r, w int
	sink       func([]byte) error
	before     func() error                  // called before the connection is read
	patience   func(err error) (bool, error) // whether to go on after a read that timed out
}

func newStream(conn net.Conn) *stream { return &stream{conn: conn, buf: make([]byte, readBuffer)} }

// pass hands what was read to sink.
func (s *stream) pass() error {
	if s.from == s.r {
		return nil
	}
	b := s.buf[s.from:s.r]
	s.from = s.r
	if s.sink == nil {
		return nil
	}
	return s.sink(b)
}

// fill reads until n unread bytes are there.
func (s *stream) fill(n int) error {
	for s.w-s.r < n {
		if err := s.pass(); err != nil {
			return err
		}
		if s.r == s.w {
			s.from, s.r, s.w = 0, 0, 0
			if len(s.buf) > keepBuffer && n <= readBuffer {
				s.buf = make([]byte, readBuffer)
			}
		}
		if s.r+n > len(s.buf) {
			s.make(n)
		}
		if s.before != nil {
			if err := s.before(); err != nil {
				return err
			}
		}
		got, err := s.conn.Read(s.buf[s.w:])
		s.w += got
		if got > 0 || err == nil {
			continue
		}
		if s.patience != nil {
			if again, wait := s.patience(err); wait != nil {
				return wait
			} else if again {
				continue
			}
		}
		if s.w > s.r && errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}

// make moves unread bytes to the front, into a larger buffer where n need it.
func (s *stream) make(n int) {
	b := s.buf
	if n > len(b) {
		b = make([]byte, max(n, 2*len(b)))
	}
	s.w = copy(b, s.buf[s.r:s.w])
	s.from, s.r, s.buf = 0, 0, b
}

// line reads up to the end of a line, which it leaves out. It is valid until the next read.
func (s *stream) line() ([]byte, error) {
	seen := 0
	for {
		if i := bytes.IndexByte(s.buf[s.r+seen:s.w], '\n'); i >= 0 {
			end := seen + i
			if end == 0 || s.buf[s.r+end-1] != '\r' {
				return nil, errProtocol
			}
			line := s.buf[s.r : s.r+end-1]
			s.r += end + 1
			return line, nil
		}
		seen = s.w - s.r
		if seen > maxLine {
			return nil, errTooLarge
		}
		if err := s.fill(seen + 1); err != nil {
			return nil, err
		}
	}
}

// skip goes over n bytes.
func (s *stream) skip(n int64) error {
	for n > 0 {
		if s.r == s.w {
			if err := s.fill(1); err != nil {
				return err
			}
		}
		step := min(n, int64(s.w-s.r))
		s.r += int(step)
		n -= step
	}
	return nil
}

// element is the value itself or one of the first level within it, as a visitor sees it.
type element struct {
	at   int  // -1: the value itself; else which within it
	kind byte // its first byte
	text []byte
	null bool
	n    int64 // elements of an array, the length of a text
}

// value goes over one value and tells visit, which may be nil, of it and of the first level within it.
func (s *stream) value(visit func(element)) error {
	var levels [maxNesting]int64
	left := append(levels[:0], 1) // values to come, by level
	index := 0
	for {
		line, err := s.line()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return errProtocol
		}
		e := element{at: -1, kind: line[0], text: line[1:]}
		if len(left) > 1 {
			e.at = index
		}
		show := visit != nil && len(left) <= 2
		within, err := s.head(&e, show)
		if err != nil {
			return err
		}
		if show {
			visit(e)
		}
		if len(left) == 2 {
			index++
		}
		left[len(left)-1]--
		if within > 0 {
			if len(left) == maxNesting {
				return errTooLarge
			}
			left = append(left, within)
		}
		for len(left) > 0 && left[len(left)-1] == 0 {
			left = left[:len(left)-1]
		}
		if len(left) == 0 {
			return nil
		}
	}
}

// head reads what belongs to the first line of a value: the bytes of a text, how many values are within it.
func (s *stream) head(e *element, show bool) (within int64, err error) {
	switch e.kind {
	case '+', '-', ':', '#', ',', '(':
	case '_':
		e.null = true
	case '$', '!', '=':
		if e.n, err = length(e.text); err != nil {
			return 0, err
		}
		e.null = e.n < 0
		return 0, s.text(e, show)
	case '*', '~', '>', '%':
		if e.n, err = length(e.text); err != nil {
			return 0, err
		}
		e.null, e.text = e.n < 0, nil
		if e.kind == '%' {
			return 2 * e.n, nil
		}
		return e.n, nil
	default:
		return 0, errProtocol
	}
	return 0, nil
}

// text goes over the bytes of a text, and shows them where that is asked for.
func (s *stream) text(e *element, show bool) error {
	e.text = nil
	if e.n < 0 {
		return nil
	}
	if !show || e.n > smallText {
		return s.skip(e.n + 2)
	}
	n := int(e.n)
	if err := s.fill(n + 2); err != nil {
		return err
	}
	e.text = s.buf[s.r : s.r+n]
	s.r += n + 2
	return nil
}

// length reads a count, -1 for a null.
func length(b []byte) (int64, error) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || n < -1 || n > 1<<40 {
		return 0, errProtocol
	}
	return n, nil
}

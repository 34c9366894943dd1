package redis

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
)

const (
	maxCommand = 64 << 20
	maxArgs    = 1 << 20
)

// command is one command of the client, valid until the next is read.
type command struct {
	raw  []byte // as it came
	args [][]byte
}

// intake reads the client's commands. A command stays in the buffer until the next one is asked for.
type intake struct {
	conn   net.Conn
	buf    []byte
	r, w   int
	before func() error // called before the connection is read

	parse parser
	args  [][]byte
}

func newIntake(conn net.Conn) *intake { return &intake{conn: conn, buf: make([]byte, readBuffer)} }

// parser goes over a command as its bytes come.
type parser struct {
	at    int // where in the command it is
	left  int // arguments to come; -1 before their number is known
	bulk  int // length of the argument that comes, -1 before it is known
	spans []span
}

type span struct{ from, to int }

func (p *parser) reset() { p.at, p.left, p.bulk, p.spans = 0, -1, -1, p.spans[:0] }

// next reads a command; one without arguments is passed over.
func (in *intake) next() (command, error) {
	for {
		c, err := in.one()
		if err != nil || len(c.args) > 0 {
			return c, err
		}
	}
}

func (in *intake) one() (command, error) {
	if in.r == in.w {
		in.r, in.w = 0, 0
		if len(in.buf) > keepBuffer {
			in.buf = make([]byte, readBuffer)
		}
	}
	in.parse.reset()
	for {
		done, err := in.parse.go_(in.buf[in.r:in.w])
		if err != nil {
			return command{}, err
		}
		if done {
			break
		}
		if in.w-in.r > maxCommand || in.parse.bulk > maxCommand {
			return command{}, errTooLarge
		}
		if err := in.more(); err != nil {
			return command{}, err
		}
	}
	c := command{raw: in.buf[in.r : in.r+in.parse.at]}
	in.args = in.args[:0]
	for _, s := range in.parse.spans {
		in.args = append(in.args, c.raw[s.from:s.to])
	}
	c.args = in.args
	in.r += in.parse.at
	return c, nil
}

// more reads from the client. The buffer grows as bytes come: who only announces many gets no memory.
func (in *intake) more() error {
	if in.w == len(in.buf) {
		b := in.buf
		if in.r == 0 {
			b = make([]byte, 2*len(b))
		}
		in.w = copy(b, in.buf[in.r:in.w])
		in.r, in.buf = 0, b
	}
	if in.before != nil {
		if err := in.before(); err != nil {
			return err
		}
	}
	got, err := in.conn.Read(in.buf[in.w:])
	in.w += got
	if got > 0 {
		return nil
	}
	if errors.Is(err, io.EOF) && in.w > in.r {
		return io.ErrUnexpectedEOF
	}
	return err
}

// peek reads what the client has sent meanwhile, without moving what the present command is made of.
func (in *intake) peek() error {
	if in.w == len(in.buf) {
		return nil
	}
	got, err := in.conn.Read(in.buf[in.w:])
	in.w += got
	if got > 0 {
		return nil
	}
	return err
}

// go_ goes on in b, which begins with the command; done says that the command is whole, up to p.at.
func (p *parser) go_(b []byte) (done bool, err error) {
	for {
		switch {
		case p.bulk >= 0:
			end := p.at + p.bulk
			if len(b) < end+2 {
				return false, nil
			}
			if b[end] != '\r' || b[end+1] != '\n' {
				return false, errProtocol
			}
			p.spans = append(p.spans, span{p.at, end})
			p.at, p.bulk = end+2, -1
			p.left--
		case p.left == 0:
			return true, nil
		default:
			line, ok, err := p.line(b)
			if !ok {
				return false, err
			}
			switch {
			case p.left > 0:
				if p.bulk, err = number(line, '$', maxCommand); err != nil {
					return false, err
				}
			case len(line) == 0 || line[0] != '*':
				return true, p.inline(line, p.at)
			default:
				if p.left, err = number(line, '*', maxArgs); err != nil {
					return false, err
				}
			}
		}
	}
}

// line is the line from p.at on, which then stands behind it.
func (p *parser) line(b []byte) ([]byte, bool, error) {
	i := bytes.IndexByte(b[p.at:], '\n')
	if i < 0 {
		if len(b)-p.at > 64<<10 {
			return nil, false, errTooLarge
		}
		return nil, false, nil
	}
	line := bytes.TrimSuffix(b[p.at:p.at+i], []byte("\r"))
	p.at += i + 1
	return line, true, nil
}

func number(line []byte, kind byte, most int) (int, error) {
	if len(line) < 2 || line[0] != kind {
		return 0, errProtocol
	}
	n, err := strconv.Atoi(string(line[1:]))
	if err != nil || n < -1 || kind == '$' && n < 0 {
		return 0, errProtocol
	}
	if n > most {
		return 0, errTooLarge
	}
	return max(n, 0), nil
}

// inline is a command as people type it. Quotes are read by Redis in ways of its own, so they are not carried.
func (p *parser) inline(line []byte, end int) error {
	if bytes.ContainsAny(line, "\"'") {
		return errProtocol
	}
	for i := 0; i < len(line); {
		for i < len(line) && blank(line[i]) {
			i++
		}
		from := i
		for i < len(line) && !blank(line[i]) {
			if line[i] == 0 {
				return errProtocol
			}
			i++
		}
		if i > from {
			p.spans = append(p.spans, span{from, i})
		}
	}
	p.at = end
	return nil
}

func blank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// appendCommand adds a command to b as clients send it.
func appendCommand(b []byte, args ...[]byte) []byte {
	b = append(strconv.AppendInt(append(b, '*'), int64(len(args)), 10), '\r', '\n')
	for _, a := range args {
		b = append(strconv.AppendInt(append(b, '$'), int64(len(a)), 10), '\r', '\n')
		b = append(append(b, a...), '\r', '\n')
	}
	return b
}

func words(args ...string) [][]byte {
	out := make([][]byte, len(args))
	for i, a := range args {
		out[i] = []byte(a)
	}
	return out
}

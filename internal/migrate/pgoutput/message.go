package pgoutput

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// errShort is of a message that ends before what it should hold.
var errShort = errors.New("the message is cut short")

// epoch is where PostgreSQL's times begin.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// reader reads from a message without ever leaving it: what is missing is zero, and bad stays set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) text() string {
	for i, c := range r.b {
		if c == 0 {
			s := string(r.b[:i])
			r.b = r.b[i+1:]
			return s
		}
	}
	r.bad, r.b = true, nil
	return ""
}

func (r *reader) time() time.Time {
	return epoch.Add(time.Duration(int64(r.u64())) * time.Microsecond)
}

func (r *reader) err() error {
	if r.bad {
		return errShort
	}
	return nil
}

// The kinds of copy data.
const (
	copyData      = 'w'
	copyKeepalive = 'k'
)

// lsn is a place in the log.
type lsn uint64

// frame is one copy data message of the walsender.
type frame struct {
	kind byte
	end  lsn  // keepalive: how far the server has sent
	ask  bool // keepalive: answer at once
	data []byte
}

func parseFrame(b []byte) (frame, error) {
	r := reader{b: b}
	f := frame{kind: r.u8()}
	switch f.kind {
	case copyData:
		r.bytes(24) // place of the record, end of the log, time: unused, as is said in the messages
		f.data = r.b
	case copyKeepalive:
		f.end = lsn(r.u64())
		r.u64()
		f.ask = r.u8() != 0
	default:
		if !r.bad {
			return f, fmt.Errorf("copy data of kind %q is not known", f.kind)
		}
	}
	return f, r.err()
}

// The kinds of messages of pgoutput.
const (
	msgBegin    = 'B'
	msgCommit   = 'C'
	msgOrigin   = 'O'
	msgRelation = 'R'
	msgType     = 'Y'
	msgInsert   = 'I'
	msgUpdate   = 'U'
	msgDelete   = 'D'
	msgTruncate = 'T'
	msgMessage  = 'M'
)

type beginMessage struct {
	commit lsn // where its commit is
	at     time.Time
	xid    uint32
}

func parseBegin(r *reader) (beginMessage, error) {
	return beginMessage{lsn(r.u64()), r.time(), r.u32()}, r.err()
}

type commitMessage struct{ commit, end lsn }

func parseCommit(r *reader) (commitMessage, error) {
	r.u8()
	return commitMessage{lsn(r.u64()), lsn(r.u64())}, r.err()
}

type relationColumn struct {
	name     string
	key      bool
	oid      uint32
	modifier int32
}

type relationMessage struct {
	oid          uint32
	schema, name string
	identity     byte // of the table: d by key, f whole rows, n none, i by an index
	columns      []relationColumn
}

func parseRelation(r *reader) (relationMessage, error) {
	m := relationMessage{oid: r.u32(), schema: r.text(), name: r.text(), identity: r.u8()}
	for range r.u16() {
		if r.bad {
			break
		}
		m.columns = append(m.columns, relationColumn{key: r.u8()&1 != 0, name: r.text(), oid: r.u32(), modifier: int32(r.u32())})
	}
	return m, r.err()
}

// The kinds of a value in a tuple.
const (
	valueNull      = 'n'
	valueUnchanged = 'u' // stored apart and not changed: not in the log
	valueText      = 't'
)

type value struct {
	kind byte
	text []byte // valid until the next message
}

func parseTuple(r *reader, into []value) ([]value, error) {
	into = into[:0]
	for range r.u16() {
		v := value{kind: r.u8()}
		switch v.kind {
		case valueNull, valueUnchanged:
		case valueText:
			v.text = r.bytes(int(r.u32()))
		default:
			if !r.bad {
				return into, fmt.Errorf("a value of kind %q is not known", v.kind)
			}
		}
		if r.bad {
			return into, errShort
		}
		into = append(into, v)
	}
	return into, r.err()
}

// rowMessage is a change of a row.
type rowMessage struct {
	oid    uint32
	before byte // K: the key, O: the whole row, 0: nothing is told of the row before
	old    []value
	new    []value
}

// parse reads an insert, update or delete into m, whose slices are used again.
func (m *rowMessage) parse(kind byte, r *reader) error {
	m.oid, m.before, m.old, m.new = r.u32(), 0, m.old[:0], m.new[:0]
	mark := r.u8()
	var err error
	if mark == 'K' || mark == 'O' {
		m.before = mark
		if m.old, err = parseTuple(r, m.old); err != nil || kind == msgDelete {
			return err
		}
		mark = r.u8()
	}
	if r.bad {
		return errShort
	}
	if mark != 'N' || kind == msgDelete {
		return fmt.Errorf("a row of kind %q is not known", mark)
	}
	m.new, err = parseTuple(r, m.new)
	return err
}

func parseTruncate(r *reader) ([]uint32, error) {
	n := r.u32()
	r.u8()
	var oids []uint32
	for range n {
		if r.bad {
			break
		}
		oids = append(oids, r.u32())
	}
	return oids, r.err()
}

type logicalMessage struct {
	within bool // a transaction
	prefix string
	body   []byte
}

func parseLogical(r *reader) (logicalMessage, error) {
	m := logicalMessage{within: r.u8()&1 != 0}
	r.u64()
	m.prefix = r.text()
	m.body = r.bytes(int(r.u32()))
	return m, r.err()
}

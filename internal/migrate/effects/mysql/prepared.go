package mysql

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// prepared is a statement that the client prepared.
type prepared struct {
	text   []byte // without the mark
	mark   v1.Mark
	marked bool
	info   sqltext.Info
	params int
	types  []byte // of the parameters, two bytes each, as last sent
	long   map[int]bool
	aside  bool // on the connection of shadows, under this id
	id     uint32
}

// asideBit tells the ids of statements on the shadows' connection, as the client knows them.
const asideBit = 1 << 31

// latestID stands for the statement prepared last (MariaDB).
const latestID = math.MaxUint32

var errParams = errors.New("the parameters cannot be read")

// prepare lets the server read a statement. What would be refused is refused here already.
func (s *session) prepare(p packet) error {
	st := s.newStatement(p)
	if p.size == maxPayload || len(s.prepared) >= s.limits.prepared {
		if err := s.skipRest(p); err != nil {
			return err
		}
		return s.refuse(errNetPacketTooBig, "08S01", "too many prepared statements, or one of 16 MiB or more; close some")
	}
	s.latest = latestID
	l := s.main
	if st.marked && st.mark.Shadow && s.Rule.Shadow.Mode == effects.ShadowDivert && !controls(st.info) {
		if why := s.leavesSchema(st); why != "" {
			return s.refuseShadow(st, why)
		}
		var err error
		if l, err = s.openAside(); err != nil {
			return s.refuseAside(err)
		}
	}
	if _, err := l.conn.Write(p.raw); err != nil {
		return s.lost(l, err)
	}
	known := &prepared{text: append([]byte(nil), st.text...), mark: st.mark, marked: st.marked, info: st.info, aside: l != s.main}
	if err := s.relayPrepare(l, known); err != nil {
		return s.lost(l, err)
	}
	return l.flush()
}

// controls says whether a statement is one of the words of transactions and sessions.
func controls(i sqltext.Info) bool {
	return i.Class >= sqltext.Begin && i.Class <= sqltext.Rollback
}

func (s *session) relayPrepare(l *link, known *prepared) error {
	l.from = l.r
	p, err := l.next()
	if err != nil {
		return err
	}
	if p.first() == isErr {
		return nil
	}
	c := cursor{b: p.body()}
	c.u8()
	known.id = c.u32()
	columns := c.u16()
	known.params = int(c.u16())
	if c.bad {
		return errProtocol
	}
	id := known.id
	if known.aside {
		id |= asideBit
		binary.LittleEndian.PutUint32(p.body()[1:], id)
	}
	for _, n := range []int{known.params, int(columns)} {
		if n == 0 {
			continue
		}
		if !s.shortEOF() {
			n++
		}
		for range n {
			if _, err := l.next(); err != nil {
				return err
			}
		}
	}
	s.prepared[id], s.latest = known, id
	return nil
}

// find is the statement that a command names, with its id made the server's.
func (s *session) find(p packet) (*prepared, uint32) {
	if len(p.body()) < 5 {
		return nil, 0
	}
	id := binary.LittleEndian.Uint32(p.body()[1:])
	if id == latestID {
		id = s.latest
	}
	known := s.prepared[id]
	if known != nil {
		binary.LittleEndian.PutUint32(p.body()[1:], known.id)
	}
	return known, id
}

func (s *session) linkOf(known *prepared) *link {
	if known.aside {
		return s.aside
	}
	return s.main
}

func (s *session) unknownStatement(id uint32, what string) error {
	return s.refuse(errUnknownStmt, "HY000", fmt.Sprintf("unknown prepared statement %d given to %s; prepare it again", id, what))
}

func (s *session) execute(p packet) error {
	known, id := s.find(p)
	if known == nil || known.aside && s.aside == nil {
		if err := s.skipRest(p); err != nil {
			return err
		}
		return s.unknownStatement(id, "execute")
	}
	st := &s.st
	*st = statement{p: p, text: known.text, mark: known.mark, marked: known.marked, info: known.info, exec: known}
	st.bad = s.noteTypes(st) != nil
	err := s.statement(st)
	clear(known.long)
	return err
}

// longData passes a piece of a parameter on; there is no answer.
func (s *session) longData(p packet) error {
	known, _ := s.find(p)
	l := s.main
	if known != nil {
		if len(p.body()) >= 7 {
			if known.long == nil {
				known.long = map[int]bool{}
			}
			if len(known.long) <= known.params {
				known.long[int(binary.LittleEndian.Uint16(p.body()[5:]))] = true
			}
		}
		l = s.linkOf(known)
	}
	for {
		if l != nil {
			if _, err := l.conn.Write(p.raw); err != nil {
				return err
			}
		}
		if p.size != maxPayload {
			return nil
		}
		var err error
		if p, err = s.cl.command(); err != nil {
			return err
		}
	}
}

// closeStatement has no answer.
func (s *session) closeStatement(p packet) error {
	known, id := s.find(p)
	if known == nil {
		return nil
	}
	delete(s.prepared, id)
	l := s.linkOf(known)
	if l == nil {
		return nil
	}
	_, err := l.conn.Write(p.raw)
	return err
}

func (s *session) resetStatement(p packet) error {
	known, id := s.find(p)
	if known == nil || s.linkOf(known) == nil {
		return s.unknownStatement(id, "reset")
	}
	clear(known.long)
	return s.passOn(s.linkOf(known), p, expectResult)
}

func (s *session) fetch(p packet) error {
	known, id := s.find(p)
	if known == nil || s.linkOf(known) == nil {
		return s.unknownStatement(id, "fetch")
	}
	return s.passOn(s.linkOf(known), p, expectRows)
}

func (s *session) passOn(l *link, p packet, e expect) error {
	if l == s.main {
		return s.pass(p, e)
	}
	var a answer
	if _, err := l.conn.Write(p.raw); err != nil {
		return s.lost(l, err)
	}
	if err := l.relay(e, &a, true); err != nil {
		return s.lost(l, err)
	}
	return l.flush()
}

// Kinds of parameters.
type paramKind uint8

const (
	paramBytes paramKind = iota // text or bytes, a decimal, a JSON document
	paramInt
	paramUint
	paramFloat
	paramTime // as MySQL writes it
)

// param is a parameter of an execution.
type param struct {
	kind  paramKind
	null  bool
	long  bool // sent piece by piece, not known here
	int   int64
	float float64
	bytes []byte
	plain bool // bytes are a decimal number
}

// head goes over what stands before the values of an execution: the bits of NULLs and, where they were sent
// anew, the types.
func (s *session) head(st *statement) (nulls []byte, c cursor, err error) {
	known := st.exec
	c = cursor{b: st.p.body()[1:]}
	c.take(9) // id, flags, iterations
	if known.params == 0 {
		return nil, c, nil
	}
	nulls = c.take((known.params + 7) / 8)
	if c.u8() == 1 {
		types := c.take(2 * known.params)
		if !c.bad {
			known.types = append(known.types[:0], types...)
		}
	}
	if c.bad || len(known.types) != 2*known.params {
		return nil, c, errParams
	}
	return nulls, c, nil
}

// noteTypes remembers the types of parameters, which clients send with the first execution only.
func (s *session) noteTypes(st *statement) error {
	_, _, err := s.head(st)
	return err
}

// decode reads the parameters of an execution, once.
func (s *session) decode(st *statement) error {
	if st.bad || st.p.size == maxPayload {
		return errParams
	}
	if st.params != nil || st.exec.params == 0 {
		return nil
	}
	nulls, c, err := s.head(st)
	if err != nil {
		st.bad = true
		return err
	}
	params := make([]param, st.exec.params)
	for i := range params {
		switch {
		case nulls[i/8]&(1<<(i%8)) != 0:
			params[i].null = true
		case st.exec.long[i]:
			params[i].long = true
		default:
			params[i] = readParam(&c, st.exec.types[2*i], st.exec.types[2*i+1]&0x80 != 0)
		}
	}
	if c.bad {
		st.bad = true
		return errParams
	}
	st.params = params
	return nil
}

// Types of the binary protocol.
const (
	typeTiny = 1 + iota
	typeShort
	typeLong
	typeFloat
	typeDouble
	typeNull
	typeTimestamp
	typeLonglong
	typeInt24
	typeDate
	typeTime
	typeDatetime
	typeYear

	typeDecimal    = 0
	typeNewDecimal = 246
)

func readParam(c *cursor, typ byte, unsigned bool) param {
	integer := func(signed int64, raw uint64) param {
		if unsigned {
			return param{kind: paramUint, int: int64(raw)}
		}
		return param{kind: paramInt, int: signed}
	}
	switch typ {
	case typeNull:
		return param{null: true}
	case typeTiny:
		n := c.u8()
		return integer(int64(int8(n)), uint64(n))
	case typeShort, typeYear:
		n := c.u16()
		return integer(int64(int16(n)), uint64(n))
	case typeLong, typeInt24:
		n := c.u32()
		return integer(int64(int32(n)), uint64(n))
	case typeLonglong:
		n := c.u64()
		return integer(int64(n), n)
	case typeFloat:
		return param{kind: paramFloat, float: float64(math.Float32frombits(c.u32()))}
	case typeDouble:
		return param{kind: paramFloat, float: math.Float64frombits(c.u64())}
	case typeDate, typeDatetime, typeTimestamp:
		return param{kind: paramTime, bytes: readDatetime(c)}
	case typeTime:
		return param{kind: paramTime, bytes: readTime(c)}
	case typeDecimal, typeNewDecimal:
		return param{bytes: c.text(), plain: true}
	}
	return param{bytes: c.text()}
}

func readDatetime(c *cursor) []byte {
	n := c.u8()
	if n != 0 && n != 4 && n != 7 && n != 11 {
		c.bad = true
		return nil
	}
	var year uint16
	var month, day, hour, minute, second byte
	var micro uint32
	if n >= 4 {
		year, month, day = c.u16(), c.u8(), c.u8()
	}
	if n >= 7 {
		hour, minute, second = c.u8(), c.u8(), c.u8()
	}
	if n == 11 {
		micro = c.u32()
	}
	b := fmt.Appendf(nil, "%04d-%02d-%02d", year, month, day)
	if n >= 7 {
		b = fmt.Appendf(b, " %02d:%02d:%02d", hour, minute, second)
	}
	if n == 11 {
		b = fmt.Appendf(b, ".%06d", micro)
	}
	return b
}

func readTime(c *cursor) []byte {
	n := c.u8()
	if n == 0 {
		return []byte("00:00:00")
	}
	if n != 8 && n != 12 {
		c.bad = true
		return nil
	}
	negative, days, hour, minute, second := c.u8(), c.u32(), c.u8(), c.u8(), c.u8()
	sign := ""
	if negative != 0 {
		sign = "-"
	}
	b := fmt.Appendf(nil, "%s%02d:%02d:%02d", sign, uint64(days)*24+uint64(hour), minute, second)
	if n == 12 {
		b = fmt.Appendf(b, ".%06d", c.u32())
	}
	return b
}

// literal is a parameter as it stands in a statement of text; false when it cannot.
func (p param) literal(charset string) (string, bool) {
	text, cut := p.text()
	switch {
	case p.null:
		return "NULL", true
	case p.long, cut && p.kind != paramBytes:
		return "", false
	case p.kind == paramInt, p.kind == paramUint:
		return text, true
	case p.kind == paramFloat:
		return text + "e0", !math.IsNaN(p.float) && !math.IsInf(p.float, 0) && !strings.ContainsAny(text, "e")
	case p.kind == paramTime:
		return "'" + text + "'", true
	case p.plain:
		return string(p.bytes), len(p.bytes) > 0 && strings.Trim(string(p.bytes), "0123456789.+-") == ""
	case len(p.bytes) == 0:
		return "''", true
	case len(p.bytes) > 1<<20:
		return "", false
	}
	return charset + "X'" + hexOf(p.bytes) + "'", true
}

package mysql

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

var errParams = errors.New("the parameters cannot be read")

// Kinds of parameters.
type paramKind uint8

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

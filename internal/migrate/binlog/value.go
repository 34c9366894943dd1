package binlog

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"jindu.dev/jindu/internal/migrate/row"
)

// Types of columns as the log spells them.
const (
	typeTiny          = 1
	typeShort         = 2
	typeLong          = 3
	typeFloat         = 4
	typeDouble        = 5
	typeTimestamp     = 7
	typeLonglong      = 8
	typeInt24         = 9
	typeDate          = 10
	typeTime          = 11
	typeDatetime      = 12
	typeYear          = 13
	typeVarchar       = 15
	typeBit           = 16
	typeTimestamp2    = 17
	typeDatetime2     = 18
	typeTime2         = 19
	typeBlobPacked    = 140
	typeVarcharPacked = 141
	typeVector        = 242
	typeJSON          = 245
	typeDecimal       = 246
	typeEnum          = 247
	typeSet           = 248
	typeBlob          = 252
	typeVarString     = 253
	typeString        = 254
	typeGeometry      = 255
)

// realType is the type and, of strings, the length in bytes that a type and its field in a table map mean.
func realType(t byte, meta uint16) (kind byte, length int) {
	if t != typeString {
		return t, int(meta)
	}
	hi, lo := byte(meta>>8), int(meta&0xff)
	if hi == 0 {
		return typeString, lo
	}
	if hi&0x30 != 0x30 { // a length above 255 has its upper bits in the type
		return hi | 0x30, lo | int((hi&0x30)^0x30)<<4
	}
	return hi, lo
}

// appendValue reads one value that is not NULL and appends its canonical text.
func appendValue(dst []byte, r *reader, c *column) ([]byte, error) {
	switch c.kind {
	case typeTiny:
		return c.integer(dst, r.little(1), 8)
	case typeShort:
		return c.integer(dst, r.little(2), 16)
	case typeInt24:
		return c.integer(dst, r.little(3), 24)
	case typeLong:
		return c.integer(dst, uint64(r.u32()), 32)
	case typeLonglong:
		return c.integer(dst, r.u64(), 64)
	case typeFloat:
		return row.AppendFloat(dst, float64(math.Float32frombits(r.u32()))), nil
	case typeDouble:
		return row.AppendFloat(dst, math.Float64frombits(r.u64())), nil
	case typeDecimal:
		return appendDecimal(dst, r, int(c.meta>>8), int(c.meta&0xff))
	case typeYear:
		if y := int64(r.u8()); y != 0 {
			return strconv.AppendInt(dst, y+1900, 10), nil
		}
		return append(dst, '0'), nil
	case typeDate:
		v := r.little(3)
		return appendDate(dst, int(v>>9), int(v>>5&15), int(v&31)), nil
	case typeTime2:
		return appendTime2(dst, r, int(c.meta)), nil
	case typeTime:
		return appendOldTime(dst, r), nil
	case typeDatetime2:
		return appendDatetime2(dst, r, int(c.meta)), nil
	case typeDatetime:
		v := r.u64()
		d, t := v/1_000_000, v%1_000_000
		return appendLocal(dst, int(d/10_000), int(d/100%100), int(d%100), int(t/10_000), int(t/100%100), int(t%100), 0), nil
	case typeTimestamp2:
		s := int64(r.big(4))
		return appendInstant(dst, s, fraction(r, int(c.meta))), nil
	case typeTimestamp:
		return appendInstant(dst, int64(r.u32()), 0), nil
	case typeBit:
		return c.bits(dst, r)
	case typeEnum:
		return c.enum(dst, int(r.little(c.length)))
	case typeSet:
		return c.set(dst, r.little(c.length))
	case typeString, typeVarchar, typeVarString:
		n := 1
		if c.length > 255 {
			n = 2
		}
		return c.text(dst, r.bytes(int(r.little(n))))
	case typeBlob, typeGeometry, typeVector:
		return c.text(dst, r.bytes(int(r.little(int(c.meta)))))
	case typeJSON:
		b := r.bytes(int(r.little(int(c.meta))))
		if r.bad {
			return dst, errShort
		}
		text, err := jsonText(b)
		if err != nil {
			return dst, err
		}
		return row.AppendJSON(dst, text)
	}
	return dst, fmt.Errorf("type %d of the log is not known", c.kind)
}

func (c *column) integer(dst []byte, v uint64, bits int) ([]byte, error) {
	if c.col.Type == row.Bool && v <= 1 {
		return strconv.AppendBool(dst, v != 0), nil
	}
	if c.col.Unsigned {
		return strconv.AppendUint(dst, v, 10), nil
	}
	return strconv.AppendInt(dst, int64(v)<<(64-bits)>>(64-bits), 10), nil
}

func (c *column) bits(dst []byte, r *reader) ([]byte, error) {
	n := int(c.meta>>8)*8 + int(c.meta&0xff)
	if n < 1 || n > 64 {
		return dst, fmt.Errorf("a BIT of %d bits is not known", n)
	}
	v := r.big((n + 7) / 8)
	if c.col.Type == row.Bool && v <= 1 {
		return strconv.AppendBool(dst, v != 0), nil
	}
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, '0'+byte(v>>i&1))
	}
	return dst, nil
}

func (c *column) enum(dst []byte, i int) ([]byte, error) {
	switch {
	case i == 0: // what was not in the list when a lenient server wrote it
		return dst, nil
	case i > len(c.names):
		return dst, fmt.Errorf("ENUM has %d values and the log says number %d", len(c.names), i)
	}
	return append(dst, c.names[i-1]...), nil
}

func (c *column) set(dst []byte, v uint64) ([]byte, error) {
	if v>>len(c.names) != 0 {
		return dst, fmt.Errorf("SET has %d values and the log says %b", len(c.names), v)
	}
	first := true
	for i, name := range c.names {
		if v>>i&1 == 0 {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		dst, first = append(dst, name...), false
	}
	return dst, nil
}

var errCharset = errors.New("the bytes are no text of the column's character set")

// text is a string or bytes, as the column's type wants it.
func (c *column) text(dst, b []byte) ([]byte, error) {
	switch c.col.Type {
	case row.Bytes:
		dst = hex.AppendEncode(dst, b)
		for i := len(b); i < c.fixed; i++ { // BINARY(n) comes without the zeros at its end
			dst = append(dst, '0', '0')
		}
		return dst, nil
	case row.UUID:
		return appendUUID(dst, b)
	case row.JSON:
		return row.AppendJSON(dst, b)
	}
	if c.data == "inet4" || c.data == "inet6" {
		return appendAddress(dst, b, c.octets)
	}
	if c.decode != nil {
		return c.decode(dst, b)
	}
	if !utf8.Valid(b) {
		return dst, errCharset
	}
	return append(dst, b...), nil
}

// appendUUID writes a UUID, whose zeros at the end are cut off.
func appendUUID(dst, stored []byte) ([]byte, error) {
	var u [16]byte
	if copy(u[:], stored) < len(stored) {
		return dst, fmt.Errorf("a UUID of %d bytes is not known", len(stored))
	}
	dst = hex.AppendEncode(dst, u[0:4])
	for _, part := range [][]byte{u[4:6], u[6:8], u[8:10], u[10:16]} {
		dst = hex.AppendEncode(append(dst, '-'), part)
	}
	return dst, nil
}

// appendAddress writes MariaDB's INET4 and INET6.
func appendAddress(dst, stored []byte, octets int) ([]byte, error) {
	var b [16]byte
	if len(stored) > octets || octets > len(b) {
		return dst, fmt.Errorf("an address of %d bytes is not known", len(stored))
	}
	copy(b[:], stored)
	a, _ := netip.AddrFromSlice(b[:octets]) // 4 or 16 bytes
	return a.AppendTo(dst), nil
}

// digitBytes is how many bytes hold so many digits of a DECIMAL.
var digitBytes = [10]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}

// appendDecimal reads a DECIMAL: groups of nine digits in four bytes, big-endian, the sign in the first bit,
// all bits turned of a negative one.
func appendDecimal(dst []byte, r *reader, precision, scale int) ([]byte, error) {
	whole := precision - scale
	if whole < 0 || precision > 65 {
		return dst, fmt.Errorf("DECIMAL(%d,%d) is not known", precision, scale)
	}
	raw := r.bytes(whole/9*4 + digitBytes[whole%9] + scale/9*4 + digitBytes[scale%9])
	if r.bad || len(raw) == 0 {
		return dst, errShort
	}
	var turned [40]byte
	copy(turned[:], raw)
	negative := raw[0]&0x80 == 0
	turned[0] ^= 0x80
	if negative {
		for i := range raw {
			turned[i] ^= 0xff
		}
	}
	var digits [72]byte
	d := digits[:0]
	groups := reader{b: turned[:len(raw)]}
	group := func(n int) {
		v := groups.big(digitBytes[n])
		for p := pow10[n-1]; p > 0; p /= 10 {
			d = append(d, '0'+byte(v/p%10))
		}
	}
	if whole%9 > 0 {
		group(whole % 9)
	}
	for range whole / 9 {
		group(9)
	}
	for range scale / 9 {
		group(9)
	}
	if scale%9 > 0 {
		group(scale % 9)
	}
	return appendPlain(dst, negative, d[:whole], d[whole:]), nil
}

var pow10 = [...]uint64{1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000}

// appendPlain writes a decimal without zeros that say nothing, and never -0.
func appendPlain(dst []byte, negative bool, whole, part []byte) []byte {
	for len(whole) > 0 && whole[0] == '0' {
		whole = whole[1:]
	}
	for len(part) > 0 && part[len(part)-1] == '0' {
		part = part[:len(part)-1]
	}
	if len(whole) == 0 && len(part) == 0 {
		return append(dst, '0')
	}
	if negative {
		dst = append(dst, '-')
	}
	if len(whole) == 0 {
		dst = append(dst, '0')
	}
	dst = append(dst, whole...)
	if len(part) > 0 {
		dst = append(append(dst, '.'), part...)
	}
	return dst
}

// fraction reads the part of a second, in microseconds.
func fraction(r *reader, digits int) int {
	n := (digits + 1) / 2
	v := int(r.big(n))
	for ; n < 3; n++ {
		v *= 100
	}
	return v
}

func two(dst []byte, v int) []byte { return append(dst, '0'+byte(v/10%10), '0'+byte(v%10)) }

func four(dst []byte, v int) []byte { return two(two(dst, v/100), v%100) }

func appendMicros(dst []byte, micros int) []byte {
	if micros == 0 {
		return dst
	}
	dst = append(dst, '.')
	for p := 100_000; p > 0 && micros > 0; p /= 10 {
		dst = append(dst, '0'+byte(micros/p))
		micros %= p
	}
	return dst
}

func appendDate(dst []byte, y, m, d int) []byte {
	return two(append(two(append(four(dst, y), '-'), m), '-'), d)
}

func appendLocal(dst []byte, y, mo, d, h, mi, s, micros int) []byte {
	dst = append(appendDate(dst, y, mo, d), 'T')
	dst = two(append(two(append(two(dst, h), ':'), mi), ':'), s)
	return appendMicros(dst, micros)
}

func appendDatetime2(dst []byte, r *reader, digits int) []byte {
	v := int64(r.big(5)) - 1<<39
	micros := fraction(r, digits)
	ymd, hms := v>>17, int(v&(1<<17-1))
	ym := int(ymd >> 5)
	return appendLocal(dst, ym/13, ym%13, int(ymd&31), hms>>12, hms>>6&63, hms&63, micros)
}

func appendInstant(dst []byte, seconds int64, micros int) []byte {
	if seconds == 0 && micros == 0 {
		return append(appendLocal(dst, 0, 0, 0, 0, 0, 0, micros), 'Z')
	}
	t := time.Unix(seconds, 0).UTC()
	y, mo, d := t.Date()
	h, mi, s := t.Clock()
	return append(appendLocal(dst, y, int(mo), d, h, mi, s, micros), 'Z')
}

// appendTime2 reads a TIME, which goes from -838:59:59 to 838:59:59.
func appendTime2(dst []byte, r *reader, digits int) []byte {
	n := (digits + 1) / 2
	v := int64(r.big(3+n)) - 1<<(8*(3+n)-1)
	if v < 0 {
		dst, v = append(dst, '-'), -v
	}
	micros := int(v & (1<<(8*n) - 1))
	for i := n; i < 3; i++ {
		micros *= 100
	}
	hms := int(v >> (8 * n))
	return appendClock(dst, hms>>12&0x3ff, hms>>6&63, hms&63, micros)
}

func appendOldTime(dst []byte, r *reader) []byte {
	v := int(int32(r.little(3)<<8) >> 8)
	if v < 0 {
		dst, v = append(dst, '-'), -v
	}
	return appendClock(dst, v/10_000, v/100%100, v%100, 0)
}

func appendClock(dst []byte, h, m, s, micros int) []byte {
	if h >= 100 {
		dst = append(dst, '0'+byte(h/100%10))
	}
	return appendMicros(two(append(two(append(two(dst, h%100), ':'), m), ':'), s), micros)
}

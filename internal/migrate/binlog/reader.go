package binlog

import (
	"encoding/binary"
	"errors"
)

// errShort is of an event that ends before what it should hold.
var errShort = errors.New("the event is cut short")

// reader reads from an event without ever leaving it: what is missing is zero, and bad stays set.
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

func (r *reader) little(n int) uint64 {
	var v uint64
	for i, c := range r.bytes(n) {
		v |= uint64(c) << (8 * i)
	}
	return v
}

func (r *reader) big(n int) uint64 {
	var v uint64
	for _, c := range r.bytes(n) {
		v = v<<8 | uint64(c)
	}
	return v
}

func (r *reader) u8() byte { return byte(r.little(1)) }

func (r *reader) u16() uint16 {
	if b := r.bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// lenenc is a length-encoded integer; one that no slice can have is bad.
func (r *reader) lenenc() int {
	var v uint64
	switch c := r.u8(); c {
	case 0xfc:
		v = r.little(2)
	case 0xfd:
		v = r.little(3)
	case 0xfe:
		v = r.little(8)
	case 0xfb, 0xff:
		r.bad = true
	default:
		v = uint64(c)
	}
	if v > 1<<31 {
		r.bad = true
		return 0
	}
	return int(v)
}

func (r *reader) err() error {
	if r.bad {
		return errShort
	}
	return nil
}

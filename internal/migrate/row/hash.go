package row

import (
	"crypto/md5" //nolint:gosec // a sum that every database can compute; nobody is kept out by it
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
)

// AppendRow writes the encoding of a row.
func (t *Table) AppendRow(dst []byte, r Row) []byte {
	for i := range t.Columns {
		c, v := &t.Columns[i], &r[i]
		switch {
		case v.Null:
			dst = append(dst, 'N')
		case c.Type == Text || c.Type == JSON:
			dst = append(strconv.AppendInt(dst, int64(len(v.Text)), 10), ':')
			dst = append(dst, v.Text...)
		default:
			dst = c.appendCode(dst, v.Text)
		}
		dst = append(dst, ',')
	}
	return dst
}

// Code is a canonical text as it stands in the encoding of a row, without the length of Text and JSON: written
// as databases write it with the least work.
func (c *Column) Code(text string) string { return string(c.appendCode(nil, text)) }

func (c *Column) appendCode(dst []byte, text string) []byte {
	switch c.Type {
	case Bool:
		return append(dst, boolDigit(text)...)
	case Decimal:
		dst = append(dst, text...)
		if c.Scale > 0 && !special(text) {
			n := fraction(text)
			if n == 0 {
				dst = append(dst, '.')
			}
			for ; n < c.Scale; n++ {
				dst = append(dst, '0')
			}
		}
		return dst
	case Local, Instant:
		for i := range len(text) {
			switch text[i] {
			case 'T':
				dst = append(dst, ' ')
			case 'Z':
			default:
				dst = append(dst, text[i])
			}
		}
		return dst
	}
	return append(dst, text...)
}

// Hash is the hash of a row.
func (t *Table) Hash(r Row) uint64 {
	var room [512]byte
	sum := md5.Sum(t.AppendRow(room[:0], r)) //nolint:gosec // see the import
	return binary.BigEndian.Uint64(sum[:8])
}

// Sum is the sum of hashes of rows.
func (t *Table) Sum(rows []Row) (sum uint64) {
	for _, r := range rows {
		sum += t.Hash(r)
	}
	return sum
}

// MaxKey is the most bytes of an encoded key.
const MaxKey = 512

// EncodeKey is a key as bytes, different for different keys: each value as length, ":", text and ",". One that
// would be longer than MaxKey ends in a digest.
func EncodeKey(k Key) []byte {
	b := make([]byte, 0, 32)
	for _, v := range k {
		if v.Null {
			b = append(b, 'N', ',')
			continue
		}
		b = append(strconv.AppendInt(b, int64(len(v.Text)), 10), ':')
		b = append(append(b, v.Text...), ',')
	}
	if len(b) > MaxKey {
		sum := sha256.Sum256(b)
		b = append(append(b[:MaxKey-2*len(sum)-1], '#'), hex.EncodeToString(sum[:])...)
	}
	return b
}

// CompareKeys sorts keys of t as the databases do: numbers and times by value, text by its bytes.
func (t *Table) CompareKeys(a, b Key) int {
	for i, at := range t.Key {
		if c := compare(t.Columns[at].Type, a[i], b[i]); c != 0 { //nolint:gosec // keys of t have its length
			return c
		}
	}
	return 0
}

func compare(t Type, a, b Value) int {
	switch {
	case a.Null && b.Null:
		return 0
	case a.Null:
		return 1
	case b.Null:
		return -1
	}
	switch t {
	case Integer, Decimal, Float:
		return compareNumbers(a.Text, b.Text)
	case Bool:
		return compareNumbers(boolDigit(a.Text), boolDigit(b.Text))
	case Date, Clock, Local, Instant:
		return compareTimes(a.Text, b.Text)
	}
	return strings.Compare(a.Text, b.Text)
}

func boolDigit(s string) string {
	switch s {
	case "true":
		return "1"
	case "false":
		return "0"
	}
	return s
}

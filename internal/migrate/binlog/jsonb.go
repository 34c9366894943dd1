package binlog

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MySQL keeps JSON in a binary form: a type, and for objects and arrays a table of where members are. The log
// has it as it is stored.

// The types of a value in it.
const (
	jsonSmallObject = 0
	jsonLargeObject = 1
	jsonSmallArray  = 2
	jsonLargeArray  = 3
	jsonLiteral     = 4
	jsonInt16       = 5
	jsonUint16      = 6
	jsonInt32       = 7
	jsonUint32      = 8
	jsonInt64       = 9
	jsonUint64      = 10
	jsonDouble      = 11
	jsonString      = 12
	jsonOpaque      = 15
)

// jsonDepth is how deep the server lets documents be.
const jsonDepth = 100

var errJSON = errors.New("the binary form of a JSON value is broken")

// jsonText is the text of a binary JSON value. An empty one is null, as the server reads it.
func jsonText(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return []byte("null"), nil
	}
	w := jsonWriter{limit: 64 + 64*len(b)}
	if err := w.value(b[0], b[1:], 0); err != nil {
		return nil, err
	}
	return w.out, nil
}

// jsonWriter writes text. Members of a broken value could name one another's bytes again and again: limit is
// more than any sound value needs.
type jsonWriter struct {
	out   []byte
	limit int
}

func (w *jsonWriter) value(kind byte, b []byte, depth int) error {
	if depth > jsonDepth || len(w.out) > w.limit {
		return errJSON
	}
	r := reader{b: b}
	switch kind {
	case jsonSmallObject, jsonLargeObject, jsonSmallArray, jsonLargeArray:
		return w.container(kind, b, depth)
	case jsonLiteral:
		switch r.u8() {
		case 0:
			w.out = append(w.out, "null"...)
		case 1:
			w.out = append(w.out, "true"...)
		case 2:
			w.out = append(w.out, "false"...)
		default:
			return errJSON
		}
	case jsonInt16:
		w.out = strconv.AppendInt(w.out, int64(int16(r.u16())), 10)
	case jsonUint16:
		w.out = strconv.AppendUint(w.out, uint64(r.u16()), 10)
	case jsonInt32:
		w.out = strconv.AppendInt(w.out, int64(int32(r.u32())), 10)
	case jsonUint32:
		w.out = strconv.AppendUint(w.out, uint64(r.u32()), 10)
	case jsonInt64:
		w.out = strconv.AppendInt(w.out, int64(r.u64()), 10)
	case jsonUint64:
		w.out = strconv.AppendUint(w.out, r.u64(), 10)
	case jsonDouble:
		f := math.Float64frombits(r.u64())
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return errJSON
		}
		w.out = jsonFloat(w.out, f)
	case jsonString:
		w.string(r.bytes(varlen(&r)))
	case jsonOpaque:
		t := r.u8()
		data := r.bytes(varlen(&r))
		if r.bad {
			return errJSON
		}
		return w.opaque(t, data)
	default:
		return errJSON
	}
	if r.bad {
		return errJSON
	}
	return nil
}

// container writes an object or array. Offsets count from the container's first byte.
func (w *jsonWriter) container(kind byte, b []byte, depth int) error {
	size := 2
	if kind == jsonLargeObject || kind == jsonLargeArray {
		size = 4
	}
	object := kind == jsonSmallObject || kind == jsonLargeObject
	r := reader{b: b}
	n, total := int(r.little(size)), int(r.little(size))
	if r.bad || total > len(b) || n > total {
		return errJSON
	}
	b = b[:total]
	keys := make([][]byte, 0, min(n, 64))
	if object {
		for range n {
			at, length := int(r.little(size)), int(r.u16())
			if r.bad || at > len(b) || length > len(b)-at {
				return errJSON
			}
			keys = append(keys, b[at:at+length])
		}
	}
	open, end := byte('['), byte(']')
	if object {
		open, end = '{', '}'
	}
	w.out = append(w.out, open)
	for i := range n {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if object {
			w.string(keys[i])
			w.out = append(w.out, ':')
		}
		t, slot := r.u8(), r.bytes(size)
		if r.bad {
			return errJSON
		}
		value := slot // small ones are in the table itself
		if t != jsonLiteral && t != jsonInt16 && t != jsonUint16 && (size != 4 || t != jsonInt32 && t != jsonUint32) {
			at := reader{b: slot}
			from := int(at.little(size))
			if from > len(b) {
				return errJSON
			}
			value = b[from:]
		}
		if err := w.value(t, value, depth+1); err != nil {
			return err
		}
	}
	w.out = append(w.out, end)
	return nil
}

func (w *jsonWriter) string(b []byte) {
	if !utf8.Valid(b) {
		b = []byte(string([]rune(string(b))))
	}
	q, err := json.Marshal(string(b))
	if err == nil {
		w.out = append(w.out, q...)
	}
}

// opaque writes values of SQL types in JSON as the server's own text of them.
func (w *jsonWriter) opaque(kind byte, data []byte) error {
	r := reader{b: data}
	switch kind {
	case typeDecimal:
		precision, scale := int(r.u8()), int(r.u8())
		var err error
		w.out, err = appendDecimal(w.out, &r, precision, scale)
		return err
	case typeDate, typeDatetime, typeTimestamp, typeTime:
		v := int64(r.u64())
		if r.bad {
			return errJSON
		}
		w.out = append(w.out, '"')
		if v < 0 {
			v = -v
			if kind == typeTime {
				w.out = append(w.out, '-')
			}
		}
		micros, whole := int(v&(1<<24-1)), v>>24
		ymd, hms := whole>>17, int(whole&(1<<17-1))
		ym := int(ymd >> 5)
		if kind != typeTime {
			w.out = appendDate(w.out, ym/13, ym%13, int(ymd&31))
		}
		if kind != typeDate && kind != typeTime {
			w.out = append(w.out, ' ')
		}
		if kind == typeTime {
			hms = int(whole & (1<<23 - 1))
		}
		if kind != typeDate {
			if hms>>12 >= 100 {
				w.out = append(w.out, '0'+byte(hms>>12/100))
			}
			w.out = two(append(two(append(two(w.out, hms>>12%100), ':'), hms>>6&63), ':'), hms&63)
			w.out = append(w.out, '.')
			for p := 100_000; p > 0; p /= 10 {
				w.out = append(w.out, '0'+byte(micros/p%10))
			}
		}
		w.out = append(w.out, '"')
		return nil
	}
	w.out = append(w.out, `"base64:type`...)
	w.out = append(strconv.AppendUint(w.out, uint64(kind), 10), ':')
	w.out = append(base64.StdEncoding.AppendEncode(w.out, data), '"')
	return nil
}

// jsonFloat writes a double as the server does: always with a point or an exponent.
func jsonFloat(dst []byte, f float64) []byte {
	if a := math.Abs(f); a != 0 && (a < 1e-15 || a >= 1e15) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		n, _ := strconv.Atoi(exponent) // strconv wrote it
		return strconv.AppendInt(append(append(dst, mantissa...), 'e'), int64(n), 10)
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if bytes.IndexByte(dst[from:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// varlen is a length in groups of seven bits, the lowest first.
func varlen(r *reader) int {
	n := 0
	for shift := 0; shift < 35; shift += 7 {
		c := r.u8()
		n |= int(c&0x7f) << shift
		if c&0x80 == 0 {
			return n
		}
	}
	r.bad = true
	return 0
}

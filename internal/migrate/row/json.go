package row

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

const maxDepth = 200

var (
	errDepth    = errors.New("JSON nested too deep")
	errTrailing = errors.New("JSON with something behind it")
)

// AppendJSON writes a JSON text in canonical form.
func AppendJSON(dst, text []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	dst, err := appendJSON(dst, d, 0)
	if err != nil {
		return dst, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return dst, errTrailing
	}
	return dst, nil
}

func appendJSON(dst []byte, d *json.Decoder, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, errDepth
	}
	tok, err := d.Token()
	if err != nil {
		return dst, err
	}
	switch tok := tok.(type) {
	case json.Delim:
		if tok == '{' {
			return appendObject(dst, d, depth)
		}
		return appendArray(dst, d, depth)
	case json.Number:
		if text, ok := plain(tok.String()); ok {
			return append(dst, text...), nil
		}
		return append(dst, tok...), nil // an exponent too large to unfold
	case string:
		return appendString(dst, tok), nil
	case bool:
		if tok {
			return append(dst, "true"...), nil
		}
		return append(dst, "false"...), nil
	}
	return append(dst, "null"...), nil
}

func appendArray(dst []byte, d *json.Decoder, depth int) ([]byte, error) {
	dst = append(dst, '[')
	var err error
	for first := true; d.More(); first = false {
		if !first {
			dst = append(dst, ',')
		}
		if dst, err = appendJSON(dst, d, depth+1); err != nil {
			return dst, err
		}
	}
	_, err = d.Token()
	return append(dst, ']'), err
}

type member struct {
	name  string
	value []byte
}

func appendObject(dst []byte, d *json.Decoder, depth int) ([]byte, error) {
	var members []member
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return dst, err
		}
		name, _ := tok.(string) // the decoder lets nothing else be a name
		value, err := appendJSON(nil, d, depth+1)
		if err != nil {
			return dst, err
		}
		members = append(members, member{name, value})
	}
	if _, err := d.Token(); err != nil {
		return dst, err
	}
	slices.SortStableFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	dst = append(dst, '{')
	first := true
	for i, m := range members {
		if i+1 < len(members) && members[i+1].name == m.name {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendString(dst, m.name), ':')
		dst = append(dst, m.value...)
	}
	return append(dst, '}'), nil
}

const hexDigits = "0123456789abcdef"

// appendString escapes what must be, and nothing else.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= 0x20:
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, '"')
}

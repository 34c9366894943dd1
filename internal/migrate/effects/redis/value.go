package redis

import "strconv"

// value is a reply as a tree.
type value struct {
	kind byte
	text []byte // of texts, numbers, statuses and errors
	null bool
	list []value // of a map, keys and values in turn
}

// parseValue reads a whole reply and gives what is left of b.
func parseValue(b []byte, depth int) (value, []byte, error) {
	line, rest, ok := cutLine(b)
	if !ok || len(line) == 0 || depth > maxNesting {
		return value{}, nil, errProtocol
	}
	v := value{kind: line[0], text: line[1:]}
	switch v.kind {
	case '+', '-', ':', '#', ',', '(':
	case '_':
		v.null = true
	case '$', '!', '=':
		n, err := length(v.text)
		if err != nil || n > int64(len(rest)-2) {
			return value{}, nil, errProtocol
		}
		if n < 0 {
			v.null, v.text = true, nil
			break
		}
		v.text, rest = rest[:n], rest[n+2:]
	case '*', '~', '>', '%':
		n, err := length(v.text)
		if err != nil {
			return value{}, nil, errProtocol
		}
		v.text, v.null = nil, n < 0
		if v.kind == '%' {
			n *= 2
		}
		if n > int64(len(rest)) {
			return value{}, nil, errProtocol // each takes more than a byte
		}
		for range n {
			var e value
			if e, rest, err = parseValue(rest, depth+1); err != nil {
				return value{}, nil, err
			}
			v.list = append(v.list, e)
		}
	default:
		return value{}, nil, errProtocol
	}
	return v, rest, nil
}

func cutLine(b []byte) (line, rest []byte, ok bool) {
	for i := 1; i < len(b); i++ {
		if b[i] == '\n' && b[i-1] == '\r' {
			return b[:i-1], b[i+1:], true
		}
	}
	return nil, nil, false
}

// append adds the value as it is sent.
func (v value) append(b []byte) []byte {
	b = append(b, v.kind)
	switch v.kind {
	case '$', '!', '=':
		if v.null {
			return append(b, "-1\r\n"...)
		}
		b = append(strconv.AppendInt(b, int64(len(v.text)), 10), "\r\n"...)
		return append(append(b, v.text...), "\r\n"...)
	case '*', '~', '>', '%':
		if v.null {
			return append(b, "-1\r\n"...)
		}
		n := len(v.list)
		if v.kind == '%' {
			n /= 2
		}
		b = append(strconv.AppendInt(b, int64(n), 10), "\r\n"...)
		for _, e := range v.list {
			b = e.append(b)
		}
		return b
	}
	return append(append(b, v.text...), "\r\n"...)
}

func (v value) failed() bool { return v.kind == '-' || v.kind == '!' }

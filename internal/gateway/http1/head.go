package http1

import "bytes"

// limits bound what a head may be.
type limits struct {
	head    int  // bytes of a head, start line included
	target  int  // bytes of a request target
	fields  int  // field lines
	unusual bool // keep field names with characters other than letters, digits and hyphen
}

// headEnd finds the end of the head that begins at b[0]: the index after its empty line, or -1 and
// where to go on searching when more bytes came. An empty line that ends without CR counts, so that
// the parser can refuse it instead of waiting for more.
func headEnd(b []byte, from int) (end, resume int) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1, from
		}
		line := b[from : from+i]
		if from > 0 && (len(line) == 0 || len(line) == 1 && line[0] == '\r') {
			return from + i + 1, 0
		}
		from += i + 1
	}
}

// cutLine takes one line off b, which holds whole lines only. The line comes without its CRLF.
func cutLine(b []byte) (line, rest []byte, err error) {
	i := bytes.IndexByte(b, '\n')
	if i <= 0 || b[i-1] != '\r' {
		return nil, nil, errBareLF
	}
	return b[:i-1], b[i+1:], nil
}

// parseFields reads field lines from b, which ends with the empty line, and appends them to dst.
func parseFields(dst fields, b []byte, lim *limits) (fields, error) {
	for {
		i := bytes.IndexByte(b, '\n')
		if i <= 0 || b[i-1] != '\r' {
			return dst, errBareLF
		}
		if i == 1 {
			return dst, nil
		}
		line := b[:i-1]
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 {
			if line[0] == ' ' || line[0] == '\t' {
				return dst, errFold
			}
			return dst, errFieldName
		}
		name := line[:colon]
		plain := all(name, charPlain)
		if !plain && !all(name, charToken) {
			switch {
			case name[0] == ' ' || name[0] == '\t':
				return dst, errFold
			case name[colon-1] == ' ' || name[colon-1] == '\t':
				return dst, errColonSpace
			}
			return dst, errFieldName
		}
		value := line[colon+1:]
		if !valueOK(value) {
			return dst, errControl
		}
		if len(dst) >= lim.fields {
			return dst, errFieldCount
		}
		f := field{name: name, value: trim(value), line: b[:i+1]}
		switch {
		case plain:
			f.header = classify(name)
		case !lim.unusual:
			f.name, f.drop = nil, true
		}
		dst = append(dst, f)
		b = b[i+1:]
	}
}

// framing is what a head says of its body.
type framing struct {
	length  int64 // of Content-Length, -1 without one
	chunked bool
}

func (f *framing) reset() { *f = framing{length: -1} }

// setLength and setCoding note one field; a second one is refused even when it says the same.
func (f *framing) setLength(v []byte) error {
	if f.length >= 0 {
		return errTwoLengths
	}
	n, ok := parseUint(v)
	if !ok {
		return errLength
	}
	f.length = n
	return nil
}

func (f *framing) setCoding(v []byte) error {
	if f.chunked {
		return errTwoTE
	}
	if !is(v, "chunked") {
		return errTE
	}
	f.chunked = true
	return nil
}

// connection is what the Connection fields say.
type connection struct{ close, keepAlive, upgrade, te bool }

// read notes the options of one Connection field; others name fields that end here.
func (c *connection) read(v []byte, fs fields) error {
	for len(v) > 0 {
		var item []byte
		item, v = nextItem(v)
		switch {
		case len(item) == 0:
		case is(item, "close"):
			c.close = true
		case is(item, "keep-alive"):
			c.keepAlive = true
		case is(item, "upgrade"):
			c.upgrade = true
		case is(item, "te"):
			c.te = true
		case !all(item, charToken):
			return errConnection
		default:
			fs.dropNamed(item)
		}
	}
	return nil
}

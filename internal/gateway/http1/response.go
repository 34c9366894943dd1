package http1

import "bytes"

// responseHead is the head of an answer, parsed in place.
type responseHead struct {
	status  int
	reason  []byte
	minor   int
	fields  fields
	body    framing
	conn    connection
	refused bool // X-Jindu-Refused: 1
	fenced  bool // X-Jindu-Refused: fenced
}

// parseResponse reads a whole head, empty line included.
func parseResponse(r *responseHead, b []byte, lim *limits) error {
	*r = responseHead{fields: r.fields[:0]}
	r.body.reset()
	line, rest, err := cutLine(b)
	if err != nil {
		return err
	}
	if len(line) < 12 || line[8] != ' ' {
		return errStatusLine
	}
	if r.minor, err = parseVersion(line[:8]); err != nil {
		return errStatusLine
	}
	n, ok := parseUint(line[9:12])
	if !ok || n < 100 || n > 599 {
		return errStatusLine
	}
	r.status = int(n)
	if len(line) > 12 {
		if r.reason = line[13:]; line[12] != ' ' || !valueOK(r.reason) {
			return errStatusLine
		}
	}
	if r.fields, err = parseFields(r.fields, rest, lim); err != nil {
		return err
	}
	return r.check()
}

func (r *responseHead) check() error {
	for i := range r.fields {
		f := &r.fields[i]
		var err error
		switch f.header {
		case hOther:
			continue
		case hContentLength:
			f.drop = true
			err = r.body.setLength(f.value)
		case hTransferEncoding:
			f.drop = true
			err = r.body.setCoding(f.value)
		case hConnection:
			f.drop = true
			err = r.conn.read(f.value, r.fields)
		case hKeepAlive, hProxyConnection, hUpgrade, hTrailer, hTE, hHTTP2Settings:
			f.drop = true
		case hJindu:
			switch {
			case is(f.name, "x-jindu-state"):
				f.drop = true
			case is(f.name, "x-jindu-refused"):
				f.drop = true
				r.refused, r.fenced = bytes.Equal(f.value, []byte("1")), bytes.Equal(f.value, []byte("fenced"))
			}
		}
		if err != nil {
			return err
		}
	}
	switch {
	case r.body.chunked && r.body.length >= 0:
		return errLengthAndTE
	case r.body.chunked && r.minor == 0:
		return errTEOld
	}
	return nil
}

// keepAlive says that the instance leaves the connection open.
func (r *responseHead) keepAlive() bool {
	if r.minor == 0 {
		return r.conn.keepAlive && !r.conn.close
	}
	return !r.conn.close
}

// bodyless says that no body follows whatever the fields say (RFC 9112 6.3).
func (r *responseHead) bodyless(headRequest bool) bool {
	return headRequest || r.status < 200 || r.status == 204 || r.status == 304
}

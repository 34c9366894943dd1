package http1

import (
	"bytes"
	"strconv"
)

const (
	maxChunkLine  = 256     // chunk size with extensions
	maxExtensions = 4 << 10 // bytes of extensions in one body
	maxTrailer    = 8 << 10
	maxTrailers   = 32
)

// chunks decodes a chunked body piece by piece. It never looks beyond the body's end.
type chunks struct {
	state    uint8
	left     int64 // of the current chunk
	extended int   // bytes of extensions so far
	trailers fields
}

const (
	chunkSize = iota
	chunkData
	chunkDataEnd
	chunkTrailer
	chunkDone
)

func (c *chunks) reset() { *c = chunks{trailers: c.trailers[:0]} }

// next takes what it can use off the front of b: n bytes, of which data is payload. n = 0 asks for
// more bytes behind those of b; done says that the body ended. Trailer views are valid as long as b.
func (c *chunks) next(b []byte, lim *limits) (data []byte, n int, done bool, err error) {
	for {
		switch c.state {
		case chunkSize:
			used, err := c.size(b[n:])
			if err != nil || used == 0 {
				return nil, n, false, err
			}
			n += used
		case chunkData:
			rest := b[n:]
			if len(rest) == 0 {
				return nil, n, false, nil
			}
			if int64(len(rest)) > c.left {
				rest = rest[:c.left]
			}
			c.left -= int64(len(rest))
			if c.left == 0 {
				c.state = chunkDataEnd
			}
			return rest, n + len(rest), false, nil
		case chunkDataEnd:
			rest := b[n:]
			if len(rest) > 0 && rest[0] != '\r' || len(rest) > 1 && rest[1] != '\n' {
				return nil, n, false, errChunkEnd
			}
			if len(rest) < 2 {
				return nil, n, false, nil
			}
			n += 2
			c.state = chunkSize
		case chunkTrailer:
			used, err := c.trailer(b[n:], lim)
			if err != nil || used == 0 {
				return nil, n, false, err
			}
			c.state = chunkDone
			return nil, n + used, true, nil
		default:
			return nil, n, true, nil
		}
	}
}

// size reads a line: 1*15HEXDIG [chunk-ext] CRLF.
func (c *chunks) size(b []byte) (used int, err error) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if len(b) > maxChunkLine {
			return 0, errChunkSize
		}
		// Refuse early what can not become a size.
		if len(b) > 0 && unhex(b[0]) < 0 {
			return 0, errChunkSize
		}
		return 0, nil
	}
	if end == 0 || b[end-1] != '\r' {
		return 0, errBareLF
	}
	if end > maxChunkLine {
		return 0, errChunkExt
	}
	line := b[:end-1]
	var size int64
	i := 0
	for ; i < len(line); i++ {
		d := unhex(line[i])
		if d < 0 {
			break
		}
		size = size<<4 | int64(d)
	}
	if i == 0 || i > 15 {
		return 0, errChunkSize
	}
	if ext := line[i:]; len(ext) > 0 {
		if c.extended += len(ext); c.extended > maxExtensions || !extensionOK(ext) {
			return 0, errChunkExt
		}
	}
	c.left, c.state = size, chunkData
	if size == 0 {
		c.state = chunkTrailer
	}
	return end + 1, nil
}

// extensionOK reads *( ";" token [ "=" ( token / quoted-string ) ] ), without the whitespace that
// RFC 9112 7.1.1 calls bad.
func extensionOK(b []byte) bool {
	for len(b) > 0 {
		if b[0] != ';' {
			return false
		}
		b = b[1:]
		n := tokenLen(b)
		if n == 0 {
			return false
		}
		b = b[n:]
		if len(b) == 0 || b[0] != '=' {
			continue
		}
		b = b[1:]
		if len(b) > 0 && b[0] == '"' {
			n = quotedLen(b)
		} else {
			n = tokenLen(b)
		}
		if n == 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

func tokenLen(b []byte) int {
	for i, c := range b {
		if classes[c]&charToken == 0 {
			return i
		}
	}
	return len(b)
}

// quotedLen is the length of the quoted-string at the front of b, 0 when it is none.
func quotedLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i++
			if i == len(b) || b[i] < 0x20 && b[i] != '\t' || b[i] == 0x7f {
				return 0
			}
		case c < 0x20 && c != '\t' || c == 0x7f:
			return 0
		}
	}
	return 0
}

// trailer reads the trailer section with its empty line.
func (c *chunks) trailer(b []byte, lim *limits) (used int, err error) {
	switch {
	case len(b) == 0:
		return 0, nil
	case b[0] == '\n':
		return 0, errBareLF
	case len(b) >= 2 && b[0] == '\r' && b[1] == '\n':
		return 2, nil
	case len(b) >= 2 && b[0] == '\r':
		return 0, errTrailer
	}
	end, _ := headEnd(b, 0)
	if end < 0 || end > maxTrailer {
		if len(b) > maxTrailer {
			return 0, errTrailer
		}
		return 0, nil
	}
	l := *lim
	l.fields = maxTrailers
	if c.trailers, err = parseFields(c.trailers[:0], b[:end], &l); err != nil {
		return 0, err
	}
	for i := range c.trailers {
		switch f := &c.trailers[i]; f.header {
		case hContentLength, hTransferEncoding, hHost:
			return 0, errTrailer
		case hOther:
			f.drop = f.drop || forbiddenTrailer(f.name)
		default:
			f.drop = true
		}
	}
	return end, nil
}

// forbiddenTrailer names fields that change what was decided on the head (RFC 9110 6.5.1).
func forbiddenTrailer(name []byte) bool {
	for _, n := range [...]string{"authorization", "cookie", "set-cookie", "content-type", "content-encoding",
		"content-range", "cache-control", "location", "range", "www-authenticate", "max-forwards", "age", "expires", "date", "vary"} {
		if is(name, n) {
			return true
		}
	}
	return hasPrefix(name, "if-") || hasPrefix(name, "x-forwarded-") || hasPrefix(name, "content-")
}

// appendChunk appends data, which is not empty, as one chunk.
func appendChunk(dst, data []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(len(data)), 16)
	dst = append(dst, "\r\n"...)
	dst = append(dst, data...)
	return append(dst, "\r\n"...)
}

// appendLastChunk ends a chunked body.
func appendLastChunk(dst []byte, trailers fields) []byte {
	dst = append(dst, "0\r\n"...)
	dst = trailers.appendKept(dst)
	return append(dst, "\r\n"...)
}

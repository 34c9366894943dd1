package route

import "bytes"

// canonical is the form of a path that rules are matched against: path itself, or a new form appended
// to buf, which is returned grown. ok is false for a path that two servers could read differently.
func canonical(path, buf []byte) (form, grown []byte, ok bool) {
	if len(path) == 0 || path[0] != '/' {
		return nil, buf, false
	}
	plain := true
	for i, c := range path {
		switch {
		case c < 0x20 || c == 0x7f || c == '\\' || c == '#' || c == '?':
			return nil, buf, false
		case c == '%' || c == ';' || (c == '/' || c == '.') && i > 0 && path[i-1] == '/':
			plain = false
		}
	}
	if plain {
		return path, buf, true
	}
	buf, ok = rewriteCanonical(path, buf)
	return buf, buf, ok
}

func rewriteCanonical(path, buf []byte) ([]byte, bool) {
	start := 0 // of the segment, in buf, behind its slash
	param := false
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch c {
		case '/':
			if !segmentOK(buf[start:]) {
				return buf, false
			}
			param = false
			if len(buf) == 0 || len(buf) > start {
				buf = append(buf, '/')
				start = len(buf)
			}
			continue
		case ';':
			param = true
			continue
		case '%':
			if i+2 >= len(path) {
				return buf, false
			}
			hi, lo := unhex(path[i+1]), unhex(path[i+2])
			if hi < 0 || lo < 0 {
				return buf, false
			}
			c = byte(hi<<4 | lo)
			if crossesSegments(c) {
				return buf, false
			}
			i += 2
		}
		if !param {
			buf = append(buf, c)
		}
	}
	if !segmentOK(buf[start:]) || encodedTwice(buf) {
		return buf, false
	}
	return buf, true
}

// crossesSegments says whether an octet, decoded, could change how a path is cut.
func crossesSegments(c byte) bool {
	return c < 0x20 || c == 0x7f || c == '/' || c == '\\'
}

func segmentOK(seg []byte) bool {
	return string(seg) != "." && string(seg) != ".."
}

// encodedTwice finds an escape, left after decoding, that stands for an octet of crossesSegments or a
// dot: a server that decodes again would cut the path elsewhere.
func encodedTwice(path []byte) bool {
	for {
		i := bytes.IndexByte(path, '%')
		if i < 0 || i+2 >= len(path) {
			return false
		}
		if hi, lo := unhex(path[i+1]), unhex(path[i+2]); hi >= 0 && lo >= 0 {
			if c := byte(hi<<4 | lo); crossesSegments(c) || c == '.' {
				return true
			}
		}
		path = path[i+1:]
	}
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// cut returns the first segment of a path that begins with a slash, and the rest from the next slash on.
func cut(path []byte) (segment, rest []byte) {
	path = path[1:]
	if i := bytes.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, nil
}

// behind returns what follows the first n segments of a path as sent, counted as canonical counts them:
// behind("/a//b;v=1/c", 2) is "/c".
func behind(path []byte, n int) []byte {
	i := 0
	for n > 0 && i < len(path) {
		i++ // the slash
		if i < len(path) && path[i] != '/' && path[i] != ';' {
			n--
		}
		for i < len(path) && path[i] != '/' {
			i++
		}
	}
	return path[i:]
}

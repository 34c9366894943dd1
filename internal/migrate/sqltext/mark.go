package sqltext

import (
	"bytes"

	v1 "jindu.dev/jindu/api/v1"
)

const (
	markOpen  = "/*jindu:"
	markClose = "*/"
	// longestMark bounds the search for the end of a mark.
	longestMark = 80
)

// Mark reads the mark of a statement: a comment with nothing but the mark, before all else but white
// space. rest is the statement behind it and the one space that follows. A mark that is malformed, or one
// of two, is none: rest is then the whole statement.
func Mark[T ~string | ~[]byte](sql T) (m v1.Mark, rest T, ok bool) {
	i := 0
	for i < len(sql) && space(sql[i]) {
		i++
	}
	if len(sql)-i < len(markOpen) || string(sql[i:i+len(markOpen)]) != markOpen {
		return v1.Mark{}, sql, false
	}
	head := sql[i+len(markClose):]
	if len(head) > longestMark {
		head = head[:longestMark]
	}
	end := -1
	for j := 0; j+1 < len(head); j++ {
		if head[j] == '*' && head[j+1] == '/' {
			end = j
			break
		}
	}
	if end < 0 {
		return v1.Mark{}, sql, false
	}
	m, ok = v1.ParseMark(string(head[:end]))
	if !ok {
		return v1.Mark{}, sql, false
	}
	rest = sql[i+len(markClose)+end+len(markClose):]
	if second([]byte(rest)) {
		return v1.Mark{}, sql, false
	}
	if len(rest) > 0 && rest[0] == ' ' {
		rest = rest[1:]
	}
	return m, rest, true
}

// second says whether a comment of the statement holds a mark. Literals may hold what they like.
func second(b []byte) bool {
	if !bytes.Contains(b, []byte("jindu:")) {
		return false
	}
	found := false
	for _, d := range []Dialect{MySQL, Postgres} {
		s := NewScanner(b, Options{Dialect: d})
		s.comment = func(text []byte) { found = found || bytes.Contains(text, []byte("jindu:")) }
		for t := s.Next(); t.Kind != End && t.Kind != Bad; {
			t = s.Next()
		}
	}
	return found
}

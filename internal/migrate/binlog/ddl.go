package binlog

import "strings"

// meaning is what a statement in the log means for a table whose rows are carried.
type meaning int

const (
	nothing   meaning = iota
	reshaped          // its columns may be others now
	rowsGone          // rows are gone, or others are there, without an event for each
	asWritten         // rows changed by a statement that was logged as text
)

// token is a word, a quoted name or a sign of a statement.
type token struct {
	text   string
	quoted bool
}

// maxTokens bounds how far a statement is read. Behind it nothing is known, so everything is assumed.
const maxTokens = 4096

// tokens reads the words of a statement. What is in comments is left out, but for those that the server runs.
func tokens(s string) (out []token, whole bool) {
	for s != "" {
		if len(out) >= maxTokens {
			return out, false
		}
		c := s[0]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			s = s[1:]
		case strings.HasPrefix(s, "/*!") || strings.HasPrefix(s, "/*M!"):
			s = strings.TrimLeft(s[strings.IndexByte(s, '!')+1:], "0123456789")
		case strings.HasPrefix(s, "*/"):
			s = s[2:]
		case strings.HasPrefix(s, "/*"):
			i := strings.Index(s[2:], "*/")
			if i < 0 {
				return out, true
			}
			s = s[2+i+2:]
		case c == '#' || strings.HasPrefix(s, "-- ") || strings.HasPrefix(s, "--\n") || strings.HasPrefix(s, "--\t"):
			i := strings.IndexByte(s, '\n')
			if i < 0 {
				return out, true
			}
			s = s[i+1:]
		case c == '`' || c == '"' || c == '\'':
			text, rest := quoted(s)
			out, s = append(out, token{text, true}), rest
		case word(c):
			i := 1
			for i < len(s) && word(s[i]) {
				i++
			}
			out, s = append(out, token{s[:i], false}), s[i:]
		default:
			out, s = append(out, token{s[:1], false}), s[1:]
		}
	}
	return out, true
}

func word(c byte) bool {
	return c >= 0x80 || c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// quoted reads from a quote to its end; the quote doubled is the quote itself.
func quoted(s string) (text, rest string) {
	q := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && q != '`' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] != q:
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == q:
			i++
			b.WriteByte(q)
		default:
			return b.String(), s[i+1:]
		}
	}
	return b.String(), ""
}

// statement is what can be told of a statement without a parser of SQL.
type statement struct {
	words []token
	whole bool
}

func parseStatement(text string) statement {
	t, whole := tokens(text)
	for len(t) > 0 && t[0].text == "(" {
		t = t[1:]
	}
	return statement{t, whole}
}

// begins says whether the statement begins with these words.
func (s statement) begins(words ...string) bool {
	if len(s.words) < len(words) {
		return false
	}
	for i, w := range words {
		if s.words[i].quoted || !strings.EqualFold(s.words[i].text, w) {
			return false
		}
	}
	return true
}

// has says whether these words stand in it side by side.
func (s statement) has(words ...string) bool {
	for i := range s.words {
		if (statement{s.words[i:], true}).begins(words...) {
			return true
		}
	}
	return false
}

// names says whether the statement names a table of schema; in is the schema that bare names are of.
func (s statement) names(schema, table, in string) bool {
	if !s.whole {
		return true
	}
	for i, w := range s.words {
		if !strings.EqualFold(w.text, table) {
			continue
		}
		of := in
		if i >= 2 && s.words[i-1].text == "." && !s.words[i-1].quoted {
			of = s.words[i-2].text
		}
		if strings.EqualFold(of, schema) {
			return true
		}
	}
	return false
}

// means is what a statement that names a table means for its rows. What is not known is taken to reshape it.
func (s statement) means() meaning {
	if s.begins("set", "statement") { // MariaDB: SET STATEMENT variable=value FOR ...
		for i := range s.words {
			if (statement{s.words[i:], true}).begins("for") {
				return statement{s.words[i+1:], s.whole}.means()
			}
		}
	}
	switch {
	case s.begins("truncate"), s.begins("drop", "table"), s.begins("drop", "tables"), s.begins("drop", "database"), s.begins("drop", "schema"),
		s.begins("create", "or", "replace", "table"):
		return rowsGone
	case s.begins("alter"):
		for _, w := range []string{"drop", "truncate", "exchange", "discard", "import"} {
			if s.has(w, "partition") || w != "drop" && s.has(w, "tablespace") {
				return rowsGone
			}
		}
		return reshaped
	case s.begins("insert"), s.begins("update"), s.begins("delete"), s.begins("replace"), s.begins("load"), s.begins("with"):
		return asWritten
	}
	for _, harmless := range [][]string{
		{"create", "index"}, {"create", "unique"}, {"create", "fulltext"}, {"create", "spatial"}, {"create", "or", "replace", "index"}, {"drop", "index"},
		{"grant"}, {"revoke"}, {"analyze"}, {"optimize"}, {"flush"}, {"check"}, {"repair"}, {"savepoint"},
		{"create", "view"}, {"create", "or", "replace", "view"}, {"drop", "view"}, {"drop", "trigger"}, {"create", "temporary"}, {"drop", "temporary"},
		{"create", "procedure"}, {"create", "function"}, {"drop", "procedure"}, {"drop", "function"}, {"create", "event"}, {"drop", "event"},
		{"create", "definer"}, {"create", "algorithm"}, {"create", "trigger"}, {"create", "user"}, {"set"},
	} {
		if s.begins(harmless...) {
			return nothing
		}
	}
	return reshaped
}

package effects

import "strings"

// Dialect is how a database's SQL is read.
type Dialect uint8

// The dialects.
const (
	MySQL    Dialect = iota // MariaDB too
	Postgres                // openGauss too
)

// writes says whether a text may change rows or what holds them. Where it cannot tell, it may. verb is its
// first word in lower case, table what the statement names first as its table.
func writes(d Dialect, text string) (write bool, verb, table string) {
	s := scanner{dialect: d, rest: text}
	var kind, before string
	for i := 0; ; i++ {
		word, ok := s.word()
		if !ok {
			break
		}
		lower := strings.ToLower(word)
		switch {
		case i == 0:
			verb, kind = lower, verbs[lower]
		case kind == reads && (lower == "into" || changes[lower] && before != "for" && before != "key"):
			kind = "" // SELECT INTO, WITH ... INSERT; but not FOR UPDATE
		}
		if table == "" && (before == "into" || before == "from" || verb == "update" && i == 1 && lower != "low_priority" && lower != "ignore" && lower != "only") {
			table = strings.Trim(word, "`\"")
		}
		before = lower
	}
	if s.unsure || s.several {
		kind = ""
	}
	return kind == "" && verb != "", verb, table
}

const (
	reads   = "reads"
	session = "session" // of the session or the transaction: no rows
)

// verbs are the first words of statements that change no rows; every other one may.
var verbs = map[string]string{
	"select": reads, "with": reads, "values": reads, "table": reads, "show": reads, "describe": reads, "desc": reads, "explain": reads,
	"begin": session, "start": session, "commit": session, "rollback": session, "savepoint": session, "release": session,
	"set": session, "use": session, "discard": session, "reset": session, "listen": session, "unlisten": session,
}

// changes are words that turn what begins like a question into a write; EXPLAIN ANALYZE runs its statement.
var changes = map[string]bool{"insert": true, "update": true, "delete": true, "merge": true, "replace": true}

// scanner gives the words of a statement outside of comments and literals.
type scanner struct {
	dialect Dialect
	rest    string
	unsure  bool // the text has something that this scanner does not understand
	ended   bool // a semicolon came
	several bool // and something behind it
}

// word is the next word: a run of letters, digits and _$. or a quoted name.
func (s *scanner) word() (string, bool) {
	for s.rest != "" {
		c := s.rest[0]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			s.rest = s.rest[1:]
			continue
		case strings.HasPrefix(s.rest, "/*"):
			s.comment()
			continue
		case strings.HasPrefix(s.rest, "--"), c == '#' && s.dialect == MySQL:
			_, s.rest, _ = strings.Cut(s.rest, "\n")
			continue
		case c == ';':
			s.ended, s.rest = true, s.rest[1:]
			continue
		}
		s.several = s.several || s.ended
		switch {
		case c == '\'' || c == '"' && s.dialect == MySQL:
			s.quoted(c, s.dialect == MySQL)
		case c == '"' || c == '`':
			start := s.rest
			s.quoted(c, false)
			return start[:len(start)-len(s.rest)], true
		case c == '$' && s.dialect == Postgres:
			s.dollar()
		case wordByte(c):
			n := 1
			for n < len(s.rest) && (wordByte(s.rest[n]) || s.rest[n] == '.' || s.rest[n] == '$') {
				n++
			}
			word := s.rest[:n]
			s.rest = s.rest[n:]
			if (word == "E" || word == "e") && strings.HasPrefix(s.rest, "'") {
				s.quoted('\'', true)
				continue
			}
			return word, true
		default:
			s.rest = s.rest[1:]
		}
	}
	return "", false
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

// comment skips one. PostgreSQL nests them; what MySQL runs though it looks like one, this does not read.
func (s *scanner) comment() {
	if s.dialect == MySQL {
		if strings.HasPrefix(s.rest, "/*!") || strings.HasPrefix(s.rest, "/*M!") {
			s.unsure = true
		}
		_, after, ok := strings.Cut(s.rest[2:], "*/")
		s.rest, s.unsure = after, s.unsure || !ok
		return
	}
	depth, i := 0, 0
	for i < len(s.rest) {
		switch {
		case strings.HasPrefix(s.rest[i:], "/*"):
			depth, i = depth+1, i+2
		case strings.HasPrefix(s.rest[i:], "*/"):
			if depth, i = depth-1, i+2; depth == 0 {
				s.rest = s.rest[i:]
				return
			}
		default:
			i++
		}
	}
	s.rest, s.unsure = "", true
}

// quoted skips what stands in quotes of one kind; doubled they stand for themselves.
func (s *scanner) quoted(q byte, backslash bool) {
	for i := 1; i < len(s.rest); i++ {
		switch {
		case s.rest[i] == '\\' && backslash:
			i++
		case s.rest[i] != q:
		case i+1 < len(s.rest) && s.rest[i+1] == q:
			i++
		default:
			s.rest = s.rest[i+1:]
			return
		}
	}
	s.rest, s.unsure = "", true
}

// dollar skips $1, and $tag$ text $tag$.
func (s *scanner) dollar() {
	n := 1
	for n < len(s.rest) && wordByte(s.rest[n]) {
		n++
	}
	if n == len(s.rest) || s.rest[n] != '$' || n > 1 && s.rest[1] >= '0' && s.rest[1] <= '9' {
		s.rest = s.rest[n:]
		return
	}
	tag := s.rest[:n+1]
	_, after, ok := strings.Cut(s.rest[n+1:], tag)
	s.rest, s.unsure = after, s.unsure || !ok
}

package sqltext

import "bytes"

// Dialect is whose SQL it is.
type Dialect uint8

// The dialects.
const (
	MySQL    Dialect = iota // and MariaDB
	Postgres                // and openGauss
)

// Options say how the session reads its SQL.
type Options struct {
	Dialect Dialect
	// NoBackslash: MySQL with sql_mode NO_BACKSLASH_ESCAPES; the server's status flags tell.
	NoBackslash bool
	// Backslash: PostgreSQL with standard_conforming_strings off; the server reports it.
	Backslash bool
	// Multibyte: the client's character set has characters whose second byte may be a backslash
	// (gbk, gb18030, big5, sjis, cp932).
	Multibyte bool
}

// Kind is what a token is.
type Kind uint8

// The kinds of tokens. Comments and white space are none.
const (
	End         Kind = iota
	Word             // keyword or name without quotes
	Quoted           // name in quotes
	String           // literal in quotes
	Number           // literal
	Placeholder      // ? or $n
	Variable         // MySQL: @name, @@name
	Symbol           // one character of punctuation or an operator
	Bad              // cannot be read: a string or comment without end, a NUL
)

// Token is a piece of a statement, by its place.
type Token struct {
	Kind       Kind
	Start, End int
}

// reading is how ambiguous text is read.
type reading struct {
	skipExecutable bool // the server passes /*!99999 ... */ over
	ansiQuotes     bool // "..." is a name, without escapes
	wide           bool // a byte from 0x80 takes a following backslash with it
}

// what of a statement can be read in more than one way
type doubt uint8

const (
	doubtExecutable doubt = 1 << iota
	doubtQuotes
	doubtWide
)

// Scanner gives the tokens of a statement.
type Scanner struct {
	b   []byte
	at  int
	opt Options
	as  reading

	inside  bool // of an executable comment
	doubts  doubt
	comment func(text []byte) // told of each comment that is no code
}

// NewScanner reads sql from its beginning.
func NewScanner(sql []byte, o Options) *Scanner { return &Scanner{b: sql, opt: o} }

// Next is the next token; behind the last one it is End, for ever.
func (s *Scanner) Next() Token {
	if !s.blank() {
		return s.bad(s.at)
	}
	start := s.at
	if start >= len(s.b) {
		if s.inside {
			return s.bad(start)
		}
		return Token{End, start, start}
	}
	c := s.b[start]
	mysql := s.opt.Dialect == MySQL
	switch {
	case letter(c):
		return s.word()
	case digit(c), c == '.' && digit(s.peek(1)):
		return s.number()
	case c == '\'':
		return s.quoted(String, c, mysql && !s.opt.NoBackslash || !mysql && s.opt.Backslash)
	case c == '"' && mysql:
		if s.as.ansiQuotes {
			return s.quoted(Quoted, c, false)
		}
		return s.quoted(String, c, !s.opt.NoBackslash)
	case c == '"', c == '`' && mysql:
		return s.quoted(Quoted, c, false)
	case c == '?' && mysql:
		return s.take(Placeholder, 1)
	case c == '$' && !mysql:
		return s.dollar()
	case c == '@' && mysql:
		return s.variable()
	case c == 0:
		return s.bad(start)
	}
	return s.take(Symbol, 1)
}

func (s *Scanner) take(k Kind, n int) Token {
	t := Token{k, s.at, s.at + n}
	s.at += n
	return t
}

// bad ends the reading.
func (s *Scanner) bad(start int) Token {
	s.at, s.inside = len(s.b), true
	return Token{Bad, start, len(s.b)}
}

func (s *Scanner) peek(n int) byte {
	if s.at+n < len(s.b) {
		return s.b[s.at+n]
	}
	return 0
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}
func digit(c byte) bool { return c >= '0' && c <= '9' }
func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
func inner(c byte) bool { return letter(c) || digit(c) || c == '$' }

func (s *Scanner) word() Token {
	start := s.at
	for s.at < len(s.b) && inner(s.b[s.at]) {
		if s.b[s.at] >= 0x80 && s.opt.Multibyte && (s.peek(1) == '\\' || s.peek(1) == '`') {
			s.doubts |= doubtWide
			if s.as.wide {
				s.at++
			}
		}
		s.at++
	}
	if s.opt.Dialect == Postgres && s.at-start == 1 && s.b[start]|0x20 == 'e' && s.peek(0) == '\'' {
		t := s.escaped()
		t.Start = start
		return t
	}
	return Token{Word, start, s.at}
}

// escaped is PostgreSQL's E'...' from its quote on, with the parts that a line break continues.
func (s *Scanner) escaped() Token {
	start := s.at
	for {
		t := s.quoted(String, '\'', true)
		if t.Kind == Bad {
			return t
		}
		end := s.at
		broken := false
		for s.at < len(s.b) {
			switch c := s.b[s.at]; {
			case space(c):
				broken = broken || c == '\n' || c == '\r'
				s.at++
				continue
			case c == '-' && s.peek(1) == '-':
				s.line()
				continue
			}
			break
		}
		if !broken || s.peek(0) != '\'' {
			s.at = end
			return Token{String, start, end}
		}
	}
}

// number reads digits and what belongs to them; letters behind are a word of their own, which is the worse
// reading where servers differ.
func (s *Scanner) number() Token {
	start := s.at
	if s.b[s.at] == '0' && (s.peek(1)|0x20 == 'x' || s.peek(1)|0x20 == 'b') {
		s.at += 2
		for s.at < len(s.b) && hex(s.b[s.at]) {
			s.at++
		}
		return Token{Number, start, s.at}
	}
	s.digits()
	if s.peek(0) == '.' {
		s.at++
		s.digits()
	}
	if s.peek(0)|0x20 == 'e' {
		switch {
		case digit(s.peek(1)):
			s.at++
			s.digits()
		case (s.peek(1) == '+' || s.peek(1) == '-') && digit(s.peek(2)):
			s.at += 2
			s.digits()
		}
	}
	return Token{Number, start, s.at}
}

func (s *Scanner) digits() {
	for s.at < len(s.b) && digit(s.b[s.at]) {
		s.at++
	}
}

func hex(c byte) bool { return digit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// quoted reads up to the closing quote q; a doubled one is part of the text.
func (s *Scanner) quoted(k Kind, q byte, escapes bool) Token {
	start := s.at
	for i := start + 1; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == q:
			if i+1 < len(s.b) && s.b[i+1] == q {
				i++
				continue
			}
			s.at = i + 1
			return Token{k, start, s.at}
		case c == '\\' && q == '"' && s.opt.Dialect == MySQL:
			s.doubts |= doubtQuotes
			if escapes {
				i++
			}
		case c == '\\' && escapes:
			i++
		case c >= 0x80 && s.opt.Multibyte && i+1 < len(s.b) && (s.b[i+1] == '\\' || s.b[i+1] == '`'):
			s.doubts |= doubtWide
			if s.as.wide {
				i++
			}
		}
	}
	return s.bad(start)
}

// dollar is PostgreSQL's $1 or $tag$text$tag$.
func (s *Scanner) dollar() Token {
	start := s.at
	if digit(s.peek(1)) {
		s.at++
		s.digits()
		return Token{Placeholder, start, s.at}
	}
	i := start + 1
	for i < len(s.b) && s.b[i] != '$' && inner(s.b[i]) {
		i++
	}
	if i >= len(s.b) || s.b[i] != '$' {
		return s.take(Symbol, 1)
	}
	tag := s.b[start : i+1]
	for j := i + 1; j+len(tag) <= len(s.b); j++ {
		if s.b[j] == '$' && bytes.Equal(s.b[j:j+len(tag)], tag) {
			s.at = j + len(tag)
			return Token{String, start, s.at}
		}
	}
	return s.bad(start)
}

// variable is MySQL's @name, @'name', @@name and @@scope.name.
func (s *Scanner) variable() Token {
	start := s.at
	s.at++
	if s.peek(0) == '@' {
		s.at++
	}
	switch c := s.peek(0); c {
	case '\'', '"', '`':
		if t := s.quoted(Variable, c, c != '`' && !s.opt.NoBackslash); t.Kind == Bad {
			return t
		}
	default:
		for s.at < len(s.b) && (inner(s.b[s.at]) || s.b[s.at] == '.') {
			s.at++
		}
	}
	return Token{Variable, start, s.at}
}

// blank passes white space and comments over; false when a comment has no end.
func (s *Scanner) blank() bool {
	mysql := s.opt.Dialect == MySQL
	for s.at < len(s.b) {
		c, d := s.b[s.at], s.peek(1)
		switch {
		case space(c):
			s.at++
		case c == '#' && mysql:
			s.line()
		case c == '-' && d == '-' && (!mysql || s.at+2 >= len(s.b) || s.b[s.at+2] <= ' '):
			s.line()
		case c == '*' && d == '/' && s.inside && mysql:
			s.inside = false
			s.at += 2
		case c == '/' && d == '*':
			if !s.block() {
				return false
			}
		default:
			return true
		}
	}
	return true
}

func (s *Scanner) line() {
	start := s.at
	for s.at < len(s.b) && s.b[s.at] != '\n' && (s.opt.Dialect == MySQL || s.b[s.at] != '\r') {
		s.at++
	}
	if s.comment != nil {
		s.comment(s.b[start:s.at])
	}
}

// block passes /* ... */ over. One of MySQL's that servers execute is entered instead.
func (s *Scanner) block() bool {
	start := s.at
	mysql := s.opt.Dialect == MySQL
	if s.inside {
		return false // one within another: servers differ
	}
	executable := false
	if mysql && (s.peek(2) == '!' || s.peek(2) == 'M' && s.peek(3) == '!') {
		executable = true
		s.doubts |= doubtExecutable
		if !s.as.skipExecutable {
			s.at += 3
			if s.b[s.at-1] == 'M' {
				s.at++
			}
			s.digits()
			s.inside = true
			return true
		}
	}
	depth := 0
	for i := start; i+1 < len(s.b); i++ {
		switch {
		case executable && i > start && s.b[i] == '/' && s.b[i+1] == '*':
			return false
		case s.b[i] == '/' && s.b[i+1] == '*' && (!mysql || i == start):
			depth++
			i++
		case s.b[i] == '*' && s.b[i+1] == '/':
			depth--
			i++
			if depth == 0 {
				s.at = i + 1
				if s.comment != nil {
					s.comment(s.b[start:s.at])
				}
				return true
			}
		}
	}
	return false
}

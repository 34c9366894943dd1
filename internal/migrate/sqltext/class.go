package sqltext

// Class is what a statement may do.
type Class uint8

// The classes, from harmless to not known.
const (
	Read      Class = iota // changes nothing; it may lock rows, see Info.Locks
	Begin                  // of a transaction
	Savepoint              // SAVEPOINT, RELEASE SAVEPOINT, ROLLBACK TO
	Set                    // of what concerns the session only
	Use                    // changes the default schema
	Commit
	Rollback
	Write   // a change of rows, which a rollback takes back
	DDL     // a change of the schema, or what commits by itself
	Admin   // an effect that no rollback takes back
	Unknown // anything; whoever cannot bear that must refuse it
)

// String is the class in small letters.
func (c Class) String() string {
	return [...]string{"read", "begin", "savepoint", "set", "use", "commit", "rollback", "write", "ddl", "admin", "unknown"}[c]
}

// Info is what a statement is.
type Info struct {
	Class Class
	Verb  string // its first word in small letters: select, insert, ...; "" where it is none of SQL's
	Locks bool   // it reads and locks: FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE
	// Calls are functions that are not known to only compute. They make it Unknown; without them it would
	// be Base. Who can look them up may decide better.
	Calls []string
	Base  Class
}

// Classify says what sql is, by the worst of its readings.
func Classify[T ~string | ~[]byte](sql T, o Options) Info { return classify([]byte(sql), o) }

func classify(b []byte, o Options) Info {
	info, doubts := classifyAs(b, o, reading{})
	if doubts == 0 {
		return info
	}
	for i := 1; i < 8; i++ {
		d := doubt(i)
		if d&^doubts != 0 {
			continue
		}
		other, more := classifyAs(b, o, reading{skipExecutable: d&doubtExecutable != 0, ansiQuotes: d&doubtQuotes != 0, wide: d&doubtWide != 0})
		doubts |= more
		if other.Class != info.Class || other.Verb != info.Verb {
			// What it is depends on what cannot be known here.
			return Info{Class: Unknown, Base: Unknown, Verb: info.Verb}
		}
		info.Locks = info.Locks || other.Locks
	}
	return info
}

func classifyAs(b []byte, o Options, as reading) (Info, doubt) {
	c := classifier{s: Scanner{b: b, opt: o, as: as}}
	c.run()
	if c.torn || c.s.inside {
		c.info.Class, c.info.Base = Unknown, Unknown
	}
	return c.info, c.s.doubts
}

// classifier goes over the tokens once.
type classifier struct {
	s    Scanner
	info Info

	tok        Token // the present one
	prev, last Token // the two before
	// The latest name with its owners, such as shop.orders: what stands before it, its first part, how many.
	before, head Token
	parts        int

	torn      bool // cannot be read, or more than one statement
	depth     int
	naming    bool  // within the names that WITH gives to queries
	worst     Class // that a word within the statement asks for
	unsure    bool
	afterFor  bool
	afterInto bool
}

// next is false at the end of the statement.
func (c *classifier) next() bool {
	c.last, c.prev = c.prev, c.tok
	c.tok = c.s.Next()
	switch c.tok.Kind {
	case Bad:
		c.torn = true
		return false
	case End:
		return false
	case Word, Quoted:
		if c.parts > 0 && c.symbol(c.prev, '.') {
			c.parts++
		} else {
			c.before, c.head, c.parts = c.prev, c.tok, 1
		}
	case Symbol:
		switch c.s.b[c.tok.Start] {
		case '(':
			c.depth++
		case ')':
			c.depth--
		case ';':
			for {
				t := c.s.Next()
				if t.Kind == End {
					break
				}
				if t.Kind == Bad || c.s.b[t.Start] != ';' {
					c.torn = true
					break
				}
			}
			c.tok = Token{End, c.tok.Start, c.tok.Start}
			return false
		}
	}
	return true
}

func (c *classifier) symbol(t Token, ch byte) bool { return t.Kind == Symbol && c.s.b[t.Start] == ch }

func (c *classifier) text(t Token) []byte { return c.s.b[t.Start:t.End] }

// is says whether the present token is that keyword; word is in capitals.
func (c *classifier) is(word string) bool {
	return c.tok.Kind == Word && fold(c.text(c.tok), word)
}

// fold compares without regard to case; word is in capitals.
func fold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, ch := range b {
		if ch >= 'a' && ch <= 'z' {
			ch -= 'a' - 'A'
		}
		if ch != word[i] {
			return false
		}
	}
	return true
}

const longestKeyword = 32

// upper is b in capitals, in buf; "" when it is longer than any keyword.
func upper(b []byte, buf *[longestKeyword]byte) []byte {
	if len(b) > longestKeyword {
		return nil
	}
	for i, ch := range b {
		if ch >= 'a' && ch <= 'z' {
			ch -= 'a' - 'A'
		}
		buf[i] = ch
	}
	return buf[:len(b)]
}

// first says what statements that begin with a word are; those not listed are Unknown.
type first struct {
	verb  string
	class Class
	how   how
}

func (c *classifier) run() {
	for {
		if !c.next() {
			if !c.torn {
				c.info = Info{} // nothing but comments
			}
			return
		}
		if c.tok.Kind != Symbol || c.s.b[c.tok.Start] != '(' {
			break
		}
	}
	c.info.Class, c.info.Base = Unknown, Unknown
	if c.tok.Kind != Word {
		c.drain()
		return
	}
	var buf [longestKeyword]byte
	f, ok := firstWord(upper(c.text(c.tok), &buf), c.s.opt.Dialect == MySQL)
	if !ok || c.depth > 0 && f.verb != "select" && f.verb != "with" && f.verb != "values" && f.verb != "table" {
		c.drain()
		return
	}
	c.info.Verb = f.verb
	class := c.closer(f.how, f.class)
	c.drain()
	class = max(class, c.worst)
	c.info.Base = class
	if c.unsure && class != Admin {
		class = Unknown
	}
	c.info.Class = class
}

// drain looks at every token that is left.
func (c *classifier) drain() {
	for c.tok.Kind != End && c.tok.Kind != Bad && c.next() {
		c.look()
	}
}

func (c *classifier) raise(to Class) { c.worst = max(c.worst, to) }

// look sees what the present token adds, wherever in the statement it is.
func (c *classifier) look() {
	switch c.tok.Kind {
	case Word:
		c.lookWord()
	case Variable:
		c.afterInto = false
	case Symbol:
		if c.s.b[c.tok.Start] == '(' {
			c.call()
		}
		if c.afterInto {
			c.into()
		}
	default:
		if c.afterInto {
			c.into()
		}
	}
}

// into is what a query's INTO names: MySQL a file, or a local name that only procedures have; PostgreSQL a
// new table.
func (c *classifier) into() {
	c.afterInto = false
	if c.s.opt.Dialect == Postgres {
		c.raise(DDL)
	} else {
		c.raise(Admin)
	}
}

func (c *classifier) lookWord() {
	if c.afterInto {
		c.into()
	}
	if c.symbol(c.prev, '.') {
		return // a column or table after its owner
	}
	var buf [longestKeyword]byte
	word := upper(c.text(c.tok), &buf)
	if c.naming && c.depth == 0 {
		switch string(word) {
		case "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "VALUES", "TABLE":
			c.naming = false
		}
	}
	wasFor := c.afterFor
	c.afterFor = false
	switch string(word) {
	case "FOR":
		c.afterFor = true
	case "UPDATE", "SHARE":
		if wasFor || c.keyLock() {
			c.info.Locks = true
		} else if c.query() && c.is("UPDATE") {
			c.raise(Write)
		}
	case "LOCK":
		c.info.Locks = true
	case "INSERT", "REPLACE":
		if c.query() && !c.followedBySymbol('(') { // both are functions too
			c.raise(Write)
		}
	case "DELETE", "MERGE":
		if c.query() {
			c.raise(Write)
		}
	case "INTO":
		if c.query() && c.worst < Write {
			c.afterInto = true
		}
	case "OUTFILE", "DUMPFILE":
		c.raise(Admin)
	case "NEXT":
		if c.followedBy("VALUE") { // of a sequence
			c.raise(Write)
		}
	}
}

// query says that the first word promised to write nothing.
func (c *classifier) query() bool {
	switch c.info.Verb {
	case "select", "with", "values", "table", "explain", "declare", "copy", "show", "set":
		return true
	}
	return false
}

// keyLock says whether the words before are FOR NO KEY or FOR KEY.
func (c *classifier) keyLock() bool {
	return c.prev.Kind == Word && fold(c.text(c.prev), "KEY") && c.last.Kind == Word &&
		(fold(c.text(c.last), "NO") || fold(c.text(c.last), "FOR"))
}

// ahead is the next token, without going there.
func (c *classifier) ahead() Token {
	s := c.s
	return s.Next()
}

func (c *classifier) followedBySymbol(ch byte) bool { return c.symbol(c.ahead(), ch) }

func (c *classifier) followedBy(word string) bool {
	t := c.ahead()
	return t.Kind == Word && fold(c.text(t), word)
}

package sqltext

import (
	"bytes"
	"slices"
	"strings"
)

// Table is a table as a statement names it, without quotes.
type Table struct {
	Catalog, Schema, Name string // "" where it is not said
}

// list is a statement's tokens at once, for what looks back and forth.
type list struct {
	b    []byte
	opt  Options
	toks []Token
}

// tokens reads all of b; false when it can be read in more than one way, is torn, or is more than one
// statement.
func tokens(b []byte, o Options) (list, bool) {
	s := Scanner{b: b, opt: o}
	l := list{b: b, opt: o}
	for t := s.Next(); t.Kind != End; t = s.Next() {
		if t.Kind == Bad {
			return list{}, false
		}
		l.toks = append(l.toks, t)
	}
	for len(l.toks) > 0 && l.symbol(len(l.toks)-1, ';') {
		l.toks = l.toks[:len(l.toks)-1]
	}
	for i := range l.toks {
		if l.symbol(i, ';') {
			return list{}, false
		}
	}
	return l, s.doubts == 0
}

func (l *list) kind(i int) Kind {
	if i < 0 || i >= len(l.toks) {
		return End
	}
	return l.toks[i].Kind
}

func (l *list) symbol(i int, ch byte) bool {
	return l.kind(i) == Symbol && l.b[l.toks[i].Start] == ch
}

func (l *list) word(i int, word string) bool {
	return l.kind(i) == Word && fold(l.b[l.toks[i].Start:l.toks[i].End], word)
}

func (l *list) anyWord(i int, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return l.word(i, w) })
}

func (l *list) name(i int) bool { return l.kind(i) == Word || l.kind(i) == Quoted }

// text is the statement from token from up to token to.
func (l *list) text(from, to int) string {
	if from >= to {
		return ""
	}
	return string(l.b[l.toks[from].Start:l.toks[to-1].End])
}

// unquote is a name as the database knows it.
func (l *list) unquote(i int) string {
	t := l.toks[i]
	b := l.b[t.Start:t.End]
	if t.Kind == Quoted {
		q := b[:1]
		return string(bytes.ReplaceAll(b[1:len(b)-1], append(q[:1:1], q...), q))
	}
	if l.opt.Dialect == Postgres {
		return strings.ToLower(string(b))
	}
	return string(b)
}

// table reads a name with its owners from token i on, and where it ends.
func (l *list) table(i int) (Table, int, bool) {
	var parts []string
	if l.symbol(i, '.') {
		i++
	}
	for {
		if !l.name(i) {
			return Table{}, i, false
		}
		parts = append(parts, l.unquote(i))
		i++
		if !l.symbol(i, '.') {
			break
		}
		i++
	}
	switch len(parts) {
	case 1:
		return Table{Name: parts[0]}, i, true
	case 2:
		return Table{Schema: parts[0], Name: parts[1]}, i, true
	case 3:
		return Table{Catalog: parts[0], Schema: parts[1], Name: parts[2]}, i, true
	}
	return Table{}, i, false
}

// frame is what is known of one level of parentheses.
type frame struct {
	want bool // a table comes next
	from bool // a comma brings another table
	call bool // arguments of a function: FROM is grammar there
}

// Tables lists the tables that a statement names, without the queries that WITH names. It is false when it
// cannot be sure to have them all.
func Tables[T ~string | ~[]byte](sql T, o Options) ([]Table, bool) {
	l, ok := tokens([]byte(sql), o)
	if !ok {
		return nil, false
	}
	var found []Table
	named := map[string]bool{} // by WITH
	stack := []frame{{}}
	naming := l.word(0, "WITH")
	for i := 0; i < len(l.toks); i++ {
		f := &stack[len(stack)-1]
		switch {
		case l.symbol(i, '{') || l.symbol(i, '}'):
			return nil, false
		case l.symbol(i, '('):
			stack = append(stack, frame{want: f.want, from: f.want, call: !f.want && l.kind(i-1) == Word})
		case l.symbol(i, ')'):
			if len(stack) == 1 {
				return nil, false
			}
			stack = stack[:len(stack)-1]
			stack[len(stack)-1].want = false
		case l.symbol(i, ','):
			f.want = f.from
		case naming && len(stack) == 1 && l.name(i) && (l.anyWord(i-1, "WITH", "RECURSIVE") || l.symbol(i-1, ',')) && !l.word(i, "RECURSIVE"):
			named[l.unquote(i)] = true
		case l.kind(i) == Word && !l.symbol(i-1, '.') && l.clause(i, f, len(stack) == 1, &naming):
		case f.want && (l.name(i) || l.symbol(i, '.')):
			t, end, ok := l.table(i)
			if !ok {
				return nil, false
			}
			f.want = false
			call := l.symbol(end, '(') && end == i+1 && l.kind(i) == Word && !l.anyWord(i-1, "INTO", "INSERT", "REPLACE") &&
				effectOf(strings.ToUpper(l.text(i, end)), o.Dialect) != unknown
			if !call && !slices.Contains(found, t) {
				found = append(found, t)
			}
			i = end - 1
		}
	}
	return slices.DeleteFunc(found, func(t Table) bool { return t.Schema == "" && named[t.Name] }), true
}

// clause sees what a word of the language says of tables; false: it is a name.
func (l *list) clause(i int, f *frame, top bool, naming *bool) bool {
	var buf [longestKeyword]byte
	t := l.toks[i]
	switch string(upper(l.b[t.Start:t.End], &buf)) {
	case "FROM":
		if !f.call && !l.word(i-1, "DISTINCT") {
			f.want, f.from = true, true
		}
	case "JOIN", "STRAIGHT_JOIN", "INTO", "TABLE", "COPY", "DESCRIBE", "TRUNCATE":
		f.want, f.from = true, true
	case "USING":
		f.want, f.from = !l.symbol(i+1, '('), true
	case "UPDATE":
		if !l.anyWord(i-1, "FOR", "KEY", "ON", "DO") {
			f.want, f.from = true, true
		} else {
			f.from = false
		}
	case "INSERT", "REPLACE", "MERGE":
		if l.symbol(i+1, '(') {
			return true // the function
		}
		f.want, f.from = true, false
	case "ONLY", "IGNORE", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "QUICK", "LATERAL", "IF", "EXISTS", "TEMPORARY":
		return f.want || f.call
	case "SELECT":
		f.want, f.from, f.call = false, false, false
		*naming = *naming && !top
	case "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "SET", "VALUES", "VALUE", "UNION", "EXCEPT", "INTERSECT", "WINDOW", "RETURNING",
		"FOR", "FETCH", "OFFSET", "WITH", "PROCEDURE", "DELETE":
		f.want, f.from = false, false
	case "ON", "AS":
		f.want = false
	default:
		return false
	}
	return true
}

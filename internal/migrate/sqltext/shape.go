package sqltext

import (
	"slices"
)

// Op is what a simple write does.
type Op uint8

// The simple writes.
const (
	Insert Op = iota + 1
	Update
	Delete
	Replace
)

// String is insert, update, delete or replace.
func (o Op) String() string { return [...]string{"", "insert", "update", "delete", "replace"}[o] }

// ValueKind is what stands for a value in a list of VALUES.
type ValueKind uint8

// The kinds of values.
const (
	Expression ValueKind = iota // anything
	Literal                     // a constant, its text can be used again
	Parameter
	Null
	DefaultValue
)

// Value is what a write puts into a column.
type Value struct {
	Kind  ValueKind
	Text  string // as written
	Param int    // Parameter: which, from 0
}

// Shape is a write of one table, taken apart so that the rows it touches can be read before and after.
type Shape struct {
	Op    Op
	Table Table
	Named string // the table as written, with its alias
	Alias string // "" without one

	// Update and Delete.
	Where  string   // condition without the word, "" without one
	Tail   string   // ORDER BY and LIMIT, with their words
	Params []int    // parameters of Where and then Tail, in the order of the text, from 0
	Sets   []string // columns that an Update assigns

	// Insert and Replace.
	Columns []string  // nil: every column of the table, in its order
	Rows    [][]Value // one element a row
	Ignore  bool      // rows that collide are passed over
	Upsert  bool      // rows that collide are changed: ON DUPLICATE KEY UPDATE, ON CONFLICT
	Updates []string  // columns that an upsert assigns

	Returning bool // it answers with rows
	Count     int  // parameters of the whole statement
}

// ShapeOf takes a write apart; false when it is not simple: several tables, a query as source, partitions,
// variables, or a text that can be read in more than one way. Whether its functions only compute is for
// Classify to say.
func ShapeOf[T ~string | ~[]byte](sql T, o Options) (*Shape, bool) {
	l, ok := tokens([]byte(sql), o)
	if !ok {
		return nil, false
	}
	p := &shaper{list: l}
	switch {
	case p.accept("INSERT"):
		p.out.Op, ok = Insert, p.insert()
	case o.Dialect == MySQL && p.accept("REPLACE"):
		p.out.Op, ok = Replace, p.insert()
	case p.accept("UPDATE"):
		p.out.Op, ok = Update, p.update()
	case p.accept("DELETE"):
		p.out.Op, ok = Delete, p.delete()
	default:
		return nil, false
	}
	if !ok || p.at < len(p.toks) {
		return nil, false
	}
	p.out.Count = p.params(0, len(p.toks), nil)
	return &p.out, true
}

type shaper struct {
	list
	at  int
	out Shape
}

func (p *shaper) accept(words ...string) bool {
	if p.anyWord(p.at, words...) {
		p.at++
		return true
	}
	return false
}

func (p *shaper) acceptSymbol(ch byte) bool {
	if p.symbol(p.at, ch) {
		p.at++
		return true
	}
	return false
}

// params counts the placeholders of the statement, and adds those between two tokens to into.
func (p *shaper) params(from, to int, into *[]int) int {
	n, most := 0, 0
	for i, t := range p.toks {
		if t.Kind != Placeholder {
			continue
		}
		which := n
		if p.opt.Dialect == Postgres {
			which = 0
			for _, d := range p.b[t.Start+1 : t.End] {
				which = min(which*10+int(d-'0'), 1<<20)
			}
			which--
		}
		n++
		most = max(most, which+1)
		if into != nil && i >= from && i < to {
			*into = append(*into, which)
		}
	}
	return most
}

// target is the table of the write, up to its alias.
func (p *shaper) target(alias bool) bool {
	start := p.at
	t, end, ok := p.table(p.at)
	if !ok || p.kind(start) == Word && p.clause(start, &frame{want: true}, false, new(bool)) {
		return false
	}
	p.out.Table, p.at = t, end
	if p.acceptSymbol('*') && p.opt.Dialect == MySQL {
		return false
	}
	if alias {
		as := p.accept("AS")
		if p.name(p.at) && (as || p.kind(p.at) == Quoted || !p.anyWord(p.at, "SET", "WHERE", "ORDER", "LIMIT", "RETURNING", "USING",
			"PARTITION", "JOIN", "INNER", "LEFT", "RIGHT", "CROSS", "NATURAL", "STRAIGHT_JOIN", "FROM", "FOR", "USE", "FORCE", "IGNORE")) {
			p.out.Alias = p.unquote(p.at)
			p.at++
		} else if as {
			return false
		}
	}
	p.out.Named = p.text(start, p.at)
	return true
}

// skip goes on to the first of the words at this level, or to the end; false when parentheses do not fit
// or a variable is assigned.
func (p *shaper) skip(words ...string) bool {
	depth := 0
	for ; p.at < len(p.toks); p.at++ {
		switch {
		case p.symbol(p.at, '('):
			depth++
		case p.symbol(p.at, ')'):
			if depth--; depth < 0 {
				return false
			}
		case p.symbol(p.at, ':') && p.symbol(p.at+1, '=') && p.opt.Dialect == MySQL:
			return false
		case depth == 0 && p.anyWord(p.at, words...) && !p.symbol(p.at-1, '.'):
			return true
		}
	}
	return depth == 0
}

func (p *shaper) update() bool {
	p.out.Ignore = p.modifiers("LOW_PRIORITY", "IGNORE", "ONLY")
	if !p.target(true) || !p.accept("SET") {
		return false
	}
	var ok bool
	if p.out.Sets, _, ok = p.assignments("WHERE", "ORDER", "LIMIT", "RETURNING", "FROM"); !ok {
		return false
	}
	return p.where()
}

func (p *shaper) delete() bool {
	p.out.Ignore = p.modifiers("LOW_PRIORITY", "QUICK", "IGNORE")
	if !p.accept("FROM") {
		return false
	}
	p.modifiers("ONLY")
	return p.target(true) && p.where()
}

// modifiers passes words over and says whether IGNORE was one of them.
func (p *shaper) modifiers(words ...string) (ignore bool) {
	for p.anyWord(p.at, words...) {
		ignore = ignore || p.word(p.at, "IGNORE")
		p.at++
	}
	return ignore
}

// where reads WHERE, ORDER BY, LIMIT and RETURNING, in that order, to the end.
func (p *shaper) where() bool {
	start := p.at
	if p.accept("WHERE") {
		from := p.at
		if !p.skip("ORDER", "LIMIT", "RETURNING", "USING", "FROM") || p.at == from {
			return false
		}
		p.out.Where = p.text(from, p.at)
		if p.word(from, "CURRENT") && p.word(from+1, "OF") {
			return false // of a cursor
		}
	}
	if p.anyWord(p.at, "ORDER", "LIMIT") {
		from := p.at
		if !p.skip("RETURNING", "USING", "FROM") {
			return false
		}
		p.out.Tail = p.text(from, p.at)
	}
	p.params(start, p.at, &p.out.Params)
	return p.returning()
}

func (p *shaper) returning() bool {
	if p.accept("RETURNING") {
		p.out.Returning = true
		return p.skip("INTO")
	}
	return true
}

// SetsColumn says whether the write may change that column of a row that is there.
func (s *Shape) SetsColumn(column string, same func(a, b string) bool) bool {
	is := func(c string) bool { return same(c, column) }
	return slices.ContainsFunc(s.Sets, is) || slices.ContainsFunc(s.Updates, is)
}

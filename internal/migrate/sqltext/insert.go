package sqltext

// assignments reads a = x, b = y up to one of the words and gives the columns and what they are set to.
func (p *shaper) assignments(words ...string) (columns []string, values []Value, ok bool) {
	for {
		t, end, ok := p.table(p.at) // a column with its owners looks the same
		if !ok {
			return nil, nil, false
		}
		p.at = end
		if p.acceptSymbol(':') && p.opt.Dialect == Postgres || !p.acceptSymbol('=') {
			return nil, nil, false
		}
		columns = append(columns, t.Name)
		start := p.at
		if !p.operand(words...) {
			return nil, nil, false
		}
		values = append(values, p.value(start, p.at))
		if !p.acceptSymbol(',') {
			return columns, values, true
		}
	}
}

// operand goes over an expression, up to a comma, a closing parenthesis or one of the words at its level.
func (p *shaper) operand(words ...string) bool {
	depth, start := 0, p.at
	for ; p.at < len(p.toks); p.at++ {
		switch {
		case p.symbol(p.at, '('):
			depth++
		case p.symbol(p.at, ')'):
			if depth == 0 {
				return p.at > start
			}
			depth--
		case depth > 0:
		case p.symbol(p.at, ','), p.anyWord(p.at, words...) && !p.symbol(p.at-1, '.'):
			return p.at > start
		}
		if p.symbol(p.at, ':') && p.symbol(p.at+1, '=') && p.opt.Dialect == MySQL {
			return false
		}
	}
	return depth == 0 && p.at > start
}

// value says what the tokens of an expression are.
func (p *shaper) value(from, to int) Value {
	v := Value{Text: p.text(from, to)}
	first := from
	if p.opt.Dialect == Postgres && to-from >= 4 && p.symbol(to-3, ':') && p.symbol(to-2, ':') && p.name(to-1) {
		to -= 3 // 'text'::type
	}
	if to-from == 2 && (p.symbol(from, '-') || p.symbol(from, '+')) && p.kind(from+1) == Number {
		first++
	}
	if to-first != 1 {
		return v
	}
	switch p.kind(first) {
	case String, Number:
		v.Kind = Literal
	case Placeholder:
		v.Kind = Parameter
		var which []int
		p.params(first, first+1, &which)
		v.Param = which[0]
	case Word:
		switch {
		case p.word(first, "NULL"):
			v.Kind = Null
		case p.word(first, "DEFAULT"):
			v.Kind = DefaultValue
		case p.anyWord(first, "TRUE", "FALSE"):
			v.Kind = Literal
		}
	default:
	}
	return v
}

func (p *shaper) insert() bool {
	p.out.Ignore = p.modifiers("LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "IGNORE")
	if !p.accept("INTO") && p.opt.Dialect == Postgres || !p.target(p.opt.Dialect == Postgres && p.aliased()) {
		return false
	}
	if p.acceptSymbol('(') {
		p.out.Columns = []string{}
		for !p.acceptSymbol(')') {
			t, end, ok := p.table(p.at)
			if !ok {
				return false
			}
			p.out.Columns, p.at = append(p.out.Columns, t.Name), end
			if !p.symbol(p.at, ')') && !p.acceptSymbol(',') {
				return false
			}
		}
	}
	switch {
	case p.accept("VALUES", "VALUE"):
		if !p.rows() {
			return false
		}
	case p.opt.Dialect == MySQL && p.out.Columns == nil && p.accept("SET"):
		columns, values, ok := p.assignments("ON", "RETURNING", "AS")
		if !ok {
			return false
		}
		p.out.Columns, p.out.Rows = columns, [][]Value{values}
	case p.opt.Dialect == Postgres && p.accept("DEFAULT"):
		if !p.accept("VALUES") {
			return false
		}
		p.out.Columns, p.out.Rows = []string{}, [][]Value{{}}
	default:
		return false
	}
	if p.accept("ON") && !p.collision() {
		return false
	}
	return p.returning()
}

// aliased says whether PostgreSQL's INSERT INTO t AS x is there.
func (p *shaper) aliased() bool {
	_, end, ok := p.table(p.at)
	return ok && p.word(end, "AS")
}

// rows reads (..), (..), ...
func (p *shaper) rows() bool {
	for {
		if !p.acceptSymbol('(') {
			return false
		}
		row := []Value{}
		for !p.acceptSymbol(')') {
			start := p.at
			if !p.operand() {
				return false
			}
			row = append(row, p.value(start, p.at))
			if !p.symbol(p.at, ')') && !p.acceptSymbol(',') {
				return false
			}
		}
		if p.out.Columns != nil && len(row) != len(p.out.Columns) && (len(row) > 0 || len(p.out.Columns) > 0) {
			return false
		}
		p.out.Rows = append(p.out.Rows, row)
		if !p.acceptSymbol(',') {
			return true
		}
	}
}

// collision reads what ON says of rows that are there already.
func (p *shaper) collision() bool {
	p.out.Upsert = true
	if p.accept("DUPLICATE") {
		if !p.accept("KEY") || !p.accept("UPDATE") {
			return false
		}
		var ok bool
		p.out.Updates, _, ok = p.assignments("RETURNING")
		return ok
	}
	if p.opt.Dialect == MySQL || !p.accept("CONFLICT") || !p.skip("DO") || !p.accept("DO") {
		return false
	}
	if p.accept("NOTHING") {
		p.out.Upsert, p.out.Ignore = false, true
		return true
	}
	if !p.accept("UPDATE") || !p.accept("SET") {
		return false
	}
	var ok bool
	if p.out.Updates, _, ok = p.assignments("WHERE", "RETURNING"); !ok {
		return false
	}
	return p.skip("RETURNING")
}

package data

import (
	"slices"
	"strconv"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/row"
)

// Pair is a table of both sides and how rows go from one to the other.
type Pair struct {
	Rule   v1.TableRule
	Mapper Mapper
	SQL    *row.Mapping // for sums in the database; nil where there is none

	tables  [2]*row.Table // carried columns
	known   [2]*row.Table // all columns; nil: nobody asks
	compare *row.Table    // columns of the new side that are compared
	pick    []int         // their indices in tables[newSide]
	version [2]int        // index of the version column, -1
	owner   [2]int        // index of the owner column, -1
	settled [2]string     // name of the column with the time of the last change
	money   []bool        // by column compared
}

// NewPair works a rule out for tables that the mapper is of.
func NewPair(rule v1.TableRule, m Mapper, sql *row.Mapping) (*Pair, error) {
	p := &Pair{Rule: rule, Mapper: m, SQL: sql, tables: [2]*row.Table{m.Old(), m.New()}}
	if p.Rule.To == "" {
		p.Rule.To = rule.Name
	}
	once := m.Once()
	p.compare = &row.Table{Name: m.New().Name}
	for i, c := range m.New().Columns {
		if slices.Contains(once, i) {
			continue
		}
		if slices.Contains(m.New().Key, i) {
			p.compare.Key = append(p.compare.Key, len(p.compare.Columns))
		}
		p.compare.Columns = append(p.compare.Columns, c)
		p.pick = append(p.pick, i)
	}
	// The key's order is that of the table, not that of its columns.
	p.compare.Key = p.compare.Key[:0]
	for _, at := range m.New().Key {
		p.compare.Key = append(p.compare.Key, slices.Index(p.pick, at))
	}
	if len(m.Old().Key) == 0 || len(m.New().Key) == 0 || slices.Contains(p.compare.Key, -1) {
		return nil, kind.New(kind.Invalid, "JD-DATA-002", "table %s: a side has no primary key among the columns that are carried; rows are told apart by it", rule.Name)
	}
	var err error
	if p.version, err = p.both("version", rule.Version); err != nil {
		return nil, err
	}
	if p.owner, err = p.both("owner", rule.Owner); err != nil {
		return nil, err
	}
	settled, err := p.both("settled", rule.Settled)
	if err != nil {
		return nil, err
	}
	for s, at := range settled {
		if at >= 0 {
			p.settled[s] = p.tables[s].Columns[at].Name
		}
	}
	p.money = make([]bool, len(p.compare.Columns))
	for _, name := range rule.Money {
		found := false
		for _, to := range counterparts(&rule, name) {
			if i := p.compare.Index(to); i >= 0 {
				p.money[i], found = true, true
			}
		}
		if !found {
			return nil, missing(&rule, "money", name, "new")
		}
	}
	return p, nil
}

// both finds a column of the old side on either side.
func (p *Pair) both(key, name string) ([2]int, error) {
	if name == "" {
		return [2]int{-1, -1}, nil
	}
	at := [2]int{p.tables[oldSide].Index(name), -1}
	for _, to := range counterparts(&p.Rule, name) {
		at[newSide] = p.tables[newSide].Index(to)
	}
	if at[oldSide] < 0 {
		return at, missing(&p.Rule, key, name, "old")
	}
	if at[newSide] < 0 {
		return at, missing(&p.Rule, key, name, "new")
	}
	return at, nil
}

func missing(rule *v1.TableRule, key, name, on string) error {
	return kind.New(kind.Invalid, "JD-DATA-002", "table %s: %s names column %s, which is not carried on the %s side; name a column of the old side that is carried by itself", rule.Name, key, name, on)
}

// counterparts are the columns of the new side that a column of the old one becomes.
func counterparts(rule *v1.TableRule, name string) []string {
	for i := range rule.Columns {
		if slices.Contains(rule.Columns[i].From, name) {
			return rule.Columns[i].To
		}
	}
	return []string{name}
}

// compared is a row of the new side without what is not compared.
func (p *Pair) compared(r row.Row) row.Row {
	if r == nil || len(p.pick) == len(r) {
		return r
	}
	out := make(row.Row, len(p.pick))
	for i, at := range p.pick {
		out[i] = r[at]
	}
	return out
}

// carry maps a row of one side to the other.
func (p *Pair) carry(from side, r row.Row) (row.Row, error) {
	if from == oldSide {
		return p.Mapper.Forward(r)
	}
	return p.Mapper.Backward(r)
}

// carryKey maps a key of one side to the other.
func (p *Pair) carryKey(from side, k row.Key) (row.Key, error) {
	if from == oldSide {
		return p.Mapper.ForwardKey(k)
	}
	return p.Mapper.BackwardKey(k)
}

// ident names a row the same whichever side it is looked at from: by its key as the old side writes it. Where
// the key cannot be carried back it is that of the new side.
func (p *Pair) ident(on side, k row.Key) string {
	if on == newSide {
		old, err := p.Mapper.BackwardKey(k)
		if err != nil {
			return p.Rule.Name + "\x00!" + keyText(p.tables[newSide], k)
		}
		k = old
	}
	return p.Rule.Name + "\x00" + keyText(p.tables[oldSide], k)
}

// versionOf is what the version column of a row says, or def where it says nothing.
func (p *Pair) versionOf(on side, r row.Row, def int64) int64 {
	at := p.version[on]
	if at < 0 || at >= len(r) || r[at].Null {
		return def
	}
	v, err := strconv.ParseInt(r[at].Text, 10, 64)
	if err != nil {
		return def
	}
	return v
}

// foreign says whether the other side owns a row, before and after it changed: such a change does not cross.
func (p *Pair) foreign(on side, before, after row.Row) bool {
	at := p.owner[on]
	if at < 0 {
		return false
	}
	others := func(r row.Row) (yes, known bool) {
		if r == nil || r[at].Null {
			return false, false
		}
		return r[at].Text == on.other().String(), true
	}
	b, knownBefore := others(before)
	a, knownAfter := others(after)
	switch {
	case knownBefore && knownAfter:
		return a && b
	case knownAfter:
		return a
	default:
		return b
	}
}

// Plan is what is carried.
type Plan struct {
	Pairs []*Pair
	by    [2]map[string]*Pair // by table's name on each side
}

// NewPlan makes a plan of pairs.
func NewPlan(pairs []*Pair) *Plan {
	p := &Plan{Pairs: pairs, by: [2]map[string]*Pair{{}, {}}}
	for _, pair := range pairs {
		p.by[oldSide][pair.Rule.Name] = pair
		p.by[newSide][pair.Rule.To] = pair
	}
	return p
}

// tables are the names of the tables of one side.
func (p *Plan) tables(on side) []string {
	names := make([]string, 0, len(p.Pairs))
	for _, pair := range p.Pairs {
		if on == oldSide {
			names = append(names, pair.Rule.Name)
		} else {
			names = append(names, pair.Rule.To)
		}
	}
	return names
}

package row

import (
	"fmt"
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// builder works a rule out and gathers what is wrong with it.
type builder struct {
	rule     *v1.TableRule
	old, new *Table
	wrong    []kind.Field
	oldUsed  map[string]bool // columns of the old side that a rule or skip names
	newUsed  map[string]bool
	plans    []plan
	defaults map[string]Value // by column of the new side
}

// plan is a step by the names of its columns.
type plan struct {
	step     Step
	from, to []string
}

func (b *builder) fail(path, value, format string, args ...any) {
	b.wrong = append(b.wrong, kind.Field{Path: path, Value: value, Detail: fmt.Sprintf(format, args...)})
}

// NewMapping works out how rows go from one table to the other. The error names every wrong field.
func NewMapping(rule v1.TableRule, old, new *Table) (*Mapping, error) {
	b := &builder{rule: &rule, old: old, new: new, oldUsed: map[string]bool{}, newUsed: map[string]bool{}, defaults: map[string]Value{}}
	b.skip()
	for i := range rule.Columns {
		b.column(i)
	}
	b.same()
	b.unfilled()
	m := b.build()
	if len(b.wrong) == 0 {
		b.key(m)
		b.special(m)
	}
	if len(b.wrong) > 0 {
		return nil, kind.New(kind.Invalid, "JD-ROW-002", "the rule of table %s does not fit the tables", rule.Name).WithFields(b.wrong...)
	}
	return m, nil
}

// oldColumn finds a column that a rule names.
func (b *builder) oldColumn(path, name string) *Column {
	return b.find(path, name, b.old, b.oldUsed, "old")
}

func (b *builder) newColumn(path, name string) *Column {
	return b.find(path, name, b.new, b.newUsed, "new")
}

func (b *builder) find(path, name string, t *Table, used map[string]bool, side string) *Column {
	at := t.Index(name)
	switch {
	case at < 0:
		b.fail(path, name, "table %s of the %s side has no such column; its columns are %s", t.Name, side, names(t))
		return nil
	case used[name]:
		b.fail(path, name, "named twice; name it once")
		return nil
	case t.Columns[at].Generated:
		b.fail(path, name, "the database of the %s side computes it; leave it out", side)
		return nil
	}
	used[name] = true
	return &t.Columns[at]
}

func names(t *Table) string {
	list := make([]string, 0, len(t.Columns))
	for i := range t.Columns {
		list = append(list, t.Columns[i].Name)
	}
	return strings.Join(list, ", ")
}

func (b *builder) skip() {
	for i, name := range b.rule.Skip {
		b.oldColumn(fmt.Sprintf("skip[%d]", i), name)
	}
}

// column works one rule out.
func (b *builder) column(i int) {
	r := &b.rule.Columns[i]
	path := fmt.Sprintf("columns[%d]", i)
	ok := true
	var from, to []*Column
	for j, name := range r.From {
		c := b.oldColumn(fmt.Sprintf("%s.from[%d]", path, j), name)
		from, ok = append(from, c), ok && c != nil
	}
	for j, name := range r.To {
		c := b.newColumn(fmt.Sprintf("%s.to[%d]", path, j), name)
		to, ok = append(to, c), ok && c != nil
	}
	if !ok {
		return
	}
	switch {
	case len(from) == 0 && len(to) == 0:
		b.fail(path, "", "names no column; give from, to, or both")
	case len(from) == 0:
		b.newOnly(path, r, to)
	case len(to) == 0:
		// The same as skip.
	case r.Default != nil:
		b.fail(path+".default", *r.Default, "the column has a value from the old side; leave default out, or from")
	case len(from) > 1 && len(to) > 1:
		b.fail(path, "", "several columns to several; give a rule for each")
	case len(from) > 1 || len(to) > 1:
		b.parts(path, r, from, to)
	default:
		b.single(path, r, from[0], to[0])
	}
}

func (b *builder) newOnly(path string, r *v1.ColumnRule, to []*Column) {
	for _, c := range to {
		if r.Default == nil {
			b.fail(path+".default", "", "column %s is only on the new side; give the value that it gets", c.Name)
			continue
		}
		v, ok := canonText(c, *r.Default)
		if ok {
			var why string
			v, why = fit(v, c)
			ok = why == ""
		}
		if !ok {
			b.fail(path+".default", *r.Default, "is no %s that column %s can hold", c.Type, c.Name)
			continue
		}
		b.defaults[c.Name] = Value{Text: v}
	}
}

// parts is a rule that splits or joins.
func (b *builder) parts(path string, r *v1.ColumnRule, from, to []*Column) {
	if r.Split == "" {
		b.fail(path+".split", "", "one column and several; give the separator")
	}
	for _, c := range slices.Concat(from, to) {
		if c.Type != Text {
			b.fail(path, c.Name, "is %s; only text is split and joined", c.Type)
		}
	}
	if r.Scale != 0 || r.Zone != "" || len(r.Values) > 0 || r.Null != "" || r.Type != "" {
		b.fail(path, "", "scale, zone, values, null and type are for one column to one; leave them out")
	}
	b.plans = append(b.plans, plan{step: Step{Split: r.Split}, from: r.From, to: r.To})
}

// single is a rule of one column to one.
func (b *builder) single(path string, r *v1.ColumnRule, from, to *Column) {
	if r.Split != "" {
		b.fail(path+".split", r.Split, "one column to one; name the columns that it becomes, or leave it out")
	}
	s := Step{Scale: r.Scale, Empty: r.Null == "empty", Read: from.Type}
	if r.Null != "" && !s.Empty {
		b.fail(path+".null", r.Null, "write empty, or leave it out")
	}
	if s.Empty && (from.Type != Text || to.Type != Text) {
		b.fail(path+".null", r.Null, "only text can be empty")
	}
	b.read(path, r, from, to, &s)
	b.zone(path, r, &s)
	switch {
	case s.Zone != nil:
		if other(s.Read) != to.Type {
			b.fail(path+".zone", r.Zone, "of columns %s (%s) and %s (%s) one must be a time without zone and the other one with", from.Name, from.Type, to.Name, to.Type)
		}
	case s.Scale != 0:
		if s.Read != Integer && s.Read != Decimal || to.Type != Integer && to.Type != Decimal && to.Type != Text {
			b.fail(path+".scale", fmt.Sprint(r.Scale), "columns %s (%s) and %s (%s) are no numbers; say type: decimal for text", from.Name, from.Type, to.Name, to.Type)
		}
		if s.Scale < -18 || s.Scale > 18 {
			b.fail(path+".scale", fmt.Sprint(r.Scale), "write -18 to 18")
		}
	case len(r.Values) == 0:
		b.compatible(path, from, to, s.Read)
	}
	b.values(path, r, from, to, &s)
	b.plans = append(b.plans, plan{step: s, from: r.From, to: r.To})
}

var readAs = map[string]Type{"text": Text, "integer": Integer, "decimal": Decimal, "boolean": Bool}

func (b *builder) read(path string, r *v1.ColumnRule, from, to *Column, s *Step) {
	switch r.Type {
	case "":
		return
	case "time":
		s.Read = Local
		if r.Zone == "" && (to.Type == Date || to.Type == Clock || to.Type == Instant) {
			s.Read = to.Type
		}
	default:
		t, ok := readAs[r.Type]
		if !ok {
			b.fail(path+".type", r.Type, "write text, integer, decimal, boolean or time")
			return
		}
		s.Read = t
	}
	if !convertible(from.Type, s.Read) {
		b.fail(path+".type", r.Type, "column %s is %s, which cannot be read so", from.Name, from.Type)
	}
}

func (b *builder) zone(path string, r *v1.ColumnRule, s *Step) {
	if r.Zone == "" {
		return
	}
	z, err := NewZone(r.Zone)
	switch {
	case err != nil:
		b.fail(path+".zone", r.Zone, "is no zone; write one such as Asia/Shanghai")
	case s.Read != Local && s.Read != Instant:
		b.fail(path+".zone", r.Zone, "the column is %s; only a time has a zone", s.Read)
	default:
		s.Zone = z
	}
}

// compatible says what is wrong with carrying a value that was read as a type to a column.
func (b *builder) compatible(path string, from, to *Column, read Type) {
	switch {
	case read == Local && to.Type == Instant || read == Instant && to.Type == Local:
		b.fail(path, from.Name, "is a time %s, %s is one %s; give zone", without(read == Instant), to.Name, without(to.Type == Instant))
	case !convertible(read, to.Type):
		b.fail(path, from.Name, "is %s, and %s of the new side is %s; there is no way from one to the other: skip it, or translate its values", read, to.Name, to.Type)
	case from.Type == read && risky(read, to.Type):
		b.fail(path, from.Name, "is text, and %s of the new side is %s; say type: %s", to.Name, to.Type, typeWord(to.Type))
	}
}

func without(zone bool) string {
	if zone {
		return "with zone"
	}
	return "without zone"
}

func typeWord(t Type) string {
	switch t {
	case Bool, Bits:
		return "boolean"
	case Integer:
		return "integer"
	case Decimal, Float:
		return "decimal"
	}
	return "time"
}

func (b *builder) values(path string, r *v1.ColumnRule, from, to *Column, s *Step) {
	if len(r.Values) == 0 {
		return
	}
	s.Values, s.back = map[string]string{}, map[string]string{}
	for old, new := range r.Values {
		o, ok1 := canonText(from, old)
		n, ok2 := canonText(to, new)
		if ok2 {
			var why string
			n, why = fit(n, to)
			ok2 = why == ""
		}
		switch {
		case !ok1:
			b.fail(path+".values", old, "is no %s that column %s can hold", from.Type, from.Name)
		case !ok2:
			b.fail(path+".values", new, "is no %s that column %s can hold", to.Type, to.Name)
		default:
			if _, twice := s.Values[o]; twice {
				b.fail(path+".values", old, "is there twice; write it once")
			}
			if _, twice := s.back[n]; twice {
				b.fail(path+".values", new, "is what two values become; the way back would not exist")
			}
			s.Values[o], s.back[n] = n, o
		}
	}
}

// same adds the columns that no rule names: they go to those of the same name.
func (b *builder) same() {
	for i := range b.old.Columns {
		c := &b.old.Columns[i]
		if b.oldUsed[c.Name] || c.Generated {
			continue
		}
		at := b.new.Index(c.Name)
		if at < 0 || b.newUsed[c.Name] || b.new.Columns[at].Generated {
			b.fail("columns", c.Name, "table %s of the new side has no column for it; name one in to, or write the column in skip", b.new.Name)
			continue
		}
		b.newUsed[c.Name] = true
		b.compatible("columns", c, &b.new.Columns[at], c.Type)
		b.plans = append(b.plans, plan{step: Step{Read: c.Type}, from: []string{c.Name}, to: []string{c.Name}})
	}
}

// unfilled finds columns that an insert would leave without a value that they must have.
func (b *builder) unfilled() {
	for i := range b.new.Columns {
		c := &b.new.Columns[i]
		if !b.newUsed[c.Name] && !c.Nullable && !c.Filled && !c.Generated {
			b.fail("columns", c.Name, "nothing on the old side becomes this column of the new side, and it takes no NULL; give a rule with default")
		}
	}
	for i := range b.rule.Skip {
		if at := b.old.Index(b.rule.Skip[i]); at >= 0 {
			if c := &b.old.Columns[at]; !c.Nullable && !c.Filled && !c.Generated {
				b.fail(fmt.Sprintf("skip[%d]", i), c.Name, "takes no NULL and has no default, so that a row of the new side could not be brought back; give it a default in the database, or carry it")
			}
		}
	}
}

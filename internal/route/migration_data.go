package route

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// The bounds of what a migration says of effects and data.
const (
	maxCaptures = 16
	maxTables   = 256
	maxColumns  = 512
	maxOwners   = 64
)

// ownTables begin with this: they are Jindu's in every database of a migration.
const ownTables = "jindu_"

func (f *fields) effects(e v1.EffectsSpec) {
	f.captures("spec.effects.old", e.Old)
	f.captures("spec.effects.new", e.New)
	f.duration("spec.effects.settle", e.Settle)
	to := map[string]string{}
	for from, name := range e.Names {
		path := "spec.effects.names." + from
		switch first, taken := to[name]; {
		case from == "" || name == "":
			f.add(path, name, "has an empty name: name both sides")
		case taken:
			f.add(path, name, "is what %s is called too: each name of the new side stands for one of the old", first)
		}
		to[name] = from
	}
	if !e.Compared() && (e.Settle != "" || len(e.Names) > 0) {
		f.add("spec.effects.old", "", "is empty, and so is new: name the captures of a side, such as [report], or leave effects out")
	}
}

func (f *fields) captures(path string, names []string) {
	if len(names) > maxCaptures {
		f.add(path, fmt.Sprint(len(names)), "may name %d captures at most", maxCaptures)
	}
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", path, i)
		kind, which, named := strings.Cut(name, ":")
		switch {
		case slices.Contains(names[:i], name):
			f.add(at, name, "is there already")
		case name == "report", named && which != "" && (kind == "proxy" || kind == "database"):
		default:
			f.add(at, name, "is no capture: write report, proxy:NAME or database:NAME")
		}
	}
}

func (f *fields) data(d *v1.DataSpec) {
	if d == nil {
		return
	}
	for path, side := range map[string]v1.DataSide{"spec.data.old": d.Old, "spec.data.new": d.New} {
		if side.Database == "" {
			f.add(path+".database", "", "is missing: name a database of the node's configuration, data.databases")
		}
		f.oneOf(path+".capture", side.Capture, "binlog", "pgoutput", "outbox")
	}
	if d.Old.Database != "" && d.Old.Database == d.New.Database {
		f.add("spec.data.new.database", d.New.Database, "is the old side's too: each side needs a database or schema of its own")
	}
	f.tables(d.Tables)
	f.owners(d.Owners)
	if d.Winner != "" {
		f.oneOf("spec.data.winner", d.Winner, v1.SideOld, v1.SideNew, "owner")
	}
	for path, v := range map[string]v1.Duration{"maxLag": d.MaxLag, "strong": d.Strong, "grace": d.Grace, "every": d.Every, "drain": d.Drain} {
		f.duration("spec.data."+path, v)
	}
	if d.MaxRate < 0 {
		f.add("spec.data.maxRowsPerSecond", fmt.Sprint(d.MaxRate), "must not be negative")
	}
	if d.Chunk < 0 || d.Chunk > 100_000 {
		f.add("spec.data.chunkRows", fmt.Sprint(d.Chunk), "must be 0 to 100000")
	}
}

func (f *fields) tables(tables []v1.TableRule) {
	if n := len(tables); n == 0 || n > maxTables {
		f.add("spec.data.tables", fmt.Sprint(n), "must be 1 to %d tables", maxTables)
	}
	old, next := map[string]bool{}, map[string]bool{}
	for i := range tables {
		t := &tables[i]
		path := fmt.Sprintf("spec.data.tables[%d]", i)
		to := t.To
		if to == "" {
			to = t.Name
		}
		f.table(path+".name", t.Name, old)
		f.table(path+".to", to, next)
		if len(t.Columns) > maxColumns {
			f.add(path+".columns", fmt.Sprint(len(t.Columns)), "may be %d at most", maxColumns)
		}
		from := map[string]bool{}
		for j := range t.Columns {
			f.column(fmt.Sprintf("%s.columns[%d]", path, j), &t.Columns[j], from)
		}
		for j, name := range t.Skip {
			at := fmt.Sprintf("%s.skip[%d]", path, j)
			switch {
			case from[name]:
				f.add(at, name, "has a rule already: a column is carried once or not at all")
			case name == t.Version, name == t.Owner, name == t.Settled:
				f.add(at, name, "is needed on both sides: carry it")
			}
			from[name] = true
		}
	}
}

func (f *fields) table(path, name string, seen map[string]bool) {
	switch {
	case name == "":
		f.add(path, name, "is missing: name the table")
	case strings.HasPrefix(name, ownTables):
		f.add(path, name, "begins with %s: such tables are Jindu's own", ownTables)
	case seen[name]:
		f.add(path, name, "is there already: name each table once")
	}
	seen[name] = true
}

func (f *fields) column(path string, c *v1.ColumnRule, from map[string]bool) {
	for _, name := range slices.Concat(c.From, c.To) {
		if name == "" {
			f.add(path, "", "has an empty name")
		}
	}
	for _, name := range c.From {
		if from[name] {
			f.add(path+".from", name, "has a rule already: a column has one")
		}
		from[name] = true
	}
	switch {
	case len(c.From) == 0 && len(c.To) == 0:
		f.add(path, "", "names no column: set from, to or both")
	case len(c.From) == 0 && c.Default == nil:
		f.add(path+".default", "", "is missing: only the new side has %s, so say what to write there", strings.Join(c.To, ", "))
	case len(c.From) > 1 && len(c.To) > 1:
		f.add(path+".to", strings.Join(c.To, ", "), "is more than one column, and so is from: write a rule for each")
	case (len(c.From) > 1 && len(c.To) == 1 || len(c.From) == 1 && len(c.To) > 1) && c.Split == "":
		f.add(path+".split", "", "is missing: say what stands between the parts")
	}
	if c.Scale < -18 || c.Scale > 18 {
		f.add(path+".scale", fmt.Sprint(c.Scale), "must be -18 to 18")
	}
	if c.Null != "" {
		f.oneOf(path+".null", c.Null, "empty")
	}
	if c.Type != "" {
		f.oneOf(path+".type", c.Type, "text", "integer", "decimal", "boolean", "time")
	}
	back := map[string]string{}
	for old, next := range c.Values {
		if first, taken := back[next]; taken {
			f.add(path+".values."+old, next, "is what %q becomes too: there would be no way back", first)
		}
		back[next] = old
	}
}

// owners checks the rules that find the entity of a request; see ownerRules.
func (f *fields) owners(rules []v1.OwnerRule) {
	if len(rules) > maxOwners {
		f.add("spec.data.owners", fmt.Sprint(len(rules)), "may be %d at most", maxOwners)
	}
	for i := range rules {
		r := &rules[i]
		path := fmt.Sprintf("spec.data.owners[%d]", i)
		if r.Method != "" && (strings.ToUpper(r.Method) != r.Method || !isToken(r.Method)) {
			f.add(path+".method", r.Method, "must be a method in capitals")
		}
		inPath := f.ownerPath(path+".path", r.Path)
		switch {
		case r.ID != nil && inPath:
			f.add(path+".id", "", "is not needed: the path names {id} already")
		case r.ID != nil:
			f.source(path+".id", *r.ID)
		case !inPath:
			f.add(path+".id", "", "is missing: put {id} into the path, or say where the id is")
		}
		if r.New == "" {
			f.add(path+".new", "", "is missing: describe the ids that the new side makes")
		} else if _, err := regexp.Compile(r.New); err != nil {
			f.add(path+".new", r.New, "is no RE2 expression: %v", err)
		}
	}
}

// ownerPath says whether the path names {id}.
func (f *fields) ownerPath(path, value string) (id bool) {
	plain, _ := strings.CutSuffix(value, "/*")
	if plain == "" && value != "" {
		return false // everything
	}
	if !f.plainPath(path, plain) {
		return strings.Contains(plain, "{id}") // one complaint is enough
	}
	for s := range strings.SplitSeq(plain[1:], "/") {
		switch {
		case s == "{id}" && id:
			f.add(path, value, "names {id} twice")
		case s == "{id}":
			id = true
		case strings.ContainsAny(s, "{}") && (len(s) < 3 || s[0] != '{' || s[len(s)-1] != '}' || strings.ContainsAny(s[1:len(s)-1], "{}")):
			f.add(path, s, "a part in braces must be a whole segment, such as /orders/{id}/cancel")
		case strings.Contains(s, "*"):
			f.add(path, s, "has '*' elsewhere than in a trailing /*")
		}
	}
	return id
}

func ownersEqual(a, b []v1.OwnerRule) bool {
	return slices.EqualFunc(a, b, func(x, y v1.OwnerRule) bool {
		sameID := x.ID == nil && y.ID == nil || x.ID != nil && y.ID != nil && *x.ID == *y.ID
		return x.Path == y.Path && x.Method == y.Method && x.New == y.New && sameID
	})
}

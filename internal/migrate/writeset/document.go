package writeset

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// maxArgs is how many arguments have a name of their own; the rest is a list.
const maxArgs = 16

// Document writes a write set as JSON that compares with another's; package compare knows its shape.
//
//	{"row":     {"orders": [{"op":"insert", "after":{"id":57,"total":12.5}}],
//	             "stock":  [{"op":"update", "key":{"sku":"A1"}, "change":{"left":{"by":-1,"from":10,"to":9}}}]},
//	 "sql":     {"audit":  [{"op":"insert", "text":"insert into audit values(?,?)", "arg1":..., "rows":1}]},
//	 "redis":   {"cart:{}":[{"id":"u7", "ops":[{"SET":{"arg1":{...}}}, {"EXPIRE":{"arg1":60}}]}]},
//	 "message": {"orders": [{"body":{...}}]},
//	 "call":    {"POST pay.example/charges": [{"body":{...}}]}}
//
// Rows of a table and keys of a template are sets: compare pairs them by what they have in common. Messages
// of a topic, calls of a target, operations on one key and statements on one table are lists in the order
// in which they happened. Kinds that the run did nothing of are absent. There are no counts in it: a list
// of another length says it already. names maps the names of one side to those of the other.
func Document(ws WriteSet, names map[string]string) []byte {
	d := document{names: names, prefixes: slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})}
	kinds := map[v1.EffectKind]map[string][]v1.Effect{}
	effects := ws.Effects()
	for i := range effects {
		e := &effects[i]
		group := d.group(e)
		if kinds[e.Kind] == nil {
			kinds[e.Kind] = map[string][]v1.Effect{}
		}
		kinds[e.Kind][group] = append(kinds[e.Kind][group], *e)
	}
	d.b = append(d.b, '{')
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		d.name(string(kind))
		d.b = append(d.b, '{')
		for _, group := range slices.Sorted(maps.Keys(kinds[kind])) {
			var rows []netRow
			if kind == v1.EffectRow {
				if rows = fold(kinds[kind][group]); len(rows) == 0 {
					continue // there and back
				}
			}
			d.name(group)
			d.b = append(d.b, '[')
			switch kind {
			case v1.EffectRow:
				d.rows(rows)
			case v1.EffectRedis:
				d.keys(kinds[kind][group])
			default:
				for i := range kinds[kind][group] {
					d.next()
					d.other(&kinds[kind][group][i])
				}
			}
			d.b = append(d.b, ']')
		}
		d.b = append(d.b, '}')
	}
	return append(d.b, '}')
}

// document is JSON under construction.
type document struct {
	b        []byte
	names    map[string]string
	prefixes []string // of names, the longest first
}

// next puts a comma where one belongs.
func (d *document) next() {
	if c := d.b[len(d.b)-1]; c != '{' && c != '[' && c != ':' {
		d.b = append(d.b, ',')
	}
}

func (d *document) name(s string) {
	d.next()
	d.b = append(quote(d.b, s), ':')
}

// group is what an effect is compared within: a table, a topic, the template of a key or of a call. What
// was mapped or is data in its target is left in the effect's target.
func (d *document) group(e *v1.Effect) string {
	switch e.Kind {
	case v1.EffectRedis:
		e.Target = d.mapped(e.Target)
		name, _ := template(e.Target, keySeparators)
		return name
	case v1.EffectCall:
		e.Target = d.mapped(e.Target)
		host, path := splitCall(e.Target)
		name, _ := template(path, "/")
		return e.Op + " " + host + name
	}
	if to, ok := d.names[e.Target]; ok {
		return to
	}
	return strings.TrimPrefix(e.Target, "public.") // PostgreSQL's schema where none is named
}

// splitCall is the host of a call's target, which is a name whatever it looks like, and its path.
func splitCall(target string) (host, path string) {
	target, _, _ = strings.Cut(target, "?")
	if i := strings.IndexByte(target, '/'); i >= 0 {
		return target[:i], target[i:]
	}
	return target, ""
}

const keySeparators = ":/|.{}"

// mapped replaces the longest name that a target begins with and that ends where a part of it ends: a table
// named order has nothing to do with keys such as order:1, unless order: is named.
func (d *document) mapped(target string) string {
	for _, from := range d.prefixes {
		rest, ok := strings.CutPrefix(target, from)
		if ok && (rest == "" || rest[0] == '/' || from != "" && strings.IndexByte(keySeparators, from[len(from)-1]) >= 0) {
			return d.names[from] + rest
		}
	}
	return target
}

func (d *document) fate(fate string) {
	if fate == fateRefused {
		d.name("fate")
		d.b = quote(d.b, fate)
	}
}

func (d *document) columns(name string, list []v1.ColumnValue) {
	d.name(name)
	d.b = append(d.b, '{')
	for _, c := range sorted(list) {
		d.name(c.Name)
		if c.Value == nil {
			d.b = scalar(d.b, nil)
		} else {
			d.b = tree(d.b, *c.Value) // a column of JSON compares member by member
		}
	}
	d.b = append(d.b, '}')
}

// sorted are columns by name; of two with one name the later counts.
func sorted(list []v1.ColumnValue) []v1.ColumnValue {
	out := override(nil, list)
	slices.SortFunc(out, func(a, b v1.ColumnValue) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// rows writes the rows of one table by key and content.
func (d *document) rows(rows []netRow) {
	type placed struct {
		*netRow
		by string
	}
	order := make([]placed, len(rows))
	for i := range rows {
		order[i] = placed{&rows[i], rows[i].sortText()}
	}
	slices.SortStableFunc(order, func(a, b placed) int {
		return cmp.Or(strings.Compare(a.by, b.by), compareKeys(a.key, b.key), cmp.Compare(a.at, b.at))
	})
	for _, r := range order {
		d.next()
		d.b = append(d.b, '{')
		if r.op == opInsert {
			d.columns("after", override(r.key, r.after))
		}
		if r.op == opUpdate {
			d.change(r.netRow)
		}
		d.fate(r.fate)
		if r.op != opInsert {
			d.columns("key", r.key)
		}
		d.name("op")
		d.b = append(quote(d.b, r.op), '}')
	}
}

// change writes what became of the columns of an update: for a number by how much it was raised, since that
// is the same whatever the number was, and for everything what it was and what it is.
func (d *document) change(r *netRow) {
	d.name("change")
	d.b = append(d.b, '{')
	for _, c := range sorted(r.after) {
		d.name(c.Name)
		d.b = append(d.b, '{')
		if i := column(r.before, c.Name); i >= 0 {
			was := r.before[i].Value
			if was != nil && c.Value != nil && isNumber(*was) && isNumber(*c.Value) {
				d.name("by")
				d.b = append(d.b, minus(*c.Value, *was)...)
			}
			d.name("from")
			d.b = scalar(d.b, was)
		}
		d.name("to")
		d.b = append(scalar(d.b, c.Value), '}')
	}
	d.b = append(d.b, '}')
}

// sortText is what both sides have alike of a row if they did the same, as far as one side can tell.
func (r *netRow) sortText() string {
	var b strings.Builder
	b.WriteString(r.op + r.fate)
	write := func(list []v1.ColumnValue) {
		for _, c := range sorted(list) {
			if generated(c.Value) || column(r.key, c.Name) >= 0 && c.Value != nil && isNumber(*c.Value) {
				continue
			}
			b.WriteByte(0)
			b.WriteString(c.Name)
			if c.Value != nil {
				b.WriteByte('=')
				b.WriteString(*c.Value)
			}
		}
	}
	write(r.key)
	if r.op != opDelete {
		write(r.after)
	}
	return b.String()
}

// compareKeys orders keys that are one number by number, behind all others.
func compareKeys(a, b []v1.ColumnValue) int {
	x, y := onlyNumber(a), onlyNumber(b)
	switch {
	case x == "" && y == "":
		return 0
	case x == "":
		return -1
	case y == "":
		return 1
	case x == y:
		return 0
	case strings.HasPrefix(minus(x, y), "-"):
		return -1
	}
	return 1
}

func onlyNumber(key []v1.ColumnValue) string {
	if len(key) != 1 || key[0].Value == nil || !isNumber(*key[0].Value) {
		return ""
	}
	return *key[0].Value
}

// keys writes the operations of one template of Redis keys, key by key.
func (d *document) keys(effects []v1.Effect) {
	var order []string
	byKey := map[string][]v1.Effect{}
	for i := range effects {
		e := &effects[i]
		if byKey[e.Target] == nil {
			order = append(order, e.Target)
		}
		byKey[e.Target] = append(byKey[e.Target], *e)
	}
	place := func(key string) string { // what is generated stays in the order in which it came
		if generated(&key) {
			return ""
		}
		return key
	}
	slices.SortStableFunc(order, func(a, b string) int { return strings.Compare(place(a), place(b)) })
	for _, key := range order {
		d.next()
		d.b = append(d.b, '{')
		d.ids(key, keySeparators)
		d.name("ops")
		d.b = append(d.b, '[')
		for i := range byKey[key] {
			e := &byKey[key][i]
			d.next()
			d.b = append(d.b, '{')
			d.name(strings.ToUpper(e.Op))
			d.b = append(d.b, '{')
			d.args(e.Args)
			d.fate(e.Fate)
			d.b = append(d.b, '}', '}')
		}
		d.b = append(d.b, ']', '}')
	}
}

// ids writes what is data in a target: id, id2 and so on; how many there are is part of the template.
func (d *document) ids(target, separators string) {
	_, ids := template(target, separators)
	for i := range ids {
		name := "id"
		if i > 0 {
			name += number(int64(i + 1))
		}
		d.name(name)
		d.b = scalar(d.b, &ids[i])
	}
}

func (d *document) args(args []string) {
	for i := range min(len(args), maxArgs) {
		d.name("arg" + number(int64(i+1)))
		d.b = tree(d.b, args[i])
	}
	if len(args) > maxArgs {
		d.name("args")
		d.b = append(d.b, '[')
		for _, a := range args[maxArgs:] {
			d.next()
			d.b = tree(d.b, a)
		}
		d.b = append(d.b, ']')
	}
}

// other writes a statement, a message or a call.
func (d *document) other(e *v1.Effect) {
	d.b = append(d.b, '{')
	if e.Kind == v1.EffectCall {
		_, path := splitCall(e.Target)
		_, query, _ := strings.Cut(e.Target, "?")
		d.ids(path, "/")
		if query != "" {
			d.name("query")
			d.b = quote(d.b, query)
		}
	}
	if len(e.Key) > 0 {
		d.columns("key", e.Key)
	}
	args := e.Args
	if e.Kind == v1.EffectSQL {
		text, literals := statement(e.Text)
		args = append(literals, args...)
		d.name("op")
		d.b = quote(d.b, strings.ToLower(e.Op))
		d.name("rows")
		d.b = append(d.b, number(e.Rows)...)
		d.name("text")
		d.b = quote(d.b, text)
	}
	d.args(args)
	switch {
	case e.Base64:
		d.name("body")
		d.b = quote(d.b, "base64:"+e.Body)
	case e.Body != "":
		d.name("body")
		d.b = tree(d.b, e.Body)
	}
	d.fate(e.Fate)
	d.b = append(d.b, '}')
}

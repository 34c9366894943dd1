package writeset

import (
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// The operations on rows.
const (
	opInsert = "insert"
	opUpdate = "update"
	opDelete = "delete"
)

// netRow is what a run made of one row.
type netRow struct {
	op     string
	fate   string
	key    []v1.ColumnValue // before the run
	before []v1.ColumnValue
	after  []v1.ColumnValue
	gone   bool // inserted and deleted again
	at     int  // place of its first effect
}

// fold turns the effects on the rows of one table into what became of each row: an insert and its updates
// are one insert, updates are one update, what was inserted and deleted never was. Two inserts stay two,
// and so does whatever names no key. What was refused touched no row and stays by itself.
func fold(effects []v1.Effect) []netRow {
	var rows []netRow
	live := map[string]int{} // key to the row that has it now
	for i := range effects {
		e := &effects[i]
		next := netRow{op: e.Op, key: e.Key, before: e.Before, after: e.After, at: i}
		if e.Fate == fateRefused {
			next.fate = fateRefused
		}
		name := keyText(e.Key)
		at, known := live[name]
		if len(e.Key) == 0 || next.fate != "" {
			known = false
		}
		if !known || !rows[at].takes(e) {
			rows = append(rows, next)
			at = len(rows) - 1
		}
		if len(e.Key) == 0 || next.fate != "" {
			continue
		}
		delete(live, name)
		if !rows[at].gone {
			live[keyText(moved(e.Key, e.After))] = at
		}
	}
	rows = slices.DeleteFunc(rows, func(r netRow) bool { return r.gone })
	for i := range rows {
		if rows[i].op == opUpdate {
			rows[i].before, rows[i].after = changed(rows[i].before, rows[i].after)
		}
	}
	return slices.DeleteFunc(rows, func(r netRow) bool { return r.op == opUpdate && len(r.after) == 0 })
}

// takes folds a later effect on the same row into r, or says that it is another row.
func (r *netRow) takes(e *v1.Effect) bool {
	switch {
	case e.Op == opInsert && r.op == opDelete && len(r.before) > 0:
		r.op, r.after = opUpdate, e.After
	case e.Op == opUpdate && r.op == opInsert:
		r.after = override(r.after, e.After)
	case e.Op == opUpdate && r.op == opUpdate:
		r.before, r.after = override(e.Before, r.before), override(r.after, e.After)
	case e.Op == opDelete && r.op == opInsert:
		r.gone = true
	case e.Op == opDelete && r.op == opUpdate:
		r.op, r.before, r.after = opDelete, override(e.Before, r.before), nil
	default:
		return false
	}
	return true
}

// override is base with the columns of over in their place, and those that base lacks behind.
func override(base, over []v1.ColumnValue) []v1.ColumnValue {
	out := slices.Clone(base)
	for _, c := range over {
		if i := column(out, c.Name); i >= 0 {
			out[i] = c
		} else {
			out = append(out, c)
		}
	}
	return out
}

// moved is a key after a change of some columns.
func moved(key, after []v1.ColumnValue) []v1.ColumnValue {
	out := slices.Clone(key)
	for i := range out {
		if at := column(after, out[i].Name); at >= 0 {
			out[i] = after[at]
		}
	}
	return out
}

// changed leaves the columns that are not what they were.
func changed(before, after []v1.ColumnValue) (was, is []v1.ColumnValue) {
	for _, c := range after {
		i := column(before, c.Name)
		if i >= 0 && same(before[i].Value, c.Value) {
			continue
		}
		is = append(is, c)
		if i >= 0 {
			was = append(was, before[i])
		}
	}
	return was, is
}

func column(list []v1.ColumnValue, name string) int {
	return slices.IndexFunc(list, func(c v1.ColumnValue) bool { return c.Name == name })
}

func same(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// keyText is a key as one text: other keys have others.
func keyText(key []v1.ColumnValue) string {
	var b strings.Builder
	for i := range key {
		b.WriteString(key[i].Name)
		b.WriteByte(0)
		if v := key[i].Value; v != nil {
			b.WriteByte('=')
			b.WriteString(strings.ReplaceAll(*v, "\x00", "\x00\x01"))
		}
		b.WriteByte(0)
	}
	return b.String()
}

package data

import (
	"strconv"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
)

// side is one of the two, as an index.
type side uint8

const (
	oldSide side = iota
	newSide
)

// sides are both, for loops.
func sides() [2]side { return [2]side{oldSide, newSide} }

// String is old or new.
func (s side) String() string {
	if s == oldSide {
		return v1.SideOld
	}
	return v1.SideNew
}

func (s side) other() side { return 1 - s }

// keyText is a key as text that is different for different keys; columns whose collation folds case fold here
// too, or two spellings of one row would be taken for two.
func keyText(t *row.Table, key row.Key) string {
	n := 0
	for _, v := range key {
		n += len(v.Text) + 4
	}
	b := make([]byte, 0, n)
	for i, v := range key {
		if v.Null {
			b = append(b, '-', ';')
			continue
		}
		text := v.Text
		if i < len(t.Key) && t.Columns[t.Key[i]].Fold {
			text = strings.ToLower(text)
		}
		b = strconv.AppendInt(b, int64(len(text)), 10)
		b = append(b, ':')
		b = append(b, text...)
	}
	return string(b)
}

// same says whether two rows hold the same values.
func same(a, b row.Row) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// named are the values of a row with their columns' names, for people.
func named(t *row.Table, r row.Row) []v1.ColumnValue {
	if r == nil {
		return nil
	}
	list := make([]v1.ColumnValue, 0, len(r))
	for i, v := range r {
		c := v1.ColumnValue{Name: t.Columns[i].Name}
		if !v.Null {
			c.Value = &v.Text
		}
		list = append(list, c)
	}
	return list
}

// namedKey are the values of a key with their columns' names.
func namedKey(t *row.Table, k row.Key) []v1.ColumnValue {
	list := make([]v1.ColumnValue, 0, len(k))
	for i, v := range k {
		c := v1.ColumnValue{Name: t.Columns[t.Key[i]].Name}
		if !v.Null {
			c.Value = &v.Text
		}
		list = append(list, c)
	}
	return list
}

// weigh is about how many bytes a row takes in memory.
func weigh(r row.Row) int64 {
	n := int64(24)
	for i := range r {
		n += int64(len(r[i].Text)) + 24
	}
	return n
}

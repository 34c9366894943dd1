package dialect

import (
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/migrate/row"
)

// Sortable says that the index of the primary key serves ranges: its order is ours.
func (d *Dialect) Sortable(t *row.Table) bool {
	for _, at := range t.Key {
		if c := &t.Columns[at]; c.Type == row.Text && !c.Binary || c.Type == row.UUID && d.mysql() {
			return false
		}
	}
	return true
}

// order is a key's column as it is sorted and compared.
func (d *Dialect) order(c *row.Column) string {
	ref := d.Quote(c.Name)
	switch {
	case c.Type == row.Text && !c.Binary && d.mysql():
		return "CAST(CONVERT(" + ref + " USING utf8mb4) AS BINARY)"
	case c.Type == row.Text && !c.Binary && d.postgres():
		return ref + `::text COLLATE "C"`
	case c.Type == row.UUID && d.mysql():
		return "CAST(" + ref + " AS CHAR)"
	}
	return ref
}

// bound writes the argument that order is compared with.
func (b *builder) bound(c *row.Column, v row.Value) {
	switch {
	case c.Type == row.Text && !c.Binary && b.d.mysql() && !v.Null:
		b.placeholder([]byte(v.Text))
	case c.Type == row.Text && !c.Binary && b.d.postgres():
		b.args = append(b.args, b.d.Bind(c, v))
		b.WriteString(b.d.mark(len(b.args)) + "::text")
	default:
		b.param(c, v)
	}
}

// within writes the condition of a range: above after, up to and with until.
func (b *builder) within(t *row.Table, after, until row.Key) {
	word := " WHERE "
	if after != nil {
		b.add(word)
		b.above(t, after)
		word = " AND "
	}
	if until != nil {
		b.add(word)
		b.upTo(t, until)
		word = " AND "
	}
	if prefix := b.d.prefix(t, after, until); prefix != "" {
		// All between two texts that begin alike begin so too, in any collation: the index can serve that.
		b.add(word, b.d.Quote(t.Columns[t.Key[0]].Name), " LIKE ")
		b.placeholder(prefix)
	}
}

// prefix is a LIKE pattern for what the first column of both ends begins with, "" when it would not help.
func (d *Dialect) prefix(t *row.Table, after, until row.Key) string {
	if !d.mysql() || after == nil || until == nil {
		return ""
	}
	c := &t.Columns[t.Key[0]]
	if c.Type != row.Text || c.Binary {
		return ""
	}
	a, u := after[0].Text, until[0].Text
	n := 0
	for n < len(a) && n < len(u) && a[n] == u[n] && a[n] < 0x80 && a[n] >= ' ' {
		n++ // ASCII: a collation may take several others together for one
	}
	if n == 0 {
		return ""
	}
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(a[:n]) + "%"
}

// above writes that the key is behind k.
func (b *builder) above(t *row.Table, k row.Key) { b.beyond(t, k, " > ", false) }

// upTo writes that the key is not behind k.
func (b *builder) upTo(t *row.Table, k row.Key) { b.beyond(t, k, " < ", true) }

// beyond compares column by column: a > 1 OR (a = 1 AND b > 2), with a >= 1 in front, which an index serves.
func (b *builder) beyond(t *row.Table, k row.Key, op string, equal bool) {
	last := len(t.Key) - 1
	column := func(i int) *row.Column { return &t.Columns[t.Key[i]] }
	term := func(i int, op string) {
		b.add(b.d.order(column(i)), op)
		b.bound(column(i), k[i])
	}
	tail := op
	if equal {
		tail = strings.TrimRight(op, " ") + "= "
	}
	if last == 0 {
		term(0, tail)
		return
	}
	b.add("(")
	term(0, strings.TrimRight(op, " ")+"= ")
	b.add(" AND (")
	for i := range t.Key {
		if i > 0 {
			b.add(" OR ")
		}
		b.add("(")
		for j := range i {
			term(j, " = ")
			b.add(" AND ")
		}
		if i == last {
			term(i, tail)
		} else {
			term(i, op)
		}
		b.add(")")
	}
	b.add("))")
}

func (b *builder) orderBy(t *row.Table) {
	b.add(" ORDER BY ")
	for i, at := range t.Key {
		if i > 0 {
			b.add(", ")
		}
		b.add(b.d.order(&t.Columns[at]))
	}
}

func (b *builder) limit(n, offset int64) {
	b.add(" LIMIT ", strconv.FormatInt(n, 10))
	if offset > 0 {
		b.add(" OFFSET ", strconv.FormatInt(offset, 10))
	}
}

// Select is a column as it is read, so that row.Canon understands it.
func (d *Dialect) Select(c *row.Column, prefix string) string {
	ref := prefix + d.Quote(c.Name)
	switch {
	case c.Type == row.Float && c.Length == 32 && d.mysql():
		return ref + " + 0e0" // MariaDB prints a FLOAT with six digits
	case c.Type == row.Decimal && c.Native == "money":
		return ref + "::numeric"
	case c.Type == row.Text && d.postgres():
		return ref + "::text"
	}
	return ref
}

func (d *Dialect) selection(t *row.Table, at []int, prefix string) string {
	list := make([]string, 0, len(at))
	for _, i := range at {
		list = append(list, d.Select(&t.Columns[i], prefix))
	}
	return strings.Join(list, ", ")
}

// Page asks for up to limit rows of a range in the key's order.
func (d *Dialect) Page(t *row.Table, after, until row.Key, limit int) Query {
	b := d.builder()
	b.add("SELECT ", d.selection(t, all(t), ""), " FROM ", d.Table(t.Name))
	b.within(t, after, until)
	b.orderBy(t)
	b.limit(int64(limit), 0)
	return b.query()
}

// Boundary asks for the key of a range's row number n, counted from 1.
func (d *Dialect) Boundary(t *row.Table, after, until row.Key, n int64) Query {
	b := d.builder()
	b.add("SELECT ", d.selection(t, t.Key, ""), " FROM ", d.Table(t.Name))
	b.within(t, after, until)
	b.orderBy(t)
	b.limit(1, n-1)
	return b.query()
}

// Changed asks for keys of rows whose column at is in [from, until), by key behind after.
func (d *Dialect) Changed(t *row.Table, at int, from, until row.Value, after row.Key, limit int) Query {
	b := d.builder()
	c := &t.Columns[at]
	b.add("SELECT ", d.selection(t, t.Key, ""), " FROM ", d.Table(t.Name))
	b.within(t, after, nil)
	if after == nil {
		b.add(" WHERE ")
	} else {
		b.add(" AND ")
	}
	b.add(d.Quote(c.Name), " >= ")
	b.param(c, from)
	b.add(" AND ", d.Quote(c.Name), " < ")
	b.param(c, until)
	b.orderBy(t)
	b.limit(int64(limit), 0)
	return b.query()
}

package dialect

import (
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/migrate/row"
)

// Kind is what a database is.
type Kind string

// The kinds, as the node's configuration names them.
const (
	MariaDB   Kind = "mariadb"
	MySQL     Kind = "mysql"
	Postgres  Kind = "postgres"
	OpenGauss Kind = "opengauss"
	DM8       Kind = "dm8"
)

// Dialect is how one kind of database is spoken to.
type Dialect struct {
	Kind Kind
}

// For is the dialect of a kind, or false when there is none of that name.
func For(kind string) (*Dialect, bool) {
	switch k := Kind(kind); k {
	case MariaDB, MySQL, Postgres, OpenGauss, DM8:
		return &Dialect{k}, true
	}
	return nil, false
}

// mysql says that the database speaks as MySQL does.
func (d *Dialect) mysql() bool { return d.Kind == MariaDB || d.Kind == MySQL }

// postgres says that the database speaks as PostgreSQL does.
func (d *Dialect) postgres() bool { return d.Kind == Postgres || d.Kind == OpenGauss }

// Quote quotes a name.
func (d *Dialect) Quote(name string) string {
	q := `"`
	if d.mysql() {
		q = "`"
	}
	return q + strings.ReplaceAll(name, q, q+q) + q
}

// Table quotes the name of a table, which may have its schema in front: shop.orders.
func (d *Dialect) Table(name string) string {
	schema, table, ok := strings.Cut(name, ".")
	if !ok {
		return d.Quote(name)
	}
	return d.Quote(schema) + "." + d.Quote(table)
}

// Query is a statement and its arguments.
type Query struct {
	SQL  string
	Args []any
}

// builder writes a statement.
type builder struct {
	d *Dialect
	strings.Builder
	args []any
}

func (d *Dialect) builder() *builder { return &builder{d: d} }

func (b *builder) query() Query { return Query{b.String(), b.args} }

// add writes pieces of a statement.
func (b *builder) add(pieces ...string) {
	for _, p := range pieces {
		b.WriteString(p)
	}
}

// placeholder writes the place of an argument without a column.
func (b *builder) placeholder(v any) {
	b.args = append(b.args, v)
	b.WriteString(b.d.mark(len(b.args)))
}

// param writes the place of a value of a column.
func (b *builder) param(c *row.Column, v row.Value) {
	b.args = append(b.args, b.d.Bind(c, v))
	b.WriteString(b.d.Param(len(b.args), c))
}

func (d *Dialect) mark(n int) string {
	if d.postgres() {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

// list writes names, quoted.
func (d *Dialect) list(t *row.Table, at []int, prefix string) string {
	names := make([]string, 0, len(at))
	for _, i := range at {
		names = append(names, prefix+d.Quote(t.Columns[i].Name))
	}
	return strings.Join(names, ", ")
}

func all(t *row.Table) []int {
	at := make([]int, len(t.Columns))
	for i := range at {
		at[i] = i
	}
	return at
}

// literal quotes a text. It is for texts of rules, such as translations: values are arguments.
func (d *Dialect) literal(s string) string {
	if d.mysql() {
		return "_utf8mb4 X'" + hexOf(s) + "'" // no escape to get wrong, whatever the mode of the server
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func hexOf(s string) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		b = append(b, digits[s[i]>>4], digits[s[i]&15])
	}
	return string(b)
}

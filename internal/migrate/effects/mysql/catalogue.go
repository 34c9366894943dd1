package mysql

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"jindu.dev/jindu/internal/migrate/dialect"
	"jindu.dev/jindu/internal/migrate/row"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// catalogue remembers what the database says of its tables, for all sessions of a proxy. What is old is
// asked again, since tables are altered.
type catalogue struct {
	mu     sync.Mutex
	tables map[string]entry
}

type entry struct {
	table *table // nil: there is none
	at    time.Time
}

const maxCatalogue = 4096

func newCatalogue() *catalogue { return &catalogue{tables: map[string]entry{}} }

func (c *catalogue) get(key string, age time.Duration) (*table, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.tables[key]
	if !ok || time.Since(e.at) > age {
		return nil, false
	}
	return e.table, true
}

func (c *catalogue) put(key string, t *table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tables) >= maxCatalogue {
		clear(c.tables)
	}
	c.tables[key] = entry{t, time.Now()}
}

// table is what is known of a table.
type table struct {
	name          string
	engine        string
	transactional bool
	triggers      bool
	columns       []row.Column
	key           []int   // of the primary key
	unique        [][]int // of every unique key, the primary one among them
	partial       bool    // a unique key is of parts of columns or of expressions
	auto          int     // column that counts by itself, or -1
	readable      bool    // rows can be put into canonical text and found by their key
	list          string  // of expressions that read a row
}

// table asks for a table; nil when there is none.
func (s *session) table(l *link, t sqltext.Table) (*table, error) {
	schema, err := s.schemaOf(l, t)
	if err != nil || schema == "" {
		return nil, err
	}
	key := schema + "\x00" + t.Name
	if known, ok := s.catalog.get(key, s.limits.catalogAge); ok {
		return known, nil
	}
	known, err := s.askTable(l, schema, t.Name)
	if _, ok := errors.AsType[*serverError](err); ok {
		return nil, nil // nothing is known of it
	}
	if err != nil {
		return nil, err
	}
	s.catalog.put(key, known)
	return known, nil
}

func (s *session) schemaOf(l *link, t sqltext.Table) (string, error) {
	switch {
	case t.Schema != "":
		return t.Schema, nil
	case l != s.main:
		return s.Rule.Shadow.To, nil
	case s.schema == "":
		rows, _, _, err := l.ask("SELECT DATABASE()", 1)
		if err != nil || len(rows) != 1 {
			return "", err
		}
		s.schema = string(rows[0][0])
	}
	return s.schema, nil
}

// name is a name as a value in a statement, whatever the session's character set.
func name(s string) string { return "_utf8mb4 X'" + hexOf([]byte(s)) + "'" }

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(b))
	for _, x := range b {
		out = append(out, digits[x>>4], digits[x&15])
	}
	return string(out)
}

const maxColumns = 4096

func (s *session) askTable(l *link, schema, tableName string) (*table, error) {
	where := "table_schema = " + name(schema) + " AND table_name = " + name(tableName)
	rows, _, _, err := l.ask("SELECT engine, table_type, (SELECT COUNT(*) FROM information_schema.triggers WHERE event_object_schema = "+name(schema)+
		" AND event_object_table = "+name(tableName)+") FROM information_schema.tables WHERE "+where, 1)
	if err != nil || len(rows) != 1 || len(rows[0]) != 3 {
		return nil, err
	}
	t := &table{name: tableName, engine: string(rows[0][0]), triggers: string(rows[0][2]) != "0", auto: -1}
	if t.engine == "" {
		t.engine = strings.ToLower(string(rows[0][1]))
	}
	t.transactional = t.engine == "InnoDB" && string(rows[0][1]) == "BASE TABLE"
	if err := s.askColumns(l, t, schema); err != nil {
		return nil, err
	}
	return t, s.askKeys(l, t, where)
}

func (s *session) askColumns(l *link, t *table, schema string) error {
	d := &dialect.Dialect{Kind: dialect.MySQL}
	if s.mariadb {
		d.Kind = dialect.MariaDB
	}
	sql := strings.ReplaceAll(strings.ReplaceAll(d.Columns(), "DATABASE()", name(schema)), "?", name(t.name))
	rows, _, over, err := l.ask(sql, maxColumns)
	if err != nil {
		return err
	}
	t.readable = !over && len(rows) > 0
	for _, r := range rows {
		number := func(i int) int64 {
			n, _ := strconv.ParseInt(string(r[i]), 10, 64) // what is no number is 0, as an absent length
			return n
		}
		yes := func(i int) bool { return string(r[i]) == "1" }
		if len(r) != 13 {
			return errProtocol
		}
		c, err := d.Column(dialect.Native{Name: string(r[0]), Type: string(r[1]), Full: string(r[2]), Charset: string(r[3]), Collation: string(r[4]),
			Length: number(5), Precision: number(6), Scale: number(7), Nullable: yes(8), Filled: yes(9), Generated: yes(10), JSON: yes(11)})
		if err != nil {
			t.readable = false
		}
		t.columns = append(t.columns, c)
	}
	t.list = selectList(t.columns)
	return nil
}

func (s *session) askKeys(l *link, t *table, where string) error {
	rows, _, over, err := l.ask("SELECT index_name, column_name, sub_part IS NULL FROM information_schema.statistics WHERE "+where+" AND non_unique = 0 ORDER BY index_name, seq_in_index", maxColumns)
	if err != nil {
		return err
	}
	t.readable = t.readable && !over
	last := ""
	for _, r := range rows {
		at := t.column(string(r[1]))
		if at < 0 || string(r[2]) != "1" {
			t.partial = true
			continue
		}
		if string(r[0]) != last || len(t.unique) == 0 {
			last = string(r[0])
			t.unique = append(t.unique, nil)
		}
		n := len(t.unique) - 1
		t.unique[n] = append(t.unique[n], at)
		if last == "PRIMARY" {
			t.key = append(t.key, at)
		}
	}
	t.readable = t.readable && len(t.key) > 0
	rows, _, _, err = l.ask("SELECT column_name FROM information_schema.columns WHERE "+where+" AND extra LIKE '%auto_increment%'", 1)
	if err == nil && len(rows) == 1 {
		t.auto = t.column(string(rows[0][0]))
	}
	return err
}

// column is where a column is, whatever the case of its name, or -1.
func (t *table) column(name string) int {
	for i := range t.columns {
		if strings.EqualFold(t.columns[i].Name, name) {
			return i
		}
	}
	return -1
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// selectList reads each column so that its text depends on no setting of the session.
func selectList(columns []row.Column) string {
	var b strings.Builder
	for i := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		c := quote(columns[i].Name)
		switch columns[i].Type {
		case row.Text, row.JSON, row.UUID:
			c = "HEX(CONVERT(" + c + " USING utf8mb4))"
		case row.Bytes:
			c = "HEX(" + c + ")"
		case row.Bits:
			c += "+0"
		case row.Float:
			c += "+0e0"
		case row.Instant:
			c = "UNIX_TIMESTAMP(" + c + ")"
		}
		b.WriteString(c)
	}
	return b.String()
}

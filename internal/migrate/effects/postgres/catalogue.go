package postgres

import (
	"encoding/binary"
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
	table *table
	at    time.Time
}

const (
	maxCatalogue = 4096
	maxColumns   = 1700 // PostgreSQL has 1600 at most
)

func newCatalogue() *catalogue { return &catalogue{tables: map[string]entry{}} }

func (c *catalogue) get(key string, age time.Duration) *table {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.tables[key]
	if !ok || time.Since(e.at) > age {
		return nil
	}
	return e.table
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
	undone   bool // a rollback takes back all that a write of it does, as far as can be told
	columns  []row.Column
	key      []int   // of the primary key
	unique   [][]int // of every unique key, the primary one among them
	partial  bool    // a unique key is of expressions, or of some rows only
	readable bool    // rows can be put into canonical text and found by their key
}

// textValues are parameters as Bind has them.
func textValues(values ...string) []byte {
	b := []byte{0, 0, 0, byte(len(values))}
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	return b
}

var textOID = []byte{0, 0, 0, 25}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// full is a table's name as regclass reads it.
func full(t sqltext.Table) string {
	if t.Schema != "" {
		return quote(t.Schema) + "." + quote(t.Name)
	}
	return quote(t.Name)
}

// table asks for a table; nil when there is none.
func (s *session) table(l *link, t sqltext.Table) (*table, error) {
	// What a name means depends on the session's search path, so it is asked each time.
	found, err := l.ask(`SELECT c.oid, c.relkind, c.relhassubclass OR c.relhasrules OR EXISTS (SELECT 1 FROM pg_catalog.pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal),
 pg_catalog.current_database(), pg_catalog.has_table_privilege(c.oid, 'SELECT') FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)`,
		asking{oids: textOID, values: textValues(full(t)), most: 1})
	if err != nil || len(found.rows) != 1 || len(found.rows[0]) != 5 {
		return nil, err
	}
	r := found.rows[0]
	key := string(r[3]) + "\x00" + string(r[0])
	if known := s.catalog.get(key, s.limits.catalogAge); known != nil {
		return known, nil
	}
	known := &table{readable: string(r[4]) == "t"}
	if known.undone, err = s.undone(l, string(r[1]), string(r[2]) == "t"); err != nil {
		return nil, err
	}
	if kind := string(r[1]); kind == "r" || kind == "p" {
		if err := s.askColumns(l, known, full(t)); err != nil {
			return nil, err
		}
		if err := s.askKeys(l, known, full(t)); err != nil {
			return nil, err
		}
	} else {
		known.readable = false
	}
	s.catalog.put(key, known)
	return known, nil
}

// undone says whether writes of a table are taken back by a rollback: not where they might reach a table of
// another server.
func (s *session) undone(l *link, kind string, indirect bool) (bool, error) {
	switch {
	case kind == "r" && !indirect:
		return true, nil
	case kind != "r" && kind != "p" && kind != "v":
		return false, nil
	}
	r, err := l.ask("SELECT 1 FROM pg_catalog.pg_class WHERE relkind = 'f' LIMIT 1", asking{most: 1})
	return len(r.rows) == 0, err
}

func (s *session) askColumns(l *link, t *table, name string) error {
	d := &dialect.Dialect{Kind: dialect.Postgres}
	r, err := l.ask(strings.ReplaceAll(d.Columns(), "$1::regclass", "$1::text::regclass"), asking{oids: textOID, values: textValues(name), most: maxColumns})
	if err != nil {
		return err
	}
	t.readable = t.readable && !r.over && len(r.rows) > 0
	for _, cells := range r.rows {
		number := func(i int) int64 {
			n, _ := strconv.ParseInt(string(cells[i]), 10, 64) // what is no number is 0, as an absent length
			return n
		}
		yes := func(i int) bool { return string(cells[i]) == "t" }
		if len(cells) != 13 {
			return errProtocol
		}
		c, err := d.Column(dialect.Native{Name: string(cells[0]), Type: string(cells[1]), Full: string(cells[2]), Charset: string(cells[3]), Collation: string(cells[4]),
			Length: number(5), Precision: number(6), Scale: number(7), Nullable: yes(8), Filled: yes(9), Generated: yes(10), JSON: yes(11), Fold: yes(12)})
		if err != nil {
			t.readable = false
		}
		t.columns = append(t.columns, c)
	}
	return nil
}

func (s *session) askKeys(l *link, t *table, name string) error {
	r, err := l.ask(`SELECT i.indexrelid, i.indisprimary, i.indpred IS NOT NULL OR i.indexprs IS NOT NULL, a.attname
FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS u(attnum, ord)
 LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum AND u.attnum > 0
WHERE i.indrelid = $1::text::regclass AND (i.indisunique OR i.indisexclusion) AND u.ord <= i.indnkeyatts ORDER BY i.indexrelid, u.ord`,
		asking{oids: textOID, values: textValues(name), most: maxColumns})
	if err != nil {
		return err
	}
	last := ""
	for _, cells := range r.rows {
		at := -1
		if cells[3] != nil {
			at = t.column(string(cells[3]))
		}
		if string(cells[2]) == "t" || at < 0 {
			t.partial = true
			continue
		}
		if string(cells[0]) != last {
			last = string(cells[0])
			t.unique = append(t.unique, nil)
		}
		t.unique[len(t.unique)-1] = append(t.unique[len(t.unique)-1], at)
		if string(cells[1]) == "t" {
			t.key = append(t.key, at)
		}
	}
	t.readable = t.readable && !r.over && len(t.key) > 0
	return nil
}

// column is where a column is, or -1.
func (t *table) column(name string) int {
	for i := range t.columns {
		if t.columns[i].Name == name {
			return i
		}
	}
	return -1
}

// list reads each column so that its text depends on no setting of the session.
func (t *table) list(prefix string) string {
	var b strings.Builder
	for i := range t.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		ref := prefix + "." + quote(t.columns[i].Name)
		switch t.columns[i].Type {
		case row.Bytes:
			ref = "'\\x'||pg_catalog.encode(" + ref + ", 'hex')"
		case row.Date, row.Local:
			ref = "pg_catalog.to_json(" + ref + ")#>>'{}'"
		case row.Instant:
			ref = "pg_catalog.replace((pg_catalog.to_json(" + ref + " AT TIME ZONE 'UTC')#>>'{}')||'Z', 'yZ', 'y')" // only infinity ends in y
		case row.Decimal:
			if t.columns[i].Native == "money" {
				ref += "::numeric"
			}
			ref += "::text"
		default:
			ref += "::text"
		}
		b.WriteString(ref)
	}
	return b.String()
}

// notUndone says why a rollback might not take a write back, "" when it does.
func (s *session) notUndone(p *prepared) (string, error) {
	tables, ok := sqltext.Tables(p.text, s.options())
	if !ok {
		return "the proxy cannot tell which tables it writes", nil
	}
	if p.info.Verb == "copy" && len(tables) > 1 {
		tables = tables[:1] // the others are STDIN
	}
	for _, t := range tables {
		if t.Catalog != "" {
			return "the proxy does not know the table " + t.Name, nil
		}
		known, err := s.table(s.main, t)
		if err != nil {
			return "", err
		}
		switch {
		case known == nil:
			return "the proxy does not find table " + nameOf(t), nil
		case !known.undone:
			return "table " + nameOf(t) + ", or one that it leads to, may be of another server, which rolls nothing back; use divert", nil
		}
	}
	return "", nil
}

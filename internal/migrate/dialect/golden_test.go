package dialect

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
)

var update = flag.Bool("update", false, "write the golden files anew")

// natives are the columns of a table of each kind, as its catalogue would tell them.
var natives = map[Kind][]Native{
	MariaDB: {
		{Name: "id", Type: "bigint", Full: "bigint(20) unsigned"},
		{Name: "no", Type: "varchar", Full: "varchar(32)", Charset: "utf8mb4", Collation: "utf8mb4_general_ci", Length: 32},
		{Name: "code", Type: "char", Full: "char(8)", Charset: "latin1", Collation: "latin1_bin", Length: 8, Nullable: true},
		{Name: "amount", Type: "decimal", Full: "decimal(12,2)", Precision: 12, Scale: 2},
		{Name: "num", Type: "int", Full: "int(6) unsigned zerofill", Nullable: true},
		{Name: "flag", Type: "tinyint", Full: "tinyint(1)", Nullable: true},
		{Name: "ratio", Type: "float", Full: "float", Nullable: true},
		{Name: "raw", Type: "varbinary", Full: "varbinary(16)", Length: 16, Nullable: true},
		{Name: "day", Type: "date", Full: "date", Nullable: true},
		{Name: "clock", Type: "time", Full: "time(3)", Scale: 3, Nullable: true},
		{Name: "wall", Type: "datetime", Full: "datetime(6)", Scale: 6},
		{Name: "at", Type: "timestamp", Full: "timestamp", Nullable: true},
		{Name: "ref", Type: "uuid", Full: "uuid", Nullable: true},
		{Name: "bits", Type: "bit", Full: "bit(10)", Precision: 10, Nullable: true},
		{Name: "ver", Type: "bigint", Full: "bigint(20)"},
		{Name: "owner", Type: "enum", Full: "enum('old','new')", Charset: "utf8mb4", Collation: "utf8mb4_general_ci"},
	},
	Postgres: {
		{Name: "id", Type: "int8", Full: "bigint"},
		{Name: "no", Type: "varchar", Full: "character varying(32)", Collation: "en_US.UTF-8", Length: 32},
		{Name: "code", Type: "bpchar", Full: "character(8)", Collation: "C", Length: 8, Nullable: true},
		{Name: "amount", Type: "numeric", Full: "numeric(12,2)", Scale: 2},
		{Name: "num", Type: "numeric", Full: "numeric", Scale: -1, Nullable: true},
		{Name: "flag", Type: "bool", Full: "boolean", Nullable: true},
		{Name: "ratio", Type: "float4", Full: "real", Nullable: true},
		{Name: "raw", Type: "bytea", Full: "bytea", Nullable: true},
		{Name: "day", Type: "date", Full: "date", Nullable: true},
		{Name: "clock", Type: "time", Full: "time(3) without time zone", Scale: 3, Nullable: true},
		{Name: "wall", Type: "timestamp", Full: "timestamp without time zone", Scale: 6},
		{Name: "at", Type: "timestamptz", Full: "timestamp(0) with time zone", Nullable: true},
		{Name: "ref", Type: "uuid", Full: "uuid", Nullable: true},
		{Name: "bits", Type: "varbit", Full: "bit varying(10)", Length: 10, Nullable: true},
		{Name: "ver", Type: "int8", Full: "bigint"},
		{Name: "owner", Type: "mood", Full: `"Mood"`},
	},
	DM8: {
		{Name: "ID", Type: "BIGINT"},
		{Name: "NO", Type: "VARCHAR2", Length: 32},
		{Name: "CODE", Type: "CHAR", Length: 8, Nullable: true},
		{Name: "AMOUNT", Type: "DECIMAL", Precision: 12, Scale: 2},
		{Name: "NUM", Type: "NUMBER", Nullable: true},
		{Name: "FLAG", Type: "BIT", Nullable: true},
		{Name: "RAW", Type: "VARBINARY", Length: 16, Nullable: true},
		{Name: "DAY", Type: "DATE", Nullable: true},
		{Name: "CLOCK", Type: "TIME", Nullable: true},
		{Name: "WALL", Type: "TIMESTAMP", Scale: 6},
		{Name: "AT", Type: "DATETIME WITH TIME ZONE", Nullable: true},
		{Name: "VER", Type: "BIGINT"},
		{Name: "OWNER", Type: "VARCHAR", Length: 8},
	},
}

func tableOf(t *testing.T, d *Dialect) *row.Table {
	t.Helper()
	kind := d.Kind
	switch kind {
	case MySQL:
		kind = MariaDB
	case OpenGauss:
		kind = Postgres
	}
	table := &row.Table{Name: "shop.orders", Key: []int{1, 0}}
	for _, n := range natives[kind] {
		if strings.EqualFold(n.Name, "ratio") && d.Kind != MariaDB && d.Kind != Postgres || n.Type == "uuid" && d.Kind == MySQL {
			continue // without an expression, or not there
		}
		c, err := d.Column(n)
		if err != nil {
			t.Fatal(err)
		}
		table.Columns = append(table.Columns, c)
	}
	return table
}

func sample(c *row.Column) row.Value {
	switch c.Type {
	case row.Bool:
		return row.Value{Text: "true"}
	case row.Integer:
		return row.Value{Text: "4711"}
	case row.Decimal, row.Float:
		return row.Value{Text: "12.5"}
	case row.Bytes:
		return row.Value{Text: "00ff"}
	case row.Date:
		return row.Value{Text: "2026-11-23"}
	case row.Clock:
		return row.Value{Text: "10:11:12"}
	case row.Local:
		return row.Value{Text: "2026-11-23T10:11:12.5"}
	case row.Instant:
		return row.Value{Text: "2026-11-23T10:11:12Z"}
	case row.UUID:
		return row.Value{Text: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}
	case row.Bits:
		return row.Value{Text: "0000000101"}
	}
	return row.Value{Text: "ORD-1"}
}

// TestStatements holds every statement of every dialect. Those of openGauss and DM8 are held only here.
func TestStatements(t *testing.T) {
	for _, kind := range []Kind{MariaDB, MySQL, Postgres, OpenGauss, DM8} {
		t.Run(string(kind), func(t *testing.T) {
			d, ok := For(string(kind))
			if !ok {
				t.Fatal("no such dialect")
			}
			var out strings.Builder
			say := func(what string, q Query) {
				fmt.Fprintf(&out, "-- %s\n%s;\n", what, q.SQL)
				for i, a := range q.Args {
					if list, ok := a.([]*string); ok {
						var all []string
						for _, s := range list {
							if s == nil {
								all = append(all, "NULL")
							} else {
								all = append(all, *s)
							}
						}
						a = all
					}
					fmt.Fprintf(&out, "--   %d: %T %v\n", i+1, a, a)
				}
			}
			for _, def := range d.Setup() {
				say("make "+def.Name, Query{SQL: def.SQL})
			}
			say("lock row", Query{SQL: d.LockRow()})
			say("columns", Query{SQL: d.Columns(), Args: []any{d.CatalogueName("shop.orders")}})
			say("key", Query{SQL: d.KeyColumns()})
			say("position", Query{SQL: d.Position()})
			say("set position", Query{SQL: d.SetPosition()})
			f := d.Fence()
			for _, s := range []string{f.Lock, f.Exists, f.Insert, f.Delete, f.Here, f.Shared, f.Check} {
				say("fence", Query{SQL: s})
			}
			say("outbox", Query{SQL: d.Outbox()})
			say("lag", Query{SQL: d.Lag()})
			table := tableOf(t, d)
			full, empty := make(row.Row, len(table.Columns)), make(row.Row, len(table.Columns))
			for i := range table.Columns {
				full[i] = sample(&table.Columns[i])
				empty[i] = row.Value{Null: table.Columns[i].Nullable}
				if !empty[i].Null {
					empty[i] = full[i]
				}
			}
			low, high := table.KeyOf(full), row.Key{{Text: "ORD-9"}, {Text: "4712"}}
			all := make([]int, len(table.Columns))
			for i := range all {
				all[i] = i
			}
			sum, ok := d.Sum(table, low, high, nil)
			if !ok {
				t.Error("no sum")
			}
			say("sum", sum)
			say("page", d.Page(table, low, nil, 100))
			say("boundary", d.Boundary(table, nil, high, 1000))
			say("changed", d.Changed(table, table.Index(d.name("wall")), full[table.Index(d.name("wall"))], full[table.Index(d.name("wall"))], low, 10))
			say("find", d.Find(table, all, []row.Key{low, high}, true))
			say("find one", d.Find(table, table.Key, []row.Key{low}, false))
			say("insert", d.Insert(table, []row.Row{full, empty}))
			change, ok := d.Update(table, []row.Row{full, empty}, []int{2})
			if !ok {
				t.Error("no update")
			}
			say("update", change)
			say("delete", d.Delete(table, []row.Key{low, high}))
			say("note", d.Note([]row.Row{{{Text: "orders"}, {Text: "00ff"}, {Text: "7"}, {Text: "true"}}}))
			say("park", d.Park(row.Row{{Text: "s"}, {Text: "1"}, {Text: "00ff"}}))
			say("parked", d.Parked("s", "1", 10))
			say("owned", d.Owned(table, table.Index(d.name("owner")), row.Value{Text: "old"}, 100))
			say("set owner", d.SetOwner(table, table.Index(d.name("owner")), row.Value{Text: "new"}, table.Index(d.name("ver")), []row.Key{low, high}))
			mapped, ok := d.Sum(table, nil, nil, mappingOf(t, d, table))
			if !ok {
				t.Error("no sum of mapped rows")
			}
			say("mapped sum", mapped)
			golden(t, filepath.Join("testdata", string(kind)+".golden.sql"), out.String())
		})
	}
}

// name is a column's name as the kind writes it in these tests.
func (d *Dialect) name(s string) string {
	if d.Kind == DM8 {
		return strings.ToUpper(s)
	}
	return s
}

// mappingOf carries a table to one that is much like it.
func mappingOf(t *testing.T, d *Dialect, old *row.Table) *row.Mapping {
	t.Helper()
	n := d.name
	to := &row.Table{Name: "orders2", Key: old.Key, Columns: append([]row.Column(nil), old.Columns...)}
	rule := v1.TableRule{Name: "orders", To: "orders2", Columns: []v1.ColumnRule{
		{From: []string{n("code")}, To: []string{n("code")}, Values: map[string]string{"a'b": "津"}},
	}}
	to.Columns[to.Index(n("flag"))].Type = row.Integer
	amount := to.Index(n("amount"))
	to.Columns[amount].Scale = 4
	if d.Kind != DM8 {
		to.Columns[amount] = row.Column{Name: "cents", Type: row.Integer}
		rule.Columns = append(rule.Columns, v1.ColumnRule{From: []string{"amount"}, To: []string{"cents"}, Scale: 2}, v1.ColumnRule{From: []string{"wall"}, To: []string{"wall"}, Zone: "Asia/Shanghai"})
		to.Columns[to.Index("wall")].Type = row.Instant
	}
	m, err := row.NewMapping(rule, old, to)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		for i := range g {
			if i >= len(w) || g[i] != w[i] {
				t.Errorf("%s:%d\ngot  %s\nwant %s\n(go test -update writes it anew)", path, i+1, g[i], append(w, make([]string, len(g))...)[i])
				return
			}
		}
		t.Errorf("%s is longer", path)
	}
}

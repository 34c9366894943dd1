package sqltext

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestTables(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 1": "",
		"SELECT a.x, b.y FROM a, shop.b c JOIN `d``e` ON a.x = c.y, f WHERE g.x IN (SELECT z FROM h)": "a shop.b d`e f h",
		"SELECT (SELECT MAX(x) FROM i), TRIM(BOTH 'x' FROM y), EXTRACT(DAY FROM z) FROM j":            "i j",
		"SELECT * FROM (a, (b JOIN c USING (x)))":                                                     "a b c",
		"SELECT * FROM (SELECT 1 FROM d) x, e":                                                        "d e",
		"WITH x AS (SELECT * FROM a), y (c) AS (SELECT 1) SELECT * FROM x, y, b":                      "a b",
		"INSERT INTO s.t (a, b) SELECT c, d FROM e ON DUPLICATE KEY UPDATE f = g.h":                   "s.t e",
		"INSERT t VALUES (1)":                                    "t",
		"UPDATE a, b SET x = 1, y = 2 WHERE z":                   "a b",
		"UPDATE a.b.c SET x = 1":                                 "a.b.c",
		"DELETE FROM t USING u WHERE 1":                          "t u",
		"DELETE a FROM a JOIN b ON 1":                            "a b",
		"SELECT a FROM t FOR UPDATE":                             "t",
		"SELECT * FROM t WHERE a IS DISTINCT FROM b":             "t",
		"REPLACE INTO t SELECT INSERT(a,1,1,'x') FROM u":         "t u",
		"TRUNCATE TABLE t":                                       "t",
		"SELECT * FROM JSON_TABLE('[]', '$') j, t":               "t",
		"SELECT * FROM t PARTITION (p0, p1) USE INDEX (i, k), u": "t u",
		"SELECT * FROM a UNION SELECT * FROM .b":                 "a b",
	} {
		got, ok := Tables(sql, Options{})
		var names []string
		for _, n := range got {
			names = append(names, strings.TrimLeft(n.Catalog+"."+n.Schema+"."+n.Name, "."))
		}
		if s := strings.Join(names, " "); !ok || s != want {
			t.Errorf("%q: %q %v, want %q", sql, s, ok, want)
		}
	}
	for _, sql := range []string{"SELECT 'torn", "SELECT 1; SELECT 2", "SELECT * FROM {OJ a JOIN b ON 1}", "SELECT * FROM a.b.c.d", "SELECT 1)", "SELECT * FROM /*!50000 x */ y", "SELECT * FROM a."} {
		if got, ok := Tables(sql, Options{}); ok {
			t.Errorf("%q: sure of %v", sql, got)
		}
	}
	if got, ok := Tables(`DELETE FROM ONLY Shop."Orders" USING U`, Options{Dialect: Postgres}); !ok || fmt.Sprint(got) != "[{ shop Orders} {  u}]" {
		t.Errorf("%v %v", got, ok)
	}
}

func TestShapes(t *testing.T) {
	for sql, want := range map[string]Shape{
		"UPDATE stock SET n = n - 1, m = ? WHERE sku = ? AND n > (SELECT 1 LIMIT 1) ORDER BY sku LIMIT ?;": {Op: Update, Table: Table{Name: "stock"}, Named: "stock",
			Where: "sku = ? AND n > (SELECT 1 LIMIT 1)", Tail: "ORDER BY sku LIMIT ?", Params: []int{1, 2}, Sets: []string{"n", "m"}, Count: 3},
		"update `a`.`b` as x set x.`c` = 'WHERE'":   {Op: Update, Table: Table{Schema: "a", Name: "b"}, Named: "`a`.`b` as x", Alias: "x", Sets: []string{"c"}},
		"DELETE FROM t x WHERE x.a = 1 RETURNING a": {Op: Delete, Table: Table{Name: "t"}, Named: "t x", Alias: "x", Where: "x.a = 1", Returning: true},
		"DELETE LOW_PRIORITY IGNORE FROM t":         {Op: Delete, Table: Table{Name: "t"}, Named: "t", Ignore: true},
		"INSERT INTO t (a, `b`) VALUES (?, -5), (DEFAULT, NOW()), (NULL, 'x')": {Op: Insert, Table: Table{Name: "t"}, Named: "t", Columns: []string{"a", "b"}, Count: 1,
			Rows: [][]Value{{{Parameter, "?", 0}, {Literal, "-5", 0}}, {{DefaultValue, "DEFAULT", 0}, {Expression, "NOW()", 0}}, {{Null, "NULL", 0}, {Literal, "'x'", 0}}}},
		"INSERT IGNORE t SET a = 1, b = ? ON DUPLICATE KEY UPDATE b = VALUES(b), c = 2": {Op: Insert, Table: Table{Name: "t"}, Named: "t", Columns: []string{"a", "b"},
			Rows: [][]Value{{{Literal, "1", 0}, {Parameter, "?", 0}}}, Ignore: true, Upsert: true, Updates: []string{"b", "c"}, Count: 1},
		"REPLACE INTO t VALUES (TRUE)": {Op: Replace, Table: Table{Name: "t"}, Named: "t", Rows: [][]Value{{{Literal, "TRUE", 0}}}},
		"INSERT INTO t () VALUES ()":   {Op: Insert, Table: Table{Name: "t"}, Named: "t", Columns: []string{}, Rows: [][]Value{{}}},
	} {
		if got, ok := ShapeOf(sql, Options{}); !ok || !reflect.DeepEqual(*got, want) {
			t.Errorf("%q: %v\n got %s\nwant %s", sql, ok, show(got), show(&want))
		}
	}
	for sql, want := range map[string]Shape{
		`INSERT INTO t AS x (a, b, "C") VALUES ($2, '7'::uuid, $1) ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE x.c > 1 RETURNING *`: {Op: Insert, Table: Table{Name: "t"}, Named: "t AS x", Alias: "x",
			Columns: []string{"a", "b", "C"}, Rows: [][]Value{{{Parameter, "$2", 1}, {Literal, "'7'::uuid", 0}, {Parameter, "$1", 0}}}, Upsert: true, Updates: []string{"b"}, Returning: true, Count: 2},
		"INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING": {Op: Insert, Table: Table{Name: "t"}, Named: "t", Columns: []string{"a"}, Rows: [][]Value{{{Parameter, "$1", 0}}}, Ignore: true, Count: 1},
		"INSERT INTO t DEFAULT VALUES":                         {Op: Insert, Table: Table{Name: "t"}, Named: "t", Columns: []string{}, Rows: [][]Value{{}}},
		"UPDATE ONLY T SET a = $1 WHERE b = $2 AND c = $1":     {Op: Update, Table: Table{Name: "t"}, Named: "T", Where: "b = $2 AND c = $1", Params: []int{1, 0}, Sets: []string{"a"}, Count: 2},
	} {
		if got, ok := ShapeOf(sql, Options{Dialect: Postgres}); !ok || !reflect.DeepEqual(*got, want) {
			t.Errorf("%q: %v\n got %s\nwant %s", sql, ok, show(got), show(&want))
		}
	}
}

func show(s *Shape) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestWhatIsNotSimple(t *testing.T) {
	for _, sql := range []string{
		"SELECT 1", "CREATE TABLE t (a INT)", "INSERT INTO t SELECT 1", "INSERT INTO t (a) SELECT 1", "INSERT INTO t (a) VALUES (1) AS n ON DUPLICATE KEY UPDATE a = n.a",
		"UPDATE a, b SET x = 1", "UPDATE a JOIN b ON 1 SET x = 1", "UPDATE t PARTITION (p) SET x = 1", "UPDATE t SET x = (@y := 1)", "UPDATE t SET x",
		"DELETE a FROM a JOIN b ON 1", "DELETE FROM a USING b", "DELETE FROM t WHERE", "DELETE FROM t WHERE (@x := 1)", "DELETE FROM t WHERE a)", "DELETE FROM t.*",
		"WITH x AS (SELECT 1) DELETE FROM t", "INSERT INTO t (a, b) VALUES (1)", "INSERT INTO t (a) VALUES", "INSERT INTO t (a) VALUES (1", "INSERT INTO t (a,",
		"INSERT INTO t VALUES (1) ON", "INSERT INTO t VALUES (1) ON DUPLICATE", "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", "UPDATE t SET", "UPDATE", "UPDATE t AS SET x = 1",
		"UPDATE t SET a = 1 /*!50000 WHERE b */", "INSERT INTO t VALUES (1) x", "UPDATE t SET a = 1; DELETE FROM t",
	} {
		if got, ok := ShapeOf(sql, Options{}); ok {
			t.Errorf("%q is simple: %s", sql, show(got))
		}
	}
	for _, sql := range []string{"UPDATE t SET a = 1 FROM u", "UPDATE t SET (a, b) = (1, 2)", "DELETE FROM t WHERE CURRENT OF c", "INSERT t VALUES (1)", "REPLACE INTO t VALUES (1)",
		"INSERT INTO t DEFAULT", "INSERT INTO t VALUES (1) ON CONFLICT DO", "INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE"} {
		if got, ok := ShapeOf(sql, Options{Dialect: Postgres}); ok {
			t.Errorf("%q is simple: %s", sql, show(got))
		}
	}
	s := &Shape{Sets: []string{"A"}, Updates: []string{"b"}}
	if !s.SetsColumn("a", strings.EqualFold) || !s.SetsColumn("b", strings.EqualFold) || s.SetsColumn("c", strings.EqualFold) {
		t.Error("columns that are set")
	}
}

// FuzzSQL: nothing panics, tokens lie in order, and a comment in front changes nothing.
func FuzzSQL(f *testing.F) {
	for _, s := range []string{"SELECT 1", "/*!50000 SELECT */ 'a\\'b'", "INSERT INTO t (a) VALUES (?, 'x') ON DUPLICATE KEY UPDATE a = 1", "UPDATE t SET a = $1 WHERE b = E'\\''",
		"WITH a (b) AS (SELECT 1) DELETE FROM t USING u", "SELECT $x$ ' $x$, @@global.x, `a``b`", "COPY t FROM STDIN", "SET @@session.x = 1, GLOBAL y = 2",
		"/*jindu:5f0c9a1b22334455:s:12:4711*/ SELECT 1", "EXPLAIN ANALYZE SELECT \"a\\\"b\"", "DELETE FROM a.b c WHERE 1 ORDER BY 2 LIMIT 3 RETURNING *", "SELECT '\xbf\\'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		for _, o := range []Options{{}, {NoBackslash: true, Multibyte: true}, {Dialect: Postgres}, {Dialect: Postgres, Backslash: true}} {
			s := NewScanner([]byte(sql), o)
			for end := 0; ; {
				tok := s.Next()
				if tok.Start < end || tok.End < tok.Start || tok.End > len(sql) {
					t.Fatalf("token %+v behind %d of %q", tok, end, sql)
				}
				if end = tok.End; tok.Kind == End || tok.Kind == Bad {
					break
				}
			}
			is := Classify(sql, o)
			if led := Classify("/* x */ "+sql, o); led.Class != is.Class {
				t.Errorf("%q: %v, behind a comment %v", sql, is.Class, led.Class)
			}
			tables, ok := Tables(sql, o)
			if shape, simple := ShapeOf(sql, o); simple {
				if !strings.Contains(sql, shape.Where) || !strings.Contains(sql, shape.Tail) || !strings.Contains(sql, shape.Named) {
					t.Errorf("%q: %s", sql, show(shape))
				}
				if slices.Max(append(shape.Params, -1)) >= shape.Count {
					t.Errorf("%q: parameters %v of %d", sql, shape.Params, shape.Count)
				}
				if is.Class < Write {
					t.Errorf("%q is a simple write and %v", sql, is.Class)
				}
				if ok && !slices.Contains(tables, shape.Table) {
					t.Errorf("%q: %v is not of %v", sql, shape.Table, tables)
				}
			}
		}
		if m, rest, ok := Mark(sql); ok && (!strings.Contains(sql, m.String()) || !strings.HasSuffix(sql, rest)) {
			t.Errorf("%q: mark %v, rest %q", sql, m, rest)
		}
	})
}

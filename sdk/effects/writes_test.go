package effects

import (
	"strings"
	"testing"
)

func TestWhatWritesIsTold(t *testing.T) {
	for text, want := range map[string]string{ // dialects: write, verb, table
		"SELECT 1": "both r select ",
		"  select * from t where a = 'x; delete'":       "both r select t",
		"(SELECT 1) UNION (SELECT 2)":                   "both r select ",
		"SELECT * FROM t FOR UPDATE":                    "both r select t",
		"SELECT * FROM t FOR NO KEY UPDATE":             "both r select t",
		"SELECT a INTO b FROM t":                        "both w select b",
		"SELECT 1; DELETE FROM t":                       "both w select t",
		"SELECT 1;":                                     "both r select ",
		"SELECT 1; -- and no more":                      "both r select ",
		"WITH x AS (SELECT 1) SELECT * FROM x":          "both r with x",
		"WITH x AS (DELETE FROM t RETURNING 1) TABLE x": "both w with t",
		"EXPLAIN ANALYZE UPDATE t SET a = 1":            "both w explain ",
		"EXPLAIN SELECT 1":                              "both r explain ",
		"INSERT INTO t VALUES (1)":                      "both w insert t",
		"insert into s.t (a) values (1)":                "both w insert s.t",
		"UPDATE t SET a = 1":                            "both w update t",
		"UPDATE ONLY t SET a = 1":                       "both w update ",
		"DELETE FROM t":                                 "both w delete t",
		"REPLACE INTO t VALUES (1)":                     "both w replace t",
		"TRUNCATE t":                                    "both w truncate ",
		"CREATE TABLE t (a INT)":                        "both w create ",
		"CALL p()":                                      "both w call ",
		"/* a */ -- b\n INSERT INTO t VALUES (1)":       "both w insert t",
		"BEGIN":                                "both r begin ",
		"COMMIT":                               "both r commit ",
		"SET x = 1":                            "both r set ",
		"":                                     "both r  ",
		"SHOW TABLES":                          "both r show ",
		"SELECT 'a''b; c'":                     "both r select ",
		"SELECT 'open":                         "both w select ",
		"SELECT /* open":                       "both w select ",
		"SELECT \"a;b\" FROM \"t;u\"":          "both r select t;u",
		"SELECT '\\'; DELETE FROM t; -- '":     "mysql r select ",
		"SELECT '\\'; DELETE FROM t; -- ' ":    "postgres w select t",
		"SELECT E'\\'; DELETE FROM t; --'":     "postgres r select ",
		"SELECT $$; DELETE$$, $a$ $$; $a$, $1": "postgres r select ",
		"SELECT $a$ open":                      "postgres w select ",
		"SELECT /* /* */ ; DELETE */ 1":        "postgres r select ",
		"SELECT /* /* */ ; DELETE FROM t -- */ 1": "mysql w select t",
		"SELECT 1 # ; DELETE FROM t":              "mysql r select ",
		"SELECT 1 # ; DELETE FROM t ":             "postgres w select t",
		"SELECT 1 /*! INTO OUTFILE 'x' */":        "mysql w select ",
		"SELECT /*M!100100 1 */":                  "mysql w select ",
		"INSERT INTO `a b` VALUES (1)":            "mysql w insert a b",
	} {
		part := strings.SplitN(want, " ", 4)
		for d, name := range map[Dialect]string{MySQL: "mysql", Postgres: "postgres"} {
			if part[0] != "both" && part[0] != name || strings.Contains(text, `"t;u"`) && d == MySQL {
				continue
			}
			write, verb, table := writes(d, text)
			if write != (part[1] == "w") || verb != part[2] || table != part[3] {
				t.Errorf("%s: %s: %t %q %q", name, text, write, verb, table)
			}
		}
	}
}

// FuzzWrites: it ends, and what follows a statement that it takes for a read makes it a write.
func FuzzWrites(f *testing.F) {
	for _, s := range []string{"SELECT 1", "WITH x AS (SELECT 'a''b') SELECT $$;$$", "SELECT E'\\'' /* /* */ */", "select `a` # b\n", "-- x\nSELECT \"b\"", "INSERT INTO t VALUES (1)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, d := range []Dialect{MySQL, Postgres} {
			write, verb, table := writes(d, s)
			if verb == "" && (write || table != "") {
				t.Errorf("%q: %t %q", s, write, table)
			}
			if after, _, _ := writes(d, s+"\n; DELETE FROM t"); write && !after {
				t.Errorf("%q with more behind it writes no longer", s)
			}
			if again, v, tab := writes(d, "/*jindu:0123456789abcdef:p:1:-*/ "+s); again != write || v != verb || tab != table {
				t.Errorf("%q with a mark: %t %q %q", s, again, v, tab)
			}
		}
	})
}

package binlog

import (
	"fmt"
	"strings"
	"testing"

	"jindu.dev/jindu/internal/migrate/dbtest"
	"jindu.dev/jindu/internal/migrate/row"
)

// typed are columns and values of every type.
var typed = []struct{ def, values string }{
	{"TINYINT", "-128|127|0|NULL"}, {"TINYINT UNSIGNED", "255|0"}, {"TINYINT(1)", "1|0|7|-3"}, {"SMALLINT", "-32768|32767"}, {"SMALLINT UNSIGNED", "65535"},
	{"MEDIUMINT", "-8388608|8388607|-1"}, {"MEDIUMINT UNSIGNED", "16777215"}, {"INT", "-2147483648|2147483647"}, {"INT UNSIGNED", "4294967295"},
	{"BIGINT", "-9223372036854775808|9223372036854775807"}, {"BIGINT UNSIGNED", "18446744073709551615"}, {"YEAR", "2026|1901|0"},
	{"DECIMAL(10,2)", "12.50|-0.01|0|-99999999.99|99999999.99"}, {"DECIMAL(65,30)", "12345678901234567890123456789012345.123456789012345678901234567890|-0.000000000000000000000000000001"},
	{"DECIMAL(5,0)", "-7|99999"}, {"DECIMAL(9,9)", "0.123456789|-0.5"}, {"DECIMAL(20,5) UNSIGNED", "123456789012345.6"},
	{"FLOAT", "0.1|-3.4e38|16777217|0"}, {"DOUBLE", "0.1|1e300|-1e-300|123456789.123"},
	{"BIT(1)", "b'1'|b'0'"}, {"BIT(5)", "b'10110'"}, {"BIT(64)", "b'1000000000000000000000000000000000000000000000000000000000000001'"},
	{"DATE", "'2026-11-23'|'1000-01-01'|'9999-12-31'|'0000-00-00'"}, {"TIME", "'12:34:56'|'-838:59:59'|'838:59:59'|'-00:00:01'"},
	{"TIME(6)", "'12:34:56.123456'|'-00:00:00.000001'|'-01:02:03.5'"}, {"TIME(3)", "'-00:00:00.010'|'23:59:59.999'"}, {"TIME(1)", "'-00:00:00.9'"},
	{"DATETIME", "'2026-11-23 01:02:03'|'0000-00-00 00:00:00'"}, {"DATETIME(6)", "'2026-11-23 01:02:03.000450'|'9999-12-31 23:59:59.999999'"}, {"DATETIME(2)", "'2026-11-23 01:02:03.40'"},
	{"TIMESTAMP NULL", "'2026-11-23 01:02:03'|NULL"}, {"TIMESTAMP(6) NULL", "'2026-11-23 01:02:03.120000'|'1970-01-01 00:00:01.000001'|'2038-01-19 03:14:07.999999'"}, {"TIMESTAMP(3) NULL", "'2026-11-23 01:02:03.5'"},
	{"CHAR(5)", "'ab'|''|'a b'"}, {"CHAR(100) CHARACTER SET utf8mb4", "'津渡'|REPEAT('渡',100)"}, {"VARCHAR(20)", "'津渡 x '|''"}, {"VARCHAR(300)", "REPEAT('é',300)"},
	{"VARCHAR(20) CHARACTER SET latin1", "'café €'"}, {"VARCHAR(20) CHARACTER SET gbk", "'津渡'|'abc'"}, {"CHAR(20) CHARACTER SET gbk", "'渡'"}, {"VARCHAR(20) CHARACTER SET ucs2", "'渡a'"},
	{"VARCHAR(20) CHARACTER SET big5", "'渡'"}, {"TEXT CHARACTER SET sjis", "'日本'"}, {"VARCHAR(20) CHARACTER SET ascii", "'ok'"}, {"TEXT CHARACTER SET utf16", "'渡a'"}, {"TEXT CHARACTER SET cp1251", "'Привет'"},
	{"TINYTEXT", "'t'"}, {"TEXT", "'津渡'"}, {"MEDIUMTEXT", "REPEAT('m',70000)"}, {"LONGTEXT", "'l'"},
	{"BINARY(4)", "x'0100'|x'00000000'|x'ffffffff'"}, {"VARBINARY(10)", "x'0100'|''"}, {"TINYBLOB", "x'00ff'"}, {"BLOB", "x'00'"}, {"MEDIUMBLOB", "x'aabb'"}, {"LONGBLOB", "x'00'|REPEAT(x'ff',70000)"},
	{"ENUM('a','it''s','津')", "'a'|'it''s'|'津'|NULL"}, {"SET('x','y','z')", "'x,z'|''|'y'"}, {"ENUM('甲','乙') CHARACTER SET gbk", "'乙'"},
	{"INET6", "'::1'|'2001:db8::1'|'::ffff:1.2.3.4'|'::'"}, {"INET4", "'1.2.3.4'|'0.0.0.0'"}, {"POINT", "POINT(1,2)|NULL"},
	{"JSON", `'{"b": 1.50, "a": [true, null, "津"], "c": 1e2}'|'[]'|NULL`},
	{"UUID", "'123e4567-e89b-12d3-a456-426655440000'|'00000000-0000-0000-0000-000000000000'|'018f4567-e89b-7cc3-98c4-dc0c0c07398f'|'f81d4fae-7dec-41d0-a765-00a0c91e6bf6'|'ffffffff-ffff-ffff-ffff-ffffffffffff'"},
}

func TestEveryTypeIsWhatASelectGives(t *testing.T) {
	for _, packed := range []bool{false, true} {
		t.Run(fmt.Sprint("compressed=", packed), func(t *testing.T) {
			var args []string
			if packed {
				args = []string{"--log-bin-compress=ON", "--log-bin-compress-min-len=10", "--binlog-row-metadata=FULL"}
			}
			w := newWorld(t, dbtest.NewMariaDB(t, args...))
			everyType(t, w)
		})
	}
}

func everyType(t *testing.T, w *world) {
	t.Helper()
	var defs, names []string
	most := 0
	for i, c := range typed {
		defs = append(defs, fmt.Sprintf("c%d %s", i, c.def))
		names = append(names, fmt.Sprintf("c%d", i))
		most = max(most, len(strings.Split(c.values, "|")))
	}
	w.exec("CREATE TABLE t (id INT PRIMARY KEY, gen INT AS (id+1) VIRTUAL, " + strings.Join(defs, ",") + ", kept INT AS (id*2) STORED) CHARACTER SET utf8mb4 ROW_FORMAT=DYNAMIC")
	s := w.source(Options{Logger: testLog(t)})
	f := follow(t, s, w.here(s), "t")
	conn, err := w.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, q := range []string{"SET sql_mode='ALLOW_INVALID_DATES'", "SET time_zone='+08:00'"} {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for n := range most {
		var vals []string
		for _, c := range typed {
			v := strings.Split(c.values, "|")
			vals = append(vals, v[min(n, len(v)-1)])
		}
		if _, err := conn.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO t (id,%s) VALUES (%d,%s)", strings.Join(names, ","), n, strings.Join(vals, ","))); err != nil {
			t.Fatal(err)
		}
		x := f.next()
		if len(x.Changes) != 1 {
			t.Fatal(len(x.Changes))
		}
		c := x.Changes[0]
		compareWithSelect(t, w, n, c.Table, c.After)
	}
	if _, err := conn.ExecContext(t.Context(), "UPDATE t SET c0=5 WHERE id=0"); err != nil {
		t.Fatal(err)
	}
	x := f.next()
	if len(x.Changes) != 1 || x.Changes[0].Before == nil || x.Changes[0].Before[1].Text != "-128" || x.Changes[0].After[1].Text != "5" {
		t.Errorf("%+v", x)
	}
	compareWithSelect(t, w, 0, x.Changes[0].Table, x.Changes[0].After)
	f.close()
}

// compareWithSelect reads the row as the store does and holds each column against the change's.
func compareWithSelect(t *testing.T, w *world, id int, table *row.Table, got row.Row) {
	t.Helper()
	conn, err := w.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(t.Context(), "SET time_zone='+00:00'"); err != nil {
		t.Fatal(err)
	}
	var cols []string
	for _, c := range table.Columns {
		e := "`" + c.Name + "`"
		if c.Type == row.Float {
			e = "CAST(" + e + " AS DOUBLE)"
		}
		if c.Type == row.Date || c.Type == row.Local || c.Type == row.Instant {
			e = "CAST(" + e + " AS CHAR)"
		}
		cols = append(cols, e)
	}
	vals := make([][]byte, len(cols))
	ptrs := make([]any, len(cols))
	for i := range vals {
		ptrs[i] = &vals[i]
	}
	if err := conn.QueryRowContext(t.Context(), fmt.Sprintf("SELECT %s FROM t WHERE id=%d", strings.Join(cols, ","), id)).Scan(ptrs...); err != nil {
		t.Fatal(err)
	}
	for i := range vals {
		c := &table.Columns[i]
		var v any = vals[i]
		if vals[i] == nil {
			v = nil
		}
		want, err := row.Canon(c, v)
		if err != nil {
			t.Errorf("%s %s: %v", c.Name, c.Native, err)
			continue
		}
		if got[i] != want {
			t.Errorf("%s %s: %.60q, a SELECT gives %.60q (null %v %v)", c.Name, c.Native, got[i].Text, want.Text, got[i].Null, want.Null)
		}
	}
}

package sqldb

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

// kinds are columns of both databases that hold the same facts, and the facts.
var kinds = []struct {
	name, maria, postgres string
	facts                 []string
}{
	{"flag", "TINYINT(1)", "BOOLEAN", []string{"true", "false"}},
	{"tiny", "TINYINT", "SMALLINT", []string{"0", "-128", "127"}},
	{"small", "SMALLINT UNSIGNED", "INTEGER", []string{"0", "65535"}},
	{"medium", "MEDIUMINT(8) ZEROFILL", "INTEGER", []string{"7", "0", "16777215"}},
	{"whole", "INT", "INTEGER", []string{"0", "-1", "-2147483648", "2147483647"}},
	{"big", "BIGINT", "BIGINT", []string{"9223372036854775807", "-9223372036854775808", "9007199254740993"}},
	{"huge", "BIGINT UNSIGNED", "NUMERIC(20,0)", []string{"18446744073709551615", "0"}},
	{"year", "YEAR", "INTEGER", []string{"2026", "1901", "0"}},
	{"money", "DECIMAL(12,2)", "NUMERIC(12,2)", []string{"0", "12.5", "-0.01", "9999999999.99", "100", "-1200"}},
	{"exact", "DECIMAL(65,30)", "NUMERIC", []string{"0.000000000000000000000000000001", "12345678901234567890123456789012345.123456789012345678901234567891", "10", "-7.25"}},
	{"units", "DECIMAL(10,0)", "NUMERIC(10,0)", []string{"0", "1000", "-20"}},
	{"single", "FLOAT", "REAL", []string{"0.10000000149011612", "1.5", "-340282346638528860000000000000000000000", "16777216", "0"}},
	{"double", "DOUBLE", "DOUBLE PRECISION", []string{
		"0.1", "0", "-1.5", "123456789012345680", "1234567890123456.8", "999999999999999.9", "0.00001", "-0.000000000000012345678901234567", "0.0000000000000000000000012345678901234567",
		plainly(math.MaxFloat64), plainly(-math.SmallestNonzeroFloat64), plainly(math.Pi * 1e-200), plainly(-1.25e200),
		"10000000000000000", "1000000000000000000000", "-2500000000000000000", "3.141592653589793",
	}},
	{"name", "VARCHAR(100)", "VARCHAR(100)", []string{"", "a", " spaces around ", "it's \"quoted\" \\ back", "津渡 🚢", "comma, 5:colon", "line\nbreak\ttab", "N", "Ünïcödé", "%_"}},
	{"fixed", "CHAR(8)", "CHAR(8)", []string{"", "ab", " ab", "12345678", "津"}},
	{"latin", "VARCHAR(20) CHARACTER SET latin1", "TEXT", []string{"caf\u00e9", "\u00df", ""}},
	{"gbk", "VARCHAR(20) CHARACTER SET gbk", "TEXT", []string{"订单", "abc"}},
	{"long", "MEDIUMTEXT", "TEXT", []string{strings.Repeat("长", 5000), ""}},
	{"choice", "ENUM('new','paid','it''s')", "TEXT", []string{"new", "paid", "it's"}},
	{"several", "SET('a','b','c')", "TEXT", []string{"", "a", "a,c"}},
	{"raw", "VARBINARY(32)", "BYTEA", []string{"", "00", "00ff10", "5c78", "deadbeef00"}},
	{"filled", "BINARY(4)", "BYTEA", []string{"00000000", "01020000", "ffffffff"}},
	{"blob", "LONGBLOB", "BYTEA", []string{strings.Repeat("ab00", 3000)}},
	{"day", "DATE", "DATE", []string{"2026-01-02", "1000-01-01", "9999-12-31", "0001-01-01"}},
	{"clock", "TIME", "TIME(0)", []string{"00:00:00", "23:59:59"}},
	{"clock6", "TIME(6)", "TIME", []string{"00:00:00.000001", "12:30:00", "12:30:00.5", "23:59:59.999999"}},
	{"local", "DATETIME", "TIMESTAMP(0)", []string{"2026-01-02T03:04:05", "1000-01-01T00:00:00", "9999-12-31T23:59:59", "2026-10-10T10:10:10"}},
	{"local6", "DATETIME(6)", "TIMESTAMP", []string{"2026-01-02T03:04:05.123456", "2026-01-02T03:04:05", "2026-01-02T03:04:05.1", "2026-01-02T03:04:00"}},
	{"instant", "TIMESTAMP NULL", "TIMESTAMPTZ(0)", []string{"2026-01-02T03:04:05Z", "1970-01-01T00:00:01Z", "2038-01-19T03:14:07Z", "2026-10-10T10:10:10Z"}},
	{"instant6", "TIMESTAMP(6) NULL", "TIMESTAMPTZ", []string{"2026-01-02T03:04:05.123456Z", "2026-01-02T03:04:05.5Z", "2026-01-02T03:04:00Z"}},
	{"id128", "UUID", "UUID", []string{"00000000-0000-0000-0000-000000000000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "ffffffff-ffff-4fff-bfff-ffffffffffff"}},
	{"bits", "BIT(10)", "BIT(10)", []string{"0000000000", "1111111111", "0000000101"}},
	{"bit", "BIT(1)", "BIT(1)", []string{"0", "1"}},
	{"bits64", "BIT(64)", "BIT(64)", []string{strings.Repeat("1", 64), strings.Repeat("0", 63) + "1"}},
}

func plainly(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func typeTables() (maria, postgres string) {
	var m, p strings.Builder
	m.WriteString("CREATE TABLE kinds (id INT PRIMARY KEY")
	p.WriteString("CREATE TABLE kinds (id INTEGER PRIMARY KEY")
	for _, k := range kinds {
		null := ""
		if !strings.Contains(k.maria, "NULL") {
			null = " NULL"
		}
		fmt.Fprintf(&m, ", `%s` %s%s", k.name, k.maria, null)
		fmt.Fprintf(&p, `, "%s" %s`, k.name, k.postgres)
	}
	return m.String() + ") CHARACTER SET utf8mb4", p.String() + ")"
}

// typeRows has each fact, and NULL in all columns once.
func typeRows() []row.Row {
	n := 0
	for _, k := range kinds {
		n = max(n, len(k.facts))
	}
	rows := make([]row.Row, 0, n+1)
	for i := range n + 1 {
		r := values(fmt.Sprint(i))
		for _, k := range kinds {
			v := row.Value{Null: i == n}
			if !v.Null {
				v.Text = k.facts[i%len(k.facts)]
			}
			r = append(r, v)
		}
		rows = append(rows, r)
	}
	return rows
}

func TestEveryTypeHasTheSameTextAndSumEverywhere(t *testing.T) {
	maria, pg := typeTables()
	m, p := mariadb(t, maria), postgres(t, pg)
	mt, pt := m.table(t, "kinds"), p.table(t, "kinds")
	rows := typeRows()
	for _, w := range []*world{m, p} {
		table := w.table(t, "kinds")
		writes := make([]data.Write, len(rows))
		for i, r := range rows {
			writes[i] = data.Write{Table: table, Row: r, Sequence: 1, VersionColumn: -1}
		}
		for i, fate := range w.apply(t, writes...) {
			if fate != data.Applied {
				t.Errorf("row %d is %v", i, fate)
			}
		}
		for round := range 2 {
			got := w.all(t, table)
			for i, r := range got {
				for j, v := range r {
					if v != rows[i][j] {
						t.Errorf("%s, round %d, column %s (%s): wrote %v, read %v", w.kind, round, table.Columns[j].Name, table.Columns[j].Native, rows[i][j], v)
					}
				}
			}
			if len(got) != len(rows) {
				t.Fatalf("%s: %d rows of %d", w.kind, len(got), len(rows))
			}
			for j := range table.Columns {
				one := &row.Table{Name: "kinds", Columns: []row.Column{table.Columns[0], table.Columns[j]}, Key: []int{0}}
				var pair []row.Row
				for _, r := range rows {
					pair = append(pair, row.Row{r[0], r[j]})
				}
				if sum := w.sum(t, one, nil); sum.Hash != one.Sum(pair) || sum.Rows != int64(len(rows)) {
					t.Errorf("%s: the sum of column %s (%s) is %x here and %x there", w.kind, table.Columns[j].Name, table.Columns[j].Native, sum.Hash, one.Sum(pair))
				}
			}
			if sum := w.sum(t, table, nil); sum.Hash != table.Sum(rows) {
				t.Errorf("%s: sums differ", w.kind)
			}
			// The second round is of updates: all rows again, with a later sequence.
			for i := range writes {
				writes[i].Sequence = 2
			}
			w.apply(t, writes...)
		}
	}
	mapping, err := row.NewMapping(v1.TableRule{Name: "kinds"}, mt, pt)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		there, err := mapping.Forward(r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range there {
			if there[i] != r[i] {
				t.Errorf("column %s: %v became %v", mt.Columns[i].Name, r[i], there[i])
			}
		}
		if lost := mapping.Lost(r); lost != nil {
			t.Errorf("lost %v", lost)
		}
	}
	if a, b := m.sum(t, mapping.Old(), mapping), p.sum(t, mapping.New(), nil); a != b {
		t.Errorf("mapped sum %v, other side %v", a, b)
	}
}

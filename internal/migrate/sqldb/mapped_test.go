package sqldb

import (
	"errors"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

// shopRule has every rule that SQL can say, between two schemas that agree in nothing but the facts.
var shopRule = v1.TableRule{
	Name: "t_order", To: "orders", Version: "ver", Money: []string{"amount"}, Settled: "utime", Skip: []string{"junk"},
	Columns: []v1.ColumnRule{
		{From: []string{"order_no"}, To: []string{"id"}},
		{From: []string{"amount"}, To: []string{"cents"}, Scale: 2},
		{From: []string{"weight"}, To: []string{"kilos"}, Scale: -3},
		{From: []string{"state"}, To: []string{"status"}, Values: map[string]string{"0": "new", "1": "paid", "2": "it's off"}},
		{From: []string{"grade"}, To: []string{"vip"}, Values: map[string]string{"gold": "true", "none": "false"}},
		{From: []string{"utime"}, To: []string{"updated"}, Zone: "Asia/Shanghai"},
		{From: []string{"memo"}, To: []string{"note"}, Null: "empty"},
		{From: []string{"alias"}, To: []string{"nick"}, Null: "empty"},
		{From: []string{"paid"}, To: []string{"settled"}, Type: "boolean"},
		{From: []string{"token"}, To: []string{"token"}},
		{To: []string{"origin"}, Default: new("old")},
	},
}

const oldShop = `CREATE TABLE t_order (order_no BIGINT UNSIGNED PRIMARY KEY, amount DECIMAL(12,2) NOT NULL, weight INT, state TINYINT NOT NULL, grade VARCHAR(8), utime DATETIME(3) NOT NULL,
 memo VARCHAR(20), alias VARCHAR(20) COLLATE utf8mb4_unicode_ci NOT NULL, paid INT, token BINARY(16), price DECIMAL(8,2), flag TINYINT(1), num INT(6) ZEROFILL, day DATE, junk INT, ver BIGINT NOT NULL)`

const newShop = `CREATE TABLE orders (id NUMERIC(20,0) PRIMARY KEY, cents BIGINT NOT NULL, kilos NUMERIC(12,4), status TEXT NOT NULL, vip BOOLEAN, updated TIMESTAMPTZ NOT NULL,
 note TEXT NOT NULL, nick TEXT, settled BOOLEAN, token UUID, price NUMERIC(10,4), flag SMALLINT, num NUMERIC, day TIMESTAMP(0), origin TEXT NOT NULL, extra INT, ver BIGINT NOT NULL)`

var shopRows = []row.Row{
	values("18446744073709551615", "12.5", "1500", "0", "gold", "2026-11-23T10:00:00.5", null, "", "1", "6ba7b8109dad11d180b400c04fd430c8", "1.25", "true", "7", "2026-01-02", "1"),
	values("1", "0", null, "1", "none", "1988-07-01T12:00:00", "", "x", "0", null, null, "false", null, null, "2"),
	values("2", "-0.01", "-7", "2", null, "1900-01-01T00:00:00", "津渡", "津", null, "00000000000000000000000000000000", "-3", null, "0", "1999-12-31", "9007199254740993"),
	values("3", "9999999999.99", "0", "1", "gold", "9999-12-31T23:59:59.999", "a,b", "it's", "1", null, "0.5", "true", "999999", null, "0"),
	values("4", "1", "2147483647", "0", "none", "1991-09-15T00:30:00", "N", "N", "0", null, "10", "false", "12", null, "3"),
	values("5", "1", "1", "0", "none", "1986-05-04T02:30:00", "N", "N", "0", null, "10", "false", "12", null, "3"),
	values("6", "1", "1", "0", "none", "2099-07-15T00:30:00.25", "", "", "0", null, "10", "false", "12", null, "3"),
}

func shops(t *testing.T) (o, n *world, m *row.Mapping) {
	t.Helper()
	o, n = mariadb(t, oldShop), postgres(t, newShop)
	m, err := row.NewMapping(shopRule, o.table(t, "t_order"), n.table(t, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	return o, n, m
}

// What the old side computes of mapped rows is what the new side computes of its own and what Go computes.
func TestASumOfMappedRowsIsThatOfTheOtherSide(t *testing.T) {
	o, n, m := shops(t)
	compared := &row.Table{Name: "orders"}
	var pick []int
	for i, c := range m.New().Columns {
		if i != m.Once()[0] {
			compared.Columns, pick = append(compared.Columns, c), append(pick, i)
		}
	}
	compared.Key = []int{compared.Index("id")}
	var there []row.Row
	for _, r := range shopRows {
		o.apply(t, data.Write{Table: m.Old(), Row: r, Sequence: 1, VersionColumn: -1})
		forward, err := m.Forward(r)
		if err != nil {
			t.Fatalf("%v: %v", r, err)
		}
		n.apply(t, data.Write{Table: m.New(), Row: forward, Sequence: 1, VersionColumn: -1, Once: m.Once()})
		var out row.Row
		for _, at := range pick {
			out = append(out, forward[at])
		}
		there = append(there, out)
		// Row by row, so that a difference says where it is.
		key := m.Old().KeyOf(r)
		forwardKey, err := m.ForwardKey(key)
		if err != nil {
			t.Fatal(err)
		}
		old, err := o.store.Rows(t.Context(), m.Old(), []row.Key{key})
		if err != nil || !sameRows(old, []row.Row{r}) {
			t.Errorf("wrote %v, the old side has %v: %v", r, old, err)
		}
		now, err := n.store.Rows(t.Context(), compared, []row.Key{forwardKey})
		if err != nil || !sameRows(now, []row.Row{out}) {
			t.Errorf("wrote %v, the new side has %v: %v", out, now, err)
		}
		back, err := m.Backward(forward)
		if lost := m.Lost(r); err != nil || (len(lost) == 0) != sameRows([]row.Row{back}, []row.Row{r}) {
			t.Errorf("%v came back as %v, lost %v: %v", r, back, lost, err)
		}
		if err := sumsAgree(t, o, n, m, compared, there); err != nil {
			t.Errorf("row %v: %v", r, err)
		}
	}
	// Column by column, the same.
	mapped := o.sum(t, m.Old(), m)
	if mapped.Hash != compared.Sum(there) || mapped.Rows != int64(len(there)) {
		t.Errorf("mapped %v, Go %x", mapped, compared.Sum(there))
	}
}

func sumsAgree(t *testing.T, o, n *world, m *row.Mapping, compared *row.Table, there []row.Row) error {
	t.Helper()
	a, b := o.sum(t, m.Old(), m), n.sum(t, compared, nil)
	if b.Hash != compared.Sum(there) {
		return errors.New("the sum of the new side is not Go's")
	}
	if a != b {
		return errors.New("the sum of the old side is not that of the new side")
	}
	return nil
}

func TestWhatHasNoSQLSaysSo(t *testing.T) {
	o := mariadb(t, "CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR(40))")
	n := postgres(t, "CREATE TABLE people (id INT PRIMARY KEY, first TEXT, last TEXT)")
	rule := v1.TableRule{Name: "people", Columns: []v1.ColumnRule{{From: []string{"name"}, To: []string{"first", "last"}, Split: " "}}}
	m, err := row.NewMapping(rule, o.table(t, "people"), n.table(t, "people"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.store.Sum(t.Context(), m.Old(), data.Range{}, m); !errors.Is(err, data.ErrNoSQL) {
		t.Error(err)
	}
}

// The same between two databases of one kind, and from PostgreSQL to MariaDB.
func TestMappedSumsTheOtherWayRound(t *testing.T) {
	rule := v1.TableRule{Name: "a", To: "b", Columns: []v1.ColumnRule{
		{From: []string{"amount"}, To: []string{"cents"}, Scale: 2},
		{From: []string{"at"}, To: []string{"at"}, Zone: "Asia/Shanghai"},
		{From: []string{"ok"}, To: []string{"ok"}, Values: map[string]string{"true": "Y", "false": "N"}},
		{From: []string{"note"}, To: []string{"note"}, Null: "empty"},
	}}
	old := postgres(t, "CREATE TABLE a (id INT PRIMARY KEY, amount NUMERIC(10,2), at TIMESTAMP(3), ok BOOLEAN, note TEXT, ref UUID, raw BYTEA, n BIGINT, d NUMERIC(8,2), flag BOOLEAN, day DATE)")
	rows := []row.Row{
		values("1", "1.5", "2026-11-23T10:00:00.25", "true", null, "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b8109dad11d180b400c04fd430c8", "1", "1.5", "true", "2026-01-01"),
		values("2", "0", "1990-08-01T00:00:00", "false", "x", null, null, "-5", "-0.01", "false", null),
		values("3", null, null, null, "", null, null, null, null, null, "2000-02-29"),
	}
	for _, n := range []*world{
		mariadb(t, "CREATE TABLE b (id BIGINT PRIMARY KEY, cents INT, at TIMESTAMP(6) NULL, ok CHAR(1), note VARCHAR(20) NOT NULL, ref VARBINARY(16), raw UUID, n DECIMAL(20,2), d DECIMAL(10,3), flag INT, day DATETIME)"),
		postgres(t, "CREATE TABLE b (id BIGINT PRIMARY KEY, cents INT, at TIMESTAMPTZ, ok TEXT, note TEXT NOT NULL, ref BYTEA, raw UUID, n NUMERIC(20,2), d NUMERIC(10,3), flag INT, day TIMESTAMP)"),
	} {
		m, err := row.NewMapping(rule, old.table(t, "a"), n.table(t, "b"))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			old.apply(t, data.Write{Table: m.Old(), Row: r, Sequence: 1, VersionColumn: -1})
			forward, err := m.Forward(r)
			if err != nil {
				t.Fatal(err)
			}
			n.apply(t, data.Write{Table: m.New(), Row: forward, Sequence: 1, VersionColumn: -1})
			if got := n.all(t, m.New()); got[len(got)-1][0] != forward[0] || !sameRows(got[len(got)-1:], []row.Row{forward}) {
				t.Errorf("%s: wrote %v, read %v", n.kind, forward, got[len(got)-1])
			}
			if key, err := m.ForwardKey(m.Old().KeyOf(r)); err != nil || !m.Ordered() || key[0] != r[0] {
				t.Error(key, err)
			}
			cut := data.Range{After: row.Key{{Text: "0"}}, Until: m.Old().KeyOf(r)}
			a, err := old.store.Sum(t.Context(), m.Old(), cut, m)
			if err != nil {
				t.Fatal(err)
			}
			if b := n.sum(t, m.New(), nil); a != b {
				t.Errorf("%s: row %v: %v there, %v here", n.kind, r, a, b)
			}
		}
		n.exec(t, "DELETE FROM b")
		old.exec(t, "DELETE FROM a")
		old.exec(t, "DELETE FROM jindu_version")
	}
}

package sqldb

import (
	"errors"
	"testing"

	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

const kinTable = "CREATE TABLE goods (id BIGINT, shelf VARCHAR(8), price DECIMAL(8,2), note TEXT NULL, seen DATETIME(3) NOT NULL, PRIMARY KEY (id, shelf))"

// TestKinSumsTellRowsApart: the same rows have the same sum, and whatever is done to a row changes it, two rows that
// change their values with each other among it.
func TestKinSumsTellRowsApart(t *testing.T) {
	w := mariadb(t, kinTable)
	w.exec(t, "CREATE TABLE others LIKE goods")
	a, b := w.table(t, "goods"), w.table(t, "others")
	store := w.store
	if store.Kin(a) == "" || store.Kin(a) != store.Kin(b) {
		t.Fatalf("%q, %q", store.Kin(a), store.Kin(b))
	}
	sum := func(table *row.Table, r data.Range) data.Sum {
		t.Helper()
		s, err := store.KinSum(t.Context(), table, r)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if got := sum(a, data.Range{}); got != (data.Sum{}) {
		t.Errorf("an empty table: %v", got)
	}
	rows := " VALUES (1, 'a', 1.50, NULL, '2026-01-01 00:00:00.100'), (1, 'b', 2.50, 'N', '2026-01-01 00:00:00.120'), (2, 'a', 3.50, '', '2026-01-01 00:00:00')"
	for _, name := range []string{"goods", "others"} {
		w.exec(t, "INSERT INTO "+name+rows)
	}
	same := sum(a, data.Range{})
	if same.Rows != 3 || same.Hash == 0 || sum(b, data.Range{}) != same {
		t.Fatalf("%v, %v", same, sum(b, data.Range{}))
	}
	low, high := data.Range{Until: row.Key(values("1", "b"))}, data.Range{After: row.Key(values("1", "b"))}
	if x, y := sum(a, low), sum(a, high); x.Rows != 2 || y.Rows != 1 || x.Hash+y.Hash != same.Hash {
		t.Errorf("parts %v and %v of %v", x, y, same)
	}
	for _, change := range []string{
		"UPDATE others SET price = price + 0.01 WHERE id = 2", "UPDATE others SET note = 'N' WHERE note IS NULL", "UPDATE others SET note = NULL WHERE note = 'N'",
		"UPDATE others SET seen = seen + INTERVAL 1000 MICROSECOND WHERE id = 2", "UPDATE others SET id = 3 WHERE id = 2",
		"UPDATE others SET price = 4.00 - price WHERE id = 1", // 1.50 and 2.50 change places
	} {
		w.exec(t, change)
		if got := sum(b, data.Range{}); got.Hash == same.Hash {
			t.Errorf("%s: the same sum", change)
		}
		w.exec(t, "DELETE FROM others")
		w.exec(t, "INSERT INTO others SELECT * FROM goods")
	}
	w.exec(t, "ALTER TABLE others MODIFY price DECIMAL(9,3)")
	if store.Kin(w.table(t, "others")) == store.Kin(a) {
		t.Error("columns of two types are alike")
	}
}

func TestOnlyDatabasesOfOneKindAreKin(t *testing.T) {
	w := postgres(t, "CREATE TABLE goods (id BIGINT PRIMARY KEY)")
	table := w.table(t, "goods")
	store := w.store
	if kin := store.Kin(table); kin != "" {
		t.Errorf("kin %q", kin)
	}
	if _, err := store.KinSum(t.Context(), table, data.Range{}); !errors.Is(err, data.ErrNoSQL) {
		t.Error(err)
	}
}

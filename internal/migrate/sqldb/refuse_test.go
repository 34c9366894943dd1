package sqldb

import (
	"errors"
	"testing"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dbtest"
)

func TestARefusedRowIsNamedAndNothingIsWritten(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (id INT PRIMARY KEY, code VARCHAR(5) NOT NULL UNIQUE, price DECIMAL(6,2) CHECK (price >= 0))")
		table := w.table(t, "goods")
		w.apply(t, upsert(table, 1, "1", "a", "1"), upsert(table, 1, "2", "b", "2"))
		good := upsert(table, 2, "3", "c", "3")
		for name, bad := range map[string]data.Write{
			"long":      upsert(table, 2, "4", "toolong", "1"),
			"null":      upsert(table, 2, "4", null, "1"),
			"check":     upsert(table, 2, "4", "d", "-1"),
			"range":     upsert(table, 2, "4", "d", "12345678"),
			"duplicate": upsert(table, 2, "4", "a", "1"),
			"update":    upsert(table, 2, "2", "a", "1"),
		} {
			_, err := w.store.Apply(t.Context(), "test", "2", []data.Write{good, upsert(table, 2, "1", "a", "9"), bad, good})
			refused, ok := errors.AsType[*data.RowError](err)
			if !ok || refused.Index != 2 || kind.Code(err) != "JD-SQLDB-006" {
				t.Errorf("%s, %s: %v", w.kind, name, err)
			}
		}
		if sum := w.sum(t, table, nil); sum.Rows != 2 {
			t.Errorf("%s: %d rows", w.kind, sum.Rows)
		}
		if at, _, err := w.store.Position(t.Context(), "test"); at != "1" || err != nil {
			t.Errorf("%s: position %s %v", w.kind, at, err)
		}
	})
}

// What is refused all at once may be right one behind the other.
func TestAValueThatWandersBetweenRowsIsApplied(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (id INT PRIMARY KEY, code VARCHAR(5) UNIQUE)")
		table := w.table(t, "goods")
		w.apply(t, upsert(table, 1, "1", "a"), upsert(table, 1, "2", "b"))
		fates := w.apply(t, upsert(table, 2, "2", "c"), upsert(table, 2, "3", "b"), upsert(table, 3, "3", null), upsert(table, 2, "1", "b"), upsert(table, 4, "3", "a"))
		for i, fate := range fates {
			if fate != data.Applied {
				t.Errorf("%s: write %d is %v", w.kind, i, fate)
			}
		}
		if got := w.all(t, table); !sameRows(got, w.all(t, table)) || got[0][1].Text != "b" || got[2][1].Text != "a" {
			t.Errorf("%s: %v", w.kind, got)
		}
	})
}

func TestARowWithoutItsParentSaysSo(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE orders (id INT PRIMARY KEY)")
		w.exec(t, "CREATE TABLE items (id INT PRIMARY KEY, orders INT NOT NULL, FOREIGN KEY (orders) REFERENCES orders (id))")
		orders, items := w.table(t, "orders"), w.table(t, "items")
		_, err := w.store.Apply(t.Context(), "test", "1", []data.Write{upsert(items, 1, "1", "1")})
		if refused, ok := errors.AsType[*data.RowError](err); !ok || refused.Index != 0 || kind.Of(err) != kind.Conflict {
			t.Errorf("%s: %v", w.kind, err)
		}
		w.apply(t, upsert(orders, 1, "1"), upsert(items, 1, "1", "1"), upsert(orders, 1, "2"), upsert(items, 1, "2", "2"))
		w.apply(t, remove(items, 2, "1"), remove(orders, 2, "1"))
		if w.sum(t, orders, nil).Rows != 1 || w.sum(t, items, nil).Rows != 1 {
			t.Errorf("%s: rows are left", w.kind)
		}
	})
}

func TestWhatIsNotThereIsNamed(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE keyless (id INT)")
		if _, err := w.store.Table(t.Context(), "keyless"); kind.Code(err) != "JD-SQLDB-011" {
			t.Errorf("%s: %v", w.kind, err)
		}
		if _, err := w.store.Table(t.Context(), "nowhere"); kind.Of(err) != kind.NotFound {
			t.Errorf("%s: %v", w.kind, err)
		}
		w.exec(t, "CREATE TABLE goods (id INT PRIMARY KEY)")
		table := w.table(t, "goods")
		w.exec(t, "DROP TABLE goods")
		if _, err := w.store.Apply(t.Context(), "test", "1", []data.Write{upsert(table, 1, "1")}); kind.Of(err) != kind.NotFound {
			t.Errorf("%s: %v", w.kind, err)
		}
		if _, err := w.store.Changed(t.Context(), table, "at", time.Time{}, time.Time{}, nil, 1); kind.Code(err) != "JD-SQLDB-005" {
			t.Errorf("%s: %v", w.kind, err)
		}
		if err := w.store.Prepare(t.Context()); err != nil { // again
			t.Errorf("%s: %v", w.kind, err)
		}
	})
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	server := dbtest.MariaDB(t)
	good := config(server, "mariadb", "x")
	for name, c := range map[string]struct {
		change func(*data.Database)
		code   string
	}{
		"kind":    {func(d *data.Database) { d.Kind = "oracle" }, "JD-SQLDB-001"},
		"dm8":     {func(d *data.Database) { d.Kind = "dm8" }, "JD-SQLDB-002"},
		"address": {func(d *data.Database) { d.Address = "nowhere" }, "JD-SQLDB-001"},
		"port":    {func(d *data.Database) { d.Kind, d.Address = "postgres", "127.0.0.1:x" }, "JD-SQLDB-001"},
		"plain":   {func(d *data.Database) { d.Address = "db.example:3306" }, "JD-SQLDB-001"},
		"tls":     {func(d *data.Database) { d.TLS = "maybe" }, "JD-SQLDB-001"},
		"ca":      {func(d *data.Database) { d.TLS, d.CA = "verify", "/nonexistent" }, "JD-SQLDB-001"},
		"no cert": {func(d *data.Database) { d.TLS, d.CA = "verify", "/dev/null" }, "JD-SQLDB-001"},
	} {
		d := good
		c.change(&d)
		if _, err := Open("shop", d, 0); kind.Code(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAUserWithoutPrivilegesIsToldWhich(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		var schema string
		d := config(w.server, w.kind, "")
		if w.kind == "mariadb" {
			if err := w.db.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&schema); err != nil {
				t.Fatal(err)
			}
			w.exec(t, "CREATE OR REPLACE USER weak@'%' IDENTIFIED BY 'jindu-test'")
			w.exec(t, "GRANT SELECT ON "+schema+".* TO weak@'%'")
			w.exec(t, "DROP TABLE jindu_parked")
		} else {
			if err := w.db.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&schema); err != nil {
				t.Fatal(err)
			}
			w.exec(t, "CREATE USER weak PASSWORD 'jindu-test'")
			t.Cleanup(func() { _, _ = w.server.DB(t, "").Exec("DROP USER weak") })
		}
		d.Schema, d.User = schema, "weak"
		weak, err := Open("shop", d, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = weak.Close() }()
		if err := weak.Prepare(t.Context()); kind.Code(err) != "JD-SQLDB-004" {
			t.Errorf("%s: %v", w.kind, err)
		}
	})
}

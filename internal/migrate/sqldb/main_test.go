package sqldb

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dbtest"
	"jindu.dev/jindu/internal/migrate/row"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is one database with a store on it.
type world struct {
	store  *Store
	db     *sql.DB
	server *dbtest.Server
	kind   string
}

func config(s *dbtest.Server, kind, schema string) data.Database {
	return data.Database{Kind: kind, Address: s.Addr, Schema: schema, User: s.User, Password: conf.NewSecret("test", s.Password), TLS: "off"}
}

func on(t testing.TB, s *dbtest.Server, kind string, statements ...string) *world {
	t.Helper()
	schema := s.Schema(t)
	db := s.DB(t, schema)
	opened, err := Open(kind, config(s, kind, schema), 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := opened.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &world{store: opened.(*Store), db: db, server: s, kind: kind}
	for _, q := range statements {
		w.exec(t, q)
	}
	return w
}

func mariadb(t testing.TB, statements ...string) *world {
	t.Helper()
	return on(t, dbtest.MariaDB(t), "mariadb", statements...)
}

func postgres(t testing.TB, statements ...string) *world {
	t.Helper()
	return on(t, dbtest.Postgres(t), "postgres", statements...)
}

// both runs a test on each database.
func both(t *testing.T, run func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("mariadb", func(t *testing.T) { run(t, mariadb(t)) })
	t.Run("postgres", func(t *testing.T) { run(t, postgres(t)) })
}

func (w *world) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := w.db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %s: %v", w.kind, query, err)
	}
}

func (w *world) table(t testing.TB, name string) *row.Table {
	t.Helper()
	table, err := w.store.Table(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func (w *world) all(t testing.TB, table *row.Table) []row.Row {
	t.Helper()
	rows, err := w.store.Read(t.Context(), table, data.Range{}, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func (w *world) apply(t testing.TB, writes ...data.Write) []data.Fate {
	t.Helper()
	fates, err := w.store.Apply(t.Context(), "test", "1", writes)
	if err != nil {
		t.Fatalf("%s: %v", w.kind, err)
	}
	return fates
}

func (w *world) sum(t testing.TB, table *row.Table, m *row.Mapping) data.Sum {
	t.Helper()
	sum, err := w.store.Sum(t.Context(), table, data.Range{}, m)
	if err != nil {
		t.Fatalf("%s: %v", w.kind, err)
	}
	return sum
}

// values makes a row; "\x00" is NULL.
func values(text ...string) row.Row {
	r := make(row.Row, len(text))
	for i, s := range text {
		r[i] = row.Value{Text: s}
		if s == null {
			r[i] = row.Value{Null: true}
		}
	}
	return r
}

const null = "\x00"

func upsert(t *row.Table, sequence int64, text ...string) data.Write {
	return data.Write{Table: t, Op: data.Update, Row: values(text...), Sequence: sequence, Version: sequence, VersionColumn: -1}
}

func remove(t *row.Table, sequence int64, key ...string) data.Write {
	r := make(row.Row, len(t.Columns))
	for i := range r {
		r[i].Null = true
	}
	for i, at := range t.Key {
		r[at] = row.Value{Text: key[i]}
	}
	return data.Write{Table: t, Op: data.Delete, Row: r, Sequence: sequence, Version: sequence, VersionColumn: -1}
}

func sameRows(a, b []row.Row) bool {
	return slices.EqualFunc(a, b, slices.Equal[row.Row])
}

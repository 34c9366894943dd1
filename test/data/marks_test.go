package data

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"jindu.dev/jindu/internal/migrate/dbtest"
	"jindu.dev/jindu/sdk/effects"
)

// wrapped is a pool that marks statements.
func wrapped(t *testing.T, e engine, schema string, o effects.SQL) *sql.DB {
	t.Helper()
	var db *sql.DB
	if e.name == "postgres" {
		var err error
		if db, err = effects.Open("pgx", e.server.DSN(schema), o); err != nil {
			t.Fatal(err)
		}
	} else {
		c, err := mysql.ParseDSN(e.server.DSN(schema))
		if err != nil {
			t.Fatal(err)
		}
		connector, err := mysql.NewConnector(c)
		if err != nil {
			t.Fatal(err)
		}
		db = sql.OpenDB(effects.Wrap(connector, o))
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// writes does every sort of write, marked 1 to 5.
func writes(t *testing.T, db *sql.DB, bind func(string) string) {
	t.Helper()
	one := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := db.ExecContext(marked(t.Context(), 1, -1), bind("INSERT INTO m VALUES (?, ?)"), 1, "a'b")
	one(err)
	s, err := db.PrepareContext(t.Context(), bind("INSERT INTO m VALUES (?, ?)"))
	one(err)
	_, err = s.ExecContext(marked(t.Context(), 2, -1), 2, "b")
	one(err)
	_, err = s.ExecContext(marked(t.Context(), 3, -1), 3, "c") // another run: prepared again
	one(err)
	one(s.Close())
	tx, err := db.BeginTx(marked(t.Context(), 4, -1), nil)
	one(err)
	_, err = tx.ExecContext(t.Context(), bind("UPDATE m SET name = ? WHERE id = ?"), "d", 1)
	one(err)
	s, err = tx.PrepareContext(t.Context(), bind("DELETE FROM m WHERE id = ?"))
	one(err)
	_, err = s.ExecContext(t.Context(), 3)
	one(err)
	one(s.Close())
	one(tx.Commit())
	tx, err = db.BeginTx(marked(t.Context(), 5, -1), nil)
	one(err)
	_, err = tx.ExecContext(t.Context(), bind("DELETE FROM m WHERE id = ?"), 2)
	one(err)
	one(tx.Rollback())
	var n int
	one(db.QueryRowContext(marked(t.Context(), 6, -1), bind("SELECT COUNT(*) FROM m WHERE id > ?"), 0).Scan(&n))
	if n != 2 {
		t.Errorf("%d rows", n)
	}
}

func TestMarksReachMariaDBsBinaryLog(t *testing.T) {
	e := engine{"mariadb", dbtest.MariaDB(t)}
	schema := e.server.Schema(t)
	admin := e.server.DB(t, schema)
	sqlExec(t, admin, "CREATE TABLE m (id INT PRIMARY KEY, name VARCHAR(10))")
	file := table(t, admin, "SHOW MASTER STATUS")[0][0]
	writes(t, wrapped(t, e, schema, effects.SQL{RequireMark: true}), func(s string) string { return s })
	var said []string
	for _, row := range table(t, admin, fmt.Sprintf("SHOW BINLOG EVENTS IN '%s'", file)) {
		if text := row[5]; row[2] == "Annotate_rows" && strings.Contains(text, "jindu:"+runID) {
			said = append(said, text)
		}
	}
	want := []string{
		"/*jindu:" + runID + ":p:1:-*/ INSERT INTO m VALUES (1, 'a\\'b')",
		"/*jindu:" + runID + ":p:2:-*/ INSERT INTO m VALUES (2, 'b')",
		"/*jindu:" + runID + ":p:3:-*/ INSERT INTO m VALUES (3, 'c')",
		"/*jindu:" + runID + ":p:4:-*/ UPDATE m SET name = 'd' WHERE id = 1",
		"/*jindu:" + runID + ":p:4:-*/ DELETE FROM m WHERE id = 3",
	}
	if !slices.Equal(said, want) {
		t.Errorf("%s", strings.Join(said, "\n"))
	}
}

func TestMarksReachPostgresLog(t *testing.T) {
	e := engine{"postgres", dbtest.Postgres(t)}
	schema := e.server.Schema(t)
	admin := e.server.DB(t, schema)
	sqlExec(t, admin, "CREATE TABLE m (id INT PRIMARY KEY, name VARCHAR(10))")
	table(t, admin, "SELECT pg_create_logical_replication_slot('"+schema+"', 'test_decoding')")
	db := wrapped(t, e, schema, effects.SQL{RequireMark: true, EmitMark: true})
	writes(t, db, func(s string) string {
		for i := 1; strings.Contains(s, "?"); i++ {
			s = strings.Replace(s, "?", fmt.Sprintf("$%d", i), 1)
		}
		return s
	})
	if n := table(t, db, "SELECT COUNT(*) FROM pg_prepared_statements")[0][0]; n != "0" {
		t.Errorf("%s statements are kept by their text", n)
	}
	var said []string
	for _, row := range table(t, admin, "SELECT data FROM pg_logical_slot_get_changes('"+schema+"', NULL, NULL)") {
		if text, ok := strings.CutPrefix(row[0], "message: transactional: 1 prefix: jindu.mark, sz: 28 content:jindu:"+runID+":p:"); ok {
			said = append(said, text)
		} else if text, ok := strings.CutPrefix(row[0], "table public.m: "); ok {
			said = append(said, strings.Fields(text)[0])
		}
	}
	if got := strings.Join(said, " "); got != "1:- INSERT: 2:- INSERT: 3:- INSERT: 4:- UPDATE: DELETE:" {
		t.Errorf("the log says %s", got)
	}
}

func TestWhatBelongsToNobodyIsRefused(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		schema := e.server.Schema(t)
		db := wrapped(t, e, schema, effects.SQL{RequireMark: true})
		ctx := effects.Background(t.Context(), "set up")
		if _, err := db.ExecContext(ctx, "CREATE TABLE m (id INT PRIMARY KEY, at TIMESTAMP NULL)"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "DELETE FROM m"); !refusedFor(err, effects.ErrUnmarked) {
			t.Errorf("error: %v", err)
		}
		if _, err := db.ExecContext(shadowed(t.Context()), "DELETE FROM m"); !refusedFor(err, effects.ErrShadow) {
			t.Errorf("error: %v", err)
		}
		insert := "INSERT INTO m VALUES (?, ?)"
		if e.name == "postgres" {
			insert = "INSERT INTO m VALUES ($1, $2)"
		}
		if _, err := db.ExecContext(marked(t.Context(), 1, 2), insert, 1, time.Now()); err != nil {
			t.Error(err)
		}
	})
}

func refusedFor(err, why error) bool {
	r, ok := errors.AsType[*effects.Refused](err)
	return ok && errors.Is(r, why)
}

package data

import (
	"context"
	"database/sql"
	"testing"

	"jindu.dev/jindu/internal/migrate/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// engine is a database that the SDK is tested on.
type engine struct {
	name   string
	server *dbtest.Server
}

// engines are those of this machine.
func engines(t *testing.T, f func(*testing.T, engine)) {
	t.Run("mariadb", func(t *testing.T) { f(t, engine{"mariadb", dbtest.MariaDB(t)}) })
	t.Run("postgres", func(t *testing.T) { f(t, engine{"postgres", dbtest.Postgres(t)}) })
}

func sqlExec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(context.WithoutCancel(t.Context()), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// table reads every row of a query as text.
func table(t *testing.T, db *sql.DB, query string, args ...any) [][]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = "NULL"
			if v.Valid {
				row[i] = v.String
			}
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// jinduTables are those that Jindu makes on a side.
func jinduTables(dialect string) []string {
	id, at, lock := "id BIGINT AUTO_INCREMENT PRIMARY KEY", "TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6)", []string{"INSERT INTO jindu_fence VALUES ('', 0, 0, 0)"}
	if dialect == "postgres" {
		id, at, lock = "id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "TIMESTAMPTZ DEFAULT now()", nil
	}
	return append([]string{
		"CREATE TABLE jindu_fence (migration VARCHAR(128), epoch BIGINT, low INT, high INT, PRIMARY KEY (migration, epoch))",
		"CREATE TABLE jindu_outbox (" + id + ", tbl VARCHAR(128), op CHAR(1), row_key TEXT, row_after TEXT, version BIGINT, mark VARCHAR(64), at " + at + ")",
	}, lock...)
}

package effects

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
)

func must(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func query(t *testing.T, err error, rows *sql.Rows) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
}

func said(t *testing.T, b *base, want ...string) {
	t.Helper()
	if !slices.Equal(b.said, want) {
		t.Errorf("the database heard\n%s\ninstead of\n%s", strings.Join(b.said, "\n"), strings.Join(want, "\n"))
	}
	b.said = nil
}

func TestStatementsCarryTheMarkOfTheirRun(t *testing.T) {
	b := &base{rows: 1}
	db := pool(t, b, newConn{oldConn{b}}, SQL{RequireMark: true})
	ctx, tally := in(t.Context(), mark1)
	must(t)(db.ExecContext(ctx, "INSERT INTO t VALUES (?)", 1))
	rows, err := db.QueryContext(ctx, "SELECT 1")
	query(t, err, rows)
	rows, err = db.QueryContext(t.Context(), "SELECT 2")
	query(t, err, rows)
	said(t, b, "/*"+mark1+"*/ INSERT INTO t VALUES (?) +1", "/*"+mark1+"*/ SELECT 1", "SELECT 2")
	if tally.statements != 1 {
		t.Errorf("%d statements wrote", tally.statements)
	}
	must(t)(nil, db.PingContext(ctx))
	said(t, b, "PING")
}

func TestPreparedStatementsArePreparedForEachRun(t *testing.T) {
	b := &base{rows: 1}
	db := pool(t, b, newConn{oldConn{b}}, SQL{})
	prepared(t, db, b)
	rows, err := db.QueryContext(t.Context(), "SELECT ?", 1)
	query(t, err, rows)
	b = &base{rows: 1}
	db = pool(t, b, oldConn{b}, SQL{})
	prepared(t, db, b)
	ctx, _ := in(t.Context(), mark1)
	must(t)(db.ExecContext(ctx, "UPDATE t SET a = ?", true)) // a driver without Execer
	rows, err = db.QueryContext(ctx, "SELECT ?", 1)
	query(t, err, rows)
	said(t, b, "PREPARE /*"+mark1+"*/ UPDATE t SET a = ?", "EXEC /*"+mark1+"*/ UPDATE t SET a = ? +1", "CLOSE",
		"PREPARE /*"+mark1+"*/ SELECT ?", "QUERY /*"+mark1+"*/ SELECT ? +1", "CLOSE")
	if err := db.PingContext(ctx); err != nil {
		t.Error(err)
	}
	if tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}); err == nil {
		t.Error("a read-only transaction", tx.Rollback())
	}
}

func prepared(t *testing.T, db *sql.DB, b *base) {
	t.Helper()
	one, tally := in(t.Context(), mark1)
	s, err := db.PrepareContext(t.Context(), "DELETE FROM t WHERE a = ?")
	must(t)(nil, err)
	must(t)(s.ExecContext(one, 1))
	must(t)(s.ExecContext(one, 2))
	rows, err := s.QueryContext(t.Context(), 3)
	query(t, err, rows)
	must(t)(nil, s.Close())
	said(t, b, "PREPARE DELETE FROM t WHERE a = ?", "PREPARE /*"+mark1+"*/ DELETE FROM t WHERE a = ?", "CLOSE",
		"EXEC /*"+mark1+"*/ DELETE FROM t WHERE a = ? +1", "EXEC /*"+mark1+"*/ DELETE FROM t WHERE a = ? +1",
		"PREPARE DELETE FROM t WHERE a = ?", "CLOSE", "QUERY DELETE FROM t WHERE a = ? +1", "CLOSE")
	if tally.statements != 2 {
		t.Errorf("%d statements wrote", tally.statements)
	}
}

func TestArgumentsAreConvertedAsTheDriverWants(t *testing.T) {
	b := &base{}
	db := pool(t, b, convertedConn{oldConn{b}}, SQL{})
	if _, err := db.ExecContext(t.Context(), "DELETE FROM t WHERE a = ?", "no boolean"); err == nil {
		t.Error("the driver's converter was not asked")
	}
	must(t)(db.ExecContext(t.Context(), "DELETE FROM t WHERE a = ?", "true"))
}

func TestATransactionBelongsToOneRun(t *testing.T) {
	b := &base{rows: 1}
	db := pool(t, b, newConn{oldConn{b}}, SQL{RequireMark: true, Record: true})
	one, tally := in(t.Context(), mark1)
	two, _ := in(t.Context(), "jindu:00000000000000b2:p:1:7")
	tx, err := db.BeginTx(one, nil)
	must(t)(nil, err)
	must(t)(tx.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"))
	if _, err := tx.ExecContext(two, "INSERT INTO t VALUES (2)"); !errors.Is(err, ErrMixed) || err.Error() != "effects: INSERT refused: "+ErrMixed.Error() {
		t.Errorf("error: %v", err)
	}
	s, err := tx.PrepareContext(t.Context(), "DELETE FROM t")
	must(t)(nil, err)
	must(t)(s.ExecContext(t.Context()))
	must(t)(nil, s.Close())
	if tally.statements != 0 {
		t.Error("counted before the commit")
	}
	must(t)(nil, tx.Commit())
	said(t, b, "BEGIN", "/*"+mark1+"*/ INSERT INTO t VALUES (1)", "PREPARE /*"+mark1+"*/ DELETE FROM t", "EXEC /*"+mark1+"*/ DELETE FROM t", "CLOSE", "COMMIT")

	tx, err = db.BeginTx(t.Context(), nil) // for nobody, until somebody comes
	must(t)(nil, err)
	must(t)(tx.ExecContext(one, "UPDATE u SET a = 1"))
	must(t)(nil, tx.Rollback())
	b.fail = "COMMIT"
	tx, err = db.BeginTx(one, nil)
	must(t)(nil, err)
	must(t)(tx.ExecContext(one, "DELETE FROM v"))
	if tx.Commit() == nil {
		t.Error("the commit did not fail")
	}
	told := tally.close("00000000000000a1")
	var fates []string
	for _, e := range told.Effects {
		fates = append(fates, e.Op+" "+e.Target+" "+e.Fate)
	}
	if got := strings.Join(fates, ", "); got != "insert t , delete t , update u rolled_back, delete v unknown" || told.Statements != 2 {
		t.Errorf("%s; %d statements", got, told.Statements)
	}
}

func TestWritesOfShadowsStayInside(t *testing.T) {
	shadow := "jindu:00000000000000c3:s:1:-"
	b := &base{rows: -1}
	ctx, tally := in(t.Context(), shadow)
	unmarked := sdk.WithRun(t.Context(), sdk.Run{Shadow: true})
	db := pool(t, b, newConn{oldConn{b}}, SQL{Record: true})
	for _, c := range []context.Context{ctx, unmarked, Background(ctx, "to get out"), Background(unmarked, "to get out")} {
		if _, err := db.ExecContext(c, "INSERT INTO t VALUES (1)"); !errors.Is(err, ErrShadow) {
			t.Errorf("error: %v", err)
		}
		if err := db.QueryRowContext(c, "DELETE FROM t RETURNING a").Err(); !errors.Is(err, ErrShadow) {
			t.Errorf("error: %v", err)
		}
		if s, err := db.PrepareContext(c, "DELETE FROM t"); err != nil {
			t.Error(err)
		} else if _, err := s.ExecContext(c); !errors.Is(err, ErrShadow) {
			t.Errorf("error: %v", err)
		} else if err := s.QueryRowContext(c).Err(); !errors.Is(err, ErrShadow) {
			t.Errorf("error: %v", err)
		}
	}
	b.said = slices.DeleteFunc(b.said, func(s string) bool { return strings.HasPrefix(s, "PREPARE") || s == "CLOSE" })
	rows, err := db.QueryContext(ctx, "SELECT 1")
	query(t, err, rows)
	said(t, b, "/*"+shadow+"*/ SELECT 1")
	if e := tally.effects[0]; e.Fate != "refused" || e.Text != "INSERT INTO t VALUES (1)" {
		t.Errorf("told %+v", e)
	}
	db = pool(t, b, newConn{oldConn{b}}, SQL{Shadows: Pass})
	must(t)(db.ExecContext(ctx, "INSERT INTO t VALUES (1)"))
	said(t, b, "/*"+shadow+"*/ INSERT INTO t VALUES (1)")
	if _, err := db.ExecContext(unmarked, "INSERT INTO t VALUES (1)"); !errors.Is(err, ErrShadow) {
		t.Errorf("error: %v", err)
	}
}

func TestWithRequireMarkNobodysWritesAreRefused(t *testing.T) {
	b := &base{}
	db := pool(t, b, newConn{oldConn{b}}, SQL{RequireMark: true})
	if _, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"); !errors.Is(err, ErrUnmarked) {
		t.Errorf("error: %v", err)
	}
	ctx, tally := in(t.Context(), mark1)
	background := Background(ctx, "vacuum")
	if BackgroundOf(background) != "vacuum" || BackgroundOf(t.Context()) != "" || BackgroundOf(sdk.WithRun(background, sdk.Run{Shadow: true})) != "" {
		t.Error("why it is in the background")
	}
	must(t)(db.ExecContext(background, "INSERT INTO t VALUES (1)"))
	if _, err := db.ExecContext(Background(t.Context(), ""), "INSERT INTO t VALUES (1)"); err == nil {
		t.Error("without a reason")
	}
	said(t, b, "INSERT INTO t VALUES (1)")
	if tally.statements != 0 {
		t.Error("the run was charged with it")
	}
	db = pool(t, b, newConn{oldConn{b}}, SQL{})
	must(t)(db.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"))
}

func TestPostgresGetsTheMarkIntoItsLog(t *testing.T) {
	b := &base{rows: 1}
	db := pool(t, b, newConn{oldConn{b}}, SQL{Dialect: Postgres, EmitMark: true})
	ctx, tally := in(t.Context(), mark1)
	emit := "/*" + mark1 + "*/ SELECT pg_logical_emit_message(true, 'jindu.mark', '" + mark1 + "')"
	must(t)(db.ExecContext(ctx, "DELETE FROM t"))
	must(t)(db.ExecContext(ctx, "SET x = 1"))
	must(t)(db.ExecContext(t.Context(), "DELETE FROM t"))
	said(t, b, "BEGIN", emit, "/*"+mark1+"*/ DELETE FROM t", "COMMIT", "/*"+mark1+"*/ SET x = 1", "DELETE FROM t")
	tx, err := db.BeginTx(ctx, nil)
	must(t)(nil, err)
	rows, err := tx.QueryContext(ctx, "SELECT 1")
	query(t, err, rows)
	rows, err = tx.QueryContext(ctx, "INSERT INTO t VALUES (1) RETURNING a")
	query(t, err, rows)
	must(t)(tx.ExecContext(ctx, "DELETE FROM t"))
	must(t)(nil, tx.Commit())
	said(t, b, "BEGIN", "/*"+mark1+"*/ SELECT 1", emit, "/*"+mark1+"*/ INSERT INTO t VALUES (1) RETURNING a", "/*"+mark1+"*/ DELETE FROM t", "COMMIT")
	if tally.statements != 3 {
		t.Errorf("%d statements", tally.statements)
	}
	for _, fail := range []string{"emit", "DELETE", "COMMIT", "BEGIN"} {
		b.fail = fail
		if _, err := db.ExecContext(ctx, "DELETE FROM t"); err == nil {
			t.Errorf("%s failed and nobody heard", fail)
		}
		b.fail = ""
	}
	if tally.statements != 3 {
		t.Errorf("%d statements, some of which failed", tally.statements)
	}
}

func TestStatementsAreToldWhereNobodyElseSeesThem(t *testing.T) {
	b := &base{rows: 2}
	db := pool(t, b, newConn{oldConn{b}}, SQL{Record: true})
	ctx, tally := in(t.Context(), mark1)
	must(t)(db.ExecContext(ctx, "UPDATE t SET a = ?, b = ?, c = ?", "x", nil, []byte{1, 255}))
	b.rows = 0
	must(t)(db.ExecContext(ctx, "UPDATE t SET a = 1 WHERE false"))
	must(t)(db.ExecContext(ctx, "SET x = 1"))
	b.rows = -1
	must(t)(db.ExecContext(ctx, "UPDATE t SET a = "+strings.Repeat("1", 70_000)))
	told := tally.close("00000000000000a1")
	if len(told.Effects) != 2 || told.Statements != 2 || !told.Effects[1].Truncated {
		t.Fatalf("%d effects, %d statements", len(told.Effects), told.Statements)
	}
	if e := told.Effects[0]; e.Kind != v1.EffectSQL || e.Op != "update" || e.Target != "t" || e.Rows != 2 || fmt.Sprint(e.Args) != "[x NULL 01ff]" || e.Text != "UPDATE t SET a = ?, b = ?, c = ?" {
		t.Errorf("%+v", e)
	}
	must(t)(db.ExecContext(ctx, "UPDATE t SET a = 2")) // too late
	if tally.statements != 2 {
		t.Error("counted after the end")
	}
}

func TestOpenFindsTheDriver(t *testing.T) {
	b := &base{}
	c := &connect{base: b, conn: newConn{oldConn{b}}}
	sql.Register("effects-test", c)
	sql.Register("effects-test-plain", plainDriver{c})
	for _, name := range []string{"effects-test", "effects-test-plain"} {
		db, err := Open(name, "dsn", SQL{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, _ := in(t.Context(), mark1)
		must(t)(db.ExecContext(ctx, "SET x = 1"))
		must(t)(nil, db.Close())
		said(t, b, "/*"+mark1+"*/ SET x = 1")
	}
	if !b.closed {
		t.Error("the connector was not closed")
	}
	if _, err := Open("no such driver", "", SQL{}); err == nil {
		t.Error("no error")
	}
	c.err = errors.New("no")
	if _, err := Open("effects-test", "dsn", SQL{}); err == nil {
		t.Error("no error")
	}
	if db, err := Open("effects-test-plain", "dsn", SQL{}); err != nil || db.PingContext(t.Context()) == nil {
		t.Errorf("error: %v", err)
	}
	for dsn, want := range map[string]string{
		"postgres://u:p@h/d":           "postgres://u:p@h/d?default_query_exec_mode=exec",
		"postgresql://h/d?sslmode=off": "postgresql://h/d?default_query_exec_mode=exec&sslmode=off",
		"host=h user=u":                "host=h user=u default_query_exec_mode=exec",
		"":                             "default_query_exec_mode=exec",
		"postgres://h/d?default_query_exec_mode=simple_protocol": "postgres://h/d?default_query_exec_mode=simple_protocol",
	} {
		if got := unnamed(dsn); got != want {
			t.Errorf("%s: %s", dsn, got)
		}
	}
}

type plainDriver struct{ c *connect }

func (p plainDriver) Open(string) (driver.Conn, error) { return p.c.conn, p.c.err }

func TestRawGivesTheDriversConnection(t *testing.T) {
	b := &base{}
	db := pool(t, b, newConn{oldConn{b}}, SQL{})
	c, err := db.Conn(t.Context())
	must(t)(nil, err)
	defer c.Close() //nolint:errcheck // the pool closes it
	must(t)(nil, c.Raw(func(conn any) error {
		if _, ok := conn.(interface{ Unwrap() driver.Conn }).Unwrap().(newConn); !ok {
			return errors.New("it is another one")
		}
		return nil
	}))
}

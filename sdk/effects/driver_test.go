package effects

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
)

// base is a database that remembers what it was told. Alone it is a driver of the oldest kind.
type base struct {
	said   []string
	rows   int64 // that a statement changes; -1: it does not say
	fail   string
	closed bool
}

func (b *base) note(s string, args int) error {
	b.said = append(b.said, s)
	if args > 0 {
		b.said[len(b.said)-1] += fmt.Sprint(" +", args)
	}
	if b.fail != "" && strings.Contains(s, b.fail) {
		return errors.New("it failed")
	}
	return nil
}

type oldConn struct{ *base }

func (c oldConn) Prepare(s string) (driver.Stmt, error) {
	return &oldStmt{c.base, s}, c.note("PREPARE "+s, 0)
}
func (c oldConn) Close() error              { return nil }
func (c oldConn) Begin() (driver.Tx, error) { return oldTx(c), c.note("BEGIN", 0) }

type oldTx struct{ *base }

func (t oldTx) Commit() error   { return t.note("COMMIT", 0) }
func (t oldTx) Rollback() error { return t.note("ROLLBACK", 0) }

type oldStmt struct {
	*base
	text string
}

func (s *oldStmt) Close() error  { return s.note("CLOSE", 0) }
func (s *oldStmt) NumInput() int { return -1 }
func (s *oldStmt) Exec(args []driver.Value) (driver.Result, error) {
	return result(s.rows), s.note("EXEC "+s.text, len(args))
}

func (s *oldStmt) Query(args []driver.Value) (driver.Rows, error) {
	return none{}, s.note("QUERY "+s.text, len(args))
}

type result int64

func (result) LastInsertId() (int64, error) { return 0, errors.New("none") }
func (r result) RowsAffected() (int64, error) {
	if r < 0 {
		return 0, errors.New("not known")
	}
	return int64(r), nil
}

type none struct{}

func (none) Columns() []string         { return []string{"n"} }
func (none) Close() error              { return nil }
func (none) Next([]driver.Value) error { return io.EOF }

// newConn has all that a connection can have.
type newConn struct{ oldConn }

func (c newConn) ExecContext(_ context.Context, s string, args []driver.NamedValue) (driver.Result, error) {
	return result(c.rows), c.note(s, len(args))
}

func (c newConn) QueryContext(_ context.Context, s string, args []driver.NamedValue) (driver.Rows, error) {
	return none{}, c.note(s, len(args))
}

func (c newConn) PrepareContext(_ context.Context, s string) (driver.Stmt, error) {
	return &newStmt{oldStmt{c.base, s}}, c.note("PREPARE "+s, 0)
}

func (c newConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) { return c.Begin() }
func (c newConn) Ping(context.Context) error                                   { return c.note("PING", 0) }
func (c newConn) ResetSession(context.Context) error                           { return nil }
func (c newConn) IsValid() bool                                                { return true }
func (c newConn) CheckNamedValue(v *driver.NamedValue) (err error) {
	v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value)
	return err
}

type newStmt struct{ oldStmt }

func (s *newStmt) ExecContext(_ context.Context, args []driver.NamedValue) (driver.Result, error) {
	return result(s.rows), s.note("EXEC "+s.text, len(args))
}

func (s *newStmt) QueryContext(_ context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return none{}, s.note("QUERY "+s.text, len(args))
}

func (s *newStmt) CheckNamedValue(v *driver.NamedValue) error { return newConn{}.CheckNamedValue(v) }

// converted is a statement of the time when drivers converted by column.
type convertedConn struct{ oldConn }

func (c convertedConn) Prepare(s string) (driver.Stmt, error) {
	return convertedStmt{&oldStmt{c.base, s}}, c.note("PREPARE "+s, 0)
}

type convertedStmt struct{ *oldStmt }

func (convertedStmt) NumInput() int                             { return 1 }
func (convertedStmt) ColumnConverter(int) driver.ValueConverter { return driver.Bool }

// connect is a driver.Connector and a driver.
type connect struct {
	*base
	conn driver.Conn
	err  error
}

func (c *connect) Connect(context.Context) (driver.Conn, error)   { return c.conn, c.err }
func (c *connect) Driver() driver.Driver                          { return c }
func (c *connect) Open(string) (driver.Conn, error)               { return c.conn, c.err }
func (c *connect) OpenConnector(string) (driver.Connector, error) { return c, c.err }
func (c *connect) Close() error                                   { c.closed = true; return nil }

func pool(t *testing.T, b *base, conn driver.Conn, o SQL) *sql.DB {
	t.Helper()
	db := sql.OpenDB(Wrap(&connect{base: b, conn: conn}, o))
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

const mark1 = "jindu:00000000000000a1:p:1:7"

// in is the context of a run with its tally.
func in(ctx context.Context, mark string) (context.Context, *tally) {
	m, ok := v1.ParseMark(mark)
	if !ok {
		panic(mark)
	}
	t := &tally{late: func() {}}
	ctx = sdk.WithRun(ctx, sdk.Run{Mark: m, Marked: true, Shadow: m.Shadow})
	return context.WithValue(ctx, tallyKey{}, t), t
}

package sqldb

import (
	"context"
	"crypto/tls"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/dialect"
)

// mysqlPool speaks to MariaDB and MySQL. Arguments are put into the statement by the driver, so that each
// statement is one round trip; the driver knows the connection's character set and mode.
type mysqlPool struct{ db *sql.DB }

func (s *Store) openMySQL(address string, t *tls.Config) (pool, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr = "tcp", address
	if strings.HasPrefix(address, "/") {
		c.Net = "unix"
	}
	c.User, c.Passwd, c.DBName = s.config.User, s.config.Password.Reveal(), s.config.Schema
	c.InterpolateParams = true
	c.TLS = t
	c.Timeout = s.timeout
	c.Logger = silent{} // what a connection says is in the errors
	c.Collation = "utf8mb4_general_ci"
	wait := strconv.Itoa(max(1, int(s.timeout/time.Second)))
	c.Params = map[string]string{
		"time_zone": "'+00:00'",
		// Zero dates are values; 0 is a value of a running number too.
		"sql_mode":                 "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'",
		"innodb_lock_wait_timeout": wait,
		"lock_wait_timeout":        wait,
	}
	// A statement goes on at the server when its caller is gone: the server has a limit of its own.
	if s.dialect.Kind == dialect.MariaDB {
		c.Params["tx_isolation"] = "'READ-COMMITTED'"
		c.Params["max_statement_time"] = strconv.Itoa(10 * max(1, int(s.timeout/time.Second)))
	} else {
		c.Params["transaction_isolation"] = "'READ-COMMITTED'"
		c.Params["max_execution_time"] = strconv.Itoa(10 * max(1000, int(s.timeout/time.Millisecond)))
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-SQLDB-001", "database %s: %w", s.name, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(s.config.MaxConns)
	db.SetMaxIdleConns(s.config.MaxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &mysqlPool{db}, nil
}

type silent struct{}

// Print keeps the driver from writing to the standard error.
func (silent) Print(...any) {}

func (p *mysqlPool) text() bool   { return false }
func (p *mysqlPool) close() error { return p.db.Close() }

func (p *mysqlPool) query(ctx context.Context, q dialect.Query, row func([][]byte) error) error {
	return mysqlQuery(ctx, p.db, q, row)
}

func (p *mysqlPool) exec(ctx context.Context, qs ...dialect.Query) ([]int64, error) {
	return mysqlExec(ctx, p.db, qs)
}

func (p *mysqlPool) begin(ctx context.Context) (tx, error) {
	t, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &mysqlTx{t}, nil
}

type mysqlTx struct{ tx *sql.Tx }

func (t *mysqlTx) query(ctx context.Context, q dialect.Query, row func([][]byte) error) error {
	return mysqlQuery(ctx, t.tx, q, row)
}

func (t *mysqlTx) exec(ctx context.Context, qs ...dialect.Query) ([]int64, error) {
	return mysqlExec(ctx, t.tx, qs)
}

func (t *mysqlTx) commit(context.Context) error { return t.tx.Commit() }
func (t *mysqlTx) rollback()                    { _ = t.tx.Rollback() } // over already, or the connection is gone

type mysqlConn interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func mysqlQuery(ctx context.Context, c mysqlConn, q dialect.Query, row func([][]byte) error) error {
	rows, err := c.QueryContext(ctx, q.SQL, q.Args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says it
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	raw := make([]sql.RawBytes, len(names))
	fields := make([][]byte, len(names))
	into := make([]any, len(names))
	for i := range raw {
		into[i] = &raw[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i := range raw {
			fields[i] = raw[i]
		}
		if err := row(fields); err != nil {
			return err
		}
	}
	return rows.Err()
}

func mysqlExec(ctx context.Context, c mysqlConn, qs []dialect.Query) ([]int64, error) {
	touched := make([]int64, 0, len(qs))
	for _, q := range qs {
		r, err := c.ExecContext(ctx, q.SQL, q.Args...)
		if err != nil {
			return nil, err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return nil, fmt.Errorf("rows affected: %w", err)
		}
		touched = append(touched, n)
	}
	return touched, nil
}

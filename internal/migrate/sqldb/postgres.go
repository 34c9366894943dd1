package sqldb

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/dialect"
)

// postgresPool speaks to PostgreSQL and openGauss. All fields come as text.
type postgresPool struct{ pool *pgxpool.Pool }

func (s *Store) openPostgres(address string, t *tls.Config) (pool, error) {
	c, err := pgxpool.ParseConfig("host=127.0.0.1 sslmode=disable") // the rest is set below; no environment counts
	if err != nil {
		return nil, kind.New(kind.Internal, "JD-SQLDB-009", "database %s: %w", s.name, err)
	}
	host, port, err := net.SplitHostPort(address)
	if strings.HasPrefix(address, "/") {
		// The path of a socket: its directory, and the port at its end.
		dir, file, _ := cutLast(address, "/")
		_, number, ok := cutLast(file, ".")
		if host, port, err = dir, number, nil; !ok {
			host, port = address, "5432"
		}
	}
	number, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil {
		return nil, kind.New(kind.Invalid, "JD-SQLDB-001", "database %s: address %q has no port", s.name, address)
	}
	cc := c.ConnConfig
	cc.Host, cc.Port, cc.Database, cc.User, cc.Password = host, uint16(number), s.config.Schema, s.config.User, s.config.Password.Reveal()
	cc.TLSConfig, cc.Fallbacks, cc.ConnectTimeout = t, nil, s.timeout
	ms := func(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) }
	cc.RuntimeParams = map[string]string{
		"application_name": "jindu", "timezone": "UTC", "datestyle": "ISO, YMD", "intervalstyle": "postgres", "extra_float_digits": "3", "bytea_output": "hex",
		"client_encoding": "UTF8", "default_transaction_isolation": "read committed", "lock_timeout": ms(s.timeout), "statement_timeout": ms(10 * s.timeout),
	}
	if s.dialect.Kind == dialect.OpenGauss {
		delete(cc.RuntimeParams, "lock_timeout") // it has one of its own, lockwait_timeout, which sessions may not set at their start
	}
	c.MaxConns = int32(s.config.MaxConns)
	c.MaxConnIdleTime = 5 * time.Minute
	p, err := pgxpool.NewWithConfig(context.Background(), c)
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-SQLDB-001", "database %s: %w", s.name, err)
	}
	return &postgresPool{p}, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return "", s, false
	}
	return s[:at], s[at+len(sep):], true
}

func (p *postgresPool) text() bool   { return true }
func (p *postgresPool) close() error { p.pool.Close(); return nil }

func (p *postgresPool) query(ctx context.Context, q dialect.Query, row func([][]byte) error) error {
	return postgresQuery(ctx, p.pool, q, row)
}

func (p *postgresPool) exec(ctx context.Context, qs ...dialect.Query) ([]int64, error) {
	return postgresExec(ctx, p.pool, qs)
}

func (p *postgresPool) begin(ctx context.Context) (tx, error) {
	t, err := p.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &postgresTx{t}, nil
}

type postgresTx struct{ tx pgx.Tx }

func (t *postgresTx) query(ctx context.Context, q dialect.Query, row func([][]byte) error) error {
	return postgresQuery(ctx, t.tx, q, row)
}

func (t *postgresTx) exec(ctx context.Context, qs ...dialect.Query) ([]int64, error) {
	return postgresExec(ctx, t.tx, qs)
}

func (t *postgresTx) commit(ctx context.Context) error { return t.tx.Commit(ctx) }

func (t *postgresTx) rollback() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = t.tx.Rollback(ctx) // over already, or the connection is gone
}

type postgresConn interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

func postgresQuery(ctx context.Context, c postgresConn, q dialect.Query, row func([][]byte) error) error {
	args := append(make([]any, 0, len(q.Args)+1), pgx.QueryResultFormats{pgx.TextFormatCode})
	rows, err := c.Query(ctx, q.SQL, append(args, q.Args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.RawValues()); err != nil {
			return err
		}
	}
	return rows.Err()
}

func postgresExec(ctx context.Context, c postgresConn, qs []dialect.Query) (touched []int64, err error) {
	b := &pgx.Batch{}
	for _, q := range qs {
		b.Queue(q.SQL, q.Args...)
	}
	results := c.SendBatch(ctx, b)
	defer func() { err = errors.Join(err, results.Close()) }()
	for range qs {
		tag, err := results.Exec()
		if err != nil {
			return nil, err
		}
		touched = append(touched, tag.RowsAffected())
	}
	return touched, nil
}

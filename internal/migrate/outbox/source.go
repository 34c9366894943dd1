package outbox

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dialect"
)

// Bounds.
const (
	chunk            = 500   // rows of a poll, and of a delete
	maxHeld          = 20000 // rows told and not acknowledged
	maxSpans         = 1000  // gaps between them: beyond it the table is read no further either
	connectPatience  = 10 * time.Second
	statementTimeout = 30 * time.Second
	quiet            = 200 * time.Millisecond // the longest that nothing is told
)

// Options are what New may be told.
type Options struct {
	// Busy and Idle are the pauses between polls: after rows came, and the longest when none came. 0: 2 ms, 40 ms.
	Busy, Idle time.Duration
	// Logger hears of connections lost; nil: nobody does.
	Logger *slog.Logger
	// Wait is the first pause before a lost connection is tried again; it doubles up to 5 s. 0: 100 ms.
	Wait time.Duration
}

// Source reads table jindu_outbox of one database. It is safe for concurrent use, but only one Run at a time.
type Source struct {
	name    string
	config  data.Database
	opt     Options
	dialect *dialect.Dialect
	db      *sql.DB

	mu   sync.Mutex
	run  string
	held held
}

var (
	_ data.Source = (*Source)(nil)
	_ data.Acker  = (*Source)(nil)
)

// New makes a source named for its stream. It does no I/O but reading the authorities' file.
func New(name string, d data.Database, o Options) (*Source, error) {
	dia, ok := dialect.For(d.Kind)
	if !ok || dia.Kind == dialect.DM8 {
		return nil, kind.New(kind.Invalid, "JD-OUTBOX-002", "database kind %q has no outbox that is read here: use mariadb, mysql, postgres or opengauss", d.Kind)
	}
	if d.Address == "" || d.Schema == "" || d.User == "" {
		return nil, kind.New(kind.Invalid, "JD-OUTBOX-002", "address, schema and user of a database must be set: address %q, schema %q, user %q", d.Address, d.Schema, d.User)
	}
	t, err := tlsConfig(d)
	if err != nil {
		return nil, err
	}
	if o.Busy <= 0 {
		o.Busy = 2 * time.Millisecond
	}
	if o.Idle <= 0 {
		o.Idle = 40 * time.Millisecond
	}
	if o.Wait <= 0 {
		o.Wait = 100 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Source{name: name, config: d, opt: o, dialect: dia}
	if dia.Kind == dialect.MariaDB || dia.Kind == dialect.MySQL {
		s.db, err = openMySQL(d, t)
	} else {
		s.db, err = openPostgres(d, t)
	}
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-OUTBOX-002", "database at %s: %w", d.Address, err)
	}
	s.db.SetMaxOpenConns(3)
	return s, nil
}

func openMySQL(d data.Database, t *tls.Config) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.TLS = "tcp", d.Address, t
	if strings.HasPrefix(d.Address, "/") {
		c.Net = "unix"
	}
	c.User, c.Passwd, c.DBName = d.User, d.Password.Reveal(), d.Schema
	c.InterpolateParams, c.Timeout, c.ReadTimeout, c.WriteTimeout = true, connectPatience, statementTimeout, statementTimeout
	c.Logger, c.Collation = silent{}, "utf8mb4_general_ci"
	c.Params = map[string]string{"time_zone": "'+00:00'"}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

type silent struct{}

// Print keeps the driver from writing to the standard error: what a connection says is in the errors.
func (silent) Print(...any) {}

func openPostgres(d data.Database, t *tls.Config) (*sql.DB, error) {
	c, err := pgx.ParseConfig("host=127.0.0.1 sslmode=disable") // the rest is set below; no environment counts
	if err != nil {
		return nil, err
	}
	host, port, err := target(d.Address)
	if err != nil {
		return nil, err
	}
	c.Host, c.Port, c.Database, c.User, c.Password = host, port, d.Schema, d.User, d.Password.Reveal()
	c.TLSConfig, c.Fallbacks, c.ConnectTimeout = t, nil, connectPatience
	c.RuntimeParams = map[string]string{"application_name": "jindu", "timezone": "UTC", "client_encoding": "UTF8", "statement_timeout": fmt.Sprint(statementTimeout.Milliseconds())}
	return stdlib.OpenDB(*c), nil
}

// target is host and port of an address; a Unix socket is a file such as /run/postgresql/.s.PGSQL.5432.
func target(address string) (host string, port uint16, err error) {
	text := "5432"
	if strings.HasPrefix(address, "/") {
		if host = address; strings.Contains(address, "/.s.PGSQL.") {
			host, text, _ = strings.Cut(address, "/.s.PGSQL.")
		}
	} else if host, text, err = net.SplitHostPort(address); err != nil {
		return "", 0, err
	}
	if _, err := fmt.Sscan(text, &port); err != nil {
		return "", 0, fmt.Errorf("address %q has no port", address)
	}
	return host, port, nil
}

// tlsConfig is what Database.TLS and CA mean, nil for none.
func tlsConfig(d data.Database) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(d.Address)
	if err != nil && !strings.HasPrefix(d.Address, "/") {
		return nil, kind.New(kind.Invalid, "JD-OUTBOX-002", "address %q is no host:port and no path of a socket", d.Address)
	}
	if d.TLS != "verify" {
		ip := net.ParseIP(host)
		if host != "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, kind.New(kind.Invalid, "JD-OUTBOX-002", "tls is off and %s is not this machine; write tls: verify", d.Address)
		}
		return nil, nil
	}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if d.CA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(d.CA)
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-OUTBOX-002", "read the authorities of %s: %w", d.Address, err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, kind.New(kind.Invalid, "JD-OUTBOX-002", "ca %s holds no certificate: name a PEM file of the authorities", d.CA)
	}
	return c, nil
}

// Close ends all connections.
func (s *Source) Close() error { return s.db.Close() }

// Reached says whether everything up to want is told when at is. The place of a row is reached by its own run alone,
// and by how much that told: a row of a lower id may be told behind one of a higher id, and another run tells again
// what was not acknowledged.
func (s *Source) Reached(at, want data.Position) bool {
	a, err1 := parsePosition(at)
	w, err2 := parsePosition(want)
	switch {
	case err1 != nil || err2 != nil || a.high < w.high:
		return false
	case w.run == here:
		return true
	}
	return a.run == w.run && a.told >= w.told
}

// Here writes a row of its own: once it is told, so is everything committed before.
func (s *Source) Here(ctx context.Context) (data.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	text := "INSERT INTO jindu_outbox (tbl, op, row_key, version) VALUES ('', 'h', '{}', 0)"
	var id int64
	var err error
	if s.mysql() {
		var r sql.Result
		if r, err = s.db.ExecContext(ctx, text); err == nil {
			id, err = r.LastInsertId()
		}
	} else {
		err = s.db.QueryRowContext(ctx, text+" RETURNING id").Scan(&id)
	}
	if err != nil {
		return "", s.final(fmt.Errorf("mark the outbox: %w", err))
	}
	return position{high: id, run: here}.text(), nil
}

func (s *Source) mysql() bool {
	return s.dialect.Kind == dialect.MariaDB || s.dialect.Kind == dialect.MySQL
}

// Ack deletes the rows that were told up to at. A position of a former run deletes nothing: its rows come again.
func (s *Source) Ack(ctx context.Context, at data.Position) error {
	p, err := parsePosition(at)
	if err != nil {
		return err
	}
	for {
		s.mu.Lock()
		var ids []int64
		if p.run == s.run {
			ids = append(ids, s.held.first(p.told, chunk)...)
		}
		s.mu.Unlock()
		if len(ids) == 0 {
			return nil
		}
		if err := s.remove(ctx, ids); err != nil {
			return err
		}
		s.mu.Lock()
		if p.run == s.run && len(s.held.order) >= len(ids) && s.held.order[0] == ids[0] {
			s.held.drop(len(ids))
		}
		s.mu.Unlock()
	}
}

func (s *Source) remove(ctx context.Context, ids []int64) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	b := []byte("DELETE FROM jindu_outbox WHERE id IN (")
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Append(b, id)
	}
	if _, err := s.db.ExecContext(ctx, string(append(b, ')'))); err != nil {
		return s.final(fmt.Errorf("delete %d rows of jindu_outbox: %w", len(ids), err))
	}
	return nil
}

// begin forgets the former run.
func (s *Source) begin() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // it never fails
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run, s.held = hex.EncodeToString(b), held{}
	return s.run
}

// isFinal says whether trying again is in vain: every error with a kind of ours but Unavailable.
func isFinal(err error) bool {
	_, ours := errors.AsType[*kind.Error](err)
	return ours && kind.Of(err) != kind.Unavailable
}

// final gives errors that a person must mend their kind and remedy.
func (s *Source) final(err error) error {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		switch e.Number {
		case 1044, 1045, 1049, 1130:
			return s.denied(err)
		case 1142, 1143, 1227:
			return s.refused(err)
		case 1146:
			return s.absent(err)
		}
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case "28000", "28P01", "3D000":
			return s.denied(err)
		case "42501":
			return s.refused(err)
		case "42P01":
			return s.absent(err)
		}
	}
	return err
}

func (s *Source) denied(err error) error {
	return kind.New(kind.Denied, "JD-OUTBOX-003", "%s lets user %s not in: %w: correct user, password or schema", s.config.Address, s.config.User, err)
}

func (s *Source) refused(err error) error {
	return kind.New(kind.Denied, "JD-OUTBOX-003", "%s refuses user %s: %w: grant SELECT, INSERT and DELETE on table jindu_outbox, and SELECT on the tables carried", s.config.Address, s.config.User, err)
}

func (s *Source) absent(err error) error {
	return kind.New(kind.NotFound, "JD-OUTBOX-004", "%s has no table jindu_outbox in %s: %w: it is made when the migration's data is prepared; the service writes it", s.config.Address, s.config.Schema, err)
}

package dbserver

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/go-sql-driver/mysql"   // also registers driver mysql
	_ "github.com/jackc/pgx/v5/stdlib" // driver pgx
)

// DSN is how go-sql-driver/mysql or pgx are told to connect. Of Redis it is the address.
func (s *Server) DSN(schema string) string {
	switch s.Kind {
	case KindMariaDB:
		c := mysql.NewConfig()
		c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", s.Addr, s.User, s.Password, schema
		c.ParseTime, c.Loc, c.MultiStatements = true, time.UTC, true
		return c.FormatDSN()
	case KindPostgres:
		if schema == "" {
			schema = "postgres"
		}
		u := url.URL{Scheme: "postgres", User: url.UserPassword(s.User, s.Password), Host: s.Addr, Path: "/" + schema, RawQuery: "sslmode=disable"}
		return u.String()
	default:
		return s.Addr
	}
}

// Open opens a pool on a schema ("": none, PostgreSQL: database postgres).
func (s *Server) Open(schema string) (*sql.DB, error) {
	switch s.Kind {
	case KindMariaDB:
		return sql.Open("mysql", s.DSN(schema))
	case KindPostgres:
		return sql.Open("pgx", s.DSN(schema))
	default:
		return nil, fmt.Errorf("%s has no SQL", s.Kind)
	}
}

// Ping is nil when the server answers.
func (s *Server) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if s.Kind == KindRedis {
		return s.pingRedis(ctx)
	}
	db, err := s.Open("")
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing more comes of it
	return db.PingContext(ctx)
}

func (s *Server) pingRedis(ctx context.Context) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing more comes of it
	if at, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(at); err != nil {
			return err
		}
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	b := make([]byte, 7)
	n, err := c.Read(b)
	if err == nil && string(b[:n]) != "+PONG\r\n" {
		err = fmt.Errorf("redis said %q", b[:n])
	}
	return err
}

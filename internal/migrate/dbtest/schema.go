package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql" // also registers driver mysql
	_ "github.com/jackc/pgx/v5/stdlib" // driver pgx
)

// Schema makes an empty schema (PostgreSQL: a database) and drops it when the test ends, whoever still uses it.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	b := make([]byte, 6)
	_, _ = rand.Read(b) // it never fails
	name := "t_" + hex.EncodeToString(b)
	s.exec(t, "CREATE DATABASE "+name)
	t.Cleanup(func() {
		if s.proc == nil {
			return // killed: its directory goes with the test
		}
		if s.Kind == KindPostgres {
			s.dropSlots(t, name)
			s.exec(t, "DROP DATABASE "+name+" WITH (FORCE)")
			return
		}
		s.exec(t, "DROP DATABASE "+name)
	})
	return name
}

// DB opens a pool on a schema ("": none, PostgreSQL: postgres) and closes it when the test ends.
func (s *Server) DB(t testing.TB, schema string) *sql.DB {
	t.Helper()
	db, err := s.open(schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

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

func (s *Server) open(schema string) (*sql.DB, error) {
	switch s.Kind {
	case KindMariaDB:
		return sql.Open("mysql", s.DSN(schema))
	case KindPostgres:
		return sql.Open("pgx", s.DSN(schema))
	default:
		return nil, fmt.Errorf("%s has no SQL", s.Kind)
	}
}

// exec runs one statement on a connection of its own.
func (s *Server) exec(t testing.TB, query string) {
	t.Helper()
	db, err := s.open("")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing more comes of it
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := db.ExecContext(ctx, query); err != nil {
		t.Errorf("%s: %v", query, err)
	}
}

// dropSlots drops the replication slots of a database, which would hold it from being dropped.
func (s *Server) dropSlots(t testing.TB, name string) {
	t.Helper()
	s.exec(t, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND database = '"+name+"'")
	// A slot is active until its backend is gone.
	s.exec(t, `DO $$
DECLARE slot text;
BEGIN
	FOR i IN 1..500 LOOP
		EXIT WHEN NOT EXISTS (SELECT 1 FROM pg_replication_slots WHERE active AND database = '`+name+`');
		PERFORM pg_sleep(0.01);
	END LOOP;
	FOR slot IN SELECT slot_name FROM pg_replication_slots WHERE database = '`+name+`' LOOP
		PERFORM pg_drop_replication_slot(slot);
	END LOOP;
END $$`)
}

// ping is nil when the server answers.
func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if s.Kind == KindRedis {
		return s.pingRedis(ctx)
	}
	db, err := s.open("")
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

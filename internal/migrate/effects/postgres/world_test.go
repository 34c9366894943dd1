package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/dbtest"
	"jindu.dev/jindu/internal/migrate/effects"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// book is a recorder that remembers.
type book struct {
	mu           sync.Mutex
	runs         map[string][]v1.Effect
	unattributed int
	refused      int
}

func (b *book) Record(_ string, m v1.Mark, e v1.Effect) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runs[m.Run] = append(b.runs[m.Run], e)
}
func (b *book) Unattributed(string) { b.mu.Lock(); defer b.mu.Unlock(); b.unattributed++ }
func (b *book) Refused(string)      { b.mu.Lock(); defer b.mu.Unlock(); b.refused++ }

func (b *book) of(m v1.Mark) []v1.Effect {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]v1.Effect(nil), b.runs[m.Run]...)
}

// say is the effects of a run, one a line.
func (b *book) say(m v1.Mark) string {
	var out []string
	for _, e := range b.of(m) {
		line := fmt.Sprintf("%s %s %s", e.Kind, e.Op, e.Target)
		for _, part := range []struct {
			name string
			list []v1.ColumnValue
		}{{"key", e.Key}, {"before", e.Before}, {"after", e.After}} {
			if part.list == nil {
				continue
			}
			line += " " + part.name
			for _, c := range part.list {
				v := "NULL"
				if c.Value != nil {
					v = *c.Value
				}
				line += " " + c.Name + "=" + v
			}
		}
		if e.Kind == v1.EffectSQL {
			line += fmt.Sprintf(" rows %d: %s %q", e.Rows, e.Text, e.Args)
		}
		if e.Fate != "" {
			line += " " + e.Fate
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// stage is a proxy in front of a real PostgreSQL with a schema of its own.
type stage struct {
	t      testing.TB
	server *dbtest.Server
	schema string
	direct *sql.DB
	proxy  *effects.Server
	book   *book
	addr   string
	stop   func()
}

func newStage(t testing.TB, change func(*effects.Proxy), tune func(*Proxy)) *stage {
	t.Helper()
	server := dbtest.Postgres(t)
	s := &stage{t: t, server: server, schema: server.Schema(t), book: &book{runs: map[string][]v1.Effect{}}}
	s.direct = server.DB(t, s.schema)
	cfg := effects.Proxy{Protocol: "postgres", Listen: "127.0.0.1:0", Upstream: server.Addr, Shadow: effects.Shadow{Mode: effects.ShadowRollback}}
	if change != nil {
		change(&cfg)
	}
	if err := (effects.Config{Proxies: map[string]effects.Proxy{"shop": cfg}}).Validate(); err != nil {
		t.Fatal(err)
	}
	p := New()
	if tune != nil {
		tune(p)
	}
	s.proxy = effects.New("shop", cfg, p, s.book, slog.New(slog.NewTextHandler(logs(), &slog.HandlerOptions{Level: slog.LevelDebug})))
	s.proxy.Limits.Tick = 5 * time.Millisecond
	s.proxy.Limits.Drain = time.Second
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.proxy.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	s.addr = s.proxy.Addr().String()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

// dsn says how to come through the proxy.
func (s *stage) dsn(user, password, params string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: s.addr, Path: "/" + s.schema, RawQuery: params}
	return u.String()
}

// open is a pool of one connection through the proxy.
func (s *stage) open(params string) *sql.DB {
	s.t.Helper()
	db, err := sql.Open("pgx", s.dsn(s.server.User, s.server.Password, params))
	if err != nil {
		s.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	s.t.Cleanup(func() { _ = db.Close() })
	return db
}

// conn is one connection through the proxy.
func (s *stage) conn(params string) *sql.Conn {
	s.t.Helper()
	c, err := s.open(params).Conn(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// setup runs statements beside the proxy.
func (s *stage) setup(statements ...string) {
	s.t.Helper()
	for _, q := range statements {
		if _, err := s.direct.ExecContext(context.Background(), q); err != nil {
			s.t.Fatalf("%s: %v", q, err)
		}
	}
}

// dump is a table as text, read beside the proxy.
func (s *stage) dump(table string) string {
	s.t.Helper()
	return dump(s.t, s.direct, "SELECT * FROM "+table+" ORDER BY 1")
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func dump(t testing.TB, db querier, query string, args ...any) string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, c := range cells {
			if c.Valid {
				fmt.Fprintf(&b, "%s ", c.String)
			} else {
				b.WriteString("NULL ")
			}
		}
		b.WriteString("/ ")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func must(t testing.TB, c *sql.Conn, query string, args ...any) sql.Result {
	t.Helper()
	r, err := c.ExecContext(context.Background(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return r
}

// refused runs a statement that the proxy must not let through.
func refused(t testing.TB, c *sql.Conn, words, query string, args ...any) {
	t.Helper()
	_, err := c.ExecContext(context.Background(), query, args...)
	if err == nil || !strings.Contains(err.Error(), "jindu proxy shop") || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: got %v, want a refusal with %q", query, err, words)
	}
}

func markOf(n int, shadow bool) v1.Mark {
	return v1.Mark{Run: fmt.Sprintf("%016x", n), Shadow: shadow, Epoch: 1, Bucket: -1}
}

// led is a statement with its mark.
func led(m v1.Mark, query string) string { return "/*" + m.String() + "*/ " + query }

// logs is where the proxy's log goes: nowhere, but where a test is looked into.
func logs() io.Writer {
	if os.Getenv("PROXY_LOG") != "" {
		return os.Stderr
	}
	return io.Discard
}

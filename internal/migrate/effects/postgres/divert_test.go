package postgres

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/migrate/effects"
)

// diverted is a stage whose shadows go to schema sh as a user of their own.
func diverted(t *testing.T, grants ...string) *stage {
	t.Helper()
	user := "u_" + strings.ToLower(strings.NewReplacer("/", "_", "#", "_").Replace(t.Name()))
	user = user[:min(len(user), 50)]
	s := newStage(t, func(p *effects.Proxy) {
		p.Shadow = effects.Shadow{Mode: effects.ShadowDivert, To: "sh", User: user, Password: conf.NewSecret("file:/p", "secret")}
	}, nil)
	s.setup("CREATE SCHEMA sh", "CREATE USER "+user+" PASSWORD 'secret'", "GRANT USAGE ON SCHEMA sh TO "+user,
		"ALTER DEFAULT PRIVILEGES IN SCHEMA sh GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "+user, "ALTER DEFAULT PRIVILEGES IN SCHEMA sh GRANT USAGE ON SEQUENCES TO "+user)
	t.Cleanup(func() {
		s.stop()
		s.setup("DROP OWNED BY "+user, "DROP USER "+user)
	})
	for _, g := range grants {
		s.setup(strings.ReplaceAll(g, "USER", user))
	}
	return s
}

func TestShadowsAreDiverted(t *testing.T) {
	s := diverted(t)
	s.setup(stock, "INSERT INTO stock (sku, n) VALUES ('a', 1)", "CREATE TABLE sh.stock (LIKE stock INCLUDING ALL)")
	before := s.dump("stock")
	ctx := context.Background()
	for i, params := range modes {
		s.setup("DELETE FROM sh.stock", "INSERT INTO sh.stock SELECT * FROM stock")
		c := s.conn(params)
		m, u := markOf(10*i+1, true), markOf(10*i+2, false)
		must(t, c, "SET TIME ZONE 'Asia/Shanghai'")
		must(t, c, led(m, "UPDATE stock SET n = n + $1 WHERE sku = $2"), 1, "a")
		must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('b', 2)"))
		if got := dump(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('c', $1) RETURNING n"), 3); got != "3 / " {
			t.Errorf("returned %q", got)
		}
		if _, err := c.ExecContext(ctx, led(m, "INSERT INTO stock (sku, n) VALUES ('a', $1)"), 3); err == nil || !strings.Contains(err.Error(), "23505") {
			t.Errorf("got %v", err)
		}
		if got := dump(t, c, led(m, "SELECT sku, n, current_setting('TimeZone') FROM stock WHERE n > $1 ORDER BY sku"), 0); got != "a 2 Asia/Shanghai / b 2 Asia/Shanghai / c 3 Asia/Shanghai / " {
			t.Errorf("the shadow sees %q", got)
		}
		if got := dump(t, c, led(u, "SELECT sku, n FROM stock")); got != "a 1 / " {
			t.Errorf("the user sees %q", got)
		}
		want := "row update stock key sku=a before n=1 after n=2 shadowed\nrow insert stock key sku=b after sku=b n=2 price=NULL at=NULL shadowed\n" +
			"row insert stock key sku=c after sku=c n=3 price=NULL at=NULL shadowed"
		if got := s.book.say(m); got != want {
			t.Errorf("%s recorded\n%s\nwant\n%s", params, got, want)
		}

		// A transaction of a shadow ends with that of the client.
		m = markOf(10*i+3, true)
		for _, end := range []string{"ROLLBACK", "COMMIT"} {
			must(t, c, "BEGIN")
			must(t, c, led(m, "DELETE FROM stock WHERE sku = $1"), "a")
			must(t, c, end)
		}
		if got := s.book.say(m); got != "row delete stock key sku=a before sku=a n=2 price=NULL at=NULL shadowed" {
			t.Errorf("recorded %s", got)
		}
		if got := s.dump("sh.stock"); got != "b 2 NULL NULL / c 3 NULL NULL / " {
			t.Errorf("the shadows have %s", got)
		}
		must(t, c, "BEGIN")
		must(t, c, led(m, "DELETE FROM stock"))
		if _, err := c.ExecContext(ctx, led(m, "SELECT nothing FROM stock")); err == nil {
			t.Error("no error")
		}
		if _, err := c.ExecContext(ctx, "SELECT 1"); err == nil || !strings.Contains(err.Error(), "25P02") {
			t.Errorf("the transaction goes on: %v", err)
		}
		must(t, c, "ROLLBACK")
		must(t, c, "BEGIN")
		must(t, c, led(u, "UPDATE stock SET n = 1"))
		refused(t, c, "is a user's", led(m, "DELETE FROM stock"))
		must(t, c, "ROLLBACK")
		refused(t, c, "by its schema", led(m, "DELETE FROM public.stock"))
		refused(t, c, "JD-EFFECTS-111", led(m, "TRUNCATE stock"))
		refused(t, c, "JD-EFFECTS-111", led(m, "SET search_path = public"))
		if got := s.dump("stock"); got != before {
			t.Fatalf("a shadow changed %s", got)
		}
	}
}

func TestAUserOfShadowsWithRightsElsewhereIsNotUsed(t *testing.T) {
	s := diverted(t)
	s.setup(stock, "CREATE TABLE sh.stock (LIKE stock INCLUDING ALL)", "GRANT UPDATE ON stock TO "+s.proxyUser())
	c := s.conn("")
	refused(t, c, "JD-EFFECTS-103", led(markOf(1, true), "DELETE FROM stock"))
	s.setup("REVOKE UPDATE ON stock FROM " + s.proxyUser())
	must(t, c, led(markOf(1, true), "DELETE FROM stock"))
	s.setup("ALTER USER " + s.proxyUser() + " PASSWORD 'other'")
	refused(t, s.conn(""), "28P01", led(markOf(1, true), "DELETE FROM stock"))
}

func (s *stage) proxyUser() string {
	s.t.Helper()
	var name string
	if err := s.direct.QueryRowContext(context.Background(), "SELECT rolname FROM pg_roles WHERE rolname LIKE 'u\\_test%' ORDER BY oid DESC").Scan(&name); err != nil && err != sql.ErrNoRows {
		s.t.Fatal(err)
	}
	return name
}

func TestConstraintsThatWaitForTheCommit(t *testing.T) {
	const deferred = "(a INT PRIMARY KEY, b INT UNIQUE DEFERRABLE INITIALLY DEFERRED)"
	for _, mode := range []string{"rollback", "divert"} {
		var s *stage
		t.Run(mode, func(t *testing.T) {
			if mode == "divert" {
				s = diverted(t)
				s.setup("CREATE TABLE sh.d " + deferred)
			} else {
				s = newStage(t, nil, nil)
			}
			s.setup("CREATE TABLE d " + deferred)
			ctx := context.Background()
			for i, params := range modes {
				c := s.conn(params)
				m := markOf(1+i, true)
				must(t, c, "BEGIN")
				must(t, c, led(m, "INSERT INTO d VALUES (1, $1), (2, 1)"), 1)
				if _, err := c.ExecContext(ctx, "COMMIT"); err == nil || !strings.Contains(err.Error(), "23505") {
					t.Errorf("%s: got %v", params, err)
				}
				if got := dump(t, c, led(m, "SELECT count(*) FROM d")); got != "0 / " {
					t.Errorf("%s: the shadow sees %s", params, got)
				}
				if got := s.book.say(m); got != "" {
					t.Errorf("%s: recorded %s", params, got)
				}
				if mode == "divert" {
					if _, err := c.ExecContext(ctx, led(m, "INSERT INTO d VALUES (1, $1), (2, 1)"), 1); err == nil || !strings.Contains(err.Error(), "23505") {
						t.Errorf("%s: got %v", params, err)
					}
				}
				must(t, c, led(markOf(100+i, false), "SELECT 1"))
			}
			if got := s.dump("d"); got != "" {
				t.Errorf("table %s", got)
			}
		})
	}
}

package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"jindu.dev/jindu/internal/migrate/effects"
)

// TestALostMarkNeverChangesAUsersRow runs random requests, users' and shadows', whose marks are dropped at
// random, over a few connections. What users own is what the users' statements that were answered made of
// it, and nothing else.
func TestALostMarkNeverChangesAUsersRow(t *testing.T) {
	for _, mode := range []string{"refuse", "rollback", "divert"} {
		t.Run(mode, func(t *testing.T) {
			var s *stage
			acc, log := "acc (id SERIAL PRIMARY KEY, v INT UNIQUE)", "log (id SERIAL PRIMARY KEY, t TEXT)"
			if mode == "divert" {
				s = diverted(t)
				s.setup("CREATE TABLE sh."+acc, "CREATE TABLE sh."+log)
			} else {
				s = newStage(t, func(p *effects.Proxy) { p.Shadow.Mode = mode }, nil)
			}
			s.setup("CREATE TABLE "+acc, "CREATE TABLE "+log, "INSERT INTO acc (v) SELECT generate_series(1, 50)")
			for seed := range uint64(8) {
				randomRequests(t, s, rand.New(rand.NewPCG(seed, 7)), modes[seed%4])
			}
		})
	}
}

// randomRequests runs requests of shadows with lossy marks, and between them looks whether a user's row
// changed. Users' requests change only what they say they do.
func randomRequests(t *testing.T, s *stage, r *rand.Rand, params string) {
	t.Helper()
	ctx := context.Background()
	c := s.conn(params)
	users := 0
	want := s.dump("acc") + s.dump("log")
	for request := range 40 {
		m := markOf(1000+r.IntN(1<<30), true)
		mark := func(q string) string {
			if r.IntN(4) == 0 {
				return q // the mark is lost
			}
			return led(m, q)
		}
		run := func(q string, args ...any) {
			_, err := c.ExecContext(ctx, q, args...)
			if errors.Is(err, driver.ErrBadConn) {
				t.Fatalf("%s: the connection is gone", q)
			}
		}
		for range 1 + r.IntN(8) {
			n := r.IntN(60)
			switch r.IntN(18) {
			case 0:
				run(mark("BEGIN"))
			case 1:
				run(mark("COMMIT"))
			case 2:
				run(mark("ROLLBACK"))
			case 3:
				run(mark("SET application_name = 'x'"))
			case 4:
				run(mark("SAVEPOINT x"))
			case 5:
				run(mark("ROLLBACK TO x"))
			case 6:
				run(mark("UPDATE acc SET v = v + 1000 WHERE id = $1"), n)
			case 7:
				run(mark("DELETE FROM acc WHERE id BETWEEN $1 AND $2"), n, n+2)
			case 8:
				run(mark("INSERT INTO acc (v) VALUES ($1), ($2)"), n, n+100) // collides at times
			case 9:
				run(mark("INSERT INTO acc (v) VALUES ($1) ON CONFLICT (v) DO UPDATE SET v = acc.v + 500"), n)
			case 10:
				run(mark("INSERT INTO acc (id, v) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id"), n, n+1)
			case 11:
				run(mark("INSERT INTO log (t) SELECT 'x' || v FROM acc WHERE id < $1"), n)
			case 12:
				run(mark("TRUNCATE log"))
			case 13:
				run(mark("UPDATE acc SET v = acc.v + 7000 FROM log WHERE acc.id = log.id"))
			case 14:
				run(mark("WITH d AS (DELETE FROM acc RETURNING id) SELECT count(*) FROM d"))
			case 15:
				run(mark("CREATE TABLE IF NOT EXISTS z (a INT)"))
			case 16:
				run(mark("SELECT nothing FROM acc"))
			case 17:
				run("BEGIN; DELETE FROM acc; COMMIT")
			}
		}
		// The connection goes back to the pool, mostly in order.
		if r.IntN(3) > 0 {
			run("ROLLBACK")
		} else if r.IntN(2) == 0 {
			run("COMMIT")
		}
		if r.IntN(4) == 0 {
			u := markOf(users, false)
			run("ROLLBACK")
			if _, err := c.ExecContext(ctx, led(u, "INSERT INTO log (t) VALUES ($1)"), fmt.Sprintf("user %d of %s", users, t.Name())); err != nil {
				t.Fatalf("a user's statement: %v", err)
			}
			if !strings.HasPrefix(s.book.say(u), "sql insert log rows 1") {
				t.Fatalf("recorded %q", s.book.say(u))
			}
			users++
			now := s.dump("acc") + s.dump("log")
			if strings.Count(now, "user ") != strings.Count(want, "user ")+1 {
				t.Fatalf("request %d: the user's row is not there", request)
			}
			want = now
			s.book.mu.Lock()
			clear(s.book.runs)
			s.book.mu.Unlock()
		}
		if got := s.dump("acc") + s.dump("log"); got != want {
			t.Fatalf("request %d changed what users own:\n%s\nwas\n%s", request, got, want)
		}
	}
	if acc := s.dump("acc"); strings.Count(acc, "/") != 50 || !strings.HasPrefix(acc, "1 1 / 2 2 / ") || !strings.HasSuffix(acc, "50 50 / ") {
		t.Fatalf("accounts are %s", acc)
	}
}

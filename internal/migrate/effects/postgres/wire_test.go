package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"jindu.dev/jindu/internal/migrate/effects"
)

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("%s did not come to pass", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// pgx is a connection of pgx's own through the proxy.
func (s *stage) pgx(params string) *pgx.Conn {
	s.t.Helper()
	c, err := pgx.Connect(context.Background(), s.dsn(s.server.User, s.server.Password, params))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func TestTheLogCarriesTheMarksOfUsers(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock, "SELECT pg_create_logical_replication_slot('marks_"+s.schema+"', 'test_decoding')")
	for i, params := range modes {
		c := s.conn(params)
		a, b := markOf(2*i, false), markOf(2*i+1, false)
		must(t, c, led(a, "SELECT * FROM stock"))
		must(t, c, led(a, "INSERT INTO stock (sku, n) VALUES ($1, 1)"), "a")
		must(t, c, "BEGIN")
		must(t, c, "SAVEPOINT x")
		must(t, c, led(b, "UPDATE stock SET n = 2"))
		must(t, c, "ROLLBACK TO x")
		must(t, c, led(b, "UPDATE stock SET n = 3"))
		must(t, c, led(b, "DELETE FROM stock"))
		must(t, c, "COMMIT")
		if _, err := c.ExecContext(context.Background(), led(a, "INSERT INTO stock (sku, nothing) VALUES (1, 1)")); err == nil {
			t.Error("no error")
		} else if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Position != int32(len(a.String())+5+1+len("INSERT INTO stock (sku, ")) {
			t.Errorf("%s: the error is at %d", params, e.Position)
		}
		got := dump(t, s.direct, "SELECT data FROM pg_logical_slot_get_changes('marks_"+s.schema+"', NULL, NULL) WHERE data LIKE 'message%' OR data LIKE 'COMMIT%'")
		want := []string{"content:" + a.String(), "COMMIT", "content:" + b.String(), "COMMIT"}
		at := 0
		for _, w := range want {
			n := strings.Index(got[at:], w)
			if n < 0 {
				t.Fatalf("%s: the log has %s", params, got)
			}
			at += n + len(w)
		}
		if strings.Count(got, "content:") != 2 {
			t.Errorf("%s: the log has %s", params, got)
		}
	}
	s.setup("SELECT pg_drop_replication_slot('marks_" + s.schema + "')")
}

func TestBatchesOfPgx(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup("CREATE TABLE o (id SERIAL PRIMARY KEY, v INT UNIQUE)", "INSERT INTO o (v) VALUES (1)")
	before := s.dump("o")
	ctx := context.Background()
	for i, params := range modes[:4] {
		c := s.pgx(params)
		send := func(m string, values ...int) error {
			b := &pgx.Batch{}
			for _, v := range values {
				b.Queue(m+"INSERT INTO o (v) VALUES ($1) RETURNING id", v)
				b.Queue("SELECT count(*) FROM o WHERE v = $1", v)
			}
			return c.SendBatch(ctx, b).Close()
		}
		if strings.Contains(params, "simple") {
			continue // several statements in one
		}
		shadow := "/*" + markOf(i+1, true).String() + "*/ "
		if err := send(shadow, 5, 6, 7); err != nil {
			t.Fatalf("%s: %v", params, err)
		}
		if err := send(shadow, 8, 1, 9); err == nil || !strings.Contains(err.Error(), "23505") {
			t.Errorf("%s: got %v", params, err)
		}
		var got string
		if err := c.QueryRow(ctx, shadow+"SELECT string_agg(v::text, ' ' ORDER BY v) FROM o").Scan(&got); err != nil || got != "1 5 6 7" {
			t.Errorf("%s: the shadow sees %q %v", params, got, err)
		}
		if got := s.book.say(markOf(i+1, true)); strings.Count(got, "row insert o") != 3 {
			t.Errorf("%s: recorded %s", params, got)
		}
		user := "/*" + markOf(100+i, false).String() + "*/ "
		if err := send(user, 50+i, 1); err == nil || !strings.Contains(err.Error(), "23505") {
			t.Errorf("%s: got %v", params, err)
		}
		if got := s.book.say(markOf(100+i, false)); got != "" || s.dump("o") != before {
			t.Errorf("%s: a batch that failed is recorded: %s; %s", params, got, s.dump("o"))
		}
		if err := send("", 70); err == nil || !strings.Contains(err.Error(), "JD-EFFECTS-110") {
			t.Errorf("%s: got %v", params, err)
		}
		if err := send(user, 30+i); err != nil {
			t.Errorf("%s: %v", params, err)
		}
		if got := s.book.say(markOf(100+i, false)); strings.Count(got, "sql insert o rows 1") != 1 {
			t.Errorf("%s: recorded %s", params, got)
		}
		s.setup("DELETE FROM o WHERE v <> 1")
	}
}

func TestCopy(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup("CREATE TABLE o (id INT PRIMARY KEY, t TEXT)")
	ctx := context.Background()
	c := s.pgx("").PgConn()
	rows := strings.Repeat("x", 100)
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "%d\t%s\n", i, rows)
	}
	u := markOf(1, false)
	tag, err := c.CopyFrom(ctx, strings.NewReader(b.String()), led(u, "COPY o FROM STDIN"))
	if err != nil || tag.RowsAffected() != 5000 {
		t.Fatal(tag, err)
	}
	if got := s.book.say(u); got != "sql copy o rows 5000: COPY o FROM STDIN []" {
		t.Errorf("recorded %s", got)
	}
	var out strings.Builder
	if _, err := c.CopyTo(ctx, &out, "COPY o TO STDOUT"); err != nil || out.String() != b.String() {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
	m := markOf(2, true)
	if _, err := c.CopyFrom(ctx, strings.NewReader("9001\tx\n"), led(m, "COPY o FROM STDIN")); err != nil {
		t.Error(err)
	}
	if _, err := c.CopyFrom(ctx, strings.NewReader("1\tx\n"), led(m, "COPY o FROM STDIN")); err == nil {
		t.Error("no error")
	}
	if got := s.book.say(m); got != "sql copy o rows 1: COPY o FROM STDIN [] rolled_back" {
		t.Errorf("recorded %s", got)
	}
	if _, err := c.CopyFrom(ctx, strings.NewReader("9002\tx\n"), "COPY o FROM STDIN"); err == nil || !strings.Contains(err.Error(), "JD-EFFECTS-110") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Exec(ctx, led(markOf(3, false), "SELECT 1")).ReadAll(); err != nil {
		t.Error(err)
	}
	if got := dump(t, s.direct, "SELECT count(*) FROM o"); got != "5000 / " {
		t.Errorf("rows %s", got)
	}
}

func TestNotificationsAndBigRows(t *testing.T) {
	s := newStage(t, nil, func(p *Proxy) { p.limits.idle = 20 * time.Millisecond })
	ctx := context.Background()
	c := s.pgx("")
	if _, err := c.Exec(ctx, "LISTEN news"); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if i == 1 {
			time.Sleep(60 * time.Millisecond) // the session watches the database by now, or will; both must do
		}
		s.setup(fmt.Sprintf("SELECT pg_notify('news', '%d')", i))
		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		n, err := c.WaitForNotification(limited)
		cancel()
		if err != nil || n.Payload != fmt.Sprint(i) {
			t.Fatal(n, err)
		}
	}
	var size int
	var text string
	if err := c.QueryRow(ctx, "SELECT repeat('x', 3000000), 7").Scan(&text, &size); err != nil || len(text) != 3000000 || size != 7 {
		t.Errorf("%d %d %v", len(text), size, err)
	}
	s.setup("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE '%pg_notify%'")
	eventually(t, "the end of the connection", func() bool { return c.Ping(ctx) != nil })
}

func TestAStatementIsCanceled(t *testing.T) {
	for _, mode := range []string{"user", "shadow"} {
		s := newStage(t, nil, nil)
		s.setup(stock)
		c := s.pgx("")
		m := markOf(1, mode == "shadow")
		if _, err := c.Exec(context.Background(), led(m, "INSERT INTO stock (sku, n) VALUES ('a', 1)")); err != nil {
			t.Fatal(err)
		}
		go func() {
			for range 1000 {
				if got := dump(t, s.direct, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND state = 'active' AND wait_event = 'PgSleep'"); got == "1 / " {
					break
				}
				time.Sleep(5 * time.Millisecond)
			}
			_ = c.PgConn().CancelRequest(context.Background())
		}()
		if _, err := c.Exec(context.Background(), led(m, "SELECT pg_sleep(60)")); err == nil || !strings.Contains(err.Error(), "57014") {
			t.Errorf("%s: got %v", mode, err)
		}
		if _, err := c.Exec(context.Background(), led(m, "SELECT 1")); err != nil {
			t.Error(err)
		}
	}
}

func TestAShadeIsNotHeldForLong(t *testing.T) {
	s := newStage(t, nil, func(p *Proxy) { p.limits.hold, p.limits.holdInTx = 30*time.Millisecond, 60*time.Millisecond })
	s.setup(stock, "INSERT INTO stock (sku, n) VALUES ('a', 1)")
	for i, params := range modes {
		c := s.conn(params)
		m := markOf(1+i, true)
		n := s.proxy.Events.RolledBack.Load()
		must(t, c, led(m, "UPDATE stock SET n = 2"))
		eventually(t, "the rollback", func() bool { return s.proxy.Events.RolledBack.Load() == n+1 })
		s.setup("UPDATE stock SET n = 3") // the row is free
		if got := dump(t, c, led(m, "SELECT n FROM stock")); got != "3 / " {
			t.Errorf("reads %q", got)
		}
		must(t, c, "BEGIN")
		must(t, c, led(m, "UPDATE stock SET n = 4"))
		eventually(t, "the rollback", func() bool { return s.proxy.Events.RolledBack.Load() == n+2 })
		refused(t, c, "JD-EFFECTS-114", led(m, "UPDATE stock SET n = 5"))
		refused(t, c, "JD-EFFECTS-114", "SAVEPOINT x")
		must(t, c, "ROLLBACK")
		must(t, c, led(m, "UPDATE stock SET n = 6"))
		must(t, c, led(markOf(100+i, false), "UPDATE stock SET n = n + 1"))
		if got := s.dump("stock"); got != "a 4 NULL NULL / " {
			t.Errorf("%s: table %s", params, got)
		}
		s.setup("UPDATE stock SET n = 3")
	}
}

func TestSettingsOfShadowsGoWithThem(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock)
	for i, params := range modes {
		c := s.conn(params)
		m := markOf(1+i, true)
		must(t, c, "SET application_name = 'pool'")
		must(t, c, led(m, "SET application_name = 'shadow'"))
		if got := dump(t, c, led(m, "SHOW application_name")); got != "shadow / " {
			t.Errorf("%s: the shadow has %s", params, got)
		}
		must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('a', 1)"))
		must(t, c, "BEGIN")
		must(t, c, "SET TIME ZONE 'Asia/Tokyo'")
		must(t, c, "COMMIT")
		if got := dump(t, c, led(markOf(100+i, false), "SELECT current_setting('application_name'), current_setting('TimeZone')")); got != "pool Asia/Tokyo / " {
			t.Errorf("%s: the user has %s", params, got)
		}
		if got := s.dump("stock"); got != "" {
			t.Errorf("table %s", got)
		}
	}
}

func TestRefuseAndPass(t *testing.T) {
	s := newStage(t, func(p *effects.Proxy) { p.Shadow.Mode, p.Unmarked = "", "pass" }, nil)
	s.setup(stock)
	for i, params := range modes {
		c := s.conn(params)
		m := markOf(1+i, true)
		must(t, c, "INSERT INTO stock (sku, n) VALUES ('a', $1)", 1)
		must(t, c, "ANALYZE stock")
		refused(t, c, "shadow.mode is refuse", led(m, "INSERT INTO stock (sku, n) VALUES ('c', $1)"), 1)
		if got := dump(t, c, led(m, "SELECT COUNT(*) FROM stock")); got != "1 / " {
			t.Errorf("a shadow reads %q", got)
		}
		must(t, c, "DELETE FROM stock")
		if s.book.unattributed != 3*(i+1) {
			t.Errorf("unattributed %d", s.book.unattributed)
		}
		if got := s.book.say(m); !strings.Contains(got, "refused") {
			t.Errorf("recorded %s", got)
		}
	}
}

// cutter passes connections on until it is told to cut them.
func cutter(t *testing.T, upstream string) (addr string, cut func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var conns []net.Conn
	lock := make(chan struct{}, 1)
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", upstream)
			if err != nil {
				_ = a.Close()
				continue
			}
			lock <- struct{}{}
			conns = append(conns, a, b)
			<-lock
			go func() { _, _ = io.Copy(a, b); _ = a.Close() }()
			go func() { _, _ = io.Copy(b, a); _ = b.Close() }()
		}
	}()
	return l.Addr().String(), func() {
		lock <- struct{}{}
		for _, c := range conns {
			_ = c.Close()
		}
		conns = nil
		<-lock
	}
}

func TestACutConnectionLeavesNothingOfAShadow(t *testing.T) {
	var cut func()
	s := newStage(t, func(p *effects.Proxy) { p.Upstream, cut = cutter(t, p.Upstream) }, nil)
	s.setup(stock, "INSERT INTO stock (sku, n) VALUES ('a', 1)")
	ctx := context.Background()
	c := s.pgx("")
	m, u := markOf(1, true), markOf(2, false)
	if _, err := c.Exec(ctx, led(m, "UPDATE stock SET n = 7")); err != nil {
		t.Fatal(err)
	}
	cut()
	if _, err := c.Exec(ctx, led(m, "UPDATE stock SET n = 8")); err == nil {
		t.Error("no error")
	}
	c = s.pgx("")
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(ctx, led(u, "UPDATE stock SET n = n + 1 FROM (SELECT pg_sleep(60)) x"))
		done <- err
	}()
	eventually(t, "the statement", func() bool {
		return dump(t, s.direct, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1 / "
	})
	cut()
	if err := <-done; err == nil {
		t.Error("no error")
	}
	eventually(t, "the record", func() bool { return strings.HasSuffix(s.book.say(u), "unknown") })
	s.setup("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "UPDATE stock SET n = n + 10")
	if got := s.dump("stock"); got != "a 11 NULL NULL / " {
		t.Errorf("table %s", got)
	}
}

func TestWhatNoRollbackTakesBackIsRefused(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup("CREATE EXTENSION IF NOT EXISTS postgres_fdw", "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw", "CREATE FOREIGN TABLE away (a INT) SERVER far", stock,
		"CREATE VIEW v AS SELECT * FROM stock", "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", "CREATE TABLE tr (a INT PRIMARY KEY)", "CREATE TRIGGER tr BEFORE INSERT ON tr FOR EACH ROW EXECUTE FUNCTION f()")
	for i, params := range modes {
		c := s.conn(params)
		m := markOf(1+i, true)
		for _, table := range []string{"away (a)", "v (n)", "tr (a)"} {
			refused(t, c, "JD-EFFECTS-111", led(m, "INSERT INTO "+table+" VALUES ($1)"), 1)
		}
		must(t, c, "BEGIN")
		refused(t, c, "JD-EFFECTS-111", led(m, "INSERT INTO away (a) VALUES ($1)"), 1)
		must(t, c, "ROLLBACK")
		for _, q := range []string{"TRUNCATE stock", "SELECT setval('x', 1)", "SELECT pg_advisory_lock(1)", "LOCK TABLE stock", "VACUUM", "SELECT lo_import('/etc/passwd')", "COPY stock TO PROGRAM 'true'", "DO 'BEGIN END'",
			"PREPARE x AS DELETE FROM stock", "EXECUTE x", "CALL x()", "SELECT 1; DELETE FROM stock", "PREPARE TRANSACTION 'x'", "LISTEN x", "DISCARD ALL"} {
			refused(t, c, "JD-EFFECTS-111", led(m, q))
		}
	}
	s.setup("DROP FOREIGN TABLE away")
	s.proxy.Events.Refused.Store(0)
	s2 := newStage(t, nil, nil)
	s2.setup("CREATE TABLE tr (a INT PRIMARY KEY)", "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := NEW.a + 1; RETURN NEW; END'", "CREATE TRIGGER tr BEFORE INSERT ON tr FOR EACH ROW EXECUTE FUNCTION f()")
	m := markOf(1, true)
	must(t, s2.conn(""), led(m, "INSERT INTO tr VALUES (1)"))
	if got := s2.book.say(m); got != "row insert tr key a=2 after a=2 rolled_back" {
		t.Errorf("recorded %s", got)
	}
}

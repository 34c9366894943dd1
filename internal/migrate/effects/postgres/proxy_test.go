package postgres

import (
	"context"
	"strings"
	"testing"
)

const stock = "CREATE TABLE stock (sku VARCHAR(20) PRIMARY KEY, n INT NOT NULL, price NUMERIC(10,2), at TIMESTAMP(3))"

var modes = []string{"", "default_query_exec_mode=simple_protocol", "default_query_exec_mode=exec", "default_query_exec_mode=describe_exec"}

func TestAUsersStatementsPassAndAreRecorded(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock)
	for i, params := range modes {
		c := s.conn(params)
		m := markOf(10+i, false)
		must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ($1, $2), ('b', 2)"), "a", 1)
		must(t, c, led(m, "UPDATE stock SET n = n + $1 WHERE sku = $2"), 5, "a")
		if got := dump(t, c, led(m, "SELECT sku, n FROM stock ORDER BY sku")); got != "a 6 / b 2 / " {
			t.Errorf("read %q", got)
		}
		must(t, c, led(m, "DELETE FROM stock"))
		want := "sql insert stock rows 2: INSERT INTO stock (sku, n) VALUES ($1, $2), ('b', 2) [\"a\" \"1\"]\n" +
			"sql update stock rows 1: UPDATE stock SET n = n + $1 WHERE sku = $2 [\"5\" \"a\"]\nsql delete stock rows 2: DELETE FROM stock []"
		if strings.Contains(params, "simple") {
			want = "sql insert stock rows 2: INSERT INTO stock (sku, n) VALUES ( 'a' ,  '1' ), ('b', 2) []\n" +
				"sql update stock rows 1: UPDATE stock SET n = n +  '5'  WHERE sku =  'a'  []\nsql delete stock rows 2: DELETE FROM stock []"
		}
		if got := s.book.say(m); got != want {
			t.Errorf("%q recorded\n%s\nwant\n%s", params, got, want)
		}
	}
}

func TestAUsersTransactionIsRecordedWhenItCommits(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock)
	for i, params := range modes {
		c := s.conn(params)
		must(t, c, led(markOf(99, false), "DELETE FROM stock"))
		m := markOf(1+10*i, false)
		must(t, c, "BEGIN")
		must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('a', 1)"))
		must(t, c, "SAVEPOINT x")
		must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('b', 1)"))
		must(t, c, "ROLLBACK TO x")
		if got := s.book.say(m); got != "" {
			t.Errorf("recorded before the commit: %s", got)
		}
		must(t, c, "COMMIT")
		if got := s.book.say(m); got != "sql insert stock rows 1: INSERT INTO stock (sku, n) VALUES ('a', 1) []" {
			t.Errorf("recorded %s", got)
		}
		m = markOf(2+10*i, false)
		must(t, c, "START TRANSACTION")
		must(t, c, led(m, "DELETE FROM stock"))
		must(t, c, "ROLLBACK")
		if got := s.book.say(m); got != "" || s.dump("stock") != "a 1 NULL NULL / " {
			t.Errorf("rolled back and recorded %s, table %s", got, s.dump("stock"))
		}
		refused(t, c, "JD-EFFECTS-110", "DELETE FROM stock")
		refused(t, c, "JD-EFFECTS-110", "TRUNCATE stock")
		refused(t, c, "my_func", "SELECT my_func(1)")
		refused(t, c, "JD-EFFECTS-110", "DELETE FROM stock WHERE n = $1", 1)
		must(t, c, "BEGIN")
		refused(t, c, "JD-EFFECTS-110", "DELETE FROM stock WHERE n = $1", 1)
		if _, err := c.ExecContext(context.Background(), "SELECT 1"); err == nil || !strings.Contains(err.Error(), "25P02") {
			t.Errorf("the transaction goes on: %v", err)
		}
		must(t, c, "ROLLBACK")
	}
}

func TestAShadowsWritesAreRolledBackAndTheirRowsRecorded(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock, "INSERT INTO stock VALUES ('a', 1, 9.50, '2026-01-02 03:04:05.600'), ('b', 2, NULL, NULL)")
	before := s.dump("stock")
	for i, params := range modes {
		c := s.conn(params)
		m := markOf(20+i, true)
		r := must(t, c, led(m, "UPDATE stock SET n = n - $1, price = 1.10 WHERE sku = $2 AND n >= 0"), 1, "a")
		if n, _ := r.RowsAffected(); n != 1 {
			t.Errorf("told %d rows", n)
		}
		must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ($1, 7)"), "c'x")
		must(t, c, led(m, "DELETE FROM stock WHERE sku = 'b';"))
		must(t, c, led(m, "UPDATE stock SET n = n WHERE sku = 'nobody'"))
		must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('a', $1) ON CONFLICT (sku) DO UPDATE SET n = stock.n + EXCLUDED.n"), 5)
		must(t, c, led(m, "INSERT INTO stock AS x (sku, n) VALUES ('a', 5), ('d', 1) ON CONFLICT DO NOTHING"))
		if got := dump(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('e', $1), ('f', 2) RETURNING n, sku"), 8); got != "8 e / 2 f / " {
			t.Errorf("returned %q", got)
		}
		if got := dump(t, c, led(m, "DELETE FROM stock WHERE sku = $1 RETURNING n"), "f"); got != "2 / " {
			t.Errorf("returned %q", got)
		}
		if got := dump(t, c, led(m, "SELECT sku, n FROM stock ORDER BY sku")); got != "a 5 / c'x 7 / d 1 / e 8 / " {
			t.Errorf("the run sees %q", got)
		}
		want := `row update stock key sku=a before n=1 price=9.5 after n=0 price=1.1 rolled_back
row insert stock key sku=c'x after sku=c'x n=7 price=NULL at=NULL rolled_back
row delete stock key sku=b before sku=b n=2 price=NULL at=NULL rolled_back
row update stock key sku=a before n=0 after n=5 rolled_back
row insert stock key sku=d after sku=d n=1 price=NULL at=NULL rolled_back
row insert stock key sku=e after sku=e n=8 price=NULL at=NULL rolled_back
row insert stock key sku=f after sku=f n=2 price=NULL at=NULL rolled_back
row delete stock key sku=f before sku=f n=2 price=NULL at=NULL rolled_back`
		if got := s.book.say(m); got != want {
			t.Errorf("recorded\n%s\nwant\n%s", got, want)
		}
		if got := s.dump("stock"); got != before {
			t.Fatalf("a shadow changed %s", got)
		}
		// Another run sees what users have.
		if got := dump(t, c, led(markOf(99, false), "SELECT COUNT(*) FROM stock")); got != "2 / " {
			t.Errorf("the next run sees %q", got)
		}
	}
	if n := s.proxy.Events.RolledBack.Load(); n != int64(len(modes)) {
		t.Errorf("%d rolled back", n)
	}
}

func TestAnErrorOfAShadowIsAsOutsideOfATransaction(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup("CREATE TABLE o (id BIGSERIAL PRIMARY KEY, v INT UNIQUE)", "INSERT INTO o (v) VALUES (1)")
	before := s.dump("o")
	ctx := context.Background()
	for i, params := range modes {
		c := s.conn(params)
		m := markOf(1+i, true)
		must(t, c, led(m, "INSERT INTO o (v) VALUES (2)"))
		if _, err := c.ExecContext(ctx, led(m, "INSERT INTO o (v) VALUES ($1)"), 1); err == nil || !strings.Contains(err.Error(), "23505") {
			t.Errorf("got %v", err)
		}
		if _, err := c.ExecContext(ctx, led(m, "SELECT nothing FROM o")); err == nil {
			t.Error("no error")
		}
		must(t, c, led(m, "INSERT INTO o (v) VALUES ($1)"), 3)
		tx, err := c.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(ctx, led(m, "UPDATE o SET v = v + 10 WHERE v = $1"), 2); err != nil {
			t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if tx, err = c.BeginTx(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(ctx, led(m, "UPDATE o SET v = v + 20 WHERE v = $1"), 2); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := dump(t, c, led(m, "SELECT v FROM o ORDER BY v")); got != "1 / 3 / 22 / " {
			t.Errorf("sees %q", got)
		}
		if got := s.book.say(m); strings.Count(got, "rolled_back") != 3 || !strings.Contains(got, "before v=2 after v=22") {
			t.Errorf("recorded %s", got)
		}
		must(t, c, led(markOf(100+i, false), "SELECT 1"))
		if got := s.dump("o"); got != before {
			t.Fatalf("a shadow changed %s", got)
		}
		// A transaction that the client began before the shadow wrote.
		m = markOf(50+i, true)
		must(t, c, "BEGIN")
		must(t, c, led(m, "DELETE FROM o"))
		refused(t, c, "JD-EFFECTS-113", led(markOf(60+i, false), "DELETE FROM o"))
		must(t, c, "COMMIT")
		must(t, c, led(markOf(100+i, false), "SELECT 1"))
		if got := s.dump("o"); got != before {
			t.Fatalf("a shadow changed %s", got)
		}
	}
}

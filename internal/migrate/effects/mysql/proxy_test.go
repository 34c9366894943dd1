package mysql

import (
	"context"
	"strings"
	"testing"
)

const stock = "CREATE TABLE stock (sku VARCHAR(20) PRIMARY KEY, n INT NOT NULL, price DECIMAL(10,2), at DATETIME(3))"

func TestAUsersStatementsPassAndAreRecorded(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock)
	for i, params := range []string{"", "interpolateParams=true"} {
		c := s.conn(params)
		m := markOf(10+i, false)
		must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES (?, ?), ('b', 2)"), "a", 1)
		if r := must(t, c, led(m, "UPDATE stock SET n = n + ? WHERE sku = ?"), 5, "a"); r == nil {
			t.Fatal("no result")
		}
		if got := dump(t, c, led(m, "SELECT sku, n FROM stock ORDER BY sku")); got != "a 6 / b 2 / " {
			t.Errorf("read %q", got)
		}
		must(t, c, led(m, "DELETE FROM stock"))
		want := "sql insert stock rows 2: INSERT INTO stock (sku, n) VALUES (?, ?), ('b', 2) [\"a\" \"1\"]\n" +
			"sql update stock rows 1: UPDATE stock SET n = n + ? WHERE sku = ? [\"5\" \"a\"]\nsql delete stock rows 2: DELETE FROM stock []"
		if params != "" {
			want = "sql insert stock rows 2: INSERT INTO stock (sku, n) VALUES ('a', 1), ('b', 2) []\n" +
				"sql update stock rows 1: UPDATE stock SET n = n + 5 WHERE sku = 'a' []\nsql delete stock rows 2: DELETE FROM stock []"
		}
		if got := s.book.say(m); got != want {
			t.Errorf("%q recorded\n%s\nwant\n%s", params, got, want)
		}
	}
}

func TestAUsersTransactionIsRecordedWhenItCommits(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock)
	c := s.conn("")
	m := markOf(1, false)
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
	m = markOf(2, false)
	must(t, c, "START TRANSACTION")
	must(t, c, led(m, "DELETE FROM stock"))
	must(t, c, "ROLLBACK")
	if got := s.book.say(m); got != "" || s.dump("stock") != "a 1 NULL NULL / " {
		t.Errorf("rolled back and recorded %s, table %s", got, s.dump("stock"))
	}
	refused(t, c, "JD-EFFECTS-110", "DELETE FROM stock")
	refused(t, c, "JD-EFFECTS-110", "TRUNCATE stock")
	refused(t, c, "my_func", "SELECT my_func(1)")
	refused(t, c, "JD-EFFECTS-110", "DELETE FROM stock WHERE n = ?", 1)
	if s.book.refused != 4 || s.proxy.Events.Refused.Load() != 4 {
		t.Errorf("refused %d", s.book.refused)
	}
}

func TestAShadowsWritesAreRolledBackAndTheirRowsRecorded(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock, "INSERT INTO stock VALUES ('a', 1, 9.50, '2026-01-02 03:04:05.600'), ('b', 2, NULL, NULL)")
	before := s.dump("stock")
	for i, params := range []string{"", "interpolateParams=true", "clientFoundRows=true"} {
		c := s.conn(params)
		m := markOf(20+i, true)
		r := must(t, c, led(m, "UPDATE stock SET n = n - ?, price = 1.10 WHERE sku = ? AND n >= 0"), 1, "a")
		if n, _ := r.RowsAffected(); n != 1 {
			t.Errorf("told %d rows", n)
		}
		must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES (?, 7)"), "c'x")
		must(t, c, led(m, "DELETE FROM stock WHERE sku = 'b'"))
		must(t, c, led(m, "UPDATE stock SET n = n WHERE sku = 'nobody'"))
		must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('a', 5) ON DUPLICATE KEY UPDATE n = n + VALUES(n)"))
		must(t, c, led(m, "REPLACE INTO stock (sku, n) VALUES ('a', 6)"))
		must(t, c, led(m, "INSERT IGNORE INTO stock (sku, n) VALUES ('a', 5), ('d', 1)"))
		if got := dump(t, c, led(m, "SELECT sku, n FROM stock ORDER BY sku")); got != "a 6 / c'x 7 / d 1 / " {
			t.Errorf("the run sees %q", got)
		}
		want := `row update stock key sku=a before n=1 price=9.5 after n=0 price=1.1 rolled_back
row insert stock key sku=c'x after sku=c'x n=7 price=NULL at=NULL rolled_back
row delete stock key sku=b before sku=b n=2 price=NULL at=NULL rolled_back
row update stock key sku=a before n=0 after n=5 rolled_back
row update stock key sku=a before n=5 price=1.1 at=2026-01-02T03:04:05.6 after n=6 price=NULL at=NULL rolled_back
row insert stock key sku=d after sku=d n=1 price=NULL at=NULL rolled_back`
		if got := s.book.say(m); got != want {
			t.Errorf("recorded\n%s\nwant\n%s", got, want)
		}
		if got := s.dump("stock"); got != before {
			t.Fatalf("a shadow changed %s", got)
		}
		// Another run sees what users have, and autocommit is on again.
		if got := dump(t, c, led(markOf(99, false), "SELECT @@autocommit, (SELECT COUNT(*) FROM stock)")); got != "1 2 / " {
			t.Errorf("the next run sees %q", got)
		}
	}
	if n := s.proxy.Events.RolledBack.Load(); n != 3 {
		t.Errorf("%d rolled back", n)
	}
}

func TestTheTransactionOfAShadowLooksLikeOne(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup("CREATE TABLE o (id BIGINT AUTO_INCREMENT PRIMARY KEY, v INT, UNIQUE (v))", "INSERT INTO o (v) VALUES (1)")
	before := s.dump("o")
	ctx := context.Background()
	c := s.conn("")
	m := markOf(1, true)
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := tx.ExecContext(ctx, led(m, "INSERT INTO o (v) VALUES (2), (3)")); err != nil {
		t.Fatal(err)
	} else if id, _ := r.LastInsertId(); id != 2 {
		t.Errorf("id %d", id)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	// A second transaction of the same run sees the first, and may be rolled back alone.
	must(t, c, "SET autocommit=0")
	must(t, c, led(m, "UPDATE o SET v = 20 WHERE id = 2"))
	must(t, c, "SAVEPOINT p")
	must(t, c, led(m, "DELETE FROM o WHERE id = 3"))
	must(t, c, "ROLLBACK TO SAVEPOINT p")
	must(t, c, "COMMIT")
	must(t, c, led(m, "DELETE FROM o"))
	must(t, c, "ROLLBACK")
	must(t, c, "SET autocommit=1")
	if got := dump(t, c, led(m, "SELECT v FROM o ORDER BY id")); got != "1 / 20 / 3 / " {
		t.Errorf("the run sees %q", got)
	}
	want := `row insert o key id=2 after id=2 v=2 rolled_back
row insert o key id=3 after id=3 v=3 rolled_back
row update o key id=2 before v=2 after v=20 rolled_back`
	if got := s.book.say(m); got != want {
		t.Errorf("recorded\n%s\nwant\n%s", got, want)
	}
	// BEGIN of the next request is not known to be a user's until the statement comes.
	u := markOf(2, false)
	must(t, c, "BEGIN")
	must(t, c, led(u, "INSERT INTO o (v) VALUES (9)"))
	refused(t, c, "the open transaction is a user's", led(m, "DELETE FROM o"))
	must(t, c, "ROLLBACK")
	if got := s.dump("o"); got != before {
		t.Errorf("table %s", got)
	}
	must(t, c, "BEGIN")
	must(t, c, led(m, "UPDATE o SET v = 5"))
	refused(t, c, "JD-EFFECTS-113", led(u, "INSERT INTO o (v) VALUES (9)"))
	refused(t, c, "another shadow", led(markOf(3, true), "DELETE FROM o"))
	must(t, c, led(u, "COMMIT"))
	must(t, c, led(u, "INSERT INTO o (id, v) VALUES (50, 9)"))
	if got := s.dump("o"); got != before+"50 9 / " {
		t.Errorf("table %s", got)
	}
}

func TestWhatAShadowMayNotDo(t *testing.T) {
	s := newStage(t, nil, nil)
	s.setup(stock, "CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM", "CREATE VIEW w AS SELECT * FROM stock",
		"CREATE TABLE audited (id INT PRIMARY KEY)", "CREATE TRIGGER tr AFTER INSERT ON audited FOR EACH ROW INSERT INTO old VALUES (NEW.id)",
		"SET GLOBAL log_bin_trust_function_creators=1", "CREATE FUNCTION sneak() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO stock (sku, n) VALUES ('s', 1); RETURN 1; END",
		"CREATE PROCEDURE sneaky() INSERT INTO stock (sku, n) VALUES ('p', 1)")
	c := s.conn("")
	m := markOf(1, true)
	must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('x', 1)")) // a shade is open
	for q, words := range map[string]string{
		"CREATE TABLE z (a INT)": "commits by itself",
		"TRUNCATE stock":         "commits by itself",
		"CALL sneaky()":          "calls sneaky",
		"SELECT sneak()":         "calls sneak",
		"INSERT INTO stock VALUES (sneak(), 1, 1,1)": "calls sneak",
		"INSERT INTO old VALUES (1)":                 "MyISAM",
		"UPDATE w SET n = 1":                         "view",
		"INSERT INTO nowhere VALUES (1)":             "does not find",
		"INSERT INTO audited VALUES (1)":             "triggers",
		"FLUSH TABLES":                               "no rollback",
		"LOCK TABLES stock WRITE":                    "no rollback",
		"SELECT GET_LOCK('x', 0)":                    "no rollback",
		"SELECT 1 INTO OUTFILE '/tmp/jindu-x'":       "no rollback",
		"/*!50000 DELETE FROM stock */":              "cannot classify",
		"SELECT 1; DELETE FROM stock":                "cannot classify",
		"PREPARE p FROM 'DELETE FROM stock'":         "cannot classify",
		"BEGIN NOT ATOMIC DELETE FROM stock; END":    "cannot classify",
		"XA START 'x'":                               "no rollback",
		"SET GLOBAL max_connections = 100":           "no rollback",
	} {
		refused(t, c, words, led(m, q))
	}
	if got := s.dump("stock"); got != "" {
		t.Errorf("table %s", got)
	}
	found := false
	for _, e := range s.book.of(m) {
		found = found || e.Fate == "refused" && strings.Contains(e.Text, "TRUNCATE") && e.Op == "truncate"
	}
	if !found {
		t.Errorf("refusals are not recorded: %s", s.book.say(m))
	}
}

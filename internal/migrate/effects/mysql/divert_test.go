package mysql

import (
	"context"
	"strings"
	"testing"

	"jindu.dev/jindu/internal/migrate/effects"
)

// diverted is a stage whose shadows go to a schema of their own.
func diverted(t *testing.T, grants ...string) (*stage, string) {
	t.Helper()
	var s *stage
	shadows := ""
	s = newStage(t, func(p *effects.Proxy) {
		shadows = "sh_" + strings.ReplaceAll(strings.ToLower(t.Name()), "/", "_")
		shadows = shadows[:min(len(shadows), 40)]
		divertTo(shadows)(p)
	}, nil)
	user := "'u_" + shadows + "'@'%'"
	s.setup("CREATE DATABASE "+shadows, "CREATE USER "+user+" IDENTIFIED BY 'secret-"+shadows+"'", "GRANT SELECT, INSERT, UPDATE, DELETE ON `"+shadows+"`.* TO "+user)
	t.Cleanup(func() { s.setup("DROP DATABASE "+shadows, "DROP USER "+user) })
	for _, g := range grants {
		s.setup(g + " TO " + user)
	}
	return s, shadows
}

func TestShadowsAreDiverted(t *testing.T) {
	s, shadows := diverted(t)
	s.setup(stock, "INSERT INTO stock (sku, n) VALUES ('a', 1)", "CREATE TABLE "+shadows+".stock LIKE stock", "INSERT INTO "+shadows+".stock SELECT * FROM stock")
	before := s.dump("stock")
	c := s.conn("")
	m, u := markOf(1, true), markOf(2, false)
	must(t, c, "SET time_zone = '+05:00'")
	must(t, c, led(m, "UPDATE stock SET n = n + ? WHERE sku = ?"), 1, "a")
	must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('b', 2)"))
	if got := dump(t, c, led(m, "SELECT sku, n, @@time_zone FROM stock WHERE n > ? ORDER BY sku"), 0); got != "a 2 +05:00 / b 2 +05:00 / " {
		t.Errorf("the shadow sees %q", got)
	}
	if got := dump(t, c, led(u, "SELECT sku, n FROM stock")); got != "a 1 / " {
		t.Errorf("the user sees %q", got)
	}
	want := "row update stock key sku=a before n=1 after n=2 shadowed\nrow insert stock key sku=b after sku=b n=2 price=NULL at=NULL shadowed"
	if got := s.book.say(m); got != want {
		t.Errorf("recorded\n%s\nwant\n%s", got, want)
	}

	// A transaction of a shadow ends with that of the client.
	m = markOf(3, true)
	must(t, c, "BEGIN")
	must(t, c, "SAVEPOINT early")
	must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('c', 3)"))
	if got := s.book.say(m); got != "" {
		t.Errorf("recorded before the commit: %s", got)
	}
	must(t, c, "ROLLBACK")
	must(t, c, "START TRANSACTION")
	must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('d', 4)"))
	must(t, c, "COMMIT")
	must(t, c, "SET autocommit=0")
	must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('e', 5)"))
	must(t, c, "SET autocommit=1")
	if got := s.dump(shadows + ".stock"); !strings.Contains(got, "d 4") || !strings.Contains(got, "e 5") || strings.Contains(got, "c 3") {
		t.Errorf("shadows' table %s", got)
	}
	if got := s.book.say(m); strings.Count(got, "\n") != 1 || !strings.Contains(got, "sku=e") {
		t.Errorf("recorded %s", got)
	}
	for q, words := range map[string]string{
		"UPDATE " + s.schema + ".stock SET n = 9":       "by its schema",
		"SELECT * FROM mysql.user":                      "by its schema",
		"USE " + s.schema:                               "leave the schema",
		"TRUNCATE stock":                                "only reads and changes",
		"LOAD DATA INFILE '/tmp/x' INTO TABLE stock":    "file",
		"SELECT " + s.schema + ".f()":                   "calls",
		"DELETE FROM stock WHERE 1 /*!50000 OR TRUE */": "cannot tell",
	} {
		refused(t, c, words, led(m, q))
	}
	if got := s.dump("stock"); got != before {
		t.Errorf("a shadow changed %s", got)
	}
	if s.proxy.Events.Diverted.Load() < 6 {
		t.Errorf("diverted %d", s.proxy.Events.Diverted.Load())
	}
}

func TestAShadowsUserWithMoreRightsIsRefused(t *testing.T) {
	s, _ := diverted(t, "GRANT INSERT ON mysql.*")
	c := s.conn("")
	refused(t, c, "JD-EFFECTS-103", led(markOf(1, true), "SELECT 1"))
	must(t, c, led(markOf(2, false), "SELECT 1"))
}

func TestWithoutAConnectionForShadowsTheyAreRefused(t *testing.T) {
	s, shadows := diverted(t)
	s.setup(stock, "CREATE TABLE "+shadows+".stock LIKE stock", "ALTER USER 'u_"+shadows+"'@'%' IDENTIFIED BY 'another'")
	c := s.conn("")
	m := markOf(1, true)
	refused(t, c, "no connection for shadows", led(m, "INSERT INTO stock (sku, n) VALUES ('a', 1)"))
	refused(t, c, "no connection for shadows", led(m, "INSERT INTO stock (sku, n) VALUES (?, 1)"), "a")
	s.setup("ALTER USER 'u_" + shadows + "'@'%' IDENTIFIED BY 'secret-" + shadows + "'")
	must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('a', 1)"))
	// The database ends that connection: the next statement of a shadow says so, the one after gets another.
	kill := dump(t, s.direct, "SELECT id FROM information_schema.processlist WHERE user = ?", "u_"+shadows)
	s.setup("KILL " + strings.Fields(kill)[0])
	_, err := c.ExecContext(context.Background(), led(m, "INSERT INTO stock (sku, n) VALUES ('b', 1)"))
	if err == nil {
		t.Error("written on a connection that is gone")
	}
	must(t, c, led(m, "INSERT INTO stock (sku, n) VALUES ('c', 1)"))
	if got := s.dump("stock"); got != "" {
		t.Errorf("a shadow changed %s", got)
	}
}

func TestWideGrants(t *testing.T) {
	for grant, want := range map[string]bool{
		"GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*x'": false,
		"GRANT SELECT ON `shop`.* TO `u`@`%`":                       false,
		"GRANT ALL PRIVILEGES ON `sh_1`.* TO `u`@`%`":               false,
		"GRANT INSERT, UPDATE ON `sh\\_1`.`t` TO `u`@`%`":           false,
		"GRANT EXECUTE ON PROCEDURE `sh_1`.`p` TO `u`@`%`":          false,
		"GRANT INSERT ON `shop`.`t` TO `u`@`%`":                     true,
		"GRANT ALL PRIVILEGES ON *.* TO `u`@`%`":                    true,
		"GRANT `admin` TO `u`@`%`":                                  true,
		"GRANT SELECT, EXECUTE ON `sh_12`.* TO `u`@`%`":             true,
	} {
		if got := wideGrant(grant, "sh_1"); got != want {
			t.Errorf("%s: %v", grant, got)
		}
	}
}

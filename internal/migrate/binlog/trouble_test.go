package binlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dbtest"
)

// proxy passes connections on and can cut them all.
type proxy struct {
	net.Listener
	to string
	mu sync.Mutex
	on map[net.Conn]bool
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, to: to, on: map[net.Conn]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.pass(c)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); p.cut() })
	return p
}

func (p *proxy) pass(c net.Conn) {
	d, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = c.Close()
		return
	}
	p.mu.Lock()
	p.on[c], p.on[d] = true, true
	p.mu.Unlock()
	go func() { _, _ = io.Copy(d, c); _ = d.Close() }()
	_, _ = io.Copy(c, d)
	_ = c.Close()
	p.mu.Lock()
	delete(p.on, c)
	delete(p.on, d)
	p.mu.Unlock()
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.on {
		_ = c.Close()
	}
}

// replica is a table as its changes make it.
type replica map[string]string

func (r replica) apply(t *testing.T, x data.Txn) {
	t.Helper()
	for _, c := range x.Changes {
		key := c.Key()[0].Text
		if c.Op == data.Insert {
			if _, there := r[key]; there {
				t.Errorf("row %s is inserted twice (%s)", key, x.Position)
			}
		} else if was := fmt.Sprint(texts(c.Before)); r[key] != was {
			t.Errorf("row %s was %s, told %s (%s)", key, r[key], was, x.Position)
		}
		delete(r, key)
		if c.After != nil {
			r[c.After[c.Table.Key[0]].Text] = fmt.Sprint(texts(c.After))
		}
	}
}

// random writes transactions until stop is closed; it goes on when the server comes back.
func (w *world) random(seed uint64, stop chan struct{}) {
	r := rand.New(rand.NewPCG(seed, 7))
	for {
		select {
		case <-stop:
			return
		default:
		}
		tx, err := w.db.Begin()
		if err != nil {
			continue
		}
		for range 1 + r.IntN(6) {
			id := r.IntN(40)
			q := fmt.Sprintf("INSERT INTO m VALUES (%d,%d,REPEAT('x',%d)) ON DUPLICATE KEY UPDATE n=n+1, v=VALUES(v)", id, r.IntN(9), r.IntN(300))
			switch r.IntN(5) {
			case 0:
				q = fmt.Sprintf("DELETE FROM m WHERE id=%d", id)
			case 1:
				q = fmt.Sprintf("UPDATE m SET n=n+1 WHERE id BETWEEN %d AND %d", id, id+10)
			case 2:
				q = fmt.Sprintf("UPDATE IGNORE m SET id=id+1000 WHERE id=%d", id)
			}
			if _, err = tx.Exec(q); err != nil {
				break
			}
		}
		if err != nil || r.IntN(6) == 0 {
			_ = tx.Rollback()
			continue
		}
		_ = tx.Commit() // where it fails, what became of it is in the log
	}
}

func (w *world) rows() replica {
	w.t.Helper()
	out := replica{}
	rows, err := w.db.Query("SELECT id, n, v FROM m")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var a, b, c string
		if err := rows.Scan(&a, &b, &c); err != nil {
			w.t.Fatal(err)
		}
		out[a] = fmt.Sprint([]string{a, b, c})
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func same(t *testing.T, got, want replica) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("row %s: %.80s, want %.80s", k, got[k], v)
		}
	}
}

func TestCutConnectionsAndKilledServersLoseAndDoubleNothing(t *testing.T) {
	srv := dbtest.NewMariaDB(t, "--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1")
	w := newWorld(t, srv)
	w.exec("CREATE TABLE m (id INT PRIMARY KEY, n INT, v TEXT)")
	p := newProxy(t, srv.Addr)
	cfg := w.config()
	cfg.Address = p.Addr().String()
	s, err := New(t.Name(), cfg, Options{Wait: time.Millisecond, part: 2000})
	if err != nil {
		t.Fatal(err)
	}
	from := w.here(s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	got, last, seq, high, told := replica{}, data.Position(""), int64(0), time.Time{}, 0
	ended := make(chan error, 1)
	go func() {
		ended <- s.Run(ctx, from, []string{"m"}, func(x data.Txn) error {
			mu.Lock()
			defer mu.Unlock()
			got.apply(t, x)
			if x.Sequence < seq || len(x.Changes) > 0 && x.Sequence == seq {
				t.Errorf("sequence %d behind %d", x.Sequence, seq)
			}
			if len(x.Changes) == 0 && x.Commit.Before(high) {
				t.Errorf("the watermark goes back from %s to %s", high, x.Commit)
			}
			if len(x.Changes) == 0 {
				high = x.Commit
			}
			last, seq = x.Position, x.Sequence
			told += len(x.Changes)
			return nil
		})
	}()
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for i := range 3 {
		writers.Go(func() { w.random(uint64(i), stop) })
	}
	progress := func(n int) {
		t.Helper()
		mu.Lock()
		goal := told + n
		mu.Unlock()
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			mu.Lock()
			ok := told >= goal
			mu.Unlock()
			if ok {
				return
			}
			select {
			case err := <-ended:
				t.Fatalf("run ended: %v", err)
			default:
			}
			if time.Now().After(deadline) {
				t.Fatal("no progress")
			}
		}
	}
	for range 6 {
		progress(50)
		p.cut()
	}
	for range 2 {
		progress(100)
		srv.Kill(t)
		srv.Restart(t)
	}
	progress(100)
	w.exec("FLUSH BINARY LOGS")
	progress(100)
	close(stop)
	writers.Wait()
	end := w.here(s)
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		mu.Lock()
		ok := s.Reached(last, end)
		mu.Unlock()
		if ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the end is not reached")
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	same(t, got, w.rows())
	t.Logf("%d changes", told)
}

func (w *world) logs() (names []string) {
	w.t.Helper()
	rows, err := w.db.Query("SHOW BINARY LOGS")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, size string
		if err := rows.Scan(&name, &size); err != nil {
			w.t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func TestAPurgedLogSaysSo(t *testing.T) {
	w := newWorld(t, dbtest.NewMariaDB(t))
	w.exec("CREATE TABLE a (id INT PRIMARY KEY)")
	s := w.source(Options{})
	from := w.here(s)
	w.exec("INSERT INTO a VALUES (1)")
	here := w.here(s)
	// The server keeps a file until it is sure that recovery needs it no more.
	for first := w.logs()[0]; w.logs()[0] == first; {
		w.exec("FLUSH BINARY LOGS")
		logs := w.logs()
		w.exec("PURGE BINARY LOGS TO '" + logs[len(logs)-1] + "'")
	}
	err := follow(t, s, from, "a").fails()
	if !errors.Is(err, data.ErrLogGone) || kind.Code(err) != "JD-BINLOG-005" {
		t.Error(err)
	}
	f := follow(t, s, here, "a")
	w.exec("INSERT INTO a VALUES (2)")
	if x := f.next(); show(x.Changes[0]) != "insert a after=[2]" {
		t.Error(show(x.Changes[0]))
	}
	f.close()
	// A server that knows less than we were told is another one, or lost its end.
	future := strings.Split(string(here), "-")
	err = follow(t, s, data.Position(future[0]+"-"+future[1]+"-999999"), "a").fails()
	if !errors.Is(err, data.ErrLogGone) || kind.Code(err) != "JD-BINLOG-005" {
		t.Error(err)
	}
}

func TestASchemaChangeInTheMiddleNeverMisassigns(t *testing.T) {
	w := newWorld(t, dbtest.NewMariaDB(t))
	w.exec("CREATE TABLE a (id INT PRIMARY KEY, x VARCHAR(20), y VARCHAR(20))")
	w.exec("CREATE TABLE z (id INT PRIMARY KEY)")
	s := w.source(Options{Logger: testLog(t)})
	from := w.here(s)
	f := follow(t, s, w.here(s), "a", "z")
	w.exec("INSERT INTO z VALUES (0)")
	f.next()
	get := func(want string, columns ...string) data.Txn {
		t.Helper()
		x := f.next()
		c := x.Changes[0]
		var names []string
		for _, n := range c.Table.Columns {
			names = append(names, n.Name)
		}
		if show(c) != want || fmt.Sprint(names) != fmt.Sprint(columns) {
			t.Errorf("%s of %v, want %s of %v", show(c), names, want, columns)
		}
		return x
	}
	w.exec("INSERT INTO a VALUES (1,'x','y')")
	get("insert a after=[1 x y]", "id", "x", "y")
	w.exec("ALTER TABLE a ADD COLUMN n INT FIRST")
	w.exec("INSERT INTO a VALUES (5,2,'x','y')")
	get("insert a after=[5 2 x y]", "n", "id", "x", "y")
	// Columns of one type change places: only the statement tells.
	w.exec("ALTER TABLE a CHANGE x y1 VARCHAR(20), CHANGE y x VARCHAR(20)")
	w.exec("INSERT INTO a VALUES (6,3,'y','x')")
	get("insert a after=[6 3 y x]", "n", "id", "y1", "x")
	w.exec("CREATE INDEX i ON a (x)")
	w.exec("ALTER TABLE a DROP COLUMN n")
	w.exec("INSERT INTO a VALUES (4,'y','x')")
	last := get("insert a after=[4 y x]", "id", "y1", "x")
	w.exec("CREATE TABLE a2 LIKE a")
	w.exec("RENAME TABLE a TO old, a2 TO a")
	w.exec("INSERT INTO a VALUES (5,'y','x')")
	get("insert a after=[5 y x]", "id", "y1", "x")
	f.close()

	// From before the changes: the rows that came before them cannot be read for certain.
	err := follow(t, s, from, "a").fails()
	if !errors.Is(err, data.ErrLogGone) || kind.Code(err) != "JD-BINLOG-013" || !strings.Contains(err.Error(), ".a ") {
		t.Error(err)
	}
	// From behind them: they can, though the stream is behind.
	w.exec("INSERT INTO a VALUES (7,'y','x')")
	at := w.here(s)
	w.exec("INSERT INTO a VALUES (8,'y','x')")
	f = follow(t, s, at, "a")
	get("insert a after=[8 y x]", "id", "y1", "x")
	f.close()
	// Between: the rename comes, and nothing of the table before it.
	f = follow(t, s, last.Position, "a")
	get("insert a after=[5 y x]", "id", "y1", "x")
	f.close()

	for _, q := range []string{"TRUNCATE TABLE a", "ALTER TABLE a PARTITION BY HASH(id) PARTITIONS 2", "DROP TABLE a"} {
		f = follow(t, s, w.here(s), "a", "z")
		w.exec("INSERT INTO z VALUES (" + fmt.Sprint(rand.IntN(1<<30)) + ")")
		f.next()
		w.exec(q)
		if strings.HasPrefix(q, "ALTER") {
			w.exec("INSERT INTO a VALUES (11,'y','x')")
			get("insert a after=[11 y x]", "id", "y1", "x")
			f.close()
			continue
		}
		if err := f.fails(); !errors.Is(err, data.ErrLogGone) || kind.Code(err) != "JD-BINLOG-014" {
			t.Errorf("%s: %v", q, err)
		}
	}
	if err := follow(t, s, "", "a").fails(); kind.Code(err) != "JD-BINLOG-006" {
		t.Error(err)
	}
}

func TestNamesInTheLogMakeRowsBeforeASchemaChangeCertain(t *testing.T) {
	w := newWorld(t, dbtest.NewMariaDB(t, "--binlog-row-metadata=FULL"))
	w.exec("CREATE TABLE a (id INT PRIMARY KEY, x VARCHAR(20), y VARCHAR(20))")
	s := w.source(Options{})
	from := w.here(s)
	w.exec("INSERT INTO a VALUES (1,'x','y')")
	w.exec("ALTER TABLE a ADD INDEX (x)")
	f := follow(t, s, from, "a")
	if x := f.next(); show(x.Changes[0]) != "insert a after=[1 x y]" {
		t.Error(show(x.Changes[0]))
	}
	f.close()
	w.exec("ALTER TABLE a CHANGE x y1 VARCHAR(20), CHANGE y x VARCHAR(20)")
	if err := follow(t, s, from, "a").fails(); kind.Code(err) != "JD-BINLOG-013" || !strings.Contains(err.Error(), "column y1") {
		t.Error(err)
	}
}

func TestAnImageThatIsNotWholeNamesTheSetting(t *testing.T) {
	w := newWorld(t, dbtest.NewMariaDB(t))
	w.exec("CREATE TABLE a (id INT PRIMARY KEY, v TEXT, n INT)")
	w.exec("INSERT INTO a VALUES (1,'x',1)")
	s := w.source(Options{})
	for setting, c := range map[string]struct{ q, code string }{
		"binlog_row_image='MINIMAL'":  {"UPDATE a SET n=n+1", "JD-BINLOG-011"},
		"binlog_row_image='NOBLOB'":   {"UPDATE a SET n=n+1", "JD-BINLOG-011"},
		"binlog_format='STATEMENT'":   {"UPDATE a SET n=n+1", "JD-BINLOG-004"},
		"binlog_row_image='FULL_NOT'": {"", ""},
	} {
		if c.q == "" {
			continue
		}
		f := follow(t, s, w.here(s), "a")
		conn, err := w.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []string{"SET SESSION " + setting, c.q} {
			if _, err := conn.ExecContext(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := conn.ExecContext(t.Context(), "SET SESSION binlog_row_image=DEFAULT, binlog_format=DEFAULT"); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		err = f.fails()
		if name, _, _ := strings.Cut(setting, "="); kind.Code(err) != c.code || !strings.Contains(err.Error(), name) || !errors.Is(err, data.ErrLogGone) {
			t.Errorf("%s: %v", setting, err)
		}
	}
	w.exec("SET GLOBAL binlog_row_image=MINIMAL")
	if _, err := s.Here(t.Context()); kind.Code(err) != "JD-BINLOG-004" || !strings.Contains(err.Error(), "binlog_row_image") {
		t.Error(err)
	}
}

func TestALargeTransactionComesInParts(t *testing.T) {
	w := newWorld(t, dbtest.MariaDB(t))
	w.exec("CREATE TABLE a (id INT PRIMARY KEY, v TEXT)")
	s := w.source(Options{part: 20000})
	from := w.here(s)
	tx, err := w.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if _, err := tx.Exec(fmt.Sprintf("INSERT INTO a VALUES (%d,REPEAT('x',1000))", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	w.exec("INSERT INTO a VALUES (1000,'')")
	f := follow(t, s, from, "a")
	n, parts, seq := 0, 0, int64(0)
	for n < 100 {
		x := f.next()
		n += len(x.Changes)
		parts++
		if x.Sequence <= seq || (x.Position == from) != (n < 100) {
			t.Errorf("part %d: sequence %d behind %d, position %s", parts, x.Sequence, seq, x.Position)
		}
		seq = x.Sequence
	}
	if n != 100 || parts < 5 {
		t.Errorf("%d changes in %d parts", n, parts)
	}
	if x := f.next(); x.Sequence <= seq || len(x.Changes) != 1 {
		t.Errorf("%+v", x)
	}
	f.close()
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	w := newWorld(t, dbtest.MariaDB(t))
	w.exec("CREATE TABLE nokey (id INT)")
	s := w.source(Options{})
	if err := follow(t, s, "", "nokey").fails(); kind.Code(err) != "JD-BINLOG-006" {
		t.Error(err)
	}
	if err := follow(t, s, "x", "a").fails(); kind.Code(err) != "JD-BINLOG-001" {
		t.Error(err)
	}
	c := w.config()
	c.User = "nobody"
	if s, err := New("x", c, Options{}); err != nil {
		t.Error(err)
	} else if err := follow(t, s, "", "a").fails(); kind.Code(err) != "JD-BINLOG-003" {
		t.Error(err)
	}
	w.exec("CREATE USER little@'127.0.0.1' IDENTIFIED BY 'p'")
	defer w.exec("DROP USER little@'127.0.0.1'")
	w.exec("CREATE TABLE a (id INT PRIMARY KEY)")
	w.exec("GRANT SELECT ON " + w.schema + ".* TO little@'127.0.0.1'")
	c = w.config()
	c.User, c.Password = "little", secret("p")
	if s, err := New("x", c, Options{}); err != nil {
		t.Error(err)
	} else if err := follow(t, s, "", "a").fails(); kind.Code(err) != "JD-BINLOG-003" || !strings.Contains(err.Error(), "REPLICATION SLAVE") {
		t.Error(err)
	}
	c = w.config()
	c.Kind = "mysql"
	if s, err := New("x", c, Options{}); err != nil {
		t.Error(err)
	} else if err := follow(t, s, "", "a").fails(); kind.Code(err) != "JD-BINLOG-002" || !strings.Contains(err.Error(), "kind to mariadb") {
		t.Error(err)
	}
	for name, change := range map[string]func(*data.Database){
		"kind": func(d *data.Database) { d.Kind = "postgres" }, "schema": func(d *data.Database) { d.Schema = "" },
		"tls": func(d *data.Database) { d.Address = "db.example:3306" }, "address": func(d *data.Database) { d.Address = "db" },
		"ca": func(d *data.Database) { d.TLS, d.CA = "verify", "/nowhere" },
	} {
		c := w.config()
		change(&c)
		if _, err := New("x", c, Options{}); kind.Code(err) != "JD-BINLOG-002" {
			t.Errorf("%s: %v", name, err)
		}
	}
	stop := errors.New("stop")
	at := w.here(s)
	w.exec("INSERT INTO a VALUES (1)")
	if err := s.Run(t.Context(), at, []string{"a"}, func(data.Txn) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

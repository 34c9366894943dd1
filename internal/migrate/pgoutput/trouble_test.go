package pgoutput

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

	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dbtest"
	"jindu.dev/jindu/internal/migrate/row"
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
		_, there := r[key]
		if there == (c.Op == data.Insert) {
			t.Errorf("%s of row %s, which is there: %v (%s)", c.Op, key, there, x.Position)
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
			q := fmt.Sprintf("INSERT INTO m VALUES (%d,%d,REPEAT('x',%d)) ON CONFLICT (id) DO UPDATE SET n=m.n+1, v=EXCLUDED.v", id, r.IntN(9), r.IntN(300))
			switch r.IntN(5) {
			case 0:
				q = fmt.Sprintf("DELETE FROM m WHERE id=%d", id)
			case 1:
				q = fmt.Sprintf("UPDATE m SET n=n+1 WHERE id BETWEEN %d AND %d", id, id+10)
			case 2:
				q = fmt.Sprintf("UPDATE m SET id=id+%d WHERE id=%d", 1000+r.IntN(1<<28), id)
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

func TestCutConnectionsAndKilledServersLoseAndDoubleNothing(t *testing.T) {
	srv := dbtest.NewPostgres(t, "fsync=on", "synchronous_commit=on")
	w := newWorld(t, srv)
	w.exec("CREATE TABLE m (id INT PRIMARY KEY, n INT, v TEXT)")
	p := newProxy(t, srv.Addr)
	cfg := w.config()
	cfg.Address = p.Addr().String()
	s, err := New(t.Name(), cfg, Options{Tables: []string{"m"}, Wait: time.Millisecond, part: 2000, Logger: testLog(t)})
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
			return s.Ack(ctx, x.Position)
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
	want := w.rows()
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("row %s: %.80s, want %.80s", k, got[k], v)
		}
	}
	t.Logf("%d changes", told)
	if err := s.Drop(t.Context()); err != nil {
		t.Error(err)
	}
}

var typed = []struct{ def, values string }{
	{"SMALLINT", "-32768|32767|NULL"}, {"BIGINT", "-9223372036854775808"}, {"NUMERIC(20,5)", "123.45000|-0.00001|0"}, {"NUMERIC", "1e20|0.10|'NaN'"}, {"REAL", "0.1|16777216|'Infinity'"}, {"DOUBLE PRECISION", "0.1|1e300|'-Infinity'"},
	{"BOOLEAN", "true|false"}, {"CHAR(5)", "'ab'|''"}, {"VARCHAR(20)", "'津渡 x '|''"}, {"TEXT", "'a,b'|NULL"}, {"BYTEA", `'\x00ff'|''`}, {"DATE", "'2026-11-23'|'infinity'|'0044-03-15 BC'"},
	{"TIME(3)", "'12:34:56.100'"}, {"TIMESTAMP(6)", "'2026-11-23 01:02:03.000450'|'infinity'"}, {"TIMESTAMPTZ", "'2026-11-23 01:02:03+08'|'1900-01-01 00:00:00+00'"}, {"JSON", `'{"b": 1.50, "a": [true, null]}'`}, {"JSONB", `'{"b": 1.50, "a": [true, null]}'`},
	{"UUID", "'123E4567-e89b-12d3-a456-426655440000'"}, {"BIT(5)", "B'10110'"}, {"VARBIT(9)", "B'101'"}, {"INT[]", "'{1,2,NULL}'"}, {"INET", "'10.0.0.1/8'"}, {"INTERVAL", "'1 day 02:03:04'"}, {"mood", "'happy'"}, {"price", "12.50"}, {"MONEY", "12.5"},
}

func TestEveryTypeIsWhatASelectGives(t *testing.T) {
	w := newWorld(t, dbtest.Postgres(t))
	w.exec("CREATE TYPE mood AS ENUM ('happy','sad')")
	w.exec("CREATE DOMAIN price AS NUMERIC(10,2) CHECK (VALUE > 0)")
	w.exec("ALTER DATABASE " + w.schema + " SET timezone='Asia/Shanghai'")
	w.exec("ALTER DATABASE " + w.schema + " SET datestyle='German'")
	var defs, names []string
	most := 0
	for i, c := range typed {
		defs = append(defs, fmt.Sprintf("c%d %s", i, c.def))
		names = append(names, fmt.Sprintf("c%d", i))
		most = max(most, len(strings.Split(c.values, "|")))
	}
	w.exec("CREATE TABLE t (id INT PRIMARY KEY, " + strings.Join(defs, ",") + ", gen INT GENERATED ALWAYS AS (id*2) STORED)")
	s := w.source(Options{Tables: []string{"t"}})
	f := follow(t, s, w.here(s), "t")
	for n := range most {
		var vals []string
		for _, c := range typed {
			v := strings.Split(c.values, "|")
			vals = append(vals, v[min(n, len(v)-1)])
		}
		w.exec(fmt.Sprintf("INSERT INTO t (id,%s) VALUES (%d,%s)", strings.Join(names, ","), n, strings.Join(vals, ",")))
		c := f.next().Changes[0]
		reader, err := s.dial(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		var cols []string
		for _, n := range c.Table.Columns {
			cols = append(cols, n.Name+"::text", n.Name+" IS NULL")
		}
		rows, err := query(t.Context(), reader, "SELECT "+strings.Join(cols, ",")+" FROM t WHERE id="+fmt.Sprint(n))
		closeConn(reader)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.Table.Columns {
			col := &c.Table.Columns[i]
			var v any = rows[0][2*i]
			if rows[0][2*i+1] == "t" {
				v = nil
			}
			if col.Type == row.Bits || col.Type == row.Bytes {
				continue // the text of a bit string is cast otherwise; below
			}
			if col.Native == "money" {
				v = "12.5"
			}
			want, err := row.Canon(col, v)
			if err != nil || c.After[i] != want {
				t.Errorf("%s %s: %q, a SELECT gives %q (%v)", col.Name, col.Native, c.After[i].Text, want.Text, err)
			}
		}
	}
	f.close()
}

func TestValuesStoredApartAndSchemaChanges(t *testing.T) {
	for _, identity := range []string{"DEFAULT", "FULL"} {
		t.Run(identity, func(t *testing.T) {
			w := newWorld(t, dbtest.Postgres(t))
			w.exec("CREATE TABLE a (id INT PRIMARY KEY, n INT, v TEXT)")
			w.exec("ALTER TABLE a ALTER COLUMN v SET STORAGE EXTERNAL")
			w.exec("ALTER TABLE a REPLICA IDENTITY " + identity)
			big := strings.Repeat("0123456789", 1000)
			s := w.source(Options{Tables: []string{"a"}})
			from := w.here(s)
			w.exec("INSERT INTO a VALUES (1,1,$1)", big)
			w.exec("UPDATE a SET n=2")
			w.exec("ALTER TABLE a ADD COLUMN x INT DEFAULT 7")
			w.exec("UPDATE a SET n=3, x=8")
			w.exec("ALTER TABLE a RENAME COLUMN x TO y")
			w.exec("UPDATE a SET id=2")
			w.exec("UPDATE a SET n=4")
			w.exec("DELETE FROM a")
			w.exec("INSERT INTO a VALUES (5,5,'',5)")
			f := follow(t, s, from, "a")
			var ops []string
			for {
				c := f.next().Changes[0]
				text := c.Op.String()
				if c.After != nil {
					text += fmt.Sprintf(" %s %d", c.After[1].Text, len(c.Table.Columns))
					if v := c.After[2].Text; v != big && v != "" {
						t.Errorf("%.50q of %d", v, len(v))
					}
				}
				if c.Before != nil && identity == "FULL" && c.Before[2].Text != big {
					t.Errorf("before: %d bytes", len(c.Before[2].Text))
				}
				ops = append(ops, text)
				if c.Key()[0].Text == "5" {
					break
				}
			}
			want := "[insert 1 3 update 2 3 update 3 4 update 3 4 update 4 4 delete insert 5 4]"
			if identity == "DEFAULT" {
				want = "[insert 1 3 delete insert 5 4]" // what is not in the log is gone by now
			}
			if fmt.Sprint(ops) != want {
				t.Errorf("%v, want %s", ops, want)
			}
			w.exec("INSERT INTO a VALUES (6,6,$1,6)", big)
			f.next()
			w.exec("UPDATE a SET n=7 WHERE id=6")
			if c := f.next().Changes[0]; c.After[2].Text != big {
				t.Errorf("%.50q", c.After[2].Text)
			}
			w.exec("TRUNCATE a")
			if err := f.fails(); !errors.Is(err, data.ErrLogGone) || kind.Code(err) != "JD-PGOUTPUT-010" {
				t.Error(err)
			}
		})
	}
}

func TestWhatIsNotKeptSaysSo(t *testing.T) {
	w := newWorld(t, dbtest.NewPostgres(t, "max_slot_wal_keep_size=1MB", "min_wal_size=32MB", "max_wal_size=32MB"))
	w.exec("CREATE TABLE a (id INT PRIMARY KEY, v TEXT)")
	w.exec("CREATE TABLE b (id INT PRIMARY KEY)")
	s := w.source(Options{Tables: []string{"a"}})
	gone := func(from data.Position, code string, tables ...string) {
		t.Helper()
		if err := follow(t, s, from, tables...).fails(); !errors.Is(err, data.ErrLogGone) || kind.Code(err) != code {
			t.Errorf("%v", err)
		}
	}
	gone("0/1", "JD-PGOUTPUT-008", "a")
	at := w.here(s)
	gone(at, "JD-PGOUTPUT-008", "a", "b")
	gone("FFFF/0", "JD-PGOUTPUT-009", "a")
	for i := 0; ; i++ { // until the server gave the slot's log up
		w.exec("INSERT INTO a SELECT i, repeat('x', 1000) FROM generate_series($1::int, $2::int) i", i*20000, i*20000+19999)
		w.exec("CHECKPOINT")
		var status string
		if err := w.db.QueryRow("SELECT wal_status FROM pg_replication_slots WHERE slot_name=$1", s.Slot()).Scan(&status); err != nil {
			t.Fatal(err)
		}
		if status == "lost" {
			break
		}
	}
	gone(at, "JD-PGOUTPUT-009", "a")
	at = w.here(s) // and makes it anew
	w.exec("DELETE FROM a WHERE id=1")
	f := follow(t, s, at, "a")
	if c := f.next().Changes[0]; show(c) != "delete a before=[1 NULL]" {
		t.Error(show(c))
	}
	f.close()
	for range 2 {
		if err := s.Drop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	w.exec("CREATE PUBLICATION " + s.Slot() + " FOR TABLE a, jindu_relay")
	gone(at, "JD-PGOUTPUT-009", "a")
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	w := newWorld(t, dbtest.Postgres(t))
	w.exec("CREATE TABLE a (id INT PRIMARY KEY)")
	w.exec("CREATE TABLE nokey (id INT)")
	w.exec("CREATE TABLE nothing (id INT PRIMARY KEY)")
	w.exec("ALTER TABLE nothing REPLICA IDENTITY NOTHING")
	w.exec("CREATE VIEW view AS SELECT 1 AS id")
	for _, table := range []string{"nokey", "nothing", "view", "absent"} {
		if err := follow(t, w.source(Options{}), "", table).fails(); kind.Code(err) != "JD-PGOUTPUT-005" {
			t.Errorf("%s: %v", table, err)
		}
	}
	if err := follow(t, w.source(Options{}), "x", "a").fails(); kind.Code(err) != "JD-PGOUTPUT-001" {
		t.Error(err)
	}
	if err := w.source(Options{}).Ack(t.Context(), "x"); kind.Code(err) != "JD-PGOUTPUT-001" {
		t.Error(err)
	}
	role := "little_" + w.schema
	w.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'p'")
	defer w.exec("DROP ROLE " + role)
	for name, c := range map[string]struct {
		change func(*data.Database)
		code   string
	}{
		"kind":     {func(d *data.Database) { d.Kind = "opengauss" }, "JD-PGOUTPUT-002"},
		"schema":   {func(d *data.Database) { d.Schema = "" }, "JD-PGOUTPUT-002"},
		"address":  {func(d *data.Database) { d.Address = "nowhere" }, "JD-PGOUTPUT-002"},
		"tls":      {func(d *data.Database) { d.Address = "db.example:5432" }, "JD-PGOUTPUT-002"},
		"ca":       {func(d *data.Database) { d.TLS, d.CA = "verify", "/nowhere" }, "JD-PGOUTPUT-002"},
		"password": {func(d *data.Database) { d.Password = conf.NewSecret("file:p", "wrong") }, "JD-PGOUTPUT-003"},
		"database": {func(d *data.Database) { d.Schema = "absent" }, "JD-PGOUTPUT-003"},
		"little":   {func(d *data.Database) { d.User, d.Password = role, conf.NewSecret("file:p", "p") }, "JD-PGOUTPUT-003"},
	} {
		d := w.config()
		c.change(&d)
		s, err := New("x", d, Options{Tables: []string{"a"}})
		if err == nil {
			_, err = s.Here(t.Context())
		}
		if kind.Code(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	stop := errors.New("stop")
	s := w.source(Options{Tables: []string{"a"}})
	at := w.here(s)
	w.exec("INSERT INTO a VALUES (1)")
	if err := s.Run(t.Context(), at, []string{"a"}, func(data.Txn) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

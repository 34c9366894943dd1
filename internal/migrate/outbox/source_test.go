package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dbtest"
)

// both runs a test on MariaDB and PostgreSQL.
func both(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("mariadb", func(t *testing.T) { f(t, newWorld(t, dbtest.MariaDB(t))) })
	t.Run("postgres", func(t *testing.T) { f(t, newWorld(t, dbtest.Postgres(t))) })
}

type execer interface {
	ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error)
}

func (w *world) put(e execer, table, op, key, after string, version int64, mark string) {
	w.t.Helper()
	q := "INSERT INTO jindu_outbox (tbl, op, row_key, row_after, version, mark) VALUES (?,?,?,?,?,?)"
	if w.srv.Kind == dbtest.KindPostgres {
		for i := 1; strings.Contains(q, "?"); i++ {
			q = strings.Replace(q, "?", fmt.Sprintf("$%d", i), 1)
		}
	}
	var a, m any
	if after != "" {
		a = after
	}
	if mark != "" {
		m = mark
	}
	if _, err := e.ExecContext(w.t.Context(), q, table, op, key, a, version, m); err != nil {
		w.t.Error(err)
	}
}

func (w *world) count() (n int) {
	w.t.Helper()
	if err := w.db.QueryRow("SELECT COUNT(*) FROM jindu_outbox").Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestRowsAreToldAndGoWhenAcknowledged(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(20), n DECIMAL(10,2))")
		s := w.source(Options{})
		from := w.here(s)
		f := follow(t, s, from, "a")
		mark := v1.Mark{Run: "0123456789abcdef", Bucket: 7}.String()
		w.put(w.db, "a", "i", `{"id":"1"}`, `{"id":"1","v":"x","n":null}`, 1, mark)
		w.put(w.db, "a", "u", `{"id":"1"}`, `{"id":"1","v":"y","n":"1.5","dropped":"z"}`, 2, "none")
		w.put(w.db, "b", "i", `{"id":"1"}`, `{"id":"1"}`, 1, "")
		w.put(w.db, "a", "u", `{"id":"1"}`, `{"id":"2","v":"y"}`, 3, "")
		w.put(w.db, "a", "d", `{"id":"2"}`, "", 4, "")
		want := []string{"insert a after=[1 x NULL]", "update a after=[1 y 1.5]", "update a before=[1 NULL] after=[2 y]", "delete a before=[2 NULL NULL]"}
		var last data.Txn
		for i, text := range want {
			x := f.next()
			if len(x.Changes) != 1 || show(x.Changes[0]) != text || x.Changes[0].Version != int64(i+1) || x.Origin || x.Commit.IsZero() || x.Sequence <= last.Sequence {
				t.Errorf("%s: %+v", text, x)
			}
			if (x.Mark == mark) != (i == 0) {
				t.Errorf("mark %q", x.Mark)
			}
			last = x
		}
		end := w.here(s)
		if s.Reached(last.Position, end) || s.Reached("", end) {
			t.Error("reached before it was told")
		}
		for {
			if x := f.any(); s.Reached(x.Position, end) {
				last = x
				break
			}
		}
		if n := w.count(); n != 7 {
			t.Errorf("%d rows", n)
		}
		if err := s.Ack(t.Context(), last.Position); err != nil {
			t.Fatal(err)
		}
		if n := w.count(); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		for x := f.any(); !x.Commit.After(last.Commit); x = f.any() {
		}
		f.close()
		if err := s.Ack(t.Context(), "7.5.other"); err != nil {
			t.Error(err)
		}
		if err := s.Ack(t.Context(), "x"); kind.Code(err) != "JD-OUTBOX-001" {
			t.Error(err)
		}
		if err := s.Run(t.Context(), "x", nil, nil); kind.Code(err) != "JD-OUTBOX-001" {
			t.Error(err)
		}
	})
}

func TestARowThatCommitsLateIsNotSkipped(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec("CREATE TABLE a (id INT PRIMARY KEY)")
		s := w.source(Options{})
		f := follow(t, s, "", "a")
		late, err := w.db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		w.put(late, "a", "i", `{"id":"1"}`, `{"id":"1"}`, 1, "")
		w.put(w.db, "a", "i", `{"id":"2"}`, `{"id":"2"}`, 1, "")
		x := f.next()
		if show(x.Changes[0]) != "insert a after=[2]" {
			t.Fatal(show(x.Changes[0]))
		}
		before := w.here(s)
		if err := late.Commit(); err != nil {
			t.Fatal(err)
		}
		for {
			y := f.any()
			if len(y.Changes) == 0 {
				continue
			}
			if show(y.Changes[0]) != "insert a after=[1]" || y.Sequence >= x.Sequence {
				t.Errorf("%+v", y)
			}
			break
		}
		_ = before
		// Whoever begins anew sees what was not acknowledged again.
		f.close()
		f = follow(t, s, x.Position, "a")
		if y := f.next(); show(y.Changes[0]) != "insert a after=[1]" {
			t.Errorf("%+v", y)
		}
		if y := f.next(); show(y.Changes[0]) != "insert a after=[2]" || y.Sequence != x.Sequence {
			t.Errorf("%+v", y)
		}
		f.close()
	})
}

func TestManyWritersAreToldOnceAndInTheOrderOfEachKey(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
		const keys, writers, each = 8, 4, 60
		for i := range keys {
			w.exec(fmt.Sprintf("INSERT INTO a VALUES (%d,0)", i))
		}
		s := w.source(Options{})
		f := follow(t, s, "", "a")
		var done sync.WaitGroup
		for n := range writers {
			done.Go(func() {
				r := rand.New(rand.NewPCG(uint64(n), 1))
				for range each {
					tx, err := w.db.Begin()
					if err != nil {
						t.Error(err)
						return
					}
					id := r.IntN(keys)
					_, err = tx.Exec(fmt.Sprintf("UPDATE a SET v=v+1 WHERE id=%d", id))
					var v int64
					if err == nil {
						err = tx.QueryRow(fmt.Sprintf("SELECT v FROM a WHERE id=%d", id)).Scan(&v)
					}
					if err != nil {
						t.Error(err)
						return
					}
					w.put(tx, "a", "u", fmt.Sprintf(`{"id":"%d"}`, id), fmt.Sprintf(`{"id":"%d","v":"%d"}`, id, v), v, "")
					if r.IntN(5) == 0 {
						err = tx.Rollback()
					} else {
						err = tx.Commit()
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wrote := make(chan struct{})
		go func() { done.Wait(); close(wrote) }()
		state := map[string]int64{}
		var end data.Position
		for {
			if end == "" {
				select {
				case <-wrote:
					end = w.here(s)
				default:
				}
			}
			x := f.any()
			for _, c := range x.Changes {
				k := c.After[0].Text
				if c.Version != state[k]+1 || c.After[1].Text != fmt.Sprint(c.Version) {
					t.Fatalf("key %s: version %d behind %d", k, c.Version, state[k])
				}
				state[k] = c.Version
			}
			if rand.IntN(10) == 0 {
				if err := s.Ack(t.Context(), x.Position); err != nil {
					t.Fatal(err)
				}
			}
			if end != "" && s.Reached(x.Position, end) {
				if err := s.Ack(t.Context(), x.Position); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		rows, err := w.db.Query("SELECT id, v FROM a")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var id string
			var v int64
			if err := rows.Scan(&id, &v); err != nil {
				t.Fatal(err)
			}
			if state[id] != v {
				t.Errorf("row %s is at %d, told %d", id, v, state[id])
			}
		}
		if n := w.count(); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		f.close()
	})
}

func TestABacklogIsReadInChunks(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec("CREATE TABLE a (id INT PRIMARY KEY)")
		const n = 2*chunk + 10
		tx, err := w.db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			w.put(tx, "a", "i", fmt.Sprintf(`{"id":"%d"}`, i), fmt.Sprintf(`{"id":"%d"}`, i), 1, "")
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		s := w.source(Options{})
		f := follow(t, s, "", "a")
		var last data.Txn
		for i := range n {
			if last = f.next(); last.Changes[0].After[0].Text != fmt.Sprint(i) {
				t.Fatal(i, show(last.Changes[0]))
			}
			if i == 600 {
				if err := s.Ack(t.Context(), last.Position); err != nil {
					t.Fatal(err)
				}
				if left := w.count(); left != n-601 {
					t.Errorf("%d are left", left)
				}
			}
		}
		if err := s.Ack(t.Context(), last.Position); err != nil || w.count() != 0 {
			t.Error(err, w.count())
		}
		f.close()
	})
}

func TestRowsThatSayNothingSensibleEndTheRun(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec("CREATE TABLE a (id INT PRIMARY KEY, v INT)")
		w.exec("CREATE TABLE nokey (id INT)")
		for _, c := range []struct{ table, op, key, after, code string }{
			{"a", "x", `{"id":"1"}`, `{"id":"1"}`, "JD-OUTBOX-005"},
			{"a", "i", `no`, `{"id":"1"}`, "JD-OUTBOX-005"},
			{"a", "i", `{"id":"1"}`, `[]`, "JD-OUTBOX-005"},
			{"a", "i", `{"id":"1"}`, ``, "JD-OUTBOX-005"},
			{"a", "d", `{"id":"1"}`, `{"id":"1"}`, "JD-OUTBOX-005"},
			{"a", "u", `{"v":"1"}`, `{"id":"1"}`, "JD-OUTBOX-005"},
			{"a", "u", `{"id":"1"}`, `{"v":"1"}`, "JD-OUTBOX-005"},
			{"nokey", "i", `{"id":"1"}`, `{"id":"1"}`, "JD-OUTBOX-006"},
		} {
			w.exec("DELETE FROM jindu_outbox")
			w.put(w.db, c.table, c.op, c.key, c.after, 1, "")
			s := w.source(Options{})
			f := follow(t, s, "", "a", "nokey")
			if err := f.fails(); kind.Code(err) != c.code {
				t.Errorf("%+v: %v", c, err)
			}
		}
		w.exec("DELETE FROM jindu_outbox")
		w.put(w.db, "a", "i", `{"id":"1"}`, `{"id":"1"}`, 1, "")
		stop := errors.New("stop")
		if err := w.source(Options{}).Run(t.Context(), "", []string{"a"}, func(data.Txn) error { return stop }); !errors.Is(err, stop) {
			t.Error(err)
		}
		w.exec("DROP TABLE jindu_outbox")
		s := w.source(Options{})
		if err := follow(t, s, "", "a").fails(); kind.Code(err) != "JD-OUTBOX-004" {
			t.Error(err)
		}
		if _, err := s.Here(t.Context()); kind.Code(err) != "JD-OUTBOX-004" {
			t.Error(err)
		}
	})
}

func TestARowOfALowerIDToldLaterIsNotTakenForOneToldBefore(t *testing.T) {
	s := &Source{}
	for _, c := range []struct {
		at, want data.Position
		reached  bool
		why      string
	}{
		{"10.5.a", "10.0.here", true, "all that was visible at 10 is told"},
		{"9.5.a", "10.0.here", false, "not yet"},
		{"10.5.a", "10.5.a", true, "the row itself"},
		{"10.5.a", "10.6.a", false, "a row of a lower id that became visible later has the same height"},
		{"10.5.a", "10.1.b", false, "another run tells again what was not acknowledged"},
		{"10.0.here", "10.1.b", false, "so it does after Here"},
		{"", "10.1.b", false, "nothing is told"},
	} {
		if got := s.Reached(c.at, c.want); got != c.reached {
			t.Errorf("%q at %q: %v, want %v: %s", c.want, c.at, got, c.reached, c.why)
		}
	}
}

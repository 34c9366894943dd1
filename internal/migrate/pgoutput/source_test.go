package pgoutput

import (
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/dbtest"
)

func (w *world) tx(qs ...string) {
	w.t.Helper()
	tx, err := w.db.Begin()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, q := range qs {
		if _, err := tx.Exec(q); err != nil {
			w.t.Fatalf("%s: %v", q, err)
		}
	}
	if err := tx.Commit(); err != nil {
		w.t.Fatal(err)
	}
}

func TestChangesComeByTransactionWithMarkAndOrigin(t *testing.T) {
	w := newWorld(t, dbtest.Postgres(t))
	w.exec("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(20))")
	w.exec("CREATE TABLE other (id INT PRIMARY KEY)")
	s := w.source(Options{Tables: []string{"a"}})
	from := w.here(s)
	f := follow(t, s, from, "a")
	mark := v1.Mark{Run: "0123456789abcdef", Epoch: 3, Bucket: -1}.String()
	w.tx("SELECT pg_logical_emit_message(true,'jindu.mark','"+mark+"')", "INSERT INTO a VALUES (1,'x'),(2,NULL)", "UPDATE a SET v='y' WHERE id=1", "INSERT INTO other VALUES (1)", "DELETE FROM a WHERE id=2", "UPDATE a SET id=9 WHERE id=1")
	x := f.next()
	want := []string{"insert a after=[1 x]", "insert a after=[2 NULL]", "update a after=[1 y]", "delete a before=[2 NULL]", "update a before=[1 NULL] after=[9 y]"}
	if len(x.Changes) != len(want) || x.Mark != mark || x.Origin || x.Sequence <= 0 || x.Commit.IsZero() {
		t.Fatalf("%+v", x)
	}
	for i, c := range x.Changes {
		if show(c) != want[i] || c.Version != x.Sequence {
			t.Errorf("%s, want %s", show(c), want[i])
		}
	}
	end := w.here(s)
	for {
		e := f.any()
		if len(e.Changes) > 0 {
			t.Fatal(show(e.Changes[0]))
		}
		if s.Reached(e.Position, end) && e.Commit.After(x.Commit) {
			break
		}
	}
	w.tx("INSERT INTO jindu_relay VALUES ('m','p',now())", "INSERT INTO a VALUES (7,'relay')")
	y := f.next()
	if !y.Origin || y.Sequence <= x.Sequence {
		t.Errorf("%+v", y)
	}
	w.exec("INSERT INTO a VALUES (8,'')")
	if y := f.next(); y.Origin || y.Mark != "" || show(y.Changes[0]) != "insert a after=[8 ]" {
		t.Errorf("%+v", y)
	}
	f.close()
	f = follow(t, s, from, "a")
	if again := f.next(); again.Position != x.Position || again.Sequence != x.Sequence || len(again.Changes) != len(want) || again.Changes[3].Version != x.Changes[3].Version {
		t.Errorf("%+v", again)
	}
	if err := s.Ack(t.Context(), x.Position); err != nil {
		t.Fatal(err)
	}
	for moved := ""; moved != "t"; { // until the server knows
		if err := w.db.QueryRow("SELECT confirmed_flush_lsn >= $1::pg_lsn FROM pg_replication_slots WHERE slot_name=$2", string(x.Position), s.Slot()).Scan(&moved); err != nil {
			t.Fatal(err)
		}
		moved = strings.TrimPrefix(moved, "rue")
		if moved == "true" {
			moved = "t"
		}
	}
	f.close()
	f = follow(t, s, x.Position, "a")
	if y := f.next(); !y.Origin {
		t.Errorf("%+v", y)
	}
	f.close()
	f = follow(t, s, from, "a")
	if err := f.fails(); err == nil || !strings.Contains(err.Error(), "JD-PGOUTPUT-009") {
		t.Error(err)
	}
}

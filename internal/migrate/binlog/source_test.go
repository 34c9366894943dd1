package binlog

import (
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dbtest"
)

func TestChangesComeByTransactionWithMarkAndOrigin(t *testing.T) {
	w := newWorld(t, dbtest.MariaDB(t))
	w.exec("CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(20))")
	w.exec("CREATE TABLE other (id INT PRIMARY KEY)")
	w.exec("CREATE TABLE jindu_relay (stream VARCHAR(128) PRIMARY KEY, position TEXT)")
	s := w.source(Options{Logger: testLog(t)})
	from := w.here(s)
	f := follow(t, s, from, "a")
	mark := v1.Mark{Run: "0123456789abcdef", Epoch: 3, Bucket: -1}.String()
	tx, err := w.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"/*" + mark + "*/ INSERT INTO a VALUES (1,'x'),(2,NULL)", "UPDATE a SET v='y' WHERE id=1", "INSERT INTO other VALUES (1)", "DELETE FROM a WHERE id=2"} {
		if _, err := tx.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	x := f.next()
	want := []string{"insert a after=[1 x]", "insert a after=[2 NULL]", "update a before=[1 x] after=[1 y]", "delete a before=[2 NULL]"}
	if len(x.Changes) != len(want) || x.Mark != mark || x.Origin || x.Sequence <= 0 || x.Commit.IsZero() {
		t.Fatalf("%+v", x)
	}
	for i, c := range x.Changes {
		if show(c) != want[i] || c.Version != x.Sequence {
			t.Errorf("%s, want %s", show(c), want[i])
		}
	}
	if !s.Reached(x.Position, w.here(s)) || s.Reached(from, x.Position) {
		t.Error("reached", from, x.Position)
	}
	w.exec("INSERT INTO other VALUES (2)")
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
	tx, _ = w.db.Begin()
	for _, q := range []string{"INSERT INTO jindu_relay VALUES ('m','p')", "INSERT INTO a VALUES (7,'relay')"} {
		if _, err := tx.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if y := f.next(); !y.Origin || y.Sequence <= x.Sequence {
		t.Errorf("%+v", y)
	}
	w.exec("/*jindu:no*/ INSERT INTO a VALUES (8,'')")
	if y := f.next(); y.Origin || y.Mark != "" || show(y.Changes[0]) != "insert a after=[8 ]" {
		t.Errorf("%+v", y)
	}
	f.close()

	// Again from the first: the same.
	f = follow(t, s, from, "a")
	if again := f.next(); again.Position != x.Position || again.Sequence != x.Sequence || len(again.Changes) != len(want) || again.Changes[3].Version != x.Changes[3].Version {
		t.Errorf("%+v", again)
	}
	f.close()
	f = follow(t, s, x.Position, "a")
	if y := f.next(); !y.Origin {
		t.Errorf("%+v", y)
	}
	f.close()
	_ = data.Insert
}

package sqldb

import (
	"errors"
	"testing"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

func TestParkedChangesAreKeptInOrder(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		for _, id := range []string{"b", "a", "C", "c"} {
			for _, body := range []string{"first", "last \x00\xff " + id} {
				if err := w.store.Park(t.Context(), data.ParkedRow{Stream: "s", ID: id, Body: []byte(body)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, err := w.store.Parked(t.Context(), "s", "", 10)
		if err != nil || len(got) != 4 || got[0].ID != "C" || got[3].ID != "c" || string(got[1].Body) != "last \x00\xff a" {
			t.Errorf("%s: %v %v", w.kind, got, err)
		}
		if got, err = w.store.Parked(t.Context(), "s", "a", 1); err != nil || len(got) != 1 || got[0].ID != "b" {
			t.Errorf("%s: %v %v", w.kind, got, err)
		}
		if err := w.store.Unpark(t.Context(), "s", "b"); err != nil {
			t.Error(err)
		}
		if got, err = w.store.Parked(t.Context(), "s", "a", 9); err != nil || len(got) != 1 || got[0].ID != "c" {
			t.Errorf("%s: %v %v", w.kind, got, err)
		}
	})
}

func TestAHandoverChangesOwnersAndVersions(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (id INT PRIMARY KEY, owner VARCHAR(8), ver BIGINT)")
		table := w.table(t, "goods")
		w.apply(t, upsert(table, 1, "1", "old", "3"), upsert(table, 1, "2", "new", "3"), upsert(table, 1, "3", "old", null), upsert(table, 1, "4", "old", "9"))
		h := data.Handover{Table: table, Owner: "owner", Version: "ver", From: "old", To: "new", Outbox: true, Chunk: 2}
		if n, err := w.store.HandOver(t.Context(), h); n != 3 || err != nil {
			t.Fatalf("%s: %d %v", w.kind, n, err)
		}
		want := []row.Row{values("1", "new", "4"), values("2", "new", "3"), values("3", "new", null), values("4", "new", "10")}
		if got := w.all(t, table); !sameRows(got, want) {
			t.Errorf("%s: %v", w.kind, got)
		}
		var key, after string
		var version int64
		if err := w.db.QueryRowContext(t.Context(), "SELECT row_key, row_after, version FROM jindu_outbox WHERE version = 10 AND op = 'u' AND tbl = 'goods'").Scan(&key, &after, &version); err != nil {
			t.Fatal(err)
		}
		if key != `{"id":"4"}` || after != `{"id":"4","owner":"new","ver":"10"}` {
			t.Errorf("%s: %s %s", w.kind, key, after)
		}
		if count(t, w.db, "SELECT COUNT(*) FROM jindu_outbox") != 3 {
			t.Errorf("%s: not a row of the outbox for each", w.kind)
		}
		h.From, h.To, h.Outbox, h.Version = "new", "old", false, ""
		if n, err := w.store.HandOver(t.Context(), h); n != 4 || err != nil {
			t.Errorf("%s: %d %v", w.kind, n, err)
		}
		h.Owner = "nobody"
		if _, err := w.store.HandOver(t.Context(), h); kind.Code(err) != "JD-SQLDB-005" {
			t.Errorf("%s: %v", w.kind, err)
		}
	})
}

func TestJSONIsComparedByMeaningOutsideTheDatabase(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (id INT PRIMARY KEY, doc "+map[string]string{"mariadb": "JSON", "postgres": "JSONB"}[w.kind]+")")
		w.exec(t, map[string]string{"mariadb": "INSERT INTO goods VALUES (1, ?)", "postgres": "INSERT INTO goods VALUES (1, $1)"}[w.kind], `{"b": 1.50, "a": [true, null, "x\u00e9\n"], "c": 1e3}`)
		table := w.table(t, "goods")
		want := []row.Row{values("1", `{"a":[true,null,"xé\n"],"b":1.5,"c":1000}`)}
		if got := w.all(t, table); !sameRows(got, want) {
			t.Errorf("%s: %v", w.kind, got)
		}
		if _, err := w.store.Sum(t.Context(), table, data.Range{}, nil); !errors.Is(err, data.ErrNoSQL) {
			t.Errorf("%s: %v", w.kind, err)
		}
		w.apply(t, upsert(table, 1, "2", want[0][1].Text))
		if got := w.all(t, table); len(got) != 2 || got[1][1] != want[0][1] {
			t.Errorf("%s: %v", w.kind, got)
		}
	})
}

func TestWithoutReplicasThereIsNoLag(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		if lag, err := w.store.Lag(t.Context()); lag != 0 || err != nil {
			t.Error(lag, err)
		}
		d := w.store.config
		d.Replicas = []string{w.server.Addr} // it answers, and is none
		s, err := Open("x", d, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		for range 2 {
			if _, err := s.Lag(t.Context()); kind.Code(err) != "JD-SQLDB-015" {
				t.Errorf("%s: %v", w.kind, err)
			}
		}
	})
}

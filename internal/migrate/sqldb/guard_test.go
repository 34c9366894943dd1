package sqldb

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

// model is what data.Write says of one row, in the plainest words.
type model struct {
	row    row.Row // nil: none
	seq    int64   // in jindu_version, -1: not there
	gone   bool
	before bool // what is there was there before this batch
}

func (m *model) expect(w *data.Write, version int) data.Fate {
	newer := func(there, v int64) bool { return there > v || there == v && m.before }
	switch {
	case w.Check:
		if (w.Was == nil) != (m.row == nil) {
			return data.Changed
		}
		for i := range w.Was {
			if i != 3 && w.Was[i] != m.row[i] {
				return data.Changed
			}
		}
	case w.Absent:
		if m.row != nil || m.seq >= 0 && m.gone {
			return data.Stale
		}
	case version < 0:
		if m.seq >= 0 && newer(m.seq, w.Sequence) {
			return data.Stale
		}
	case m.row == nil:
		if m.seq >= 0 && m.gone && newer(m.seq, w.Sequence) {
			return data.Stale
		}
	default:
		v, _ := strconv.ParseInt(m.row[version].Text, 10, 64)
		if w.Op == data.Delete && v > w.Version || w.Op != data.Delete && newer(v, w.Version) {
			return data.Stale
		}
	}
	return data.Applied
}

func (m *model) take(w *data.Write, version int) {
	m.before = false
	if w.Op == data.Delete {
		m.row = nil
	} else {
		r := append(row.Row(nil), w.Row...)
		if m.row != nil {
			r[3] = m.row[3] // written once
		}
		m.row = r
	}
	switch {
	case w.Absent:
	case w.Check && w.Sequence == 0:
		if m.gone {
			m.seq, m.gone = -1, false
		}
	case w.Op == data.Delete || version < 0:
		m.seq, m.gone = w.Sequence, w.Op == data.Delete
	case m.gone:
		m.seq, m.gone = -1, false
	}
}

func histories(t *testing.T) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("JINDU_HISTORIES")); err == nil {
		return n
	}
	return 60
}

// TestGuardHolds plays random batches and holds every fate and row against the model. JINDU_HISTORIES plays more.
func TestGuardHolds(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (id INT PRIMARY KEY, ver BIGINT NOT NULL, note VARCHAR(20), born VARCHAR(20))")
		table := w.table(t, "goods")
		for seed := range histories(t) {
			rnd := rand.New(rand.NewPCG(uint64(seed), 7))
			version := rnd.IntN(2)*2 - 1 // 1: column ver; -1: none
			play(t, w, table, rnd, version, seed)
			w.exec(t, "DELETE FROM goods")
			w.exec(t, "DELETE FROM jindu_version")
		}
	})
}

func play(t *testing.T, w *world, table *row.Table, rnd *rand.Rand, version, seed int) {
	t.Helper()
	state := map[string]*model{}
	at := func(id string) *model {
		if state[id] == nil {
			state[id] = &model{seq: -1}
		}
		return state[id]
	}
	for range 6 {
		for _, m := range state {
			m.before = true
		}
		var writes []data.Write
		var want []data.Fate
		for range 1 + rnd.IntN(8) {
			id := strconv.Itoa(rnd.IntN(4))
			n := rnd.Int64N(9)
			one := upsert(table, n, id, strconv.FormatInt(n, 10), "n"+strconv.Itoa(rnd.IntN(1000)), "b"+strconv.Itoa(rnd.IntN(1000)))
			one.VersionColumn, one.Once = version, []int{3}
			m := at(id)
			switch rnd.IntN(8) {
			case 0, 1:
				one = remove(table, n, id)
				one.VersionColumn, one.Once = version, []int{3}
			case 2:
				one.Absent = true
			case 3:
				one.Check = true
				if rnd.IntN(2) == 0 {
					one.Sequence = 0
				}
				if m.row != nil && rnd.IntN(3) > 0 {
					one.Was = append(row.Row(nil), m.row...)
				}
			}
			fate := m.expect(&one, version)
			if fate == data.Applied {
				m.take(&one, version)
			}
			writes, want = append(writes, one), append(want, fate)
		}
		for i, fate := range w.apply(t, writes...) {
			if fate != want[i] {
				t.Fatalf("%s, seed %d: write %d (%+v) is %v, want %v", w.kind, seed, i, writes[i], fate, want[i])
			}
		}
		var rows []row.Row
		for i := range 4 {
			if m := state[strconv.Itoa(i)]; m != nil && m.row != nil {
				rows = append(rows, m.row)
			}
		}
		if got := w.all(t, table); !sameRows(got, rows) {
			t.Fatalf("%s, seed %d: rows are %v, want %v", w.kind, seed, got, rows)
		}
		for id, m := range state {
			var seq int64
			var gone bool
			key := row.EncodeKey(row.Key{{Text: id}})
			mark := "?"
			if w.kind == "postgres" {
				mark = "$1"
			}
			err := w.db.QueryRowContext(t.Context(), "SELECT version, gone FROM jindu_version WHERE tbl = 'goods' AND row_key = "+mark, key).Scan(&seq, &gone)
			if m.seq < 0 && err == nil && (gone || version < 0) || m.seq >= 0 && (version < 0 || m.gone) && (err != nil || seq != m.seq || gone != m.gone) {
				t.Fatalf("%s, seed %d: note of %s is %d %v %v, want %+v", w.kind, seed, id, seq, gone, err, m)
			}
		}
	}
}

func TestAnUpsertOfAnOldVersionIsStale(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (id INT PRIMARY KEY, note VARCHAR(20))")
		table := w.table(t, "goods")
		for i, c := range []struct {
			write data.Write
			fate  data.Fate
		}{
			{upsert(table, 5, "1", "five"), data.Applied},
			{upsert(table, 5, "1", "again"), data.Stale},
			{upsert(table, 4, "1", "four"), data.Stale},
			{remove(table, 4, "1"), data.Stale},
			{remove(table, 6, "1"), data.Applied},
			{upsert(table, 6, "1", "back"), data.Stale},
			{upsert(table, 7, "1", "new"), data.Applied},
			{remove(table, 3, "9"), data.Applied}, // never was: a tombstone all the same
			{data.Write{Table: table, Row: values("9", "backfilled"), VersionColumn: -1, Absent: true}, data.Stale},
		} {
			if fate := w.apply(t, c.write)[0]; fate != c.fate {
				t.Errorf("%s: write %d is %v, want %v", w.kind, i, fate, c.fate)
			}
		}
	})
}

func TestAKeyThatChangesTakesItsRowAlong(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (a INT, b VARCHAR(10), note VARCHAR(20), PRIMARY KEY (b, a))")
		table := w.table(t, "goods")
		w.apply(t, upsert(table, 1, "1", "x", "first"), upsert(table, 1, "2", "x", "second"))
		moved := upsert(table, 2, "1", "y", "moved")
		moved.Key = row.Key{{Text: "x"}, {Text: "1"}}
		w.apply(t, moved)
		if got := w.all(t, table); !sameRows(got, []row.Row{values("2", "x", "second"), values("1", "y", "moved")}) {
			t.Errorf("%s: %v", w.kind, got)
		}
		if fate := w.apply(t, upsert(table, 1, "1", "x", "late"))[0]; fate != data.Stale {
			t.Errorf("%s: the key that was left has no tombstone: %v", w.kind, fate)
		}
		keys := []row.Key{{{Text: "y"}, {Text: "1"}}, {{Text: "x"}, {Text: "2"}}, {{Text: "no"}, {Text: "3"}}}
		if rows, err := w.store.Rows(t.Context(), table, keys); err != nil || len(rows) != 2 {
			t.Errorf("%s: %v %v", w.kind, rows, err)
		}
	})
}

func TestCaseOfAKeyIsNotAnotherRow(t *testing.T) {
	w := mariadb(t, "CREATE TABLE goods (id VARCHAR(20) PRIMARY KEY, note VARCHAR(20)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	table := w.table(t, "goods")
	w.apply(t, upsert(table, 1, "Apple", "one"), upsert(table, 1, "café", "one"))
	w.apply(t, upsert(table, 2, "APPLE", "two"), upsert(table, 2, "cafe", "two"), upsert(table, 2, "plain", "two"))
	if got := w.all(t, table); !sameRows(got, []row.Row{values("APPLE", "two"), values("cafe", "two"), values("plain", "two")}) {
		t.Errorf("%v", got)
	}
}

func TestManyWritesAreOneTransaction(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (id INT PRIMARY KEY, note VARCHAR(20))")
		table := w.table(t, "goods")
		writes := make([]data.Write, 0, 1300)
		for i := range 1300 {
			writes = append(writes, upsert(table, 1, strconv.Itoa(i), fmt.Sprint("n", i)))
		}
		w.apply(t, writes...)
		if sum := w.sum(t, table, nil); sum.Rows != 1300 {
			t.Errorf("%s: %d rows", w.kind, sum.Rows)
		}
		for i := range writes {
			writes[i] = remove(table, 2, strconv.Itoa(i))
		}
		w.apply(t, writes...)
		if sum := w.sum(t, table, nil); sum.Rows != 0 || sum.Hash != 0 {
			t.Errorf("%s: %v", w.kind, sum)
		}
		if at, ok, err := w.store.Position(t.Context(), "test"); err != nil || !ok || at != "1" {
			t.Errorf("%s: %q %v %v", w.kind, at, ok, err)
		}
		if _, ok, err := w.store.Position(t.Context(), "none"); ok || err != nil {
			t.Errorf("%s: %v %v", w.kind, ok, err)
		}
	})
}

package sqldb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

// keyed are tables whose keys sort in ways of their own, and keys.
func keyed(kind string) map[string]string {
	tables := map[string]string{
		"number": "CREATE TABLE number (k BIGINT PRIMARY KEY)",
		"text":   "CREATE TABLE text (k VARCHAR(40) PRIMARY KEY)",
		"exact":  "CREATE TABLE exact (k DECIMAL(30,10) PRIMARY KEY)",
		"moment": "CREATE TABLE moment (k TIMESTAMP(6) PRIMARY KEY)",
		"uuid":   "CREATE TABLE uuid (k UUID PRIMARY KEY)",
		"pair":   "CREATE TABLE pair (note VARCHAR(9), k VARCHAR(40), n INT, PRIMARY KEY (k, n))",
	}
	if kind == "mariadb" {
		tables["text"] = "CREATE TABLE text (k VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY)"
		tables["exactly"] = "CREATE TABLE exactly (k VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY)"
	} else {
		tables["text"] = `CREATE TABLE text (k VARCHAR(40) COLLATE "en-x-icu" PRIMARY KEY)`
		tables["exactly"] = `CREATE TABLE exactly (k VARCHAR(40) COLLATE "C" PRIMARY KEY)`
	}
	return tables
}

func someKey(rnd *rand.Rand, c *row.Column) string {
	switch c.Type {
	case row.Integer:
		return fmt.Sprint(rnd.Int64N(2_000_000) - 1_000_000)
	case row.Decimal:
		v, _ := row.Canon(c, fmt.Sprintf("%d.%010d", rnd.Int64N(200)-100, rnd.Int64N(1e10)))
		return v.Text
	case row.Local, row.Instant:
		v, _ := row.Canon(c, time.Unix(1.7e9+rnd.Int64N(100), rnd.Int64N(1000)*100_000_000).UTC())
		return v.Text
	case row.UUID:
		return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", rnd.Uint32(), rnd.IntN(65536), rnd.IntN(4096), rnd.IntN(4096), rnd.Int64N(1<<48))
	}
	letters := []string{"a", "Z", "_", "-", "0", "9", "é", "订", "ß", "%", "b", "ORD-", " x", "z"}
	s := []string{"", "ORD-2026-", "ord-"}[rnd.IntN(3)]
	for range 1 + rnd.IntN(4) {
		s += letters[rnd.IntN(len(letters))]
	}
	return s
}

// Ranges, pages and the middle are those that row.Table.CompareKeys says, on both databases.
func TestKeysSortTheSameEverywhere(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		for name, ddl := range keyed(w.kind) {
			w.exec(t, ddl)
			table := w.table(t, name)
			rnd := rand.New(rand.NewPCG(1, 2))
			g := &group{table: table}
			unique := map[string]bool{}
			var rows []row.Row
			for range 400 {
				r := make(row.Row, len(table.Columns))
				for i := range r {
					r[i].Text = someKey(rnd, &table.Columns[i])
				}
				if name == "pair" {
					r[0].Text = "x"
				}
				if key := g.name(table.KeyOf(r)); !unique[key] {
					unique[key] = true
					rows = append(rows, r)
				}
			}
			writes := make([]data.Write, len(rows))
			for i, r := range rows {
				writes[i] = data.Write{Table: table, Row: r, Sequence: 1, VersionColumn: -1}
			}
			w.apply(t, writes...)
			rows = w.all(t, table) // a collation may have taken two for one
			if !slices.IsSortedFunc(rows, func(a, b row.Row) int { return table.CompareKeys(table.KeyOf(a), table.KeyOf(b)) }) {
				t.Errorf("%s, %s: the order of the database is not ours", w.kind, name)
			}
			for range 40 {
				i, j := rnd.IntN(len(rows)), rnd.IntN(len(rows))
				if i > j {
					i, j = j, i
				}
				r := data.Range{After: table.KeyOf(rows[i]), Until: table.KeyOf(rows[j])}
				got, err := w.store.Read(t.Context(), table, r, 1000)
				if err != nil || !sameRows(got, rows[i+1:j+1]) {
					t.Fatalf("%s, %s: %v to %v: %d rows of %d, %v", w.kind, name, r.After, r.Until, len(got), j-i, err)
				}
				sum, err := w.store.Sum(t.Context(), table, r, nil)
				if err != nil || sum.Rows != int64(j-i) || sum.Hash != table.Sum(rows[i+1:j+1]) {
					t.Fatalf("%s, %s: sum %v %v", w.kind, name, sum, err)
				}
				middle, err := w.store.Middle(t.Context(), table, r, int64(j-i))
				if err != nil || j > i && !slices.Equal(middle, table.KeyOf(rows[i+max(1, (j-i)/2)])) {
					t.Fatalf("%s, %s: middle %v %v", w.kind, name, middle, err)
				}
			}
			if k, err := w.store.Middle(t.Context(), table, data.Range{}, 5000); k != nil || err != nil {
				t.Errorf("%s, %s: the middle of more rows than there are: %v %v", w.kind, name, k, err)
			}
			var paged []row.Row
			for after := row.Key(nil); ; {
				page, err := w.store.Read(t.Context(), table, data.Range{After: after}, 37)
				if err != nil {
					t.Fatal(err)
				}
				if paged = append(paged, page...); len(page) < 37 {
					break
				}
				after = table.KeyOf(page[36])
			}
			if !sameRows(paged, rows) {
				t.Errorf("%s, %s: pages are not the table", w.kind, name)
			}
		}
	})
}

func TestASumInChunksIsTheSum(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (id BIGINT PRIMARY KEY, note VARCHAR(20))")
		if w.kind == "mariadb" {
			w.exec(t, "INSERT INTO goods SELECT seq, CONCAT('n', seq) FROM seq_1_to_70000")
		} else {
			w.exec(t, "INSERT INTO goods SELECT n, 'n' || n FROM generate_series(1, 70000) n")
		}
		table := w.table(t, "goods")
		sum := w.sum(t, table, nil)
		var want uint64
		for i := range 70000 {
			want += table.Hash(values(fmt.Sprint(i+1), fmt.Sprint("n", i+1)))
		}
		if sum.Rows != 70000 || sum.Hash != want {
			t.Errorf("%s: %v, want %x", w.kind, sum, want)
		}
	})
}

func TestChangedRowsAreFoundByTheirTime(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		instant := map[string]string{"mariadb": "TIMESTAMP(6) NULL", "postgres": "TIMESTAMPTZ"}[w.kind]
		local := map[string]string{"mariadb": "DATETIME(6)", "postgres": "TIMESTAMP"}[w.kind]
		w.exec(t, "CREATE TABLE goods (id INT PRIMARY KEY, at "+instant+", wall "+local+")")
		table := w.table(t, "goods")
		shanghai, err := time.LoadLocation("Asia/Shanghai")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
		var writes []data.Write
		for i := range 20 {
			at := begin.Add(time.Duration(i) * time.Second)
			writes = append(writes, upsert(table, 1, fmt.Sprint(i), at.Format("2006-01-02T15:04:05Z"), at.In(shanghai).Format("2006-01-02T15:04:05")))
		}
		w.apply(t, writes...)
		for _, column := range []string{"at", "wall"} {
			from := begin.Add(5 * time.Second).In(shanghai)
			keys, err := w.store.Changed(t.Context(), table, column, from, from.Add(10*time.Second), nil, 7)
			if err != nil || len(keys) != 7 || keys[0][0].Text != "5" {
				t.Fatalf("%s, %s: %v %v", w.kind, column, keys, err)
			}
			keys, err = w.store.Changed(t.Context(), table, column, from, from.Add(10*time.Second), keys[6], 7)
			if err != nil || len(keys) != 3 || keys[2][0].Text != "14" {
				t.Errorf("%s, %s: %v %v", w.kind, column, keys, err)
			}
		}
	})
}

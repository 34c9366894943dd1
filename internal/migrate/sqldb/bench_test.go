package sqldb

import (
	"fmt"
	"strconv"
	"testing"

	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

func benchTable(b *testing.B, kind string) (*world, *row.Table) {
	b.Helper()
	ddl := "CREATE TABLE orders (id BIGINT PRIMARY KEY, buyer VARCHAR(40) NOT NULL, sku VARCHAR(40), amount DECIMAL(12,2) NOT NULL, paid BOOLEAN NOT NULL, ver BIGINT NOT NULL, "
	start, typ := mariadb, "DATETIME(6)"
	if kind == "postgres" {
		start, typ = postgres, "TIMESTAMP"
	}
	w := start(b, ddl+"at "+typ+" NOT NULL)")
	table := w.table(b, "orders")
	return w, table
}

func order(i, version int) row.Row {
	return values(strconv.Itoa(i), "buyer-"+strconv.Itoa(i%1000), "sku-"+strconv.Itoa(i%77), "199.99", "true", strconv.Itoa(version), "2026-11-23T10:11:12.345678")
}

// BenchmarkApply writes 500 rows a transaction, new ones and then the same again with a later version.
func BenchmarkApply(b *testing.B) {
	for _, kind := range []string{"mariadb", "postgres"} {
		for _, version := range []int{5, -1} {
			for _, fresh := range []bool{true, false} {
				b.Run(fmt.Sprintf("%s/version=%d/new=%v", kind, version, fresh), func(b *testing.B) {
					w, table := benchTable(b, kind)
					const batch = 500
					next := 0
					apply := func(from, v int) {
						writes := make([]data.Write, batch)
						for i := range writes {
							writes[i] = data.Write{Table: table, Op: data.Update, Row: order(from+i, v), Version: int64(v), Sequence: int64(v), VersionColumn: version}
						}
						if _, err := w.store.Apply(b.Context(), "s", "1", writes); err != nil {
							b.Fatal(err)
						}
					}
					const rows = 10_000
					if !fresh {
						for i := 0; i < rows; i += batch {
							apply(i, 1)
						}
					}
					for b.Loop() {
						if fresh {
							apply(next, 1)
						} else {
							apply(next%rows, 2+next/rows)
						}
						next += batch
					}
					b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "rows/s")
				})
			}
		}
	}
}

// BenchmarkSum sums a table in the database, beside the same database counting it, which is the least that
// reading it costs.
func BenchmarkSum(b *testing.B) {
	const rows = 300_000
	for _, kind := range []string{"mariadb", "postgres"} {
		w, table := benchTable(b, kind)
		fill := "INSERT INTO orders SELECT seq, CONCAT('buyer-', seq % 1000), CONCAT('sku-', seq % 77), 199.99, 1, 1, '2026-11-23 10:11:12.345678' FROM seq_1_to_" + strconv.Itoa(rows)
		if kind == "postgres" {
			fill = "INSERT INTO orders SELECT n, 'buyer-' || n % 1000, 'sku-' || n % 77, 199.99, true, 1, '2026-11-23 10:11:12.345678' FROM generate_series(1, " + strconv.Itoa(rows) + ") n"
		}
		w.exec(b, fill)
		b.Run(kind+"/sum", func(b *testing.B) {
			for b.Loop() {
				if sum, err := w.store.Sum(b.Context(), table, data.Range{}, nil); err != nil || sum.Rows != rows {
					b.Fatal(sum, err)
				}
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run(kind+"/crc", func(b *testing.B) { // what pt-table-checksum computes of a chunk
			query := "SELECT COUNT(*), COALESCE(LOWER(CONV(BIT_XOR(CAST(CRC32(CONCAT_WS('#', id, buyer, sku, amount, paid, ver, at, CONCAT(ISNULL(sku)))) AS UNSIGNED)), 10, 16)), 0) FROM orders"
			if kind == "postgres" {
				query = "SELECT COUNT(*), sum(hashtextextended(orders::text, 0)) FROM orders"
			}
			for b.Loop() {
				var n int
				var crc string
				if err := w.db.QueryRowContext(b.Context(), query).Scan(&n, &crc); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run(kind+"/read", func(b *testing.B) {
			for b.Loop() {
				for after := row.Key(nil); ; {
					page, err := w.store.Read(b.Context(), table, data.Range{After: after}, 5000)
					if err != nil {
						b.Fatal(err)
					}
					table.Sum(page)
					if len(page) < 5000 {
						break
					}
					after = table.KeyOf(page[len(page)-1])
				}
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

package binlog

import (
	"context"
	"errors"
	"runtime"
	"syscall"
	"testing"

	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dbtest"
)

// BenchmarkStream reads rows of orders from a real MariaDB, on one core of this process.
func BenchmarkStream(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	srv := dbtest.MariaDB(b)
	schema := srv.Schema(b)
	db := srv.DB(b, schema)
	exec := func(q string) {
		b.Helper()
		if _, err := db.Exec(q); err != nil {
			b.Fatal(err)
		}
	}
	exec("CREATE TABLE orders (id BIGINT PRIMARY KEY AUTO_INCREMENT, buyer VARCHAR(40), sku VARCHAR(20), amount DECIMAL(12,2), n INT, state ENUM('new','paid'), at DATETIME(6), version BIGINT)")
	s, err := New("bench", data.Database{Kind: "mariadb", Address: srv.Addr, Schema: schema, User: srv.User, Password: conf.NewSecret("file:p", srv.Password)}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	from, err := s.Here(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	const rows, each = 200_000, 2_000
	for range rows / each {
		exec("INSERT INTO orders (buyer,sku,amount,n,state,at,version) SELECT CONCAT('buyer-',seq), 'sku-1', seq/7, seq, 'new', NOW(6), 1 FROM seq_1_to_2000")
	}
	stop := errors.New("stop")
	for b.Loop() {
		n := 0
		before := cpu()
		err := s.Run(context.Background(), from, []string{"orders"}, func(x data.Txn) error {
			if n += len(x.Changes); n == rows {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) {
			b.Fatal(err)
		}
		b.ReportMetric(rows/(cpu()-before), "rows/cpu-s")
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}

// cpu is the time that this process had, in seconds.
func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

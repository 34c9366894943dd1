package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/dbserver"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/sqldb"
)

// planted is how many rows differ, are missing on either side.
const planted = 50

// Both databases have the same memory, and none of them room for the tables.
var (
	mariaMemory    = []string{"--innodb-buffer-pool-size=512M", "--innodb-log-file-size=256M", "--innodb-flush-log-at-trx-commit=0"}
	postgresMemory = []string{"shared_buffers=512MB", "max_wal_size=4GB"}
)

// largeTable has rows of about 60 bytes.
func largeTable(moment string) string {
	return "CREATE TABLE large (id BIGINT PRIMARY KEY, buyer VARCHAR(24) NOT NULL, sku INT NOT NULL, amount DECIMAL(12,2), changed " + moment + " NOT NULL)"
}

// bisect compares a table with one that is the same but for what was planted: on PostgreSQL, then in MariaDB
// itself; then pt-table-checksum reads the same table once.
func bisect(ctx context.Context, b *bench) error {
	m, err := b.server(dbserver.KindMariaDB, mariaMemory...)
	if err != nil {
		return err
	}
	p, err := b.server(dbserver.KindPostgres, postgresMemory...)
	if err != nil {
		return err
	}
	b.say("loading %d rows three times", b.rows)
	var dbs [3]*sql.DB
	for i, one := range []struct {
		on     *dbserver.Server
		schema string
		moment string
	}{{m, "a", mariaMoment}, {p, "b", postgresMoment}, {m, "b", mariaMoment}} {
		if dbs[i], err = b.schema(ctx, one.on, one.schema, largeTable(one.moment)); err != nil {
			return err
		}
		if err := fill(ctx, dbs[i], one.on.Kind, b.rows); err != nil {
			return err
		}
		if i > 0 {
			if err := plant(ctx, dbs[i], one.on.Kind, b.rows); err != nil {
				return err
			}
		}
	}
	if _, err := dbs[1].ExecContext(ctx, "VACUUM ANALYZE large"); err != nil { // as autovacuum would leave it
		return err
	}
	var took [2]time.Duration
	var peak int64
	for i, target := range []*dbserver.Server{p, m} {
		name := []string{"MariaDB with PostgreSQL", "MariaDB with MariaDB"}[i]
		b.say("comparing %s", name)
		var most int64
		if took[i], most, err = b.compareLarge(ctx, order{Old: side(m, "a"), New: side(target, "b")}, "bisect-"+strconv.Itoa(i)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		peak = max(peak, most)
		b.table.add(fmt.Sprintf("bisection of %d rows, %s, %d of %d planted differences found", b.rows, name, planted, planted),
			fmt.Sprintf("%.1f s", took[i].Seconds()), "below 5 min", took[i] < 5*time.Minute)
	}
	b.table.add("the same: most memory of the process that compares", fmt.Sprintf("%d MB", peak>>20), "below 300 MB", peak < 300<<20)
	return b.checksum(ctx, m, took[1])
}

// fill writes the rows in pieces, past the log.
func fill(ctx context.Context, db *sql.DB, k dbserver.Kind, rows int64) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // back to the pool
	text := "INSERT INTO large SELECT n, 'buyer-' || n %% 1000003, n %% 50021, (n %% 99991)::numeric / 100, timestamp '2026-01-01' + n * interval '1.000001 second' FROM generate_series(%d, %d) n"
	if k == dbserver.KindMariaDB {
		if _, err := conn.ExecContext(ctx, "SET SESSION sql_log_bin = 0"); err != nil {
			return err
		}
		text = "INSERT INTO large SELECT seq, CONCAT('buyer-', seq %% 1000003), seq %% 50021, (seq %% 99991) / 100, TIMESTAMP('2026-01-01') + INTERVAL seq * 1.000001 SECOND FROM seq_%d_to_%d"
	}
	const piece = 500_000
	for from := int64(1); from <= rows; from += piece {
		if _, err := conn.ExecContext(ctx, fmt.Sprintf(text, from, min(from+piece-1, rows))); err != nil {
			return err
		}
	}
	return nil
}

// plant changes rows that lie all over the table, each of them in one way, past the log.
func plant(ctx context.Context, db *sql.DB, k dbserver.Kind, rows int64) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // back to the pool
	if k == dbserver.KindMariaDB {
		if _, err := conn.ExecContext(ctx, "SET SESSION sql_log_bin = 0"); err != nil {
			return err
		}
	}
	for i, id := range plantedIDs(rows) {
		statement := []string{
			"UPDATE large SET amount = amount + 0.01 WHERE id = ", "UPDATE large SET buyer = 'somebody else' WHERE id = ", "DELETE FROM large WHERE id = ",
			"UPDATE large SET amount = NULL WHERE id = ", "UPDATE large SET changed = '2030-01-01 00:00:00.000001' WHERE id = ",
		}[i%5]
		if _, err := conn.ExecContext(ctx, statement+strconv.FormatInt(id, 10)); err != nil {
			return err
		}
	}
	return nil
}

// plantedIDs are spread unevenly, the first and the last row among them.
func plantedIDs(rows int64) []int64 {
	ids := []int64{1, rows}
	for i := int64(1); len(ids) < planted; i++ {
		if id := 1 + i*i*7919%(rows-1); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// compareLarge lets a carrier compare the tables in full, and holds what it found against what was planted.
func (b *bench) compareLarge(ctx context.Context, o order, name string) (took time.Duration, peak int64, err error) {
	o.Spec = carries(v1.TableRule{Name: "large"})
	if err := copied(ctx, o.New); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	c, err := b.carrier(ctx, o, name)
	if err != nil {
		return 0, 0, err
	}
	defer c.end()
	if _, err := c.await(ctx, 20*time.Millisecond, time.Hour, "compared in full", func(a *answer) bool {
		return a.Status.Migration != "" && caughtUp(a)
	}); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	if _, err := c.await(ctx, 100*time.Millisecond, time.Minute, "differences decided", func(a *answer) bool {
		return a.Status.Tables[0].Differ >= planted
	}); err != nil {
		return 0, 0, err
	}
	if peak, err = peakOf(c.cmd.Process.Pid); err != nil {
		return 0, 0, err
	}
	a, err := c.ask("diff")
	if err != nil {
		return 0, 0, err
	}
	return took, peak, found(a.Diff.Differences, b.rows)
}

// found is nil when the differences are those that were planted.
func found(list []v1.RowDifference, rows int64) error {
	var got []int64
	for _, d := range list {
		if len(d.Key) != 1 || d.Key[0].Value == nil {
			return fmt.Errorf("a difference without a key: %+v", d)
		}
		id, err := strconv.ParseInt(*d.Key[0].Value, 10, 64)
		if err != nil {
			return err
		}
		got = append(got, id)
	}
	slices.Sort(got)
	if want := plantedIDs(rows); !slices.Equal(got, want) {
		return fmt.Errorf("rows %v differ, planted are %v", got, want)
	}
	return nil
}

// copied says in the target that the backfill is done: both sides have their rows already.
func copied(ctx context.Context, d database) (err error) {
	store, err := sqldb.Open("new", d.config(), 10*time.Second)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.Prepare(ctx); err != nil {
		return err
	}
	_, err = store.Apply(ctx, "backfill/"+migration+"/large", data.Position(`{"done":true,"copied":0}`), nil)
	return err
}

// checksum runs pt-table-checksum on the table of the old side alone, and then on those of both sides at the same time: it
// reads a side once, and leaves the other to replication, which does the same work there meanwhile.
func (b *bench) checksum(ctx context.Context, m *dbserver.Server, ours time.Duration) error {
	if path, _ := exec.LookPath("pt-table-checksum"); path == "" {
		b.table.note("pt-table-checksum is not installed (percona-toolkit)", "no ratio")
		return nil
	}
	dir, err := b.temp("checksum")
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "client.cnf")
	client := fmt.Sprintf("[client]\nuser=%s\npassword=%s\n", m.User, m.Password)
	if err := os.WriteFile(file, []byte(client), 0o600); err != nil {
		return err
	}
	b.say("pt-table-checksum, one side and both")
	one, err := b.passes(ctx, m, file, "a")
	if err != nil {
		return err
	}
	both, err := b.passes(ctx, m, file, "a", "b")
	if err != nil {
		return err
	}
	b.table.add(fmt.Sprintf("MariaDB with MariaDB, times pt-table-checksum on both sides at the same time (%.1f s)", both.Seconds()),
		fmt.Sprintf("%.2f", ours.Seconds()/both.Seconds()), "at most 1", ours <= both)
	b.table.note(fmt.Sprintf("the same, both sides by us, times its pass over one side alone (%.1f s)", one.Seconds()), fmt.Sprintf("%.2f", ours.Seconds()/one.Seconds()))
	return nil
}

// passes runs pt-table-checksum on schemas at the same time.
func (b *bench) passes(ctx context.Context, m *dbserver.Server, file string, schemas ...string) (time.Duration, error) {
	host, port, _ := strings.Cut(m.Addr, ":")
	began := time.Now()
	errs := make([]error, len(schemas))
	var work sync.WaitGroup
	for i, schema := range schemas {
		work.Go(func() {
			cmd := exec.CommandContext(ctx, "pt-table-checksum", "h="+host+",P="+port+",F="+file, "--databases="+schema, "--tables=large",
				"--replicate=percona_"+schema+".checksums", "--recursion-method=none", "--no-check-binlog-format", "--no-check-replication-filters", "--no-version-check")
			out, err := cmd.CombinedOutput()
			rows, ok := checksummed(string(out), schema+".large")
			if err != nil || !ok || max(rows-b.rows, b.rows-rows) > planted {
				errs[i] = fmt.Errorf("pt-table-checksum: %w: %d rows\n%s", err, rows, out)
			}
		})
	}
	work.Wait()
	return time.Since(began), errors.Join(errs...)
}

// checksummed reads how many rows a table had, out of the columns TS ERRORS DIFFS ROWS DIFF_ROWS CHUNKS SKIPPED TIME TABLE.
func checksummed(out, table string) (rows int64, ok bool) {
	for l := range strings.Lines(out) {
		f := strings.Fields(l)
		if len(f) >= 6 && f[len(f)-1] == table {
			n, err := strconv.ParseInt(f[len(f)-6], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

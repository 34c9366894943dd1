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
	b.say("comparing MariaDB with PostgreSQL")
	took, peak, err := b.compareLarge(ctx, order{Old: side(m, "a"), New: side(p, "b")}, "bisect-postgres")
	if err != nil {
		return err
	}
	b.compared("MariaDB with PostgreSQL", took)
	// The peer does not know PostgreSQL; it needs the machine no more.
	p.Kill()
	return b.beside(ctx, m, peak)
}

func (b *bench) compared(what string, took time.Duration) {
	b.table.add(fmt.Sprintf("bisection of %d rows, %s, %d of %d planted differences found", b.rows, what, planted, planted),
		fmt.Sprintf("%.1f s", took.Seconds()), "below 5 min", took < 5*time.Minute)
}

// cost is what something took, of the clock and of the server's CPU.
type cost struct{ wall, cpu float64 }

// beside compares MariaDB with MariaDB and lets pt-table-checksum do the same, in turns: both sides at the same
// time, as a primary and its replica do, and one side alone.
func (b *bench) beside(ctx context.Context, m *dbserver.Server, peak int64) error {
	file, err := b.clientFile(m)
	if err != nil {
		return err
	}
	ours := func() (time.Duration, error) {
		took, most, err := b.compareLarge(ctx, order{Old: side(m, "a"), New: side(m, "b")}, "bisect-mariadb")
		peak = max(peak, most)
		return took, err
	}
	both := func() (time.Duration, error) { return b.passes(ctx, m, file, "a", "b") }
	one := func() (time.Duration, error) { return b.passes(ctx, m, file, "a") }
	turns := []func() (time.Duration, error){ours}
	if file != "" {
		turns = append(turns, both, one)
	}
	wall, cpu := make([][]float64, len(turns)), make([][]float64, len(turns))
	for range min(b.rounds, 3) {
		for i, turn := range turns {
			b.say("MariaDB with MariaDB, %s", []string{"ours", "pt-table-checksum on both sides", "pt-table-checksum on one side"}[i])
			c, err := spent(m.PID(), turn)
			if err != nil {
				return err
			}
			wall[i], cpu[i] = append(wall[i], c.wall), append(cpu[i], c.cpu)
		}
	}
	took := median(wall[0])
	b.compared("MariaDB with MariaDB", time.Duration(took*float64(time.Second)))
	b.table.add("the same: most memory of the process that compares", fmt.Sprintf("%d MB", peak>>20), "below 300 MB", peak < 300<<20)
	if file == "" {
		b.table.note("pt-table-checksum is not installed (percona-toolkit)", "no ratio")
		return nil
	}
	ratio := median(ratios(wall[0], wall[1]))
	b.table.add(fmt.Sprintf("MariaDB with MariaDB, times pt-table-checksum on both sides at the same time (%.1f s)", median(wall[1])), fmt.Sprintf("%.2f", ratio), "at most 1", ratio <= 1)
	b.table.note(fmt.Sprintf("the same, both sides by us, times its pass over one side alone (%.1f s)", median(wall[2])), fmt.Sprintf("%.2f", median(ratios(wall[0], wall[2]))))
	b.table.note("CPU of the server: ours, pt-table-checksum on both sides, on one", fmt.Sprintf("%.1f s, %.1f s, %.1f s", median(cpu[0]), median(cpu[1]), median(cpu[2])))
	return nil
}

// spent is what a turn took.
func spent(server int, turn func() (time.Duration, error)) (cost, error) {
	before, err := cpuOf(server)
	if err != nil {
		return cost{}, err
	}
	wall, err := turn()
	if err != nil {
		return cost{}, err
	}
	after, err := cpuOf(server)
	return cost{wall.Seconds(), (after - before).Seconds()}, err
}

func ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
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
	if _, err := c.await(ctx, 50*time.Millisecond, time.Hour, "compared in full", func(a *answer) bool {
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

// clientFile holds the server's account for pt-table-checksum; "" where that is not installed.
func (b *bench) clientFile(m *dbserver.Server) (string, error) {
	if path, _ := exec.LookPath("pt-table-checksum"); path == "" {
		return "", nil
	}
	dir, err := b.temp("checksum")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "client.cnf")
	return file, os.WriteFile(file, fmt.Appendf(nil, "[client]\nuser=%s\npassword=%s\n", m.User, m.Password), 0o600)
}

// passes runs pt-table-checksum on schemas at the same time.
func (b *bench) passes(ctx context.Context, m *dbserver.Server, file string, schemas ...string) (time.Duration, error) {
	host, port, _ := strings.Cut(m.Addr, ":")
	errs := make([]error, len(schemas))
	began := time.Now()
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

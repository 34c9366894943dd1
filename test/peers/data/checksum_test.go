package data

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/test/peers/proc"
)

// sums are the checksums of all tables of a schema but ours.
func sums(t *testing.T, query func(string, ...any) (*sql.Rows, error), schema string) string {
	t.Helper()
	rows, err := query("SELECT table_name FROM information_schema.tables WHERE table_schema = '" + schema + "' AND table_name NOT LIKE 'jindu%' ORDER BY table_name")
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, "`"+name+"`")
	}
	_ = rows.Close()
	rows, err = query("CHECKSUM TABLE " + strings.Join(tables, ", ") + " EXTENDED")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // it was read
	var out strings.Builder
	for rows.Next() {
		var name, sum string
		if err := rows.Scan(&name, &sum); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, name, sum)
	}
	return out.String()
}

// judged are the chunks of a schema as pt-table-checksum sums them up: table, boundaries, checksum, rows.
func judged(t *testing.T, tool string, s *store) []string {
	t.Helper()
	host, port, err := net.SplitHostPort(s.server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	s.exec(t, "DROP TABLE IF EXISTS sums")
	out, err := exec.Command(tool, "--no-version-check", "--no-check-replication-filters", "--recursion-method=none", "--no-check-binlog-format",
		"--no-check-slave-tables", "--function=CRC32", "--chunk-size=250", "--chunk-time=0", "--chunk-index=PRIMARY", "--replicate="+s.schema+".sums", "--create-replicate-table",
		"--databases="+s.schema, "--tables=accounts,orders,carts", "--no-replicate-check", "--quiet",
		fmt.Sprintf("h=%s,P=%s,u=%s,p=%s", host, port, s.server.User, s.server.Password)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	rows, err := s.db.Query("SELECT tbl, COALESCE(lower_boundary, ''), COALESCE(upper_boundary, ''), this_crc, this_cnt FROM sums ORDER BY tbl, chunk")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // it was read
	var list []string
	for rows.Next() {
		var table, low, high, crc string
		var n int
		if err := rows.Scan(&table, &low, &high, &crc, &n); err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %s..%s %s %d", table, low, high, crc, n))
	}
	return list
}

// pt-table-checksum sums both sides up after writes and moves: chunk by chunk they are the same. A difference that
// is planted both it and Jindu find.
func TestPtTableChecksumAgrees(t *testing.T) {
	tool := proc.Need(t, "pt-table-checksum")
	b := newBank(t, shape{shared: true, capture: "outbox"})
	b.settledIn()
	w := b.write(seedOf(t, 6), 6)
	storm := b.rage(6)
	for _, share := range []int{1000, 5000, 10000} {
		w.more(100)
		b.stormTo(share, storm.begun.Add(storm.most))
	}
	storm.calm()
	b.current()
	w.more(50)
	if told := w.end(); len(told) > 0 {
		b.settleAll(storm.most)
	}
	old, fresh := judged(t, tool, b.stores[0]), judged(t, tool, b.stores[1])
	if len(old) < 10 || !slices.Equal(old, fresh) {
		t.Errorf("chunks of the old side:\n%s\nof the new side:\n%s", strings.Join(old, "\n"), strings.Join(fresh, "\n"))
	}
	t.Logf("%d chunks agree, such as %s", len(old), old[0])

	// By hand, past both relays.
	conn, err := b.stores[1].db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"SET SESSION sql_log_bin = 0", "UPDATE accounts SET note = 'planted' WHERE id = 17", "UPDATE orders SET amount = amount + 1 WHERE id = -5", "SET SESSION sql_log_bin = 1"} {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	_ = conn.Close()
	after := judged(t, tool, b.stores[1])
	seen := map[string]bool{}
	for i := range after {
		if i < len(old) && after[i] != old[i] {
			seen[strings.Fields(after[i])[0]] = true
		}
	}
	if !seen["accounts"] || !seen["orders"] || seen["carts"] {
		t.Errorf("pt-table-checksum sees differences in %v", seen)
	}
	out, err := b.cli("migration", "diff", "orders", "--full", "-o", "json")
	if err != nil {
		t.Fatal(err, out)
	}
	var found v1.DiffResult
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatal(err, out)
	}
	var names []string
	for _, d := range found.Differences {
		names = append(names, rowName(d.Table, d.Key))
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"accounts/17", "orders/-5"}) {
		t.Errorf("diff --full found %v", names)
	}
}

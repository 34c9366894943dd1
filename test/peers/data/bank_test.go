package data

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/dbtest"
	"jindu.dev/jindu/sdk/outbox"
	"jindu.dev/jindu/test/peers/proc"
	"jindu.dev/jindu/test/peers/shop"
)

const (
	subjects = 200 // each with its own accounts, and its own bucket
	accounts = 4   // of one subject
	opening  = 100_000
	past     = 3000 // orders that were there before
)

// bucketOf spreads subjects over all buckets.
func bucketOf(subject int) int { return subject * 10_000 / subjects }

// store is one side's database.
type store struct {
	side    string
	server  *dbtest.Server
	schema  string
	db      *sql.DB // the service's connections, which no wire disturbs
	wire    *wire   // the node's way
	capture string
	cents   bool // money is kept in cents, states are words
}

// bank is a service on two databases, and a node that carries its rows.
type bank struct {
	t        *testing.T
	node     *proc.Node
	stores   [2]*store
	forgiven map[string]string // rows that people settled
	before   string            // what lives of the node that were killed had printed
}

// output is what the node printed in all its lives.
func (b *bank) output() string { return b.before + b.node.Output() }

// shape says how a bank is made.
type shape struct {
	postgres bool   // the new side is PostgreSQL, with another schema; else MariaDB with the same one
	capture  string // of the new side
	winner   string
	node     string // more node configuration
	dataDir  string // of the node
	spec     string // more of spec.data, indented by four spaces
	shared   bool   // both sides are schemas of one MariaDB
}

// newBank makes databases with accounts and orders, starts a node and applies the migration.
func newBank(t *testing.T, s shape) *bank {
	t.Helper()
	bin, err := jindu()
	if err != nil {
		t.Fatal(err)
	}
	b := &bank{t: t}
	for i, side := range []string{v1.SideOld, v1.SideNew} {
		one := &store{side: side, capture: "binlog"}
		switch {
		case i == 1 && s.postgres:
			one.server, one.capture, one.cents = dbtest.NewPostgres(t), "pgoutput", true
		case i == 1 && s.shared:
			one.server = b.stores[0].server
		default:
			one.server = dbtest.NewMariaDB(t)
		}
		if i == 1 && s.capture != "" {
			one.capture = s.capture
		}
		one.schema = one.server.Schema(t)
		one.db = one.server.DB(t, one.schema)
		one.db.SetMaxOpenConns(24)
		one.db.SetMaxIdleConns(24)
		one.wire = newWire(t, one.server.Addr)
		b.stores[i] = one
		one.create(t)
	}
	b.stores[0].seed(t)
	b.start(bin, s)
	b.apply(s)
	return b
}

func (s *store) create(t *testing.T) {
	t.Helper()
	moment, money, state, text := "DATETIME(6)", "DECIMAL(12,2)", "CHAR(1)", "VARCHAR(20)"
	amount := "amount"
	if s.cents {
		moment, money, state, text, amount = "TIMESTAMPTZ", "BIGINT", "VARCHAR(10)", "VARCHAR(20)", "cents"
	}
	s.exec(t, fmt.Sprintf("CREATE TABLE accounts (id BIGINT PRIMARY KEY, subject INT NOT NULL, %s %s NOT NULL, note %s, changed %s NOT NULL, version BIGINT NOT NULL)", amount, money, text, moment),
		fmt.Sprintf("CREATE TABLE orders (id BIGINT PRIMARY KEY, subject INT NOT NULL, debit BIGINT NOT NULL, credit BIGINT NOT NULL, %s %s NOT NULL, state %s NOT NULL, changed %s NOT NULL, version BIGINT NOT NULL)", amount, money, state, moment),
		"CREATE TABLE carts (subject INT NOT NULL, item INT NOT NULL, qty INT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (subject, item))",
		"CREATE INDEX accounts_changed ON accounts (changed)", "CREATE INDEX orders_changed ON orders (changed)")
}

// seed writes what was there before anybody thought of migrating.
func (s *store) seed(t *testing.T) {
	t.Helper()
	var rows []string
	for subject := range subjects {
		for n := range accounts {
			rows = append(rows, fmt.Sprintf("(%d,%d,%d.00,'n',UTC_TIMESTAMP(6),1)", subject*accounts+n, subject, opening/100))
		}
	}
	s.exec(t, "INSERT INTO accounts VALUES "+strings.Join(rows, ","))
	rows = rows[:0]
	for id := range past { // these moved nothing: from an account to itself
		subject := id % subjects
		rows = append(rows, fmt.Sprintf("(%d,%d,%d,%d,1.00,'P','2020-01-01',1)", -1-id, subject, subject*accounts, subject*accounts))
	}
	s.exec(t, "INSERT INTO orders VALUES "+strings.Join(rows, ","))
}

func (s *store) exec(t *testing.T, statements ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, q := range statements {
		if _, err := s.db.ExecContext(ctx, q); err != nil {
			t.Fatalf("%s side: %s: %v", s.side, q, err)
		}
	}
}

// start starts the node with both databases behind their wires.
func (b *bank) start(bin string, s shape) {
	b.t.Helper()
	dir := b.t.TempDir()
	var conf strings.Builder
	conf.WriteString("data:\n  timeout: 3s\n  databases:\n")
	for _, one := range b.stores {
		secret := filepath.Join(dir, one.side+".password")
		if err := os.WriteFile(secret, []byte(one.server.Password), 0o600); err != nil {
			b.t.Fatal(err)
		}
		fmt.Fprintf(&conf, "    bank-%s: {kind: %s, address: %q, schema: %s, user: %q, password: \"file:%s\", tls: \"off\"}\n",
			one.side, one.server.Kind, one.wire.Addr(), one.schema, one.server.User, secret)
	}
	conf.WriteString(s.node)
	if s.dataDir != "" {
		if err := os.Symlink(s.dataDir, filepath.Join(dir, "data")); err != nil {
			b.t.Fatal(err)
		}
	}
	node, err := proc.StartNode(bin, dir, conf.String())
	if err != nil {
		b.t.Fatal(err)
	}
	b.node = node
	b.t.Cleanup(func() {
		b.node.Stop()
		if keep := os.Getenv("PEERS_KEEP"); keep != "" && b.t.Failed() {
			_ = os.WriteFile(filepath.Join(keep, strings.ReplaceAll(b.t.Name(), "/", "-")+".log"), []byte(b.output()), 0o600)
		}
	})
}

// apply describes the service, with sides that answer nothing but their health, and the migration.
func (b *bank) apply(s shape) {
	b.t.Helper()
	var sides [2]*shop.Shop
	for i := range sides {
		one, err := shop.New("bank", "1")
		if err != nil {
			b.t.Fatal(err)
		}
		b.t.Cleanup(one.Close)
		sides[i] = one
	}
	columns := func(state bool) string {
		if !s.postgres {
			return ""
		}
		c := `columns: [{from: [amount], to: [cents], scale: 2}, {from: [changed], to: [changed], zone: UTC}`
		if state {
			c += `, {from: [state], to: [state], values: {C: created, P: paid}}`
		}
		return ", " + c + "]"
	}
	cart := ", version: version"
	if s.postgres { // so that versions beside the rows are used too
		cart = ", skip: []"
	}
	winner := s.winner
	if winner == "" {
		winner = "old"
	}
	extra := fmt.Sprintf(`  steps: [10, 50, 100]
  data:
    old: {database: bank-old, capture: binlog}
    new: {database: bank-new, capture: %s}
    winner: %s
    grace: 300ms
    every: 1s
    drain: 2s
%s    tables:
    - {name: accounts, version: version, settled: changed, money: [amount]%s}
    - {name: orders, version: version, settled: changed, money: [amount]%s}
    - {name: carts%s}
`, b.stores[1].capture, winner, s.spec, columns(false), columns(true), cart)
	if err := b.node.Apply(shop.Objects(sides[0], sides[1], extra), shop.Host, "/orders/0"); err != nil {
		b.t.Fatal(err)
	}
}

// call asks the node's API.
func (b *bank) call(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 45*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("http://127.0.0.1:%d/api/v1/migrations/orders%s", b.node.Admin, path), body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d: %s", method, path, resp.StatusCode, raw)
	}
	if out == nil || len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, out)
}

func (b *bank) status() (v1.MigrationStatus, error) {
	var m v1.Migration
	err := b.call(http.MethodGet, "", nil, &m)
	return m.Status, err
}

func (b *bank) data() (v1.DataStatus, error) {
	var d v1.DataStatus
	err := b.call(http.MethodGet, "/data", nil, &d)
	return d, err
}

// until waits for a condition that asks a node which may be away at times.
func (b *bank) until(limit time.Duration, what string, holds func() (bool, string)) {
	b.t.Helper()
	end := time.Now().Add(limit)
	for {
		ok, why := holds()
		if ok {
			return
		}
		if time.Now().After(end) {
			d, _ := b.data()
			raw, _ := json.MarshalIndent(d, "", " ")
			b.t.Fatalf("after %v not yet: %s: %s\n%s\n%s", limit, what, why, raw, tail(b.output(), 3000))
		}
		time.Sleep(30 * time.Millisecond)
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// settledIn waits until everything was copied and compared once.
func (b *bank) settledIn() {
	b.t.Helper()
	b.until(60*time.Second, "everything is copied and compared", func() (bool, string) {
		d, err := b.data()
		if err != nil {
			return false, err.Error()
		}
		for _, one := range d.Tables {
			if one.Backfill != "done" || one.NewRows < 0 {
				return false, one.Table + " " + one.Backfill + " " + one.Problem + " " + d.Problem
			}
		}
		return len(d.Tables) == 3, d.Problem
	})
}

// cli runs a command against the node and returns what it printed.
func (b *bank) cli(args ...string) (string, error) {
	p, err := proc.Start(b.node.Bin, append(args, "--server", fmt.Sprintf("http://127.0.0.1:%d", b.node.Admin))...)
	if err != nil {
		return "", err
	}
	err = p.Succeeded()
	return p.Output(), err
}

// moveTo promotes or rolls back until the share is in force. What forbids it, cases that were opened by what
// happened before, a person settles.
func (b *bank) moveTo(share int, limit time.Duration, on func(error)) {
	b.t.Helper()
	b.until(limit, fmt.Sprintf("%d of 10000 are on the new side", share), func() (bool, string) {
		st, err := b.status()
		if err != nil {
			return false, err.Error()
		}
		verb := "promote"
		switch {
		case st.Buckets == share && (share > 0 || st.Phase == v1.PhaseRolledBack):
			return true, ""
		case share == 0:
			verb = "rollback"
		case st.Phase == v1.PhaseRolledBack:
			verb = "resume"
		case st.Buckets > share:
			return false, fmt.Sprintf("the share is %d", st.Buckets)
		}
		err = b.call(http.MethodPost, "/"+verb, v1.Command{Reason: "test"}, nil)
		if err == nil {
			return false, "just moved"
		}
		if on != nil {
			on(err)
		}
		return false, err.Error()
	})
}

// dialect of the service's SQL.
func (s *store) dialect() outbox.Dialect {
	if s.server.Kind == dbtest.KindPostgres {
		return outbox.Postgres
	}
	return outbox.MySQL
}

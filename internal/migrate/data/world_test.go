package data_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/data/datatest"
	"jindu.dev/jindu/internal/migrate/row"
)

// world is two databases and a server that carries rows between them.
type world struct {
	t        *testing.T
	old, new *datatest.DB
	spec     v1.DataSpec
	status   v1.MigrationStatus
	cfg      data.Config
	server   *data.Server
	stop     func()
	notes    *notes
	mu       sync.Mutex
	captured int
	until    map[string]time.Time
}

// notes outlive servers.
type notes struct {
	mu   sync.Mutex
	held map[string][]byte
	fail error
}

func (n *notes) Put(_ context.Context, name string, body []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return n.fail
	}
	if body == nil {
		delete(n.held, name)
	} else {
		n.held[name] = body
	}
	return nil
}

func (n *notes) List(_ context.Context, prefix string) (map[string][]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := map[string][]byte{}
	for k, v := range n.held {
		if len(k) >= len(prefix) && k[:len(prefix)] == prefix {
			out[k] = v
		}
	}
	return out, n.fail
}

func column(name string, t row.Type, null bool) row.Column {
	c := row.Column{Name: name, Type: t, Nullable: null}
	switch t {
	case row.Decimal:
		c.Scale, c.Length = 2, 12
	case row.Instant, row.Local:
		c.Scale = 6
	case row.Text:
		c.Length = 64
	}
	return c
}

// orders is a table with everything: version, owner, money, time of the last change.
func orders(name string) *row.Table {
	return &row.Table{Name: name, Key: []int{0}, Columns: []row.Column{
		column("id", row.Integer, false), column("user", row.Text, true), column("amount", row.Decimal, true),
		column("owner", row.Text, true), column("version", row.Integer, false), column("updated", row.Instant, true),
	}}
}

// carts is a table without any of it.
func carts(name string) *row.Table {
	return &row.Table{Name: name, Key: []int{0}, Columns: []row.Column{column("id", row.Integer, false), column("item", row.Text, true)}}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, notes: &notes{held: map[string][]byte{}}, until: map[string]time.Time{},
		old: datatest.New(time.Now, orders("orders"), carts("carts")), new: datatest.New(time.Now, orders("t_orders"), carts("carts")),
		spec: v1.DataSpec{
			Old: v1.DataSide{Database: "a", Capture: "binlog"}, New: v1.DataSide{Database: "b", Capture: "pgoutput"},
			Tables: []v1.TableRule{
				{Name: "orders", To: "t_orders", Version: "version", Owner: "owner", Money: []string{"amount"}, Settled: "updated", Strong: true},
				{Name: "carts"},
			},
			Winner: "old", Chunk: 7,
		},
		status: v1.MigrationStatus{Phase: v1.PhaseMirror},
		cfg:    data.Default(),
	}
	return w
}

func (w *world) db(side string) *datatest.DB {
	if side == v1.SideOld {
		return w.old
	}
	return w.new
}

// migration is the object as the store has it.
func (w *world) migration() v1.Migration {
	m := v1.Migration{Status: w.status}
	m.Metadata.Name = "shop"
	spec := w.spec
	m.Spec.Data = &spec
	return m
}

func (w *world) options() data.Options {
	return data.Options{
		Open: func(name string) (data.Store, error) {
			switch name {
			case "a":
				return w.old.Store(), nil
			case "b":
				return w.new.Store(), nil
			}
			return nil, fmt.Errorf("no database %q", name)
		},
		Source: func(r data.SourceRequest) (data.Source, error) { return w.db(r.Side).Source(), nil },
		Notes:  w.notes,
		Log:    slog.New(slog.DiscardHandler),
		Captured: func(string, *data.Txn) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.captured++
		},
		Progress: func(database string, until time.Time) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.until[database] = until
		},
	}
}

// start runs a server.
func (w *world) start() {
	w.t.Helper()
	s, err := data.New(w.cfg, w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	ready := make(chan struct{})
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	<-ready
	w.server = s
	s.SetMigrations([]v1.Migration{w.migration()})
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

// set changes the migration.
func (w *world) set(f func(*world)) {
	f(w)
	w.server.SetMigrations([]v1.Migration{w.migration()})
}

// until waits, in the bubble's time, for a condition.
func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	for range 4000 {
		synctest.Wait()
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	st, err := w.server.Status("shop")
	w.t.Fatalf("%s did not come: %+v %v", what, st, err)
}

func order(id int, user, amount, owner string, version int) row.Row {
	now := time.Now().UTC().Format("2006-01-02T15:04:05.999999") + "Z"
	return row.Row{{Text: strconv.Itoa(id)}, {Text: user}, {Text: amount}, {Text: owner}, {Text: strconv.Itoa(version)}, {Text: now}}
}

func cart(id int, item string) row.Row { return row.Row{{Text: strconv.Itoa(id)}, {Text: item}} }

func id(n int) row.Key { return row.Key{{Text: strconv.Itoa(n)}} }

// write commits rows of one table as a service does.
func (w *world) write(side, table string, rows ...row.Row) {
	w.t.Helper()
	tx := w.db(side).Begin("")
	for _, r := range rows {
		if err := tx.Put(table, r); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) remove(side, table string, n int) {
	w.t.Helper()
	tx := w.db(side).Begin("")
	if err := errors.Join(tx.Delete(table, id(n)), tx.Commit()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) item(side string, n int) string {
	if r := w.db(side).Rows("carts")[datatest.Key(strconv.Itoa(n))]; r != nil {
		return r[1].Text
	}
	return ""
}

func (w *world) amount(side string, n int) string {
	name := "orders"
	if side == v1.SideNew {
		name = "t_orders"
	}
	if r := w.db(side).Rows(name)[datatest.Key(strconv.Itoa(n))]; r != nil {
		return r[2].Text + " " + r[3].Text + " " + r[4].Text
	}
	return ""
}

func (w *world) passes() bool {
	for _, g := range w.server.Gates("shop") {
		if g.Verdict != v1.VerdictPass {
			return false
		}
	}
	return true
}

func (w *world) verdict(name string) v1.Verdict {
	for _, g := range w.server.Gates("shop") {
		if g.Name == name {
			return g.Verdict
		}
	}
	return ""
}

// bubble runs a test in fake time.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() {
			if w.stop != nil {
				w.stop()
			}
		}()
		f(t, w)
	})
}

// behind writes as a relay would, so that no relay carries it: r, or a delete of n.
func (w *world) behind(side, table string, r row.Row, n ...int) {
	w.t.Helper()
	def := carts(table)
	if table != "carts" {
		def = orders(table)
	}
	one := data.Write{Table: def, Op: data.Update, Row: r, Check: true, VersionColumn: -1}
	var key string
	if r == nil {
		one.Op, one.Row = data.Delete, make(row.Row, len(def.Columns))
		one.Row[0] = id(n[0])[0]
		key = datatest.Key(strconv.Itoa(n[0]))
	} else {
		key = datatest.Key(r[0].Text)
	}
	one.Was = w.db(side).Rows(table)[key]
	fates, err := w.db(side).Store().Apply(w.t.Context(), "test", "1", []data.Write{one})
	if err != nil || fates[0] != data.Applied {
		w.t.Fatal(fates, err)
	}
}

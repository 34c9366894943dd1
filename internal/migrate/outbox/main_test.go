package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dbtest"
	"jindu.dev/jindu/internal/migrate/dialect"
	"jindu.dev/jindu/internal/migrate/row"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// patience bounds a wait for something that must come.
const patience = 60 * time.Second

type world struct {
	t      *testing.T
	srv    *dbtest.Server
	schema string
	db     *sql.DB
}

func newWorld(t *testing.T, srv *dbtest.Server) *world {
	t.Helper()
	schema := srv.Schema(t)
	w := &world{t, srv, schema, srv.DB(t, schema)}
	d, _ := dialect.For(string(srv.Kind))
	for _, def := range d.Setup() {
		if def.Name == dialect.OutboxTable {
			w.exec(def.SQL)
		}
	}
	return w
}

func (w *world) exec(text string, args ...any) {
	w.t.Helper()
	if _, err := w.db.ExecContext(w.t.Context(), text, args...); err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
}

func (w *world) config() data.Database {
	return data.Database{Kind: string(w.srv.Kind), Address: w.srv.Addr, Schema: w.schema, User: w.srv.User, Password: conf.NewSecret("file:p", w.srv.Password)}
}

func (w *world) source(o Options) *Source {
	w.t.Helper()
	if o.Logger == nil {
		o.Logger = testLog(w.t)
	}
	s, err := New(w.t.Name(), w.config(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	return s
}

func (w *world) here(s *Source) data.Position {
	w.t.Helper()
	p, err := s.Here(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// follower is a Run under way.
type follower struct {
	t    *testing.T
	txns chan data.Txn
	end  chan error
	stop context.CancelFunc
}

func follow(t *testing.T, s *Source, from data.Position, tables ...string) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{t: t, txns: make(chan data.Txn, 1<<16), end: make(chan error, 1), stop: cancel}
	go func() {
		f.end <- s.Run(ctx, from, tables, func(x data.Txn) error {
			select {
			case f.txns <- x:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if f.end != nil {
			t.Log("run ended:", <-f.end)
		}
	})
	return f
}

// close ends the run.
func (f *follower) close() {
	f.t.Helper()
	f.stop()
	if err := <-f.end; !errors.Is(err, context.Canceled) {
		f.t.Errorf("run ended with %v", err)
	}
	f.end = nil
}

// next is the next transaction with changes, or of a relay.
func (f *follower) next() data.Txn {
	f.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		x := f.any()
		if len(x.Changes) > 0 || x.Origin {
			return x
		}
	}
	f.t.Fatal("no change was told")
	return data.Txn{}
}

func (f *follower) any() data.Txn {
	f.t.Helper()
	select {
	case x := <-f.txns:
		return x
	case err := <-f.end:
		f.end = nil
		f.t.Fatalf("run ended: %v", err)
	case <-time.After(patience):
		f.t.Fatal("nothing was told")
	}
	return data.Txn{}
}

// fails is the error that ends the run.
func (f *follower) fails() error {
	f.t.Helper()
	late := time.After(patience)
	for {
		select {
		case <-f.txns:
		case err := <-f.end:
			f.end = nil
			return err
		case <-late:
			f.t.Fatal("the run goes on")
			return nil
		}
	}
}

func show(c data.Change) string {
	s := c.Op.String() + " " + c.Table.Name
	for _, r := range []struct {
		name string
		row  []string
	}{{"before", texts(c.Before)}, {"after", texts(c.After)}} {
		if r.row != nil {
			s += fmt.Sprintf(" %s=%v", r.name, r.row)
		}
	}
	return s
}

func texts(r []row.Value) []string {
	if r == nil {
		return nil
	}
	out := make([]string, len(r))
	for i, v := range r {
		if out[i] = v.Text; v.Null {
			out[i] = "NULL"
		}
	}
	return out
}

func testLog(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

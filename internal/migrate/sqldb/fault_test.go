package sqldb

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dbtest"
)

// cutter is a way to a server that can be cut.
type cutter struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
	cut   bool
}

func newCutter(t *testing.T, to string) *cutter {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l}
	t.Cleanup(func() { _ = l.Close(); c.close(true) })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, in, out)
			cut := c.cut
			c.mu.Unlock()
			if cut {
				c.close(true)
				continue
			}
			pipe := func(a, b net.Conn) { _, _ = io.Copy(a, b); _ = a.Close(); _ = b.Close() }
			go pipe(in, out)
			go pipe(out, in)
		}
	}()
	return c
}

func (c *cutter) close(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns, c.cut = nil, cut
}

func TestACutConnectionIsAnErrorAndThenOver(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (id INT PRIMARY KEY)")
		table := w.table(t, "goods")
		way := newCutter(t, w.server.Addr)
		d := w.store.config
		d.Address = way.Addr().String()
		far, err := Open("far", d, 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = far.Close() }()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		applied := make(chan int, 1)
		go func() {
			n := 0
			for i := 1; ctx.Err() == nil; i++ {
				_, err := far.Apply(ctx, "far", data.Position(strconv.Itoa(i)), []data.Write{upsert(table, int64(i), strconv.Itoa(i))})
				if err != nil {
					if kind.Of(err) != kind.Unavailable && ctx.Err() == nil {
						t.Error(w.kind, err)
					}
					i-- // the outcome is unknown: again
					continue
				}
				if n = i; n%20 == 0 {
					way.close(false)
				}
				if n == 200 {
					break
				}
			}
			applied <- n
		}()
		select {
		case n := <-applied:
			if rows := count(t, w.db, "SELECT COUNT(*) FROM goods"); int64(n) != rows {
				t.Errorf("%s: %d applied, %d rows", w.kind, n, rows)
			}
			if at, _, err := w.store.Position(t.Context(), "far"); string(at) != strconv.Itoa(n) || err != nil {
				t.Errorf("%s: position %s %v", w.kind, at, err)
			}
		case <-time.After(time.Minute):
			t.Fatal("it hangs")
		}
	})
}

// What was acknowledged is there after kill -9, with its position; what was not is there with it or not at all.
func TestKillAndRestartKeepRowsAndPositionTogether(t *testing.T) {
	for kind, server := range map[string]*dbtest.Server{
		"mariadb": dbtest.NewMariaDB(t, "--innodb-flush-log-at-trx-commit=1"), "postgres": dbtest.NewPostgres(t),
	} {
		t.Run(kind, func(t *testing.T) {
			w := on(t, server, kind, "CREATE TABLE goods (id INT PRIMARY KEY)")
			table := w.table(t, "goods")
			acknowledged := make(chan int, 1)
			ready := make(chan struct{})
			go func() {
				n := 0
				for {
					i := n + 1
					if _, err := w.store.Apply(t.Context(), "s", data.Position(strconv.Itoa(i)), []data.Write{upsert(table, int64(i), strconv.Itoa(i))}); err != nil {
						break
					}
					if n = i; n == 100 {
						close(ready)
					}
				}
				acknowledged <- n
			}()
			<-ready
			server.Kill(t)
			n := <-acknowledged
			server.Restart(t)
			var at data.Position
			var err error
			for range 10 { // connections of before the kill are found dead one by one
				if at, _, err = w.store.Position(t.Context(), "s"); err == nil {
					break
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			position, err := strconv.Atoi(string(at))
			if err != nil || position < n || position > n+1 {
				t.Errorf("acknowledged up to %d, position %q", n, at)
			}
			if rows := w.sum(t, table, nil).Rows; rows != int64(position) {
				t.Errorf("%d rows at position %d", rows, position)
			}
		})
	}
}

func TestAContextThatEndsEndsTheWait(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (id INT PRIMARY KEY, note VARCHAR(9))")
		table := w.table(t, "goods")
		w.apply(t, upsert(table, 1, "1", "a"))
		holder, err := w.db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = holder.Rollback() }()
		if _, err := holder.ExecContext(t.Context(), "UPDATE goods SET note = 'held' WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := w.store.Apply(ctx, "s", "1", []data.Write{upsert(table, 2, "1", "b")}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", w.kind, err)
		}
	})
}

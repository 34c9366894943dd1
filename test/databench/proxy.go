package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"

	v1 "jindu.dev/jindu/api/v1"
)

const mostCPU = 10 * time.Microsecond

// proxyConns work at the same time, each waiting for its answer.
const proxyConns = 4

// proxyCost sends marked transactions through the node's proxy, and the same ones through a proxy that copies bytes and
// reads nothing: what is left of the difference is ours, the rest is the kernel's.
func proxyCost(ctx context.Context, b *bench) error {
	t, err := b.town(ctx)
	if err != nil {
		return err
	}
	if _, err := t.db.ExecContext(ctx, "CREATE TABLE work (id BIGINT PRIMARY KEY, note VARCHAR(40), n BIGINT NOT NULL)"); err != nil {
		return err
	}
	bare, err := b.copier(ctx, t.maria.Addr)
	if err != nil {
		return err
	}
	length := max(b.length/5, 2*time.Second)
	idle, err := cpuOver(ctx, t.node.Process.Pid, func(context.Context) error {
		time.Sleep(length)
		return nil
	})
	if err != nil {
		return err
	}
	var ours, copied []float64
	for round := range b.rounds {
		for _, way := range []struct {
			at   string
			pid  int
			idle time.Duration
			into *[]float64
		}{{t.proxy, t.node.Process.Pid, idle, &ours}, {bare.address, bare.pid, 0, &copied}} {
			var n int64
			cpu, err := cpuOver(ctx, way.pid, func(ctx context.Context) error {
				var err error
				n, err = statements(ctx, t, way.at, int64(round), length)
				return err
			})
			if err != nil {
				return err
			}
			*way.into = append(*way.into, float64((cpu-way.idle).Nanoseconds())/float64(n)/1000)
		}
	}
	us, them := median(ours), median(copied)
	b.table.add(fmt.Sprintf("MySQL proxy: CPU for each statement, %d connections, less what the node takes when idle", proxyConns),
		fmt.Sprintf("%.1f µs", us), "at most 10 µs", us <= float64(mostCPU.Microseconds()))
	b.table.note("a proxy that only copies bytes, same statements (io.Copy both ways)", fmt.Sprintf("%.1f µs; ours adds %.1f µs", them, us-them))
	return nil
}

// cpuOver is what a process takes while do runs.
func cpuOver(ctx context.Context, pid int, do func(context.Context) error) (time.Duration, error) {
	before, err := cpuOf(pid)
	if err != nil {
		return 0, err
	}
	if err := do(ctx); err != nil {
		return 0, err
	}
	after, err := cpuOf(pid)
	return after - before, err
}

// statements sends transactions of five statements for some time and says how many statements there were.
func statements(ctx context.Context, t *town, at string, round int64, length time.Duration) (int64, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName, c.InterpolateParams = "tcp", at, t.maria.User, t.maria.Password, "bench", true
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return 0, err
	}
	db := sql.OpenDB(connector)
	defer db.Close() //nolint:errcheck // its proxy goes too
	db.SetMaxIdleConns(proxyConns)
	var n, failed atomic.Int64
	var first error
	var once sync.Once
	var work sync.WaitGroup
	end := time.Now().Add(length)
	for k := range int64(proxyConns) {
		work.Go(func() {
			for i := int64(0); time.Now().Before(end) && failed.Load() == 0; i++ {
				if err := transact(ctx, db, time.Now().UnixNano(), k+round<<8); err != nil {
					failed.Add(1)
					once.Do(func() { first = err })
					return
				}
				n.Add(5)
			}
		})
	}
	work.Wait()
	return max(n.Load(), 1), first
}

func transact(ctx context.Context, db *sql.DB, id, worker int64) error {
	id = id<<4 | worker&15
	mark := "/*" + v1.Mark{Run: fmt.Sprintf("%016x", uint64(id)), Epoch: 1, Bucket: int(worker)}.String() + "*/ "
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // back to the pool
	for _, s := range []string{
		"START TRANSACTION",
		fmt.Sprintf("INSERT INTO work VALUES (%d, 'a note of some length', 1)", id),
		fmt.Sprintf("UPDATE work SET n = n + 1 WHERE id = %d", id),
		fmt.Sprintf("SELECT note, n FROM work WHERE id = %d", id),
		"COMMIT",
	} {
		if _, err := conn.ExecContext(ctx, mark+s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// bareProxy is a process that copies bytes.
type bareProxy struct {
	address string
	pid     int
}

func (b *bench) copier(ctx context.Context, upstream string) (bareProxy, error) {
	program, err := os.Executable()
	if err != nil {
		return bareProxy{}, err
	}
	cmd := exec.CommandContext(ctx, program, "copier", upstream)
	url, err := b.listening(cmd)
	if err != nil {
		return bareProxy{}, err
	}
	return bareProxy{url[len("http://"):], cmd.Process.Pid}, nil
}

// copyAll is that process.
func copyAll(ctx context.Context, upstream string, out io.Writer) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	if _, err := fmt.Fprintln(out, "listening", l.Addr()); err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return nil // it is over
		}
		u, err := new(net.Dialer).DialContext(ctx, "tcp", upstream)
		if err != nil {
			_ = c.Close()
			continue
		}
		// Without the types io.Copy cannot splice in the kernel, which a proxy that reads cannot either.
		one := func(to, from net.Conn) {
			_, _ = io.Copy(struct{ io.Writer }{to}, struct{ io.Reader }{from})
			_ = to.Close()
		}
		go one(u, c)
		go one(c, u)
	}
}

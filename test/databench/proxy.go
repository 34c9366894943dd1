package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	ways := []way{{name: "jindu", at: t.proxy, pid: t.node.Process.Pid}, {name: "copy", at: bare.address, pid: bare.pid}}
	if h, err := b.haproxy(ctx, t.maria.Addr); err == nil {
		ways = append(ways, way{name: "haproxy", at: h.address, pid: h.pid})
	}
	length := max(b.length/5, 2*time.Second)
	ways[0].idle, err = cpuOver(ctx, t.node.Process.Pid, func(context.Context) error {
		time.Sleep(length)
		return nil
	})
	if err != nil {
		return err
	}
	for round := range b.rounds {
		for i := range ways {
			w := &ways[i]
			var n int64
			cpu, err := cpuOver(ctx, w.pid, func(ctx context.Context) error {
				var err error
				n, err = statements(ctx, t, w.at, int64(round), proxyConns, length)
				return err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			w.cost = append(w.cost, float64((cpu-w.idle).Nanoseconds())/float64(n)/1000)
		}
	}
	most := float64(mostCPU.Microseconds())
	us, them := median(ways[0].cost), median(ways[1].cost)
	b.table.add(fmt.Sprintf("MySQL proxy: CPU for each statement, %d connections, less what the node takes when idle", proxyConns),
		fmt.Sprintf("%.1f µs", us), "at most 10 µs", us <= most)
	b.table.add(fmt.Sprintf("the same, less what a proxy takes that only copies bytes (io.Copy both ways, %.1f µs)", them), fmt.Sprintf("%.1f µs", us-them), "at most 10 µs", us-them <= most)
	for _, w := range ways[2:] {
		b.table.note("the same statements through "+w.name+", mode tcp, one thread", fmt.Sprintf("%.1f µs", median(w.cost)))
	}
	return b.hops(ctx, t, append([]way{{name: "straight", at: t.maria.Addr}}, ways...), length/2)
}

// hops is how long a statement takes each way when one connection has the machine to itself.
func (b *bench) hops(ctx context.Context, t *town, ways []way, length time.Duration) error {
	took := make([][]float64, len(ways))
	for round := range b.rounds {
		for i := range ways {
			n, err := statements(ctx, t, ways[i].at, int64(round), 1, length)
			if err != nil {
				return fmt.Errorf("%s: %w", ways[i].name, err)
			}
			took[i] = append(took[i], float64(length.Microseconds())/float64(n))
		}
	}
	var text []string
	for i := range ways {
		text = append(text, fmt.Sprintf("%s %.0f µs", ways[i].name, median(took[i])))
	}
	b.table.note("the same statements, one connection: mean latency of a statement", strings.Join(text, ", "))
	return nil
}

// way is a proxy before the database.
type way struct {
	name, at string
	pid      int
	idle     time.Duration // CPU in the time of a round without statements
	cost     []float64     // of each round, µs of CPU for a statement
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
func statements(ctx context.Context, t *town, at string, round, conns int64, length time.Duration) (int64, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName, c.InterpolateParams = "tcp", at, t.maria.User, t.maria.Password, "bench", true
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return 0, err
	}
	db := sql.OpenDB(connector)
	defer db.Close() //nolint:errcheck // its proxy goes too
	db.SetMaxIdleConns(int(conns))
	var n, failed atomic.Int64
	var first error
	var once sync.Once
	var work sync.WaitGroup
	end := time.Now().Add(length)
	for k := range conns {
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

// haproxy is the same in C, as a peer that only passes connections on.
func (b *bench) haproxy(ctx context.Context, upstream string) (bareProxy, error) {
	program, err := exec.LookPath("haproxy")
	if err != nil {
		return bareProxy{}, err
	}
	dir, err := b.temp("haproxy")
	if err != nil {
		return bareProxy{}, err
	}
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return bareProxy{}, err
	}
	file := filepath.Join(dir, "haproxy.cfg")
	text := fmt.Sprintf("global\n nbthread 1\ndefaults\n mode tcp\n timeout connect 5s\n timeout client 1m\n timeout server 1m\nlisten db\n bind %s\n server db %s\n", ports[0], upstream)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return bareProxy{}, err
	}
	cmd := exec.CommandContext(ctx, program, "-db", "-f", file)
	if err := b.start(cmd); err != nil {
		return bareProxy{}, err
	}
	err = poll(ctx, 20*time.Millisecond, 10*time.Second, "haproxy does not listen", func() (bool, error) {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", ports[0])
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		return true, c.Close()
	})
	return bareProxy{ports[0], cmd.Process.Pid}, err
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

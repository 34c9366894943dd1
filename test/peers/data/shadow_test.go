package data

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/examples/shop-go/shop"
	"jindu.dev/jindu/internal/migrate/dbtest"
	"jindu.dev/jindu/test/peers/proc"
)

// forgetful is a way to a proxy that loses marks: it takes the comment off some statements of MariaDB's protocol.
type forgetful struct {
	listener net.Listener
	to       string
	share    atomic.Int64 // of 100 statements
	lost     atomic.Int64
	kept     atomic.Int64
	mu       sync.Mutex
	random   *rand.Rand
}

func newForgetful(t *testing.T, to string, seed uint64) *forgetful {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	f := &forgetful{listener: l, to: to, random: rand.New(rand.NewPCG(seed, 5))}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", to)
			if err != nil {
				_ = c.Close()
				continue
			}
			go f.statements(s, c)
			go func() {
				_, _ = io.Copy(c, s) // it ends with either end
				_ = c.Close()
			}()
		}
	}()
	return f
}

func (f *forgetful) statements(to, from net.Conn) {
	defer to.Close() //nolint:errcheck // the other half learns of it
	var head [4]byte
	for {
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return
		}
		body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
		if _, err := io.ReadFull(from, body); err != nil {
			return
		}
		const query, prepare = 3, 22
		if head[3] == 0 && len(body) > 1 && (body[0] == query || body[0] == prepare) {
			body = append(body[:1:1], f.forget(string(body[1:]))...)
		}
		out := binary.LittleEndian.AppendUint32(nil, uint32(len(body))|uint32(head[3])<<24)
		if _, err := to.Write(append(out, body...)); err != nil {
			return
		}
	}
}

func (f *forgetful) forget(statement string) string {
	if !strings.HasPrefix(statement, "/*jindu:") {
		return statement
	}
	f.mu.Lock()
	lose := int64(f.random.IntN(100)) < f.share.Load()
	f.mu.Unlock()
	if !lose {
		f.kept.Add(1)
		return statement
	}
	f.lost.Add(1)
	_, rest, _ := strings.Cut(statement, "*/ ")
	return rest
}

// Whatever of a shadow's marks gets lost between the service and the proxy, no row of a user changes.
func TestALostMarkOfAShadowReachesNoRow(t *testing.T) {
	seed := seedOf(t, 11)
	bin, err := jindu()
	if err != nil {
		t.Fatal(err)
	}
	server := dbtest.NewMariaDB(t)
	schema := server.Schema(t)
	db := server.DB(t, schema)
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	proxy := fmt.Sprintf("127.0.0.1:%d", port)
	node, err := proc.StartNode(bin, t.TempDir(), fmt.Sprintf("effects:\n  proxies:\n    shop: {protocol: mysql, listen: %q, upstream: %q, unmarked: refuse, shadow: {mode: rollback}}\n", proxy, server.Addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(node.Stop)
	way := newForgetful(t, proxy, seed)
	payment := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"transaction":"t%d"}`, rand.Uint64())
	}))
	t.Cleanup(payment.Close)
	config := shop.Config{
		Listen: "127.0.0.1:0", Dialect: "mariadb", Side: "new", Proxied: true, Payment: payment.URL, Log: slog.New(slog.DiscardHandler),
		DB: fmt.Sprintf("%s:%s@tcp(%s)/%s", server.User, server.Password, server.Addr, schema),
	}
	ctx, stop := context.WithCancel(context.Background())
	if err := shop.Create(ctx, config, 100_000); err != nil {
		t.Fatal(err)
	}
	config.DB = fmt.Sprintf("%s:%s@tcp(%s)/%s", server.User, server.Password, way.listener.Addr(), schema)
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- shop.Serve(ctx, config, func(at string) { ready <- at }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var base string
	select {
	case base = <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	ask := func(path, body string, n int, shadow bool) int {
		req, err := http.NewRequest(http.MethodPost, "http://"+base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		mark := v1.Mark{Run: fmt.Sprintf("%016x", n+1), Bucket: -1, Shadow: shadow}
		req.Header.Set(v1.MarkHeader, mark.String())
		req.Header.Set("X-Request-Id", fmt.Sprintf("r%v-%d", shadow, n))
		if shadow {
			req.Header.Set("X-Jindu-Shadow", "shop")
		}
		client := http.Client{Timeout: 20 * time.Second}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	order := `{"user":7,"buyer":{"first":"A","last":"B"},"channel":"app","items":[{"sku":1,"qty":1},{"sku":2,"qty":2}]}`
	for n := range 20 {
		if code := ask("/orders", order, n, false); code != http.StatusCreated {
			t.Fatalf("a user's order: %d: %s", code, node.Output())
		}
	}
	// Shadows act for the other side, whose orders they may change: give them some.
	if _, err := db.Exec("UPDATE orders SET owner = 'old' ORDER BY id LIMIT 10"); err != nil {
		t.Fatal(err)
	}
	var ids []string
	rows, err := db.Query("SELECT id FROM orders WHERE owner = 'old'")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	_ = rows.Close()
	before := sums(t, db.Query, schema)
	codes := map[string]int{}
	shadows := func(share int64, from int) {
		way.share.Store(share)
		var mu sync.Mutex
		var group sync.WaitGroup
		for w := range 6 {
			group.Go(func() {
				for n := from + w; n < from+120; n += 6 {
					path, body := "/orders", order
					switch n % 3 {
					case 1:
						path, body = "/orders/"+ids[n%len(ids)]+"/cancel", ""
					case 2:
						path, body = "/callbacks/"+ids[n%len(ids)], `{"transaction":"x","amount":1.00}`
					}
					code := ask(path, body, 1000+n, true)
					mu.Lock()
					codes[fmt.Sprintf("%d%% lost: %d", share, code/100*100)]++
					mu.Unlock()
				}
			})
		}
		group.Wait()
	}
	for i, share := range []int64{0, 10, 50, 90, 100} {
		shadows(share, i*120)
	}
	t.Logf("%d statements with their mark, %d without; answers %v", way.kept.Load(), way.lost.Load(), codes)
	if after := sums(t, db.Query, schema); after != before {
		t.Errorf("rows of users changed:\n%s\n%s", before, after)
	}
	if codes["0% lost: 200"] == 0 || codes["100% lost: 200"] == 120 || way.lost.Load() < 100 {
		t.Errorf("shadows must work with their marks and be refused without: %v", codes)
	}
	if _, err := db.Exec("DELETE FROM messages LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	if sums(t, db.Query, schema) == before {
		t.Error("the sums do not see a row that is gone")
	}
	if keep := os.Getenv("PEERS_KEEP"); keep != "" && t.Failed() {
		_ = os.WriteFile(filepath.Join(keep, t.Name()+".log"), []byte(node.Output()), 0o600)
	}
}

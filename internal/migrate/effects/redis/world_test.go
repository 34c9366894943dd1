package redis

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/dbtest"
	"jindu.dev/jindu/internal/migrate/effects"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// book is a recorder that remembers.
type book struct {
	mu           sync.Mutex
	runs         map[string][]v1.Effect
	unattributed int
	refused      int
}

func (b *book) Record(_ string, m v1.Mark, e v1.Effect) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runs[m.Run] = append(b.runs[m.Run], e)
}
func (b *book) Unattributed(string) { b.mu.Lock(); defer b.mu.Unlock(); b.unattributed++ }
func (b *book) Refused(string)      { b.mu.Lock(); defer b.mu.Unlock(); b.refused++ }

// say is the effects of a run, one a line.
func (b *book) say(m v1.Mark) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, e := range b.runs[m.Run] {
		line := fmt.Sprintf("%s %s %q", e.Op, e.Target, e.Args)
		if e.Fate != "" {
			line += " " + e.Fate
		}
		if e.Kind != v1.EffectRedis {
			line = "wrong kind " + line
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// stage is a proxy in front of a real Redis of its own.
type stage struct {
	t      testing.TB
	server *dbtest.Server
	direct *client
	proxy  *effects.Server
	book   *book
	addr   string
	stop   func()
}

func newStage(t testing.TB, change func(*effects.Proxy), tune func(*Proxy)) *stage {
	t.Helper()
	server := dbtest.Redis(t)
	return newStageOn(t, server, server.Addr, change, tune)
}

func newStageOn(t testing.TB, server *dbtest.Server, upstream string, change func(*effects.Proxy), tune func(*Proxy)) *stage {
	t.Helper()
	s := &stage{t: t, server: server, book: &book{runs: map[string][]v1.Effect{}}}
	s.direct = dial(t, server.Addr)
	if server.Password != "" {
		s.direct.must("AUTH", server.Password)
	}
	s.direct.must("FLUSHALL")
	cfg := effects.Proxy{Protocol: "redis", Listen: "127.0.0.1:0", Upstream: upstream, Shadow: effects.Shadow{Mode: effects.ShadowDivert, To: "shadow:"}}
	if change != nil {
		change(&cfg)
	}
	if err := (effects.Config{Proxies: map[string]effects.Proxy{"shop": cfg}}).Validate(); err != nil {
		t.Fatal(err)
	}
	p := New()
	if tune != nil {
		tune(p)
	}
	s.proxy = effects.New("shop", cfg, p, s.book, slog.New(slog.NewTextHandler(io.Discard, nil)))
	s.proxy.Limits.Tick = 5 * time.Millisecond
	s.proxy.Limits.Drain = time.Second
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.proxy.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	s.addr = s.proxy.Addr().String()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

// conn is a connection through the proxy.
func (s *stage) conn() *client {
	s.t.Helper()
	c := dial(s.t, s.addr)
	if s.server.Password != "" {
		c.must("AUTH", s.server.Password)
	}
	return c
}

// dump is every key that users own, read beside the proxy.
func (s *stage) dump() string {
	s.t.Helper()
	var out []string
	for k := range strings.FieldsSeq(s.direct.do("KEYS", "*")) {
		k = strings.Trim(k, "[]")
		if k != "" && !strings.HasPrefix(k, "shadow:") {
			out = append(out, k+"="+s.direct.show(k))
		}
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

// client is a raw connection.
type client struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	nc, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return &client{t, nc, bufio.NewReader(nc)}
}

func (c *client) send(args ...string) {
	c.t.Helper()
	if _, err := c.nc.Write(appendCommand(nil, words(args...)...)); err != nil {
		c.t.Fatal(err)
	}
}

// line sends words that are parted by blanks.
func (c *client) lines(commands ...string) {
	c.t.Helper()
	var b []byte
	for _, l := range commands {
		b = appendCommand(b, words(strings.Fields(l)...)...)
	}
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) do(args ...string) string {
	c.t.Helper()
	if len(args) == 1 {
		args = strings.Fields(args[0])
	}
	c.send(args...)
	return c.read()
}

func (c *client) must(args ...string) string {
	c.t.Helper()
	got := c.do(args...)
	if strings.HasPrefix(got, "-") {
		c.t.Fatalf("%v: %s", args, got)
	}
	return got
}

// want runs a command and compares the answer.
func (c *client) want(answer, command string) {
	c.t.Helper()
	if got := c.do(command); got != answer {
		c.t.Errorf("%s: %s, want %s", command, got, answer)
	}
}

// read is one reply as text.
func (c *client) read() string {
	c.t.Helper()
	s, err := c.try()
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

func (c *client) try() (string, error) {
	_ = c.nc.SetReadDeadline(time.Now().Add(20 * time.Second))
	line, err := c.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSuffix(line, "\r\n")
	n := 0
	_, _ = fmt.Sscan(line[1:], &n)
	switch line[0] {
	case '$', '=', '!':
		if n < 0 {
			return "nil", nil
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(c.r, b); err != nil {
			return "", err
		}
		return string(b[:n]), nil
	case '*', '~', '>', '%':
		if n < 0 {
			return "nil", nil
		}
		if line[0] == '%' {
			n *= 2
		}
		var parts []string
		for range n {
			p, err := c.try()
			if err != nil {
				return "", err
			}
			parts = append(parts, p)
		}
		open := "["
		if line[0] == '>' {
			open = ">["
		}
		return open + strings.Join(parts, " ") + "]", nil
	case '_':
		return "nil", nil
	case '-':
		return line, nil
	}
	return line[1:], nil
}

// show is the value of a key.
func (c *client) show(k string) string {
	c.t.Helper()
	switch c.do("TYPE", k) {
	case "string":
		return c.do("GET", k)
	case "list":
		return c.do("LRANGE", k, "0", "-1")
	case "hash":
		f := strings.Fields(strings.Trim(c.do("HGETALL", k), "[]"))
		var pairs []string
		for i := 0; i+1 < len(f); i += 2 {
			pairs = append(pairs, f[i]+":"+f[i+1])
		}
		sort.Strings(pairs)
		return fmt.Sprint(pairs)
	case "set":
		f := strings.Fields(strings.Trim(c.do("SMEMBERS", k), "[]"))
		sort.Strings(f)
		return fmt.Sprint(f)
	case "zset":
		return c.do("ZRANGE", k, "0", "-1", "WITHSCORES")
	case "stream":
		return c.do("XRANGE", k, "-", "+")
	}
	return "none"
}

func markOf(n int, shadow bool) v1.Mark {
	return v1.Mark{Run: fmt.Sprintf("%016x", n), Shadow: shadow, Epoch: 1, Bucket: -1}
}

func (c *client) mark(m v1.Mark) {
	c.t.Helper()
	if got := c.do("CLIENT", "SETNAME", m.String()); got != "OK" {
		c.t.Fatalf("the mark: %s", got)
	}
}

func (c *client) unmark() {
	c.t.Helper()
	if got := c.do("CLIENT", "SETNAME", ""); got != "OK" {
		c.t.Fatalf("no mark: %s", got)
	}
}

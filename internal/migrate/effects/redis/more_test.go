package redis

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/migrate/effects"
)

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("%s did not come to pass", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestSubscriptions(t *testing.T) {
	s := newStage(t, nil, nil)
	for _, hello := range []string{"", "HELLO 3"} {
		c := s.conn()
		push := ""
		if hello != "" {
			c.must(hello)
			push = ">"
		}
		c.lines("SUBSCRIBE a b", "PSUBSCRIBE n*", "PING")
		pong := "[pong ]"
		if hello != "" {
			pong = "PONG"
		}
		for _, want := range []string{push + "[subscribe a 1]", push + "[subscribe b 2]", push + "[psubscribe n* 3]", pong} {
			if got := c.read(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		s.direct.want("1", "PUBLISH a hello")
		s.direct.want("1", "PUBLISH news x")
		for _, want := range []string{push + "[message a hello]", push + "[pmessage n* news x]"} {
			if got := c.read(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		c.lines("UNSUBSCRIBE", "PUNSUBSCRIBE", "UNSUBSCRIBE", "GET nothing", "CLIENT SETNAME "+markOf(1, false).String(), "SET k 1", "LRANGE k 0")
		first, second := c.read(), c.read()
		if first > second {
			first, second = second, first
		}
		for i, want := range []string{push + "[unsubscribe a", push + "[unsubscribe b", push + "[punsubscribe n* 0]", push + "[unsubscribe nil 0]", "nil", "OK", "OK", "-ERR wrong number"} {
			var got string
			switch i {
			case 0:
				got = first
			case 1:
				got = second
			default:
				got = c.read()
			}
			if !strings.HasPrefix(got, want) {
				t.Errorf("%s, want %s", got, want)
			}
		}
		if got := c.do("MULTI"); got != "OK" {
			t.Error(got)
		}
		if got := c.do("SUBSCRIBE x"); !strings.Contains(got, "within MULTI") {
			t.Error(got)
		}
		if got := c.do("RESET"); got != "RESET" {
			t.Error(got)
		}
		if got := c.do("SET k 1"); !strings.Contains(got, "JD-EFFECTS-110") {
			t.Error(got)
		}
		for _, q := range []string{"MONITOR", "CLIENT REPLY OFF", "SYNC"} {
			if got := c.do(q); !strings.Contains(got, "is not carried") {
				t.Error(got)
			}
		}
	}
}

func TestLargeAndInlineAndTorn(t *testing.T) {
	s := newStage(t, nil, nil)
	c := s.conn()
	c.mark(markOf(1, false))
	big := strings.Repeat("x", 3<<20)
	if got := c.do("SET", "big", big); got != "OK" {
		t.Error(got)
	}
	if got := c.do("GET", "big"); got != big {
		t.Errorf("%d bytes", len(got))
	}
	c.lines(strings.TrimSuffix(strings.Repeat("GET big,", 20), ","))
	if got := c.read(); !strings.HasPrefix(got, "-ERR") {
		t.Error(got)
	}
	if _, err := c.nc.Write([]byte("PING\r\n\r\n  GET   nothing \r\n*0\r\n*-1\r\nSET a 1\r\n")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"PONG", "nil", "OK"} {
		if got := c.read(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	// A long pipeline whose answers nobody reads meanwhile.
	const n = 20000
	wrote := make(chan error, 1)
	go func() {
		var b []byte
		for range n {
			b = appendCommand(b, words("GETRANGE", "big", "0", "999")...)
		}
		_, err := c.nc.Write(b)
		wrote <- err
	}()
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	for range n {
		if got := c.read(); len(got) != 1000 {
			t.Fatalf("%d bytes", len(got))
		}
	}
	if _, err := c.nc.Write([]byte("*1\r\n+PING\r\n")); err != nil {
		t.Fatal(err)
	}
	if got := c.read(); !strings.HasPrefix(got, "-ERR jindu proxy") {
		t.Error(got)
	}
	if _, err := c.try(); err == nil {
		t.Error("the connection goes on")
	}
	eventually(t, "the count", func() bool { return s.proxy.Events.Failed.Load() == 1 })
}

func TestScriptsOfShadowsNeedAUserOfTheirOwn(t *testing.T) {
	wide := false
	s := newStage(t, func(p *effects.Proxy) {
		p.Shadow.User, p.Shadow.Password = "shadow", conf.NewSecret("file:/p", "secret")
	}, nil)
	s.direct.must("ACL SETUSER shadow reset on >secret %R~* ~shadow:* resetchannels &shadow:* +@all -@dangerous -@admin +keys")
	defer s.direct.must("ACL DELUSER shadow")
	s.direct.must("SET n 5")
	c := s.conn()
	m := markOf(1, true)
	c.mark(m)
	c.want("6", "EVAL return(redis.call('INCR',KEYS[1])) 1 n")
	if got := c.do("EVAL return(redis.call('SET','n',7)) 1 n"); !strings.HasPrefix(got, "-") {
		t.Errorf("a key that the script builds: %s", got)
	}
	if got := c.do("EVAL return(redis.call('FLUSHALL')) 1 n"); !strings.HasPrefix(got, "-") {
		t.Error(got)
	}
	c.want("6", "EVAL_RO return(redis.call('GET',KEYS[1])) 1 n")
	if got := s.book.say(m); got != "EVAL n [\"return(redis.call('INCR',KEYS[1]))\" \"1\"] shadowed" {
		t.Errorf("recorded %s", got)
	}
	if got := s.dump(); got != "n=5" {
		t.Errorf("keys %s", got)
	}
	for _, acl := range []string{"ACL SETUSER shadow ~*", "ACL SETUSER shadow resetkeys %R~* ~shadow:* allchannels", "ACL SETUSER shadow resetchannels +flushall", "ACL SETUSER shadow resetpass >other"} {
		wide = true
		s.direct.must(acl)
		c := s.conn()
		c.mark(m)
		if got := c.do("INCR n"); !strings.Contains(got, "JD-EFFECTS-30") {
			t.Errorf("%s: %s", acl, got)
		}
		c.unmark()
		c.want("5", "GET n") // the client's own connection stays
	}
	if !wide || s.dump() != "n=5" {
		t.Errorf("keys %s", s.dump())
	}
}

func TestBlockingAndDatabasesOfShadows(t *testing.T) {
	s := newStage(t, nil, func(p *Proxy) { p.limits.glance = 20 * time.Millisecond })
	c := s.conn()
	c.must("SELECT 3")
	m := markOf(1, true)
	c.mark(m)
	c.want("OK", "SET k three")
	c.want("nil", "BLPOP q 0.1")
	c.send("BLPOP", "q", "0")
	d := s.conn()
	d.must("SELECT 3")
	d.mark(m)
	d.want("1", "RPUSH q x")
	if got := c.read(); got != "[q x]" {
		t.Error(got)
	}
	s.direct.must("SELECT 3")
	s.direct.want("three", "GET shadow:k")
	s.direct.must("SELECT 0")
	// A client that leaves while it waits.
	open := len(strings.Split(s.direct.do("CLIENT", "LIST"), "\n"))
	e := s.conn()
	e.mark(m)
	e.send("BLPOP", "other", "0")
	eventually(t, "the wait", func() bool { return strings.Contains(s.direct.do("CLIENT", "LIST"), "cmd=blpop") })
	_ = e.nc.Close()
	eventually(t, "the end", func() bool { return len(strings.Split(s.direct.do("CLIENT", "LIST"), "\n")) <= open })
	s.direct.must("SELECT 3")
	s.direct.must("FLUSHDB")
	s.direct.must("SELECT 0")
}

func TestGoRedis(t *testing.T) {
	s := newStage(t, nil, nil)
	ctx := context.Background()
	for _, protocol := range []int{2, 3} {
		c := goredis.NewClient(&goredis.Options{Addr: s.addr, Protocol: protocol, PoolSize: 1, ClientName: "shop", Password: s.server.Password})
		t.Cleanup(func() { _ = c.Close() })
		u, m := markOf(protocol, false), markOf(10+protocol, true)
		_, err := c.Pipelined(ctx, func(p goredis.Pipeliner) error {
			p.Do(ctx, "CLIENT", "SETNAME", u.String())
			p.HSet(ctx, "h", "a", 1)
			p.Do(ctx, "CLIENT", "SETNAME", m.String())
			p.HIncrBy(ctx, "h", "a", 5)
			p.HGetAll(ctx, "h")
			p.Do(ctx, "CLIENT", "SETNAME", "")
			p.HGetAll(ctx, "h")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.book.say(u) + "; " + s.book.say(m); got != `HSET h ["a" "1"]; HINCRBY h ["a" "5"] shadowed` {
			t.Errorf("recorded %s", got)
		}
		if got := s.dump(); got != "h=[a:1]" {
			t.Errorf("keys %s", got)
		}
		if name, err := c.ClientGetName(ctx).Result(); err != nil || name != "shop" {
			t.Errorf("name %q %v", name, err)
		}
		if err := c.Set(ctx, "x", 1, 0).Err(); err == nil || !strings.Contains(err.Error(), "JD-EFFECTS-110") {
			t.Errorf("got %v", err)
		}
		s.direct.must("FLUSHALL")
	}
}

// TestALostMarkNeverChangesAUsersKey runs random requests of shadows whose marks are dropped at random. What
// users own stays as it is.
func TestALostMarkNeverChangesAUsersKey(t *testing.T) {
	for _, mode := range []string{"refuse", "divert"} {
		t.Run(mode, func(t *testing.T) {
			s := newStage(t, func(p *effects.Proxy) {
				if p.Shadow.Mode = mode; mode == "refuse" {
					p.Shadow = effects.Shadow{}
				}
			}, nil)
			for seed := range uint64(4) {
				randomRequests(t, s, mathrand.New(mathrand.NewPCG(seed, 7)))
			}
		})
	}
}

var commands = strings.Split(`MULTI;EXEC;DISCARD;WATCH K;SET K 1;GET K;INCR K;DEL K K;MSET K 1 K 2;HSET K a 1;HGETALL K;LPUSH K a b;LPOP K;RPOPLPUSH K K;SADD K a b c;SPOP K;SUNIONSTORE K K K;ZADD K 1 a;ZUNIONSTORE K 2 K K;ZPOPMIN K
XADD K * f v;XGROUP CREATE K g 0 MKSTREAM;XREADGROUP GROUP g streams COUNT 1 STREAMS K >;EXPIRE K 100;PERSIST K;RENAME K K;COPY K K REPLACE;GETDEL K;SORT K ALPHA STORE K;BITOP NOT K K;SETRANGE K 3 x;PFADD K a;PFCOUNT K;PFMERGE K K
EVAL return(redis.call('SET',KEYS[1],9)) 1 K;EVAL return(redis.call('SET','k1',9)) 0;FLUSHALL;FLUSHDB;SWAPDB 0 1;MOVE K 1;LMPOP 2 K K LEFT;BLPOP K K 0.01;SELECT 1;SELECT 0;SCAN 0;KEYS *;EXISTS K K;APPEND K x;GEOADD K 1 1 m;GEORADIUSBYMEMBER K m 1 km STORE K
GEORADIUSBYMEMBER K store 1 km STORE K;UNLINK K;XTRIM K MAXLEN 0;OBJECT ENCODING K;RESET;HELLO 3;HELLO 2;LOLWUT;RESTORE K 0 x REPLACE;SET K 5 EX 100;GETEX K PERSIST;TYPE K;DUMP K;CLIENT SETNAME x`, ";")

func randomRequests(t *testing.T, s *stage, r *mathrand.Rand) {
	t.Helper()
	s.direct.must("FLUSHALL")
	for i, q := range []string{"SET k0 1", "SET k1 x", "HSET k2 a 1", "RPUSH k3 a b c", "SADD k4 a b", "ZADD k5 1 a 2 b", "XADD k6 1-1 f v", "PFADD k7 a b"} {
		if got := s.direct.do(q); strings.HasPrefix(got, "-") {
			t.Fatal(i, got)
		}
	}
	want := s.dump()
	c := s.conn()
	for request := range 60 {
		m := markOf(1000+r.IntN(1<<30), true)
		if r.IntN(4) > 0 {
			c.do("CLIENT", "SETNAME", m.String())
		}
		var batch []string
		for range 1 + r.IntN(8) {
			q := strings.NewReplacer("\n", ";").Replace(commands[r.IntN(len(commands))])
			q, _, _ = strings.Cut(q, ";")
			var parts []string
			for w := range strings.FieldsSeq(q) {
				if w == "K" {
					w = fmt.Sprintf("k%d", r.IntN(10))
				}
				parts = append(parts, w)
			}
			batch = append(batch, strings.Join(parts, " "))
		}
		c.lines(batch...)
		for range batch {
			if _, err := c.try(); err != nil {
				t.Fatalf("%v: %v", batch, err)
			}
		}
		if r.IntN(2) == 0 {
			c.do("CLIENT", "SETNAME", "")
		}
		if got := s.dump(); got != want {
			t.Fatalf("request %d %v changed what users own:\n%s\nwas\n%s", request, batch, got, want)
		}
	}
}

func TestACutConnectionLeavesAWriteUnknown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { // a Redis that takes a write and dies
		nc, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = nc.Read(make([]byte, 1024))
		_ = nc.Close()
		_ = l.Close()
	}()
	s := newStage(t, func(p *effects.Proxy) { p.Upstream = l.Addr().String() }, nil)
	c := dial(t, s.addr)
	m := markOf(1, false)
	c.mark(m)
	c.send("SET", "a", "1")
	if _, err := c.try(); err == nil {
		t.Error("an answer")
	}
	eventually(t, "the record", func() bool { return s.book.say(m) == `SET a ["1"] unknown` })
	d := dial(t, s.addr)
	if got, err := d.try(); err != nil || !strings.Contains(got, "JD-EFFECTS-002") {
		t.Errorf("%s %v", got, err)
	}
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, data := range map[string][]byte{"cert.pem": certPEM, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newStage(t, func(p *effects.Proxy) {
		p.Cert, p.Key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	}, nil)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	c := goredis.NewClient(&goredis.Options{Addr: s.addr, Password: s.server.Password, TLSConfig: &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}})
	defer func() { _ = c.Close() }()
	if err := c.Ping(context.Background()).Err(); err != nil {
		t.Error(err)
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"a*", "abc", true}, {"*c", "abc", true}, {"a*c*", "abcd", true}, {"a*x", "abc", false}, {"a?c", "abc", true}, {"a?", "a", false},
		{"[a-c]x", "bx", true}, {"[c-a]x", "bx", true}, {"[^a]x", "bx", true}, {"[^b]x", "bx", false}, {`\*`, "*", true}, {`\*`, "x", false}, {"[ab", "a", true}, {`[\]]`, "]", true}, {"", "a", false}, {"**", "", true},
	} {
		if got := match([]byte(c.pattern), []byte(c.name)); got != c.want {
			t.Errorf("%s %s: %v", c.pattern, c.name, got)
		}
	}
}

func FuzzCommand(f *testing.F) {
	for _, s := range []string{"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "PING\r\n", "*0\r\n*1\r\n$0\r\n\r\n", "*1\r\n$-1\r\n", "SET \"a\" b\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in := newIntake(&script{b: b})
		for {
			c, err := in.next()
			if err != nil {
				return
			}
			if len(c.args) == 0 {
				t.Fatal("a command without arguments")
			}
			name, sp := lookup(c.args)
			if keys, ok := sp.keysOf(c.args); ok {
				for _, k := range keys {
					_ = c.args[k.at]
				}
			}
			_ = sp.classOf(name, c.args)
			// What is sent on is read the same way.
			again := newIntake(&script{b: appendCommand(nil, c.args...)})
			d, err := again.next()
			if err != nil || len(d.args) != len(c.args) {
				t.Fatalf("%q: %v", c.args, err)
			}
		}
	})
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{"+OK\r\n", "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n+a\r\n_\r\n", ">2\r\n$7\r\nmessage\r\n$-1\r\n", "*-1\r\n", "$3\r\nab", "~1\r\n#t\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var seen []byte
		in := newStream(&script{b: b})
		in.sink = func(p []byte) error { seen = append(seen, p...); return nil }
		var h head
		if err := in.value(h.see); err != nil {
			return
		}
		if err := in.pass(); err != nil || !bytes.HasPrefix(b, seen) {
			t.Fatalf("%q became %q: %v", b, seen, err)
		}
		if v, rest, err := parseValue(seen, 0); err == nil && (len(rest) > 0 || v.null != h.null) {
			t.Fatalf("%q: read differently", seen)
		}
	})
}

// script is a connection that says b, a few bytes at a time.
type script struct {
	net.Conn
	b []byte
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 7)], s.b)
	s.b = s.b[n:]
	return n, nil
}

// BenchmarkCommand is a round trip: to Redis itself, of a user, of a shadow.
func BenchmarkCommand(b *testing.B) {
	s := newStage(b, nil, nil)
	for _, bench := range []struct {
		name string
		addr string
		mark string
	}{{"direct", s.server.Addr, ""}, {"user", s.addr, markOf(1, false).String()}, {"shadow", s.addr, markOf(2, true).String()}} {
		b.Run(bench.name, func(b *testing.B) {
			c := dial(b, bench.addr)
			if s.server.Password != "" {
				c.must("AUTH", s.server.Password)
			}
			if bench.mark != "" {
				c.must("CLIENT", "SETNAME", bench.mark)
			}
			for b.Loop() {
				if got := c.do("SET", "k", "v"); got != "OK" {
					b.Fatal(got)
				}
			}
		})
	}
	b.Run("pipelined", func(b *testing.B) {
		c := s.conn()
		c.mark(markOf(3, false))
		var batch []byte
		for range 1000 {
			batch = appendCommand(batch, words("GET", "k")...)
		}
		for b.Loop() {
			if _, err := c.nc.Write(batch); err != nil {
				b.Fatal(err)
			}
			for range 1000 {
				_ = c.read()
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/command")
	})
}

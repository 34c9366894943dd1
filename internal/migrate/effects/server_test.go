package effects

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
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/kit/kind"
)

// protocol is a Protocol of a function.
type protocol func(ctx context.Context, s *Session) error

func (p protocol) Serve(ctx context.Context, s *Session) error { return p(ctx, s) }

// tally is a recorder that counts.
type tally struct {
	mu                    sync.Mutex
	said                  []string
	unattributed, refused int
}

func (r *tally) Record(capture string, m v1.Mark, e v1.Effect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, capture+" "+m.Run+" "+e.Op+" "+e.Fate)
}
func (r *tally) Unattributed(string) { r.mu.Lock(); defer r.mu.Unlock(); r.unattributed++ }
func (r *tally) Refused(string)      { r.mu.Lock(); defer r.mu.Unlock(); r.refused++ }

// up starts a proxy and gives it with what stops it.
func up(t *testing.T, cfg Proxy, p Protocol, tune func(*Server)) (*Server, *tally, func() error) {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	rec := &tally{}
	s := New("shop", cfg, p, rec, slog.New(slog.NewTextHandler(io.Discard, nil)))
	s.Limits.Tick, s.Limits.Drain = 2*time.Millisecond, 5*time.Second
	if tune != nil {
		tune(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		cancel()
		t.Fatal(err)
	}
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return s, rec, stop
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc
}

// ends says that the proxy closed the connection.
func ends(t *testing.T, nc net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, nc); err != nil && !Ordinary(err) {
		t.Error(err)
	}
}

// echo answers each byte by the same, resting in between.
func echo(_ context.Context, s *Session) error {
	s.LoggedIn()
	b := make([]byte, 1)
	for {
		s.Rest()
		if _, err := s.Client.Read(b); err != nil {
			return err
		}
		if !s.Work() {
			return nil
		}
		if _, err := s.Client.Write(b); err != nil {
			return err
		}
	}
}

func say(t *testing.T, nc net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(nc, text); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len(text))
	if _, err := io.ReadFull(nc, b); err != nil || string(b) != text {
		t.Fatalf("%q, %v", b, err)
	}
}

func TestSessionsAreBoundedAndRestingOnesEndFirst(t *testing.T) {
	s, _, stop := up(t, Proxy{MaxConns: 2}, protocol(echo), nil)
	a, b := dial(t, s), dial(t, s)
	say(t, a, "x")
	say(t, b, "y")
	ends(t, dial(t, s))
	if n := s.Events.ConnectionsRefused.Load(); n != 1 {
		t.Errorf("%d refused", n)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	ends(t, a)
	ends(t, b)
	if s.Name() != "effects.shop" || s.Capture() != "proxy:shop" {
		t.Error(s.Name(), s.Capture())
	}
}

func TestASessionAtWorkMayFinish(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	s, _, stop := up(t, Proxy{}, protocol(func(_ context.Context, s *Session) error {
		s.LoggedIn()
		close(began)
		<-finish
		if !s.Stopping() || !s.Work() {
			t.Error("not at work, or the process goes on")
		}
		if _, err := io.WriteString(s.Client, "done"); err != nil {
			t.Error(err)
		}
		s.Rest()
		if s.Work() {
			t.Error("a session that rested goes on")
		}
		return nil
	}), nil)
	nc := dial(t, s)
	<-began
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for !s.draining.Load() {
		time.Sleep(time.Millisecond)
	}
	close(finish)
	if got, err := io.ReadAll(nc); err != nil || string(got) != "done" {
		t.Errorf("%q, %v", got, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestWhatTakesTooLongIsCut(t *testing.T) {
	block := protocol(func(ctx context.Context, _ *Session) error { <-ctx.Done(); return ctx.Err() })
	s, _, _ := up(t, Proxy{}, block, func(s *Server) { s.Limits.Login = 10 * time.Millisecond })
	ends(t, dial(t, s))
	if s.Events.LoginsTimedOut.Load() != 1 {
		t.Error("no login timed out")
	}
	s, _, stop := up(t, Proxy{}, protocol(func(ctx context.Context, s *Session) error { s.LoggedIn(); return block(ctx, s) }), func(s *Server) { s.Limits.Drain = time.Millisecond })
	nc := dial(t, s)
	for {
		s.mu.Lock()
		n := len(s.sessions)
		s.mu.Unlock()
		if n == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	ends(t, nc)
	// A client that takes nothing.
	s, _, _ = up(t, Proxy{}, protocol(func(_ context.Context, s *Session) error {
		s.LoggedIn()
		for {
			if _, err := s.Client.Write(make([]byte, 1<<20)); err != nil {
				return err
			}
		}
	}), func(s *Server) { s.Limits.Stall = 20 * time.Millisecond })
	dial(t, s)
	for end := time.Now().Add(20 * time.Second); s.Events.Stalled.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a stalled write is not cut")
		}
	}
}

func TestASessionReachesTheDatabase(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(nc, nc); _ = nc.Close() }()
		}
	}()
	s, rec, _ := up(t, Proxy{Upstream: ln.Addr().String()}, protocol(func(_ context.Context, s *Session) error {
		s.LoggedIn()
		db, err := s.Dial()
		if err != nil {
			return err
		}
		if _, err := io.CopyN(db, s.Client, 4); err != nil {
			return err
		}
		s.Record(v1.Mark{Run: "r"}, v1.Effect{Op: "insert"})
		s.Unattributed()
		s.Refused(v1.Mark{Run: "r"}, v1.Effect{Op: "delete"})
		s.Refused(v1.Mark{}, v1.Effect{})
		if err := db.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			return err
		}
		_, err = io.Copy(s.Client, db)
		if s.Name() != "shop" || s.Events().Connections.Load() != 1 || s.Remote() == nil || s.HasTLS() || s.StartTLS(nil) == nil {
			t.Error("what a session knows")
		}
		return err
	}), nil)
	nc := dial(t, s)
	if _, err := io.WriteString(nc, "ping"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(nc); err != nil || string(got) != "ping" {
		t.Errorf("%q, %v", got, err)
	}
	if got := strings.Join(rec.said, ", "); got != "proxy:shop r insert , proxy:shop r delete refused" || rec.unattributed != 1 || rec.refused != 2 {
		t.Errorf("recorded %s", got)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(Collector(s))
	families, err := registry.Gather()
	if err != nil || len(families) != 14 {
		t.Errorf("%d metrics, %v", len(families), err)
	}

	failed := make(chan error, 1)
	s, _, _ = up(t, Proxy{Upstream: filepath.Join(t.TempDir(), "none.sock")}, protocol(func(_ context.Context, s *Session) error {
		_, err := s.Dial()
		failed <- err
		return err
	}), nil)
	dial(t, s)
	if err := <-failed; kind.Code(err) != "JD-EFFECTS-002" || !strings.Contains(err.Error(), "effects.proxies.shop.upstream") {
		t.Error(err)
	}
}

func TestTLSOnTheListener(t *testing.T) {
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
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg := Proxy{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for path, data := range map[string][]byte{cfg.Cert: certPEM, cfg.Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, _, _ := up(t, cfg, protocol(func(ctx context.Context, s *Session) error {
		first := make([]byte, 3) // a protocol may have read some of it
		if _, err := io.ReadFull(s.Client, first); err != nil {
			return err
		}
		if err := s.StartTLS(first); err != nil {
			return err
		}
		return echo(ctx, s)
	}), nil)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	c := tls.Client(dial(t, s), &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12})
	if err := c.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	say(t, c, "secret")

	cfg.Key = filepath.Join(dir, "none.pem")
	cfg.Listen = "127.0.0.1:0"
	broken := New("shop", cfg, protocol(echo), &tally{}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err := broken.Run(t.Context(), func() {}); kind.Code(err) != "JD-LISTEN-006" {
		t.Error(err)
	}
	taken := New("shop", Proxy{Listen: s.Addr().String()}, protocol(echo), &tally{}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err := taken.Run(t.Context(), func() {}); kind.Code(err) != "JD-LISTEN-001" {
		t.Error(err)
	}
}

func TestWhatEndsASessionIsLoggedOnce(t *testing.T) {
	var out bytes.Buffer
	var mu sync.Mutex
	say := slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) { mu.Lock(); defer mu.Unlock(); return out.Write(b) }), nil))
	s := New("shop", Proxy{Listen: "127.0.0.1:0"}, protocol(func(context.Context, *Session) error {
		return kind.New(kind.Internal, "JD-EFFECTS-121", "torn")
	}), &tally{}, say)
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	<-ready
	ends(t, dial(t, s))
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := out.String(); strings.Count(got, "connection ended") != 1 || !strings.Contains(got, "proxy=shop") || s.Events.Failed.Load() != 1 {
		t.Errorf("logged %s", got)
	}
	if Ordinary(errors.New("odd")) || !Ordinary(nil) || !Ordinary(io.EOF) {
		t.Error("what is ordinary")
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func TestEveryWrongFieldIsNamed(t *testing.T) {
	good := Proxy{Protocol: "mysql", Listen: "127.0.0.1:3307", Upstream: "127.0.0.1:3306"}
	secret := conf.NewSecret("file:/p", "x")
	for name, c := range map[string]struct {
		change func(*Proxy)
		path   string
	}{
		"protocol": {func(p *Proxy) { p.Protocol = "oracle" }, ".protocol"},
		"unmarked": {func(p *Proxy) { p.Unmarked = "maybe" }, ".unmarked"},
		"pass":     {func(p *Proxy) { p.Unmarked, p.Shadow.Mode = "pass", "rollback" }, ".unmarked"},
		"mode":     {func(p *Proxy) { p.Shadow.Mode = "hide" }, ".shadow.mode"},
		"listen":   {func(p *Proxy) { p.Listen = "3307" }, ".listen"},
		"open":     {func(p *Proxy) { p.Listen = ":3307" }, ".listen"},
		"half":     {func(p *Proxy) { p.Cert = "c.pem" }, ".cert"},
		"upstream": {func(p *Proxy) { p.Upstream = "db" }, ".upstream"},
		"itself":   {func(p *Proxy) { p.Upstream = p.Listen }, ".upstream"},
		"conns":    {func(p *Proxy) { p.MaxConns = -1 }, ".maxConns"},
		"redis":    {func(p *Proxy) { p.Protocol, p.Shadow.Mode = "redis", "rollback" }, ".shadow.mode"},
		"to":       {func(p *Proxy) { p.Shadow = Shadow{Mode: "divert", User: "u", Password: secret} }, ".shadow.to"},
		"user":     {func(p *Proxy) { p.Shadow = Shadow{Mode: "divert", To: "x"} }, ".shadow.user"},
		"password": {func(p *Proxy) { p.Protocol, p.Shadow = "redis", Shadow{Mode: "divert", To: "x", Password: secret} }, ".shadow.user"},
		"needless": {func(p *Proxy) { p.Shadow.To = "x" }, ".shadow.to"},
	} {
		p := good
		c.change(&p)
		err := Config{Proxies: map[string]Proxy{"shop": p}}.Validate()
		e, ok := errors.AsType[*kind.Error](err)
		if !ok || e.Code != "JD-EFFECTS-001" || len(e.Fields) != 1 || e.Fields[0].Path != "proxies.shop"+c.path {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, p := range []Proxy{good, {Protocol: "redis", Listen: "[::1]:1", Upstream: "/run/redis.sock", Shadow: Shadow{Mode: "divert", To: "sh:"}},
		{Protocol: "postgres", Listen: ":5433", Upstream: "db:5432", Cert: "c", Key: "k", Shadow: Shadow{Mode: "divert", To: "sh", User: "u", Password: secret}}} {
		if err := (Config{Proxies: map[string]Proxy{"shop": p}}).Validate(); err != nil {
			t.Error(err)
		}
	}
	err := Config{Proxies: map[string]Proxy{"a": good, "b": good, "C!": {Protocol: "mysql", Listen: "127.0.0.1:1", Upstream: "x:1"}}}.Validate()
	if e, ok := errors.AsType[*kind.Error](err); !ok || len(e.Fields) != 2 {
		t.Error(err)
	}
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
}

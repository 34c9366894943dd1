package http1

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/route"
)

// rig is a gateway on loopback with a table of its own.
type rig struct {
	t    testing.TB
	gw   *gateway.Gateway
	srv  *Server
	addr string
	stop func() error
}

type rigOptions struct {
	config  func(*gateway.Config)
	options gateway.Options
	driver  Options
}

func newRig(t testing.TB, o rigOptions) *rig {
	t.Helper()
	cfg := gateway.Default()
	cfg.Listen = "127.0.0.1:0"
	cfg.Timeouts.Drain = 5 * time.Second
	if o.config != nil {
		o.config(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, gw: gateway.New(cfg, o.options)}
	r.srv = NewServer(r.gw, cfg, o.driver)
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- r.srv.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	r.addr = r.srv.Addr().String()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("run: %v", err)
		}
		if n := r.gw.Connections(); n != 0 {
			t.Errorf("%d client connections left after the end", n)
		}
		if n := r.gw.InFlight(); n != 0 {
			t.Errorf("%d requests in flight after the end", n)
		}
		for _, p := range r.srv.pools {
			p.mu.Lock()
			if p.open != 0 {
				t.Errorf("%d connections to %s left after the end", p.open, p.up.Address)
			}
			p.mu.Unlock()
		}
	})
	return r
}

// world is what a table is built from.
type world struct {
	spec       v1.ServiceSpec
	instances  []*registry.Instance
	routes     []v1.Route
	migrations []v1.Migration
}

func (r *rig) apply(w world) *route.Table {
	r.t.Helper()
	svc := &registry.Service{Name: "orders", Spec: w.spec, Instances: w.instances}
	snap := &registry.Snapshot{Revision: 1, Services: map[string]*registry.Service{"orders": svc}}
	if w.routes == nil {
		w.routes = []v1.Route{rule(v1.RouteRule{})}
	}
	table, problems := route.Build(w.routes, w.migrations, snap, route.Defaults{Timeout: 30 * time.Second, TryTimeout: 20 * time.Second,
		Retry: route.RetryPolicy{Attempts: 1, Backoff: time.Millisecond, Percent: 20}})
	for _, p := range problems {
		r.t.Logf("table: %+v", p)
	}
	r.gw.Apply(table)
	return table
}

// rule makes a route of one rule that sends everything to the service orders.
func rule(r v1.RouteRule) v1.Route {
	if r.BackendRefs == nil && !redirects(r) {
		r.BackendRefs = []v1.BackendRef{{BackendTarget: v1.BackendTarget{Service: "orders"}}}
	}
	return v1.Route{TypeMeta: v1.TypeMeta{APIVersion: v1.APIVersion, Kind: v1.KindRoute}, Metadata: v1.Meta{Name: "all"}, Spec: v1.RouteSpec{Rules: []v1.RouteRule{r}}}
}

func redirects(r v1.RouteRule) bool {
	for _, f := range r.Filters {
		if f.RequestRedirect != nil {
			return true
		}
	}
	return false
}

func instance(addr string, metadata map[string]string) *registry.Instance {
	return &registry.Instance{Name: addr, Service: "orders", Addr: netip.MustParseAddrPort(addr), Address: addr, Weight: 100,
		Metadata: metadata, State: v1.StateServing, Healthy: true, Usable: true}
}

// to applies a table that sends everything to the addresses.
func (r *rig) to(addrs ...string) {
	r.t.Helper()
	w := world{}
	for _, a := range addrs {
		w.instances = append(w.instances, instance(a, nil))
	}
	r.apply(w)
}

// service is a real net/http server.
func service(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// peer is a server of raw bytes: serve gets each connection.
func peer(t testing.TB, serve func(c net.Conn, r *bufio.Reader)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() {
				defer func() { _ = c.Close() }()
				serve(c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return ln.Addr().String()
}

// says answers every request of a connection with the same bytes.
func says(answer string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return
			}
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	}
}

// dial connects to the gateway; every wait of the test is bounded.
func (r *rig) dial() (net.Conn, *bufio.Reader) {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// raw sends bytes over a connection of its own and returns all that comes back until it ends. The first
// request is made to be the last of its connection.
func (r *rig) raw(request string) string {
	r.t.Helper()
	return r.bytes(strings.Replace(request, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
}

// bytes is raw for bytes as they are.
func (r *rig) bytes(request string) string {
	r.t.Helper()
	c, br := r.dial()
	if _, err := io.WriteString(c, request); err != nil {
		r.t.Fatal(err)
	}
	b, err := io.ReadAll(br)
	if err != nil && len(b) == 0 {
		r.t.Fatalf("read: %v", err)
	}
	return string(b)
}

// send writes a request and reads one answer with its body.
func (r *rig) send(c net.Conn, br *bufio.Reader, request string) (*http.Response, string) {
	r.t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		r.t.Fatal(err)
	}
	return r.read(br, strings.HasPrefix(request, "HEAD"))
}

func (r *rig) read(br *bufio.Reader, head bool) (*http.Response, string) {
	r.t.Helper()
	method := "GET"
	if head {
		method = "HEAD"
	}
	res, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		r.t.Fatalf("answer: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatalf("body: %v after %q", err, body)
	}
	return res, string(body)
}

// get is one GET on a connection of its own.
func (r *rig) get(path string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	c, br := r.dial()
	return r.send(c, br, request("GET", path, "", headers...))
}

func request(method, path, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: shop.test\r\n", method, path)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" || method == "POST" || method == "PUT" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	return b.String() + "\r\n" + body
}

// eventually waits for a condition of another goroutine.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

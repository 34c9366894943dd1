package http1

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

const benchAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 23 Nov 2026 07:00:00 GMT\r\nContent-Length: 44\r\n\r\n" +
	`{"id":"1","state":"open","total":"12.30000"}`

const benchRequest = "GET /orders/1?full=1 HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: bench\r\nAccept: application/json\r\n" +
	"X-User-Id: u1\r\nX-Request-Id: 7\r\nAuthorization: Bearer abc\r\nAccept-Language: zh-CN\r\n\r\n"

// bare answers every head with the same bytes and allocates nothing.
func bare(c net.Conn, _ *bufio.Reader) {
	buf := make([]byte, 4096)
	w := 0
	for {
		n, err := c.Read(buf[w:])
		if err != nil {
			return
		}
		w += n
		if !bytes.HasSuffix(buf[:w], []byte("\r\n\r\n")) {
			continue
		}
		if w = 0; write(c, benchAnswer) != nil {
			return
		}
	}
}

func write(c net.Conn, s string) error {
	_, err := io.WriteString(c, s)
	return err
}

// exchangeRaw sends one request over a raw connection and reads the whole answer, without allocating.
func exchangeRaw(c net.Conn, out, buf []byte) error {
	if _, err := c.Write(out); err != nil {
		return err
	}
	for w := 0; ; {
		n, err := c.Read(buf[w:])
		if err != nil {
			return err
		}
		if w += n; bytes.HasSuffix(buf[:w], []byte(`"12.30000"}`)) {
			return nil
		}
	}
}

// proxyRig is a gateway with routing, a migration at half share, metrics and trace context.
func proxyRig(t testing.TB) *rig {
	r := newRig(t, rigOptions{})
	w := moved(peer(t, bare), peer(t, bare), 5000)
	w.migrations[0].Status.Phase = v1.PhaseRamp
	w.routes = []v1.Route{rule(v1.RouteRule{Matches: []v1.RouteMatch{{Path: &v1.PathMatch{Type: "Template", Value: "/orders/{id}"}}}})}
	r.apply(w)
	return r
}

// BenchmarkProxy is one request through the gateway on one of 64 connections, client and service
// included.
func BenchmarkProxy(b *testing.B) {
	r := proxyRig(b)
	var failed atomic.Int64
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c, _ := r.dial()
		out, buf := []byte(benchRequest), make([]byte, 4096)
		for pb.Next() {
			if exchangeRaw(c, out, buf) != nil {
				failed.Add(1)
				return
			}
		}
	})
	if failed.Load() > 0 {
		b.Fatalf("%d connections failed", failed.Load())
	}
}

func TestARequestAllocatesNothing(t *testing.T) {
	if racing {
		t.Skip("the race detector makes pools forget")
	}
	r := proxyRig(t)
	c, _ := r.dial()
	out, buf := []byte(benchRequest), make([]byte, 4096)
	one := func() {
		if err := exchangeRaw(c, out, buf); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 { // connections, buffers and series
		one()
	}
	if n := testing.AllocsPerRun(300, one); n > 1 {
		t.Fatalf("%v allocations a request", n)
	}
}

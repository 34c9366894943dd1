package http1

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/gateway"
)

// once reads one request, with its body, and answers with bytes.
func once(answer string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, q.Body)
		_, _ = io.WriteString(c, answer)
	}
}

func TestAnInstanceThatBreaksTheProtocolGivesNoAnswerThatCouldMislead(t *testing.T) {
	for name, answer := range map[string]string{
		"closes at once":          "",
		"half a head":             "HTTP/1.1 200 OK\r\nContent-",
		"no HTTP":                 "SSH-2.0-OpenSSH_9.9\r\n",
		"length and coding":       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
		"short body":              "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
		"broken chunk":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"chunks without end":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
		"unexpected switch":       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
		"too many interim heads":  strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 40),
		"a head without end":      "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 10000),
		"a field with a bare CR":  "HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n",
		"a folded field":          "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
		"chunked in HTTP/1.0":     "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a long line as a chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1", 5000),
		"a trailer with a length": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nContent-Length: 9\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigOptions{})
			r.to(peer(t, once(answer)))
			got := r.raw(request("POST", "/", "x"))
			// An answer that was begun may only be cut, never completed: an interim head is no answer.
			final := got
			for strings.HasPrefix(final, "HTTP/1.1 103") {
				_, final, _ = strings.Cut(final, "\r\n\r\n")
			}
			if strings.HasPrefix(final, "HTTP/1.1 200") {
				if strings.Contains(answer, "Content-Length: 10") && strings.HasSuffix(final, "short") {
					return
				}
				if strings.Contains(final, "chunked") && !strings.HasSuffix(final, "0\r\n\r\n") {
					return
				}
				t.Fatalf("got %q", final)
			}
			if !strings.HasPrefix(final, "HTTP/1.1 502 ") || !strings.Contains(final, "JD-GATEWAY-015") {
				t.Fatalf("got %q, want 502", got)
			}
		})
	}
}

func TestAnInstanceThatHangsIsGivenUpAndAnUnsafeRequestNotRepeated(t *testing.T) {
	var asked atomic.Int64
	r := newRig(t, rigOptions{})
	addr := peer(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			asked.Add(1)
			_, _ = io.Copy(io.Discard, br) // until the gateway hangs up
		}
	})
	w := world{routes: []v1.Route{rule(v1.RouteRule{Timeouts: &v1.Timeouts{BackendRequest: "60ms"}})}}
	w.instances = append(w.instances, instance(addr, nil))
	r.apply(w)
	if got := r.raw(request("POST", "/", "x")); !strings.HasPrefix(got, "HTTP/1.1 504 ") || !strings.Contains(got, "JD-GATEWAY-016") {
		t.Fatalf("POST: %q", got)
	}
	if n := asked.Load(); n != 1 {
		t.Fatalf("POST was sent %d times", n)
	}
	if got := r.raw(request("GET", "/", "")); !strings.HasPrefix(got, "HTTP/1.1 504 ") {
		t.Fatalf("GET: %q", got)
	}
	if n := asked.Load(); n != 3 {
		t.Fatalf("GET was sent %d times, want 2", n-1)
	}
}

func TestTheWholeTimeBoundsAllTries(t *testing.T) {
	r := newRig(t, rigOptions{})
	addr := peer(t, func(c net.Conn, br *bufio.Reader) { _, _ = io.Copy(io.Discard, br) })
	w := world{routes: []v1.Route{rule(v1.RouteRule{Timeouts: &v1.Timeouts{Request: "80ms"}, Retry: &v1.Retry{Attempts: new(10)}})}}
	w.instances = append(w.instances, instance(addr, nil))
	r.apply(w)
	if got := r.raw(request("GET", "/", "")); !strings.HasPrefix(got, "HTTP/1.1 504 ") {
		t.Fatalf("got %q", got)
	}
	if n := r.gw.Events.Retries.Load(); n != 0 {
		t.Fatalf("%d retries after the time was over", n)
	}
}

func TestIdempotentRequestsAreRepeatedWhenAConnectionEnds(t *testing.T) {
	var asked atomic.Int64
	addr := peer(t, func(c net.Conn, br *bufio.Reader) {
		q, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(q.Body)
		if asked.Add(1)%2 == 0 {
			// It says that it closes: a connection that ends in the pool unsaid may take a try of its own.
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	})
	r := newRig(t, rigOptions{})
	r.to(addr)
	if got := r.raw(request("GET", "/", "")); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Fatalf("GET: %q", got)
	}
	if got := r.raw(request("PUT", "/", "again")); !strings.HasPrefix(got, "HTTP/1.1 200 ") || !strings.HasSuffix(got, "again") {
		t.Fatalf("PUT: %q", got)
	}
	long := strings.Repeat("0123456789", 5000)
	if got := r.raw(request("PUT", "/", long)); !strings.HasPrefix(got, "HTTP/1.1 200 ") || !strings.HasSuffix(got, long) {
		t.Fatalf("long PUT: %.100q", got)
	}
	if got := r.raw(request("POST", "/", "once")); !strings.HasPrefix(got, "HTTP/1.1 502 ") {
		t.Fatalf("POST: %q", got)
	}
	if n := r.gw.Events.Retries.Load(); n != 3 || asked.Load() != 7 {
		t.Fatalf("%d retries, %d requests; want 3 and 7", n, asked.Load())
	}
}

func TestNothingWasSentMeansAnyMethodGoesToAnotherInstance(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := ln.Addr().String()
	_ = ln.Close()
	r := newRig(t, rigOptions{})
	r.to(dead, peer(t, says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")))
	for range 20 {
		if got := r.raw(request("POST", "/", "x")); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
			t.Fatalf("got %q", got)
		}
	}
	if r.gw.Events.Retries.Load() == 0 {
		t.Fatal("the dead instance was never tried")
	}
	r.to(dead)
	if got := r.raw(request("POST", "/", "x")); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "JD-GATEWAY-014") {
		t.Fatalf("got %q", got)
	}
}

func TestAnInstanceThatFailsInARowIsEjectedForAWhile(t *testing.T) {
	bad := peer(t, says("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"))
	good := peer(t, says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	r := newRig(t, rigOptions{})
	r.to(bad, good)
	c, br := r.dial()
	failed := 0
	for range 200 {
		if res, _ := r.send(c, br, request("GET", "/", "")); res.StatusCode == 500 {
			failed++
		}
	}
	if failed != 5 || !r.gw.Ejected(bad) || r.gw.Ejected(good) {
		t.Fatalf("%d failures reached clients, want 5; ejected bad %v, good %v", failed, r.gw.Ejected(bad), r.gw.Ejected(good))
	}
	r.to(bad) // the ejection outlives the table, but one that is alone is asked
	if res, _ := r.send(c, br, request("GET", "/", "")); res.StatusCode != 500 || !r.gw.Ejected(bad) {
		t.Fatalf("status %d, ejected %v", res.StatusCode, r.gw.Ejected(bad))
	}
}

func TestConnectionsWithUnaskedBytesAreNotUsedAgain(t *testing.T) {
	extra := make(chan struct{})
	sent := make(chan struct{})
	var conns atomic.Int64
	addr := peer(t, func(c net.Conn, br *bufio.Reader) {
		n := conns.Add(1)
		for {
			if _, err := http.ReadRequest(br); err != nil {
				return
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", n)
			if n == 1 {
				<-extra
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
				close(sent)
			}
		}
	})
	r := newRig(t, rigOptions{})
	r.to(addr)
	if _, body := r.get("/"); body != "1" {
		t.Fatalf("first: %q", body)
	}
	close(extra)
	<-sent
	eventually(t, "the poisoned connection is gone", func() bool {
		p := r.srv.pools[0]
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, u := range p.free {
			if peek(u.raw) == nil {
				return false
			}
		}
		return true
	})
	if _, body := r.get("/"); body != "2" {
		t.Fatalf("second: %q", body)
	}
}

func TestBytesBehindAnAnswerEndTheConnectionToTheInstance(t *testing.T) {
	addr := peer(t, says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"))
	r := newRig(t, rigOptions{})
	r.to(addr)
	c, br := r.dial()
	for range 3 {
		if _, body := r.send(c, br, request("GET", "/", "")); body != "ok" {
			t.Fatalf("got %q", body)
		}
	}
	if n := r.gw.Events.UpstreamDesync.Load(); n != 3 {
		t.Fatalf("%d noticed, want 3", n)
	}
}

func TestIdleConnectionsThatTheInstanceClosedAreNotUsed(t *testing.T) {
	var served atomic.Int64
	addr := peer(t, func(c net.Conn, br *bufio.Reader) {
		once("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")(c, br)
		served.Add(1)
		_ = c.Close()
	})
	r := newRig(t, rigOptions{})
	r.to(addr)
	c, br := r.dial()
	for i := range int64(10) {
		res, body := r.send(c, br, request("POST", "/", "x")) // unsafe: it must not be lost on a stale connection
		if res.StatusCode != 200 || body != "ok" {
			t.Fatalf("request %d: %d %q", i, res.StatusCode, body)
		}
		eventually(t, "the instance closed its end", func() bool {
			p := r.srv.pools[0]
			p.mu.Lock()
			defer p.mu.Unlock()
			return served.Load() == i+1 && (len(p.free) == 0 || peek(p.free[0].raw) != nil)
		})
	}
	if n := r.gw.Events.Retries.Load(); n != 0 {
		t.Fatalf("%d retries: a stale connection is no failure", n)
	}
}

func TestAGigabyteStreamsThroughSmallBuffers(t *testing.T) {
	const size = 1 << 30
	block := make([]byte, 1<<20)
	addr := peer(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		for range size / len(block) {
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	})
	r := newRig(t, rigOptions{})
	r.to(addr)
	c, br := r.dial()
	if _, err := io.WriteString(c, request("GET", "/", "")); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil || n != size {
		t.Fatalf("%d bytes, %v", n, err)
	}
}

func TestAClientThatNeverReadsIsGivenUp(t *testing.T) {
	gone := make(chan struct{})
	addr := peer(t, func(c net.Conn, br *bufio.Reader) {
		defer close(gone)
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
		block := make([]byte, 1<<20)
		for {
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	})
	r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.Timeouts.Stall = 100 * time.Millisecond }})
	r.to(addr)
	c, _ := r.dial()
	if _, err := io.WriteString(c, request("GET", "/", "")); err != nil {
		t.Fatal(err)
	}
	<-gone
	eventually(t, "the exchange ends", func() bool { return r.gw.InFlight() == 0 && r.gw.Connections() == 0 })
}

func TestAnAnswerThatStallsIsCut(t *testing.T) {
	addr := peer(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		_, _ = br.ReadByte()
	})
	r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.Timeouts.Stall = 80 * time.Millisecond }})
	r.to(addr)
	if got := r.raw(request("GET", "/", "")); !strings.HasSuffix(got, "half") {
		t.Fatalf("got %q", got)
	}
}

func TestAClientThatLeavesCancelsTheWork(t *testing.T) {
	asked, gone := make(chan struct{}), make(chan struct{})
	addr := peer(t, func(c net.Conn, br *bufio.Reader) {
		defer close(gone)
		if _, err := http.ReadRequest(br); err == nil {
			close(asked)
			_, _ = br.ReadByte()
		}
	})
	r := newRig(t, rigOptions{})
	r.to(addr)
	c, _ := r.dial()
	if _, err := io.WriteString(c, request("GET", "/", "")); err != nil {
		t.Fatal(err)
	}
	<-asked
	_ = c.Close()
	<-gone
	eventually(t, "it is counted", func() bool { return r.gw.Events.ClientsLeft.Load() == 1 })
	if n := r.gw.Events.Retries.Load(); n != 0 {
		t.Fatalf("%d retries for a client that left", n)
	}
}

func TestConnectionsToAnInstanceAreBounded(t *testing.T) {
	release := make(chan struct{})
	addr := peer(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			<-release
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	r := newRig(t, rigOptions{})
	r.apply(world{spec: v1.ServiceSpec{MaxConnections: 1}, routes: []v1.Route{rule(v1.RouteRule{})},
		instances: append(world{}.instances, instance(addr, nil))})
	c, br := r.dial()
	if _, err := io.WriteString(c, request("GET", "/", "")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first is under way", func() bool { return r.gw.Events.UpstreamDials.Load() == 1 })
	if got := r.raw(request("GET", "/", "")); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Fatalf("got %q", got)
	}
	close(release)
	if res, _ := r.read(br, false); res.StatusCode != 200 {
		t.Fatalf("first: %d", res.StatusCode)
	}
}

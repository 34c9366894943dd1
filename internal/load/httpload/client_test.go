package httpload

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/load"
)

func dial(t *testing.T, url string, timeout time.Duration) *Client {
	t.Helper()
	c, err := New(url, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAConnectionIsKeptAndTheWholeExchangeArrives(t *testing.T) {
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Got", r.Method+" "+r.URL.String()+" "+r.Header.Get("X-Id")+" "+r.Host)
		if r.URL.Path == "/chunked" {
			_, _ = fmt.Fprint(w, "one ")
			w.(http.Flusher).Flush()
		}
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(body)
	}))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := dial(t, s.URL, 5*time.Second)
	host := strings.TrimPrefix(s.URL, "http://")
	var resp load.Response
	for i := range 20 {
		id := fmt.Sprint(i)
		req := load.Request{Method: "POST", Target: "/chunked?a=1", Header: []v1.Header{{Name: "X-Id", Value: id}}, Body: []byte("body " + id)}
		if err := c.Do(t.Context(), &req, &resp); err != nil {
			t.Fatal(err)
		}
		if want := "one body " + id; string(resp.Body) != want || resp.Status != 200 || resp.Header("x-got") != "POST /chunked?a=1 "+id+" "+host {
			t.Fatalf("%d %q %q", resp.Status, resp.Body, resp.Header("X-Got"))
		}
	}
	req := load.Request{Method: "GET", Target: "/", Header: []v1.Header{{Name: "Host", Value: "other.example"}}}
	if err := c.Do(t.Context(), &req, &resp); err != nil || !strings.HasSuffix(resp.Header("X-Got"), " other.example") {
		t.Errorf("host: %q (%v)", resp.Header("X-Got"), err)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for requests one after the other", n)
	}
}

func TestTheConnectionUsedLastIsUsedFirst(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.RemoteAddr]++
	}))
	defer s.Close()
	c := dial(t, s.URL, 5*time.Second)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var resp load.Response
			if err := c.Do(t.Context(), &load.Request{Method: "GET", Target: "/"}, &resp); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	mu.Lock()
	clear(seen)
	mu.Unlock()
	for range 10 {
		var resp load.Response
		if err := c.Do(t.Context(), &load.Request{Method: "GET", Target: "/"}, &resp); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 1 {
		t.Errorf("ten requests in a row used %d connections", len(seen))
	}
}

// raw serves each connection by a function.
func raw(t *testing.T, serve func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = c.Close() }()
				serve(c, bufio.NewReader(c))
			})
		}
	})
	return "http://" + l.Addr().String()
}

func head(br *bufio.Reader) bool {
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return false
		}
		if line == "\r\n" {
			return true
		}
	}
}

func TestFailuresAreToldApart(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + gone.Addr().String()
	_ = gone.Close()
	for name, c := range map[string]struct {
		url, word string
		timeout   time.Duration
	}{
		"nobody listens": {nobody, "connect", time.Second},
		"never answers": {raw(t, func(_ net.Conn, br *bufio.Reader) {
			for head(br) {
			}
		}), "timeout", 50 * time.Millisecond},
		"closes before it answers": {raw(t, func(_ net.Conn, br *bufio.Reader) { head(br) }), "closed", time.Second},
		"closes within the body": {raw(t, func(c net.Conn, br *bufio.Reader) {
			head(br)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		}), "closed", time.Second},
		"speaks something else": {raw(t, func(c net.Conn, br *bufio.Reader) {
			head(br)
			_, _ = io.WriteString(c, "SSH-2.0-x\r\n\r\n")
		}), "protocol", time.Second},
		"sends too much": {raw(t, func(c net.Conn, br *bufio.Reader) {
			head(br)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
			for _, err := io.WriteString(c, strings.Repeat("x", 1<<20)); err == nil; {
				_, err = io.WriteString(c, strings.Repeat("x", 1<<20))
			}
		}), "protocol", 10 * time.Second},
	} {
		client := dial(t, c.url, c.timeout)
		var resp load.Response
		err := client.Do(t.Context(), &load.Request{Method: "GET", Target: "/"}, &resp)
		if word := load.ErrorKind(err); word != c.word || err == nil {
			t.Errorf("%s: %q, want %q (%v)", name, word, c.word, err)
		}
		client.Close()
	}
}

func TestAConnectionThatTheServerClosesIsNotKept(t *testing.T) {
	var n atomic.Int64
	url := raw(t, func(c net.Conn, br *bufio.Reader) {
		n.Add(1)
		if head(br) {
			_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		}
	})
	c := dial(t, url, time.Second)
	for range 3 {
		var resp load.Response
		if err := c.Do(t.Context(), &load.Request{Method: "GET", Target: "/"}, &resp); err != nil || resp.Status != 204 {
			t.Fatalf("status %d (%v)", resp.Status, err)
		}
	}
	if n.Load() != 3 {
		t.Errorf("%d connections, want 3", n.Load())
	}
}

func TestCloseEndsRequestsUnderWay(t *testing.T) {
	arrived := make(chan struct{})
	url := raw(t, func(_ net.Conn, br *bufio.Reader) {
		if head(br) {
			close(arrived)
			head(br) // until the client leaves
		}
	})
	c := dial(t, url, time.Minute)
	done := make(chan error)
	go func() {
		var resp load.Response
		done <- c.Do(context.Background(), &load.Request{Method: "GET", Target: "/"}, &resp)
	}()
	<-arrived
	c.Close()
	if err := <-done; err == nil {
		t.Error("the request was answered by nobody")
	}
	var resp load.Response
	if err := c.Do(t.Context(), &load.Request{Method: "GET", Target: "/"}, &resp); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestHTTPSIsSpokenAndItsCertificateChecked(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	s.Config.ErrorLog = nil
	defer s.Close()
	c := dial(t, s.URL, 5*time.Second)
	var resp load.Response
	if err := c.Do(t.Context(), &load.Request{Method: "GET", Target: "/"}, &resp); load.ErrorKind(err) != "connect" {
		t.Errorf("an unknown certificate: %v", err)
	}
	c.tls.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	if err := c.Do(t.Context(), &load.Request{Method: "GET", Target: "/"}, &resp); err != nil || string(resp.Body) != "ok" {
		t.Errorf("%q (%v)", resp.Body, err)
	}
}

func TestAURLThatIsNoServerIsRefused(t *testing.T) {
	for _, url := range []string{"", "host:80", "ftp://host", "http://", "://"} {
		if _, err := New(url, time.Second); kind.Of(err) != kind.Invalid {
			t.Errorf("%q: %v", url, err)
		}
	}
	for url, want := range map[string]string{"http://h": "h:80", "https://h": "h:443", "http://h:81/x": "h:81", "http://[::1]:5": "[::1]:5"} {
		if c, err := New(url, time.Second); err != nil || c.address != want {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	defer s.Close()
	c, err := New(s.URL, 5*time.Second)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	var resp load.Response
	req := load.Request{Method: "GET", Target: "/", Header: []v1.Header{{Name: "X-User-Id", Value: "u1"}}}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Do(b.Context(), &req, &resp); err != nil {
			b.Fatal(err)
		}
	}
}

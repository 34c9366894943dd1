package http1

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/route"
)

// tape is a tap that records everything.
type tape struct {
	mu   sync.Mutex
	plan gateway.Plan
	recs []*gateway.Recorded
}

func (t *tape) Plan(*gateway.Exchange) gateway.Plan { return t.plan }
func (t *tape) Done(r *gateway.Recorded) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recs = append(t.recs, r)
}

// wait returns the n-th recording.
func (t *tape) wait(tb testing.TB, n int) *gateway.Recorded {
	tb.Helper()
	var r *gateway.Recorded
	eventually(tb, fmt.Sprintf("recording %d", n), func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		if len(t.recs) > n {
			r = t.recs[n]
		}
		return r != nil
	})
	return r
}

func headerOf(list []v1.Header, name string) string {
	for _, h := range list {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

func TestTheTapGetsWhatWasAskedAndAnswered(t *testing.T) {
	tap := &tape{plan: gateway.Plan{Record: true, MaxRequest: 100_000, MaxResponse: 50}}
	r := newRig(t, rigOptions{options: gateway.Options{Tap: tap}})
	r.apply(moved(peer(t, answers(200, "old", "")), service(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		w.Header().Set("X-Jindu-State", "v7")
		_, _ = w.Write(body)
	}), 10000))
	long := strings.Repeat("y", 60_000)
	c, br := r.dial()
	res, _ := r.send(c, br, request("POST", "/orders/1?a=b", "hello", "X-User-Id: u1", "Connection: X-Hop", "X-Hop: 1"))
	if res.Header.Get("X-Jindu-State") != "" {
		t.Errorf("the client saw the state")
	}
	r.send(c, br, request("POST", "/", long))
	rec := tap.wait(t, 0)
	if rec.Migration != "move" || rec.Service != "orders" || rec.Assigned != route.SideNew || rec.Answered != route.SideNew || !rec.HasSubject ||
		rec.Method != "POST" || rec.Host != "shop.test" || rec.Target != "/orders/1?a=b" || string(rec.Body) != "hello" || rec.Truncated ||
		rec.Status != 200 || string(rec.ResponseBody) != "hello" || rec.Observed || len(rec.Trace) != 32 || rec.Latency <= 0 {
		t.Errorf("recorded %+v", rec)
	}
	if headerOf(rec.ResponseHeader, "x-jindu-state") != "v7" || headerOf(rec.Header, "X-User-Id") != "u1" || headerOf(rec.Header, "X-Hop") != "" || headerOf(rec.Header, "Host") != "" {
		t.Errorf("headers %v, answer %v", rec.Header, rec.ResponseHeader)
	}
	rec = tap.wait(t, 1)
	if string(rec.Body) != long || rec.Truncated || !rec.ResponseTruncated || rec.ResponseBody != nil {
		t.Errorf("long: %d bytes, truncated %v; answer %d bytes, truncated %v", len(rec.Body), rec.Truncated, len(rec.ResponseBody), rec.ResponseTruncated)
	}
	if r.gw.Events.RecordingsTruncated.Load() != 1 {
		t.Errorf("truncations are not counted")
	}
	tap.plan.MaxRequest = 10
	r.send(c, br, request("POST", "/", strings.Repeat("z", 70_000)))
	if rec = tap.wait(t, 2); !rec.Truncated || rec.Body != nil {
		t.Errorf("over the cap: %d bytes, truncated %v", len(rec.Body), rec.Truncated)
	}
}

func TestObservedCopiesReachTheTapAlone(t *testing.T) {
	tap := &tape{plan: gateway.Plan{Record: true, MaxRequest: 1000, MaxResponse: 1000}}
	r := newRig(t, rigOptions{options: gateway.Options{Tap: tap}, config: func(c *gateway.Config) { c.Observe = "127.0.0.1:0" }})
	r.apply(moved(closed(t), closed(t), 0))
	r.addr = r.srv.ObserveAddr().String()
	c, br := r.dial()
	for i, body := range []string{"hello", "", strings.Repeat("x", 5000)} {
		req := request("POST", fmt.Sprintf("/o/%d", i), body)
		req = strings.Replace(req, "shop.test", "shop.test-shadow", 1)
		if res, _ := r.send(c, br, req); res.StatusCode != 204 {
			t.Fatalf("copy %d: %d", i, res.StatusCode)
		}
		rec := tap.wait(t, i)
		if !rec.Observed || rec.Migration != "move" || rec.Target != fmt.Sprintf("/o/%d", i) || rec.Host != "shop.test" || rec.Truncated != (len(body) > 1000) {
			t.Fatalf("recorded %+v", rec)
		}
		if !rec.Truncated && string(rec.Body) != body {
			t.Fatalf("body %q", rec.Body)
		}
	}
	chunked := "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	if got := r.raw(chunked); !strings.HasPrefix(got, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 ") {
		t.Fatalf("got %q", got)
	}
	if rec := tap.wait(t, 3); string(rec.Body) != "abc" {
		t.Fatalf("body %q", rec.Body)
	}
	if r.gw.Events.Observed.Load() != 4 || r.gw.InFlight() != 0 {
		t.Fatalf("observed %d", r.gw.Events.Observed.Load())
	}
}

func TestFiltersChangeWhatIsForwardedAndAnswered(t *testing.T) {
	r := newRig(t, rigOptions{})
	w := world{routes: []v1.Route{rule(v1.RouteRule{
		Matches: []v1.RouteMatch{{Path: &v1.PathMatch{Value: "/shop"}}},
		Filters: []v1.RouteFilter{
			{Type: "RequestHeaderModifier", RequestHeaderModifier: &v1.HeaderModifier{Set: []v1.Header{{Name: "X-Set", Value: "new"}}, Add: []v1.Header{{Name: "X-Add", Value: "two"}}, Remove: []string{"X-Gone"}}},
			{Type: "ResponseHeaderModifier", ResponseHeaderModifier: &v1.HeaderModifier{Set: []v1.Header{{Name: "Server", Value: "jindu"}}, Remove: []string{"Date"}}},
			{Type: "URLRewrite", URLRewrite: &v1.Rewrite{Hostname: "inner.test", Path: &v1.PathModifier{Type: "ReplacePrefixMatch", Value: "/v2"}}},
		}})}}
	w.instances = append(w.instances, instance(echo(t), nil))
	r.apply(w)
	res, body := r.get("/shop/cart?a=b", "X-Set: old", "X-Add: one", "X-Gone: 1")
	for _, want := range []string{"GET /v2/cart?a=b inner.test\n", "X-Set: new\n", "X-Add: one | two\n", "X-Forwarded-Host: shop.test\n"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing in %s", want, body)
		}
	}
	if strings.Contains(body, "X-Gone") || res.Header.Get("Server") != "jindu" || res.Header.Get("Date") != "" {
		t.Errorf("answer %v, %s", res.Header, body)
	}
}

func TestRedirectsAreAnsweredHere(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.apply(world{routes: []v1.Route{rule(v1.RouteRule{Filters: []v1.RouteFilter{{Type: "RequestRedirect", RequestRedirect: &v1.Redirect{Scheme: "https", StatusCode: 301}}}})}})
	c, br := r.dial()
	res, _ := r.send(c, br, request("GET", "/a?b=c", ""))
	if res.StatusCode != 301 || res.Header.Get("Location") != "https://shop.test/a?b=c" || res.Close {
		t.Fatalf("%d %v, close %v", res.StatusCode, res.Header, res.Close)
	}
	// A body that was not read ends the connection.
	if res, _ = r.send(c, br, request("POST", "/a", "body")); res.StatusCode != 301 || !res.Close {
		t.Fatalf("with a body: %d, close %v", res.StatusCode, res.Close)
	}
}

func TestMirrorsGetACopyAndTheClientOneAnswer(t *testing.T) {
	got := make(chan string, 10)
	mirror := service(t, func(_ http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		got <- q.Method + " " + q.RequestURI + " " + string(body)
	})
	r := newRig(t, rigOptions{})
	w := world{routes: []v1.Route{rule(v1.RouteRule{
		BackendRefs: []v1.BackendRef{{BackendTarget: v1.BackendTarget{Service: "orders", Subset: v1.Selector{"v": "1"}}}},
		Filters:     []v1.RouteFilter{{Type: "RequestMirror", RequestMirror: &v1.MirrorFilter{BackendRef: v1.BackendTarget{Service: "orders", Subset: v1.Selector{"v": "2"}}}}}})}}
	w.instances = append(w.instances, instance(peer(t, answers(200, "one", "")), map[string]string{"v": "1"}), instance(mirror, map[string]string{"v": "2"}))
	r.apply(w)
	c, br := r.dial()
	if _, body := r.send(c, br, request("POST", "/a", "hello")); body != "one" {
		t.Fatalf("got %q", body)
	}
	if copied := <-got; copied != "POST /a hello" {
		t.Fatalf("copy %q", copied)
	}
	r.send(c, br, request("POST", "/a", strings.Repeat("x", 200_000))) // over the recording
	eventually(t, "the drop is counted", func() bool { return r.gw.Events.MirrorsDropped.Load() == 1 && r.gw.Events.MirrorsSent.Load() == 1 })
}

func TestTheEndWaitsForRequestsInFlight(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	r := newRig(t, rigOptions{})
	r.to(service(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/slow" {
			close(asked)
			<-release
		}
		fmt.Fprint(w, "done")
	}))
	idle, ibr := r.dial()
	r.send(idle, ibr, request("GET", "/", ""))
	busy, bbr := r.dial()
	if _, err := io.WriteString(busy, request("GET", "/slow", "")); err != nil {
		t.Fatal(err)
	}
	<-asked
	ended := make(chan error)
	go func() { ended <- r.stop() }()
	if _, err := ibr.ReadByte(); !errors.Is(err, io.EOF) {
		t.Fatalf("idle connection: %v, want the end", err)
	}
	eventually(t, "nobody is accepted", func() bool {
		c, err := net.Dial("tcp", r.addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	close(release)
	if res, body := r.read(bbr, false); body != "done" || !res.Close {
		t.Fatalf("in flight: %q, close %v", body, res.Close)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestTheEndCutsWhatLastsTooLong(t *testing.T) {
	asked := make(chan struct{})
	r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.Timeouts.Drain = 50 * time.Millisecond }})
	r.to(peer(t, func(_ net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			close(asked)
		}
		_, _ = io.Copy(io.Discard, br)
	}))
	c, br := r.dial()
	if _, err := io.WriteString(c, request("GET", "/", "")); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := br.ReadByte(); err == nil {
		t.Fatal("an answer came")
	}
}

func TestAListenerThatIsTakenIsSaid(t *testing.T) {
	r := newRig(t, rigOptions{})
	cfg := gateway.Default()
	cfg.Listen = r.addr
	gw := gateway.New(cfg, gateway.Options{})
	err := NewServer(gw, cfg, Options{}).Run(t.Context(), func() { t.Error("ready") })
	if kind.Of(err) != kind.Unavailable || kind.Code(err) != "JD-LISTEN-001" {
		t.Fatalf("got %v", err)
	}
}

// lines is an access log that tests can read.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestTheAccessLogSaysWhatHappened(t *testing.T) {
	log := &lines{}
	r := newRig(t, rigOptions{options: gateway.Options{AccessLog: log}, config: func(c *gateway.Config) { c.AccessLog.Sample = 1 }})
	addr := echo(t)
	r.to(addr)
	r.raw(request("POST", "/a%22b?secret=1", "hello"))
	eventually(t, "a line", func() bool { return strings.HasSuffix(log.String(), "\n") })
	var line map[string]any
	if err := json.Unmarshal([]byte(log.String()), &line); err != nil {
		t.Fatalf("%q: %v", log.String(), err)
	}
	for key, want := range map[string]any{"method": "POST", "host": "shop.test", "path": "/a%22b", "status": 200.0, "in": 5.0, "route": "all",
		"service": "orders", "subset": "*", "instance": addr, "client": "127.0.0.1"} {
		if line[key] != want {
			t.Errorf("%s = %v, want %v", key, line[key], want)
		}
	}
}

func TestTheClientAsksOnItsOwnConnections(t *testing.T) {
	c := NewClient(ClientConfig{MaxBody: 10})
	defer c.Close()
	addr := service(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		w.Header().Set("X-Jindu-State", q.Header.Get("X-Jindu-Shadow"))
		switch q.URL.Path {
		case "/long":
			_, _ = io.WriteString(w, strings.Repeat("x", 100))
		case "/chunked":
			_, _ = io.WriteString(w, "ab")
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "cd")
		case "/none":
			w.WriteHeader(204)
		default:
			_, _ = w.Write(body)
		}
	})
	for _, step := range []struct {
		method, target, body, want string
		cut                        bool
	}{
		{"POST", "/", "hello", "hello", false}, {"GET", "/chunked", "", "abcd", false}, {"GET", "/none", "", "", false}, {"HEAD", "/long", "", "", false},
		{"GET", "/long", "", "xxxxxxxxxx", true}, {"PUT", "/", "", "", false},
	} {
		in, err := c.Do(t.Context(), addr, gateway.Outgoing{Method: step.method, Host: "a", Target: step.target, Body: []byte(step.body),
			Header: []v1.Header{{Name: "X-Jindu-Shadow", Value: "1"}, {Name: "Content-Length", Value: "99"}, {Name: "Connection", Value: "close"}}})
		if err != nil || string(in.Body) != step.want || in.Truncated != step.cut || headerOf(in.Header, "X-Jindu-State") != "1" {
			t.Fatalf("%s %s: %+v, %v", step.method, step.target, in, err)
		}
	}
	for _, wrong := range []gateway.Outgoing{{Method: "GET ", Target: "/"}, {Method: "GET", Target: "/ x"}, {Method: "GET", Target: "/", Host: "a\r\nb"},
		{Method: "GET", Target: "/", Header: []v1.Header{{Name: "a", Value: "b\r\nc: d"}}}, {Method: "GET", Target: "/", Header: []v1.Header{{Name: "a b"}}}} {
		if _, err := c.Do(t.Context(), addr, wrong); kind.Of(err) != kind.Invalid {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

func TestTheClientGivesUpWithItsContext(t *testing.T) {
	c := NewClient(ClientConfig{MaxInFlight: 1})
	defer c.Close()
	asked := make(chan struct{})
	addr := peer(t, func(_ net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			close(asked)
		}
		_, _ = io.Copy(io.Discard, br)
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := c.Do(ctx, addr, gateway.Outgoing{Method: "GET", Host: "a", Target: "/"})
		done <- err
	}()
	<-asked
	short, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	if _, err := c.Do(short, addr, gateway.Outgoing{Method: "GET", Host: "a", Target: "/"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("no slot: %v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || kind.Of(err) != kind.Unavailable {
		t.Fatalf("got %v", err)
	}
	for _, answer := range []string{"", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 101 X\r\n\r\n"} {
		if in, err := c.Do(t.Context(), peer(t, once(answer)), gateway.Outgoing{Method: "GET", Host: "a", Target: "/"}); err == nil {
			t.Errorf("%q: got %+v", answer, in)
		}
	}
	in, err := c.Do(t.Context(), peer(t, once("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nto the end")), gateway.Outgoing{Method: "GET", Host: "a", Target: "/"})
	if err != nil || string(in.Body) != "to the end" {
		t.Errorf("close-delimited: %q, %v", in.Body, err)
	}
}

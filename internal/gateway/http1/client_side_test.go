package http1

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/gateway"
)

// echo answers with the request as it arrived, but for the trace header's value.
func echo(t testing.TB) string {
	return service(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		fmt.Fprintf(w, "%s %s %s\n", q.Method, q.RequestURI, q.Host)
		for name, values := range q.Header {
			fmt.Fprintf(w, "%s: %s\n", name, strings.Join(values, " | "))
		}
		fmt.Fprintf(w, "trailer %v\nbody %s", q.Trailer, body)
	})
}

func TestMalformedRequestsAreAnsweredWithAReasonAndTheConnectionEnds(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.to(echo(t))
	for bytes, status := range map[string]string{
		"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n":                                                                          "400",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n": "400",
		"GET /\r\n":                                                                   "400",
		"\x16\x03\x01\x02\x00\x01\x00":                                                "400",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                                            "505",
		"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n":                                   "405",
		"GET / HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("b", 40<<10):              "431",
		"GET /" + strings.Repeat("b", 40<<10):                                         "414",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX": "400",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nHost: b\r\n\r\n": "400",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n":                                      "501",
		"POST / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\n\r\n":                                                 "417",
		"GET /a/../b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n":                                       "400",
	} {
		got := r.bytes(bytes)
		if !strings.HasPrefix(got, "HTTP/1.1 "+status+" ") || strings.Count(got, "HTTP/1.1") != 1 || !strings.Contains(got, "JD-GATEWAY-0") {
			t.Errorf("%.60q: got %q, want one %s", bytes, got, status)
		}
	}
}

func TestAClientThatDribblesItsHeadIsGivenUp(t *testing.T) {
	r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.Timeouts.Head = 80 * time.Millisecond }})
	r.to(echo(t))
	c, br := r.dial()
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for _, b := range []byte("GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("a: b\r\n", 10000)) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	res, body := r.read(br, false)
	if res.StatusCode != 408 || !strings.Contains(body, "JD-GATEWAY-009") {
		t.Fatalf("got %d %s", res.StatusCode, body)
	}
	_ = c.Close()
	<-stop
}

func TestABodyThatDoesNotComeIsGivenUp(t *testing.T) {
	r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.Timeouts.Stall = 80 * time.Millisecond }})
	r.to(echo(t))
	for _, length := range []int{5, 50000} {
		got := r.bytes(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\nab", length))
		if !strings.HasPrefix(got, "HTTP/1.1 408 ") {
			t.Errorf("length %d: got %q", length, got)
		}
	}
}

func TestIdleClientsAreClosed(t *testing.T) {
	r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.Timeouts.Idle = 60 * time.Millisecond }})
	r.to(echo(t))
	c, br := r.dial()
	if res, _ := r.send(c, br, request("GET", "/", "")); res.StatusCode != 200 {
		t.Fatal(res.StatusCode)
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Fatalf("got %v, want the end", err)
	}
}

func TestBodiesOverTheBoundAreRefused(t *testing.T) {
	r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.Limits.BodyBytes = 100_000 }})
	r.to(echo(t))
	for name, req := range map[string]string{
		"length":  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n",
		"chunked": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("400\r\n"+strings.Repeat("x", 1024)+"\r\n", 100),
	} {
		if got := r.bytes(req); !strings.HasPrefix(got, "HTTP/1.1 413 ") {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if got := r.raw(request("POST", "/", strings.Repeat("x", 100_000))); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("at the bound: %.100q", got)
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.to(echo(t))
	c, br := r.dial()
	chunked := "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	long := request("POST", "/3", strings.Repeat("y", 40000))
	if _, err := io.WriteString(c, "\r\n"+request("POST", "/1", "x")+chunked+long+request("GET", "/4", "")); err != nil {
		t.Fatal(err)
	}
	for i, end := range []string{"body x", "body abc", "yyy", "body "} {
		res, body := r.read(br, false)
		if res.StatusCode != 200 || !strings.Contains(body, fmt.Sprintf(" /%d ", i+1)) || !strings.HasSuffix(body, end) {
			t.Fatalf("answer %d: %d %.200q", i+1, res.StatusCode, body)
		}
	}
}

func TestHopByHopFieldsEndAtTheGateway(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.to(echo(t))
	_, body := r.get("/", "Connection: X-Hop, keep-alive", "X-Hop: 1", "Keep-Alive: timeout=5", "Proxy-Connection: close", "Upgrade: websocket",
		"Proxy-Authorization: Basic x", "HTTP2-Settings: x", "TE: gzip", "X-Stay: 1")
	for _, gone := range []string{"X-Hop", "Keep-Alive", "Proxy-", "Upgrade", "Http2", "Te:"} {
		if strings.Contains(body, gone) {
			t.Errorf("%s was forwarded: %s", gone, body)
		}
	}
	if !strings.Contains(body, "X-Stay: 1") {
		t.Errorf("X-Stay is missing: %s", body)
	}
	if n := r.gw.Events.Upgrades.Load(); n != 1 {
		t.Errorf("%d upgrades counted", n)
	}
}

func TestInternalFieldsOfStrangersAreRemoved(t *testing.T) {
	headers := []string{"X-Jindu-Shadow: 1", "X-Jindu-State: v1", "X_Jindu_Shadow: 1", "X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https",
		"X-Forwarded-Host: evil", "Forwarded: for=9.9.9.9"}
	r := newRig(t, rigOptions{})
	r.to(echo(t))
	_, body := r.get("/", headers...)
	for _, gone := range []string{"Jindu", "9.9.9.9", "https", "evil", "Forwarded: for"} {
		if strings.Contains(body, gone) {
			t.Errorf("%s was believed: %s", gone, body)
		}
	}
	if !strings.Contains(body, "X-Forwarded-For: 127.0.0.1\n") || !strings.Contains(body, "X-Forwarded-Host: shop.test\n") {
		t.Errorf("got %s", body)
	}

	trusted := newRig(t, rigOptions{config: func(c *gateway.Config) { c.TrustedProxies, c.Via = []string{"127.0.0.0/8"}, true }})
	trusted.to(echo(t))
	_, body = trusted.get("/", headers...)
	for _, want := range []string{"X-Jindu-Shadow: 1", "X-Forwarded-For: 9.9.9.9, 127.0.0.1\n", "X-Forwarded-Proto: https\n", "X-Forwarded-Host: evil\n",
		"Forwarded: for=9.9.9.9, for=127.0.0.1;proto=https;host=\"shop.test\"\n", "Via: 1.1 jindu\n"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing: %s", want, body)
		}
	}
}

func TestTheClientAddressIsTheLastOneThatIsNoProxy(t *testing.T) {
	r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.TrustedProxies = []string{"127.0.0.1", "10.0.0.0/8"} }})
	old, now := service(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "old") }), service(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "new") })
	w := moved(old, now, 10000)
	w.migrations[0].Spec.Subject = []v1.ValueSource{{ClientIP: true}}
	w.migrations[0].Status.Phase = v1.PhaseRamp
	r.apply(w)
	if _, body := r.get("/", "X-Forwarded-For: 8.8.8.8, 7.7.7.7, 10.1.1.1"); body != "new" {
		t.Errorf("got %q", body)
	}
}

func TestTheTraceIsContinued(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.to(echo(t))
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, headers := range [][]string{
		{"traceparent: 00-" + id + "-00f067aa0ba902b7-01", "tracestate: a=b"},
		{"b3: " + id + "-00f067aa0ba902b7-1"},
		{"X-B3-TraceId: " + id, "X-B3-SpanId: 00f067aa0ba902b7", "X-B3-Sampled: 1"},
	} {
		_, body := r.get("/", headers...)
		if !strings.Contains(body, "Traceparent: 00-"+id+"-") || strings.Contains(body, "Traceparent: 00-"+id+"-00f067aa0ba902b7") {
			t.Errorf("%v: got %s", headers, body)
		}
		if strings.Contains(headers[0], "parent") != strings.Contains(body, "Tracestate: a=b") {
			t.Errorf("%v: tracestate: %s", headers, body)
		}
	}
	_, body := r.get("/", "traceparent: 00-"+id+"-00f067aa0ba902b7-01", "traceparent: 00-"+id+"-00f067aa0ba902b7-01", "tracestate: a=b")
	if strings.Contains(body, id) || strings.Contains(body, "Tracestate") || !strings.Contains(body, "Traceparent: 00-") {
		t.Errorf("two parents: %s", body)
	}
}

func TestOldClientsAndOldServicesAreServed(t *testing.T) {
	r := newRig(t, rigOptions{})
	chunkedAnswer := peer(t, says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n"))
	r.to(chunkedAnswer)
	if got := r.bytes("GET / HTTP/1.0\r\n\r\n"); !strings.HasSuffix(got, "\r\n\r\nok") || strings.Contains(got, "chunked") || !strings.Contains(got, "Connection: close") {
		t.Errorf("chunked to HTTP/1.0: %q", got)
	}
	if got := r.raw(request("GET", "/", "")); !strings.HasSuffix(got, "2\r\nok\r\n0\r\n\r\n") {
		t.Errorf("trailers nobody asked for: %q", got)
	}
	if got := r.raw(request("GET", "/", "", "TE: trailers")); !strings.HasSuffix(got, "2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n") {
		t.Errorf("trailers: %q", got)
	}

	r.to(peer(t, once("HTTP/1.0 200 OK\r\n\r\nuntil the end")))
	if got := r.raw(request("GET", "/", "")); !strings.Contains(got, "Transfer-Encoding: chunked") || !strings.HasSuffix(got, "d\r\nuntil the end\r\n0\r\n\r\n") {
		t.Errorf("close-delimited to HTTP/1.1: %q", got)
	}
	if got := r.bytes("GET / HTTP/1.0\r\n\r\n"); !strings.HasSuffix(got, "\r\n\r\nuntil the end") {
		t.Errorf("close-delimited to HTTP/1.0: %q", got)
	}

	r.to(peer(t, says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")))
	c, br := r.dial()
	for range 2 {
		if res, body := r.send(c, br, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"); body != "ok" || res.Header.Get("Connection") != "keep-alive" {
			t.Errorf("keep-alive in HTTP/1.0: %q %v", body, res.Header)
		}
	}
}

func TestAnswersWithoutBodyKeepTheConnectionInStep(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.to(service(t, func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/304":
			w.Header().Set("ETag", `"x"`)
			w.WriteHeader(304)
		case "/204":
			w.WriteHeader(204)
		default:
			w.Header().Set("Content-Length", "5")
			fmt.Fprint(w, "hello")
		}
	}))
	c, br := r.dial()
	for _, step := range []struct{ req, body string }{
		{request("HEAD", "/", ""), ""}, {request("GET", "/", ""), "hello"}, {request("GET", "/304", ""), ""},
		{request("GET", "/204", ""), ""}, {request("HEAD", "/204", ""), ""}, {request("GET", "/", ""), "hello"},
	} {
		res, body := r.send(c, br, step.req)
		if body != step.body || res.StatusCode >= 400 {
			t.Fatalf("%.20q: %d %q", step.req, res.StatusCode, body)
		}
		if strings.HasPrefix(step.req, "HEAD / ") && res.ContentLength != 5 {
			t.Errorf("HEAD lost its length: %d", res.ContentLength)
		}
	}
}

func TestTheExpectationIsTheServicesToMeet(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.to(service(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/no" {
			w.WriteHeader(403)
			return
		}
		body, _ := io.ReadAll(q.Body)
		fmt.Fprintf(w, "got %s", body)
	}))
	c, br := r.dial()
	if _, err := io.WriteString(c, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := br.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("got %q, %v", line, err)
	}
	if line, err := br.ReadString('\n'); err != nil || line != "\r\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if res, body := r.send(c, br, "hello"); res.StatusCode != 200 || body != "got hello" {
		t.Fatalf("got %d %q", res.StatusCode, body)
	}
	if got := r.bytes("PUT /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 403 ") || !strings.Contains(got, "Connection: close") {
		t.Fatalf("refused: %q", got)
	}
}

func TestInterimAnswersArePassedOn(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.to(peer(t, says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")))
	if got := r.raw(request("GET", "/", "")); !strings.HasPrefix(got, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n") {
		t.Errorf("got %q", got)
	}
	if got := r.bytes("GET / HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("HTTP/1.0: got %q", got)
	}
}

func TestAnEarlyAnswerEndsTheUpload(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.to(peer(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
			_, _ = io.Copy(io.Discard, br)
		}
	}))
	c, br := r.dial()
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin"); err != nil {
		t.Fatal(err)
	}
	res, body := r.read(br, false)
	if res.StatusCode != 401 || body != "no" || !res.Close {
		t.Fatalf("got %d %q, close %v", res.StatusCode, body, res.Close)
	}
}

func TestOptionsAboutTheServerItselfAreAnsweredHere(t *testing.T) {
	r := newRig(t, rigOptions{})
	if got := r.raw("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 204 ") {
		t.Fatalf("got %q", got)
	}
}

func TestNoRouteAndNoInstanceAreSaid(t *testing.T) {
	r := newRig(t, rigOptions{})
	if got := r.raw(request("GET", "/", "")); !strings.HasPrefix(got, "HTTP/1.1 404 ") || !strings.Contains(got, "JD-GATEWAY-011") {
		t.Errorf("got %q", got)
	}
	r.to()
	if got := r.raw(request("POST", "/", "x")); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "JD-GATEWAY-012") {
		t.Errorf("got %q", got)
	}
	if got := r.raw(request("HEAD", "/", "")); !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.HasSuffix(got, "\r\n\r\n") {
		t.Errorf("HEAD: got %q", got)
	}
}

func TestTooManyConnectionsAreClosed(t *testing.T) {
	r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.Limits.Connections = 1 }})
	r.to(echo(t))
	c, br := r.dial()
	if res, _ := r.send(c, br, request("GET", "/", "")); res.StatusCode != 200 {
		t.Fatal(res.StatusCode)
	}
	second, sbr := r.dial()
	if _, err := sbr.ReadByte(); err == nil {
		t.Fatal("the second connection was served")
	}
	_ = second.Close()
	if res, _ := r.send(c, br, request("GET", "/", "")); res.StatusCode != 200 || r.gw.Events.ConnectionsRefused.Load() != 1 {
		t.Fatalf("first: %d, refused %d", res.StatusCode, r.gw.Events.ConnectionsRefused.Load())
	}
}

func TestTLSIsSpokenWhenConfigured(t *testing.T) {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	defer cert.Close()
	r := newRig(t, rigOptions{driver: Options{TLS: cert.TLS}})
	r.to(echo(t))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: cert.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}}}
	defer client.CloseIdleConnections()
	for _, body := range []string{"a", strings.Repeat("b", 100_000)} {
		res, err := client.Post("https://"+r.addr+"/", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || !strings.HasSuffix(string(got), body) || !strings.Contains(string(got), "X-Forwarded-Proto: https") {
			t.Fatalf("got %.300q, %v", got, err)
		}
	}
}

func TestATLSClientThatLeavesCancelsTheWork(t *testing.T) {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	defer cert.Close()
	asked, gone := make(chan struct{}), make(chan struct{})
	r := newRig(t, rigOptions{driver: Options{TLS: cert.TLS}})
	r.to(peer(t, func(_ net.Conn, br *bufio.Reader) {
		defer close(gone)
		if _, err := http.ReadRequest(br); err == nil {
			close(asked)
			_, _ = br.ReadByte()
		}
	}))
	c, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request("GET", "/", "")); err != nil {
		t.Fatal(err)
	}
	<-asked
	_ = c.Close()
	<-gone
	eventually(t, "it is counted", func() bool { return r.gw.Events.ClientsLeft.Load() == 1 })
}

func TestASlowUploadIsTheClientsFaultAndNotTheServices(t *testing.T) {
	r := newRig(t, rigOptions{})
	w := moved(closed(t), peer(t, func(_ net.Conn, br *bufio.Reader) { _, _ = io.Copy(io.Discard, br) }), 10000)
	w.routes = []v1.Route{rule(v1.RouteRule{Timeouts: &v1.Timeouts{Request: "80ms"}})}
	r.apply(w)
	for _, length := range []int{100, 50_000} {
		got := r.bytes(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\nab", length))
		if !strings.HasPrefix(got, "HTTP/1.1 408 ") {
			t.Errorf("length %d: got %q", length, got)
		}
	}
	eventually(t, "both are counted", func() bool { _, n := r.gw.Outcomes("move"); return n.Requests == 2 })
	if _, n := r.gw.Outcomes("move"); n.Failures != 0 {
		t.Errorf("%d failures charged to the new side", n.Failures)
	}
}

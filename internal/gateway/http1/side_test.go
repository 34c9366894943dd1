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
	"jindu.dev/jindu/internal/registry"
)

// moved is a world in which the service orders moves from old to new, with everybody of the share on
// the new side.
func moved(old, now string, buckets int) world {
	w := world{migrations: []v1.Migration{{
		Metadata: v1.Meta{Name: "move"},
		Spec:     v1.MigrationSpec{Service: "orders", From: v1.Selector{"runtime": "java17"}, To: v1.Selector{"runtime": "go1.26"}},
		Status:   v1.MigrationStatus{Phase: v1.PhaseHold, Buckets: buckets},
	}}}
	add := func(addr, runtime string) {
		if addr != "" {
			w.instances = append(w.instances, instance(addr, map[string]string{"runtime": runtime}))
		}
	}
	w.instances = []*registry.Instance{}
	add(old, "java17")
	add(now, "go1.26")
	return w
}

func answers(status int, body, extra string) func(net.Conn, *bufio.Reader) {
	return says(fmt.Sprintf("HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s", status, extra, len(body), body))
}

const refusal = "X-Jindu-Refused: 1\r\n"

// closed is an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	return ln.Addr().String()
}

func TestTheOldSideAnswersOnlyWhatTheNewOneRefusedBeforeAnyEffect(t *testing.T) {
	old := peer(t, answers(200, "old", ""))
	refuses := peer(t, answers(503, "later", refusal))
	long := strings.Repeat("x", 40_000)
	for name, c := range map[string]struct {
		now, method, body, want string
		fallbacks               int64
	}{
		"refused":                   {refuses, "POST", "x", "old", 1},
		"refused long":              {refuses, "POST", long, "old", 1},
		"refused GET":               {refuses, "GET", "", "old", 1},
		"refused PUT":               {refuses, "PUT", "x", "later", 0},
		"refused DELETE":            {refuses, "DELETE", "", "later", 0},
		"no connection":             {closed(t), "POST", "x", "old", 1},
		"no connection DELETE":      {closed(t), "DELETE", "", "JD-GATEWAY-014", 0},
		"no instance":               {"", "POST", "x", "old", 1},
		"no instance PUT":           {"", "PUT", "x", "JD-GATEWAY-012", 0},
		"sold out":                  {peer(t, answers(409, "sold out", "")), "POST", "x", "sold out", 0},
		"plain 503":                 {peer(t, answers(503, "busy", "")), "POST", "x", "busy", 0},
		"another header value":      {peer(t, answers(503, "busy", "X-Jindu-Refused: 0\r\n")), "POST", "x", "busy", 0},
		"refusal with another code": {peer(t, answers(500, "oops", refusal)), "POST", "x", "oops", 0},
		"closes early":              {peer(t, once("")), "POST", "x", "JD-GATEWAY-015", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigOptions{})
			r.apply(moved(old, c.now, 10000))
			got := r.raw(request(c.method, "/", c.body))
			if !strings.Contains(got, c.want) || strings.Contains(got, "Jindu") {
				t.Errorf("got %q, want %s", got, c.want)
			}
			eventually(t, "the exchange is counted", func() bool { return r.gw.InFlight() == 0 })
			before, after := r.gw.Outcomes("move")
			failed := int64(1)
			if c.want == "sold out" {
				failed = 0
			}
			if after.Requests != 1 || after.Fallbacks != c.fallbacks || after.Failures != failed || before.Requests != 0 {
				t.Errorf("old %d; new requests %d, failures %d, fallbacks %d", before.Requests, after.Requests, after.Failures, after.Fallbacks)
			}
			if after.Latency.Count() != 1 {
				t.Errorf("latency of %d requests", after.Latency.Count())
			}
		})
	}
}

func TestATimeoutOfAnUnsafeMethodIsUnknownAndNeverRepeated(t *testing.T) {
	var asked atomic.Int64
	r := newRig(t, rigOptions{})
	w := moved(peer(t, answers(200, "old", "")), peer(t, func(_ net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err == nil {
			asked.Add(1)
		}
		_, _ = io.Copy(io.Discard, br)
	}), 10000)
	w.routes = []v1.Route{rule(v1.RouteRule{Timeouts: &v1.Timeouts{BackendRequest: "50ms"}, Retry: &v1.Retry{Attempts: new(3)}})}
	r.apply(w)
	if got := r.raw(request("POST", "/", "x")); !strings.HasPrefix(got, "HTTP/1.1 504 ") || asked.Load() != 1 {
		t.Fatalf("asked %d times, got %q", asked.Load(), got)
	}
	if _, after := r.gw.Outcomes("move"); after.Failures != 1 || after.Fallbacks != 0 {
		t.Fatalf("new side: %d failures, %d fallbacks", after.Failures, after.Fallbacks)
	}
}

func TestFallbacksStopAtTheirBudget(t *testing.T) {
	r := newRig(t, rigOptions{options: gateway.Options{Now: standing(time.Now())}})
	w := moved(peer(t, answers(200, "old", "")), peer(t, answers(503, "later", refusal)), 10000)
	w.migrations[0].Spec.Breaker.Disabled = true
	r.apply(w)
	c, br := r.dial()
	fell := 0
	for range 100 {
		if _, body := r.send(c, br, request("GET", "/", "")); body == "old" {
			fell++
		}
	}
	// 20 a second and 20 % of those asked so far, in a second that does not pass.
	if fell < 20 || fell > 40 || r.gw.Events.FallbacksDenied.Load() == 0 {
		t.Fatalf("%d of 100 fell back, %d denied", fell, r.gw.Events.FallbacksDenied.Load())
	}
	w.migrations[0].Spec.Fallback.Disabled = true
	r.apply(w)
	if _, body := r.send(c, br, request("GET", "/", "")); body != "later" {
		t.Fatalf("switched off: got %q", body)
	}
}

// standing is a clock that does not move on. Deadlines do not pass with it.
func standing(t time.Time) func() time.Time { return func() time.Time { return t } }

func TestTheBreakerKeepsTheNewSideFromRequests(t *testing.T) {
	var asked atomic.Int64
	failing := atomic.Bool{}
	failing.Store(true)
	now := service(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if failing.Load() {
			w.WriteHeader(500)
		}
	})
	r := newRig(t, rigOptions{})
	w := moved(peer(t, answers(200, "old", "")), now, 10000)
	least := 10
	w.migrations[0].Spec.Breaker = v1.BreakerSpec{Requests: &least, Open: "50ms"}
	r.apply(w)
	c, br := r.dial()
	for range 10 {
		if res, _ := r.send(c, br, request("GET", "/", "")); res.StatusCode != 500 {
			t.Fatalf("closed circuit: %d", res.StatusCode)
		}
	}
	res, body := r.send(c, br, request("POST", "/", "x"))
	if body != "old" || asked.Load() != 10 {
		t.Fatalf("open circuit: %d %q, the new side was asked %d times", res.StatusCode, body, asked.Load())
	}
	if res, body = r.send(c, br, request("DELETE", "/", "")); res.StatusCode != 503 || !strings.Contains(body, "JD-GATEWAY-013") {
		t.Fatalf("DELETE with an open circuit: %d %q", res.StatusCode, body)
	}
	failing.Store(false)
	eventually(t, "a trial closes the circuit", func() bool {
		res, body := r.send(c, br, request("GET", "/", ""))
		return res.StatusCode == 200 && body == ""
	})
	if res, body = r.send(c, br, request("DELETE", "/", "")); res.StatusCode != 200 || body != "" {
		t.Fatalf("closed again: %d %q", res.StatusCode, body)
	}
}

func TestAServiceMayHaveABreakerForEachOfItsSubsets(t *testing.T) {
	failing := atomic.Bool{}
	failing.Store(true)
	one := service(t, func(w http.ResponseWriter, _ *http.Request) {
		if failing.Load() {
			w.WriteHeader(500)
		}
	})
	r := newRig(t, rigOptions{})
	w := moved(one, peer(t, answers(200, "new", "")), 0)
	w.migrations = nil
	pinned := func(path, runtime string) v1.RouteRule {
		return v1.RouteRule{Matches: []v1.RouteMatch{{Path: &v1.PathMatch{Value: path}}},
			BackendRefs: []v1.BackendRef{{BackendTarget: v1.BackendTarget{Service: "orders", Subset: v1.Selector{"runtime": runtime}}}}}
	}
	w.routes = []v1.Route{rule(pinned("/old", "java17")), rule(pinned("/new", "go1.26"))}
	w.routes[1].Metadata.Name = "other"
	w.spec = v1.ServiceSpec{Breaker: &v1.BreakerSpec{Requests: new(10), Open: "50ms"}, Outlier: &v1.Outlier{Disabled: true}}
	r.apply(w)
	c, br := r.dial()
	for range 10 {
		if res, _ := r.send(c, br, request("GET", "/old", "")); res.StatusCode != 500 {
			t.Fatalf("closed circuit: %d", res.StatusCode)
		}
	}
	if res, body := r.send(c, br, request("GET", "/old", "")); res.StatusCode != 503 || !strings.Contains(body, "JD-GATEWAY-013") {
		t.Fatalf("open circuit: %d %q", res.StatusCode, body)
	}
	if _, body := r.send(c, br, request("GET", "/new", "")); body != "new" {
		t.Fatalf("the other subset answered %q", body)
	}
	r.apply(w) // a new table keeps the circuit as it is
	failing.Store(false)
	eventually(t, "a trial closes the circuit", func() bool {
		res, _ := r.send(c, br, request("GET", "/old", ""))
		return res.StatusCode == 200
	})
}

func TestASwapOfTablesTouchesNoConnection(t *testing.T) {
	old, now := peer(t, answers(200, "old", "")), peer(t, answers(200, "new", ""))
	r := newRig(t, rigOptions{})
	c, br := r.dial()
	for i := range 20 {
		w := moved(old, now, (i%2)*10000)
		r.apply(w)
		want := []string{"old", "new"}[i%2]
		if _, body := r.send(c, br, request("GET", "/", "")); body != want {
			t.Fatalf("table %d: %q answered", i, body)
		}
	}
	if n := r.gw.Events.UpstreamDials.Load(); n != 2 {
		t.Fatalf("%d connections for 2 instances", n)
	}
	eventually(t, "10 on each side: outcomes outlive tables", func() bool {
		old, now := r.gw.Outcomes("move")
		return old.Requests == 10 && now.Requests == 10
	})
	for _, s := range r.gw.Traffic() {
		if s.Subset == "runtime=java17" && s.Requests != 10 {
			t.Fatalf("traffic %+v", s.Requests)
		}
	}
}

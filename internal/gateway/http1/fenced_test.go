package http1

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/route"
)

// crossing is a world in which the rows of the service cross too: order N1 was made on the new side.
func crossing(old, now string, buckets int, epoch int64) world {
	w := moved(old, now, buckets)
	w.migrations[0].Status.Epoch = epoch
	w.migrations[0].Spec.Data = &v1.DataSpec{
		Old: v1.DataSide{Database: "a", Capture: "binlog"}, New: v1.DataSide{Database: "b", Capture: "outbox"},
		Tables: []v1.TableRule{{Name: "orders"}}, Owners: []v1.OwnerRule{{Path: "/orders/{id}", New: "N.*"}},
	}
	return w
}

// side is a service that keeps the marks of its requests and may be fenced below an epoch.
type side struct {
	name  string
	below atomic.Int64 // marks of smaller epochs are refused
	mu    sync.Mutex
	marks []string
	body  []string
}

func (s *side) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.marks = append(s.marks, strings.Join(r.Header.Values("X-Jindu-Mark"), ","))
	s.body = append(s.body, string(b))
	s.mu.Unlock()
	if m, ok := v1.ParseMark(r.Header.Get("X-Jindu-Mark")); ok && m.Epoch < s.below.Load() {
		w.Header().Set("X-Jindu-Refused", "fenced")
		w.WriteHeader(503)
		_, _ = io.WriteString(w, "moved")
		return
	}
	_, _ = io.WriteString(w, s.name)
}

func (s *side) seen(t *testing.T) (marks []v1.Mark) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range s.marks {
		m, ok := v1.ParseMark(text)
		if !ok {
			t.Fatalf("mark %q", text)
		}
		marks = append(marks, m)
	}
	return marks
}

func newSide(t testing.TB, name string) (*side, string) {
	s := &side{name: name}
	return s, service(t, s.ServeHTTP)
}

func TestRequestsCarryAMark(t *testing.T) {
	old, oldAt := newSide(t, "old")
	now, nowAt := newSide(t, "new")
	tap := &tape{plan: gateway.Plan{Record: true, MaxRequest: 1 << 20, MaxResponse: 1 << 20}}
	r := newRig(t, rigOptions{options: gateway.Options{Tap: tap}})
	r.apply(crossing(oldAt, nowAt, 5000, 7))
	bucket := route.Bucket("move", "ann")
	s, user := old, "ann"
	if bucket < 5000 {
		s = now
	}
	forged := "X-Jindu-Mark: jindu:0000000000000000:p:99:1"
	r.get("/", "X-User-Id: "+user, forged)
	r.get("/", "X-User-Id: "+user)
	r.get("/orders/N1", "X-User-Id: "+user)
	marks := s.seen(t)
	if len(marks) < 2 || marks[0].Epoch != 7 || marks[0].Bucket != bucket || marks[0].Shadow || marks[0].Run == marks[1].Run {
		t.Fatalf("marks %+v, bucket is %d", marks, bucket)
	}
	all := now.seen(t)
	if last := all[len(all)-1]; last.Bucket != -1 {
		t.Fatalf("by owner: %+v", last)
	}
	eventually(t, "all are recorded", func() bool { return len(tap.all()) == 3 })
	for i, rec := range tap.all() {
		if rec.Epoch != 7 || len(rec.Run) != 16 || rec.ByOwner != (i == 2) {
			t.Errorf("recorded %d: run %q, epoch %d, by owner %v", i, rec.Run, rec.Epoch, rec.ByOwner)
		}
		for _, h := range rec.Header {
			if strings.EqualFold(h.Name, "X-Jindu-Mark") {
				t.Errorf("the client's mark was taken over: %v", h)
			}
		}
	}
	if got := tap.all()[0].Run; got != marks[0].Run {
		t.Errorf("recorded run %s, the service had %s", got, marks[0].Run)
	}
	w := crossing(oldAt, nowAt, 0, 8)
	w.migrations[0].Spec.Data = nil
	r.apply(w)
	r.get("/", forged)
	if old.mu.Lock(); old.marks[len(old.marks)-1] != "" {
		t.Errorf("a migration without data marks %q", old.marks)
	}
	old.mu.Unlock()
}

func TestEachTryIsARunOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	var marks []string
	fails := func(status int, extra string) string {
		return peer(t, func(c net.Conn, br *bufio.Reader) {
			for {
				req, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				mu.Lock()
				marks = append(marks, req.Header.Get("X-Jindu-Mark"))
				mu.Unlock()
				_ = write(c, fmt.Sprintf("HTTP/1.1 %d X\r\n%sContent-Length: 0\r\n\r\n", status, extra))
			}
		})
	}
	tap := &tape{plan: gateway.Plan{Record: true}}
	r := newRig(t, rigOptions{options: gateway.Options{Tap: tap}})
	w := crossing(fails(200, ""), fails(503, refusal), 10_000, 3)
	r.apply(w)
	r.get("/") // falls back
	w = crossing(fails(500, ""), "", 0, 4)
	w.routes = []v1.Route{rule(v1.RouteRule{Retry: &v1.Retry{Attempts: new(1), Codes: []int{500}}})}
	r.apply(w)
	r.get("/") // is tried again
	mu.Lock()
	defer mu.Unlock()
	runs := map[string]bool{}
	for _, text := range marks {
		m, ok := v1.ParseMark(text)
		if !ok {
			t.Errorf("mark %q", text)
		}
		runs[m.Run] = true
	}
	if len(marks) != 4 || len(runs) != 4 {
		t.Fatalf("marks %q", marks)
	}
	eventually(t, "both are recorded", func() bool { return len(tap.all()) == 2 })
	for i, rec := range tap.all() {
		if m, _ := v1.ParseMark(marks[2*i+1]); rec.Run != m.Run {
			t.Errorf("recorded run %q, that of the answer is %q", rec.Run, m.Run)
		}
	}
}

func TestATrustedPeersMarkGoesOnWhereThereIsNoOther(t *testing.T) {
	shadow := "jindu:00000000000000ab:s:99:1"
	old, oldAt := newSide(t, "old")
	_, nowAt := newSide(t, "new")
	r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.TrustedProxies = []string{"127.0.0.0/8"} }})
	w := crossing(oldAt, nowAt, 0, 8)
	w.migrations[0].Spec.Data = nil
	r.apply(w)
	r.get("/", "X-Jindu-Mark: "+shadow)
	r.apply(crossing(oldAt, nowAt, 0, 8))
	r.get("/", "X-Jindu-Mark: "+shadow)                          // not a copy: this service's own
	r.get("/", "X-Jindu-Mark: "+shadow, "X-Jindu-Shadow: other") // what a copy calls is the copy's
	r.get("/", "X-Jindu-Shadow: other")                          // a copy without a mark is no user's request
	marks := old.seen(t)
	if len(marks) != 4 || marks[0].String() != shadow || marks[1].Shadow || marks[1].Epoch != 8 || marks[2].String() != shadow || !marks[3].Shadow {
		t.Fatalf("%+v", marks)
	}
}

func TestAFencedRequestWaitsForTheShareThatFollows(t *testing.T) {
	for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH"} {
		for _, body := range []string{"", "x", strings.Repeat("x", 40_000)} {
			if body != "" && (method == "GET" || method == "DELETE") {
				continue
			}
			old, oldAt := newSide(t, "old")
			now, nowAt := newSide(t, "new")
			old.below.Store(8)
			r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.Timeouts.Fenced = 10 * time.Second }})
			r.apply(crossing(oldAt, nowAt, 0, 7))
			got := make(chan string, 1)
			go func() { got <- r.raw(request(method, "/", body)) }()
			eventually(t, "it waits", func() bool { return waiting(r) == 1 })
			r.apply(crossing(oldAt, nowAt, 0, 7)) // another table, not another share
			r.apply(crossing(oldAt, nowAt, 10_000, 8))
			if answer := <-got; !strings.Contains(answer, "200 OK") || !strings.HasSuffix(answer, "new") {
				t.Fatalf("%s %d bytes: %q", method, len(body), answer)
			}
			marks := now.seen(t)
			if len(marks) != 1 || marks[0].Epoch != 8 || now.body[0] != body || len(old.seen(t)) != 1 {
				t.Fatalf("%s: the new side was asked with %+v", method, marks)
			}
			eventually(t, "it is counted", func() bool { return r.gw.InFlight() == 0 })
			before, after := r.gw.Outcomes("move")
			if before.Requests != 0 || after.Requests != 1 || after.Failures != 0 || after.Fallbacks != 0 {
				t.Errorf("%s: old %+v, new %+v", method, before.Requests, after.Requests)
			}
			if e := &r.gw.Events; e.Fenced.Load() != 1 || e.FencedDenied.Load() != 0 || e.Ejections.Load() != 0 {
				t.Errorf("%s: fenced %d, denied %d", method, e.Fenced.Load(), e.FencedDenied.Load())
			}
		}
	}
}

// all are the recordings so far.
func (t *tape) all() []*gateway.Recorded {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]*gateway.Recorded(nil), t.recs...)
}

// waiting is how many requests wait for a share, as the metrics say it.
func waiting(r *rig) int64 { return r.gw.Events.Fenced.Load() }

func TestAFenceThatWasTakenBackIsAskedOnceMore(t *testing.T) {
	old, oldAt := newSide(t, "old")
	_, nowAt := newSide(t, "new")
	old.below.Store(8)
	r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.Timeouts.Fenced = 300 * time.Millisecond }})
	r.apply(crossing(oldAt, nowAt, 0, 7))
	got := make(chan string, 1)
	go func() { got <- r.raw(request("POST", "/", "x")) }()
	eventually(t, "it is refused", func() bool { return waiting(r) == 1 })
	old.below.Store(0)
	if answer := <-got; !strings.HasSuffix(answer, "old") {
		t.Fatalf("%q", answer)
	}
}

func TestARefusalOfAFenceIsGivenBackWhenNothingHelps(t *testing.T) {
	old, oldAt := newSide(t, "old")
	_, nowAt := newSide(t, "new")
	old.below.Store(8)
	for name, c := range map[string]struct {
		config func(*gateway.Config)
		body   string
		asked  int
	}{
		"no share comes":  {func(c *gateway.Config) { c.Timeouts.Fenced = 20 * time.Millisecond }, "x", 2},
		"too many wait":   {func(c *gateway.Config) { c.Limits.Fenced = 0 }, "x", 1},
		"not replayable":  {func(c *gateway.Config) { c.Limits.ReplayBytes = 100 }, strings.Repeat("x", 40_000), 1},
		"the route's end": {nil, "x", 1},
	} {
		r := newRig(t, rigOptions{config: c.config})
		w := crossing(oldAt, nowAt, 0, 7)
		if c.config == nil {
			w.routes = []v1.Route{rule(v1.RouteRule{Timeouts: &v1.Timeouts{Request: "200ms"}})}
		}
		r.apply(w)
		old.mu.Lock()
		old.marks = nil
		old.mu.Unlock()
		answer := r.raw(request("POST", "/", c.body))
		if !strings.HasPrefix(answer, "HTTP/1.1 503 ") || !strings.Contains(answer, "Retry-After: 1\r\n") || strings.Contains(answer, "X-Jindu") {
			t.Errorf("%s: %q", name, answer)
		}
		if c.config == nil && !strings.Contains(answer, "JD-GATEWAY-017") {
			t.Errorf("%s: %q", name, answer)
		}
		if n := len(old.seen(t)); n != c.asked {
			t.Errorf("%s: asked %d times", name, n)
		}
		eventually(t, "it is counted", func() bool { return r.gw.InFlight() == 0 })
		if before, _ := r.gw.Outcomes("move"); before.Requests != 1 || before.Failures != 0 {
			t.Errorf("%s: %d requests, %d failures", name, before.Requests, before.Failures)
		}
		if r.gw.Events.Ejections.Load() != 0 {
			t.Errorf("%s: the instance was ejected", name)
		}
	}
}

func TestAWaitEndsWithTheMigrationOrTheRoute(t *testing.T) {
	old, oldAt := newSide(t, "old")
	_, nowAt := newSide(t, "new")
	for name, c := range map[string]struct {
		next func(*world)
		want string
	}{
		"no migration": {func(w *world) { w.migrations = nil; old.below.Store(0) }, "200 OK"},
		"no route": {func(w *world) {
			w.routes = []v1.Route{rule(v1.RouteRule{Matches: []v1.RouteMatch{{Path: &v1.PathMatch{Type: "Exact", Value: "/other"}}}})}
		}, "JD-GATEWAY-011"},
	} {
		old.below.Store(8)
		r := newRig(t, rigOptions{config: func(c *gateway.Config) { c.Timeouts.Fenced = 10 * time.Second }})
		r.apply(crossing(oldAt, nowAt, 0, 7))
		got := make(chan string, 1)
		go func() { got <- r.raw(request("POST", "/", "x")) }()
		eventually(t, "it is refused", func() bool { return waiting(r) == 1 })
		w := crossing(oldAt, nowAt, 0, 8)
		c.next(&w)
		r.apply(w)
		if answer := <-got; !strings.Contains(answer, c.want) {
			t.Errorf("%s: %q", name, answer)
		}
	}
}

func TestAPlainServicesFenceIsAnAnswer(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.to(peer(t, answers(503, "mine", "X-Jindu-Refused: fenced\r\n")))
	if answer := r.raw(request("GET", "/", "")); !strings.HasSuffix(answer, "mine") || strings.Contains(answer, "Retry-After") || r.gw.Events.Fenced.Load() != 0 {
		t.Errorf("%q", answer)
	}
}

func TestWhatAnOwnerDecidedIsChargedToNoCohort(t *testing.T) {
	refuses := peer(t, answers(503, "later", refusal))
	tap := &tape{plan: gateway.Plan{Record: true, MaxRequest: 1 << 20, MaxResponse: 1 << 20}}
	r := newRig(t, rigOptions{options: gateway.Options{Tap: tap}})
	w := crossing(peer(t, answers(200, "old", "")), refuses, 0, 7)
	r.apply(w)
	if answer := r.raw(request("POST", "/orders/N1", "x")); !strings.HasSuffix(answer, "later") {
		t.Errorf("what writes to the new side's order went elsewhere: %q", answer)
	}
	if answer := r.raw(request("GET", "/orders/N1", "")); !strings.HasSuffix(answer, "old") {
		t.Errorf("a read may fall back: %q", answer)
	}
	r.raw(request("POST", "/orders/1", "x"))
	eventually(t, "all are counted", func() bool { return r.gw.InFlight() == 0 })
	if before, after := r.gw.Outcomes("move"); before.Requests+after.Requests != 0 {
		t.Errorf("old %d, new %d", before.Requests, after.Requests)
	}
	if all := tap.all(); len(all) != 1 || all[0].Method != "GET" {
		t.Errorf("recorded %d", len(all))
	}
}

func TestAMarkedRequestAllocatesNothing(t *testing.T) {
	if racing {
		t.Skip("the race detector makes pools forget")
	}
	r := newRig(t, rigOptions{})
	w := crossing(peer(t, bare), peer(t, bare), 5000, 1_000_000)
	w.routes = []v1.Route{rule(v1.RouteRule{Matches: []v1.RouteMatch{{Path: &v1.PathMatch{Type: "Template", Value: "/orders/{id}"}}}})}
	r.apply(w)
	c, _ := r.dial()
	out, buf := []byte(benchRequest), make([]byte, 4096)
	one := func() {
		if err := exchangeRaw(c, out, buf); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		one()
	}
	if n := testing.AllocsPerRun(300, one); n > 1 {
		t.Fatalf("%v allocations a request", n)
	}
}

package effects

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
)

// node hears reports. It is a RoundTripper, so that it answers in a synctest bubble too.
type node struct {
	mu      sync.Mutex
	reports []v1.EffectReport
	at      []time.Time
	path    string
	calls   int
	status  func() int // 0: the call hangs
}

func (n *node) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls++
	n.path = r.URL.Path
	status := http.StatusNoContent
	if n.status != nil {
		status = n.status()
	}
	if status == 0 {
		n.mu.Unlock()
		<-r.Context().Done()
		n.mu.Lock()
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	if status == http.StatusNoContent {
		var report v1.EffectReport
		if err := json.NewDecoder(r.Body).Decode(&report); err != nil {
			return nil, err
		}
		n.reports, n.at = append(n.reports, report), append(n.at, time.Now())
	}
	return w.Result(), nil
}

func (n *node) reporter(t *testing.T, queue int) *Reporter {
	t.Helper()
	r, err := NewReporter(Options{Service: "shop/1", Client: &http.Client{Transport: n}, Queue: queue})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func run(n int) v1.RunEffects {
	return v1.RunEffects{Run: fmt.Sprintf("%016x", n), Effects: []v1.Effect{}, Closed: true}
}

func request(mark, shadow string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/orders", http.NoBody)
	if mark != "" {
		r.Header.Set("X-Jindu-Mark", mark)
	}
	if shadow != "" {
		r.Header.Set("X-Jindu-Shadow", shadow)
	}
	return r
}

func TestARunIsToldSoonAfterItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{}
		r := n.reporter(t, 0)
		h := r.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			Record(req.Context(), v1.Effect{Kind: v1.EffectMessage, Op: "send", Target: "orders", Body: strings.Repeat("x", maxBody+1)})
			if name, value := SendMark(req.Context()); name != "jindu-mark" || value != mark1 && value != "" {
				t.Errorf("%s: %s", name, value)
			}
		}))
		h.ServeHTTP(httptest.NewRecorder(), request(mark1, ""))
		ended := time.Now()
		h.ServeHTTP(httptest.NewRecorder(), request("", ""))
		h.ServeHTTP(httptest.NewRecorder(), request("", "m"))
		h.ServeHTTP(httptest.NewRecorder(), request("jindu:garbage", ""))
		func() {
			defer func() { _ = recover() }()
			r.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no") })).ServeHTTP(httptest.NewRecorder(), request("jindu:00000000000000a2:s:1:-", "m"))
		}()
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		if n.path != "/api/v1/services/shop/1/effects" || len(n.reports) != 1 || n.at[0].Sub(ended) > 20*time.Millisecond {
			t.Fatalf("%s: %d reports at %v", n.path, len(n.reports), n.at)
		}
		if runs := n.reports[0].Runs; len(runs) != 2 || runs[0].Run != "00000000000000a1" || !runs[0].Closed || len(runs[0].Effects) != 1 || !runs[0].Effects[0].Truncated || runs[1].Effects == nil {
			t.Errorf("told %+v", n.reports[0])
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		r.put(run(1))
		if s := r.Stats(); s != (Stats{Runs: 2, Reports: 1, Lost: 1}) {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatComesAfterTheEndIsCounted(t *testing.T) {
	n := &node{}
	r := n.reporter(t, 0)
	var late context.Context
	r.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { late = req.Context() })).ServeHTTP(httptest.NewRecorder(), request(mark1, ""))
	Record(late, v1.Effect{})
	tallyIn(late).wrote(1)
	tallyIn(late).change(0, func(*v1.Effect) { t.Error("changed") })
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if s := r.Stats(); s.Late != 2 {
		t.Errorf("%+v", s)
	}
	Record(t.Context(), v1.Effect{}) // of nobody: nothing happens
}

func TestANodeThatDoesNotListenDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{status: func() int { return 0 }}
		r := n.reporter(t, 8)
		start := time.Now()
		for i := range 100 {
			r.put(run(i))
		}
		if time.Since(start) > 0 {
			t.Error("it waited")
		}
		time.Sleep(5 * time.Second)
		n.mu.Lock()
		n.status = nil
		n.mu.Unlock()
		r.put(run(1000))
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		s := r.Stats()
		if s.Runs+s.Lost != 101 || s.Runs == 0 || n.reports[0].Lost != s.Lost {
			t.Errorf("%+v, told %d lost", s, n.reports[0].Lost)
		}
	})
}

func TestReportsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{}
		r := n.reporter(t, 4096)
		big := run(0)
		for range 6 {
			big.Effects = append(big.Effects, v1.Effect{Body: strings.Repeat("x", 50_000)})
		}
		for i := range 3000 {
			r.put(run(i))
		}
		for range 4 {
			r.put(big)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		total := 0
		for _, report := range n.reports {
			total += len(report.Runs)
			if len(report.Runs) > maxRuns {
				t.Errorf("%d runs in one", len(report.Runs))
			}
		}
		if total != 3004 || len(n.reports) < 4 {
			t.Errorf("%d runs in %d reports", total, len(n.reports))
		}
	})
}

func TestOnlyWhatMayHelpIsTriedAgain(t *testing.T) {
	for status, want := range map[int]struct{ calls, lost int }{404: {1, 1}, 503: {2, 1}, 429: {2, 1}} {
		n := &node{status: func() int { return status }}
		r := n.reporter(t, 0)
		r.put(run(1))
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n.calls != want.calls || r.Stats().Lost != int64(want.lost) {
			t.Errorf("%d: %d calls, %+v", status, n.calls, r.Stats())
		}
	}
}

func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{status: func() int { return 0 }}
		r := n.reporter(t, 0)
		r.put(run(1))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := r.Close(ctx); err == nil {
			t.Error("no error")
		}
		if r.Stats().Lost != 1 {
			t.Errorf("%+v", r.Stats())
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{}, {Service: "a", Queue: -1}, {Service: "a", Node: "ftp://x"}} {
		if _, err := NewReporter(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func TestMiddlewareWithoutAReporterKnowsShadows(t *testing.T) {
	var r *Reporter
	for _, c := range []struct {
		mark, shadow   string
		of, is, marked bool
	}{
		{"", "", false, false, false}, {mark1, "", true, false, true}, {"", "m", true, true, false}, {mark1, "m", true, true, false},
		{"jindu:00000000000000a1:s:1:-", "m", true, true, true}, {"jindu:00000000000000a1:s:1:-", "", true, true, true}, {"other", "", true, true, false},
	} {
		r.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			run, of := sdk.RunIn(req.Context())
			if of != c.of || run.Shadow != c.is || run.Marked != c.marked || (Allow(req.Context(), "message") != nil) != c.is {
				t.Errorf("%q %q: %+v", c.mark, c.shadow, run)
			}
		})).ServeHTTP(httptest.NewRecorder(), request(c.mark, c.shadow))
	}
}

func TestARunIsBounded(t *testing.T) {
	ctx, tally := in(t.Context(), mark1)
	for range maxEffects + 10 {
		Record(ctx, v1.Effect{Kind: v1.EffectRow})
	}
	if told := tally.close("x"); len(told.Effects) > maxEffects || !told.Effects[len(told.Effects)-1].Truncated {
		t.Errorf("%d effects", len(told.Effects))
	}
	ctx, tally = in(t.Context(), mark1)
	value := strings.Repeat("v", 1000)
	for range 1000 {
		Record(ctx, v1.Effect{Kind: v1.EffectRow, After: []v1.ColumnValue{{Name: "a", Value: &value}}, Args: []string{value}})
	}
	if tally.bytes > maxRunBytes {
		t.Errorf("%d bytes", tally.bytes)
	}
}

package scene

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/examples/order-go/order"
	"jindu.dev/jindu/internal/demo"
	"jindu.dev/jindu/internal/kit/screen"
	"jindu.dev/jindu/internal/load"
	"jindu.dev/jindu/internal/load/httpload"
)

// script is a stage and a node that play a migration by heart. The gateway is the order service itself.
type script struct {
	gateway string
	ends    v1.MigrationStatus // after three looks
	enter   error

	mu      sync.Mutex
	applied []string
	looks   int
	entered bool
	closed  bool
	failed  chan error
}

func (s *script) Open(context.Context, func(string)) (demo.Place, error) {
	return demo.Place{Node: s, Gateway: s.gateway, Console: s.gateway, OldRuntime: demo.StandIn, NewRuntime: "go1.26"}, nil
}

func (s *script) Enter(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entered = true
	return s.enter
}

func (s *script) Failed() <-chan error { return s.failed }

func (s *script) Close() { s.closed = true }

func (s *script) Apply(_ context.Context, k v1.Kind, name string, spec any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	note := string(k) + " " + name
	if r, ok := spec.(v1.RouteSpec); ok {
		if only := r.Rules[0].BackendRefs[0].Subset; len(only) > 0 {
			note += " pinned to " + only["runtime"]
		}
	}
	s.applied = append(s.applied, note)
	return nil
}

func (s *script) Usable(context.Context, string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entered {
		return 2, nil
	}
	return 1, nil
}

func (s *script) Migration(context.Context, string) (v1.Migration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	began := v1.Transition{At: time.Now(), Phase: v1.PhaseMirror, Reason: "began"}
	if s.looks < 3 {
		return v1.Migration{Status: v1.MigrationStatus{Phase: v1.PhaseMirror, History: []v1.Transition{began}}}, nil
	}
	st := s.ends
	st.History = append([]v1.Transition{began}, st.History...)
	return v1.Migration{Status: st}, nil
}

func (s *script) Evidence(context.Context, string) (v1.Evidence, error) {
	return v1.Evidence{Gates: []v1.Gate{{Name: "mismatch", Verdict: v1.VerdictPass}}, Endpoints: []v1.EndpointEvidence{
		{Endpoint: "GET /quote", Paths: []v1.PathEvidence{{Path: "$.tax", Samples: []v1.Sample{{Old: "1.00", New: "0.99"}}}}}}}, nil
}

func (s *script) Overview(context.Context) (v1.Overview, error) { return v1.Overview{Rate: 1}, nil }

func newScript(t *testing.T, handler func(http.Handler) http.Handler) *script {
	t.Helper()
	h := order.New(newStore(t), time.Now).Handler()
	if handler != nil {
		h = handler(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &script{gateway: server.URL, failed: make(chan error, 1)}
}

func tell(ctx context.Context, s *script, d *demo.Defect, keep bool, pace demo.Pace) (demo.Outcome, string, error) {
	var out strings.Builder
	o, err := demo.Story(ctx, demo.Options{Defect: d, Pace: pace, Rate: 200, Keep: keep, Now: time.Now}, s, testDial, screen.New(&out, false, false, 80))
	return o, out.String(), err
}

func testDial(url string, timeout time.Duration) (load.Client, error) {
	return httpload.New(url, timeout)
}

var brief = demo.Pace{WarmUp: 20 * time.Millisecond, After: 200 * time.Millisecond, MinSamples: 1, MinRequests: 1, Limit: time.Minute}

func TestTheStoryEndsAsTheMigrationDoes(t *testing.T) {
	s := newScript(t, nil)
	s.ends = v1.MigrationStatus{Phase: v1.PhaseDone, Buckets: 10_000, Verdict: v1.VerdictPass, History: []v1.Transition{{At: time.Now(), Phase: v1.PhaseDone, Buckets: 10_000, Reason: "every gate passed"}}}
	o, out, err := tell(t.Context(), s, nil, false, brief)
	if err != nil {
		t.Fatal(err)
	}
	if o.Unexpected != "" || o.Phase != v1.PhaseDone || o.Share != 100 || o.Errors != 0 || o.Requests == 0 || o.OldRuntime != demo.StandIn || o.FirstDifference != nil || o.Seconds <= 0 {
		t.Errorf("outcome %+v", o)
	}
	want := "Service orders, Route orders pinned to go-stand-in, Migration orders, Route orders"
	if got := strings.Join(s.applied, ", "); got != want || !s.closed {
		t.Errorf("applied %s, closed %v", got, s.closed)
	}
	for _, part := range []string{"a stand-in in Go plays the old service", "every gate passed", "as expected", "everything is stopped"} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is missing in\n%s", part, out)
		}
	}
}

func TestTheStoryOfADefectNamesItAndItsValues(t *testing.T) {
	d, err := demo.DefectNamed("rounding")
	if err != nil {
		t.Fatal(err)
	}
	s := newScript(t, nil)
	s.ends = v1.MigrationStatus{Phase: v1.PhaseRolledBack, Verdict: v1.VerdictFail, FirstDifference: &v1.DifferenceRef{Endpoint: "GET /quote", Path: "$.tax"}, Reason: "mismatch"}
	o, out, err := tell(t.Context(), s, d, false, brief)
	if err != nil || o.Unexpected != "" || o.FirstDifference == nil || o.FirstDifference.Path != "$.tax" {
		t.Errorf("outcome %+v (%v)", o, err)
	}
	for _, part := range []string{"planted in the new service: rounding", "old 1.00, new 0.99", "everyone is back on the old service: mismatch"} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is missing in\n%s", part, out)
		}
	}
}

func TestAWrongAnswerIsNeverAsExpected(t *testing.T) {
	s := newScript(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/products" {
				http.Error(w, "nothing", http.StatusBadGateway)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	s.ends = v1.MigrationStatus{Phase: v1.PhaseDone, Buckets: 10_000, Verdict: v1.VerdictPass}
	o, out, err := tell(t.Context(), s, nil, false, brief)
	if err != nil || o.Errors == 0 || o.Unexpected == "" || !strings.Contains(out, "wrong answer: GET /products?page=") {
		t.Errorf("outcome %+v (%v)\n%s", o, err, out)
	}
}

func TestTheStoryEndsEarlyWhenItCannotGoOn(t *testing.T) {
	crash := errors.New("store ended by itself")
	for name, c := range map[string]struct {
		change func(*script)
		want   error
	}{
		"a process ends":        {func(s *script) { s.failed <- crash }, crash},
		"the new one stays out": {func(s *script) { s.enter = crash }, crash},
	} {
		s := newScript(t, nil)
		s.ends = v1.MigrationStatus{Phase: v1.PhaseMirror}
		c.change(s)
		if _, _, err := tell(t.Context(), s, nil, false, brief); !errors.Is(err, c.want) || !s.closed {
			t.Errorf("%s: %v, closed %v", name, err, s.closed)
		}
	}
	s := newScript(t, nil)
	s.ends = v1.MigrationStatus{Phase: v1.PhaseMirror}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, _, err := tell(ctx, s, nil, false, brief); !errors.Is(err, context.DeadlineExceeded) || !s.closed {
		t.Errorf("interrupted: %v, closed %v", err, s.closed)
	}
}

func TestAMigrationThatStandsStillIsReportedAsItStands(t *testing.T) {
	s := newScript(t, nil)
	s.ends = v1.MigrationStatus{Phase: v1.PhaseRamp, Buckets: 500, Verdict: v1.VerdictPass}
	pace := brief
	pace.Limit = time.Second
	o, _, err := tell(t.Context(), s, nil, false, pace)
	if err != nil || o.Phase != v1.PhaseRamp || o.Share != 5 || o.Verdict != v1.VerdictNotEnough || o.Unexpected == "" {
		t.Errorf("outcome %+v (%v)", o, err)
	}
}

func TestKeepGoesOnUntilInterrupted(t *testing.T) {
	s := newScript(t, nil)
	s.ends = v1.MigrationStatus{Phase: v1.PhaseDone, Buckets: 10_000, Verdict: v1.VerdictPass}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	var out string
	go func() {
		defer close(done)
		_, out, _ = tell(ctx, s, nil, true, brief)
	}()
	select {
	case <-done:
		t.Error("it ended by itself")
	case <-time.After(3 * time.Second): // it keeps running: nothing happens that could be waited for
	}
	cancel()
	<-done
	if !strings.Contains(out, "everything keeps running") || !s.closed {
		t.Errorf("closed %v\n%s", s.closed, out)
	}
}

package migrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/route"
)

// world is every port of a server, in memory.
type world struct {
	mu        sync.Mutex
	object    v1.Migration
	hang      bool // the store answers only when the caller gives up
	by        []string
	overrides []Effect
	beats     int
	old, new  Outcome
	instances []*registry.Instance
	asked     []string
	copies    []*Copy
	call      func(ctx context.Context, address string, c *Copy) (Reply, error)
	stop      func() // ends the server and waits
}

func (w *world) Get(context.Context, string) (v1.Migration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.object, nil
}

func (w *world) SetStatus(ctx context.Context, _ string, revision int64, status v1.MigrationStatus, by string) (v1.Migration, error) {
	if err := w.wait(ctx); err != nil {
		return v1.Migration{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if revision != w.object.Metadata.Revision {
		return v1.Migration{}, kind.New(kind.Conflict, "JD-TEST-001", "revision %d", w.object.Metadata.Revision)
	}
	w.object.Status = status
	w.object.Metadata.Revision++
	w.by = append(w.by, by)
	return w.object, nil
}

func (w *world) SetPaused(ctx context.Context, _ string, paused bool, who v1.Identity) (v1.Migration, error) {
	if err := w.wait(ctx); err != nil {
		return v1.Migration{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.object.Spec.Paused = paused
	w.object.Metadata.Revision++
	w.by = append(w.by, who.By())
	return w.object, nil
}

func (w *world) wait(ctx context.Context) error {
	w.mu.Lock()
	hang := w.hang
	w.mu.Unlock()
	if hang {
		<-ctx.Done()
		return fmt.Errorf("store: %w", ctx.Err())
	}
	return nil
}

func (w *world) Audit(context.Context, string, int) ([]v1.AuditRecord, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hang {
		return nil, errors.New("down")
	}
	return []v1.AuditRecord{{Revision: 1, By: "ann", Action: "create"}}, nil
}

func (w *world) Override(name string, buckets int, epoch int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.overrides = append(w.overrides, Effect{Name: name, Buckets: buckets, Epoch: epoch})
}

func (w *world) Beat(time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.beats++
}

func (w *world) Latched(string) bool { return false }
func (w *world) Rearm(string)        {}

// now is what the data path and the store were told so far.
func (w *world) now() (overrides []Effect, beats int, status v1.MigrationStatus, by string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.by); n > 0 {
		by = w.by[n-1]
	}
	return append(overrides, w.overrides...), w.beats, w.object.Status, by
}

func (w *world) Outcomes(string) (oldSide, newSide Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.old, w.new
}

func (w *world) Snapshot() *registry.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &registry.Snapshot{Services: map[string]*registry.Service{"orders": {Name: "orders", Instances: w.instances}}}
}

func (w *world) Call(ctx context.Context, address string, c *Copy, _ int64) (Reply, error) {
	w.mu.Lock()
	w.asked = append(w.asked, address)
	w.copies = append(w.copies, c)
	call := w.call
	w.mu.Unlock()
	if call != nil {
		return call(ctx, address, c)
	}
	return Reply{Status: 200, Header: []v1.Header{{Name: "Content-Type", Value: "application/json"}}, Body: []byte(`{"id":1}`)}, nil
}

func (w *world) seen() (asked []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append(asked, w.asked...)
}

// run starts a server over a world within a synctest bubble; the migration is told and begun.
func run(t *testing.T, change func(*v1.Migration)) (*Server, *world) {
	t.Helper()
	w := &world{instances: []*registry.Instance{instance("a", "java17", "1.0"), instance("b", "go1.26", "2.0")}}
	created := time.Now()
	w.object = v1.Migration{
		Metadata: v1.Meta{Name: "move", Revision: 1, Created: &created},
		Spec: v1.MigrationSpec{
			Service: "orders", From: v1.Selector{"runtime": "java17"}, To: v1.Selector{"runtime": "go1.26"}, Steps: []float64{10, 100},
			Gates: v1.GatesSpec{Mirror: "10s", Step: "10s", Hold: "10s"},
		},
	}
	if change != nil {
		change(&w.object)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	var mu sync.Mutex
	s, err := New(Default(), Ports{Objects: w, Shares: w, Outcomes: w, Registry: w, Caller: w}, Options{Version: "9.9.9", Random: func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return rng.Uint64()
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	ready := make(chan struct{})
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	<-ready
	s.SetMigrations([]v1.Migration{w.object})
	time.Sleep(time.Second) // of the bubble's clock
	synctest.Wait()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(w.stop)
	return s, w
}

// recorded is a request of a subject that the old side answered.
func recorded(subject uint64) *Recorded {
	return &Recorded{
		Migration: "move", Service: "orders", Answered: route.SideOld, Assigned: route.SideOld, Subject: subject, HasSubject: true,
		ClientIP: netip.MustParseAddr("10.0.0.1"), Method: "GET", Host: "shop", Target: "/orders/7?x=1", Template: "/orders/{id}", Status: 200,
		Trace:          strings.Repeat("0a", 16),
		ResponseHeader: []v1.Header{{Name: "Content-Type", Value: "application/json"}}, ResponseBody: []byte(`{"id":1}`), Start: time.Now(),
	}
}

func TestAStoreThatHangsHoldsUpNeitherRollbackNorBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, func(m *v1.Migration) {
			m.Status = v1.MigrationStatus{Phase: v1.PhaseRamp, Buckets: 1000, Epoch: 7, Versions: "1.0 → 2.0 (orders: runtime=java17 → runtime=go1.26)"}
		})
		w.mu.Lock()
		w.hang = true
		w.new = Outcome{Requests: 500, Failures: 400}
		w.old = Outcome{Requests: 5000}
		w.mu.Unlock()
		_, beats, _, _ := w.now()
		began := time.Now()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if o, _, _, _ := w.now(); len(o) == 0 || o[0].Name != "move" || o[0].Buckets != 0 || o[0].Epoch != 8 {
			t.Fatalf("after %v the data path was told %+v", time.Since(began), o)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if _, after, _, _ := w.now(); after-beats < 12 {
			t.Errorf("%d beats in 12 s", after-beats)
		}
		st, _ := s.Status("move")
		if st.Phase != v1.PhaseRolledBack || !strings.Contains(st.Blocked, "the store does not have it yet") {
			t.Errorf("status %s, blocked by %q", st.Phase, st.Blocked)
		}
		if m, err := s.Command(t.Context(), "move", VerbRollback, v1.Identity{Name: "ann"}, ""); kind.Of(err) != kind.Conflict {
			t.Errorf("a second rollback answers %v, %+v", err, m.Status)
		}
		w.mu.Lock()
		w.hang = false
		w.mu.Unlock()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if _, _, st, by := w.now(); st.Phase != v1.PhaseRolledBack || by != "controller:migrate" {
			t.Errorf("stored %s by %v", st.Phase, by)
		}
	})
}

func TestARollbackIsStoredAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, func(m *v1.Migration) { m.Status = v1.MigrationStatus{Phase: v1.PhaseDone, Buckets: 10000, Epoch: 3} })
		w.mu.Lock()
		w.hang = true
		w.mu.Unlock()
		if _, err := s.Command(t.Context(), "move", VerbRollback, v1.Identity{Name: "ann"}, "drill"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		w.mu.Lock()
		w.hang = false
		stored := w.object.Status.Phase
		w.mu.Unlock()
		w.stop()
		if _, _, st, by := w.now(); stored != v1.PhaseDone || st.Phase != v1.PhaseRolledBack || by != "ann" {
			t.Errorf("the store had %s, after the end %s by %v", stored, st.Phase, by)
		}
	})
}

func TestCommandsAreAnsweredOrTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, nil)
		m, err := s.Command(t.Context(), "move", VerbPromote, v1.Identity{Name: "ann"}, "now")
		if _, _, _, by := w.now(); err != nil || m.Status.Buckets != 1000 || by != "ann" {
			t.Fatalf("promote: %v, %+v, stored by %v", err, m.Status, by)
		}
		if _, err := s.Command(t.Context(), "none", VerbPause, v1.Identity{Name: "ann"}, ""); kind.Of(err) != kind.NotFound {
			t.Errorf("a command to nothing answers %v", err)
		}
		if m, err := s.Command(t.Context(), "move", VerbPause, v1.Identity{Name: "ann", Actor: "z"}, ""); err != nil || !m.Spec.Paused {
			t.Errorf("pause: %v", err)
		}
		w.mu.Lock()
		w.hang = true
		w.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.Command(ctx, "move", VerbResume, v1.Identity{Name: "ann"}, ""); kind.Of(err) != kind.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a command that waits too long answers %v", err)
		}
		if _, err := s.Command(t.Context(), "move", VerbResume, v1.Identity{Name: "ann"}, ""); kind.Of(err) != kind.Unavailable {
			t.Errorf("with a store that hangs: %v", err)
		}
	})
	s, err := New(Default(), Ports{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Command(t.Context(), "move", VerbPause, v1.Identity{}, ""); kind.Of(err) != kind.Unavailable {
		t.Errorf("before Run: %v", err)
	}
	if s.Name() != "migrate" {
		t.Errorf("name %q", s.Name())
	}
}

func TestAConflictReadsWhatTheStoreHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, nil)
		w.mu.Lock()
		w.object.Metadata.Revision += 5 // changed, and the watch has not told yet
		w.object.Spec.Steps = []float64{20, 100}
		w.mu.Unlock()
		if _, err := s.Command(t.Context(), "move", VerbPromote, v1.Identity{Name: "ann"}, ""); kind.Code(err) != "JD-MIGRATE-011" {
			t.Errorf("promote answers %v", err)
		}
		if m, err := s.Command(t.Context(), "move", VerbPromote, v1.Identity{Name: "ann"}, ""); err != nil || m.Status.Buckets != 2000 {
			t.Errorf("the second try: %v, %+v", err, m.Status)
		}
	})
}

func TestRecordingsAreMirroredAndCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, func(m *v1.Migration) { m.Spec.Mirror.Triples = new(50.0) })
		for i := range 200 {
			if p := s.Plan("move", false); !p.Record || p.MaxRequest != 1<<20 || p.MaxResponse != 1<<20 {
				t.Fatalf("plan %+v", p)
			}
			s.Done(recorded(uint64(i)))
			time.Sleep(10 * time.Millisecond)
		}
		synctest.Wait()
		e, err := s.Evidence("move")
		if err != nil {
			t.Fatal(err)
		}
		if e.Mirror.Offered != 200 || e.Mirror.Compared != 200 || e.Mirror.Triples < 70 || e.Mirror.Triples > 130 || len(e.Mirror.Dropped) > 0 {
			t.Errorf("mirror %+v", e.Mirror)
		}
		asked := map[string]int{}
		for _, a := range w.seen() {
			asked[a]++
		}
		if asked["b"] != 200 || int64(asked["a"]) != e.Mirror.Triples {
			t.Errorf("asked %v", asked)
		}
		if len(e.Endpoints) != 1 || e.Endpoints[0].Endpoint != "GET /orders/{id}" || e.Endpoints[0].Pairs < 190 || e.Endpoints[0].Mismatches != 0 {
			t.Errorf("endpoints %+v", e.Endpoints)
		}
		w.mu.Lock()
		v := headerOf(w.copies[0].Header, headerShadow)
		w.mu.Unlock()
		if v != "move" {
			t.Errorf("the copy is marked %q", v)
		}
		if e.Versions == "" || e.Since.IsZero() || e.Verdict != v1.VerdictNotEnough {
			t.Errorf("evidence %+v", e)
		}
	})
}

func TestADefectIsFoundAndNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, nil)
		w.mu.Lock()
		w.call = func(_ context.Context, address string, _ *Copy) (Reply, error) {
			body := `{"id":1}`
			if address == "b" {
				body = `{"id":2}`
			}
			return Reply{Status: 200, Header: []v1.Header{{Name: "Content-Type", Value: "application/json"}}, Body: []byte(body)}, nil
		}
		w.mu.Unlock()
		for i := range 2000 {
			s.Done(recorded(uint64(i)))
			time.Sleep(2 * time.Millisecond)
		}
		synctest.Wait()
		st, _ := s.Status("move")
		if st.Phase != v1.PhaseRolledBack || st.FirstDifference == nil || st.FirstDifference.Path != "$.id" {
			t.Fatalf("status %+v", st)
		}
		if s.Plan("move", false).Record {
			t.Error("it goes on recording after the rollback")
		}
		d, err := s.Report(t.Context(), "move")
		if err != nil || d.Version != "9.9.9" || len(d.Audit) != 1 || len(d.Evidence.Endpoints) != 1 {
			t.Errorf("dossier %+v (%v)", d, err)
		}
		// A resume begins with an empty book.
		if _, err := s.Command(t.Context(), "move", VerbResume, v1.Identity{Name: "ann"}, ""); err != nil {
			t.Fatal(err)
		}
		if e, err := s.Evidence("move"); err != nil || len(e.Endpoints) != 0 {
			t.Errorf("after resume: %+v (%v)", e.Endpoints, err)
		}
	})
}

// answerBy makes each instance answer a body of its own.
func (w *world) answerBy(bodies map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.call = func(_ context.Context, address string, _ *Copy) (Reply, error) {
		return Reply{Status: 200, Header: []v1.Header{{Name: "Content-Type", Value: "application/json"}}, Body: []byte(bodies[address])}, nil
	}
}

// allNew is a migration in hold: the new side answers everybody.
func allNew(m *v1.Migration) {
	m.Status = v1.MigrationStatus{Phase: v1.PhaseHold, Buckets: 10_000, Epoch: 7, Versions: "1.0 → 2.0 (orders: runtime=java17 → runtime=go1.26)"}
	m.Spec.Mirror.Triples, m.Spec.Gates.Hold = new(100.0), "1h"
}

// answeredByNew offers n requests that the new side answered by {"id":1}.
func answeredByNew(s *Server, n int) {
	for i := range n {
		rec := recorded(uint64(i))
		rec.Assigned, rec.Answered = route.SideNew, route.SideNew
		s.Done(rec)
		time.Sleep(4 * time.Millisecond)
	}
	synctest.Wait()
}

func TestDataThatChangedSinceTheNewSideAnsweredIsNoDefect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, allNew)
		w.answerBy(map[string]string{"a": `{"id":2}`, "b": `{"id":2}`})
		answeredByNew(s, 500)
		e, err := s.Evidence("move")
		if err != nil || e.Mirror.Triples != 500 || e.Mirror.Compared != 500 || len(e.Endpoints) != 1 {
			t.Fatalf("evidence %+v (%v)", e, err)
		}
		if st, _ := s.Status("move"); e.Endpoints[0].Mismatches != 0 || st.Phase != v1.PhaseHold {
			t.Errorf("phase %s, %d mismatches", st.Phase, e.Endpoints[0].Mismatches)
		}
	})
}

func TestADefectIsFoundWhileTheNewSideAnswersEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, allNew)
		w.answerBy(map[string]string{"a": `{"id":2}`, "b": `{"id":1}`})
		answeredByNew(s, 500)
		if st, _ := s.Status("move"); st.Phase != v1.PhaseRolledBack || st.FirstDifference == nil || st.FirstDifference.Path != "$.id" {
			t.Errorf("status %+v", st)
		}
	})
}

func TestCopiesThatAreTooMuchForBothSidesAreNoDefect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, func(m *v1.Migration) {
			m.Spec.Mirror.Triples, m.Spec.Mirror.Timeout, m.Spec.Gates.Mirror = new(100.0), "1s", "1h"
		})
		for i := range 1000 {
			if i == 600 { // by now it is known that the old side always answers
				w.mu.Lock()
				w.call = func(ctx context.Context, _ string, _ *Copy) (Reply, error) {
					<-ctx.Done()
					return Reply{}, fmt.Errorf("call: %w", ctx.Err())
				}
				w.mu.Unlock()
			}
			s.Done(recorded(uint64(i)))
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		e, _ := s.Evidence("move")
		if st, _ := s.Status("move"); st.Phase != v1.PhaseMirror || e.Mirror.Triples != 1000 || e.Endpoints[0].Mismatches != 0 {
			t.Errorf("phase %s, first difference %+v, mirror %+v", st.Phase, st.FirstDifference, e.Mirror)
		}
	})
}

func TestBoundsOfTheMirrorAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, func(m *v1.Migration) {
			m.Spec.Mirror = v1.MirrorSpec{MaxInFlight: 4, Triples: new(0.0), Timeout: "1s", MaxRate: 1_000_000, MaxBytes: 4000}
		})
		var now, most int
		w.mu.Lock()
		w.call = func(ctx context.Context, _ string, _ *Copy) (Reply, error) {
			w.mu.Lock()
			now++
			most = max(most, now)
			w.mu.Unlock()
			<-ctx.Done() // the new side hangs
			w.mu.Lock()
			now--
			w.mu.Unlock()
			return Reply{}, fmt.Errorf("call: %w", ctx.Err())
		}
		w.mu.Unlock()
		for i := range 100 {
			s.Done(recorded(uint64(i)))
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		e, _ := s.Evidence("move")
		w.mu.Lock()
		defer w.mu.Unlock()
		if most != 4 {
			t.Errorf("%d copies at once, 4 are allowed", most)
		}
		if e.Mirror.Dropped[dropBytes] < 80 || e.Mirror.Compared != 4 {
			t.Errorf("mirror %+v: what hangs is compared as a failure, what waits too long or does not fit is dropped", e.Mirror)
		}
		if total := e.Mirror.Compared + e.Mirror.Dropped[dropBytes] + e.Mirror.Dropped[dropTimeout]; total != 100 {
			t.Errorf("of 100 recordings %d are accounted for: %+v", total, e.Mirror)
		}
	})
}

func TestShadowsUnsafeAndForeignRecordingsAreNotMirrored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, nil)
		if s.Plan("move", true).Record || s.Plan("other", false).Record {
			t.Error("a mirror of a mirror, or of no migration, is planned")
		}
		post := recorded(1)
		post.Method = "POST"
		s.Done(post)
		other := recorded(2)
		other.Migration = "other"
		s.Done(other)
		time.Sleep(time.Second)
		synctest.Wait()
		e, _ := s.Evidence("move")
		if e.Mirror.NotComparable[reasonUnsafe] != 1 || e.Mirror.Offered != 1 || len(w.seen()) != 0 {
			t.Errorf("mirror %+v, asked %v", e.Mirror, w.seen())
		}
		if len(e.Endpoints) != 1 || e.Endpoints[0].NotComparable != 1 || e.Endpoints[0].Endpoint != "POST /orders/{id}" {
			t.Errorf("endpoints %+v", e.Endpoints)
		}
		w.mu.Lock()
		w.instances = nil
		w.mu.Unlock()
		time.Sleep(time.Second)
		synctest.Wait()
		s.Done(recorded(3))
		if e, _ := s.Evidence("move"); len(e.Mirror.Dropped) != 0 || s.Plan("move", false).Record {
			t.Errorf("without instances: %+v", e.Mirror)
		}
	})
}

func TestObservedCopiesAskBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, func(m *v1.Migration) { m.Spec.Observe, m.Spec.Mirror.Triples = true, new(100.0) })
		if !s.Plan("move", false).Record {
			t.Error("while observing nothing is recorded")
		}
		seen := recorded(2)
		seen.Observed, seen.Answered, seen.Status, seen.ResponseBody = true, route.SideNone, 0, nil
		s.Done(seen)
		time.Sleep(time.Minute)
		synctest.Wait()
		e, _ := s.Evidence("move")
		if asked := w.seen(); len(asked) != 3 || e.Mirror.Compared != 1 || e.Mirror.Triples != 1 || e.Mirror.Offered != 1 {
			t.Errorf("asked %v, mirror %+v", asked, e.Mirror)
		}
		if st, _ := s.Status("move"); st.Phase != v1.PhaseObserve || st.Buckets != 0 {
			t.Errorf("status %+v", st)
		}
	})
}

func TestSamplingIsNoDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := run(t, func(m *v1.Migration) { m.Spec.Mirror.Percent, m.Spec.Mirror.MaxRate = new(50.0), 1_000_000 })
		planned := 0
		for range 1000 {
			if s.Plan("move", false).Record {
				planned++
			}
		}
		e, _ := s.Evidence("move")
		if planned < 430 || planned > 570 || e.Mirror.NotSampled != int64(1000-planned) || len(e.Mirror.Dropped) > 0 {
			t.Errorf("%d of 1000 planned, mirror %+v", planned, e.Mirror)
		}
		(*s.lanes.Load())["move"].full.Store(true)
		for s.Plan("move", false).Record {
			t.Error("recorded though the queue is full")
		}
		for range 10 {
			s.Plan("move", false)
		}
		if e, _ = s.Evidence("move"); e.Mirror.Dropped[dropQueue] == 0 {
			t.Errorf("a full queue is no drop: %+v", e.Mirror)
		}
	})
}

func TestPlanAllocatesNothing(t *testing.T) {
	s, err := New(Default(), Ports{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &lane{name: "move"}
	l.view.Store(viewOf(t, nil, nil))
	s.lanes.Store(&map[string]*lane{"move": l})
	if n := testing.AllocsPerRun(1000, func() { s.Plan("move", false) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestADeletedMigrationIsMirroredNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := run(t, nil)
		l := (*s.lanes.Load())["move"]
		s.SetMigrations(nil)
		if s.Plan("move", false).Record || l.push(job{rec: &Recorded{}, view: viewOf(t, nil, nil)}) != dropShutdown {
			t.Error("it goes on")
		}
		if _, err := s.Evidence("move"); kind.Of(err) != kind.NotFound {
			t.Errorf("evidence: %v", err)
		}
		if _, err := s.Report(t.Context(), "move"); kind.Of(err) != kind.NotFound {
			t.Errorf("report: %v", err)
		}
		if _, ok := s.Status("move"); ok {
			t.Error("status: still there")
		}
	})
}

func TestASpecThatCannotBeComparedSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, func(m *v1.Migration) { m.Spec.Compare.Rules = map[string]bool{"no-such-rule": true} })
		time.Sleep(20 * time.Second)
		synctest.Wait()
		st, _ := s.Status("move")
		if st.Phase != v1.PhaseMirror || !strings.Contains(st.Blocked, "JD-COMPARE-001") {
			t.Errorf("phase %s, blocked by %q", st.Phase, st.Blocked)
		}
		s.Done(recorded(1)) // nowhere to put it
		w.mu.Lock()
		w.object.Spec.Compare.Rules = nil
		w.object.Metadata.Revision++
		w.mu.Unlock()
		s.SetMigrations([]v1.Migration{w.object})
		s.Done(recorded(1))
		time.Sleep(time.Second)
		synctest.Wait()
		if e, _ := s.Evidence("move"); e.Mirror.Compared != 1 {
			t.Errorf("after the correction: %+v", e.Mirror)
		}
	})
}

func TestMetricsTellOfMirrorAndGates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := run(t, nil)
		s.Done(recorded(1))
		time.Sleep(time.Second)
		synctest.Wait()
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(s.Collector())
		want := `
# HELP jindu_migrate_mirror_compared_total Pairs and triples compared.
# TYPE jindu_migrate_mirror_compared_total counter
jindu_migrate_mirror_compared_total{migration="move"} 1
# HELP jindu_migrate_share_ratio Share of subjects on the new side, 0 to 1.
# TYPE jindu_migrate_share_ratio gauge
jindu_migrate_share_ratio{migration="move"} 0
`
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "jindu_migrate_mirror_compared_total", "jindu_migrate_share_ratio"); err != nil {
			t.Error(err)
		}
		if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
			t.Errorf("lint: %v, %v", problems, err)
		}
	})
}

package migrate

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/route"
)

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
		time.Sleep(2 * Default().Tick) // the next look sees all of them
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
		if len(e.Endpoints) != 1 || e.Endpoints[0].Endpoint != "GET /orders/{id}" || e.Endpoints[0].Pairs != 200 || e.Endpoints[0].Mismatches != 0 {
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

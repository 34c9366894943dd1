package migrate

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

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

package migrate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/meter"
	"jindu.dev/jindu/internal/registry"
)

func TestACleanMigrationGoesFromMirrorToDoneByItself(t *testing.T) {
	s := newStage(t, nil)
	s.pass(250 * time.Millisecond)
	s.want(v1.PhaseMirror, 0)
	s.pass(9 * time.Second)
	s.want(v1.PhaseMirror, 0) // least time
	s.reach(v1.PhaseRamp, 1000)
	s.pass(9 * time.Second)
	s.want(v1.PhaseRamp, 1000)
	s.reach(v1.PhaseRamp, 5000)
	s.reach(v1.PhaseHold, 10000)
	s.pass(19 * time.Second)
	s.want(v1.PhaseHold, 10000)
	if v, _ := s.c.View(s.clock(), "move"); v.Gates[1].Baseline != frozen || v.Migration.Status.Baseline.Step != 1 {
		t.Errorf("at 100 %% the gates are held against %q of step %d", v.Gates[1].Baseline, v.Migration.Status.Baseline.Step)
	}
	s.reach(v1.PhaseDone, 10000)
	var places []string
	for _, h := range s.object.Status.History {
		places = append(places, placeText(h.Phase, h.Buckets))
	}
	if got := strings.Join(places, ", "); got != "mirror, ramp at 10 %, ramp at 50 %, hold at 100 %, done at 100 %" {
		t.Errorf("history: %s", got)
	}
	if len(s.override) > 0 {
		t.Errorf("promotions went past the store: %+v", s.override)
	}
	if v := s.object.Status; v.Verdict != v1.VerdictPass || len(v.Gates) != 4 || v.Epoch != 5 {
		t.Errorf("status %+v", v)
	}
}

func TestAFailedGateRollsBackWithinTwoSeconds(t *testing.T) {
	for name, c := range map[string]struct {
		fail func(*stage)
		gate string
	}{
		"mismatch":                               {func(s *stage) { s.mismatch = v1.VerdictFail }, gateMismatch},
		"errors":                                 {func(s *stage) { s.count(&s.new, 200, 150) }, gateErrors},
		"fallbacks are failures of the new side": {func(s *stage) { s.count(&s.new, 200, 100); s.new.Fallbacks += 100 }, gateErrors},
		"latency": {func(s *stage) {
			s.new.Requests += 300
			var h meter.Histogram
			for range 300 {
				h.Observe(time.Second)
			}
			var c meter.Counts
			h.Snapshot(&c)
			s.new.Latency.Add(&c)
		}, gateLatency},
	} {
		s := newStage(t, nil)
		s.reach(v1.PhaseRamp, 5000)
		epoch := s.object.Status.Epoch
		s.pass(5 * time.Second)
		c.fail(s)
		s.pass(2 * time.Second)
		s.want(v1.PhaseRolledBack, 0)
		st := s.object.Status
		if g := first(st.Gates, v1.VerdictFail); g == nil || g.Name != c.gate || !strings.Contains(st.Reason, "gate "+c.gate+" failed") {
			t.Errorf("%s: reason %q, gates %+v", name, st.Reason, st.Gates)
		}
		if len(s.override) != 1 || s.override[0].Epoch != epoch+1 || s.override[0].Buckets != 0 || st.Epoch != epoch+1 || st.Step != -1 {
			t.Errorf("%s: override %+v, stored epoch %d step %d", name, s.override, st.Epoch, st.Step)
		}
		if (st.FirstDifference != nil) != (c.gate == gateMismatch) {
			t.Errorf("%s: first difference %+v", name, st.FirstDifference)
		}
		s.pass(time.Minute)
		s.want(v1.PhaseRolledBack, 0) // until resume
	}
}

func TestAMismatchInTheMirrorPhaseEndsTheMigration(t *testing.T) {
	s := newStage(t, nil)
	s.mismatch = v1.VerdictFail
	s.pass(2 * time.Second)
	s.want(v1.PhaseRolledBack, 0)
	if d := s.object.Status.FirstDifference; d == nil || d.Path != "$.total" {
		t.Errorf("first difference %+v", d)
	}
}

func TestNotEnoughHolds(t *testing.T) {
	s := newStage(t, nil)
	s.mismatch = v1.VerdictNotEnough
	s.pass(time.Minute)
	s.want(v1.PhaseMirror, 0)
	if b := s.status().Blocked; !strings.Contains(b, "mismatch") {
		t.Errorf("blocked by %q", b)
	}
	s.mismatch = v1.VerdictPass
	s.copies.Dropped += 50
	s.pass(10 * time.Second)
	s.want(v1.PhaseMirror, 0)
	if b := s.status().Blocked; !strings.Contains(b, "mirror_drops") {
		t.Errorf("blocked by %q", b)
	}
}

func TestOldDropsDoNotBindForEver(t *testing.T) {
	s := newStage(t, nil)
	s.pass(time.Second)
	s.copies.Attempts += 5000
	s.copies.Dropped += 5000
	s.pass(25 * time.Second)
	s.want(v1.PhaseMirror, 0)
	s.pass(40 * time.Second) // two spans of the short window, which is longer than the least time here
	if st := s.status(); st.Phase == v1.PhaseMirror {
		t.Errorf("still held: %s", st.Blocked)
	}
}

func TestARollbackNeedsNoStore(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 5000)
	s.down = errors.New("disk full")
	s.mismatch = v1.VerdictFail
	s.pass(time.Second)
	s.want(v1.PhaseRolledBack, 0)
	if len(s.override) != 1 || s.object.Status.Buckets != 5000 {
		t.Fatalf("override %+v, stored share %d", s.override, s.object.Status.Buckets)
	}
	s.refused(VerbResume, "ann", v1.RoleOperator, "JD-MIGRATE-005", "store does not have yet")
	s.pass(30 * time.Second)
	if b := s.status().Blocked; !strings.Contains(b, "disk full") {
		t.Errorf("blocked by %q", b)
	}
	s.down = nil
	s.pass(lastRetry + time.Second)
	if st := s.object.Status; st.Phase != v1.PhaseRolledBack || st.Epoch != s.override[0].Epoch {
		t.Errorf("stored %s at epoch %d, the data path has %d", st.Phase, st.Epoch, s.override[0].Epoch)
	}
}

func TestAPromotionWaitsForTheStoreAndTheShareStays(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.down = errors.New("disk full")
	s.pass(30 * time.Second)
	s.want(v1.PhaseRamp, 1000)
	if b := s.status().Blocked; !strings.Contains(b, "disk full") || !strings.Contains(b, "share is kept") {
		t.Errorf("blocked by %q", b)
	}
	if _, err := s.command(VerbPromote, "ann", v1.RoleOperator); kind.Of(err) != kind.Unavailable {
		t.Errorf("promote answers %v", err)
	}
	s.down = nil
	s.reach(v1.PhaseRamp, 5000)
	if b := s.status().Blocked; strings.Contains(b, "disk full") {
		t.Errorf("still blocked by %q", b)
	}
}

func TestARollbackOvertakesAPromotionUnderWay(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.hold = true
	for range 100 {
		if s.pass(250 * time.Millisecond); len(s.held) > 0 {
			break
		}
	}
	s.mismatch = v1.VerdictFail
	s.pass(time.Second)
	s.want(v1.PhaseRolledBack, 0)
	if len(s.held) != 1 || len(s.override) != 1 || s.override[0].Epoch <= s.held[0].Status.Epoch {
		t.Fatalf("writes %+v, override %+v: the rollback must have the later epoch", s.held, s.override)
	}
	s.hold = false
	s.land(s.held[0]) // the promotion arrives after all
	s.pass(time.Second)
	if st := s.object.Status; st.Phase != v1.PhaseRolledBack || st.Buckets != 0 {
		t.Errorf("stored %s at %d", st.Phase, st.Buckets)
	}
}

func TestAConflictIsDecidedAnewOnWhatTheStoreHas(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.hold = true
	s.mismatch = v1.VerdictFail
	s.pass(time.Second)
	s.object.Spec.Paused = true // a user was faster
	s.object.Metadata.Revision++
	s.hold = false
	s.land(s.held[0])
	s.pass(time.Second)
	if st := s.object.Status; st.Phase != v1.PhaseRolledBack || !s.object.Spec.Paused {
		t.Errorf("stored %s, paused %v", st.Phase, s.object.Spec.Paused)
	}
	if last := s.override[len(s.override)-1]; last.Epoch != s.object.Status.Epoch {
		t.Errorf("the data path has epoch %d, the store %d", last.Epoch, s.object.Status.Epoch)
	}
}

func TestALatchIsRecordedAndResumeRearmsIt(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 5000)
	s.latched = true
	s.pass(250 * time.Millisecond)
	s.want(v1.PhaseRolledBack, 0)
	st := s.object.Status
	if last := st.History[len(st.History)-1]; !st.Latched || last.By != byDataPath || !strings.Contains(st.Reason, "silent") {
		t.Errorf("status %+v", st)
	}
	if s.rearmed != 0 {
		t.Error("the latch was ended by nobody's command")
	}
	before := s.restarts
	if _, err := s.command(VerbResume, "ann", v1.RoleOperator); err != nil {
		t.Fatal(err)
	}
	s.want(v1.PhaseMirror, 0)
	if s.rearmed != 1 || s.restarts != before+1 || s.object.Status.Latched || s.object.Status.Baseline != nil {
		t.Errorf("rearmed %d, evidence begun %d times, status %+v", s.rearmed, s.restarts-before, s.object.Status)
	}
}

func TestALatchThatMovedNobodyEndsByItself(t *testing.T) {
	s := newStage(t, nil)
	s.pass(time.Second)
	s.latched = true
	s.pass(time.Second)
	s.want(v1.PhaseMirror, 0)
	if s.rearmed != 1 {
		t.Errorf("rearmed %d times", s.rearmed)
	}
}

func TestARestartKeepsShareAndBeginsTheClockAnew(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.pass(9 * time.Second)
	s.c, s.old, s.new, s.copies = NewController(30*time.Second), Outcome{}, Outcome{}, Copies{}
	s.wall = s.wall.Add(-48 * time.Hour) // and the clock was set back
	s.instances(instance("a", "java17", "1.0"), instance("b", "go1.26", "2.0"))
	s.sync()
	s.want(v1.PhaseRamp, 1000)
	s.pass(9 * time.Second)
	s.want(v1.PhaseRamp, 1000)
	s.reach(v1.PhaseRamp, 5000)
	if len(s.override) > 0 {
		t.Errorf("a restart overrode the share: %+v", s.override)
	}
}

func TestAClockSetBackDoesNotMatter(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.pass(5 * time.Second)
	s.wall = s.wall.Add(-1000 * time.Hour)
	s.pass(4 * time.Second)
	s.want(v1.PhaseRamp, 1000)
	s.wall = s.wall.Add(2000 * time.Hour)
	s.pass(250 * time.Millisecond)
	s.want(v1.PhaseRamp, 1000)
	s.pass(2 * time.Second)
	s.want(v1.PhaseRamp, 5000)
}

func TestANewVersionBeginsTheEvidenceAnewAtTheSameShare(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.pass(9 * time.Second)
	before := s.restarts
	s.instances(instance("a", "java17", "1.0"), instance("b", "go1.26", "2.1"))
	s.pass(9 * time.Second)
	s.want(v1.PhaseRamp, 1000)
	if v := s.object.Status.Versions; s.restarts != before+1 || v != "1.0 → 2.1 (orders: runtime=java17 → runtime=go1.26)" {
		t.Errorf("evidence begun %d times, versions %q", s.restarts-before, v)
	}
	// All instances of a side going away is no new version.
	s.instances(instance("a", "java17", "1.0"))
	s.pass(time.Second)
	s.want(v1.PhaseRamp, 1000)
	if s.restarts != before+1 || !strings.Contains(s.status().Blocked, "the new subset runtime=go1.26 of service \"orders\" is empty") {
		t.Errorf("evidence begun %d times, blocked by %q", s.restarts-before, s.status().Blocked)
	}
}

func TestOtherSubsetsBeginAtShareZero(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.edit(func(m *v1.MigrationSpec) { m.To = v1.Selector{"runtime": "go1.27"} })
	s.instances(instance("a", "java17", "1.0"), instance("b", "go1.27", "2.0"))
	s.pass(500 * time.Millisecond)
	s.want(v1.PhaseMirror, 0)
	if len(s.override) != 1 || s.object.Status.Baseline != nil || !strings.Contains(s.object.Status.Versions, "go1.27") {
		t.Errorf("override %+v, status %+v", s.override, s.object.Status)
	}
	s.reach(v1.PhaseRamp, 1000)
}

func TestChangedStepsKeepTheShare(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.edit(func(m *v1.MigrationSpec) { m.Steps = []float64{1, 5, 20, 100} })
	s.pass(time.Second)
	s.want(v1.PhaseRamp, 1000)
	if st := s.object.Status; st.Step != 1 || !strings.Contains(st.History[len(st.History)-1].Reason, "spec.steps changed") {
		t.Errorf("step %d, history %+v", st.Step, st.History[len(st.History)-1])
	}
	s.reach(v1.PhaseRamp, 2000)
	s.reach(v1.PhaseHold, 10000)
}

func TestWhatBlocksIsNamed(t *testing.T) {
	both := instance("c", "go1.26", "2.0")
	both.Metadata["stack"] = "old"
	sick := instance("b", "go1.26", "2.0")
	sick.Usable = false
	for name, c := range map[string]struct {
		from      v1.Selector
		instances []*registry.Instance
		want      string
	}{
		"no old":     {nil, []*registry.Instance{instance("b", "go1.26", "2.0")}, "the old subset runtime=java17"},
		"no new":     {nil, []*registry.Instance{instance("a", "java17", "1.0")}, "the new subset runtime=go1.26"},
		"sick":       {nil, []*registry.Instance{instance("a", "java17", "1.0"), sick}, "no instance of the new subset runtime=go1.26 is usable"},
		"overlap":    {v1.Selector{"stack": "old"}, []*registry.Instance{instance("b", "go1.26", "2.0"), both}, `instance "c" is in both stack=old and runtime=go1.26`},
		"no service": {nil, nil, "is not known"},
	} {
		s := newStage(t, func(m *v1.MigrationSpec) {
			if c.from != nil {
				m.From = c.from
			}
		})
		s.pass(250 * time.Millisecond)
		s.instances(c.instances...)
		if c.instances == nil {
			s.c.SetRegistry(&registry.Snapshot{})
		}
		s.pass(20 * time.Second)
		s.want(v1.PhaseMirror, 0)
		if b := s.status().Blocked; !strings.Contains(b, c.want) {
			t.Errorf("%s: blocked by %q", name, b)
		}
		s.refused(VerbPromote, "ann", v1.RoleOperator, "JD-MIGRATE-005", c.want)
	}
}

func TestTheSecondMigrationOfAServiceWaits(t *testing.T) {
	s := newStage(t, nil)
	later := s.wall.Add(time.Hour)
	second := s.object
	second.Metadata = v1.Meta{Name: "again", Revision: 2, Created: &later}
	s.do(s.c.SetMigrations(s.clock(), []v1.Migration{s.object, second}))
	v, _ := s.c.View(s.clock(), "again")
	if b := v.Migration.Status.Blocked; !strings.Contains(b, `migration "move" moves service "orders" already`) {
		t.Errorf("blocked by %q", b)
	}
	if v, _ := s.c.View(s.clock(), "move"); strings.Contains(v.Migration.Status.Blocked, "already") {
		t.Errorf("the first is blocked by %q", v.Migration.Status.Blocked)
	}
}

func TestADeletedMigrationIsForgottenAndARemadeOneBeginsAnew(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.hold = true
	s.ids++
	s.do(s.c.Command(s.clock(), Command{ID: s.ids, Name: "move", Verb: VerbPause, Who: v1.Identity{Name: "ann"}}))
	s.do(s.c.SetMigrations(s.clock(), nil))
	if r := s.replies[s.ids]; kind.Of(r.Err) != kind.NotFound {
		t.Errorf("the command that waited answers %v", r.Err)
	}
	if _, ok := s.c.View(s.clock(), "move"); ok {
		t.Error("it is still there")
	}
	s.refused(VerbRollback, "ann", v1.RoleOperator, "JD-MIGRATE-003", "does not exist")
	s.hold = false
	later := s.wall.Add(time.Hour)
	s.object.Metadata.Created, s.object.Status = &later, v1.MigrationStatus{}
	s.object.Metadata.Revision += 2
	s.sync()
	s.pass(250 * time.Millisecond)
	s.want(v1.PhaseMirror, 0)
}

func TestHistoryIsBounded(t *testing.T) {
	st := v1.MigrationStatus{}
	for i := range 200 {
		m := move{phase: v1.PhaseRamp, buckets: i, reason: fmt.Sprint(i)}
		st = m.apply(st, 0)
	}
	if len(st.History) != maxHistory || st.History[maxHistory-1].Reason != "199" || st.Epoch != 200 {
		t.Errorf("%d entries, the last %+v, epoch %d", len(st.History), st.History[len(st.History)-1], st.Epoch)
	}
}

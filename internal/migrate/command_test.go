package migrate

import (
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

func TestPauseKeepsTheShareAndStillRollsBack(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	if _, err := s.command(VerbPause, "ann", v1.RoleOperator); err != nil || !s.object.Spec.Paused {
		t.Fatalf("pause: %v, spec.paused %v", err, s.object.Spec.Paused)
	}
	s.pass(time.Minute)
	s.want(v1.PhaseRamp, 1000)
	if last := s.object.Status.History[len(s.object.Status.History)-1]; last.By != "ann" || last.Reason != "paused: a test" {
		t.Errorf("history ends with %+v", last)
	}
	s.refused(VerbPause, "ann", v1.RoleOperator, "JD-MIGRATE-004", "nothing moves")
	s.refused(VerbPromote, "ann", v1.RoleOperator, "JD-MIGRATE-004", "resume it first")
	if _, err := s.command(VerbResume, "bob", v1.RoleOperator); err != nil || s.object.Spec.Paused {
		t.Fatalf("resume: %v, spec.paused %v", err, s.object.Spec.Paused)
	}
	s.refused(VerbResume, "bob", v1.RoleOperator, "JD-MIGRATE-004", "neither paused nor rolled back")
	if _, err := s.command(VerbPause, "ann", v1.RoleOperator); err != nil {
		t.Fatal(err)
	}
	s.mismatch = v1.VerdictFail
	s.pass(time.Second)
	s.want(v1.PhaseRolledBack, 0)
	// Resume ends both at once.
	s.mismatch = v1.VerdictPass
	if m, err := s.command(VerbResume, "ann", v1.RoleOperator); err != nil || m.Spec.Paused || m.Status.Phase != v1.PhaseMirror {
		t.Errorf("resume answers %v, %+v", err, m.Status)
	}
}

func TestPromoteOverrulesWhatIsMissingButNoFailure(t *testing.T) {
	s := newStage(t, nil)
	s.mismatch = v1.VerdictNotEnough
	s.pass(time.Second)
	m, err := s.command(VerbPromote, "ann", v1.RoleOperator)
	if err != nil || m.Status.Phase != v1.PhaseRamp || m.Status.Buckets != 1000 {
		t.Fatalf("promote: %v, %+v", err, m.Status)
	}
	if r := m.Status.Reason; !strings.Contains(r, "promoted by hand although mismatch") || !strings.Contains(r, "a test") {
		t.Errorf("reason %q", r)
	}
	if len(s.override) > 0 {
		t.Error("a promotion went past the store")
	}
	s.pass(time.Second)
	// While a rollback is held back since nobody could answer, the gate still forbids it.
	s.instances(instance("b", "go1.26", "2.0"))
	s.mismatch = v1.VerdictFail
	s.pass(time.Second)
	s.want(v1.PhaseRamp, 1000)
	s.refused(VerbPromote, "ann", v1.RoleOperator, "JD-MIGRATE-005", "old subset runtime=java17")
	s.refused(VerbRollback, "ann", v1.RoleOperator, "JD-MIGRATE-005", "no usable instance")
	if b := s.status().Blocked; !strings.Contains(b, "a rollback is due") {
		t.Errorf("blocked by %q", b)
	}
	s.instances(instance("a", "java17", "1.0"), instance("b", "go1.26", "2.0"))
	s.pass(250 * time.Millisecond)
	s.want(v1.PhaseRolledBack, 0)
	s.refused(VerbPromote, "ann", v1.RoleOperator, "JD-MIGRATE-004", "resume begins anew")
	s.refused(VerbRollback, "ann", v1.RoleOperator, "JD-MIGRATE-004", "rolled back already")
	s.refused(VerbPause, "ann", v1.RoleOperator, "JD-MIGRATE-004", "nothing moves")
}

func TestAFailedGateCannotBeOverruledInTheObservePhase(t *testing.T) {
	s := newStage(t, func(m *v1.MigrationSpec) { m.Observe = true })
	s.mismatch = v1.VerdictFail
	s.pass(time.Minute)
	s.want(v1.PhaseObserve, 0) // nobody to take back
	s.refused(VerbPromote, "ann", v1.RoleOperator, "JD-MIGRATE-005", "spec.observe is set")
	s.edit(func(m *v1.MigrationSpec) { m.Observe = false })
	s.pass(250 * time.Millisecond)
	s.want(v1.PhaseMirror, 0)
	s.pass(time.Second)
	s.want(v1.PhaseRolledBack, 0)
}

func TestACommandWithAFailedGateSaysWhy(t *testing.T) {
	s := newStage(t, nil)
	s.pass(time.Second)
	tr := s.c.trackers["move"]
	tr.gates = []v1.Gate{{Name: gateErrors, Verdict: v1.VerdictFail, Detail: "9 of 10"}}
	s.refused(VerbPromote, "ann", v1.RoleOperator, "JD-MIGRATE-006", "gate errors fails, and a promotion cannot overrule that (9 of 10)")
}

func TestTwoPersons(t *testing.T) {
	s := newStage(t, func(m *v1.MigrationSpec) { m.Approval = v1.ApprovalSpec{Promote: true, Resume: true} })
	s.mismatch = v1.VerdictNotEnough
	s.pass(time.Second)
	m, err := s.command(VerbPromote, "ann", v1.RoleOperator)
	if err != nil || m.Status.Phase != v1.PhaseMirror || m.Status.Pending == nil || m.Status.Pending.By != "ann" || !strings.Contains(m.Status.Blocked, "second person") {
		t.Fatalf("first person: %v, %+v", err, m.Status)
	}
	s.refused(VerbPromote, "ann", v1.RoleOperator, "JD-MIGRATE-007", "cannot be both")
	s.refused(VerbPromote, "eve", v1.RoleOperator, "JD-MIGRATE-008", "needs the role approver")
	s.pass(59 * time.Minute)
	if m, err = s.command(VerbPromote, "bob", v1.RoleApprover); err != nil || m.Status.Phase != v1.PhaseRamp || m.Status.Pending != nil {
		t.Fatalf("second person: %v, %+v", err, m.Status)
	}
	if last := m.Status.History[len(m.Status.History)-1]; last.By != "ann, approved by bob" {
		t.Errorf("history says %q", last.By)
	}
	// It lapses after an hour, and somebody else is then the first person again.
	if _, err = s.command(VerbPromote, "ann", v1.RoleOperator); err != nil {
		t.Fatal(err)
	}
	s.now += time.Hour
	if m, err = s.command(VerbPromote, "bob", v1.RoleApprover); err != nil || m.Status.Buckets != 1000 || m.Status.Pending.By != "bob" {
		t.Errorf("after an hour: %v, %+v", err, m.Status)
	}
	// An emergency needs one; closing it two. A local caller is one person whatever it calls itself.
	if m, err = s.command(VerbRollback, "eve", v1.RoleOperator); err != nil || m.Status.Phase != v1.PhaseRolledBack {
		t.Fatalf("rollback: %v, %+v", err, m.Status)
	}
	for i, actor := range []string{"x", "y"} {
		s.ids++
		s.do(s.c.Command(s.clock(), Command{ID: s.ids, Name: "move", Verb: VerbResume, Who: v1.Identity{Name: "local", Role: v1.RoleAdmin, Actor: actor}}))
		if r := s.replies[s.ids]; (r.Err != nil) != (i == 1) {
			t.Errorf("resume by local as %s: %v", actor, r.Err)
		}
	}
	s.want(v1.PhaseRolledBack, 0)
	if b := s.status().Blocked; !strings.Contains(b, "resume, asked for by local:x") {
		t.Errorf("blocked by %q", b)
	}
	if m, err = s.command(VerbResume, "bob", v1.RoleApprover); err != nil || m.Status.Phase != v1.PhaseMirror {
		t.Errorf("closing the rollback: %v, %+v", err, m.Status)
	}
}

func TestRollbackByHandWorksFromDone(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseDone, 10000)
	s.refused(VerbPromote, "ann", v1.RoleOperator, "JD-MIGRATE-004", "no further step")
	if m, err := s.command(VerbRollback, "ann", v1.RoleOperator); err != nil || m.Status.Phase != v1.PhaseRolledBack || m.Status.Reason != "rolled back by hand: a test" {
		t.Errorf("rollback: %v, %+v", err, m.Status)
	}
	if len(s.override) != 1 || s.object.Status.Phase != v1.PhaseRolledBack {
		t.Errorf("override %+v, stored %s", s.override, s.object.Status.Phase)
	}
}

func TestCommandsAreBounded(t *testing.T) {
	s := newStage(t, nil)
	s.pass(time.Second)
	s.hold = true
	for i := range maxWaiting + 2 {
		s.do(s.c.Command(s.clock(), Command{ID: int64(i), Name: "move", Verb: VerbPause, Who: v1.Identity{Name: "ann"}}))
	}
	if r := s.replies[maxWaiting+1]; kind.Of(r.Err) != kind.Exhausted {
		t.Errorf("one too many answers %v", r.Err)
	}
	s.hold = false
	s.land(s.held[0])
	if len(s.replies) != maxWaiting+2 {
		t.Errorf("%d of %d commands have an answer", len(s.replies), maxWaiting+2)
	}
	s.refused("explode", "ann", v1.RoleOperator, "JD-MIGRATE-009", "not known")
}

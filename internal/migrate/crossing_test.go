package migrate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// crossingStage is a stage whose rows cross. It fails the test when a share is stored or put in force
// without the fence that belongs before it.
func crossingStage(t *testing.T, change func(*v1.MigrationSpec)) *stage {
	t.Helper()
	return newStage(t, func(s *v1.MigrationSpec) {
		s.Data = &v1.DataSpec{
			Old: v1.DataSide{Database: "a", Capture: "binlog"}, New: v1.DataSide{Database: "b", Capture: "outbox"},
			Tables: []v1.TableRule{{Name: "orders"}}, Owners: []v1.OwnerRule{{Path: "/orders/{id}", New: "N.*"}},
		}
		if change != nil {
			change(s)
		}
	})
}

func (s *stage) did() string {
	var out []string
	for _, e := range s.data.did {
		switch e.Kind {
		case EffectMove:
			out = append(out, fmt.Sprintf("move %d-%d@%d", e.From, e.To, e.Epoch))
		case EffectSettle:
			out = append(out, fmt.Sprintf("settle@%d", e.Epoch))
		default:
			out = append(out, "hand over to "+e.Owner)
		}
	}
	s.data.did = nil
	return strings.Join(out, ", ")
}

func (s *stage) wantDid(want string) {
	s.t.Helper()
	if got := s.did(); got != want {
		s.t.Errorf("did %q, want %q", got, want)
	}
}

func TestEverySharesRowsCrossFirst(t *testing.T) {
	s := crossingStage(t, nil)
	s.pass(time.Second)
	s.wantDid("settle@1")
	for _, c := range []struct {
		phase v1.Phase
		share int
		did   string
		owner string
	}{
		{v1.PhaseRamp, 1000, "move 0-1000@2", v1.OwnerCreator},
		{v1.PhaseRamp, 5000, "move 1000-5000@3", v1.OwnerCreator},
		{v1.PhaseHold, 10000, "move 5000-10000@4", v1.OwnerCreator},
		{v1.PhaseDone, 10000, "move 0-10000@5, hand over to new", v1.SideNew}, // owners change: everyone
	} {
		s.reach(c.phase, c.share)
		s.pass(250 * time.Millisecond)
		s.wantDid(c.did)
		if st := s.object.Status; st.Owner != c.owner || st.Epoch > 5 {
			t.Errorf("%s at %d: owner %q, epoch %d", st.Phase, st.Buckets, st.Owner, st.Epoch)
		}
	}
	s.pass(time.Minute)
	s.wantDid("")
	if len(s.override) > 0 {
		t.Errorf("a promotion went past the store: %+v", s.override)
	}
}

func TestAShareIsNotStoredBeforeItsFence(t *testing.T) {
	s := crossingStage(t, nil)
	s.pass(time.Second)
	s.data.hold = true
	s.pass(30 * time.Second)
	s.want(v1.PhaseMirror, 0)
	move := s.last(EffectMove)
	if b := s.status().Blocked; !strings.Contains(b, "fenced") || move.Epoch != 2 || move.Limit != 3*time.Second || move.Urgent {
		t.Errorf("blocked by %q, %+v", b, move)
	}
	s.arrive(move)
	s.want(v1.PhaseRamp, 1000)
}

func TestWhatDoesNotDrainDoesNotMove(t *testing.T) {
	s := crossingStage(t, nil)
	s.pass(time.Second)
	s.did()
	s.data.fail = func(e Effect) error {
		if e.Kind == EffectMove {
			return fmt.Errorf("%w: 17 pending", ErrNotDrained)
		}
		return nil
	}
	s.pass(12 * time.Second)
	s.want(v1.PhaseMirror, 0)
	s.wantDid("move 0-1000@2, settle@1")
	if b := s.status().Blocked; !strings.Contains(b, "17 pending") || !strings.Contains(b, "tried again") {
		t.Errorf("blocked by %q", b)
	}
	s.refused(VerbPromote, "ann", v1.RoleOperator, "JD-MIGRATE-017", "17 pending")
	s.did()
	s.pass(9 * time.Second) // it is not tried all the time: users wait meanwhile
	s.wantDid("")
	s.data.fail = nil
	s.reach(v1.PhaseRamp, 1000)
	if st := s.object.Status; st.Epoch != s.last(EffectMove).Epoch {
		t.Errorf("stored epoch %d, fence %+v", st.Epoch, s.last(EffectMove))
	}
	s.reach(v1.PhaseRamp, 5000)
}

func TestARollbackFencesAndHandsOver(t *testing.T) {
	for _, phase := range []v1.Phase{v1.PhaseRamp, v1.PhaseHold, v1.PhaseDone} {
		s := crossingStage(t, nil)
		s.reach(phase, map[v1.Phase]int{v1.PhaseRamp: 1000, v1.PhaseHold: 10000, v1.PhaseDone: 10000}[phase])
		s.pass(time.Second)
		s.did()
		epoch := s.object.Status.Epoch
		s.data.fail = func(e Effect) error {
			if e.Kind == EffectMove {
				if len(s.override) > 0 {
					t.Errorf("%s: the data path was told before the fence: %+v", phase, s.override)
				}
				return fmt.Errorf("%w: 3 pending", ErrNotDrained)
			}
			return nil
		}
		if _, err := s.command(VerbRollback, "ann", v1.RoleOperator); err != nil {
			t.Fatal(err)
		}
		s.want(v1.PhaseRolledBack, 0)
		s.pass(time.Second)
		s.wantDid(fmt.Sprintf("move 10000-0@%d, hand over to old", epoch+1))
		st := s.object.Status
		if len(s.override) != 1 || s.override[0].Owner != v1.SideOld || s.override[0].Buckets != 0 || s.override[0].Epoch != st.Epoch || st.Owner != v1.SideOld {
			t.Errorf("%s: override %+v, stored owner %q, epoch %d", phase, s.override, st.Owner, st.Epoch)
		}
		if !strings.Contains(st.Reason, "3 pending") || !strings.Contains(st.History[len(st.History)-1].Reason, "3 pending") {
			t.Errorf("%s: reason %q", phase, st.Reason)
		}
		// And forward again: the new side gets its entities back with the first share, so everyone is fenced.
		s.data.fail = nil
		if _, err := s.command(VerbResume, "ann", v1.RoleOperator); err != nil {
			t.Fatal(err)
		}
		s.reach(v1.PhaseRamp, 1000)
		s.wantDid(fmt.Sprintf("move 0-10000@%d", s.object.Status.Epoch))
		s.reach(v1.PhaseDone, 10000)
	}
}

func TestAFenceDoesNotHoldUpARollback(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseRamp, 5000)
	s.data.hold = true
	s.data.did = nil
	s.mismatch = v1.VerdictFail
	s.pass(time.Second)
	if len(s.override) > 0 || !s.last(EffectMove).Urgent {
		t.Fatalf("in force before the fence: %+v", s.override)
	}
	if b := s.status().Blocked; !strings.Contains(b, "go back") {
		t.Errorf("blocked by %q", b)
	}
	if got := s.object.Status.Buckets; got != 5000 {
		t.Errorf("stored %d before it is in force", got)
	}
	s.pass(time.Second)
	if len(s.override) != 1 || s.override[0].Buckets != 0 {
		t.Fatalf("2 s after the verdict: %+v", s.override)
	}
	s.want(v1.PhaseRolledBack, 0)
	if r := s.object.Status.Reason; !strings.Contains(r, "not confirmed in time") {
		t.Errorf("reason %q", r)
	}
	s.arrive(s.data.did[0]) // late
	s.want(v1.PhaseRolledBack, 0)
	if len(s.override) != 1 {
		t.Errorf("override %+v", s.override)
	}
}

func TestARollbackByHandIsAnsweredWhenItIsInForce(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseRamp, 5000)
	s.data.hold = true
	s.do(s.c.Command(s.clock(), Command{ID: 99, Name: "move", Verb: VerbRollback, Who: v1.Identity{Name: "ann", Role: v1.RoleOperator}}))
	if _, ok := s.replies[99]; ok || len(s.override) > 0 {
		t.Fatal("answered before the fence")
	}
	if v, _ := s.c.View(s.clock(), "move"); v.Migration.Status.Buckets != 5000 || v.Migration.Status.Phase != v1.PhaseRamp {
		t.Errorf("a share is shown that is not in force: %+v", v.Migration.Status)
	}
	s.arrive(s.last(EffectMove))
	if r, ok := s.replies[99]; !ok || r.Err != nil || r.Migration.Status.Phase != v1.PhaseRolledBack || len(s.override) != 1 {
		t.Fatalf("%+v, override %+v", r, s.override)
	}
	gone := crossingStage(t, nil)
	gone.reach(v1.PhaseRamp, 5000)
	gone.data.hold = true
	gone.do(gone.c.Command(gone.clock(), Command{ID: 99, Name: "move", Verb: VerbRollback}))
	gone.do(gone.c.SetMigrations(gone.clock(), nil))
	if r := gone.replies[99]; kind.Of(r.Err) != kind.NotFound {
		t.Errorf("a migration that was deleted answers %v", r.Err)
	}
}

func TestARollbackOvertakesAPromotionsFence(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.data.hold = true
	for range 100 {
		if s.pass(250 * time.Millisecond); s.status().Blocked != "" && s.last(EffectMove).To == 5000 {
			break
		}
	}
	promotion := s.last(EffectMove)
	s.mismatch = v1.VerdictFail
	s.pass(time.Second)
	back := s.last(EffectMove)
	if !back.Urgent || back.From != 10000 || back.To != 0 || back.Epoch <= promotion.Epoch {
		t.Fatalf("promotion %+v, rollback %+v", promotion, back)
	}
	s.arrive(promotion) // it was fenced after all
	if s.object.Status.Buckets != 1000 {
		t.Errorf("stored %d", s.object.Status.Buckets)
	}
	s.data.hold = false
	s.arrive(back)
	s.pass(time.Second)
	if st := s.object.Status; st.Phase != v1.PhaseRolledBack || st.Epoch <= back.Epoch-1 || st.Owner != v1.SideOld {
		t.Errorf("stored %s, epoch %d, owner %q", st.Phase, st.Epoch, st.Owner)
	}
}

func TestAPromotionOfUnknownOutcomeIsTakenBack(t *testing.T) {
	for name, late := range map[string]bool{"it was not stored": false, "it was": true} {
		s := crossingStage(t, nil)
		s.reach(v1.PhaseRamp, 1000)
		s.did()
		s.hold = true
		for range 100 {
			if s.pass(250 * time.Millisecond); len(s.held) > 0 {
				break
			}
		}
		promotion := s.held[0]
		s.wantDid(fmt.Sprintf("move 1000-5000@%d", promotion.Status.Epoch))
		s.hold, s.down = false, errors.New("no answer")
		if late {
			s.object.Status, s.object.Metadata.Revision = promotion.Status, s.object.Metadata.Revision+1
		}
		s.do(s.c.Written(s.clock(), "move", promotion.ID, nil, s.down))
		s.wantDid(fmt.Sprintf("move 5000-1000@%d", promotion.Status.Epoch+1))
		s.want(v1.PhaseRamp, 1000)
		if n := len(s.override); n != 1 || s.override[0].Buckets != 1000 || s.override[0].Epoch <= promotion.Status.Epoch || s.override[0].Owner != v1.OwnerCreator {
			t.Fatalf("%s: override %+v", name, s.override)
		}
		s.sync()
		s.down = nil
		s.pass(lastRetry + time.Second)
		if st := s.object.Status; st.Phase != v1.PhaseRamp || st.Buckets != 1000 || st.Epoch != s.override[len(s.override)-1].Epoch || st.Owner != v1.OwnerCreator {
			t.Errorf("%s: stored %s at %d, epoch %d; override %+v", name, st.Phase, st.Buckets, st.Epoch, s.override)
		}
		s.reach(v1.PhaseRamp, 5000)
	}
}

func TestAPromotionThatWasStoredAfterAllStands(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.hold = true
	for range 100 {
		if s.pass(250 * time.Millisecond); len(s.held) > 0 {
			break
		}
	}
	promotion := s.held[0]
	s.object.Status, s.object.Metadata.Revision = promotion.Status, s.object.Metadata.Revision+1
	s.sync() // the watch was faster than the answer
	s.do(s.c.Written(s.clock(), "move", promotion.ID, nil, errors.New("no answer")))
	s.want(v1.PhaseRamp, 5000)
	if len(s.override) > 0 {
		t.Errorf("%+v", s.override)
	}
}

func TestAConflictTakesTheFenceBack(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.pass(time.Second)
	s.did()
	s.hold = true
	for range 100 {
		if s.pass(250 * time.Millisecond); len(s.held) > 0 {
			break
		}
	}
	epoch := s.object.Status.Epoch
	s.object.Spec.Paused = true // a user was faster
	s.object.Metadata.Revision++
	s.hold = false
	s.land(s.held[0])
	s.pass(time.Second)
	s.want(v1.PhaseRamp, 1000)
	s.wantDid(fmt.Sprintf("move 1000-5000@%d, settle@%d", epoch+1, epoch))
}

func TestAfterARestartFencesAreSettledFirst(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.did()
	s.c, s.old, s.new, s.copies = NewController(30*time.Second), Outcome{}, Outcome{}, Copies{}
	s.instances(instance("a", "java17", "1.0"), instance("b", "go1.26", "2.0"))
	s.data.fail = func(Effect) error { return errors.New("database is down") }
	s.sync()
	s.pass(40 * time.Second)
	s.want(v1.PhaseRamp, 1000)
	if b := s.status().Blocked; !strings.Contains(b, "database is down") {
		t.Errorf("blocked by %q", b)
	}
	s.refused(VerbPromote, "ann", v1.RoleOperator, "JD-MIGRATE-005", "database is down")
	if e := s.last(EffectSettle); e.Epoch != s.object.Status.Epoch {
		t.Errorf("settles at %d", e.Epoch)
	}
	s.data.fail = nil
	s.reach(v1.PhaseRamp, 5000)
}

func TestAHandoverIsRepeatedUntilItIsDone(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseHold, 10000)
	s.data.fail = func(e Effect) error {
		if e.Kind == EffectHandOver {
			return errors.New("lock wait")
		}
		return nil
	}
	s.reach(v1.PhaseDone, 10000)
	s.pass(time.Second)
	if b := s.status().Blocked; !strings.Contains(b, "handed over") || !strings.Contains(b, "lock wait") {
		t.Errorf("blocked by %q", b)
	}
	s.data.hold = true
	s.pass(lastHandover)
	s.did()
	s.data.hold, s.data.fail = false, nil
	if _, err := s.command(VerbRollback, "ann", v1.RoleOperator); err != nil { // while one is under way
		t.Fatal(err)
	}
	s.pass(time.Second)
	if e := s.last(EffectHandOver); e.Owner != v1.SideOld {
		t.Errorf("handed over to %s", e.Owner)
	}
	s.did()
	s.pass(lastHandover)
	s.wantDid("")
}

func TestTheDataHaveASayInPromotions(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.gates = []v1.Gate{{Name: gateLag, Verdict: v1.VerdictNotEnough, Detail: "lag is 3s"}, {Name: "data_differences", Verdict: v1.VerdictPass}}
	s.pass(time.Minute)
	s.want(v1.PhaseRamp, 1000)
	if b := s.status().Blocked; !strings.Contains(b, "lag is 3s") {
		t.Errorf("blocked by %q", b)
	}
	s.gates[0].Verdict = v1.VerdictPass
	s.reach(v1.PhaseRamp, 5000)
	if n := len(s.object.Status.Gates); n != 6 {
		t.Errorf("%d gates decided", n)
	}
	s.gates[1].Verdict = v1.VerdictFail
	s.pass(2 * time.Second)
	s.want(v1.PhaseRolledBack, 0)
	if r := s.object.Status.Reason; !strings.Contains(r, "data_differences") {
		t.Errorf("reason %q", r)
	}
}

func TestALatchFencesToo(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseRamp, 5000)
	s.did()
	s.latched = true
	s.pass(time.Second)
	s.want(v1.PhaseRolledBack, 0)
	if st := s.object.Status; !st.Latched || st.Owner != v1.SideOld {
		t.Errorf("%+v", st)
	}
	if e := s.last(EffectMove); e.From != 10000 || e.To != 0 {
		t.Errorf("%+v", e)
	}
}

func TestAnEndedProcessLeavesARollbackThatIsNotInForce(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseRamp, 5000)
	s.data.hold = true
	s.mismatch = v1.VerdictFail
	s.pass(500 * time.Millisecond)
	if out := s.c.Flush(s.clock()); len(out) != 0 {
		t.Errorf("flushed %+v", out)
	}
	s.arrive(s.last(EffectMove))
}

func TestASpecOfOtherSidesBeginsAnewWithItsData(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.did()
	s.edit(func(spec *v1.MigrationSpec) { spec.To = v1.Selector{"runtime": "go1.27"} })
	s.instances(instance("a", "java17", "1.0"), instance("c", "go1.27", "2.0"))
	s.pass(time.Second)
	s.want(v1.PhaseMirror, 0)
	if e := s.last(EffectMove); e.To != 0 || s.object.Status.Owner != v1.SideOld {
		t.Errorf("%+v, owner %q", e, s.object.Status.Owner)
	}
}

func TestWithoutAWayBackUsersStay(t *testing.T) {
	s := crossingStage(t, nil)
	s.reach(v1.PhaseHold, 10000)
	s.data.fail = func(e Effect) error {
		if e.Kind == EffectMove && e.To == 0 {
			return fmt.Errorf("%w: window closed", ErrNoWayBack)
		}
		return nil
	}
	s.refused(VerbRollback, "ann", v1.RoleOperator, "JD-MIGRATE-005", "window closed")
	s.want(v1.PhaseHold, 10000)
	s.mismatch = v1.VerdictFail
	s.pass(2 * time.Second)
	s.want(v1.PhaseHold, 10000)
	if b := s.status().Blocked; !strings.Contains(b, "a rollback is due") || !strings.Contains(b, "window closed") {
		t.Errorf("blocked by %q", b)
	}
	if len(s.override) > 0 {
		t.Errorf("override %+v", s.override)
	}
	s.did()
	s.pass(30 * time.Second)
	s.wantDid("") // it is not asked all the time
	s.data.fail = nil
	s.pass(oneWayFor)
	s.want(v1.PhaseRolledBack, 0)
}

func TestAFirstPromotionOfUnknownOutcomeTakesEntitiesBackToo(t *testing.T) {
	s := crossingStage(t, nil)
	s.hold = true
	for range 100 {
		if s.pass(250 * time.Millisecond); len(s.held) > 0 && s.held[len(s.held)-1].Status.Buckets > 0 {
			break
		}
		for _, e := range s.held {
			s.land(e)
		}
		s.held = nil
	}
	s.did()
	s.hold = false
	s.down = errors.New("no answer")
	s.do(s.c.Written(s.clock(), "move", s.held[0].ID, nil, s.down))
	s.wantDid(fmt.Sprintf("move 10000-0@%d", s.held[0].Status.Epoch+1))
	if n := len(s.override); n != 1 || s.override[0].Owner != v1.SideOld || s.override[0].Buckets != 0 {
		t.Errorf("override %+v", s.override)
	}
	s.want(v1.PhaseMirror, 0)
}

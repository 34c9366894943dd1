package migrate

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// rows is a data part that tells what it was asked.
type rows struct {
	mu    sync.Mutex
	asked []string
	hang  string // operations that begin so end with their context only
}

func (r *rows) do(ctx context.Context, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	r.mu.Lock()
	r.asked = append(r.asked, text)
	hang := r.hang != "" && strings.HasPrefix(text, r.hang)
	r.mu.Unlock()
	if !hang {
		return nil
	}
	<-ctx.Done()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, "end of "+text)
	return fmt.Errorf("%w: %w", ErrNotDrained, ctx.Err())
}

func (r *rows) Gates(string) []v1.Gate {
	return []v1.Gate{{Name: gateLag, Verdict: v1.VerdictPass, Detail: "no lag"}}
}

func (r *rows) Move(ctx context.Context, name string, epoch int64, from, to int) error {
	return r.do(ctx, "move %s %d-%d@%d", name, from, to, epoch)
}

func (r *rows) Settle(ctx context.Context, name string, epoch int64) error {
	return r.do(ctx, "settle %s@%d", name, epoch)
}

func (r *rows) Across(string) bool { return true }

func (r *rows) Normal(_ string, _ bool, e v1.Effect) v1.Effect { return e }

func (r *rows) HandOver(ctx context.Context, name, side string) error {
	return r.do(ctx, "hand %s to %s", name, side)
}

// since returns what was asked since the last time.
func (r *rows) since() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := strings.Join(r.asked, ", ")
	r.asked = nil
	return out
}

func (r *rows) hangs(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hang = what
}

// runCrossing is run for a migration whose rows cross, at a share.
func runCrossing(t *testing.T, data Data, phase v1.Phase, buckets int) (*Server, *world) {
	t.Helper()
	return runWith(t, data, func(m *v1.Migration) {
		m.Spec.Data = &v1.DataSpec{
			Old: v1.DataSide{Database: "a", Capture: "binlog"}, New: v1.DataSide{Database: "b", Capture: "outbox"},
			Tables: []v1.TableRule{{Name: "orders"}},
		}
		m.Status = v1.MigrationStatus{Phase: phase, Buckets: buckets, Epoch: 7, Versions: "1.0 → 2.0 (orders: runtime=java17 → runtime=go1.26)"}
	})
}

var ann = v1.Identity{Name: "ann", Role: v1.RoleOperator}

func TestCommandsCarryTheRowsAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := &rows{}
		s, w := runCrossing(t, data, v1.PhaseRamp, 1000)
		if got := data.since(); got != "settle move@7" {
			t.Errorf("at the start: %s", got)
		}
		if m, err := s.Command(t.Context(), "move", VerbPromote, ann, ""); err != nil || m.Status.Buckets != 10000 || m.Status.Owner != v1.OwnerCreator {
			t.Fatalf("%+v, %v", m.Status, err)
		}
		if m, err := s.Command(t.Context(), "move", VerbPromote, ann, ""); err != nil || m.Status.Phase != v1.PhaseDone || m.Status.Owner != v1.SideNew {
			t.Fatalf("%+v, %v", m.Status, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := data.since(); got != "move move 1000-10000@8, move move 0-10000@9, hand move to new" {
			t.Errorf("promotions: %s", got)
		}
		if m, err := s.Command(t.Context(), "move", VerbRollback, ann, ""); err != nil || m.Status.Phase != v1.PhaseRolledBack || m.Status.Owner != v1.SideOld {
			t.Fatalf("%+v, %v", m.Status, err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := data.since(); got != "move move 10000-0@10, hand move to old" {
			t.Errorf("rollback: %s", got)
		}
		if o, _, _, _ := w.now(); len(o) != 1 || o[0].Owner != v1.SideOld || o[0].Buckets != 0 {
			t.Errorf("override %+v", o)
		}
		if m, err := s.Command(t.Context(), "move", VerbResume, ann, ""); err != nil || m.Status.Phase != v1.PhaseMirror {
			t.Errorf("%+v, %v", m.Status, err)
		}
		if m, err := s.Command(t.Context(), "move", VerbPromote, ann, ""); err != nil || m.Status.Buckets != 1000 {
			t.Errorf("forward again: %+v, %v", m.Status, err)
		}
		if got := data.since(); !strings.HasPrefix(got, "move move 0-10000@") {
			t.Errorf("forward again: %s", got)
		}
	})
}

func TestARollbackEndsThePromotionThatDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := &rows{}
		s, w := runCrossing(t, data, v1.PhaseRamp, 1000)
		data.since()
		data.hangs("move move 1000-")
		answer := make(chan error, 1)
		go func() {
			_, err := s.Command(context.Background(), "move", VerbPromote, ann, "")
			answer <- err
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		began := time.Now()
		if _, err := s.Command(t.Context(), "move", VerbRollback, ann, ""); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 300*time.Millisecond {
			t.Errorf("the rollback took %v", took)
		}
		if err := <-answer; err == nil || !strings.Contains(err.Error(), "JD-MIGRATE-017") {
			t.Errorf("the promotion answers %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := data.since(); got != "move move 1000-10000@8, end of move move 1000-10000@8, move move 10000-0@9, hand move to old" {
			t.Errorf("%s", got)
		}
		if _, _, st, _ := w.now(); st.Phase != v1.PhaseRolledBack || st.Owner != v1.SideOld {
			t.Errorf("stored %s, owner %q", st.Phase, st.Owner)
		}
	})
}

func TestADatabaseThatHangsHoldsUpNoRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := &rows{}
		s, w := runCrossing(t, data, v1.PhaseRamp, 1000)
		data.hangs("move")
		began := time.Now()
		if _, err := s.Command(t.Context(), "move", VerbRollback, ann, ""); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the rollback took %v", took)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		_, _, st, _ := w.now()
		if st.Phase != v1.PhaseRolledBack || !strings.Contains(st.Reason, "not all rows") {
			t.Errorf("stored %s: %s", st.Phase, st.Reason)
		}
		data.hangs("hand")
		if _, err := s.Command(t.Context(), "move", VerbResume, ann, ""); err != nil {
			t.Error(err)
		}
		w.stop() // ends what hangs
	})
}

func TestANodeWithoutDataPromotesNoMigrationWithThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := runCrossing(t, nil, v1.PhaseRamp, 1000)
		_, err := s.Command(t.Context(), "move", VerbPromote, ann, "")
		if err == nil || !strings.Contains(err.Error(), "data.databases") {
			t.Errorf("promote answers %v", err)
		}
		e, err := s.Evidence("move")
		if err != nil || !strings.Contains(fmt.Sprint(e.Gates), "carries no data") {
			t.Errorf("gates %+v", e.Gates)
		}
		if _, err := s.Command(t.Context(), "move", VerbRollback, ann, ""); err != nil {
			t.Error(err)
		}
		if o, _, _, _ := w.now(); len(o) != 1 || o[0].Buckets != 0 {
			t.Errorf("override %+v", o)
		}
		s.SetMigrations(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.ctl.trackers) != 0 {
			t.Error("it is still there")
		}
	})
}

func TestAHandoverEndsTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := &rows{}
		s, _ := runCrossing(t, data, v1.PhaseHold, 10000)
		data.hangs("hand move to new")
		if _, err := s.Command(t.Context(), "move", VerbPromote, ann, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if _, err := s.Command(t.Context(), "move", VerbRollback, ann, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := data.since(); !strings.HasSuffix(got, "end of hand move to new, hand move to old") {
			t.Errorf("%s", got)
		}
	})
}

package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
)

// check is what holds after every tick.
func (w *world) check() {
	n := w.node
	view, ok := n.ctl.View(w.clock(), name)
	if !ok {
		w.broken("the migration is unknown")
		return
	}
	st := view.Migration.Status
	if share := n.share(); w.mustBe0 && share != 0 {
		w.broken("share is %d after a rollback that nobody closed", share)
	}
	if share := n.share(); share > max(n.path.Buckets, 0) && (w.data == nil || share > w.object.Status.Buckets) {
		w.broken("share is %d, above the stored %d", share, n.path.Buckets)
	}
	if key := fmt.Sprint(st.Phase, st.Buckets, st.Epoch); key != w.inForce {
		w.inForce, w.sinceMove = key, w.now
	}
	// A rollback reaches the data path within 2 s of the verdict, whatever the store does.
	fails := slices.ContainsFunc(view.Gates, func(g v1.Gate) bool { return g.Verdict == v1.VerdictFail })
	held := !slices.ContainsFunc(w.snap.Services["orders"].Instances, func(in *registry.Instance) bool { return in.Name == "old" })
	switch {
	case !fails || w.now < w.silent || st.Phase == v1.PhaseObserve || held || n.share() == 0:
		w.failing = -1
	case w.failing < 0:
		w.failing = w.now
	case w.now-w.failing >= 2*time.Second:
		w.broken("a gate failed %s ago and the share is %d", w.now-w.failing, n.share())
	}
	for id := range w.replied {
		if _, ok := w.asked[id]; !ok {
			w.broken("command %d was answered twice or never given", id)
		}
		delete(w.asked, id)
		delete(w.replied, id)
	}
	for id, at := range w.asked {
		if w.now >= w.silent && w.now-max(at, w.silent) > 20*time.Second {
			w.broken("command %d has no answer after %s", id, w.now-at)
		}
	}
}

// stored is what holds of every status that the store takes.
func (w *world) stored(next *v1.MigrationStatus, waited time.Duration) {
	was := &w.object.Status
	moved := next.Phase != was.Phase || next.Buckets != was.Buckets
	if moved {
		w.moves++
	}
	if next.Epoch < was.Epoch || moved && next.Epoch == was.Epoch {
		w.broken("epoch goes from %d to %d with %s", was.Epoch, next.Epoch, text(next))
	}
	if len(next.History) == 0 || len(next.History) > 64 {
		w.broken("history has %d entries", len(next.History))
		return
	}
	last := next.History[len(next.History)-1]
	if last.Phase != next.Phase || last.Buckets != next.Buckets || moved && last.Step != next.Step {
		w.broken("history ends with %s at %d, status is %s", last.Phase, last.Buckets, text(next))
	}
	byHand := strings.Contains(last.Reason, "promoted by hand")
	forward := next.Buckets > was.Buckets || next.Phase == v1.PhaseDone && was.Phase != v1.PhaseDone
	if forward {
		if last.Verdict == v1.VerdictFail || !byHand && last.Verdict != v1.VerdictPass {
			w.broken("share rises from %d to %d with verdict %q: %s", was.Buckets, next.Buckets, last.Verdict, text(next))
		}
		w.risen(was, next)
		if w.object.Spec.Paused {
			w.broken("share rises while paused: %s", text(next))
		}
		if byHand && w.object.Spec.Approval.Promote && !approved(last.By) {
			w.broken("promoted by %q alone", last.By)
		}
		// Each step takes its least time in the process that moves it, a second here.
		if !byHand && waited < time.Second {
			w.broken("share rises %s after the last move: %s", waited, text(next))
		}
	}
	if next.Buckets > was.Buckets {
		for _, p := range w.object.Spec.Steps {
			if b := int(p*100 + 0.5); b > was.Buckets {
				if b != next.Buckets {
					w.broken("share goes from %d to %d, the next step is %d", was.Buckets, next.Buckets, b)
				}
				break
			}
		}
	}
	if was.Phase == v1.PhaseRolledBack && next.Phase != v1.PhaseRolledBack {
		if !strings.Contains(last.Reason, "resumed") || next.Buckets != 0 {
			w.broken("a rollback ends by %s", text(next))
		}
		if w.object.Spec.Approval.Resume && !approved(last.By) {
			w.broken("a rollback is closed by %q alone", last.By)
		}
		w.mustBe0 = false
	}
	if was.Phase != v1.PhaseRolledBack && next.Phase != v1.PhaseRolledBack && next.Buckets == 0 {
		w.mustBe0 = false // the status says 0 by itself
	}
	if w.data != nil && next.Phase == v1.PhaseRolledBack && next.Owner != v1.SideOld {
		w.broken("rolled back with owner %q", next.Owner)
	}
	if next.Phase == v1.PhaseRolledBack && (next.Buckets != 0 || next.Step != -1) {
		w.broken("rolled back with %s", text(next))
	}
}

// approved says that two different people are named.
func approved(by string) bool {
	first, second, two := strings.Cut(by, ", approved by ")
	return two && first != second && second == "bob" || two && first != second && second == "local"
}

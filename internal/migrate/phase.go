package migrate

import (
	"fmt"
	"slices"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// Who moves a migration, in its history, beside people. The audit says controller:migrate for both.
const (
	byController = "controller"
	byDataPath   = "data path"
)

// maxHistory is how many transitions a status keeps.
const maxHistory = 64

// approvalLapse is how long a command waits for a second person.
const approvalLapse = time.Hour

// move is one change of phase or share.
type move struct {
	phase   v1.Phase
	step    int
	buckets int

	at     time.Time
	by     string
	reason string
	gates  []v1.Gate
}

// apply is st after m, with an epoch above both st's and the one given. st is not changed.
func (m *move) apply(st v1.MigrationStatus, epoch int64) v1.MigrationStatus {
	st.Phase, st.Step, st.Buckets = m.phase, m.step, m.buckets
	st.Epoch = max(st.Epoch, epoch) + 1
	at := m.at
	st.Since = &at
	st.Reason, st.Gates, st.Verdict = m.reason, m.gates, ""
	if len(m.gates) > 0 {
		st.Verdict = together(m.gates)
	}
	st.Blocked, st.Pending = "", nil
	return m.note(st)
}

// note is st with the move in its history and nothing else changed.
func (m *move) note(st v1.MigrationStatus) v1.MigrationStatus {
	verdict := v1.Verdict("")
	if len(m.gates) > 0 {
		verdict = together(m.gates)
	}
	history := append(slices.Clone(st.History), v1.Transition{
		At: m.at, By: m.by, Phase: st.Phase, Step: st.Step, Buckets: st.Buckets,
		Reason: m.reason, Verdict: verdict, Gates: m.gates,
	})
	st.History = history[max(0, len(history)-maxHistory):]
	return st
}

// opening is the phase in which a migration begins, and begins anew.
func opening(s *Settings) v1.Phase {
	if s.Spec.Observe {
		return v1.PhaseObserve
	}
	return v1.PhaseMirror
}

// next is the phase and share after st, at most one step on; false when there is none.
func next(s *Settings, st *v1.MigrationStatus) (phase v1.Phase, step, buckets int, ok bool) {
	switch st.Phase {
	case v1.PhaseObserve:
		return v1.PhaseMirror, -1, 0, !s.Spec.Observe
	case v1.PhaseMirror, v1.PhaseRamp:
		step = s.stepAt(st.Buckets) + 1
		if step == len(s.Steps) {
			return v1.PhaseHold, step - 1, fullShare, true
		}
		phase = v1.PhaseRamp
		if s.Steps[step] == fullShare {
			phase = v1.PhaseHold
		}
		return phase, step, s.Steps[step], true
	case v1.PhaseHold:
		return v1.PhaseDone, len(s.Steps) - 1, fullShare, true
	}
	return st.Phase, st.Step, st.Buckets, false
}

// comparing says whether copies are made in a phase.
func comparing(p v1.Phase) bool {
	return p == v1.PhaseObserve || p == v1.PhaseMirror || p == v1.PhaseRamp || p == v1.PhaseHold
}

// moving says whether users may be on the new side in a phase, so that what they got counts.
func moving(p v1.Phase) bool { return p == v1.PhaseRamp || p == v1.PhaseHold }

// words for a share and a place.
func shareText(buckets int) string { return fmt.Sprintf("%.4g %%", float64(buckets)/100) }

func placeText(phase v1.Phase, buckets int) string {
	if moving(phase) || phase == v1.PhaseDone {
		return fmt.Sprintf("%s at %s", phase, shareText(buckets))
	}
	return string(phase)
}

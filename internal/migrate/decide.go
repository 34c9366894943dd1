package migrate

import (
	"fmt"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// decide makes the controller's own move, at most one.
func (t *tracker) decide(now Clock, id func() int64) []Effect {
	st := t.object.Status
	m := move{phase: st.Phase, step: st.Step, buckets: st.Buckets, at: now.Wall, by: byController}
	pair := t.sides.pair(st.Versions)
	switch {
	case t.broken != nil || !t.sides.known && st.Phase == "":
		return nil
	case st.Phase == "":
		m.phase, m.step, m.reason = opening(t.settings), -1, "began"
		st.Versions = pair
		return t.write(flight{id: id(), restart: true}, m.apply(st, t.epoch), m.by)
	case len(t.notes) > 0:
		for i := range t.notes {
			st = t.notes[i].note(st)
		}
		return t.write(flight{id: id(), notes: len(t.notes)}, st, t.notes[0].by)
	case t.carries() && !t.crossing.took:
		m.reason = "the controller began anew; fences that no share followed are taken back"
		return t.write(flight{id: id()}, m.note(st), m.by)
	case !t.sides.known || st.Phase == v1.PhaseDone || st.Phase == v1.PhaseRolledBack:
		return nil
	case st.Versions != "" && !sameSides(st.Versions, pair):
		return t.otherSides(now, pair, id)
	case st.Versions != pair:
		m.reason = fmt.Sprintf("versions are now %s, they were %s: evidence begins anew", pair, st.Versions)
		st.Versions, st.Baseline = pair, nil
		return t.write(flight{id: id(), restart: true}, m.apply(st, t.epoch), m.by)
	case st.Buckets == 0 && st.Phase != opening(t.settings):
		m.phase, m.step, m.reason = opening(t.settings), -1, fmt.Sprintf("spec.observe is now %v", t.settings.Spec.Observe)
		return t.write(flight{id: id()}, m.apply(st, t.epoch), m.by)
	case st.Phase == v1.PhaseRamp && st.Step != t.settings.stepAt(st.Buckets):
		st.Step = t.settings.stepAt(st.Buckets)
		m.reason = "spec.steps changed; the share stays at " + shareText(st.Buckets)
		return t.write(flight{id: id()}, m.note(st), m.by)
	case t.hindrance() == "" && t.unripe(now) == "":
		return t.promote(now, &m, flight{id: id()})
	}
	return nil
}

// otherSides begins the whole migration anew for another service or other subsets: no share was earned
// for them. Admit keeps such a change out while users are on the new side.
func (t *tracker) otherSides(now Clock, pair string, id func() int64) []Effect {
	d := &descent{pair: pair, move: move{
		phase: opening(t.settings), step: -1, at: now.Wall, by: byController,
		reason: fmt.Sprintf("spec moves other subsets now, %s; they were %s: it begins anew", pair, t.object.Status.Versions),
	}}
	t.forget()
	return append(t.takeBack(now, d, id), t.proceed(now, id)...)
}

// promote goes one step on.
func (t *tracker) promote(now Clock, m *move, f flight) []Effect {
	st := t.object.Status
	var ok bool
	if m.phase, m.step, m.buckets, ok = next(t.settings, &st); !ok {
		return nil
	}
	if t.window != nil {
		st.Baseline = t.window.baseline(st.Baseline, &t.traffic, t.settings, st.Step, now.Wall)
	}
	m.gates = t.gates
	if m.reason == "" {
		m.reason = fmt.Sprintf("every gate passed: %s to %s", placeText(st.Phase, st.Buckets), placeText(m.phase, m.buckets))
	}
	after := m.apply(st, t.epoch)
	after.Owner = t.ownerAt(m, st.Owner)
	if t.carries() && (after.Buckets != st.Buckets || !sameOwner(after.Owner, st.Owner)) {
		return t.cross(f, after, m.by)
	}
	return t.write(f, after, m.by)
}

// hindrance is what forbids every promotion, by hand too; "" when nothing does.
func (t *tracker) hindrance() string {
	st := t.status()
	switch {
	case t.broken != nil:
		return t.broken.Error()
	case t.rival != "":
		return fmt.Sprintf("migration %q moves service %q already: delete one of the two", t.rival, t.object.Spec.Service)
	case st.Phase == v1.PhaseRolledBack, st.Phase == v1.PhaseDone:
		return ""
	}
	if why := t.sides.hindrance(&t.object.Spec); why != "" {
		return why
	}
	if t.settings != nil && t.settings.Spec.Observe {
		return "spec.observe is set: it compares and moves nobody; remove it to go on"
	}
	return t.crossingHindrance()
}

// unripe is what a promotion still waits for, "" when it is due. A command may overrule it.
func (t *tracker) unripe(now Clock) string {
	st := t.status()
	switch {
	case t.object.Spec.Paused:
		return "paused: resume lets it go on"
	case t.window == nil:
		return "waits for the first look"
	}
	if g := first(t.gates, v1.VerdictFail); g != nil {
		return g.Name + ": " + g.Detail
	}
	if g := first(t.gates, v1.VerdictNotEnough); g != nil {
		return g.Name + ": " + g.Detail
	}
	if left := t.settings.least(st.Phase) - (now.Mono - t.window.start); left > 0 {
		return fmt.Sprintf("%s more of the least time of %s", left.Round(time.Second), t.settings.least(st.Phase))
	}
	return t.crossingWait(now)
}

// blocked is what keeps the migration from going on now, for people.
func (t *tracker) blocked(now Clock) string {
	st := t.status()
	switch held := t.rollbackHeld(); {
	case held != "" && t.due() != "":
		return "a rollback is due (" + t.due() + "), but " + held
	case t.descent != nil && t.storeOut != nil:
		return fmt.Sprintf("share %s is in force, but the store does not have it yet: %v", shareText(t.descent.buckets), t.storeOut)
	case t.descent != nil && t.descent.fence != 0:
		return "data: users go back as soon as the other side is fenced and its rows have arrived"
	case t.flight != nil && t.flight.crossing:
		return "data: the old side is fenced for the users who move, and its rows are on their way"
	case t.storeOut != nil:
		return "the store cannot be reached, so the share is kept and nobody more moves: " + t.storeOut.Error()
	}
	if why := t.hindrance(); why != "" {
		return why
	}
	switch st.Phase {
	case v1.PhaseDone:
		return t.handText()
	case v1.PhaseRolledBack:
		if st.Pending != nil {
			return pendingText(st.Pending)
		}
		return "rolled back; resume begins anew: " + st.Reason
	case "":
		return "waits for the store"
	}
	if st.Pending != nil && !lapsed(now, st.Pending) {
		return pendingText(st.Pending)
	}
	return t.unripe(now)
}

func pendingText(p *v1.PendingCommand) string {
	return fmt.Sprintf("%s, asked for by %s, waits for a second person with the role approver", p.Command, p.By)
}

package migrate

import (
	"fmt"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// Verb is what a command asks for.
type Verb string

// The verbs.
const (
	VerbPause    Verb = "pause"    // keep the share, decide nothing but a rollback
	VerbResume   Verb = "resume"   // end a pause; after a rollback, begin anew
	VerbPromote  Verb = "promote"  // one step on, though evidence or time is short; never despite a failed gate
	VerbRollback Verb = "rollback" // everyone to the old side, at once
)

// Command is a person's wish.
type Command struct {
	ID     int64
	Name   string
	Verb   Verb
	Who    v1.Identity
	Reason string
}

// because is the reason in history.
func (c *Command) because(what string) string {
	if c.Reason == "" {
		return what
	}
	return what + ": " + c.Reason
}

func (t *tracker) refuse(cmd *Command, code, format string, args ...any) []Effect {
	return []Effect{reply(cmd.ID, v1.Migration{}, kind.New(kind.Conflict, code, "%s %s: "+format, append([]any{cmd.Verb, t.name}, args...)...))}
}

// emergency is the rollback by hand. It takes one person, reaches the data path first, where rows cross
// after the fence of the new side, and is answered before the store has it.
func (t *tracker) emergency(now Clock, cmd Command, id func() int64) []Effect {
	switch t.status().Phase {
	case v1.PhaseRolledBack:
		return t.refuse(&cmd, "JD-MIGRATE-004", "it is rolled back already; resume begins anew")
	case "":
		return t.refuse(&cmd, "JD-MIGRATE-004", "it has not begun, so everyone is on the old side; delete it, or pause it")
	}
	if why := t.deserted(); why != "" {
		return t.refuse(&cmd, "JD-MIGRATE-005", "%s", why)
	}
	out := t.rollBack(now, cmd.Who.By(), cmd.because("rolled back by hand"), false, id)
	if t.descent.fence != 0 {
		t.descent.asked = append(t.descent.asked, cmd)
		return out
	}
	out = append(out, reply(cmd.ID, t.view(now), nil))
	return append(out, t.proceed(now, id)...)
}

// execute carries out a command that needs the store.
func (t *tracker) execute(now Clock, cmd *Command, id func() int64) []Effect {
	st := t.status()
	switch {
	case st.Phase == "":
		return t.refuse(cmd, "JD-MIGRATE-004", "it has not begun; wait until its first status is stored")
	case cmd.Verb == VerbPause:
		if st.Phase == v1.PhaseDone || st.Phase == v1.PhaseRolledBack || t.object.Spec.Paused {
			return t.refuse(cmd, "JD-MIGRATE-004", "nothing moves in phase %s with spec.paused %v", st.Phase, t.object.Spec.Paused)
		}
		return t.pause(cmd, true, id())
	case cmd.Verb == VerbResume && st.Phase == v1.PhaseRolledBack:
		return t.reopen(now, cmd, id())
	case cmd.Verb == VerbResume:
		if !t.object.Spec.Paused {
			return t.refuse(cmd, "JD-MIGRATE-004", "it is neither paused nor rolled back, but in phase %s", st.Phase)
		}
		return t.pause(cmd, false, id())
	case cmd.Verb == VerbPromote:
		return t.promoteByHand(now, cmd, id())
	}
	return []Effect{reply(cmd.ID, v1.Migration{}, kind.New(kind.Invalid, "JD-MIGRATE-009",
		"command %q is not known; use pause, resume, promote or rollback", string(cmd.Verb)))}
}

// pause writes the user's spec as that user.
func (t *tracker) pause(cmd *Command, paused bool, id int64) []Effect {
	t.flight = &flight{id: id, command: cmd, pausing: true}
	return []Effect{{Kind: EffectPause, Name: t.name, ID: id, Paused: paused, Who: cmd.Who}}
}

// reopen closes a rollback: the migration begins anew, with nothing of the evidence before.
func (t *tracker) reopen(now Clock, cmd *Command, id int64) []Effect {
	if t.settings == nil || t.broken != nil {
		return t.refuse(cmd, "JD-MIGRATE-005", "its spec cannot be read: %v", t.broken)
	}
	by, wait := t.approve(now, cmd, t.settings.Spec.Approval.Resume, id)
	if wait != nil {
		return wait
	}
	m := move{phase: opening(t.settings), step: -1, at: now.Wall, by: by, reason: cmd.because("resumed after a rollback; evidence begins anew")}
	st := t.object.Status
	st.Latched, st.FirstDifference, st.Baseline = false, nil, nil
	st.Versions = t.sides.pair(st.Versions)
	return t.write(flight{id: id, command: cmd, closing: true}, m.apply(st, t.epoch), by)
}

// promoteByHand forces the next step though evidence or time is short.
func (t *tracker) promoteByHand(now Clock, cmd *Command, id int64) []Effect {
	st := t.status()
	switch {
	case st.Phase == v1.PhaseRolledBack:
		return t.refuse(cmd, "JD-MIGRATE-004", "it is rolled back; resume begins anew")
	case st.Phase == v1.PhaseDone:
		return t.refuse(cmd, "JD-MIGRATE-004", "it is done; there is no further step")
	case t.object.Spec.Paused:
		return t.refuse(cmd, "JD-MIGRATE-004", "it is paused; resume it first")
	}
	if why := t.hindrance(); why != "" {
		return t.refuse(cmd, "JD-MIGRATE-005", "%s", why)
	}
	if g := first(t.gates, v1.VerdictFail); g != nil {
		return t.refuse(cmd, "JD-MIGRATE-006", "gate %s fails, and a promotion cannot overrule that (%s); correct the new side, then roll back and resume to begin anew", g.Name, g.Detail)
	}
	by, wait := t.approve(now, cmd, t.settings.Spec.Approval.Promote, id)
	if wait != nil {
		return wait
	}
	what := "promoted by hand"
	if why := t.unripe(now); why != "" {
		what += " although " + why
	}
	m := move{at: now.Wall, by: by, reason: cmd.because(what)}
	return t.promote(now, &m, flight{id: id, command: cmd})
}

// approve says by whom a command is done when it may be done now; else wait is what to do instead.
// Where two persons are needed, the first one's wish is stored and waits for an hour for an approver of
// another name. A local caller's actor is a claim, so it makes no other person.
func (t *tracker) approve(now Clock, cmd *Command, two bool, id int64) (by string, wait []Effect) {
	if !two {
		return cmd.Who.By(), nil
	}
	p := t.status().Pending
	if p == nil || p.Command != string(cmd.Verb) || lapsed(now, p) {
		st := t.object.Status
		st.Pending = &v1.PendingCommand{Command: string(cmd.Verb), By: cmd.Who.By(), At: now.Wall}
		m := move{at: now.Wall, by: cmd.Who.By(), reason: cmd.because(string(cmd.Verb) + " asked for; a second person must agree")}
		return "", t.write(flight{id: id, command: cmd}, m.note(st), cmd.Who.By())
	}
	if p.By == cmd.Who.Name || strings.HasPrefix(p.By, cmd.Who.Name+":") {
		return "", t.refuse(cmd, "JD-MIGRATE-007", "it waits for a second person since %s; %s asked for it and cannot be both", p.At.Format("15:04:05"), p.By)
	}
	if cmd.Who.Role != v1.RoleApprover && cmd.Who.Role != v1.RoleAdmin {
		return "", []Effect{reply(cmd.ID, v1.Migration{}, kind.New(kind.Denied, "JD-MIGRATE-008",
			"%s %s: the second person needs the role approver, %s has %s; %s asked for it", cmd.Verb, t.name, cmd.Who.By(), cmd.Who.Role, p.By))}
	}
	return fmt.Sprintf("%s, approved by %s", p.By, cmd.Who.By()), nil
}

// lapsed says that a command waited too long, or was asked for in a future that a clock set back left.
func lapsed(now Clock, p *v1.PendingCommand) bool {
	age := now.Wall.Sub(p.At)
	return age >= approvalLapse || age <= -approvalLapse
}

// answer tells who commanded how the write ended.
func (t *tracker) answer(now Clock, cmd *Command, err error) Effect {
	switch {
	case err == nil:
		return reply(cmd.ID, t.view(now), nil)
	case kind.Of(err) == kind.Conflict:
		err = kind.New(kind.Conflict, "JD-MIGRATE-011", "%s %s: it changed at the same moment; look at it and try again: %w", cmd.Verb, t.name, err)
	case kind.Of(err) == kind.NotFound:
		err = notFound(t.name)
	case kind.Of(err) == kind.Denied, kind.Of(err) == kind.Invalid:
	default:
		err = kind.New(kind.Unavailable, "JD-MIGRATE-012", "%s %s: the store cannot be reached, so it may or may not have happened; look at it when the store is back (a rollback needs no store): %w", cmd.Verb, t.name, err)
	}
	return reply(cmd.ID, v1.Migration{}, err)
}

// view is the migration with the status in force and what blocks it now.
func (t *tracker) view(now Clock) v1.Migration {
	m := t.object
	if t.descent == nil || t.descent.fence == 0 { // before its fence a way back is not in force
		m.Status = *t.status()
	}
	m.Status.Blocked = t.blocked(now)
	return m
}

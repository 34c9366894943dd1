package data

import (
	"fmt"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

const (
	gateLag         = "data_lag"
	gateDifferences = "data_differences"
	// beat is how often a source tells where it is at least, with room for the way.
	beat = 2 * time.Second
)

// gates are what the data say to a promotion.
func (c *crossing) gates() []v1.Gate { return []v1.Gate{c.lagGate(), c.differencesGate()} }

// lagGate holds while rows arrive too late, or do not arrive.
func (c *crossing) lagGate() v1.Gate {
	now := c.pace.now()
	bound := c.spec.MaxLag.Or(0)
	g := v1.Gate{Name: gateLag, Verdict: v1.VerdictNotEnough, Bound: millis(bound)}
	c.mu.Lock()
	problem, closed, carriers, relays := c.problem, c.closed, c.carriers, c.relays
	missing := ""
	for i := range c.spec.Tables {
		if t := c.tables[c.spec.Tables[i].Name]; !t.done {
			missing = c.spec.Tables[i].Name
			break
		}
	}
	fullAt, lost := c.fullAt, c.lost
	c.mu.Unlock()
	if closed {
		g.Verdict, g.Detail = v1.VerdictPass, "the window was closed: rows no longer cross back"
		return g
	}
	worst := time.Duration(0)
	for _, on := range sides() {
		one := carriers[on]
		if one == nil || relays[on].beat.IsZero() || relays[on].state != "running" {
			g.Detail = fmt.Sprintf("the relay from the %s side is %s: %s", on, relays[on].state, first(relays[on].problem, problem, "it starts"))
			return g
		}
		st := one.relay.State()
		g.Samples += st.changes
		worst = max(worst, one.relay.Lag(now))
		if !st.Oldest.IsZero() {
			worst = max(worst, now.Sub(st.Oldest))
		} else if silent := now.Sub(relays[on].beat); silent > bound+beat {
			worst = max(worst, silent)
		}
		if st.Parked > 0 {
			g.Detail = fmt.Sprintf("%d changes from the %s side are parked: retry or skip them, see jindu migration parked", st.Parked, on)
			return g
		}
	}
	g.Value = millis(worst)
	switch {
	case missing != "":
		g.Detail = fmt.Sprintf("the copy of table %s is not done", missing)
	case fullAt.IsZero() || lost:
		g.Detail = "the first full comparison has not ended"
		if lost {
			g.Detail = "a log was gone, and the full comparison that finds what it held has not ended"
		}
	case worst > bound:
		g.Detail = fmt.Sprintf("changes arrive up to %v after their commit, %v is allowed", worst.Round(time.Millisecond), bound)
	default:
		g.Verdict = v1.VerdictPass
		g.Detail = fmt.Sprintf("changes arrive within %v of their commit, %v is allowed", worst.Round(time.Millisecond), bound)
	}
	return g
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// differencesGate holds while rows are known to differ, and fails when money came to differ since users are on
// the new side.
func (c *crossing) differencesGate() v1.Gate {
	g := v1.Gate{Name: gateDifferences, Verdict: v1.VerdictNotEnough}
	differ, _, open := c.judge.Standing()
	g.Value = float64(differ)
	c.mu.Lock()
	fullAt, users, closed, lost := c.fullAt, c.users, c.closed, c.lost
	for _, t := range c.tables {
		g.Samples += max(t.old, 0)
	}
	c.mu.Unlock()
	if closed {
		g.Verdict, g.Detail = v1.VerdictPass, "the window was closed: rows are no longer compared"
		return g
	}
	if at, id, ok := c.judge.opened(); ok && !users.IsZero() && !at.Before(users) {
		g.Verdict = v1.VerdictFail
		g.Detail = fmt.Sprintf("case %s was opened at %s, with users on the new side: money or stock differs", id, at.UTC().Format(time.RFC3339))
		return g
	}
	switch {
	case differ > 0 || open > 0:
		g.Detail = fmt.Sprintf("%d rows differ, %d cases are open: repair or settle them, see jindu migration diff", differ, open)
	case fullAt.IsZero() || lost:
		g.Detail = "no row is known to differ, but the full comparison has not ended"
	default:
		g.Verdict = v1.VerdictPass
		g.Detail = fmt.Sprintf("no row differs; everything was last compared at %s", fullAt.UTC().Format(time.RFC3339))
	}
	return g
}

package writeset

import (
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// Fates of an effect, as v1.Effect.Fate names them; without one it happened.
const (
	fateRolledBack = "rolled_back"
	fateRefused    = "refused"
	fateUnknown    = "unknown"
)

// Told is an effect and who told it.
type Told struct {
	Capture string
	Effect  v1.Effect
}

// WriteSet is what one run did, as it was told: each capture's effects in their order.
type WriteSet struct {
	Run        string
	Shadow     bool
	Told       []Told
	Statements int // that write and that the service says it sent to databases; 0 when it says nothing
}

// Effects are what happened, once each: where several captures tell of one table, the one closest to the
// database is believed, and what the service itself undid never happened. What a proxy undid because it was
// a shadow's is what would have happened.
func (ws *WriteSet) Effects() []v1.Effect {
	best := map[string]int{}
	for i := range ws.Told {
		t := &ws.Told[i]
		if ofDatabase(&t.Effect) {
			name := tableOf(t.Effect.Target)
			best[name] = max(best[name], closeness(t.Capture))
		}
	}
	out := make([]v1.Effect, 0, len(ws.Told))
	for i := range ws.Told {
		t := &ws.Told[i]
		switch {
		case ofDatabase(&t.Effect) && strings.HasPrefix(tableOf(t.Effect.Target), ownTables):
			// Jindu's own: the outbox, fences, versions. Only one side may have them.
		case ofDatabase(&t.Effect) && closeness(t.Capture) < best[tableOf(t.Effect.Target)]:
		case t.Effect.Fate == fateRolledBack && (!ws.Shadow || closeness(t.Capture) == 1):
		default:
			out = append(out, t.Effect)
		}
	}
	return out
}

func ofDatabase(e *v1.Effect) bool { return e.Kind == v1.EffectRow || e.Kind == v1.EffectSQL }

// ownTables begin the names of Jindu's tables in the databases of services.
const ownTables = "jindu_"

// tableOf is a table without its schema: not every capture names one.
func tableOf(target string) string { return target[strings.LastIndexByte(target, '.')+1:] }

// closeness to the database: its log knows rows, a proxy statements and outcomes, a report what was sent.
func closeness(capture string) int {
	switch {
	case strings.HasPrefix(capture, "database:"):
		return 3
	case strings.HasPrefix(capture, "proxy:"):
		return 2
	}
	return 1
}

// state of a run of which every capture told all.
func (ws *WriteSet) state(captures []string) State {
	seen, proxied := 0, false
	for _, name := range captures {
		proxied = proxied || closeness(name) == 2
	}
	state := Complete
	for i := range ws.Told {
		t := &ws.Told[i]
		if closeness(t.Capture) > 1 {
			seen++
		}
		switch t.Effect.Fate {
		case fateRefused:
			return Refused
		case fateUnknown:
			state = Lossy
		}
	}
	if proxied && seen == 0 && ws.Statements > 0 {
		return Lossy // the service wrote, and no proxy knows: a mark was lost on the way
	}
	return state
}

package migrate

import (
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// facts answers the controller; s.mu is held while it is used.
type facts struct{ *Server }

func (f facts) Latched(name string) bool { return f.ports.Shares.Latched(name) }
func (f facts) Outcomes(name string) (oldSide, newSide Outcome) {
	return f.ports.Outcomes.Outcomes(name)
}
func (f facts) Copies(name string) Copies { return f.lane(name).tally.copies() }
func (f facts) Data(name string) []v1.Gate {
	if f.ports.Data == nil {
		return []v1.Gate{{Name: gateLag, Verdict: v1.VerdictNotEnough, Detail: "this node carries no data: name the databases in its configuration, data.databases"}}
	}
	return f.ports.Data.Gates(name)
}
func (f facts) lane(name string) *lane { return (*f.lanes.Load())[name] }
func (f facts) Look(name string, at time.Time) (v1.Gate, *v1.DifferenceRef) {
	return f.lane(name).look(at)
}

// restart begins the evidence of a migration anew. s.mu is held.
func (s *Server) restart(name string) {
	l := (*s.lanes.Load())[name]
	if l == nil {
		return // refresh makes the lane with a new book
	}
	l.book.Store(nil)
	l.result.Store(nil)
	l.pairs.clear()
}

// refresh brings the lanes in line with the controller: their views, books and number. s.mu is held.
func (s *Server) refresh(now Clock) {
	lanes := *s.lanes.Load()
	changed := false
	next := make(map[string]*lane, len(s.ctl.trackers))
	for name, t := range s.ctl.trackers {
		l := lanes[name]
		if l == nil {
			l = &lane{name: name, maxQueue: s.cfg.Queue}
			if s.ports.Data != nil {
				l.normal, l.across = s.ports.Data.Normal, s.ports.Data.Across
			}
			changed = true
		}
		next[name] = l
		l.refresh(t, now.Wall, s.cfg.MaxEndpoints)
	}
	for name, l := range lanes {
		if next[name] != l {
			l.close()
			changed = true
		}
	}
	if changed {
		s.lanes.Store(&next)
	}
}

package migrate

import (
	"math/rand/v2"
	"time"
)

// Plan says whether an exchange of a migration should be recorded, and how much of it. It is asked on
// the request path: it takes no lock and allocates nothing. shadow marks a request that is a copy.
func (s *Server) Plan(migration string, shadow bool) Plan {
	l := (*s.lanes.Load())[migration]
	if l == nil || shadow {
		return Plan{}
	}
	v := l.view.Load()
	if v == nil || !l.sampled(v, s.mono(), s.random()) {
		return Plan{}
	}
	if l.full.Load() {
		l.tally.drop(dropQueue, 1)
		return Plan{}
	}
	return Plan{Record: true, MaxRequest: int(v.settings.MaxBody), MaxResponse: int(v.settings.MaxBody)}
}

// Done takes a recording over. It does not block: what does not fit under the bounds is dropped and
// counted.
func (s *Server) Done(rec *Recorded) {
	l := (*s.lanes.Load())[rec.Migration]
	if l == nil {
		return
	}
	v, book := l.view.Load(), l.book.Load()
	if v == nil || book == nil {
		return // it was rolled back or finished since Plan
	}
	now := s.mono()
	l.tally.offered.Add(1)
	rng := rand.New(rand.NewPCG(s.random(), s.random()))
	p := v.plan(rec, func() bool { return l.triple(v, rng) }, rng)
	endpoint := book.Endpoint(rec.Method, pathOf(rec.Target), rec.Template)
	switch {
	case p.skip != "":
		s.forget(rec)
		l.tally.skip(p.skip)
		book.NotComparable(endpoint, p.skip)
		return
	case p.none:
		s.forget(rec)
		l.tally.drop(dropFailed, 1)
		return
	}
	if drop := l.push(job{rec: rec, view: v, book: book, endpoint: endpoint, asks: p.asks, inTurn: p.inTurn, size: rec.size(), at: now}); drop != "" {
		s.forget(rec)
		l.tally.drop(drop, 1)
		return
	}
	s.pump(l)
}

// forget lets what the user's run did go: nobody will ask for it.
func (s *Server) forget(rec *Recorded) {
	if s.ports.Effects != nil && rec.Run != "" {
		s.ports.Effects.Forget(rec.Run)
	}
}

// mono is Clock.Mono.
func (s *Server) mono() time.Duration { return s.now().Sub(s.start) }

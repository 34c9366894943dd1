package migrate

import (
	"context"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// Command does what a person asks: pause, resume, promote or rollback. A rollback is answered when the
// data path obeys it, the others when they are stored. When ctx ends first the command may still happen.
func (s *Server) Command(ctx context.Context, name string, verb Verb, who v1.Identity, reason string) (v1.Migration, error) {
	ch := make(chan Effect, 1)
	if _, running := s.begin(); !running {
		return v1.Migration{}, kind.New(kind.Unavailable, "JD-MIGRATE-014", "the controller of migrations does not run now; try again")
	}
	s.work.Done()
	s.mu.Lock()
	s.ids++
	id := s.ids
	s.replies[id] = ch
	now := s.clock()
	s.look() // an instance that registered a moment ago counts
	s.perform(s.ctl.Command(now, Command{ID: id, Name: name, Verb: verb, Who: who, Reason: reason}))
	s.refresh(now)
	s.mu.Unlock()
	select {
	case e := <-ch:
		return e.Migration, e.Err
	case <-s.stopped:
		return v1.Migration{}, kind.New(kind.Unavailable, "JD-MIGRATE-014", "the node stops; the command may still have happened, look at the migration after the restart")
	case <-ctx.Done():
		s.mu.Lock()
		delete(s.replies, id)
		s.mu.Unlock()
		return v1.Migration{}, kind.New(kind.Unavailable, "JD-MIGRATE-012", "%s %s: no answer in time, so it may still happen; look at the migration: %w", verb, name, ctx.Err())
	}
}

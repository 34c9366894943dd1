package postgres

import (
	"errors"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// shade is the transaction that holds what a shadow wrote, and what the client is shown instead.
type shade struct {
	open bool
	run  string
	used time.Time
	dead bool // rolled back while the client had a transaction open

	// The client's view.
	explicit bool   // it sent BEGIN
	begun    bool   // its transaction holds a statement
	saved    bool   // savepoint stands where it began
	begin    string // its BEGIN, which was not sent
	settings []string
}

// Savepoints of the proxy's own.
const (
	viewPoint  = "jindu_view"  // where the client's transaction began
	batchPoint = "jindu_batch" // where a statement, or a batch, outside of a transaction began
)

// busy says that the client has a transaction open that holds a statement.
func (v *shade) busy() bool { return v.explicit && v.begun }

// left is how long the shade may be left alone from now.
func (v *shade) left(l limits) time.Duration {
	switch {
	case v.dead:
		return time.Hour // nothing is held; the client has to end its transaction
	case v.busy():
		return max(l.holdInTx-time.Since(v.used), time.Millisecond)
	}
	return max(l.hold-time.Since(v.used), time.Millisecond)
}

// enter makes the shade fit to what comes: it is closed for a user or another run, opened for a write of a
// shadow, and followed into a transaction of the client.
func (s *session) enter(p *prepared) error {
	if s.Rule.Shadow.Mode != effects.ShadowRollback || controls(p) {
		return nil
	}
	v := &s.shade
	if v.open && p.marked && (!p.mark.Shadow || p.mark.Run != v.run) && !v.busy() && !s.batch.saved {
		if err := s.closeShade(); err != nil {
			return err
		}
	}
	if !v.open && p.shadow() && p.is(sqltext.Write) && s.shadowMayNot(p) == "" && s.main.status != 'E' {
		if why, err := s.notUndone(p); err != nil || why != "" {
			return err // it is refused when it runs
		}
		if err := s.openShade(p); err != nil {
			return err
		}
	}
	return s.join()
}

// join makes the shade follow the client into a transaction that it began since, or marks where a statement
// outside of one begins.
func (s *session) join() error {
	v := &s.shade
	if !v.open || v.dead {
		return nil
	}
	v.used = time.Now()
	switch {
	case v.explicit && !v.begun:
		if err := s.own("SAVEPOINT " + viewPoint); err != nil {
			return err
		}
		v.begun, v.saved = true, true
	case !v.explicit && !s.batch.saved:
		if err := s.own("SAVEPOINT " + batchPoint); err != nil {
			return err
		}
		s.batch.saved = true
	}
	return nil
}

// leaveBatch ends a batch within the shade, outside of a transaction of the client: all of it happened, or
// none.
func (s *session) leaveBatch() error {
	v := &s.shade
	if !v.open || !s.batch.saved {
		return nil
	}
	s.batch.saved = false
	if v.explicit || v.dead {
		return nil // it began a transaction, which goes on
	}
	if s.batch.failed {
		s.fx.forget()
		if err := s.own("ROLLBACK TO SAVEPOINT " + batchPoint); err != nil {
			return err
		}
	}
	s.fx.settle(s)
	return s.own("RELEASE SAVEPOINT " + batchPoint)
}

// own runs a statement of the proxy's own that cannot fail while all is in order.
func (s *session) own(sql string) error {
	err := s.main.do(sql)
	if e, ok := errors.AsType[*serverError](err); ok {
		return failure(kind.Internal, "JD-EFFECTS-121", "proxy %s: the transaction of a shadow could not be ended in order, so its connection is closed: %w", s.Name(), e)
	}
	return err
}

func failure(k kind.Kind, code, format string, args ...any) error {
	return kind.New(k, code, format, args...)
}

// openShade takes the open transaction over, or opens one.
func (s *session) openShade(p *prepared) error {
	if len(s.main.pending) > 0 { // Sync tells whether a transaction is open
		if err := s.main.say(msgSync, expected{kind: 'S', hide: all}); err != nil {
			return err
		}
		if err := s.main.settleAll(); err != nil || s.batch.skipping {
			return err
		}
	}
	v := shade{open: true, run: p.mark.Run, used: time.Now(), explicit: s.main.status == 'T', begun: s.main.status == 'T'}
	if !v.explicit {
		if err := s.own("BEGIN"); err != nil {
			return err
		}
	}
	s.shade = v
	// A shadow that waits holds its own locks meanwhile, so it may not wait for long.
	return s.own("SET LOCAL lock_timeout = '1s'")
}

// closeShade rolls back what shadows wrote and gives the connection back as its client believes it to be.
func (s *session) closeShade() error {
	v := s.shade
	s.fx.forget()
	if !v.dead {
		if err := s.own("ROLLBACK"); err != nil {
			return err
		}
		s.Events().RolledBack.Add(1)
	}
	if s.main.status != 'I' {
		return failure(kind.Internal, "JD-EFFECTS-121", "proxy %s: the transaction of a shadow could not be ended in order, so its connection is closed", s.Name())
	}
	s.shade, s.userTx, s.batch.saved = shade{}, false, false
	clear(s.portals)
	for _, sql := range v.settings {
		if err := s.own(sql); err != nil {
			return err
		}
	}
	if v.explicit && !v.begun {
		return s.own(v.begin)
	}
	return nil
}

// expire ends a shade that was left alone. Where its client believes to be within a transaction, that one is
// lost and must be ended by the client.
func (s *session) expire() error {
	v := &s.shade
	if v.dead {
		v.used = time.Now()
		return nil
	}
	if !v.busy() {
		return s.closeShade()
	}
	s.fx.forget()
	if err := s.own("ROLLBACK"); err != nil {
		return err
	}
	clear(s.portals)
	s.Events().RolledBack.Add(1)
	v.dead = true
	return nil
}

package data

import (
	"context"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// Gates are what the data say to a promotion, as they stand; empty where the migration carries none. It does
// not block.
func (s *Server) Gates(migration string) []v1.Gate {
	s.mu.Lock()
	m, wanted := s.wanted[migration]
	r := s.crossings[migration]
	s.mu.Unlock()
	switch {
	case r != nil:
		return r.gates()
	case wanted && m.Spec.Data != nil:
		return []v1.Gate{{Name: gateLag, Verdict: v1.VerdictNotEnough, Detail: "the node starts"}}
	}
	return nil
}

// Move fences the losing side for the buckets between two shares at an epoch and waits until its changes arrived
// on the other side, at most spec.data.drain; ErrNotDrained (wrapped) says that time was up.
func (s *Server) Move(ctx context.Context, migration string, epoch int64, from, to int) error {
	c, err := s.find(migration)
	if err != nil {
		return err
	}
	return c.move(ctx, epoch, from, to)
}

// Settle takes fences above the epoch back: the move was not stored.
func (s *Server) Settle(ctx context.Context, migration string, epoch int64) error {
	c, err := s.find(migration)
	if err != nil {
		return err
	}
	return c.unfence(ctx, epoch)
}

// HandOver gives all entities to one side. It may take long; again it is harmless.
func (s *Server) HandOver(ctx context.Context, migration, to string) error {
	c, err := s.find(migration)
	if err != nil {
		return err
	}
	if to != v1.SideOld && to != v1.SideNew {
		return kind.New(kind.Invalid, "JD-DATA-025", "side %q is not known: hand over to old or new", to)
	}
	return c.handOver(ctx, sideOf(to))
}

// Across says that every row that was there is on the other side and changes follow: before that a shadow of
// the new side reads what is not there yet.
func (s *Server) Across(migration string) bool {
	c, err := s.find(migration)
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.spec.Tables {
		if t := c.tables[c.spec.Tables[i].Name]; t == nil || !t.done {
			return false
		}
	}
	return c.closed || c.relays[oldSide].state == "running" && c.relays[newSide].state == "running"
}

// Status is where the data of a migration stands.
func (s *Server) Status(migration string) (v1.DataStatus, error) {
	c, err := s.find(migration)
	if err != nil {
		return v1.DataStatus{}, err
	}
	return c.status(), nil
}

// Statuses are those of every migration whose rows cross, for metrics.
func (s *Server) Statuses() []v1.DataStatus {
	s.mu.Lock()
	list := make([]*crossing, 0, len(s.crossings))
	for _, r := range s.crossings {
		list = append(list, r.crossing)
	}
	s.mu.Unlock()
	out := make([]v1.DataStatus, 0, len(list))
	for _, c := range list {
		out = append(out, c.status())
	}
	return out
}

// Diff tells which rows differ, after a full comparison where that is asked for. Values are as they are: the edge
// masks them.
func (s *Server) Diff(ctx context.Context, migration string, r v1.DiffRequest) (v1.DiffResult, error) {
	c, err := s.find(migration)
	if err != nil {
		return v1.DiffResult{}, err
	}
	return c.diff(ctx, r)
}

// Repair copies the declared winner's rows, says what it would copy, or takes a repair back. The caller audits.
func (s *Server) Repair(ctx context.Context, migration string, r v1.RepairRequest) (v1.RepairResult, error) {
	c, err := s.find(migration)
	if err != nil {
		return v1.RepairResult{}, err
	}
	return c.repair(ctx, r)
}

// Cases are the open cases, newest first; with all, those closed lately too.
func (s *Server) Cases(migration string, all bool) ([]v1.Case, error) {
	c, err := s.find(migration)
	if err != nil {
		return nil, err
	}
	return c.judge.Cases(all), nil
}

// Decide settles a case as a person says. The caller audits.
func (s *Server) Decide(ctx context.Context, migration, id string, d v1.CaseDecision, by string) (v1.Case, error) {
	c, err := s.find(migration)
	if err != nil {
		return v1.Case{}, err
	}
	return c.decide(ctx, id, d, by)
}

// Parked lists changes that could not be applied.
func (s *Server) Parked(ctx context.Context, migration string) ([]v1.ParkedChange, error) {
	c, err := s.find(migration)
	if err != nil {
		return nil, err
	}
	return c.parked(ctx)
}

// Retry applies a parked change and those of the same row behind it. The caller audits.
func (s *Server) Retry(ctx context.Context, migration, id string) error {
	c, err := s.find(migration)
	if err != nil {
		return err
	}
	return c.retry(ctx, id)
}

// Skip forgets a parked change, applies those behind it and compares the row. The caller audits, with a reason.
func (s *Server) Skip(ctx context.Context, migration, id string) error {
	c, err := s.find(migration)
	if err != nil {
		return err
	}
	return c.skip(ctx, id)
}

// CloseWindow ends the way back: the old side is no longer kept current.
func (s *Server) CloseWindow(ctx context.Context, migration string) error {
	c, err := s.find(migration)
	if err != nil {
		return err
	}
	return c.closeWindow(ctx)
}

// Sample tries the mapping on rows as they are, at most limit of each table, one table or all; it writes nothing.
func (s *Server) Sample(ctx context.Context, migration, table string, limit int) ([]v1.SampleMapping, error) {
	c, err := s.find(migration)
	if err != nil {
		return nil, err
	}
	return c.sample(ctx, table, limit)
}

package data

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

func (c *crossing) notRunning() error {
	c.mu.Lock()
	problem := c.problem
	c.mu.Unlock()
	if problem == "" {
		problem = "it is starting, or its phase is observe"
	}
	return kind.New(kind.Unavailable, "JD-DATA-004", "the data of migration %s do not cross now: %s", c.name, problem)
}

// ready is the stores and the plan, or an error that says why there are none.
func (c *crossing) ready() ([2]Store, *Plan, error) {
	stores, plan := c.twoStores()
	if plan == nil || stores[0] == nil || stores[1] == nil {
		return stores, nil, c.notRunning()
	}
	return stores, plan, nil
}

// known checks names of tables.
func (c *crossing) known(tables []string) error {
	for _, name := range tables {
		if c.tables[name] == nil {
			var names []string
			for i := range c.spec.Tables {
				names = append(names, c.spec.Tables[i].Name)
			}
			return kind.New(kind.NotFound, "JD-DATA-013", "migration %s carries no table %q; it carries %s", c.name, name, strings.Join(names, ", "))
		}
	}
	return nil
}

// diff tells what differs, after a comparison from end to end where that is asked for.
func (c *crossing) diff(ctx context.Context, r v1.DiffRequest) (v1.DiffResult, error) {
	began := c.pace.now()
	if err := c.known(r.Tables); err != nil {
		return v1.DiffResult{}, err
	}
	out := v1.DiffResult{Rows: map[string]int64{}}
	if r.Full {
		if c.windowClosed() {
			return out, kind.New(kind.Conflict, "JD-DATA-009", "migration %s: the window was closed; the old side is no longer kept current", c.name)
		}
		if _, _, err := c.ready(); err != nil {
			return out, err
		}
		rows, err := c.compareFull(ctx, r.Tables, nil)
		if err != nil {
			return out, fmt.Errorf("compare: %w", err)
		}
		out.Rows = rows
	}
	out.Differences, out.More = c.judge.Differences(r.Tables, maxShown)
	out.Seconds = c.pace.now().Sub(began).Seconds()
	return out, nil
}

// repair copies the winner's rows, or says what it would copy.
func (c *crossing) repair(ctx context.Context, r v1.RepairRequest) (v1.RepairResult, error) {
	if r.Undo != "" {
		return c.undo(ctx, r)
	}
	out := v1.RepairResult{Winner: c.spec.Winner, DryRun: r.DryRun, Rows: []v1.RowDifference{}}
	if err := c.known(r.Tables); err != nil {
		return out, err
	}
	if c.spec.Winner == "" {
		return out, kind.New(kind.Conflict, "JD-DATA-016", "migration %s declares no winner: set spec.data.winner to old, new or owner", c.name)
	}
	stores, plan, err := c.ready()
	if err != nil {
		return out, err
	}
	list, persons, nobody := c.judge.fixes(r.Tables, c.spec.Winner, maxRepair)
	out.Cases, out.Skipped = persons, nobody
	if r.DryRun {
		out.Written = int64(len(list))
		for i := range min(len(list), maxShown) {
			out.Rows = append(out.Rows, list[i].shown)
		}
		return out, nil
	}
	now := c.pace.now()
	done := mended{ID: c.repairID(now), At: now, Winner: c.spec.Winner}
	m := &mender{stores: stores, stream: streamName("repair/" + c.name)}
	var failed error
	for i := range order(list, plan) {
		f := &list[i]
		one, cancel := c.pace.within(ctx, c.cfg.Timeout)
		written, ok, err := m.mend(one, f, done.ID)
		cancel()
		if err != nil {
			failed = c.trouble(f.on, "repair table "+f.pair.Rule.Name, err)
			break
		}
		if !ok {
			out.Skipped++
			continue
		}
		out.Written++
		done.Rows = append(done.Rows, written)
		if len(out.Rows) < maxShown {
			out.Rows = append(out.Rows, f.shown)
		}
		c.judge.Repaired(f.s, now)
	}
	if len(done.Rows) == 0 {
		return out, failed
	}
	out.ID = done.ID
	if err := c.keepRepair(ctx, done); err != nil {
		return out, err
	}
	return out, failed
}

// order puts rows to be written with parents first, and those to be deleted with children first.
func order(list []fix, plan *Plan) []fix {
	at := map[string]int{}
	for i, p := range plan.Pairs {
		at[p.Rule.Name] = i
	}
	rank := func(f *fix) int {
		n := at[f.pair.Rule.Name]
		if f.seen.rows[f.on.other()] == nil {
			return 2*len(at) - n
		}
		return n
	}
	slices.SortStableFunc(list, func(a, b fix) int { return rank(&a) - rank(&b) })
	return list
}

// repairID is new for each repair, over restarts too.
func (c *crossing) repairID(now time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.repairs0 = max(c.repairs0+1, now.UnixMilli())
	return fmt.Sprintf("r-%d", c.repairs0)
}

func (c *crossing) keepRepair(ctx context.Context, done mended) error {
	body, err := done.encode()
	if err != nil {
		return err
	}
	var drop []string
	c.mu.Lock()
	if at := slices.IndexFunc(c.repairs, func(o mended) bool { return o.ID == done.ID }); at >= 0 {
		c.repairs[at] = done
	} else {
		c.repairs = append(c.repairs, done)
	}
	for len(c.repairs) > keptRepairs {
		drop = append(drop, c.repairs[0].ID)
		c.repairs = c.repairs[1:]
	}
	c.mu.Unlock()
	if err := c.opts.Notes.Put(ctx, c.noteName("repair/"+done.ID), body); err != nil {
		return kind.New(kind.Unavailable, "JD-DATA-012", "repair %s was written but could not be kept for undo over a restart: %w", done.ID, err)
	}
	for _, id := range drop {
		if err := c.opts.Notes.Put(ctx, c.noteName("repair/"+id), nil); err != nil {
			c.log.Warn("repair not forgotten", "repair", id, "error", err)
		}
	}
	return nil
}

// undo takes a repair back, row by row, as long as a row is what the repair left.
func (c *crossing) undo(ctx context.Context, r v1.RepairRequest) (v1.RepairResult, error) {
	out := v1.RepairResult{DryRun: r.DryRun, Rows: []v1.RowDifference{}}
	stores, plan, err := c.ready()
	if err != nil {
		return out, err
	}
	c.mu.Lock()
	at := slices.IndexFunc(c.repairs, func(o mended) bool { return o.ID == r.Undo })
	var done mended
	if at >= 0 {
		done = c.repairs[at]
	}
	c.mu.Unlock()
	if at < 0 {
		return out, kind.New(kind.NotFound, "JD-DATA-017", "repair %q is not kept; the last %d repairs of a migration can be taken back", r.Undo, keptRepairs)
	}
	out.Winner, out.ID = done.Winner, done.ID
	if done.Undone {
		return out, kind.New(kind.Conflict, "JD-DATA-018", "repair %s was taken back already", done.ID)
	}
	m := &mender{stores: stores, stream: streamName("repair/" + c.name)}
	for i := range slices.Backward(done.Rows) {
		one := &done.Rows[i]
		p := plan.by[oldSide][one.Table]
		if p == nil {
			out.Skipped++
			continue
		}
		ok := true
		if !r.DryRun {
			short, cancel := c.pace.within(ctx, c.cfg.Timeout)
			ok, err = m.undo(short, p, one, "undo "+done.ID)
			cancel()
			if err != nil {
				return out, c.trouble(one.On, "take back repair "+done.ID, err)
			}
		}
		if !ok {
			out.Skipped++
			continue
		}
		out.Written++
		r := one.Before
		if r == nil {
			r = one.After
		}
		c.judge.Suspect(p, one.On, p.tables[one.On].KeyOf(r), c.pace.now(), nil)
	}
	if r.DryRun {
		return out, nil
	}
	done.Undone = true
	return out, c.keepRepair(ctx, done)
}

// decide settles a case as a person says.
func (c *crossing) decide(ctx context.Context, id string, d v1.CaseDecision, by string) (v1.Case, error) {
	if d.Decision != v1.SideOld && d.Decision != v1.SideNew && d.Decision != "both" || strings.TrimSpace(d.Reason) == "" {
		return v1.Case{}, kind.New(kind.Invalid, "JD-DATA-019", "decision %q with reason %q: decide old, new or both, and say why", d.Decision, d.Reason)
	}
	stores, _, err := c.ready()
	if err != nil {
		return v1.Case{}, err
	}
	s, err := c.judge.find(id)
	if err != nil {
		return v1.Case{}, err
	}
	now := c.pace.now()
	if d.Decision != "both" {
		f := c.judge.fixOf(s, d.Decision)
		done := mended{ID: c.repairID(now), At: now, Winner: d.Decision}
		one, cancel := c.pace.within(ctx, c.cfg.Timeout)
		written, ok, err := (&mender{stores: stores, stream: streamName("repair/" + c.name)}).mend(one, &f, done.ID)
		cancel()
		if err != nil {
			return v1.Case{}, c.trouble(f.on, "settle case "+id, err)
		}
		if !ok {
			c.judge.again(s, now)
			return v1.Case{}, kind.New(kind.Conflict, "JD-DATA-020", "case %s: a row is not as it was compared, or the database refuses it; look at the case again and decide then", id)
		}
		c.judge.Repaired(s, now)
		done.Rows = []mend{written}
		if err := c.keepRepair(ctx, done); err != nil {
			c.log.Warn("repair not kept", "repair", done.ID, "error", err)
		}
	}
	settled := c.judge.Close(s, d.Decision, by, d.Reason, now)
	c.keepCases(ctx)
	if settled == nil {
		return v1.Case{}, kind.New(kind.Conflict, "JD-DATA-007", "case %s was settled meanwhile", id)
	}
	return *settled, nil
}

// fixOf is how a person's decision is written.
func (j *Judge) fixOf(s *suspect, winner string) fix {
	j.mu.Lock()
	defer j.mu.Unlock()
	f := fix{s: s, pair: s.pair, seen: s.seen, shown: s.view(), on: newSide}
	if winner == v1.SideNew {
		f.on = oldSide
	}
	return f
}

// again lets a suspect be looked at at once.
func (j *Judge) again(s *suspect, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s.due = now
}

// closeWindow ends the way back: the reverse relay stops.
func (c *crossing) closeWindow(ctx context.Context) error {
	c.mu.Lock()
	ready := c.buckets >= everyone && (c.phase == v1.PhaseHold || c.phase == v1.PhaseDone)
	phase, buckets := c.phase, c.buckets
	c.mu.Unlock()
	if !ready {
		return kind.New(kind.Conflict, "JD-DATA-021", "migration %s is in phase %s with %.2f %% on the new side; the window can be closed when everyone is there", c.name, phase, float64(buckets)/100)
	}
	if err := c.opts.Notes.Put(ctx, c.noteName("window"), []byte("closed")); err != nil {
		return kind.New(kind.Unavailable, "JD-DATA-012", "keep that the window is closed: %w", err)
	}
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	return nil
}

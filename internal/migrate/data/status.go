package data

import (
	"context"
	"slices"

	v1 "jindu.dev/jindu/api/v1"
)

// status is where the data of the migration stands.
func (c *crossing) status() v1.DataStatus {
	now := c.pace.now()
	_, _, open := c.judge.Standing()
	st := v1.DataStatus{
		Migration: c.name, Window: "open", Cases: open, Gates: c.gates(),
		Relays: []v1.RelayStatus{}, Tables: []v1.TableStatus{}, Windows: []v1.WindowResult{},
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	st.Owner, st.Problem = c.owner, c.problem
	if st.Owner == "" {
		st.Owner = v1.OwnerCreator
	}
	if c.closed {
		st.Window = "closed"
	}
	for _, on := range sides() {
		v := &c.relays[on]
		r := v1.RelayStatus{From: on.String(), Capture: c.side(on).Capture, State: v.state, Problem: v.problem}
		if v.lost != "" {
			r.State, r.Problem = "lost", v.lost
		}
		sum := v.base
		if one := c.carriers[on]; one != nil {
			s := one.relay.State()
			sum.add(s.relayTally)
			r.Position, r.Parked = string(s.Low.position), s.Parked
			if !s.Low.commit.IsZero() {
				at := s.Low.commit
				r.Watermark = &at
			}
			p50, p99, most := one.relay.Convergence(now)
			r.P50Micros, r.P99Micros, r.MaxMicros = p50.Microseconds(), p99.Microseconds(), most.Microseconds()
		}
		r.Changes, r.Stale, r.Origin, r.Alarms = sum.changes, sum.stale, sum.origin, sum.alarms
		st.Parked += r.Parked
		st.Relays = append(st.Relays, r)
	}
	for i := range c.spec.Tables {
		rule := &c.spec.Tables[i]
		t := c.tables[rule.Name]
		one := v1.TableStatus{Table: rule.Name, To: rule.To, Backfill: "waiting", Copied: t.copied, OldRows: t.old, NewRows: t.now, Problem: t.problem}
		switch {
		case t.done:
			one.Backfill = "done"
		case t.problem != "" && !t.running:
			one.Backfill = "failed"
		case t.running:
			one.Backfill = "running"
		}
		one.Differ, one.Repaired = c.judge.Counts(rule.Name)
		if !t.compared.IsZero() {
			at := t.compared
			one.Compared = &at
		}
		st.Tables = append(st.Tables, one)
	}
	for _, f := range slices.Backward(c.fences) {
		st.Fences = append(st.Fences, f.Status)
	}
	for _, w := range slices.Backward(c.windows) {
		count := c.judge.count(&w.count)
		one := w.result
		one.Differ, one.Settled = count.differ, count.settled
		st.Windows = append(st.Windows, one)
	}
	return st
}

// sample carries rows as they are there and back, and writes nothing.
func (c *crossing) sample(ctx context.Context, table string, limit int) ([]v1.SampleMapping, error) {
	if table != "" {
		if err := c.known([]string{table}); err != nil {
			return nil, err
		}
	}
	stores, plan, err := c.ready()
	if err != nil {
		return nil, err
	}
	out := []v1.SampleMapping{}
	for _, p := range plan.Pairs {
		if table != "" && p.Rule.Name != table {
			continue
		}
		short, cancel := c.pace.within(ctx, c.cfg.Timeout)
		rows, err := stores[oldSide].Read(short, p.tables[oldSide], Range{}, min(max(limit, 1), 100))
		cancel()
		if err != nil {
			return nil, c.trouble(oldSide, "read table "+p.Rule.Name, err)
		}
		for _, r := range rows {
			one := v1.SampleMapping{Table: p.Rule.Name, Old: named(p.tables[oldSide], r)}
			forward, err := p.Mapper.Forward(r)
			if err != nil {
				one.Error = err.Error()
				out = append(out, one)
				continue
			}
			one.New = named(p.tables[newSide], forward)
			back, err := p.Mapper.Backward(forward)
			if err != nil {
				one.Error = err.Error()
				out = append(out, one)
				continue
			}
			one.Back = named(p.tables[oldSide], back)
			for i := range r {
				if back[i] != r[i] {
					one.Lossy = append(one.Lossy, p.tables[oldSide].Columns[i].Name)
				}
			}
			out = append(out, one)
		}
	}
	return out, nil
}

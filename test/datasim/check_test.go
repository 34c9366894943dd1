package datasim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/data/datatest"
	"jindu.dev/jindu/internal/migrate/row"
)

// drain lets the node do everything that is left, without faults.
func (s *sim) drain() {
	n := s.node
	if !s.ready() {
		return
	}
	for _, side := range []string{"old", "new"} {
		for range 6 {
			if n.up {
				s.feed(side)
			}
		}
		if !n.up {
			return
		}
		for w := range 3 {
			for f := n.m.Take(side, w); f != nil; f = n.m.Take(side, w) {
				n.flights = append(n.flights, f)
			}
		}
		for _, f := range n.flights {
			f.Write(s.ctx)
			f.Settle()
		}
		n.flights = nil
		_ = n.m.Keep(s.ctx, side, false)
	}
	_, _ = n.m.Fill(s.ctx)
	n.m.Chore(s.ctx)
	_ = n.m.Look(s.ctx)
}

// quiesce ends users, mends databases and lets everything arrive.
func (s *sim) quiesce() error {
	s.calm = true
	s.sayf("calm")
	for _, d := range s.db {
		d.Down(false)
	}
	for _, w := range s.writers {
		for s.advance(w) {
		}
	}
	s.writers = nil
	for range 2000 {
		s.now = s.now.Add(20 * time.Millisecond)
		s.drain()
		if s.quiet() {
			return s.compare()
		}
	}
	return fmt.Errorf("rows do not come to rest: %+v", s.state())
}

func (s *sim) state() any {
	if !s.node.up {
		return "not up"
	}
	st, err := s.node.m.Status("shop")
	return fmt.Sprintf("%+v %v", st, err)
}

// quiet says whether all that was committed was told and applied, and copying is done.
func (s *sim) quiet() bool {
	n := s.node
	if !n.up || len(n.flights) > 0 {
		return false
	}
	for _, side := range []string{"old", "new"} {
		if at, _ := strconv.Atoi(string(n.told[side])); at < s.db[side].Len() {
			return false
		}
		if waiting, _ := n.m.Waiting(side); waiting > 0 {
			return false
		}
	}
	st, err := n.m.Status("shop")
	if err != nil {
		return false
	}
	for _, t := range st.Tables {
		if t.Backfill != "done" {
			return false
		}
	}
	return true
}

// compare compares everything until it is decided.
func (s *sim) compare() error {
	for range 20 {
		if err := s.node.m.Compare(s.ctx); err != nil {
			return err
		}
		for range 20 {
			s.now = s.now.Add(110 * time.Millisecond)
			s.drain()
		}
		if _, unsure := s.node.m.Waiting("old"); unsure == 0 {
			return nil
		}
	}
	return fmt.Errorf("comparison comes to no end: %v", s.state())
}

// said are the rows that stand in a difference, a case or among the parked changes.
func (s *sim) said() (map[string]string, error) {
	out := map[string]string{}
	add := func(table string, k []v1.ColumnValue, why string) {
		if len(k) == 1 && k[0].Value != nil {
			out[table+" "+*k[0].Value] = why
		}
	}
	parked, err := s.node.m.Parked(s.ctx, "shop")
	if err != nil {
		return nil, err
	}
	for _, p := range parked {
		add(p.Table, p.Key, "parked: "+p.Error)
		s.count.parked++
		s.sayf("parked: %s %s at %s: %s, %d behind", p.Table, *p.Key[0].Value, p.Position, p.Error, p.Behind)
	}
	diff, err := s.node.m.Diff(s.ctx, "shop", v1.DiffRequest{})
	if err != nil {
		return nil, err
	}
	for _, d := range diff.Differences {
		add(d.Table, d.Key, "differs: "+d.Kind)
		s.count.differ++
	}
	cases, err := s.node.m.Cases("shop", false)
	if err != nil {
		return nil, err
	}
	for _, c := range cases {
		add(c.Difference.Table, c.Difference.Key, "case "+c.ID)
		s.count.cases++
	}
	return out, nil
}

// check holds the end of a history against what was acknowledged.
func (s *sim) check() error {
	for _, side := range []string{"old", "new"} {
		if !linear(s.fenced[side]) {
			return fmt.Errorf("%s: a write was committed behind a fence, or refused without one: %+v", side, s.fenced[side])
		}
	}
	said, err := s.said()
	if err != nil {
		return err
	}
	sums, whole := map[string]int64{}, true
	for i := range nAccounts {
		if err := s.row(said, "accounts", i, fmt.Sprint(s.balance[i])); err != nil {
			return err
		}
		whole = whole && said[name("accounts", i)] == ""
		for side, d := range s.db {
			if r := d.Rows("accounts")[datatest.Key(strconv.Itoa(i))]; r != nil {
				sums[side] += int64(val(r, 1))
			}
		}
	}
	if whole && sums["old"] != sums["new"] {
		return fmt.Errorf("sums are not conserved: %v", sums)
	}
	for i := range nCarts {
		for _, id := range []int{i, i + 100} {
			if err := s.row(said, "carts", id, s.items[id]); err != nil {
				return err
			}
		}
	}
	for i := range s.orders {
		want := ""
		if a := s.amounts[i]; a != 0 {
			want = fmt.Sprint(a)
		}
		if err := s.row(said, "orders", i, want); err != nil {
			return err
		}
	}
	return nil
}

// row holds one row against what was acknowledged.
func (s *sim) row(said map[string]string, tab string, id int, want string) error {
	id0 := name(tab, id)
	var rows [2]row.Row
	var has [2]string
	for i, side := range []string{"old", "new"} {
		if rows[i] = s.db[side].Rows(table(side, tab))[datatest.Key(strconv.Itoa(id))]; rows[i] != nil {
			has[i] = rows[i][1].Text
		}
	}
	why := said[id0]
	if why == "" {
		for m := range said { // a renamed cart is parked under one of its names
			if tab == "carts" && (m == name(tab, id+100) || m == name(tab, id-100)) {
				why = said[m]
			}
		}
	}
	excused := s.excused[id0] || s.anyone != ""
	switch equal := slices.Equal(rows[0], rows[1]); {
	case why != "" && !excused:
		return fmt.Errorf("%s is said to be wrong without a cause: %s; old %v, new %v", id0, why, rows[0], rows[1])
	case why != "":
		return nil
	case !equal:
		return fmt.Errorf("%s differs and nobody says so: old %v, new %v, acknowledged %q", id0, rows[0], rows[1], want)
	case has[0] != want && !excused:
		return fmt.Errorf("%s is %q on both sides, acknowledged was %q", id0, has[0], want)
	case has[0] != want && strings.HasPrefix(s.anyone, "users went back") && tab == "accounts" && s.count.lost == 0:
		return fmt.Errorf("%s is %q on both sides, acknowledged was %q, and nothing is parked (%s)", id0, has[0], want, s.anyone)
	}
	return nil
}

// mend does what a person would: nothing is refused any more, parked changes are retried, the winner's rows copied,
// cases decided. Then both sides are equal.
func (s *sim) mend() error {
	s.poison(false)
	for range 50 {
		parked, err := s.node.m.Parked(s.ctx, "shop")
		if err != nil {
			return err
		}
		if len(parked) == 0 {
			break
		}
		if err := s.node.m.Retry(s.ctx, "shop", parked[0].ID); err != nil {
			return fmt.Errorf("retry: %w", err)
		}
	}
	for range 3 {
		if err := s.settled(); err != nil {
			return err
		}
		if _, err := s.node.m.Repair(s.ctx, "shop", v1.RepairRequest{}); err != nil {
			return fmt.Errorf("repair: %w", err)
		}
		cases, err := s.node.m.Cases("shop", false)
		if err != nil {
			return err
		}
		for _, c := range cases {
			if _, err := s.node.m.Decide(s.ctx, "shop", c.ID, v1.CaseDecision{Decision: "new", Reason: "simulated"}, "ann"); err != nil {
				return fmt.Errorf("decide: %w", err)
			}
		}
	}
	if err := s.settled(); err != nil {
		return err
	}
	for _, tab := range []string{"accounts", "carts", "orders"} {
		a, b := s.db["old"].Rows(tab), s.db["new"].Rows(table("new", tab))
		for k, r := range a {
			if !slices.Equal(r, b[k]) {
				return fmt.Errorf("mended, and %s %s differs: old %v, new %v", tab, k, r, b[k])
			}
		}
		if len(a) != len(b) {
			return fmt.Errorf("mended, and %s has %d rows on the old side, %d on the new", tab, len(a), len(b))
		}
	}
	return nil
}

func (s *sim) settled() error {
	for range 300 {
		s.now = s.now.Add(20 * time.Millisecond)
		s.drain()
		if s.quiet() {
			return s.compare()
		}
	}
	return fmt.Errorf("rows do not come to rest: %v", s.state())
}

// story tells what both databases did to a row.
func (s *sim) story(tab string, id int) {
	for _, side := range []string{"old", "new"} {
		for _, t := range s.db[side].Log() {
			for _, c := range t.Changes {
				if c.Table.Name == table(side, tab) && (c.Key()[0].Text == strconv.Itoa(id) || c.After != nil && c.After[0].Text == strconv.Itoa(id)) {
					s.tale = append(s.tale, fmt.Sprintf("%8.3f %s %s of %d: %v -> %v origin %v", t.Commit.Sub(start).Seconds(), side, t.Position, id, c.Before, c.After, t.Origin))
				}
			}
		}
	}
}

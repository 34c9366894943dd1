package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/writeset"
	"jindu.dev/jindu/internal/route"
)

// compared is a migration whose effects are compared, as both sides report them; both are shadow-safe.
func compared(m *v1.Migration) {
	m.Spec.Effects = v1.EffectsSpec{Old: []string{"report"}, New: []string{"report"}, Settle: "2s", Names: map[string]string{"t_order": "orders"}}
	m.Spec.Mirror.Triples = new(100.0)
	m.Spec.Gates.Mirror = "1h"
}

// shadowSafe makes every instance declare that copies of anything may go to it.
func (w *world) shadowSafe() {
	w.mu.Lock()
	for i, in := range w.instances {
		c := *in
		c.Metadata = map[string]string{}
		maps.Copy(c.Metadata, in.Metadata)
		c.Metadata["shadow-safe"] = "true"
		w.instances[i] = &c
	}
	w.mu.Unlock()
	time.Sleep(time.Second)
}

// made is an order as one side writes it.
func made(table, total string) []v1.Effect {
	id := "7"
	return []v1.Effect{{Kind: v1.EffectRow, Op: "insert", Target: table, Key: []v1.ColumnValue{{Name: "id", Value: &id}}, After: []v1.ColumnValue{{Name: "id", Value: &id}, {Name: "total", Value: &total}}}}
}

// services lets both sides report what copies did, by a function of the instance asked; nil: no report.
func (w *world) services(s *Server, does func(address string, m v1.Mark) []v1.Effect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.call = func(_ context.Context, address string, c *Copy) (Reply, error) {
		m, ok := v1.ParseMark(headerOf(c.Header, v1.MarkHeader))
		if !ok || !m.Shadow {
			return Reply{}, fmt.Errorf("mark %q", headerOf(c.Header, v1.MarkHeader))
		}
		if effects := does(address, m); effects != nil {
			s.ReportEffects(v1.EffectReport{Runs: []v1.RunEffects{{Run: m.Run, Effects: effects, Closed: true}}})
		}
		return Reply{Status: 200, Header: []v1.Header{{Name: "Content-Type", Value: "application/json"}}, Body: []byte(`{"id":1}`)}, nil
	}
}

// ordered is a recorded order of a subject with what its run did.
func ordered(s *Server, subject uint64, effects []v1.Effect) *Recorded {
	rec := recorded(subject)
	rec.Method, rec.Run, rec.Epoch = "POST", hex16(subject+1), 3
	s.ReportEffects(v1.EffectReport{Runs: []v1.RunEffects{{Run: rec.Run, Effects: effects, Closed: true}}})
	return rec
}

func TestAWrongRowBehindARightAnswerRollsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, compared)
		w.shadowSafe()
		w.services(s, func(address string, _ v1.Mark) []v1.Effect {
			if address == "b" {
				return made("orders", "4.99")
			}
			return made("t_order", "5")
		})
		for i := range 600 {
			s.Done(ordered(s, uint64(i), made("t_order", "5")))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		st, _ := s.Status("move")
		if st.Phase != v1.PhaseRolledBack || st.FirstDifference == nil || st.FirstDifference.Path != "effects.row.orders[].after.total" || st.FirstDifference.Endpoint != "POST /orders/{id}" {
			t.Fatalf("phase %s, first difference %+v", st.Phase, st.FirstDifference)
		}
		v, err := s.Effects("move")
		if err != nil || len(v.Pairs) < 10 || v.Counts.Late != 0 || v.Counts.Complete == 0 {
			t.Fatalf("%d pairs, counts %+v (%v)", len(v.Pairs), v.Counts, err)
		}
		p := v.Pairs[0]
		if !slices.Equal(p.Paths, []string{"effects.row.orders[].after.total"}) || p.Old[0].Target != "t_order" || p.New[0].Target != "orders" || p.At.Before(v.Pairs[1].At) {
			t.Errorf("%+v", p)
		}
		if shown := *p.New[0].After[1].Value; strings.Contains(shown, "4.99") || shown == *p.Old[0].After[1].Value {
			t.Errorf("the value is shown as %q", shown)
		}
		if _, err := s.Command(t.Context(), "move", VerbResume, v1.Identity{Name: "ann"}, ""); err != nil {
			t.Fatal(err)
		}
		if v, _ := s.Effects("move"); len(v.Pairs) != 0 {
			t.Error("pairs outlive the evidence")
		}
	})
}

func TestCopiesThatDoTheSameAreCompared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, compared)
		w.shadowSafe()
		marks := map[string]v1.Mark{}
		w.services(s, func(address string, m v1.Mark) []v1.Effect {
			w.mu.Lock()
			marks[m.Run] = m
			w.mu.Unlock()
			if address == "b" {
				return made("orders", "5")
			}
			return made("t_order", "5")
		})
		for i := range 200 {
			s.Done(ordered(s, 20_000+uint64(i), made("t_order", "5")))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		e, err := s.Evidence("move")
		if err != nil || e.Mirror.Compared != 200 || e.Mirror.Triples != 200 || len(e.Mirror.NotComparable)+len(e.Mirror.Dropped) > 0 || e.Endpoints[0].Mismatches != 0 {
			t.Fatalf("mirror %+v (%v)", e.Mirror, err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(marks) != 400 {
			t.Errorf("%d runs for 400 copies", len(marks))
		}
		for _, m := range marks {
			if m.Epoch != 3 || m.Bucket < 0 || m.Bucket >= 200 {
				t.Fatalf("mark %+v of subjects 20000 to 20199", m)
			}
		}
	})
}

func TestWhatIsNotKnownWholeIsNotCompared(t *testing.T) {
	gone := made("orders", "5")
	gone[0].Truncated = true
	refused := made("orders", "5")
	refused[0].Fate = "refused"
	for name, c := range map[string]struct {
		fresh  []v1.Effect // nil: never told
		second []v1.Effect
		run    bool // the user's request had a run
		status int
		header []v1.Header
		reason string // of the pair; "" where it is compared
		pair   bool   // compared, without its control
	}{
		"all told":                   {made("orders", "5"), made("orders", "5"), true, 200, nil, "", false},
		"the new side is late":       {nil, made("orders", "5"), true, 200, nil, reasonLate, false},
		"the user's run has no name": {made("orders", "5"), made("orders", "5"), false, 200, nil, reasonLate, false},
		"something is cut off":       {gone, made("orders", "5"), true, 200, nil, reasonLossy, false},
		"egress was refused":         {refused, made("orders", "5"), true, 200, nil, reasonRefused, false},
		"refused, and it failed":     {refused, made("orders", "5"), true, 500, nil, reasonRefused, false},
		"late, but it failed":        {nil, made("orders", "5"), true, 500, nil, "", false},
		"the control is late":        {made("orders", "5"), nil, true, 200, nil, "", true},
		"the control was refused":    {made("orders", "5"), refused, true, 200, nil, "", true},
		"fenced":                     {made("orders", "5"), made("orders", "5"), true, 503, []v1.Header{{Name: "x-jindu-refused", Value: "fenced"}}, reasonRefused, false},
		"refused before any effect":  {made("orders", "5"), made("orders", "5"), true, 503, []v1.Header{{Name: "X-Jindu-Refused", Value: "1"}}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := run(t, compared)
				w.shadowSafe()
				var runs atomic.Int64 // an unsafe request's control is the new side's second run
				w.services(s, func(string, v1.Mark) []v1.Effect {
					if runs.Add(1) == 1 {
						return c.fresh
					}
					return c.second
				})
				w.mu.Lock()
				call := w.call
				w.call = func(ctx context.Context, address string, copied *Copy) (Reply, error) {
					r, err := call(ctx, address, copied)
					if address == "b" {
						r.Status, r.Header = c.status, append(r.Header, c.header...)
					}
					return r, err
				}
				w.mu.Unlock()
				rec := ordered(s, 1, made("orders", "5"))
				if !c.run {
					rec.Run = ""
				}
				s.Done(rec)
				time.Sleep(time.Second)
				if c.reason == reasonLate || c.pair && c.second == nil {
					if e, _ := s.Evidence("move"); e.Mirror.Compared != 0 {
						t.Error("compared before the captures had time to tell")
					}
					if _, inFlight, _ := (*s.lanes.Load())["move"].load(); inFlight != 0 {
						t.Errorf("%d copies are held while waiting", inFlight)
					}
				}
				time.Sleep(3 * time.Second)
				synctest.Wait()
				e, _ := s.Evidence("move")
				switch {
				case c.reason != "":
					if e.Mirror.NotComparable[c.reason] != 1 || e.Mirror.Compared != 0 || e.Endpoints[0].NotComparable != 1 || e.Endpoints[0].Verdict != v1.VerdictNotEnough {
						t.Errorf("mirror %+v, endpoints %+v", e.Mirror, e.Endpoints)
					}
				case e.Mirror.Compared != 1 || len(e.Mirror.NotComparable) > 0 || (e.Mirror.Triples == 0) != c.pair:
					t.Errorf("mirror %+v", e.Mirror)
				}
				if _, _, bytes := (*s.lanes.Load())["move"].load(); bytes != 0 {
					t.Errorf("%d bytes are still accounted for", bytes)
				}
			})
		})
	}
}

func TestASideWithoutCapturesIsComparedByItsAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, func(m *v1.Migration) {
			compared(m)
			m.Spec.Effects.New = nil
		})
		w.shadowSafe()
		w.services(s, func(string, v1.Mark) []v1.Effect { return made("t_order", "9") })
		s.Done(ordered(s, 1, made("t_order", "5")))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if e, _ := s.Evidence("move"); e.Mirror.Compared != 1 || e.Endpoints[0].Mismatches != 0 {
			t.Errorf("mirror %+v", e.Mirror)
		}
	})
}

func TestAnAnswerThatFailedIsComparedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, compared)
		w.shadowSafe()
		w.mu.Lock()
		w.call = func(_ context.Context, address string, _ *Copy) (Reply, error) {
			if address == "b" {
				return Reply{}, fmt.Errorf("call: %w", context.DeadlineExceeded)
			}
			return Reply{Status: 200}, nil
		}
		w.mu.Unlock()
		s.Done(ordered(s, 1, nil))
		time.Sleep(2 * Default().Tick)
		synctest.Wait()
		if e, _ := s.Evidence("move"); e.Mirror.Compared != 1 {
			t.Errorf("mirror %+v", e.Mirror)
		}
	})
}

func TestBothSidesOfAnAnswerByTheNewOneAreAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, func(m *v1.Migration) {
			allNew(m)
			effects := v1.Migration{}
			compared(&effects)
			m.Spec.Effects = effects.Spec.Effects
		})
		w.shadowSafe()
		w.services(s, func(address string, _ v1.Mark) []v1.Effect {
			if address == "a" {
				return made("t_order", "5")
			}
			return made("orders", "6")
		})
		for i := range 300 {
			rec := ordered(s, uint64(i), made("orders", "6"))
			rec.Assigned, rec.Answered = route.SideNew, route.SideNew
			s.Done(rec)
			time.Sleep(4 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if st, _ := s.Status("move"); st.Phase != v1.PhaseRolledBack || st.FirstDifference == nil || st.FirstDifference.Path != "effects.row.orders[].after.total" {
			t.Errorf("status %+v", st)
		}
	})
}

func TestWhatWaitsForEffectsIsBoundedAndDroppedAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := run(t, func(m *v1.Migration) {
			compared(m)
			m.Spec.Effects.Settle, m.Spec.Mirror.Triples, m.Spec.Mirror.MaxBytes = "1m", new(0.0), 6000
		})
		w.shadowSafe()
		w.services(s, func(string, v1.Mark) []v1.Effect { return nil })
		for i := range 50 {
			s.Done(ordered(s, uint64(i), nil))
			time.Sleep(10 * time.Millisecond)
		}
		synctest.Wait()
		l := (*s.lanes.Load())["move"]
		l.mu.Lock()
		waiting := len(l.waiting)
		l.mu.Unlock()
		e, _ := s.Evidence("move")
		if waiting == 0 || waiting > 10 || e.Mirror.Dropped[dropBytes] == 0 {
			t.Errorf("%d wait under 6000 bytes, mirror %+v", waiting, e.Mirror)
		}
		w.stop()
		if c := l.tally.counts(); c.Dropped[dropShutdown] != int64(waiting) {
			t.Errorf("%d waited, dropped %v", waiting, c.Dropped)
		}
	})
}

func TestTheListOfThoseThatWaitIsBounded(t *testing.T) {
	l := &lane{name: "move", maxQueue: 1}
	if !l.wait(&waiting{}) || l.wait(&waiting{}) {
		t.Error("two wait where one may")
	}
	l.close()
	if l.wait(&waiting{}) {
		t.Error("one waits at a lane that is closed")
	}
}

func TestPairsKeepTheLatest(t *testing.T) {
	var p pairs
	for i := range maxPairs + 3 {
		p.keep(&v1.RunEffectsView{Trace: fmt.Sprint(i)})
	}
	all := p.latest()
	if len(all) != maxPairs || all[0].Trace != fmt.Sprint(maxPairs+2) || all[maxPairs-1].Trace != "3" {
		t.Errorf("%d pairs, %s to %s", len(all), all[0].Trace, all[len(all)-1].Trace)
	}
}

func TestANodeWithoutCapturesStillAnswersForEffects(t *testing.T) {
	s, err := New(Default(), Ports{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.lanes.Store(&map[string]*lane{"move": {name: "move"}})
	s.ReportEffects(v1.EffectReport{Lost: 1, Runs: []v1.RunEffects{{}}})
	if v, err := s.Effects("move"); err != nil || v.Pairs == nil || v.Counts.Dropped == nil {
		t.Errorf("%+v (%v)", v, err)
	}
	if _, err := s.Effects("other"); err == nil {
		t.Error("effects of a migration that does not exist")
	}
	if (&Recorded{Epoch: 2}).mark("0123456789abcdef").String() != "jindu:0123456789abcdef:s:2:-" {
		t.Error("a copy of a request without a subject has a bucket")
	}
}

func TestMomentsOfTheRunItselfAreNow(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ask := &writeset.Ask{Began: at, Answered: at.Add(100 * time.Millisecond)}
	list := []v1.ColumnValue{
		{Name: "in", Value: new("2026-01-02T03:04:05.05Z")}, {Name: "zone", Value: new("2026-01-02T11:04:05.05Z")}, {Name: "clock", Value: new("2026-01-02T03:04:06.9Z")},
		{Name: "null"}, {Name: "text", Value: new("2026-01-02T03:04:05 and more")}, {Name: "short", Value: new("x")},
	}
	got := ownTime(list, ask)
	for i, want := range []string{now, *list[1].Value, now} {
		if *got[i].Value != want {
			t.Errorf("%s: %s, want %s", got[i].Name, *got[i].Value, want)
		}
	}
	if *list[0].Value == now || got[3].Value != nil || *got[4].Value != *list[4].Value || *got[5].Value != "x" {
		t.Errorf("%v", got)
	}
	if same := ownTime(list[3:], ask); &same[0] != &list[3] {
		t.Error("copied for nothing")
	}
}

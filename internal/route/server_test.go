package route

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// served runs a server inside a synctest bubble.
func served(t *testing.T) (*Server, *atomic.Int64) {
	t.Helper()
	applied := &atomic.Int64{}
	s, err := New(Default(), Options{Apply: func(*Table) { applied.Add(1) }, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	ready := make(chan struct{})
	s.SetRegistry(javaAndGo())
	s.SetRoutes([]v1.Route{newRoute("r", 1, rules(rule("orders")))})
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, applied
}

func side(t *testing.T, s *Server) Side {
	t.Helper()
	var d Decision
	s.Table().Decide(request(t, "GET", "/", header{"x-user-id": "u"}), &d)
	return d.Side
}

func TestTheFirstTableIsAppliedBeforeReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, applied := served(t)
		if applied.Load() != 1 || len(s.Table().Rules) != 1 || s.Name() != "route" {
			t.Errorf("%d tables, %d rules", applied.Load(), len(s.Table().Rules))
		}
	})
}

func TestABurstOfChangesMakesOneTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, applied := served(t)
		time.Sleep(time.Second)
		synctest.Wait()
		before := applied.Load()
		for range 100 {
			s.SetRegistry(javaAndGo())
			s.SetMigrations([]v1.Migration{orders(v1.PhaseHold, 10_000)})
		}
		time.Sleep(coalesce)
		synctest.Wait()
		if n := applied.Load() - before; n != 1 {
			t.Errorf("%d tables", n)
		}
		if side(t, s) != SideNew {
			t.Error("the migration is not in force")
		}
	})
}

func TestChangesThatNeverPauseAreAppliedAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, applied := served(t)
		before := applied.Load()
		for range 100 {
			s.SetRegistry(javaAndGo())
			time.Sleep(coalesce / 2)
		}
		synctest.Wait()
		if n := applied.Load() - before; n < 20 {
			t.Errorf("%d tables", n)
		}
	})
}

func TestAnOverrideIsInForceWhenItReturnsAndUntilItIsPersisted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := served(t)
		m := orders(v1.PhaseHold, 10_000)
		m.Status.Epoch = 5
		settle := func() {
			s.SetMigrations([]v1.Migration{m})
			time.Sleep(coalesce)
			synctest.Wait()
		}
		settle()
		if side(t, s) != SideNew {
			t.Fatal("not on the new side")
		}
		s.Override("m", 0, "", 6)
		if side(t, s) != SideOld || s.Table().Cohort("m").Epoch != 6 {
			t.Fatal("the override is not in force")
		}
		s.Override("m", 10_000, "", 6)
		s.Override("m", 10_000, "", 4)
		settle() // an older status, such as that of a change of the spec
		if side(t, s) != SideOld {
			t.Fatal("an older epoch won")
		}
		m.Status.Epoch, m.Status.Buckets = 7, 10_000
		settle()
		if side(t, s) != SideNew {
			t.Fatal("the later status is not in force")
		}
		if len(s.shares.override) != 0 {
			t.Error("the override was not forgotten")
		}
	})
}

func TestSilenceOfTheControllerSetsEveryShareToZeroAndLatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := served(t)
		s.SetMigrations([]v1.Migration{orders(v1.PhaseHold, 10_000)})
		for range 20 {
			time.Sleep(time.Second)
			s.Beat(time.Now())
		}
		synctest.Wait()
		if side(t, s) != SideNew || s.Latched("m") {
			t.Fatal("latched while the controller beat")
		}
		time.Sleep(4400 * time.Millisecond)
		synctest.Wait()
		if s.Latched("m") {
			t.Fatal("latched before 5 s")
		}
		time.Sleep(1200 * time.Millisecond)
		synctest.Wait()
		if side(t, s) != SideOld || !s.Latched("m") || s.Latched("other") {
			t.Fatal("not latched after 5 s")
		}
		s.Beat(time.Now())
		s.Override("m", 10_000, "", 9)
		s.SetMigrations([]v1.Migration{orders(v1.PhaseHold, 10_000)})
		time.Sleep(coalesce)
		synctest.Wait()
		if side(t, s) != SideOld {
			t.Fatal("the latch opened by itself")
		}
		s.Rearm("m")
		if side(t, s) != SideNew || s.Latched("m") {
			t.Fatal("not re-armed")
		}
		s.Rearm("m")
	})
}

func TestOnlyMigrationsUnderWayAreLatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := served(t)
		done, mirror := orders(v1.PhaseDone, 10_000), orders(v1.PhaseMirror, 0)
		mirror.Metadata.Name, mirror.Spec.Service = "n", "other"
		s.SetMigrations([]v1.Migration{done, mirror})
		time.Sleep(time.Minute)
		synctest.Wait()
		if s.Latched("m") || s.Latched("n") || side(t, s) != SideNew {
			t.Error("latched")
		}
	})
}

func TestALatchIsForgottenWithItsMigration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := served(t)
		s.SetMigrations([]v1.Migration{orders(v1.PhaseRamp, 10_000)})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !s.Latched("m") {
			t.Fatal("not latched")
		}
		s.SetMigrations(nil)
		if s.Latched("m") {
			t.Error("the latch stayed")
		}
	})
}

func TestAStoppedProcessOrAClockThatSteppedIsNoSilence(t *testing.T) {
	w := watchdog{limit: 5 * time.Second, tick: 500 * time.Millisecond}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w.beat(now)
	if w.expired(now.Add(time.Hour)) {
		t.Error("a leap forward is silence")
	}
	if w.expired(now.Add(-time.Hour)) {
		t.Error("a leap back is silence")
	}
	now = now.Add(-time.Hour)
	expired := 0
	for range 20 {
		now = now.Add(500 * time.Millisecond)
		if w.expired(now) {
			expired++
		}
	}
	if expired < 10 || expired > 13 {
		t.Errorf("expired on %d of 20 ticks", expired)
	}
}

func TestTheStatusOfARouteSaysWhatWillNotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := served(t)
		s.SetRoutes([]v1.Route{
			newRoute("fine", 3, rules(rule("orders"))),
			newRoute("lost", 4, v1.RouteSpec{Hostnames: []string{"a"}, Rules: []v1.RouteRule{rule("nobody")}}),
			newRoute("wrong", 5, v1.RouteSpec{}),
		})
		time.Sleep(coalesce)
		synctest.Wait()
		fine, ok := s.RouteStatus("fine")
		if !ok || !fine.Accepted || len(fine.Warnings) != 0 || fine.Revision != 5 {
			t.Errorf("fine: %+v", fine)
		}
		if lost, _ := s.RouteStatus("lost"); !lost.Accepted || len(lost.Warnings) != 1 {
			t.Errorf("lost: %+v", lost)
		}
		if wrong, _ := s.RouteStatus("wrong"); wrong.Accepted || len(wrong.Warnings) != 1 {
			t.Errorf("wrong: %+v", wrong)
		}
		if _, ok := s.RouteStatus("unknown"); ok {
			t.Error("an unknown route has a status")
		}
		if len(s.Problems()) != 2 {
			t.Errorf("problems: %v", s.Problems())
		}
	})
}

func TestAChangeOfSharesDoesNotCompileRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := served(t)
		before := s.Table().index
		s.Override("m", 1, "", 1)
		if s.Table().index != before {
			t.Error("routes were compiled")
		}
	})
}

func TestAWrongConfigurationIsRefused(t *testing.T) {
	c := Default()
	c.Retries, c.TryTimeout, c.RetryBudget, c.Silence = 11, -1, 101, 0
	_, err := New(c, Options{})
	e, ok := errors.AsType[*kind.Error](err)
	if !ok || len(e.Fields) != 4 {
		t.Errorf("error: %v", err)
	}
}

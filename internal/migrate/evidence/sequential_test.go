package evidence

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestLookingOftenDoesNotRaiseFalseAlarms: thousands of looks at fair coins reject at most as often as the
// level allows.
func TestLookingOftenDoesNotRaiseFalseAlarms(t *testing.T) {
	const runs, events, level = 3000, 600, 0.05
	for _, share := range []float64{0.5, 0.8} {
		dice := rand.New(rand.NewPCG(11, uint64(100*share)))
		alarms, naive := 0, 0
		for range runs {
			tr := track{clusters: seen{bits: pathBits}}
			crossed := false
			for i := range events {
				tr.event(uint64(i), dice.Float64() < share, share)
				tr.look(level)
				crossed = crossed || upperTail(tr.events(), tr.against, share) <= level
			}
			if tr.sequential() <= level {
				alarms++
			}
			if crossed {
				naive++
			}
		}
		bound := level + 3*math.Sqrt(level*(1-level)/runs)
		if got := float64(alarms) / runs; got > bound {
			t.Errorf("share %.1f: %.3f of the runs rejected, the bound is %.3f", share, got, bound)
		}
		if float64(naive)/runs < 3*level {
			t.Errorf("the simulation has no teeth: repeated tests without correction rejected only %d of %d", naive, runs)
		}
	}
}

// TestMixedSharesKeepTheLevel: coins of unlike shares are tested by their mean (Hoeffding).
func TestMixedSharesKeepTheLevel(t *testing.T) {
	const runs, level = 3000, 0.05
	dice := rand.New(rand.NewPCG(12, 1))
	alarms := 0
	for range runs {
		tr := track{clusters: seen{bits: pathBits}}
		for i := range 300 {
			share := 0.2 + 0.7*float64(i%2)
			tr.event(uint64(i), dice.Float64() < share, share)
			tr.look(level)
		}
		if tr.sequential() <= level {
			alarms++
		}
	}
	if got := float64(alarms) / runs; got > level+3*math.Sqrt(level*(1-level)/runs) {
		t.Errorf("%.3f of the runs rejected", got)
	}
}

func TestATrackCountsAClusterOnceAndNeverTakesBack(t *testing.T) {
	tr := track{clusters: seen{bits: pathBits}}
	for i := range 20 {
		if tr.event(7, true, 0.5) != (i == 0) {
			t.Fatal("a cluster must be one coin")
		}
	}
	if tr.events() != 1 || tr.couldReject(0.01) {
		t.Fatalf("%d events", tr.events())
	}
	last := 1.0
	for i := range 300 {
		tr.event(uint64(100+i), i < 20, 0.5)
		tr.look(0.01)
		if s := tr.sequential(); s > last {
			t.Fatalf("p rose from %g to %g", last, s)
		} else {
			last = s
		}
	}
	if last > 0.01 {
		t.Errorf("twenty coins against did not reject: %g", last)
	}
	looks := tr.looks
	tr.forget()
	if tr.events() != 0 || tr.looks != looks || tr.sequential() != last {
		t.Error("forgetting the coins must keep what was spent and found")
	}
}

func TestALookThatCouldNotRejectCostsNothing(t *testing.T) {
	tr := track{clusters: seen{bits: pathBits}}
	for i := range 6 {
		tr.event(uint64(i), true, 0.5)
		tr.look(0.01)
	}
	if tr.looks != 0 {
		t.Errorf("%d looks were spent on at most 6 coins", tr.looks)
	}
	tr.event(7, true, 0.5)
	tr.event(8, true, 0.5)
	tr.look(0.01)
	if tr.looks != 1 || tr.sequential() > 0.01 {
		t.Errorf("%d looks, p %g", tr.looks, tr.sequential())
	}
}

func TestSeenIsBoundedAndCountsDifferentHashes(t *testing.T) {
	s := seen{bits: endpointBits}
	for range 3 {
		for i := range uint64(exactSeen) {
			s.add(i)
		}
	}
	if s.count() != exactSeen {
		t.Errorf("%d, want %d", s.count(), exactSeen)
	}
	const many = 8000
	for i := range uint64(many) {
		s.add(i)
	}
	if s.count() < many*97/100 || s.count() > many {
		t.Errorf("%d, want about %d and never more", s.count(), many)
	}
	for i := range uint64(many) {
		if s.add(i) {
			t.Fatal("a hash came back as new")
		}
	}
	for i := range uint64(3_000_000) {
		s.add(i)
	}
	if len(s.bloom)*64 != endpointBits {
		t.Error("the filter grew")
	}
	s.reset()
	if s.count() != 0 || !s.add(1) {
		t.Error("reset must forget")
	}
}

package demo

import (
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// Name is the name of the demo's service, route and migration.
const Name = "orders"

// Pace is how long the demo takes over each part. A real migration takes hours; every bound is relaxed for
// the length of a demo, and each step still waits for its evidence.
type Pace struct {
	WarmUp      time.Duration // traffic before the migration begins: a JVM is slow at first
	Mirror      time.Duration
	Step        time.Duration
	Hold        time.Duration
	MinSamples  int
	MinRequests int
	MaxMismatch float64       // percent that must be detectable before users move
	After       time.Duration // traffic after the end
	Limit       time.Duration // of the migration; beyond it the demo gives up
}

// NormalPace ends within a minute.
func NormalPace() Pace {
	return Pace{WarmUp: 3 * time.Second, Mirror: 6 * time.Second, Step: 3 * time.Second, Hold: 3 * time.Second, MinSamples: 100, MinRequests: 60, MaxMismatch: 20, After: time.Second, Limit: 3 * time.Minute}
}

// FastPace ends within 25 seconds.
func FastPace() Pace {
	return Pace{WarmUp: 1500 * time.Millisecond, Mirror: 2 * time.Second, Step: 800 * time.Millisecond, Hold: time.Second, MinSamples: 60, MinRequests: 20, MaxMismatch: 30, After: 500 * time.Millisecond, Limit: 2 * time.Minute}
}

func serviceSpec() v1.ServiceSpec {
	return v1.ServiceSpec{
		Description: "orders, quotes and the catalogue", Owner: "orders team",
		HealthCheck: &v1.HealthCheck{Type: "HTTP", Path: "/healthz", Interval: "2s", Timeout: "2s"},
	}
}

// routeSpec sends the endpoints to the service; only names a subset, or nothing when the migration decides.
func routeSpec(only v1.Selector) v1.RouteSpec {
	var matches []v1.RouteMatch
	for _, t := range Templates() {
		form := "Exact"
		if strings.Contains(t, "{") {
			form = "Template"
		}
		matches = append(matches, v1.RouteMatch{Path: &v1.PathMatch{Type: form, Value: t}})
	}
	return v1.RouteSpec{Rules: []v1.RouteRule{{
		Name: "orders", Matches: matches,
		BackendRefs: []v1.BackendRef{{BackendTarget: v1.BackendTarget{Service: Name, Subset: only}}},
	}}}
}

// compared is how many requests a second are compared. They are thinned out by percent, not by the bound on
// copies, so that the controls among them keep their share.
const compared = 350

func migrationSpec(p Place, pace Pace, rate float64) v1.MigrationSpec {
	ptr := func(f float64) *float64 { return &f }
	return v1.MigrationSpec{
		Service: Name,
		From:    v1.Selector{"runtime": p.OldRuntime},
		To:      v1.Selector{"runtime": p.NewRuntime},
		Steps:   []float64{1, 5, 25, 50, 100},
		Subject: []v1.ValueSource{{Header: "X-User-Id"}},
		Mirror:  v1.MirrorSpec{Percent: ptr(min(100, 100*compared/rate)), Triples: ptr(70), MaxRate: 1000, MaxInFlight: 64, Timeout: "5s"},
		Compare: v1.CompareSpec{Unmask: []string{"*"}},
		Gates: v1.GatesSpec{
			Alpha: ptr(0.05), MinSamples: &pace.MinSamples, MaxMismatch: &pace.MaxMismatch,
			MinRequests: &pace.MinRequests, MaxErrorExcess: ptr(10),
			LatencyFactor: ptr(2), LatencySlack: "600ms", MaxSlow: ptr(30), MaxDrops: ptr(5),
			Mirror: span(pace.Mirror), Step: span(pace.Step), Hold: span(pace.Hold),
		},
	}
}

func span(d time.Duration) v1.Duration { return v1.Duration(d.String()) }

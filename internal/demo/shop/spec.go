package shop

import (
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// Pace is how long the demo takes over each part; every bound is relaxed for the length of a demo.
type Pace struct {
	WarmUp      time.Duration // traffic before the migration begins
	Observe     time.Duration
	Mirror      time.Duration
	Step        time.Duration
	Hold        time.Duration // at 100 %, before everyone is taken back
	Back        time.Duration // on the old side again
	MinSamples  int
	MinRequests int
	MaxMismatch float64 // percent that must be detectable before users move
	Limit       time.Duration
}

// NormalPace ends within two minutes.
func NormalPace() Pace {
	return Pace{WarmUp: 3 * time.Second, Observe: 3 * time.Second, Mirror: 8 * time.Second, Step: 4 * time.Second, Hold: 6 * time.Second, Back: 4 * time.Second, MinSamples: 80, MinRequests: 40, MaxMismatch: 25, Limit: 5 * time.Minute}
}

// FastPace ends within a minute.
func FastPace() Pace {
	return Pace{WarmUp: time.Second, Observe: time.Second, Mirror: 3 * time.Second, Step: time.Second, Hold: 2 * time.Second, Back: time.Second, MinSamples: 50, MinRequests: 20, MaxMismatch: 35, Limit: 4 * time.Minute}
}

func serviceSpec() v1.ServiceSpec {
	return v1.ServiceSpec{
		Description: "orders, stock and payments, each side on a database of its own", Owner: "shop team",
		HealthCheck: &v1.HealthCheck{Type: "HTTP", Path: "/healthz", Interval: "2s", Timeout: "2s"},
	}
}

// routeSpec sends the endpoints to the service; the migration decides to which side.
func routeSpec() v1.RouteSpec {
	to := []v1.BackendRef{{BackendTarget: v1.BackendTarget{Service: Name}}}
	var rules []v1.RouteRule
	for _, path := range []string{"/orders", "/orders/{id}", "/orders/{id}/cancel", "/callbacks/{id}", "/users/{id}/orders", "/stock/{id}"} {
		form := "Template"
		if !strings.Contains(path, "{") {
			form = "Exact"
		}
		rules = append(rules, v1.RouteRule{Matches: []v1.RouteMatch{{Path: &v1.PathMatch{Type: form, Value: path}}}, BackendRefs: to})
	}
	return v1.RouteSpec{Rules: rules}
}

// migrationSpec moves the shop and its rows.
func migrationSpec(p *Place, pace Pace, observe bool) v1.MigrationSpec {
	ms := func(d time.Duration) v1.Duration { return v1.Duration(d.String()) }
	spec := v1.MigrationSpec{
		Service: Name, From: v1.Selector{"runtime": p.OldRuntime}, To: v1.Selector{"runtime": p.NewRuntime},
		Steps: []float64{10, 50, 100}, Observe: observe,
		Mirror:  v1.MirrorSpec{Triples: new(40.0), MaxRate: 400},
		Compare: v1.CompareSpec{Unmask: []string{"effects*"}}, // the demo has nothing to hide
		Gates: v1.GatesSpec{
			MinSamples: &pace.MinSamples, MaxMismatch: &pace.MaxMismatch, MinRequests: &pace.MinRequests,
			MaxErrorExcess: new(5.0), LatencyFactor: new(3.0), LatencySlack: "250ms", MaxSlow: new(25.0), MaxDrops: new(20.0),
			Mirror: ms(pace.Mirror), Step: ms(pace.Step), Hold: ms(24 * time.Hour), // the demo takes everyone back before
		},
		Effects: p.Effects,
		Data:    dataSpec(p),
	}
	return spec
}

// dataSpec says how the rows of the one schema become rows of the other.
func dataSpec(p *Place) *v1.DataSpec {
	col := func(from, to string) v1.ColumnRule { return v1.ColumnRule{From: []string{from}, To: []string{to}} }
	cents := func(from, to string) v1.ColumnRule { c := col(from, to); c.Scale = 2; return c }
	moment := func(from, to string) v1.ColumnRule { c := col(from, to); c.Zone = "Asia/Shanghai"; return c }
	states := func(values map[string]string) v1.ColumnRule {
		c := col("status", "status")
		c.Values = values
		return c
	}
	name := v1.ColumnRule{From: []string{"buyer_name"}, To: []string{"buyer_first", "buyer_last"}, Split: "|"}
	return &v1.DataSpec{
		Old: p.OldData, New: p.NewData, Winner: "owner", Grace: "1s", Every: "2s",
		Owners: []v1.OwnerRule{
			{Path: "/orders/{id}", New: "G.*"},
			{Path: "/orders/{id}/cancel", New: "G.*"},
			{Path: "/callbacks/{id}", New: "G.*"},
		},
		Tables: []v1.TableRule{
			{Name: "products", Columns: []v1.ColumnRule{cents("price", "price_cents")}, Money: []string{"price"}},
			{Name: "stock", Version: "version", Owner: "owner", Columns: []v1.ColumnRule{moment("changed", "changed_at")}, Money: []string{"available"}, Strong: true, Settled: "changed"},
			{
				Name: "orders", Version: "version", Owner: "owner", Strong: true, Settled: "changed", Money: []string{"total"},
				Columns: []v1.ColumnRule{
					col("uid", "user_id"), name, states(map[string]string{"C": "created", "P": "paid", "X": "cancelled"}),
					cents("total", "total_cents"), moment("created", "created_at"), moment("changed", "changed_at"),
				},
			},
			{Name: "order_items", Columns: []v1.ColumnRule{cents("price", "price_cents")}},
			{
				Name: "payments", Version: "version", Settled: "changed", Money: []string{"amount"},
				Columns: []v1.ColumnRule{
					cents("amount", "amount_cents"), states(map[string]string{"W": "pending", "P": "paid", "R": "refunded", "V": "void"}), moment("changed", "changed_at"),
				},
			},
			{Name: "messages", Settled: "changed", Columns: []v1.ColumnRule{moment("changed", "changed_at")}},
		},
	}
}

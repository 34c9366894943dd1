package route

import (
	"fmt"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// estate is n routes: hosts, prefixes, templates and exact paths in equal parts.
func estate(n int) []v1.Route {
	routes := make([]v1.Route, n)
	for i := range n {
		spec := v1.RouteSpec{Rules: []v1.RouteRule{{BackendRefs: []v1.BackendRef{{BackendTarget: v1.BackendTarget{Service: fmt.Sprintf("s%d", i%500)}}}}}}
		match := func(typ, value string) { spec.Rules[0].Matches = []v1.RouteMatch{path(typ, value)} }
		switch i % 4 {
		case 0:
			spec.Hostnames = []string{fmt.Sprintf("h%d.example.com", i)}
			match("PathPrefix", "/")
		case 1:
			match("PathPrefix", fmt.Sprintf("/team%d/app%d", i%97, i))
		case 2:
			match("Template", fmt.Sprintf("/team%d/app%d/orders/{id}", i%97, i))
		default:
			match("Exact", fmt.Sprintf("/team%d/app%d/health", i%97, i))
		}
		routes[i] = newRoute(fmt.Sprintf("r%d", i), 1, spec)
	}
	return routes
}

func targets(n int) []string {
	i := n / 2 / 4 * 4
	return []string{
		fmt.Sprintf("//h%d.example.com/x", i),
		fmt.Sprintf("/team%d/app%d/x/y", (i+1)%97, i+1),
		fmt.Sprintf("/team%d/app%d/orders/55", (i+2)%97, i+2),
		fmt.Sprintf("/team%d/app%d/health", (i+3)%97, i+3),
		"/nowhere",
	}
}

func TestTheStepsOfALookupDoNotGrowWithTheNumberOfRoutes(t *testing.T) {
	small, large := mustBuild(t, estate(20)...), mustBuild(t, estate(10_000)...)
	for i := range targets(20) {
		var s, l Decision
		small.Decide(request(t, "GET", targets(20)[i], nil), &s)
		large.Decide(request(t, "GET", targets(10_000)[i], nil), &l)
		if s.Refused != l.Refused {
			t.Fatalf("%s: refused %v and %v", targets(20)[i], s.Refused, l.Refused)
		}
		if l.steps > s.steps || l.steps > 12 {
			t.Errorf("%s: %d steps among 20 routes, %d among 10,000", targets(20)[i], s.steps, l.steps)
		}
	}
}

func TestALookupDoesNotCostStepsForEveryRegularExpressionOfOtherHosts(t *testing.T) {
	var routes []v1.Route
	for i := range 100 {
		routes = append(routes, newRoute(fmt.Sprint("r", i), 1, v1.RouteSpec{Hostnames: []string{fmt.Sprintf("h%d.org", i)}, Rules: []v1.RouteRule{rule("s", path("RegularExpression", "/x.*"))}}))
	}
	var d Decision
	mustBuild(t, routes...).Decide(request(t, "GET", "//h7.org/xy", nil), &d)
	if d.Rule == nil || d.steps > 4 {
		t.Errorf("rule %v in %d steps", d.Rule, d.steps)
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		table := mustBuild(b, estate(n)...)
		for i, kind := range []string{"host", "prefix", "template", "exact", "none"} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				req := request(b, "GET", targets(max(n, 16))[i], nil)
				var d Decision
				b.ReportAllocs()
				for b.Loop() {
					table.Decide(req, &d)
				}
			})
		}
	}
}

func BenchmarkDecideCohort(b *testing.B) {
	r := newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{rule("orders", path("Template", "/orders/{id}"))}})
	table, _ := Build([]v1.Route{r}, []v1.Migration{orders(v1.PhaseRamp, 5000)}, javaAndGo(), Defaults{})
	user := []byte("user-123456")
	req := request(b, "GET", "/orders/5", nil)
	req.Fields = fixed(func(name string) []byte {
		if name == "x-user-id" {
			return user
		}
		return nil
	})
	var d Decision
	b.ReportAllocs()
	for b.Loop() {
		table.Decide(req, &d)
	}
}

func BenchmarkCompile10000(b *testing.B) {
	routes := estate(10_000)
	for b.Loop() {
		compile(routes, Defaults{})
	}
}

func BenchmarkBind10000(b *testing.B) {
	routes := estate(10_000)
	ix, _ := compile(routes, Defaults{})
	reg := everyService(routes...)
	for b.Loop() {
		bind(ix, nil, reg)
	}
}

func BenchmarkCheckRouteBeside10000(b *testing.B) {
	routes := estate(10_000)
	r := newRoute("new", int(time.January), v1.RouteSpec{Rules: []v1.RouteRule{rule("s", path("Exact", "/new"))}})
	for b.Loop() {
		if err := CheckRoute(r, routes); err != nil {
			b.Fatal(err)
		}
	}
}

package route

import (
	"fmt"
	"net/netip"
	"net/url"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
)

// header is Fields for tests; names are lower-case.
type header map[string]string

func (h header) Get(name string) []byte {
	if v, ok := h[name]; ok {
		return []byte(v)
	}
	return nil
}

// request makes a request of a method and a target such as //host/path?query.
func request(t testing.TB, method, target string, h header) *Request {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	if h == nil {
		h = header{}
	}
	return &Request{Method: []byte(method), Host: []byte(u.Host), Path: []byte(u.EscapedPath()), Query: []byte(u.RawQuery), Fields: h}
}

func at(day int) *time.Time {
	d := time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC)
	return &d
}

func newRoute(name string, day int, spec v1.RouteSpec) v1.Route {
	return v1.Route{Metadata: v1.Meta{Name: name, Created: at(day), Revision: int64(day)}, Spec: spec}
}

// rule sends what matches to a service of the rule's name.
func rule(name string, matches ...v1.RouteMatch) v1.RouteRule {
	return v1.RouteRule{Name: name, Matches: matches, BackendRefs: []v1.BackendRef{{BackendTarget: v1.BackendTarget{Service: name}}}}
}

func path(typ, value string) v1.RouteMatch {
	return v1.RouteMatch{Path: &v1.PathMatch{Type: typ, Value: value}}
}

// instance makes a usable instance.
func instance(service, name string, metadata map[string]string) *registry.Instance {
	addr := netip.MustParseAddrPort("127.0.0.1:80")
	return &registry.Instance{Name: name, Service: service, Addr: addr, Address: addr.String(), Weight: 100, Metadata: metadata, State: v1.StateServing, Healthy: true, Usable: true}
}

func snapshot(instances ...*registry.Instance) *registry.Snapshot {
	s := &registry.Snapshot{Services: map[string]*registry.Service{}}
	for _, in := range instances {
		svc := s.Services[in.Service]
		if svc == nil {
			svc = &registry.Service{Name: in.Service}
			s.Services[in.Service] = svc
		}
		svc.Instances = append(svc.Instances, in)
	}
	return s
}

// everyService is a snapshot in which each service that routes name has an instance.
func everyService(routes ...v1.Route) *registry.Snapshot {
	var all []*registry.Instance
	seen := map[string]bool{}
	for _, r := range routes {
		for _, rule := range r.Spec.Rules {
			for _, b := range rule.BackendRefs {
				if !seen[b.Service] {
					seen[b.Service] = true
					all = append(all, instance(b.Service, b.Service+"-1", nil))
				}
			}
		}
	}
	return snapshot(all...)
}

func mustBuild(t testing.TB, routes ...v1.Route) *Table {
	t.Helper()
	table, problems := Build(routes, nil, everyService(routes...), Default().Defaults())
	for _, p := range problems {
		t.Fatalf("problem: %v", p)
	}
	return table
}

// decide is the name of the rule that a request gets, or why it gets none.
func decide(table *Table, req *Request) string {
	var d Decision
	table.Decide(req, &d)
	if d.Rule == nil {
		return [...]string{"not refused", "bad path", "no route", "no instance"}[d.Refused]
	}
	return d.Rule.Name
}

func TestRulesOfOneRouteAreTriedByPrecedenceNotByPlace(t *testing.T) {
	table := mustBuild(t, newRoute("shop", 1, v1.RouteSpec{
		SourceTags: []v1.SourceTag{{Name: "user", From: v1.ValueSource{Header: "X-User"}}},
		Rules: []v1.RouteRule{
			rule("rest"),
			rule("regex", path("RegularExpression", `/orders/\d+/raw`)),
			rule("regex-any", path("RegularExpression", `/never/.*`)),
			rule("orders", path("PathPrefix", "/orders")),
			rule("orders-slash", path("", "/orders/deep/")),
			rule("order", path("Template", "/orders/{id}")),
			rule("order-items", path("Template", "/orders/{id}/items")),
			rule("order-last", path("Template", "/orders/last/{what}")),
			rule("best", path("Exact", "/orders/best")),
			rule("post", v1.RouteMatch{Path: &v1.PathMatch{Value: "/orders"}, Method: "POST"}),
			rule("gold", v1.RouteMatch{Path: &v1.PathMatch{Value: "/orders"}, Headers: []v1.ValueMatch{{Name: "X-Tier", Value: "gold"}}}),
			rule("gold2", v1.RouteMatch{Path: &v1.PathMatch{Value: "/orders"}, Headers: []v1.ValueMatch{{Name: "X-Tier", Value: "gold"}, {Name: "X-Region", Type: "RegularExpression", Value: "cn-.*"}}}),
			rule("q", v1.RouteMatch{Path: &v1.PathMatch{Value: "/orders"}, QueryParams: []v1.ValueMatch{{Name: "v", Value: "2 3"}}}),
			rule("cookie", v1.RouteMatch{Path: &v1.PathMatch{Value: "/orders"}, Cookies: []v1.ValueMatch{{Name: "c", Value: "1"}}}),
			rule("beta", v1.RouteMatch{Path: &v1.PathMatch{Value: "/orders"}, Source: map[string]string{"user": "beta*"}}),
		},
	}))
	for _, c := range []struct {
		method, target string
		header         header
		want           string
	}{
		{"GET", "/", nil, "rest"},
		{"GET", "/ordersx", nil, "rest"},
		{"GET", "/orders", nil, "orders"},
		{"GET", "/orders/", nil, "orders"},
		{"GET", "/orders/5", nil, "order"},
		{"GET", "/orders/5/", nil, "orders"},
		{"GET", "/orders/best", nil, "best"},
		{"GET", "/orders/best/", nil, "orders"},
		{"GET", "/orders/5/items", nil, "order-items"},
		{"GET", "/orders/last/items", nil, "order-last"},
		{"GET", "/orders/5/raw", nil, "orders"}, // a prefix goes before a regular expression
		{"GET", "/orders/deep", nil, "order"},
		{"GET", "/orders/deep/er", nil, "orders-slash"},
		{"GET", "/never/x", nil, "rest"}, // and so does the prefix /
		{"POST", "/orders", nil, "post"},
		{"POST", "/orders", header{"x-tier": "gold"}, "post"},
		{"GET", "/orders", header{"x-tier": "gold"}, "gold"},
		{"GET", "/orders", header{"x-tier": "gold", "x-region": "cn-north"}, "gold2"},
		{"GET", "/orders", header{"x-tier": "gold", "x-region": "eu-cn-north"}, "gold"},
		{"GET", "/orders?v=2+3", nil, "q"},
		{"GET", "/orders?w=1&v=2%203", nil, "q"},
		{"GET", "/orders?v=3", nil, "orders"},
		{"GET", "/orders", header{"cookie": "a=2; c=1"}, "cookie"},
		{"GET", "/orders", header{"x-user": "beta-7"}, "beta"},
		{"GET", "/orders", header{"x-user": "alpha"}, "orders"},
		{"GET", "/orders/best", header{"x-user": "beta-7"}, "best"},
	} {
		if got := decide(table, request(t, c.method, c.target, c.header)); got != c.want {
			t.Errorf("%s %s %v: got %s, want %s", c.method, c.target, c.header, got, c.want)
		}
	}
}

func TestRegularExpressionsAreTriedLast(t *testing.T) {
	table := mustBuild(t, newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{
		rule("any", path("RegularExpression", "/.*")),
		rule("get", v1.RouteMatch{Path: &v1.PathMatch{Type: "RegularExpression", Value: "/.+"}, Method: "GET"}),
		rule("a", path("PathPrefix", "/a")),
	}}))
	for target, want := range map[string]string{"/a/b": "a", "/b": "get", "/": "any"} {
		if got := decide(table, request(t, "GET", target, nil)); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
	if got := decide(table, request(t, "PUT", "/b", nil)); got != "any" {
		t.Errorf("PUT /b: got %s", got)
	}
}

func TestMoreSpecificHostsGoFirstAndHandOver(t *testing.T) {
	table := mustBuild(t,
		newRoute("any", 1, v1.RouteSpec{Rules: []v1.RouteRule{rule("any")}}),
		newRoute("wild", 2, v1.RouteSpec{Hostnames: []string{"*.example.com"}, Rules: []v1.RouteRule{rule("wild"), rule("wild-x", path("", "/x"))}}),
		newRoute("deep", 3, v1.RouteSpec{Hostnames: []string{"*.cn.example.com"}, Rules: []v1.RouteRule{rule("deep")}}),
		newRoute("exact", 4, v1.RouteSpec{Hostnames: []string{"Shop.Example.com"}, Rules: []v1.RouteRule{rule("exact", path("", "/shop"))}}),
	)
	for target, want := range map[string]string{
		"//shop.example.com/shop":  "exact",
		"//shop.example.com/x":     "wild-x",
		"//shop.example.com./shop": "exact",
		"//a.cn.example.com/x":     "deep",
		"//example.com/":           "any",
		"//other.org/shop":         "any",
		"//a.b.example.com/":       "wild",
	} {
		if got := decide(table, request(t, "GET", target, nil)); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
}

func TestTheOlderRouteWinsATieAndTheConflictNamesBoth(t *testing.T) {
	young := newRoute("a-young", 2, v1.RouteSpec{Rules: []v1.RouteRule{rule("young", path("Template", "/o/{id}"))}})
	old := newRoute("b-old", 1, v1.RouteSpec{Rules: []v1.RouteRule{rule("old", path("Template", "/o/{no}"))}})
	table, problems := Build([]v1.Route{young, old}, nil, everyService(young, old), Defaults{})
	if got := decide(table, request(t, "GET", "/o/1", nil)); got != "old" {
		t.Errorf("got %s", got)
	}
	if len(problems) != 1 || problems[0].Name != "a-young" || problems[0].Err.Code != "JD-ROUTE-002" || problems[0].Warning {
		t.Fatalf("problems: %v", problems)
	}
	mustContain(t, problems[0].String(), "a-young", "b-old")
}

func TestARequestWithoutARuleHasNoRoute(t *testing.T) {
	table := mustBuild(t, newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{rule("a", path("", "/a"))}}))
	if got := decide(table, request(t, "GET", "/b", nil)); got != "no route" {
		t.Errorf("got %s", got)
	}
	empty, _ := Build(nil, nil, nil, Defaults{})
	if got := decide(empty, request(t, "GET", "/", nil)); got != "no route" {
		t.Errorf("empty table: got %s", got)
	}
}

func TestARouteToAServiceWithoutInstancesIsAcceptedWithAWarning(t *testing.T) {
	r := newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{rule("orders")}})
	table, problems := Build([]v1.Route{r}, nil, nil, Defaults{})
	var d Decision
	table.Decide(request(t, "GET", "/", nil), &d)
	if d.Refused != RefusedNoInstance || d.Rule == nil || d.Subset == nil || d.Subset.ID != "orders/*" {
		t.Errorf("decision: %+v", d)
	}
	if len(problems) != 1 || !problems[0].Warning || problems[0].Err.Code != "JD-ROUTE-003" {
		t.Errorf("problems: %v", problems)
	}
}

func TestAWrongRouteIsLeftOutAndTheOthersServe(t *testing.T) {
	wrong := newRoute("wrong", 1, v1.RouteSpec{Rules: []v1.RouteRule{{}}})
	good := newRoute("good", 2, v1.RouteSpec{Rules: []v1.RouteRule{rule("good")}})
	table, problems := Build([]v1.Route{wrong, good}, nil, everyService(good), Defaults{})
	if got := decide(table, request(t, "GET", "/", nil)); got != "good" {
		t.Errorf("got %s", got)
	}
	if len(problems) != 1 || problems[0].Name != "wrong" || problems[0].Err.Code != "JD-ROUTE-001" {
		t.Errorf("problems: %v", problems)
	}
}

func TestATableHasTheRevisionOfItsNewestObject(t *testing.T) {
	r := newRoute("r", 7, v1.RouteSpec{Rules: []v1.RouteRule{rule("a")}})
	m := orders(v1.PhaseRamp, 1)
	m.Metadata.Revision = 9
	table, _ := Build([]v1.Route{r}, []v1.Migration{m}, nil, Defaults{})
	if table.Revision != 9 {
		t.Errorf("revision %d", table.Revision)
	}
}

func TestRulesTakeDefaultsAndOverrideThem(t *testing.T) {
	plain := rule("plain", path("", "/plain"))
	own := rule("own", path("", "/own"))
	own.Timeouts = &v1.Timeouts{Request: "2s", BackendRequest: "0s"}
	own.Retry = &v1.Retry{Attempts: new(0), Codes: []int{503}, Backoff: "1ms", Budget: new(5.0)}
	table := mustBuild(t, newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{plain, own}}))
	p, o := table.Rules[0], table.Rules[1]
	if p.Timeout != time.Minute || p.TryTimeout != 30*time.Second || p.Retry.Attempts != 1 || p.Retry.Percent != 20 || p.Retry.Backoff != 10*time.Millisecond {
		t.Errorf("plain: %+v", p)
	}
	if o.Timeout != 2*time.Second || o.TryTimeout != 0 || o.Retry.Attempts != 0 || o.Retry.Percent != 5 || len(o.Retry.Codes) != 1 || o.Retry.Backoff != time.Millisecond {
		t.Errorf("own: %+v", o)
	}
	if fmt.Sprint(table.Rules[0].Index, table.Rules[1].Index) != "0 1" {
		t.Error("rules do not know their places")
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	m := orders(v1.PhaseRamp, 5000)
	m.Spec.Subject = []v1.ValueSource{{JWTClaim: "sub"}, {Cookie: "uid"}, {ClientIP: true}}
	r := newRoute("r", 1, v1.RouteSpec{
		SourceTags: []v1.SourceTag{{Name: "q", From: v1.ValueSource{Query: "q"}}},
		Rules: []v1.RouteRule{
			rule("orders", v1.RouteMatch{
				Path:    &v1.PathMatch{Type: "Template", Value: "/orders/{id}/中文"},
				Headers: []v1.ValueMatch{{Name: "X-A", Type: "RegularExpression", Value: "a+"}},
				Source:  map[string]string{"q": "a b*"},
			}),
		},
	})
	table, _ := Build([]v1.Route{r}, []v1.Migration{m}, javaAndGo(), Defaults{})
	req := request(t, "GET", "/orders/5/%E4%B8%AD%E6%96%87?q=a+bc", nil)
	token := []byte("Bearer " + jwt(`{"iss":"x","sub":"u\u0031"}`))
	req.Fields = fixed(func(name string) []byte {
		switch name {
		case "authorization":
			return token
		case "x-a":
			return token[2:3]
		}
		return nil
	})
	req.ClientIP = netip.MustParseAddr("::ffff:10.0.0.1")
	var d Decision
	table.Decide(req, &d)
	if d.Side == SideNone || !d.HasSubject || d.Subject != Hash("m", "u1") {
		t.Fatalf("decision: %+v", d)
	}
	if n := testing.AllocsPerRun(200, func() { table.Decide(req, &d) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

type fixed func(string) []byte

func (f fixed) Get(name string) []byte { return f(name) }

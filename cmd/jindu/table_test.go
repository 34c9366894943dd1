package main

import (
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

func TestColumnsLineUpUnderChinese(t *testing.T) {
	got := table{{"NAME", "WHAT", "N"}, {"订单", "服务", "1"}, {"a", "", "22"}}.String()
	want := "NAME   WHAT   N\n订单   服务   1\na      -      22\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestWhatComesFromOutsideCannotDriveTheTerminal(t *testing.T) {
	got := table{{"\x1b[2Jgone\r", "two\nlines"}}.String()
	if strings.ContainsAny(got, "\x1b\r") || !strings.Contains(got, "·[2Jgone·   two lines") {
		t.Errorf("got %q", got)
	}
}

func TestASmallShareIsNotNothing(t *testing.T) {
	for p, want := range map[float64]string{0: "0 %", 0.001: "< 0.01 %", 0.5: "0.5 %", 12.345: "12.35 %", 99.999: "> 99.99 %", 100: "100 %", 1: "1 %", 10: "10 %"} {
		if got := percent(p); got != want {
			t.Errorf("%v is %s, want %s", p, got, want)
		}
	}
}

func ref(service, runtime string, weight int) v1.BackendRef {
	b := v1.BackendRef{BackendTarget: v1.BackendTarget{Service: service}, Weight: &weight}
	if runtime != "" {
		b.Subset = v1.Selector{"runtime": runtime}
	}
	return b
}

func TestARuleIsASentence(t *testing.T) {
	source := v1.RouteMatch{Source: map[string]string{"user": "beta"}}
	path := func(kind, value string) v1.RouteMatch {
		return v1.RouteMatch{Path: &v1.PathMatch{Type: kind, Value: value}}
	}
	rule := func(refs []v1.BackendRef, matches ...v1.RouteMatch) v1.RouteRule {
		return v1.RouteRule{Matches: matches, BackendRefs: refs}
	}
	orders := []v1.BackendRef{{BackendTarget: v1.BackendTarget{Service: "orders"}}}
	for want, r := range map[string]v1.RouteRule{
		"user=beta → orders: 80 % runtime=java*, 20 % runtime=go*": rule([]v1.BackendRef{ref("orders", "java*", 80), ref("orders", "go*", 20)}, source),
		"everything → orders":                                               rule(orders),
		"everything → orders runtime=go*":                                   rule([]v1.BackendRef{ref("orders", "go*", 1)}, v1.RouteMatch{}),
		"/v1/… → 75 % orders, 25 % billing runtime=go*":                     rule([]v1.BackendRef{ref("orders", "", 3), ref("billing", "go*", 1)}, path("", "/v1/")),
		"/… → orders: 50 % any, 50 % runtime=go*":                           rule([]v1.BackendRef{ref("orders", "", 1), ref("orders", "go*", 1)}, path("PathPrefix", "/")),
		"=/a or /orders/{id} or ~/x.* → nobody":                             rule(nil, path("Exact", "/a"), path("Template", "/orders/{id}"), path("RegularExpression", "/x.*")),
		"everything → nobody: every weight is 0":                            rule([]v1.BackendRef{ref("a", "", 0), ref("b", "", 0)}),
		"GET header X-A=1 header X-B~2.* ?debug=1 cookie beta=yes → orders": rule(orders, v1.RouteMatch{Method: "GET", Headers: []v1.ValueMatch{{Name: "X-A", Value: "1"}, {Type: "RegularExpression", Name: "X-B", Value: "2.*"}}, QueryParams: []v1.ValueMatch{{Name: "debug", Value: "1"}}, Cookies: []v1.ValueMatch{{Name: "beta", Value: "yes"}}}),
		"everything → redirect 301 https://new.example/x":                   {Filters: []v1.RouteFilter{{RequestRedirect: &v1.Redirect{Scheme: "https", Hostname: "new.example", StatusCode: 301, Path: &v1.PathModifier{Value: "/x"}}}}},
		"everything → redirect 302":                                         {Filters: []v1.RouteFilter{{RequestRedirect: &v1.Redirect{}}}},
	} {
		if got := ruleWords(r); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestAPhaseSaysWhatMatters(t *testing.T) {
	m := v1.Migration{Status: v1.MigrationStatus{Phase: v1.PhaseRamp, Step: 2, Latched: true}}
	m.Spec.Paused = true
	if got := phaseWords(m); got != "ramp 3/5 paused latched" {
		t.Error(got)
	}
	if got := phaseWords(v1.Migration{Status: v1.MigrationStatus{Phase: v1.PhaseRolledBack}}); got != "rolled back" {
		t.Error(got)
	}
}

func TestAChangeIsShownByItsFields(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{`{"weight":80,"a":{"b":"x","c":[1]}}`, `{"weight":20,"a":{"b":"y","c":[1]},"paused":true}`, "a.b x → y, weight 80 → 20, paused ∅ → true"},
		{`{"a":1,"b":1,"c":1,"d":1}`, `{"a":2,"b":2,"c":2,"d":2}`, "a 1 → 2, b 1 → 2, c 1 → 2, and 1 more"},
		{`{"a":1}`, ``, ""},
		{`{"a":1}`, `{"a":1}`, ""},
		{`{"a":"` + strings.Repeat("x", 50) + `"}`, `{}`, "a " + strings.Repeat("x", 40) + "… → ∅"},
	} {
		if got := changeWords([]byte(c.before), []byte(c.after)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

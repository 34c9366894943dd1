package route

import (
	"fmt"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// good is a spec that every case below spoils in one place.
func good() v1.RouteSpec {
	r := rule("orders", v1.RouteMatch{
		Path: &v1.PathMatch{Type: "Template", Value: "/orders/{id}"}, Method: "GET",
		Headers: []v1.ValueMatch{{Name: "X-A", Value: "1"}}, Source: map[string]string{"user": "beta*"},
	})
	return v1.RouteSpec{Hostnames: []string{"a.org"}, SourceTags: []v1.SourceTag{{Name: "user", From: v1.ValueSource{Cookie: "uid"}}}, Rules: []v1.RouteRule{r}}
}

// expect fails unless exactly one field is wrong, at path, and its detail contains text.
func expect(t *testing.T, name string, got []kind.Field, path, text string) {
	t.Helper()
	if len(got) != 1 || got[0].Path != path || !strings.Contains(got[0].Detail, text) {
		t.Errorf("%s: got %+v, want %s: %s", name, got, path, text)
	}
}

func TestAGoodRouteHasNoWrongField(t *testing.T) {
	if wrong := Validate(good()); len(wrong) > 0 {
		t.Errorf("%+v", wrong)
	}
}

func TestEachWrongFieldOfARouteIsNamed(t *testing.T) {
	zero, minus := 0, -1
	for name, c := range map[string]struct {
		spoil      func(*v1.RouteSpec)
		path, text string
	}{
		"no rules":     {func(s *v1.RouteSpec) { s.Rules = nil }, "spec.rules", "empty"},
		"port in host": {func(s *v1.RouteSpec) { s.Hostnames[0] = "a.org:80" }, "spec.hostnames[0]", "host name"},
		"star alone":   {func(s *v1.RouteSpec) { s.Hostnames[0] = "*" }, "spec.hostnames[0]", "host name"},
		"host twice":   {func(s *v1.RouteSpec) { s.Hostnames = []string{"a.org", "A.org"} }, "spec.hostnames[1]", "already"},
		"tag without name": {func(s *v1.RouteSpec) {
			s.SourceTags = append(s.SourceTags, v1.SourceTag{From: v1.ValueSource{ClientIP: true}})
		}, "spec.sourceTags[1].name", "missing"},
		"tag twice":    {func(s *v1.RouteSpec) { s.SourceTags = append(s.SourceTags, s.SourceTags[0]) }, "spec.sourceTags[1].name", "once"},
		"tag of two":   {func(s *v1.RouteSpec) { s.SourceTags[0].From.Header = "X" }, "spec.sourceTags[0].from", "exactly one"},
		"tag of none":  {func(s *v1.RouteSpec) { s.SourceTags[0].From = v1.ValueSource{} }, "spec.sourceTags[0].from", "exactly one"},
		"bad cookie":   {func(s *v1.RouteSpec) { s.SourceTags[0].From.Cookie = "a b" }, "spec.sourceTags[0].from.cookie", "token"},
		"unknown tag":  {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Source = map[string]string{"who": "x"} }, "spec.rules[0].matches[0].source", "sourceTags"},
		"star inside":  {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Source["user"] = "a*b" }, "spec.rules[0].matches[0].source.user", "end"},
		"small method": {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Method = "get" }, "spec.rules[0].matches[0].method", "GET"},
		"bad method":   {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Method = "G T" }, "spec.rules[0].matches[0].method", "token"},
		"path type":    {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Path.Type = "Glob" }, "spec.rules[0].matches[0].path.type", "one of"},
		"no slash":     {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Path.Value = "orders" }, "spec.rules[0].matches[0].path.value", "begin"},
		"escaped":      {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Path.Value = "/%41" }, "spec.rules[0].matches[0].path.value", "decoded"},
		"dots":         {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Path.Value = "/a/../{b}" }, "spec.rules[0].matches[0].path.value", "dot segment"},
		"slashes":      {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Path.Value = "/a//{b}" }, "spec.rules[0].matches[0].path.value", "repeated"},
		"half a part":  {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Path.Value = "/a/x{b}" }, "spec.rules[0].matches[0].path.value", "whole segment"},
		"part twice":   {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Path.Value = "/{a}/{a}" }, "spec.rules[0].matches[0].path.value", "twice"},
		"no part":      {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Path.Value = "/a" }, "spec.rules[0].matches[0].path.value", "Exact"},
		"path regex": {func(s *v1.RouteSpec) {
			s.Rules[0].Matches[0].Path = &v1.PathMatch{Type: "RegularExpression", Value: "("}
		}, "spec.rules[0].matches[0].path.value", "RE2"},
		"closing regex": {func(s *v1.RouteSpec) {
			s.Rules[0].Matches[0].Path = &v1.PathMatch{Type: "RegularExpression", Value: "/a)|(/b"}
		}, "spec.rules[0].matches[0].path.value", "RE2"},
		"value type": {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Headers[0].Type = "Glob" }, "spec.rules[0].matches[0].headers[0].type", "one of"},
		"value regex": {func(s *v1.RouteSpec) {
			s.Rules[0].Matches[0].Headers[0] = v1.ValueMatch{Name: "X", Type: "RegularExpression", Value: "["}
		}, "spec.rules[0].matches[0].headers[0].value", "RE2"},
		"header twice":       {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Headers = []v1.ValueMatch{{Name: "A"}, {Name: "a"}} }, "spec.rules[0].matches[0].headers[1].name", "already"},
		"nameless":           {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].QueryParams = []v1.ValueMatch{{}} }, "spec.rules[0].matches[0].queryParams[0].name", "missing"},
		"header name":        {func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Headers[0].Name = "a:b" }, "spec.rules[0].matches[0].headers[0].name", "token"},
		"no backend":         {func(s *v1.RouteSpec) { s.Rules[0].BackendRefs = nil }, "spec.rules[0].backendRefs", "RequestRedirect"},
		"zero weights":       {func(s *v1.RouteSpec) { s.Rules[0].BackendRefs[0].Weight = &zero }, "spec.rules[0].backendRefs", "sum to zero"},
		"negative weight":    {func(s *v1.RouteSpec) { s.Rules[0].BackendRefs[0].Weight = &minus }, "spec.rules[0].backendRefs[0].weight", "0 to"},
		"no service":         {func(s *v1.RouteSpec) { s.Rules[0].BackendRefs[0].Service = "" }, "spec.rules[0].backendRefs[0].service", "missing"},
		"odd service":        {func(s *v1.RouteSpec) { s.Rules[0].BackendRefs[0].Service = "a/b" }, "spec.rules[0].backendRefs[0].service", "name"},
		"odd selector key":   {func(s *v1.RouteSpec) { s.Rules[0].BackendRefs[0].Subset = v1.Selector{"a=b": "c"} }, "spec.rules[0].backendRefs[0].subset", "key"},
		"odd selector value": {func(s *v1.RouteSpec) { s.Rules[0].BackendRefs[0].Subset = v1.Selector{"a": "*c"} }, "spec.rules[0].backendRefs[0].subset.a", "end"},
		"timeout":            {func(s *v1.RouteSpec) { s.Rules[0].Timeouts = &v1.Timeouts{Request: "5"} }, "spec.rules[0].timeouts.request", "250ms"},
		"negative timeout":   {func(s *v1.RouteSpec) { s.Rules[0].Timeouts = &v1.Timeouts{BackendRequest: "-5s"} }, "spec.rules[0].timeouts.backendRequest", "negative"},
		"retry attempts":     {func(s *v1.RouteSpec) { s.Rules[0].Retry = &v1.Retry{Attempts: new(11)} }, "spec.rules[0].retry.attempts", "10"},
		"retry codes":        {func(s *v1.RouteSpec) { s.Rules[0].Retry = &v1.Retry{Codes: []int{200}} }, "spec.rules[0].retry.codes", "400"},
		"retry budget":       {func(s *v1.RouteSpec) { s.Rules[0].Retry = &v1.Retry{Budget: new(101.0)} }, "spec.rules[0].retry.budgetPercent", "100"},
		"sticky to nobody":   {func(s *v1.RouteSpec) { s.Rules[0].Stickiness = &v1.Stickiness{} }, "spec.rules[0].stickiness.subject", "empty"},
		"same match":         {func(s *v1.RouteSpec) { s.Rules = append(s.Rules, s.Rules[0]) }, "spec.rules[1].matches[0]", "spec.rules[0].matches[0]"},
	} {
		s := good()
		c.spoil(&s)
		expect(t, name, Validate(s), c.path, c.text)
	}
}

func TestEachWrongFilterIsNamed(t *testing.T) {
	header := func(m v1.HeaderModifier) v1.RouteFilter {
		return v1.RouteFilter{Type: "RequestHeaderModifier", RequestHeaderModifier: &m}
	}
	const at = "spec.rules[0].filters[0]"
	for name, c := range map[string]struct {
		filter     v1.RouteFilter
		path, text string
	}{
		"type":      {v1.RouteFilter{Type: "Wasm"}, at + ".type", "one of"},
		"no field":  {v1.RouteFilter{Type: "URLRewrite"}, at, "field"},
		"framing":   {header(v1.HeaderModifier{Set: []v1.Header{{Name: "Transfer-Encoding"}}}), at + ".requestHeaderModifier.set[0].name", "frames"},
		"ours":      {header(v1.HeaderModifier{Remove: []string{"X-Jindu-Shadow"}}), at + ".requestHeaderModifier.remove[0]", "Jindu"},
		"name":      {header(v1.HeaderModifier{Add: []v1.Header{{Name: "a b"}}}), at + ".requestHeaderModifier.add[0].name", "token"},
		"value":     {header(v1.HeaderModifier{Add: []v1.Header{{Name: "a", Value: "b\r\nc"}}}), at + ".requestHeaderModifier.add[0].value", "control"},
		"twice":     {header(v1.HeaderModifier{Remove: []string{"a", "A"}}), at + ".requestHeaderModifier.remove[1]", "once"},
		"nothing":   {v1.RouteFilter{Type: "URLRewrite", URLRewrite: &v1.Rewrite{}}, at + ".urlRewrite", "nothing"},
		"host":      {v1.RouteFilter{Type: "URLRewrite", URLRewrite: &v1.Rewrite{Hostname: "a/b"}}, at + ".urlRewrite.hostname", "host name"},
		"prefix":    {v1.RouteFilter{Type: "URLRewrite", URLRewrite: &v1.Rewrite{Path: &v1.PathModifier{Type: "ReplacePrefixMatch", Value: "/a"}}}, at + ".urlRewrite.path.type", "PathPrefix"},
		"full path": {v1.RouteFilter{Type: "URLRewrite", URLRewrite: &v1.Rewrite{Path: &v1.PathModifier{Type: "ReplaceFullPath", Value: "a"}}}, at + ".urlRewrite.path.value", "begin"},
		"mirror":    {v1.RouteFilter{Type: "RequestMirror", RequestMirror: &v1.MirrorFilter{BackendRef: v1.BackendTarget{Service: "a"}, Percent: new(-1.0)}}, at + ".requestMirror.percent", "100"},
	} {
		s := good()
		s.Rules[0].Filters = []v1.RouteFilter{c.filter}
		expect(t, name, Validate(s), c.path, c.text)
	}
	redirect := func(r v1.Redirect) v1.RouteFilter {
		return v1.RouteFilter{Type: "RequestRedirect", RequestRedirect: &r}
	}
	for name, c := range map[string]struct {
		filters    []v1.RouteFilter
		backends   bool
		path, text string
	}{
		"scheme":         {[]v1.RouteFilter{redirect(v1.Redirect{Scheme: "ftp"})}, false, at + ".requestRedirect.scheme", "https"},
		"host":           {[]v1.RouteFilter{redirect(v1.Redirect{Hostname: "a:1"})}, false, at + ".requestRedirect.hostname", "host name"},
		"port":           {[]v1.RouteFilter{redirect(v1.Redirect{Port: 70000})}, false, at + ".requestRedirect.port", "65535"},
		"status":         {[]v1.RouteFilter{redirect(v1.Redirect{StatusCode: 200})}, false, at + ".requestRedirect.statusCode", "308"},
		"with a backend": {[]v1.RouteFilter{redirect(v1.Redirect{})}, true, "spec.rules[0].backendRefs", "answers by itself"},
		"twice":          {[]v1.RouteFilter{redirect(v1.Redirect{}), redirect(v1.Redirect{})}, false, "spec.rules[0].filters[1].type", "one filter"},
		"and rewrite":    {[]v1.RouteFilter{redirect(v1.Redirect{}), {Type: "URLRewrite", URLRewrite: &v1.Rewrite{Hostname: "a"}}}, false, "spec.rules[0].filters", "exclude"},
	} {
		s := good()
		s.Rules[0].Filters = c.filters
		if !c.backends {
			s.Rules[0].BackendRefs = nil
		}
		expect(t, name, Validate(s), c.path, c.text)
	}
}

func TestTooManyPlacesAreRefused(t *testing.T) {
	s := good()
	s.Hostnames = nil
	for i := range 64 {
		s.Hostnames = append(s.Hostnames, fmt.Sprintf("h%d.org", i))
	}
	s.Rules = nil
	for i := range 1025 {
		s.Rules = append(s.Rules, rule("a", path("Exact", "/"+strings.Repeat("x", i+1))))
	}
	expect(t, "places", Validate(s), "spec.rules", "split")
}

func TestRoutesThatMatchTheSameAreInConflict(t *testing.T) {
	a := newRoute("a", 1, good())
	b := newRoute("b", 2, good())
	err := CheckRoute(b, []v1.Route{a, b})
	if kind.Of(err) != kind.Conflict || kind.Code(err) != "JD-ROUTE-002" {
		t.Fatalf("error: %v", err)
	}
	mustContain(t, err.Error(), "route a", "route b")
	for name, differ := range map[string]func(*v1.RouteSpec){
		"host":   func(s *v1.RouteSpec) { s.Hostnames[0] = "b.org" },
		"path":   func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Path.Value = "/other/{id}" },
		"method": func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Method = "PUT" },
		"header": func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Headers[0].Value = "2" },
		"source": func(s *v1.RouteSpec) { s.SourceTags[0].From.Cookie = "other" },
		"prefix": func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Source["user"] = "beta" },
		"regex":  func(s *v1.RouteSpec) { s.Rules[0].Matches[0].Headers[0].Type = "RegularExpression" },
	} {
		s := good()
		differ(&s)
		if err := CheckRoute(newRoute("b", 2, s), []v1.Route{a}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	spoiled := good()
	spoiled.Rules = nil
	if err := CheckRoute(newRoute("c", 2, spoiled), nil); kind.Of(err) != kind.Invalid {
		t.Errorf("error: %v", err)
	}
}

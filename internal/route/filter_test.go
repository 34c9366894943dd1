package route

import (
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

func rules(rs ...v1.RouteRule) v1.RouteSpec { return v1.RouteSpec{Rules: rs} }

func rewritten(t *testing.T, m *v1.PathModifier, prefix, target string) string {
	t.Helper()
	r := rule("a", path("PathPrefix", prefix))
	r.Filters = []v1.RouteFilter{{Type: "URLRewrite", URLRewrite: &v1.Rewrite{Hostname: "Inner.local", Path: m}}}
	table := mustBuild(t, newRoute("r", 1, rules(r)))
	req := request(t, "GET", target, nil)
	var d Decision
	table.Decide(req, &d)
	w := d.Rule.Filters.Rewrite
	if w.Hostname != "inner.local" || w.ChangesPath() != (m != nil) {
		t.Errorf("rewrite: %+v", w)
	}
	return string(w.AppendPath([]byte("|"), req.Path, &d))
}

func TestAPathIsRewrittenAsTheGatewayAPIHasIt(t *testing.T) {
	prefix := func(v string) *v1.PathModifier { return &v1.PathModifier{Type: "ReplacePrefixMatch", Value: v} }
	for _, c := range []struct {
		m                    *v1.PathModifier
		prefix, target, want string
	}{
		{prefix("/xyz"), "/foo", "/foo/bar", "|/xyz/bar"},
		{prefix("/xyz/"), "/foo", "/foo/bar", "|/xyz/bar"},
		{prefix("/xyz"), "/foo/", "/foo/bar", "|/xyz/bar"},
		{prefix("/xyz"), "/foo", "/foo", "|/xyz"},
		{prefix("/xyz"), "/foo", "/foo/", "|/xyz/"},
		{prefix(""), "/foo", "/foo/bar", "|/bar"},
		{prefix("/"), "/foo", "/foo", "|/"},
		{prefix("/"), "/foo", "/foo/", "|/"},
		{prefix("/v2"), "/", "/a/b", "|/v2/a/b"},
		{prefix("/中"), "/foo/x", "/%66oo;v=1/x/a%20b", "|/%E4%B8%AD/a%20b"},
		{prefix(""), "/foo", "/foo//bar", "|/bar"},
		{&v1.PathModifier{Type: "ReplaceFullPath", Value: "/all in"}, "/foo", "/foo/bar", "|/all%20in"},
		{nil, "/foo", "/foo/b%20r", "|/foo/b%20r"},
	} {
		if got := rewritten(t, c.m, c.prefix, c.target); got != c.want {
			t.Errorf("%+v of %s: got %s, want %s", c.m, c.target, got, c.want)
		}
	}
}

func TestARedirectKeepsWhatItDoesNotName(t *testing.T) {
	for _, c := range []struct {
		in     v1.Redirect
		scheme string
		port   int
		want   string
		status int
	}{
		{v1.Redirect{Scheme: "https", StatusCode: 308}, "http", 8080, "https://h.org/foo/a?q=1", 308},
		{v1.Redirect{}, "http", 8080, "http://h.org:8080/foo/a?q=1", 302},
		{v1.Redirect{Hostname: "New.org"}, "https", 443, "https://new.org/foo/a?q=1", 302},
		{v1.Redirect{Port: 8443, Scheme: "https"}, "http", 80, "https://h.org:8443/foo/a?q=1", 302},
		{v1.Redirect{Path: &v1.PathModifier{Type: "ReplacePrefixMatch", Value: "/bar"}}, "http", 80, "http://h.org/bar/a?q=1", 302},
	} {
		r := v1.RouteRule{Matches: []v1.RouteMatch{path("", "/foo")}, Filters: []v1.RouteFilter{{Type: "RequestRedirect", RequestRedirect: &c.in}}}
		table := mustBuild(t, newRoute("r", 1, rules(r)))
		req := request(t, "GET", "//h.org/foo/a?q=1", nil)
		var d Decision
		table.Decide(req, &d)
		if d.Subset != nil || d.Refused != RefusedNot {
			t.Fatalf("decision: %+v", d)
		}
		f := d.Rule.Filters.Redirect
		if got := string(f.AppendLocation(nil, c.scheme, c.port, req, &d)); got != c.want || f.Status != c.status {
			t.Errorf("got %s %d, want %s %d", got, f.Status, c.want, c.status)
		}
	}
}

func TestFiltersAreCompiledWithLowerCaseNames(t *testing.T) {
	r := rule("a")
	r.Filters = []v1.RouteFilter{
		{Type: "RequestHeaderModifier", RequestHeaderModifier: &v1.HeaderModifier{Set: []v1.Header{{Name: "X-A", Value: "V"}}, Remove: []string{"X-Gone"}}},
		{Type: "ResponseHeaderModifier", ResponseHeaderModifier: &v1.HeaderModifier{Add: []v1.Header{{Name: "X-B", Value: "W"}}}},
		{Type: "RequestMirror", RequestMirror: &v1.MirrorFilter{BackendRef: v1.BackendTarget{Service: "a"}, Percent: new(5.0)}},
		{Type: "RequestMirror", RequestMirror: &v1.MirrorFilter{BackendRef: v1.BackendTarget{Service: "b", Subset: v1.Selector{"v": "2"}}}},
	}
	table := mustBuild(t, newRoute("r", 1, rules(r, rule("plain", path("", "/plain")))))
	f := table.Rules[0].Filters
	if f.RequestHeaders.Set[0] != (v1.Header{Name: "x-a", Value: "V"}) || f.RequestHeaders.Remove[0] != "x-gone" || f.ResponseHeaders.Add[0].Name != "x-b" {
		t.Errorf("filters: %+v", f)
	}
	if f.RequestHeaders.Empty() || !table.Rules[1].Filters.RequestHeaders.Empty() {
		t.Error("Empty is wrong")
	}
	m := table.Rules[0].Mirrors
	if len(m) != 2 || m[0].Percent != 5 || m[0].Subset.ID != "a/*" || m[1].Percent != 100 || m[1].Subset.ID != "b/v=2" {
		t.Errorf("mirrors: %+v", m)
	}
}

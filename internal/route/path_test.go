package route

import (
	"bytes"
	"strings"
	"testing"
)

func TestPathsAreMatchedInTheirCanonicalForm(t *testing.T) {
	for in, want := range map[string]string{
		"/":                       "/",
		"/a/b":                    "/a/b",
		"/a//b":                   "/a/b",
		"//a":                     "/a",
		"/a/b//":                  "/a/b/",
		"/%61dmin":                "/admin",
		"/admin;v=1/x;y=2":        "/admin/x",
		"/;/admin":                "/admin",
		"/a/;x/":                  "/a/",
		"/;x":                     "/",
		"/a%3Bb":                  "/a;b",
		"/%E4%B8%AD":              "/中",
		"/a%20b":                  "/a b",
		"/a%25b":                  "/a%b",
		"/.well-known/x":          "/.well-known/x",
		"/a/...":                  "/a/...",
		"/orders/5;jsessionid=A1": "/orders/5",
	} {
		got, _, ok := canonical([]byte(in), nil)
		if !ok || string(got) != want {
			t.Errorf("%s: got %q %v, want %q", in, got, ok, want)
		}
	}
}

func TestPathsThatCanBeReadInTwoWaysAreRefused(t *testing.T) {
	for _, in := range []string{
		"", "a", "*", "/a/../b", "/a/..", "/..", "/.", "/./a", "/a/./b", "/a/%2e%2e/b", "/a/.%2E", "/a/%2e",
		"/a/..;x=1/b", "/a/.;/b", "/a%2fb", "/a%2Fb", "/a%5cb", `/a\b`, "/a%00", "/a%0d%0a", "/a%7f", "/a\x01", "/a\x7f",
		"/a%", "/a%4", "/a%zz", "/a%252e", "/a%252fb", "/%255c", "/a%2500", "/a?b", "/a#b",
	} {
		if got, _, ok := canonical([]byte(in), nil); ok {
			t.Errorf("%q was read as %q", in, got)
		}
	}
}

func TestAPrefixCanNotBeWalkedAround(t *testing.T) {
	table := mustBuild(t, newRoute("r", 1, rules(rule("admin", path("PathPrefix", "/admin")), rule("rest"))))
	for _, target := range []string{
		"/admin", "/admin/", "//admin", "/%61dmin", "/admin;x", "/;a/admin/x", "/admin//x", "/%61%64min;v=1/..%3b",
		"/./admin", "/x/../admin", "/x/%2e%2e/admin", "/x/..;/admin", "/x/..%2fadmin", `/x\..\admin`, "/%2561dmin/%252e",
	} {
		var d Decision
		table.Decide(&Request{Method: []byte("GET"), Path: []byte(target), Fields: header{}}, &d)
		if d.Refused == RefusedPath {
			continue
		}
		if d.Rule == nil || d.Rule.Name != "admin" {
			t.Errorf("%s went to %v", target, d.Rule)
		}
	}
}

func TestBehindCountsSegmentsAsTheyAreMatched(t *testing.T) {
	for _, c := range []struct {
		path string
		n    int
		want string
	}{
		{"/a/b", 1, "/b"}, {"/a", 1, ""}, {"/a/", 1, "/"}, {"/a//b;v=1/c", 2, "/c"}, {"//a/b", 1, "/b"},
		{"/;x/a/b", 1, "/b"}, {"/a/b", 0, "/a/b"}, {"/%61/b%20c", 1, "/b%20c"}, {"/a", 3, ""},
	} {
		if got := behind([]byte(c.path), c.n); string(got) != c.want {
			t.Errorf("behind(%s, %d) = %q, want %q", c.path, c.n, got, c.want)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"/", "/a/../b", "/%61;x//b/.%2e", "/a%252e%", "//;/..;", "/\xc0\xaf", "/a/b/c%2fd"} {
		f.Add([]byte(s))
	}
	table := mustBuild(f, newRoute("r", 1, rules(
		rule("admin", path("PathPrefix", "/admin")), rule("t", path("Template", "/o/{id}/x")), rule("e", path("Exact", "/e")), rule("re", path("RegularExpression", "/r[0-9]+")), rule("rest"))))
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		var d Decision
		table.Decide(&Request{Method: []byte("GET"), Path: in, Fields: header{}}, &d)
		if !bytes.Equal(in, before) {
			t.Fatal("the path was changed")
		}
		form, _, ok := canonical(in, nil)
		if ok != (d.Refused != RefusedPath) {
			t.Fatalf("canonical %v, refused %v", ok, d.Refused)
		}
		if !ok {
			return
		}
		if form[0] != '/' || bytes.Contains(form, []byte("//")) {
			t.Fatalf("%q has the form %q", in, form)
		}
		segments := strings.Split(string(form), "/")
		for _, s := range segments {
			if s == "." || s == ".." {
				t.Fatalf("%q has the form %q", in, form)
			}
		}
		if want := len(segments) > 1 && segments[1] == "admin"; want != (d.Rule.Name == "admin") {
			t.Fatalf("%q went to %s", in, d.Rule.Name)
		}
		// What is behind all segments is nothing, or one slash with parameters.
		n := 0
		for _, s := range segments {
			if s != "" {
				n++
			}
		}
		if rest := behind(in, n); bytes.ContainsFunc(cutParams(rest), func(r rune) bool { return r != '/' }) {
			t.Fatalf("%q: %q is behind %d segments", in, rest, n)
		}
	})
}

// cutParams takes the parameters out of the segments of a path.
func cutParams(path []byte) []byte {
	var out []byte
	for s := range bytes.SplitSeq(path, []byte{'/'}) {
		s, _, _ = bytes.Cut(s, []byte{';'})
		out = append(append(out, s...), '/')
	}
	return out
}

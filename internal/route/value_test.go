package route

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	v1 "jindu.dev/jindu/api/v1"
)

func TestCookiesAreReadByName(t *testing.T) {
	for _, c := range []struct {
		header, want string
		ok           bool
	}{
		{"uid=1", "1", true}, {"a=0; uid=1; uid=2", "1", true}, {" uid = 1 ", "1", true}, {`uid="a b"`, "a b", true},
		{`uid="`, `"`, true}, {"uid=", "", true}, {"uid", "", false}, {"", "", false}, {"xuid=1", "", false}, {"UID=1", "", false}, {"uid=a=b", "a=b", true},
	} {
		got, ok := cookie([]byte(c.header), "uid")
		if string(got) != c.want || ok != c.ok {
			t.Errorf("%q: %q %v", c.header, got, ok)
		}
	}
}

func TestAClaimIsReadAsJSONParsersReadIt(t *testing.T) {
	for doc, want := range map[string]string{
		`{"sub":"u1"}`: "u1",
		"\t{ \"a\" : [1,{\"sub\":2}] , \"sub\":\"x\" }\n": "x",
		`{"sub":17}`:                           "17",
		`{"sub":true}`:                         "true",
		`{"sub":"a\"b\\\u4e2d\ud83d\ude00\n"}`: "a\"b\\中😀\n",
		`{"\u0073ub":"esc"}`:                   "esc",
		`{"sub":"first","sub":"last"}`:         "last",
		`{"sub":"用户"}`:                         "用户",
		`{"x":"}","sub":"y"}`:                  "y",
	} {
		got, _, ok := claim([]byte(doc), "sub", nil)
		if !ok || string(got) != want {
			t.Errorf("%s: got %q %v, want %q", doc, got, ok, want)
		}
	}
	for _, doc := range []string{``, `{}`, `[]`, `{"sub":null}`, `{"sub":{"a":1}}`, `{"sub":["a"]}`, `{"sub":"a"`, `{"sub":"a"}x`, `{"sub" "a"}`, `{"sub":}`, `{"sub":"a"]`, `{sub:"a"}`, `{"a":{"sub":"x"}}`} {
		if got, _, ok := claim([]byte(doc), "sub", nil); ok {
			t.Errorf("%s: got %q", doc, got)
		}
	}
}

func TestTokensThatAreNoneHaveNoClaims(t *testing.T) {
	good := jwt(`{"sub":"a"}`)
	if got := claims([]byte("Bearer "+good), nil); string(got) != `{"sub":"a"}` {
		t.Errorf("got %q", got)
	}
	for _, h := range []string{"", "Bearer", "Bearer x", "Bearer a.b", "Basic " + good, "Bearer a.!!.c", "Bearer a." + strings.Repeat("A", maxClaims+4) + ".c"} {
		if got := claims([]byte(h), nil); len(got) != 0 {
			t.Errorf("%.20s: got %q", h, got)
		}
	}
}

func TestTheClientsAddressIsASubject(t *testing.T) {
	for in, want := range map[string]string{"10.0.0.1": "10.0.0.1", "::ffff:10.0.0.1": "10.0.0.1", "2001:db8::1": "2001:db8::1", "fe80::1%eth0": "fe80::1"} {
		var s scratch
		got, ok := compileSource(v1.ValueSource{ClientIP: true}).read(&Request{ClientIP: netip.MustParseAddr(in)}, &s)
		if !ok || string(got) != want {
			t.Errorf("%s: %q %v", in, got, ok)
		}
	}
	var s scratch
	if _, ok := compileSource(v1.ValueSource{ClientIP: true}).read(&Request{}, &s); ok {
		t.Error("no address is a subject")
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "a=%31+%zz", "%61=x", "a", "&&=&a=", "a=1;b=2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		raw, ok := queryParam([]byte(query), "a")
		got, _ := unescapeQuery(raw, nil)
		values, err := url.ParseQuery(query)
		if err != nil {
			return // net/url refuses what stands for itself here
		}
		if want, has := values["a"]; has != ok || has && want[0] != string(got) {
			t.Fatalf("%q: got %q %v, want %q", query, got, ok, want)
		}
	})
}

func FuzzCookie(f *testing.F) {
	for _, s := range []string{"a=1; b=2", `a="x"`, ";;a", "a==;", "a=\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, h string) {
		if got, ok := cookie([]byte(h), "a"); ok && !strings.Contains(h, string(got)) {
			t.Fatalf("%q: %q is not in it", h, got)
		}
	})
}

func FuzzClaim(f *testing.F) {
	for _, s := range []string{`{"sub":"u1"}`, `{"a":[1,{"b":"}"}],"sub":-1.5e3}`, `{"sub":"\u00e9\ud800"}`, `{"sub":tru}`, `{"\u0073ub":true,"sub":null}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		got, _, ok := claim([]byte(doc), "sub", nil)
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(doc), &want) != nil || !utf8.ValidString(doc) {
			return // what is no JSON may be read or not
		}
		raw, has := want["sub"]
		var text string
		switch {
		case !has || raw[0] == '{' || raw[0] == '[' || raw[0] == 'n':
			if ok {
				t.Fatalf("%s: got %q", doc, got)
			}
			return
		case raw[0] == '"':
			if err := json.Unmarshal(raw, &text); err != nil {
				t.Fatal(err)
			}
		default:
			text = string(raw)
		}
		if !ok || string(got) != text {
			t.Fatalf("%s: got %q %v, want %q", doc, got, ok, text)
		}
	})
}

func FuzzDecide(f *testing.F) {
	f.Add("GET", "h.example.com", "/o/5/x", "t=1", "uid=7", "Bearer "+jwt(`{"sub":"u"}`))
	f.Add("", "", "", "", "", "")
	m := orders("ramp", 5000)
	m.Spec.Subject = []v1.ValueSource{{JWTClaim: "sub"}, {Cookie: "uid"}, {Query: "u"}, {ClientIP: true}}
	r := newRoute("r", 1, v1.RouteSpec{
		Hostnames:  []string{"h.example.com", "*.example.com"},
		SourceTags: []v1.SourceTag{{Name: "t", From: v1.ValueSource{Query: "t"}}},
		Rules:      []v1.RouteRule{rule("orders", v1.RouteMatch{Source: map[string]string{"t": "1*"}}), rule("orders", path("Template", "/o/{id}/x"))},
	})
	table, _ := Build([]v1.Route{r}, []v1.Migration{m}, javaAndGo(), Defaults{})
	f.Fuzz(func(t *testing.T, method, host, path, query, cookies, authorization string) {
		req := Request{Method: []byte(method), Host: []byte(host), Path: []byte(path), Query: []byte(query), Fields: header{"cookie": cookies, "authorization": authorization}}
		var a, b Decision
		table.Decide(&req, &a)
		table.Decide(&req, &a)
		table.Decide(&req, &b)
		if a.Refused != b.Refused || a.Rule != b.Rule || a.Side != b.Side || a.Subject != b.Subject || a.Subset != b.Subset {
			t.Fatalf("a decision used again differs: %+v and %+v", a, b)
		}
		if (a.Refused == RefusedNot) != (a.Subset != nil) || (a.Cohort != nil) != (a.Side != SideNone) {
			t.Fatalf("decision: %+v", a)
		}
	})
}

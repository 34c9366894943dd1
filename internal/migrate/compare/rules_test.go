package compare

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

var today = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func rulesOf(t *testing.T, spec v1.CompareSpec) *Rules {
	t.Helper()
	r, err := Compile(spec, today)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func jsonAnswer(body string) Answer {
	return Answer{Status: 200, Header: []v1.Header{{Name: "Content-Type", Value: "application/json"}}, Body: []byte(body)}
}

func (a Answer) with(name, value string) Answer {
	a.Header = append([]v1.Header{{Name: name, Value: value}}, a.Header...)
	return a
}

func (a Answer) status(code int) Answer {
	a.Status = code
	return a
}

// diff writes the differences as "path kind" words.
func diff(r *Rules, a, b Answer) string {
	var out []string
	for _, d := range r.Diff(r.Parse(&a), r.Parse(&b)) {
		out = append(out, d.Path+" "+string(d.Kind))
	}
	return strings.Join(out, ", ")
}

func gbk(t *testing.T, s string) []byte {
	t.Helper()
	b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestEachRuleSwitchesItsDifference: with the rule on the two answers are alike, with it off they differ
// in the way that is named, and a real difference of the same kind is found either way.
func TestEachRuleSwitchesItsDifference(t *testing.T) {
	gbkAnswer := Answer{Status: 200, Header: []v1.Header{{Name: "Content-Type", Value: "application/json;charset=GBK"}}, Body: gbk(t, `{"a":"中文"}`)}
	utf8Answer := Answer{Status: 200, Header: []v1.Header{{Name: "Content-Type", Value: "application/json;charset=GBK"}}, Body: []byte(`{"a":"中文"}`)}
	utf8Answer.Header[0].Value = "application/json"
	cookies := func(v string) Answer { return jsonAnswer(`{}`).with("Set-Cookie", v) }
	spring := `{"timestamp":"2026-01-01T00:00:00.000+0000","status":404,"error":"Not Found","path":"/x"}`

	for _, c := range []struct {
		rule       string
		also       []string // rules that are on beside it
		old, fresh Answer
		off        string // the differences while it is off
		real       Answer // differs from old whatever the rule
	}{
		{rule: "null-absent", old: jsonAnswer(`{"a":1,"b":null}`), fresh: jsonAnswer(`{"a":1}`), off: "$.b missing", real: jsonAnswer(`{"b":null}`)},
		{rule: "empty-list-null", old: jsonAnswer(`{"a":[]}`), fresh: jsonAnswer(`{"a":null}`), off: "$.a type", real: jsonAnswer(`{"a":[1]}`)},
		{rule: "empty-string-null", old: jsonAnswer(`{"a":""}`), fresh: jsonAnswer(`{"a":null}`), off: "$.a type", real: jsonAnswer(`{"a":"x"}`)},
		{rule: "html-escaping", old: jsonAnswer(`{"a":"<b>"}`), fresh: jsonAnswer(`{"a":"\u003cb\u003e"}`), off: "$.a value", real: jsonAnswer(`{"a":"&lt;b&gt;"}`)},
		{rule: "date-forms", old: jsonAnswer(`{"a":1767225600000}`), fresh: jsonAnswer(`{"a":"2026-01-01T08:00:00.000+08:00"}`), off: "$.a type", real: jsonAnswer(`{"a":"2026-01-01T08:00:00Z"}`)},
		{rule: "date-default-zone", also: []string{"date-forms"}, old: jsonAnswer(`{"a":"2026-01-01 08:00:00"}`), fresh: jsonAnswer(`{"a":"2026-01-01T00:00:00Z"}`), off: "$.a value", real: jsonAnswer(`{"a":"2026-01-01T08:00:00Z"}`)},
		{rule: "number-scale", old: jsonAnswer(`{"a":1.10}`), fresh: jsonAnswer(`{"a":1.1}`), off: "$.a value", real: jsonAnswer(`{"a":1.11}`)},
		{rule: "number-exponent", old: jsonAnswer(`{"a":1.0E10}`), fresh: jsonAnswer(`{"a":10000000000}`), off: "$.a value", real: jsonAnswer(`{"a":10000000001}`)},
		{rule: "number-as-string", old: jsonAnswer(`{"a":9007199254740993}`), fresh: jsonAnswer(`{"a":"9007199254740993"}`), off: "$.a type", real: jsonAnswer(`{"a":"9007199254740992"}`)},
		{rule: "boolean-forms", old: jsonAnswer(`{"a":true}`), fresh: jsonAnswer(`{"a":"Y"}`), off: "$.a type", real: jsonAnswer(`{"a":"N"}`)},
		{rule: "enum-ordinal", old: jsonAnswer(`{"state":"PAID"}`), fresh: jsonAnswer(`{"state":1}`), off: "$.state type", real: jsonAnswer(`{"state":2}`)},
		{rule: "string-trim", old: jsonAnswer(`{"a":"x   "}`), fresh: jsonAnswer(`{"a":"x"}`), off: "$.a value", real: jsonAnswer(`{"a":"y"}`)},
		{rule: "fastjson-ref", old: jsonAnswer(`{"a":{"x":[1,{"y":2}]},"b":{"$ref":"$.a.x[1]"}}`), fresh: jsonAnswer(`{"a":{"x":[1,{"y":2}]},"b":{"y":2}}`), off: `$.b["$ref"] missing, $.b.y extra`, real: jsonAnswer(`{"a":{"x":[1,{"y":2}]},"b":{"y":3}}`)},
		{rule: "gbk", old: gbkAnswer, fresh: utf8Answer, off: "header:Content-Type value, $.a value", real: jsonAnswer(`{"a":"中"}`)},
		{rule: "content-encoding", old: Answer{Status: 200, Body: gzipped(t, `{"a":1}`), Header: []v1.Header{{Name: "Content-Encoding", Value: "gzip"}, {Name: "Content-Type", Value: "application/json"}}}, fresh: jsonAnswer(`{"a":1}`), off: "body type", real: jsonAnswer(`{"a":2}`)},
		{rule: "content-type-charset", old: jsonAnswer(`{}`), fresh: Answer{Status: 200, Body: []byte(`{}`), Header: []v1.Header{{Name: "content-type", Value: `Application/JSON; charset="UTF-8"`}}}, off: "header:Content-Type value", real: Answer{Status: 200, Body: []byte(`{}`), Header: []v1.Header{{Name: "Content-Type", Value: "text/plain"}}}},
		{rule: "cookie-values", old: cookies("sid=1; Path=/; HttpOnly; Expires=Mon, 02 Mar 2026 00:00:00 GMT"), fresh: cookies("sid=2; httponly; path=/; Max-Age=60"), off: "header:Set-Cookie value", real: cookies("sid=1; Path=/; Max-Age=60")},
		{rule: "etag-presence", old: jsonAnswer(`{}`).with("ETag", `"1"`), fresh: jsonAnswer(`{}`).with("Etag", `W/"2"`), off: "header:Etag value", real: jsonAnswer(`{}`)},
		{rule: "error-body", old: jsonAnswer(spring).status(404), fresh: jsonAnswer(`{"status":404,"message":"no such order"}`).status(404), off: "$.error missing, $.message extra, $.path missing, $.timestamp missing", real: jsonAnswer(`{"status":400}`).status(404)},
	} {
		t.Run(c.rule, func(t *testing.T) {
			spec := func(on bool) v1.CompareSpec {
				rules := map[string]bool{c.rule: on}
				for _, also := range c.also {
					rules[also] = true
				}
				return v1.CompareSpec{Rules: rules, Enums: map[string][]string{"$.state": {"NEW", "PAID", "DONE"}}}
			}
			on, off := rulesOf(t, spec(true)), rulesOf(t, spec(false))
			got := diff(on, c.old, c.fresh)
			if c.rule == "gbk" {
				got = strings.TrimPrefix(got, "header:Content-Type value") // the header is compared by itself
			}
			if got != "" {
				t.Errorf("on: %s", got)
			}
			if got := diff(off, c.old, c.fresh); got != c.off {
				t.Errorf("off: %q, want %q", got, c.off)
			}
			if diff(on, c.old, c.real) == "" || diff(off, c.old, c.real) == "" {
				t.Error("a real difference is hidden")
			}
			if a, b := diff(on, c.old, c.fresh) == "", diff(on, c.fresh, c.old) == ""; a != b && c.rule != "gbk" {
				t.Error("the rule holds one way only")
			}
		})
	}
}

func TestEveryRuleIsTestedBothWays(t *testing.T) {
	if n := len(RuleList()); n != 19 {
		t.Errorf("%d rules: add the new one to the table above and to docs/guide/compare.md", n)
	}
	for _, info := range RuleList() {
		if info.Name == "" || info.Doc == "" || info.Why == "" {
			t.Errorf("rule %+v is not described", info)
		}
	}
}

func TestWhatNoClientCanTellIsNeverADifference(t *testing.T) {
	r := rulesOf(t, v1.CompareSpec{})
	old := jsonAnswer(`{"a":1,"b":{"c":"é/","d":[1,2]}}`).with("Transfer-Encoding", "chunked").with("Cache-Control", "no-store, Max-Age=0")
	fresh := jsonAnswer("{ \"b\" : {\"d\":[1 ,2],\"c\":\"\\u00e9\\/\"},\n\"a\":1}").with("content-length", "40").with("CACHE-CONTROL", "max-age=0,no-store").with("Date", "now").with("Connection", "close")
	if got := diff(r, old, fresh); got != "" {
		t.Error(got)
	}
}

func TestDateFormsAreOneMoment(t *testing.T) {
	r := rulesOf(t, v1.CompareSpec{Rules: map[string]bool{"date-forms": true, "date-default-zone": true}})
	forms := []string{
		`"2026-01-01T00:00:00Z"`, `"2026-01-01T08:00:00+08:00"`, `"2026-01-01T00:00:00.000+0000"`, `"2026-01-01T00:00:00.000000000Z"`, `1767225600`, `1767225600000`, `1767225600000000`,
		`1767225600000000000`, `1767225600.000000000`, `"1767225600000"`, `"2026-01-01 08:00:00"`, `"2026-01-01T08:00:00"`, `"2026-01-01 08:00"`, `"2026/01/01 08:00:00"`, `"20260101080000"`,
		`[2026,1,1,8,0]`, `[2026,1,1,8,0,0,0]`, `"Thu, 01 Jan 2026 00:00:00 GMT"`, `"Thu Jan 01 08:00:00 CST 2026"`, `"Thu Jan 01 00:00:00 UTC 2026"`,
	}
	for _, a := range forms {
		for _, b := range forms {
			if got := diff(r, jsonAnswer(`{"t":`+a+`}`), jsonAnswer(`{"t":`+b+`}`)); got != "" {
				t.Errorf("%s and %s: %s", a, b, got)
			}
		}
	}
	for _, other := range []string{`"2026-01-01T00:00:01Z"`, `1767225600001`, `"2026-01-01 00:00:00"`, `[2026,13,1,8,0]`, `"1999-01-01T00:00:00Z"`, `12345`, `"tomorrow"`, `[2026,1,"x"]`, `1767225600.0000000001`} {
		if diff(r, jsonAnswer(`{"t":"2026-01-01T00:00:00Z"}`), jsonAnswer(`{"t":`+other+`}`)) == "" {
			t.Errorf("%s counts as the same moment", other)
		}
	}
}

func TestAWrongSpecNamesEachField(t *testing.T) {
	_, err := Compile(v1.CompareSpec{
		Rules: map[string]bool{"null-absence": true}, Headers: []string{"Content Type"}, Enums: map[string][]string{"$.a": nil},
		Ignore: []v1.IgnoreRule{
			{}, {Path: "*", Owner: "a", Reason: "b", Expires: today}, {Path: "$.a", Reason: "b", Expires: today}, {Path: "$.a", Owner: "a", Expires: today},
			{Path: "$.a", Owner: "a", Reason: "b"}, {Path: "$.a", Owner: "a", Reason: "b", Expires: today.AddDate(9, 0, 0)},
		},
	}, today)
	if kind.Of(err) != kind.Invalid || kind.Code(err) != "JD-COMPARE-001" {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"null-absence", "null-absent", "Content Type", "no path", "ignore everything", "no owner", "no reason", "no expiry", "two years", "no names"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}

func TestAnIgnoreRuleHoldsForItsPathUntilItExpires(t *testing.T) {
	r := rulesOf(t, v1.CompareSpec{Ignore: []v1.IgnoreRule{
		{Endpoint: "GET /a", Path: "$.x", Owner: "li", Reason: "r", Expires: today.Add(time.Hour)},
		{Path: "$.map.*", Owner: "wang", Reason: "r", Expires: today.Add(time.Hour)},
	}})
	for _, c := range []struct {
		endpoint, path string
		at             time.Time
		owner          string
	}{
		{"GET /a", "$.x", today, "li"}, {"GET /b", "$.x", today, ""}, {"GET /a", "$.x.y", today, ""}, {"GET /a", "$.x", today.Add(time.Hour), ""},
		{"GET /b", "$.map.k", today, "wang"}, {"GET /b", "$.mapping", today, ""},
	} {
		owner := ""
		if rule := r.Ignored(c.endpoint, c.path, c.at); rule != nil {
			owner = rule.Owner
		}
		if owner != c.owner {
			t.Errorf("%s %s at %v: %q, want %q", c.endpoint, c.path, c.at, owner, c.owner)
		}
	}
	relaxed := r.With(rulesOf(t, v1.CompareSpec{}))
	if relaxed.Ignored("GET /a", "$.x", today) != nil || relaxed.paths != r.paths {
		t.Error("With must replace ignore rules and keep path numbers")
	}
}

package compare

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

func TestDifferencesAreNamedByTheirCause(t *testing.T) {
	r := rulesOf(t, v1.CompareSpec{})
	for _, c := range []struct{ name, old, fresh, want string }{
		{"equal", `{"a":1}`, `{"a":1}`, ""},
		{"value", `{"a":{"b":[{"c":1}]}}`, `{"a":{"b":[{"c":2}]}}`, "$.a.b[].c value"},
		{"type", `{"a":1}`, `{"a":"x"}`, "$.a type"},
		{"missing object without its members", `{"a":{"b":1,"c":2}}`, `{}`, "$.a missing"},
		{"extra", `{}`, `{"a":null}`, "$.a extra"},
		{"null is not absent", `{"a":null}`, `{}`, "$.a missing"},
		{"64-bit id", `{"id":1234567890123456789}`, `{"id":1234567890123456800}`, "$.id value"},
		{"scale of money", `{"p":1.10}`, `{"p":1.1}`, "$.p value"},
		{"order of scalars", `{"a":[1,2,3]}`, `{"a":[3,1,2]}`, "$.a order"},
		{"order of objects", `[{"id":1},{"id":2}]`, `[{"id":2},{"id":1}]`, "$ order"},
		{"lost element does not change those behind it", `{"a":[{"id":1},{"id":2},{"id":3}]}`, `{"a":[{"id":2},{"id":3}]}`, "$.a length"},
		{"lost element and a changed one", `{"a":[{"id":1},{"id":2,"x":1},{"id":3}]}`, `{"a":[{"id":2,"x":2},{"id":3}]}`, "$.a length, $.a[].x value"},
		{"moved and changed element", `{"a":[{"id":1,"x":1},{"id":2,"x":1},{"id":3,"x":1}]}`, `{"a":[{"id":3,"x":1},{"id":2,"x":1},{"id":1,"x":9}]}`, "$.a order, $.a[].x value"},
		{"changed element at its place", `{"a":["x","y","z"]}`, `{"a":["x","Y","z"]}`, "$.a[] value"},
		{"empty list", `{"a":[1]}`, `{"a":[]}`, "$.a length"},
		{"key with a dot", `{"a.b":1}`, `{"a.b":2}`, `$["a.b"] value`},
		{"several", `{"a":1,"b":1,"c":[1]}`, `{"a":2,"b":2,"c":[2]}`, "$.a value, $.b value, $.c[] value"},
		{"root", `1`, `2`, "$ value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := diff(r, jsonAnswer(c.old), jsonAnswer(c.fresh)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestFailuresAndStatusesAreFacts(t *testing.T) {
	r := rulesOf(t, v1.CompareSpec{})
	ok := jsonAnswer(`{"a":1}`)
	timeout, refused := Answer{Failure: FailureTimeout}, Answer{Failure: FailureRefused}
	for _, c := range []struct {
		old, fresh Answer
		want       string
	}{
		{ok, timeout, "status failure"}, {timeout, ok, "status failure"}, {timeout, refused, "status failure"}, {timeout, timeout, ""},
		{ok, jsonAnswer(`{"b":2}`).status(500), "status status"},
	} {
		if got := diff(r, c.old, c.fresh); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestBodiesThatAreNotJSONAreComparedByDigest(t *testing.T) {
	r := rulesOf(t, v1.CompareSpec{})
	page := func(s string) Answer { return Answer{Status: 200, Body: []byte(s)} }
	for _, c := range []struct{ old, fresh, want string }{
		{"<p>", "<p>", ""}, {"<p>", "<b>", "body value"}, {"<p>", "", "body missing"}, {"", "<p>", "body extra"}, {"<p>", `{"a":1}`, "body type"}, {"", "", ""},
		{"{broken", "{broken", ""}, {"{broken", "{other", "body value"},
	} {
		if got := diff(r, page(c.old), page(c.fresh)); got != c.want {
			t.Errorf("%q and %q: %q, want %q", c.old, c.fresh, got, c.want)
		}
	}
}

func TestHeadersThatMatterAreCompared(t *testing.T) {
	a := jsonAnswer(`{}`).with("Location", "/a").with("X-Extra", "1")
	b := jsonAnswer(`{}`).with("Location", "/b")
	if got := diff(rulesOf(t, v1.CompareSpec{}), a, b); got != "header:Location value" {
		t.Error(got)
	}
	if got := diff(rulesOf(t, v1.CompareSpec{Headers: []string{"x-extra"}}), a, b); got != "header:X-Extra missing" {
		t.Error(got)
	}
}

func TestStatesAndTruncationDecideWhetherAnswersAreComparable(t *testing.T) {
	a, b := jsonAnswer(`{}`).with("x-jindu-state", " 7 "), jsonAnswer(`{}`).with("X-Jindu-State", "8")
	if StateOf(&a) != "7" {
		t.Errorf("state %q", StateOf(&a))
	}
	if why, ok := Comparable(&a, &b); ok || why != "state_differs" {
		t.Errorf("%q %v", why, ok)
	}
	silent := jsonAnswer(`{}`)
	if _, ok := Comparable(&a, &silent); !ok {
		t.Error("a side that names no state is comparable")
	}
	silent.Truncated = true
	if why, ok := Comparable(&silent, &a); ok || why != "truncated" {
		t.Errorf("%q %v", why, ok)
	}
}

func TestKeysThatAreDataShareAPath(t *testing.T) {
	r := rulesOf(t, v1.CompareSpec{})
	if got := diff(r, jsonAnswer(`{"m":{"1001":{"p":1},"1002":{"p":2}}}`), jsonAnswer(`{"m":{"1001":{"p":1},"1002":{"p":3}}}`)); got != "$.m.*.p value" {
		t.Error(got)
	}
	var many []string
	for i := range maxMembers + 10 {
		many = append(many, fmt.Sprintf(`"k%c%c":%d`, 'a'+i/26, 'a'+i%26, i))
	}
	body := `{"n":{` + strings.Join(many, ",") + `}}`
	if got := diff(r, jsonAnswer(body), jsonAnswer(strings.Replace(body, `"kcv":73`, `"kcv":0`, 1))); got != "$.n.* value" {
		t.Errorf("%q", got)
	}
}

func TestPathsAndPairsAreBounded(t *testing.T) {
	r := rulesOf(t, v1.CompareSpec{})
	var old, fresh strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&old, "%d,", i)
		fmt.Fprintf(&fresh, "%d,", -i-1)
	}
	a, b := jsonAnswer("["+old.String()+"0]"), jsonAnswer("["+fresh.String()+"0]")
	d := r.Diff(r.Parse(&a), r.Parse(&b))
	if len(d) != 1 || len(d[0].Pairs) != maxPairs || d[0].More != 5000-maxPairs {
		t.Fatalf("%d differences, %d pairs, %d more", len(d), len(d[0].Pairs), d[0].More)
	}
	for i := range 200 {
		var many []string
		for j := range 60 {
			many = append(many, fmt.Sprintf(`"x%c%c":1`, 'a'+j/26, 'a'+j%26))
		}
		doc := jsonAnswer(fmt.Sprintf(`{"g%c":{"h%c":{%s}}}`, 'a'+i%26, 'a'+i/26, strings.Join(many, ",")))
		r.Parse(&doc)
	}
	if n := len(r.paths.nodes); n > maxPaths {
		t.Errorf("%d paths", n)
	}
	over := jsonAnswer(`{"gz":{"hz":{"never":{"seen":1}}}}`)
	found := false
	for _, id := range r.Parse(&over).Paths {
		found = found || r.PathName(id) == "(more)"
	}
	if !found {
		t.Error("what is beyond the bound must be seen as such")
	}
}

func TestValuesAreMaskedUnlessUnmasked(t *testing.T) {
	r := rulesOf(t, v1.CompareSpec{Unmask: []string{"$.open", "$.deep*"}})
	s := func(v string) *Value { return &Value{Type: String, Text: v} }
	secret := r.Show("$.secret", KindValue, s("13800000000"))
	if strings.Contains(secret, "138") || !strings.HasPrefix(secret, "string(11)#") {
		t.Errorf("%s", secret)
	}
	if r.Show("$.other", KindValue, s("13800000000")) != secret {
		t.Error("equal values must look equal")
	}
	if r.Show("$.secret", KindValue, s("13800000001")) == secret {
		t.Error("different values should look different")
	}
	deep := &Value{Type: Object, Kids: []Value{{Type: Array, Key: "a", Kids: []Value{{Type: Number, Text: "1"}, {Type: Bool, Text: "true"}}}, {Type: Null, Key: "b", Text: "null"}}}
	for _, c := range []struct {
		path string
		kind Kind
		v    *Value
		want string
	}{
		{"$.open", KindValue, s("x"), `"x"`}, {"$.deep.er", KindValue, deep, `{"a":[1,true],"b":null}`}, {"status", KindFailure, s("timeout"), "timeout"}, {"$.secret", KindMissing, nil, "(absent)"},
		{"$.secret", KindValue, &Value{Type: Null}, "null"}, {"$.secret", KindLength, &Value{Type: Array, Kids: make([]Value, 3)}, "list of 3"},
		{"$.open", KindValue, s(strings.Repeat("x", 300)), `"` + strings.Repeat("x", 199) + "…"},
	} {
		if got := r.Show(c.path, c.kind, c.v); got != c.want {
			t.Errorf("%s: %q, want %q", c.path, got, c.want)
		}
	}
	if got := r.Show("$.secret", KindOrder, &Value{Type: Array, Kids: make([]Value, 3)}); !strings.HasPrefix(got, "list of 3#") {
		t.Error(got)
	}
	if got := r.Show("$.secret", KindType, deep); !strings.HasPrefix(got, "object of 2#") {
		t.Error(got)
	}
}

// TestNumbersHaveOneCanonicalForm holds canonicalNumber against big.Rat.
func TestNumbersHaveOneCanonicalForm(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	forms := []string{"0", "-0", "0.0", "1", "1.0", "1.10", "11e-1", "110E-2", "1e2", "100", "-5.50", "-55e-1", "1E10", "10000000000", "0.000", "9007199254740993", "9007199254740992"}
	for range 300 {
		forms = append(forms, fmt.Sprintf("%d.%02de%d", dice.IntN(20)-10, dice.IntN(100), dice.IntN(5)-2))
	}
	for _, a := range forms {
		for _, b := range forms {
			x, ok1 := new(big.Rat).SetString(a)
			y, ok2 := new(big.Rat).SetString(b)
			if !ok1 || !ok2 {
				t.Fatalf("%s %s", a, b)
			}
			if same := canonicalNumber(a) == canonicalNumber(b); same != (x.Cmp(y) == 0) {
				t.Errorf("%s and %s: %v (%s, %s)", a, b, same, canonicalNumber(a), canonicalNumber(b))
			}
		}
	}
	if huge := "1e99999999999"; canonicalNumber(huge) != huge {
		t.Error("an exponent beyond the bounds must stay as it is")
	}
}

func TestSpreadAndScale(t *testing.T) {
	n := func(s string) *Value { return &Value{Type: Number, Text: s} }
	if s, ok := Spread(n("90"), n("100")); !ok || s < 0.0999 || s > 0.1001 {
		t.Errorf("%v %v", s, ok)
	}
	if s, ok := Spread(n("5"), n("5.0")); !ok || s != 0 {
		t.Errorf("%v %v", s, ok)
	}
	for _, pair := range [][2]*Value{{nil, n("1")}, {n("1"), {Type: String, Text: "1"}}, {n("1e999"), n("1")}} {
		if _, ok := Spread(pair[0], pair[1]); ok {
			t.Errorf("%v has a spread", pair)
		}
	}
	if Scale(n("1.10")) != 2 || Scale(n("1")) != 0 || Scale(n("1.5e3")) != 1 {
		t.Error("scale")
	}
}

// TestComparingIsSymmetricAndReflexive: an answer is like itself, and what differs does so both ways, with
// missing and extra exchanged.
func TestComparingIsSymmetricAndReflexive(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 4))
	r := rulesOf(t, v1.CompareSpec{})
	swap := strings.NewReplacer(" missing", " extra", " extra", " missing")
	for range 500 {
		x, y := jsonAnswer(randomJSON(dice, 3)), jsonAnswer(randomJSON(dice, 3))
		if got := diff(r, x, x); got != "" {
			t.Fatalf("%s differs from itself: %s", x.Body, got)
		}
		there, back := strings.Split(diff(r, x, y), ", "), strings.Split(swap.Replace(diff(r, y, x)), ", ")
		if len(there) != len(back) {
			t.Fatalf("%s\n%s\n%v\n%v", x.Body, y.Body, there, back)
		}
	}
}

func randomJSON(dice *rand.Rand, depth int) string {
	switch n := dice.IntN(6); {
	case n == 0 && depth > 0:
		var parts []string
		for range dice.IntN(4) {
			parts = append(parts, randomJSON(dice, depth-1))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case n < 3 && depth > 0:
		var parts []string
		for i := range dice.IntN(4) {
			parts = append(parts, fmt.Sprintf(`"%c":%s`, 'a'+i, randomJSON(dice, depth-1)))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case n == 3:
		return []string{"null", "true", "false"}[dice.IntN(3)]
	}
	return fmt.Sprint(dice.IntN(3))
}

func TestReferencesThatCannotBeResolvedStay(t *testing.T) {
	r := rulesOf(t, v1.CompareSpec{Rules: map[string]bool{"fastjson-ref": true}})
	for _, ref := range []string{"$.nowhere", "@", "$.a[x]", "$.a[0", "$.a[9]", "$x", "..", "$"} {
		body := fmt.Sprintf(`{"a":[1],"b":{"$ref":%q}}`, ref)
		if got := diff(r, jsonAnswer(body), jsonAnswer(`{"a":[1],"b":1}`)); got != "$.b type" {
			t.Errorf("%s: %q", ref, got)
		}
	}
}

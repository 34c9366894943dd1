package compare

import (
	"slices"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// deeds compares what two runs did, and writes what differs as kind and path.
func deeds(t *testing.T, old, fresh string) []string {
	t.Helper()
	r, err := Compile(v1.CompareSpec{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	parse := func(s string) *Doc {
		a := Answer{Status: 200, Body: []byte(`{"ok":true}`)}
		if s != "" {
			a.Effects = []byte(s)
		}
		return r.Parse(&a)
	}
	var out []string
	for _, d := range r.Diff(parse(old), parse(fresh)) {
		out = append(out, string(d.Kind)+" "+strings.TrimPrefix(d.Path, "effects"))
	}
	slices.Sort(out)
	return out
}

func TestEffectsCompare(t *testing.T) {
	row := func(s string) string { return `{"row":{"t":[` + s + `]}}` }
	change := func(s string) string { return row(`{"op":"update","key":{"id":1},"change":{"c":` + s + `}}`) }
	for name, c := range map[string]struct {
		old, fresh string
		want       string
	}{
		"alike":                       {row(`{"op":"insert","after":{"id":1}}`), row(`{"op":"insert","after":{"id":1}}`), ""},
		"one side was not captured":   {row(`{"op":"insert","after":{"id":1}}`), "", ""},
		"the other was not":           {"", row(`{"op":"insert","after":{"id":1}}`), ""},
		"a column":                    {row(`{"op":"insert","after":{"id":1,"c":1}}`), row(`{"op":"insert","after":{"id":1,"c":2}}`), "value .row.t[].after.c"},
		"NULL for 0":                  {row(`{"op":"insert","after":{"id":1,"c":0}}`), row(`{"op":"insert","after":{"id":1,"c":null}}`), "type .row.t[].after.c"},
		"written twice":               {row(`{"op":"insert","after":{"id":1}}`), row(`{"op":"insert","after":{"id":1}},{"op":"insert","after":{"id":2}}`), "length .row.t"},
		"another operation":           {row(`{"op":"insert","after":{"id":1}}`), row(`{"op":"delete","key":{"id":1}}`), "value .row.t[].op"},
		"no row at all":               {row(`{"op":"insert","after":{"id":1}}`), `{}`, "missing .row.t"},
		"a message too much":          {row(`{"op":"insert","after":{"id":1}}`), `{"message":{"m":[{}]},"row":{"t":[{"op":"insert","after":{"id":1}}]}}`, "extra .message.m"},
		"kinds of both":               {`{"message":{"m":[{}]}}`, `{"call":{"GET h/{}":[{}]}}`, `extra .call["GET h/{}"], missing .message.m`},
		"raised by as much":           {change(`{"by":-1,"from":10,"to":9}`), change(`{"by":-1,"from":8,"to":7}`), ""},
		"raised by more":              {change(`{"by":-1,"from":10,"to":9}`), change(`{"by":-2,"from":8,"to":6}`), "value .row.t[].change.c.by"},
		"set to the same":             {change(`{"by":5,"from":10,"to":15}`), change(`{"by":7,"from":8,"to":15}`), ""},
		"another text":                {change(`{"from":"a","to":"b"}`), change(`{"from":"a","to":"c"}`), "value .row.t[].change.c.to"},
		"the same text on other data": {change(`{"from":"a","to":"b"}`), change(`{"from":"x","to":"b"}`), ""},
		"other data before":           {change(`{"from":"a","to":"ab"}`), change(`{"from":"x","to":"xb"}`), "state .row.t[].change.c.from"},
		"a moment on other data":      {change(`{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}`), change(`{"from":"2026-01-01T01:00:00Z","to":"2026-01-02T08:00:00Z"}`), "value .row.t[].change.c.to"},
		"a number became NULL":        {change(`{"by":1,"from":1,"to":2}`), change(`{"from":1,"to":null}`), "type .row.t[].change.c.to"},
		"before is not known":         {change(`{"to":1}`), change(`{"to":2}`), "value .row.t[].change.c.to"},
		"column not changed":          {change(`{"by":1,"from":1,"to":2}`), row(`{"op":"update","key":{"id":1},"change":{}}`), "missing .row.t[].change.c"},
		"a column named change":       {row(`{"op":"insert","after":{"change":{"to":1}}}`), row(`{"op":"insert","after":{"change":{"to":2}}}`), "value .row.t[].after.change.to"},
		"rows are a set": {row(`{"op":"insert","after":{"id":1,"sku":"a"}},{"op":"insert","after":{"id":2,"sku":"b"}}`),
			row(`{"op":"insert","after":{"id":7,"sku":"b"}},{"op":"insert","after":{"id":8,"sku":"a"}}`), "value .row.t[].after.id"},
		"rows that nothing identifies pair by likeness": {
			row(`{"op":"insert","after":{"id":1,"a":1,"b":1,"c":1}},{"op":"update","key":{"id":1},"change":{}},{"op":"insert","after":{"id":2,"a":1,"b":2,"c":2}}`),
			row(`{"op":"insert","after":{"id":3,"a":1,"b":2,"c":2}},{"op":"insert","after":{"id":4,"a":1,"b":1,"c":9}},{"op":"update","key":{"id":1},"change":{}}`),
			"value .row.t[].after.c, value .row.t[].after.id"},
		"messages keep their order": {`{"message":{"m":[{"body":{"type":"a","id":1}},{"body":{"type":"b","id":2}}]}}`, `{"message":{"m":[{"body":{"type":"b","id":3}},{"body":{"type":"a","id":4}}]}}`,
			"order .message.m, value .message.m[].body.id"},
		"tables whose names look like data": {`{"row":{"2026":[{"op":"insert","after":{"42":1}}]}}`, `{"row":{"2026":[{"op":"insert","after":{"42":2}}]}}`, "value .row.2026[].after.42"},
		"no document":                       {`{"row":`, row(""), "type "},
		"neither is":                        {`nonsense`, `nonsens`, "value "},
	} {
		if got := strings.Join(deeds(t, c.old, c.fresh), ", "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestEffectsAreTheConsequenceOfAStatus(t *testing.T) {
	r, err := Compile(v1.CompareSpec{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	old := r.Parse(&Answer{Status: 200, Effects: []byte(`{"row":{"t":[{"op":"insert"}]}}`)})
	fresh := r.Parse(&Answer{Status: 500, Effects: []byte(`{}`)})
	if d := r.Diff(old, fresh); len(d) != 1 || d[0].Kind != KindStatus {
		t.Errorf("%+v", d)
	}
}

func TestManyRowsAreNotLikened(t *testing.T) {
	list := func(n int, c string) string {
		return `{"row":{"t":[` + strings.Repeat(`{"op":"insert","after":{"c":`+c+`}},`, n-1) + `{"op":"insert","after":{"c":` + c + `}}]}}`
	}
	if got := deeds(t, list(maxLikened+1, "1"), list(maxLikened+1, "2")); len(got) != 1 || got[0] != "value .row.t[].after.c" {
		t.Errorf("%q", got)
	}
}

func TestAWideRowKeepsItsColumns(t *testing.T) {
	var b strings.Builder
	for i := range 300 {
		b.WriteString(`"c` + itoa(i) + `":1,`)
	}
	wide := func(last string) string {
		return `{"row":{"t":[{"op":"insert","after":{` + b.String() + `"z":` + last + `}}]}}`
	}
	if got := deeds(t, wide("1"), wide("2")); len(got) != 1 || got[0] != "value .row.t[].after.z" {
		t.Errorf("%q", got)
	}
}

func TestEffectsAreMaskedUnlessShown(t *testing.T) {
	r, err := Compile(v1.CompareSpec{Unmask: []string{"effects.row.orders[].after.total", `effects.redis["cart:{}"]*`}}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	v := &Value{Type: String, Text: "secret"}
	list := &Value{Type: Array, Kids: []Value{{Type: Number, Text: "1"}}}
	for path, want := range map[string]string{"effects.row.orders[].after.total": `"secret"`, "effects.row.orders[].after.name": "string(6)#"} {
		if got := r.Show(path, KindValue, v); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := r.Show("effects.row.orders[].after.total", KindValue, list); got != "[1]" {
		t.Errorf("a list is shown as %s", got)
	}
	path := EffectsPath("redis", "cart:{}", "[]", "ops", "[]", "SET", "arg1")
	if path != `effects.redis["cart:{}"][].ops[].SET.arg1` || r.ShowText(path, "abc") != "abc" || !strings.HasPrefix(r.ShowText("effects.row.t", "abc"), "string(3)#") {
		t.Errorf("%s: %s", path, r.ShowText(path, "abc"))
	}
	if got := r.ShowText("effects.row.orders[].after.total", strings.Repeat("x", 500)); len(got) > maxShown+4 {
		t.Errorf("%d bytes are shown", len(got))
	}
}

// FuzzEffects: whatever two documents say, they compare without a fault, and each is like itself.
func FuzzEffects(f *testing.F) {
	f.Add(`{"row":{"t":[{"op":"update","key":{"id":1},"change":{"c":{"by":-1,"from":10,"to":9}}}]}}`, `{"row":{"t":[{"op":"insert","after":{"id":1}}]}}`)
	f.Add(`{"row":{"t":[{"op":"update","change":{"c":{"from":"a","to":"b"}}},{},1,[]]}}`, `{"row":{"t":[{"op":"update","change":{"c":{"from":{},"to":[]}}},null]},"redis":3}`)
	f.Add(`{"message":{"m":[{"body":{}}]},"call":{}}`, `[]`)
	rules, err := Compile(v1.CompareSpec{}, time.Time{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, old, fresh string) {
		a, b := rules.Parse(&Answer{Status: 200, Effects: []byte(old)}), rules.Parse(&Answer{Status: 200, Effects: []byte(fresh)})
		if len(rules.Diff(a, b)) > 0 && len(rules.Diff(b, a)) == 0 {
			t.Errorf("%s differs from %s, and not the other way round", old, fresh)
		}
		if d := rules.Diff(a, rules.Parse(&Answer{Status: 200, Effects: []byte(old)})); len(d) > 0 {
			t.Errorf("%s differs from itself: %+v", old, d)
		}
	})
}

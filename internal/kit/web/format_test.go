package web

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestYAMLKeepsWhatWasWritten(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1":                               `{"a":1}`,
		"a: 12345678901234567890123":         `{"a":12345678901234567890123}`,
		"a: 0.10":                            `{"a":0.10}`,
		"a: 0x10":                            `{"a":16}`,
		"a: 1_000":                           `{"a":1000}`,
		"a: \"1.10\"":                        `{"a":"1.10"}`,
		"a: 2026-01-02":                      `{"a":"2026-01-02"}`,
		"a: yes":                             `{"a":"yes"}`,
		"a: true":                            `{"a":true}`,
		"a: ~":                               `{"a":null}`,
		"a: go1.26\nb: [x, {c: d}]":          `{"a":"go1.26","b":["x",{"c":"d"}]}`,
		"1: x":                               `{"1":"x"}`,
		"a: |\n  line\n  two\n":              `{"a":"line\ntwo\n"}`,
		`{"a": "\u00e9\n", "b": [1, 2.5e3]}`: `{"a":"é\n","b":[1,2.5e3]}`,
	} {
		docs, err := YAMLToJSON([]byte(text))
		if err != nil || len(docs) != 1 || string(docs[0]) != want {
			t.Errorf("%q: %q, %v; want %s", text, docs, err, want)
		}
	}
	docs, err := YAMLToJSON([]byte("# nothing\n---\na: 1\n---\n---\nb: 2\n"))
	if err != nil || len(docs) != 2 || string(docs[1]) != `{"b":2}` {
		t.Errorf("documents: %q, %v", docs, err)
	}
	for text, words := range map[string]string{
		"a: 1\na: 2":                        "twice",
		"a: &x 1\nb: *x":                    "aliases",
		"a: &x {b: 1}\nc: {<<: *x}":         "plain word",
		"{[1]: 2}":                          "plain word",
		"a: .inf":                           "no number",
		"a: [":                              "did not find",
		"a: !!bool maybe":                   "",
		"a: " + strings.Repeat("[", 20_000): "",
	} {
		if docs, err := YAMLToJSON([]byte(text)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%.40q: %q, %v; want %q", text, docs, err, words)
		}
	}
}

// What YAMLToJSON accepts is JSON, and written as YAML again means the same.
func FuzzYAMLToJSON(f *testing.F) {
	for _, seed := range []string{"a: 1\nb: [x, {c: \"1.10\"}]\n", `{"a": null, "b": "2026-01-02", "c": 1e3}`, "a: |\n  x\n---\nb: 0x1F\n", "a: &x 1\nb: *x\n", "\"\": ''\n'yes': no\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := YAMLToJSON(data)
		if err != nil {
			return
		}
		for _, doc := range docs {
			var want any
			if err := json.Unmarshal(doc, &want); err != nil {
				t.Fatalf("%q became %q: %v", data, doc, err)
			}
			var b bytes.Buffer
			if err := JSONToYAML(&b, doc); err != nil {
				t.Fatalf("%q: %v", doc, err)
			}
			again, err := YAMLToJSON(b.Bytes())
			if err != nil || len(again) != 1 {
				t.Fatalf("%q became %q: %q, %v", doc, b.Bytes(), again, err)
			}
			var got any
			if err := json.Unmarshal(again[0], &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%q became %q, then %q", doc, b.Bytes(), again[0])
			}
		}
	})
}

type Inner struct {
	Names []string `json:"names"`
	Quiet []string `json:"quiet,omitempty"`
	Raw   []byte   `json:"raw"`
}

type outer struct {
	Inner
	At     time.Time           `json:"at"`
	Many   []Inner             `json:"many"`
	One    *Inner              `json:"one,omitempty"`
	None   *Inner              `json:"none"`
	ByName map[string]Inner    `json:"byName"`
	Any    any                 `json:"any"`
	Rows   map[string][]string `json:"rows"`
	Self   json.RawMessage     `json:"self"`
}

func TestAListIsNeverNullInAnAnswer(t *testing.T) {
	v := outer{
		Many: []Inner{{Names: []string{"x"}}, {}}, One: &Inner{}, ByName: map[string]Inner{"a": {}, "b": {Names: []string{"y"}}},
		Any: Inner{}, Rows: map[string][]string{"r": nil}, Self: json.RawMessage(`{"names":null}`), At: time.Unix(0, 0).UTC(),
	}
	before, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := marshalJSON(&b, &v); err != nil {
		t.Fatal(err)
	}
	want := `{"at":"1970-01-01T00:00:00Z","many":[{"names":["x"],"raw":null},{"names":[],"raw":null}],"one":{"names":[],"raw":null},"none":null,` +
		`"byName":{"a":{"names":[],"raw":null},"b":{"names":["y"],"raw":null}},"any":{"names":[],"raw":null},"rows":{"r":[]},"self":{"names":null}}`
	if got := strings.TrimSpace(b.String()); !strings.Contains(got, want[1:]) || strings.Contains(got, `"names":null,`) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if after, _ := json.Marshal(v); !bytes.Equal(before, after) {
		t.Error("the value itself was changed")
	}
	for _, v := range []any{nil, []string(nil), (*Inner)(nil), map[string]int(nil), 7} {
		b.Reset()
		if err := marshalJSON(&b, v); err != nil {
			t.Errorf("%#v: %v", v, err)
		}
		if _, list := v.([]string); list && strings.TrimSpace(b.String()) != "[]" {
			t.Errorf("a nil list is %s", &b)
		}
	}
}

package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// FuzzJSON holds the parser against encoding/json: the same texts are accepted, with the same values.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2.50,-0,1e10,1E-2],"b":{"c":null,"d":true,"e":false}}`, `[]`, `{}`, ` "x" `, `"\u003c\ud83d\ude00\ud800"`, `"\/\b\f\n\r\t\\\""`,
		`{"a":1,"a":2}`, `01`, `1.`, `.5`, `-`, `+1`, `1e`, `[1,]`, `{"a":1,}`, `{"a"}`, `{a:1}`, `tru`, `nul`, "\"\x01\"", "\"\xff\"", `"\x"`, `"\u12"`, `"`, ``, `[[`, `]`, `1 2`,
		"\ufeff1", `"\ud800\u0041"`, `"\ud800\ud800"`, `9007199254740993`, `123456789012345678901234567890.10`, "[1\u00a0]", `"\udc00"`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseJSON(s)
		if errors.Is(err, errBounds) {
			return
		}
		if want := json.Valid([]byte(s)); want != (err == nil) {
			t.Fatalf("%q: valid %v, but we say %v", s, want, err)
		}
		if err != nil {
			return
		}
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		same(t, s, &got, want)
	})
}

func same(t *testing.T, s string, got *Value, want any) {
	t.Helper()
	switch w := want.(type) {
	case nil:
		if got.Type != Null {
			t.Fatalf("%q: %v, want null", s, got.Type)
		}
	case bool:
		if got.Type != Bool || (got.Text == "true") != w {
			t.Fatalf("%q: %v %q, want %v", s, got.Type, got.Text, w)
		}
	case json.Number:
		if got.Type != Number || got.Text != string(w) {
			t.Fatalf("%q: %v %q, want number %s", s, got.Type, got.Text, w)
		}
	case string:
		if got.Type != String || got.Text != w {
			t.Fatalf("%q: %v %q, want string %q", s, got.Type, got.Text, w)
		}
	case []any:
		if got.Type != Array || len(got.Kids) != len(w) {
			t.Fatalf("%q: %v of %d, want list of %d", s, got.Type, len(got.Kids), len(w))
		}
		for i := range w {
			same(t, s, &got.Kids[i], w[i])
		}
	case map[string]any:
		if got.Type != Object || len(got.Kids) != len(w) {
			t.Fatalf("%q: %v of %d, want object of %d", s, got.Type, len(got.Kids), len(w))
		}
		for key, x := range w {
			m := got.member(key)
			if m == nil {
				t.Fatalf("%q: member %q is lost", s, key)
			}
			same(t, s, m, x)
		}
	}
}

func TestDocumentsBeyondTheBoundsAreRefused(t *testing.T) {
	deep := strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2)
	if _, err := parseJSON(deep); !errors.Is(err, errBounds) {
		t.Errorf("depth: %v", err)
	}
	wide := "[" + strings.Repeat("1,", maxNodes) + "1]"
	if _, err := parseJSON(wide); !errors.Is(err, errBounds) {
		t.Errorf("width: %v", err)
	}
}

func TestParsingDoesNotKeepMoreThanTheBody(t *testing.T) {
	body := bytes.Repeat([]byte(" "), 1000)
	copy(body, `{"a":"bc"}`)
	v, err := parseJSON(string(body))
	if err != nil || v.member("a").Text != "bc" || v.member("b") != nil {
		t.Fatalf("%v %v", v, err)
	}
}

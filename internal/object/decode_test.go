package object

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

func TestDecodingIsStrict(t *testing.T) {
	const good = `{"apiVersion":"jindu.dev/v1","kind":"Service","metadata":{"name":"a","labels":{"any.Key":"x"}},"spec":{"any":[{"thing":1}]}}`
	if o, err := Decode([]byte(good)); err != nil || o.Metadata.Name != "a" {
		t.Fatalf("%+v, %v", o, err)
	}
	for name, c := range map[string]struct{ from, to, code, words string }{
		"unknown on top":   {`"spec"`, `"specs"`, "JD-OBJECT-002", "specs: unknown field; did you mean spec?"},
		"unknown in meta":  {`"labels"`, `"lables"`, "JD-OBJECT-002", "metadata.lables: unknown field; did you mean labels?"},
		"nothing like it":  {`"labels"`, `"zzzzzz"`, "JD-OBJECT-002", "unknown field; remove it"},
		"another case":     {`"metadata"`, `"Metadata"`, "JD-OBJECT-002", "Metadata: unknown field; did you mean metadata?"},
		"twice":            {`"name":"a"`, `"name":"a","name":"b"`, "JD-OBJECT-002", "metadata.name: is there twice"},
		"twice in a map":   {`"any.Key":"x"`, `"k":"x","k":"y"`, "JD-OBJECT-002", "metadata.labels.k: is there twice"},
		"twice in a spec":  {`{"thing":1}`, `{"thing":1,"thing":2}`, "JD-OBJECT-002", "spec.any[0].thing: is there twice"},
		"wrong type":       {`"name":"a"`, `"name":1`, "JD-OBJECT-001", "metadata.name = number: must be a string"},
		"list for mapping": {`{"any.Key":"x"}`, `[]`, "JD-OBJECT-001", "must be a mapping"},
		"cut off":          {`]}}`, ``, "JD-OBJECT-001", "no valid JSON"},
		"two values":       {`]}}`, `]}}{}`, "JD-OBJECT-001", "no valid JSON"},
		"no time":          {`"name":"a"`, `"name":"a","created":"x"`, "JD-OBJECT-001", "no valid JSON"},
		"too large":        {`"any.Key"`, `"` + strings.Repeat("k", MaxBytes) + `"`, "JD-OBJECT-004", "split it"},
		"too deep":         {`[{"thing":1}]`, strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), "JD-OBJECT-001", "depth"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(strings.Replace(good, c.from, c.to, 1)))
			if kind.Code(err) != c.code || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v, want %s with %q", err, c.code, c.words)
			}
		})
	}
}

func TestManyMistakesAreBounded(t *testing.T) {
	fields := make([]string, 100)
	for i := range fields {
		fields[i] = `"zz` + strings.Repeat("z", i) + `":1`
	}
	_, err := Decode([]byte("{" + strings.Join(fields, ",") + "}"))
	if n := strings.Count(err.Error(), "\n"); n != maxFields {
		t.Errorf("%d fields are named", n)
	}
}

// What is accepted means the same when it is decoded again, and has only known fields.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"apiVersion":"jindu.dev/v1","kind":"Service","metadata":{"name":"a"},"spec":{"owner":"x"}}`))
	f.Add([]byte(`{"apiVersion":"jindu.dev/v1","kind":"Route","metadata":{"name":"a"},"spec":{"rules":[{"matches":[{"path":{"value":"/"}}],"backendRefs":[{"service":"s","weight":1}]}]}}`))
	f.Add([]byte(`{"kind":"Service","kind":"Route","Spec":{}}`))
	f.Add([]byte(`{"metadata":{"created":"2026-01-02T03:04:05Z","labels":{"a":"b"}},"status":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Decode(data)
		if err != nil {
			if kind.Of(err) != kind.Invalid {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		again, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(again); err != nil {
			t.Errorf("%q became %q: %v", data, again, err)
		}
		for _, ty := range Types() {
			spec, err := canonical(ty.spec, o.Spec, "spec")
			if err != nil {
				continue
			}
			twice, err := canonical(ty.spec, spec, "spec")
			if err != nil || string(twice) != string(spec) {
				t.Errorf("%s: canonical %q became %q: %v", ty.Kind, spec, twice, err)
			}
		}
	})
}

func TestEveryKindOfTheAPIHasItsType(t *testing.T) {
	types := map[v1.Kind]Type{}
	for _, ty := range Types() {
		types[ty.Kind] = ty
	}
	for _, k := range v1.Kinds {
		ty, ok := types[k]
		if !ok || ty.spec.Kind() != reflect.Struct || ty.Computed != (k != v1.KindMigration) {
			t.Errorf("type of %s is %+v", k, ty)
		}
	}
	if len(types) != len(v1.Kinds) {
		t.Errorf("%d types, %d kinds", len(types), len(v1.Kinds))
	}
}

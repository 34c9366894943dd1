package console

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

var update = flag.Bool("update", false, "write src/api/types.ts anew")

// roots are the objects and answers that the page reads and writes; what they refer to follows.
var roots = []any{
	v1.Service{}, v1.Instance{}, v1.Route{}, v1.Migration{},
	v1.Overview{}, v1.EstateRow{}, v1.Evidence{}, v1.AuditPage{}, v1.WatchEvent{},
	v1.EffectsView{}, v1.DataStatus{}, v1.DiffResult{}, v1.RepairResult{}, v1.Case{}, v1.ParkedChange{},
	v1.Identity{}, v1.Node{}, v1.Problem{}, v1.Command{},
}

const typesHead = `// Written from api/v1 by "go test ./console -update". Do not edit.
// A list or map that Go may leave nil is null here.
`

func TestTypesFollowTheObjects(t *testing.T) {
	g := &generator{unions: map[string]string{}, done: map[reflect.Type]bool{}}
	for _, root := range roots {
		g.collect(reflect.TypeOf(root), map[reflect.Type]bool{})
	}
	g.out.WriteString(typesHead)
	for _, root := range roots {
		g.emit(reflect.TypeOf(root))
	}
	const name = "src/api/types.ts"
	if *update {
		if err := os.WriteFile(name, g.out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, g.out.Bytes()) {
		t.Errorf("%s is not what api/v1 says; run go test ./console -update and then npm run check", name)
	}
}

// generator writes TypeScript for Go structs. Named strings become unions of the values that an enum
// tag lists for them.
type generator struct {
	unions map[string]string
	done   map[reflect.Type]bool
	out    bytes.Buffer
}

func elem(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}

func special(t reflect.Type) bool {
	return t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[json.RawMessage]()
}

func (g *generator) collect(t reflect.Type, seen map[reflect.Type]bool) {
	if special(t) {
		return
	}
	if t = elem(t); t.Kind() != reflect.Struct || seen[t] || special(t) {
		return
	}
	seen[t] = true
	for f := range t.Fields() {
		if enum, of := f.Tag.Get("enum"), elem(f.Type); enum != "" && of.Kind() == reflect.String && of.Name() != "string" {
			g.unions[of.Name()] = union(enum)
		}
		g.collect(f.Type, seen)
	}
}

func union(enum string) string { return `"` + strings.ReplaceAll(enum, ",", `" | "`) + `"` }

func (g *generator) emit(t reflect.Type) {
	if special(t) {
		return
	}
	t = elem(t)
	if special(t) || g.done[t] || t.PkgPath() != reflect.TypeFor[v1.Meta]().PkgPath() {
		return
	}
	g.done[t] = true
	if t.Kind() == reflect.String {
		if of, ok := g.unions[t.Name()]; ok {
			fmt.Fprintf(&g.out, "\nexport type %s = %s\n", t.Name(), of)
		}
		return
	}
	if t.Kind() != reflect.Struct {
		return
	}
	var body bytes.Buffer
	g.fields(&body, t)
	fmt.Fprintf(&g.out, "\nexport interface %s {\n%s}\n", t.Name(), body.Bytes())
}

func (g *generator) fields(body *bytes.Buffer, t reflect.Type) {
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		if f.Anonymous && tag == "" {
			g.fields(body, f.Type)
			continue
		}
		name, opts, _ := strings.Cut(tag, ",")
		optional := strings.Contains(opts, "omitempty") || strings.Contains(opts, "omitzero")
		if doc := f.Tag.Get("doc"); doc != "" {
			fmt.Fprintf(body, "  /** %s */\n", doc)
		}
		mark := ""
		if optional {
			mark = "?"
		}
		fmt.Fprintf(body, "  %s%s: %s\n", name, mark, g.typeOf(f, optional))
		g.emit(f.Type)
	}
}

func (g *generator) typeOf(f reflect.StructField, optional bool) string {
	if enum := f.Tag.Get("enum"); enum != "" && f.Type == reflect.TypeFor[string]() {
		return union(enum)
	}
	text := g.name(f.Type)
	if k := f.Type.Kind(); !optional && !special(f.Type) && (k == reflect.Slice || k == reflect.Map || k == reflect.Pointer) {
		text += " | null"
	}
	return text
}

func (g *generator) name(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "string"
	case t == reflect.TypeFor[json.RawMessage]():
		return "unknown"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.name(t.Elem())
	case reflect.Slice:
		return g.name(t.Elem()) + "[]"
	case reflect.Map:
		return "Record<string, " + g.name(t.Elem()) + ">"
	case reflect.Struct:
		return t.Name()
	case reflect.String:
		if _, ok := g.unions[t.Name()]; ok {
			return t.Name()
		}
		return "string"
	case reflect.Bool:
		return "boolean"
	}
	return "number"
}

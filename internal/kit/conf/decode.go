package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"jindu.dev/jindu/internal/kit/kind"
)

// maxProblems bounds what one load reports.
const maxProblems = 50

// decoder sets values and collects what is wrong.
type decoder struct {
	file     string // name shown in positions
	dir      string // where relative secrets are
	where    string // instead of a position: the variable or flag that is being read
	root     key
	origins  map[string]Origin
	problems []kind.Field
}

func (d *decoder) problem(path, value, format string, args ...any) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, kind.Field{Path: path, Value: short(value), Detail: fmt.Sprintf(format, args...)})
	}
}

// at is the position of a node.
func (d *decoder) at(n *yaml.Node) string {
	if d.where != "" {
		return d.where
	}
	return fmt.Sprintf("%s:%d:%d", d.file, n.Line, n.Column)
}

// document reads the file into the struct v.
func (d *decoder) document(data []byte, v reflect.Value) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, next yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return // an empty file is every default
	case err != nil:
		d.syntax(err)
		return
	}
	if err := dec.Decode(&next); err == nil {
		d.problem("", "", "%s:%d: a second document begins; the configuration is one document", d.file, next.Line)
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
	}
	if len(doc.Content) == 1 {
		d.section(doc.Content[0], v, &d.root)
	}
}

// syntax reports an error of the YAML parser, whose text begins with the line.
func (d *decoder) syntax(err error) {
	d.problem("", "", "%s: this is no YAML: %s", d.file, strings.TrimPrefix(err.Error(), "yaml: "))
}

// section reads a mapping into the keys of k.
func (d *decoder) section(n *yaml.Node, root reflect.Value, k *key) {
	if isNull(n) {
		return
	}
	d.mapping(n, k.path, func(name, value *yaml.Node) {
		path := join(k.path, name.Value)
		for i := range k.keys {
			c := &k.keys[i]
			if c.name != name.Value {
				continue
			}
			if c.section() {
				d.section(value, root, c)
			} else if !isNull(value) && d.value(value, root.FieldByIndex(c.index), path, c) {
				d.origins[path] = Origin{FromFile, d.at(name)}
			}
			return
		}
		d.problem(path, valueOf(value), "%s: unknown key%s", d.at(name), d.meant(name.Value, k))
	})
}

// mapping calls f for each key and value of n, which must be a mapping without repeated keys.
func (d *decoder) mapping(n *yaml.Node, path string, f func(name, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.expected(n, path, "a mapping of keys to values")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		switch line, twice := seen[name.Value]; {
		case name.Kind != yaml.ScalarNode || name.Tag == "!!merge":
			d.problem(path, "", "%s: a key is one plain word; aliases and merges are not read", d.at(name))
		case twice:
			d.problem(join(path, name.Value), "", "%s: the key is in line %d already; keep one of them", d.at(name), line)
		default:
			seen[name.Value] = name.Line
			f(name, value)
		}
	}
}

// value reads a node into v and says whether it did.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, k *key) bool {
	before := len(d.problems)
	switch t := v.Type(); {
	case n.Kind == yaml.AliasNode:
		d.problem(path, "*"+n.Value, "%s: aliases are not read; write the value itself", d.at(n))
	case t == secretType:
		d.secret(n, v, path)
	case isText(t) || t == durationType || isScalar(t.Kind()):
		d.scalar(n, v, path, k)
	case t.Kind() == reflect.Pointer:
		p := reflect.New(t.Elem())
		if d.value(n, p.Elem(), path, k) {
			v.Set(p)
		}
	case t.Kind() == reflect.Slice:
		d.list(n, v, path, k)
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		d.table(n, v, path, k)
	case t.Kind() == reflect.Struct:
		d.element(n, v, path)
	default:
		d.problem(path, "", "%s: no text can set a %s", d.at(n), t)
	}
	return len(d.problems) == before
}

// list replaces a slice. One text for a list of scalars is split at commas, but only outside the file,
// where that is how people write lists.
func (d *decoder) list(n *yaml.Node, v reflect.Value, path string, k *key) {
	if n.Kind == yaml.ScalarNode && d.where != "" && !isNull(n) {
		n = split(n)
	}
	if n.Kind != yaml.SequenceNode {
		d.expected(n, path, "a list")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, e := range n.Content {
		d.value(e, list.Index(i), fmt.Sprintf("%s[%d]", path, i), k)
	}
	v.Set(list)
}

func split(n *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: yaml.SequenceNode}
	for part := range strings.SplitSeq(n.Value, ",") {
		out.Content = append(out.Content, plainScalar(strings.TrimSpace(part)))
	}
	return out
}

// table replaces a map.
func (d *decoder) table(n *yaml.Node, v reflect.Value, path string, k *key) {
	table := reflect.MakeMap(v.Type())
	d.mapping(n, path, func(name, value *yaml.Node) {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(value, e, join(path, name.Value), k)
		table.SetMapIndex(reflect.ValueOf(name.Value).Convert(v.Type().Key()), e)
	})
	v.Set(table)
}

// element reads a struct that is an element of a list or map, or behind a pointer.
func (d *decoder) element(n *yaml.Node, v reflect.Value, path string) {
	sub := rootOf(v.Type())
	inner := &decoder{file: d.file, dir: d.dir, where: d.where, root: sub, origins: map[string]Origin{}}
	inner.section(n, v, &sub)
	for _, p := range inner.problems {
		p.Path = join(path, p.Path)
		if len(d.problems) < maxProblems {
			d.problems = append(d.problems, p)
		}
	}
}

func (d *decoder) secret(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.problem(path, "", "%s: expected file:/path/to/the/secret", d.at(n))
		return
	}
	s, err := readSecret(n.Value, d.dir)
	if err != nil {
		d.problem(path, "", "%s: %v", d.at(n), err) // never the value: it may be the secret itself
		return
	}
	v.Set(reflect.ValueOf(s))
}

// scalar reads one text, number or bool.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string, k *key) {
	if n.Kind != yaml.ScalarNode || !fits(n, v.Type()) {
		d.expected(n, path, expectation(v.Type(), k))
		return
	}
	fresh := reflect.New(v.Type()).Elem()
	if !setText(fresh, n.Value) || !allowed(fresh, k) {
		d.expected(n, path, expectation(v.Type(), k))
		return
	}
	v.Set(fresh)
}

func (d *decoder) expected(n *yaml.Node, path, want string) {
	d.problem(path, valueOf(n), "%s: expected %s", d.at(n), want)
}

// valueOf is what the user wrote, in short.
func valueOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!str" && n.Style != 0 {
			return strconv.Quote(n.Value)
		}
		return n.Value
	case yaml.SequenceNode:
		return "[…]"
	case yaml.MappingNode:
		return "{…}"
	default:
		return ""
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"go.yaml.in/yaml/v3"
)

var jsonFormat = huma.Format{Marshal: marshalJSON, Unmarshal: json.Unmarshal}

var yamlFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		var b bytes.Buffer
		if err := marshalJSON(&b, v); err != nil {
			return err
		}
		return JSONToYAML(w, b.Bytes())
	},
	Unmarshal: func(data []byte, v any) error {
		docs, err := YAMLToJSON(data)
		if err != nil {
			return err
		}
		if len(docs) != 1 {
			return fmt.Errorf("the body has %d YAML documents, this takes one", len(docs))
		}
		return json.Unmarshal(docs[0], v)
	},
}

func marshalJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if v == nil {
		return enc.Encode(nil)
	}
	filled, _ := fillLists(reflect.ValueOf(v))
	return enc.Encode(filled.Interface())
}

// fillLists is v with empty lists where it has nil ones, so that no client meets null for a list. What
// needs no change is shared; nothing of v itself is changed.
func fillLists(v reflect.Value) (reflect.Value, bool) {
	switch v.Kind() {
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v, false
		}
		if v.IsNil() {
			return reflect.MakeSlice(v.Type(), 0, 0), true
		}
		out, changed := v, false
		for i := range v.Len() {
			if e, ok := fillLists(v.Index(i)); ok {
				if !changed {
					out, changed = reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v), true
				}
				out.Index(i).Set(e)
			}
		}
		return out, changed
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return v, false
		}
		e, ok := fillLists(v.Elem())
		if !ok {
			return v, false
		}
		if v.Kind() == reflect.Interface {
			return e, true
		}
		p := reflect.New(v.Type().Elem())
		p.Elem().Set(e)
		return p, true
	case reflect.Struct:
		out, changed := v, false
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || strings.Contains(f.Tag.Get("json"), ",omit") && v.Field(i).IsZero() {
				continue
			}
			if e, ok := fillLists(v.Field(i)); ok {
				if !changed {
					out, changed = reflect.New(v.Type()).Elem(), true
					out.Set(v)
				}
				out.Field(i).Set(e)
			}
		}
		return out, changed
	case reflect.Map:
		out, changed := v, false
		for it := v.MapRange(); it.Next(); {
			if e, ok := fillLists(it.Value()); ok {
				if !changed {
					out, changed = reflect.MakeMapWithSize(v.Type(), v.Len()), true
					for all := v.MapRange(); all.Next(); {
						out.SetMapIndex(all.Key(), all.Value())
					}
				}
				out.SetMapIndex(it.Key(), e)
			}
		}
		return out, changed
	}
	return v, false
}

// YAMLToJSON reads a stream of YAML documents (JSON is one kind of YAML) and returns each that is not
// empty as JSON. Numbers keep their digits and dates stay strings. A key twice in a mapping, an alias
// and a key that is not a string are errors with their line: none belongs into an object.
func YAMLToJSON(data []byte) ([][]byte, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var docs [][]byte
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := writeNode(&b, &n); err != nil {
			return nil, err
		}
		if b.String() != "null" {
			docs = append(docs, b.Bytes())
		}
	}
}

func writeNode(b *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.DocumentNode:
		return writeNode(b, n.Content[0])
	case yaml.MappingNode:
		seen := map[string]bool{}
		b.WriteByte('{')
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
				return fmt.Errorf("line %d: a key must be a plain word", key.Line)
			}
			if seen[key.Value] {
				return fmt.Errorf("line %d: key %q is there twice", key.Line, key.Value)
			}
			seen[key.Value] = true
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, key.Value)
			b.WriteByte(':')
			if err := writeNode(b, n.Content[i+1]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, e := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeNode(b, e); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case yaml.ScalarNode:
		return writeScalar(b, n)
	default:
		return fmt.Errorf("line %d: aliases are not accepted; write the value out", n.Line)
	}
	return nil
}

func writeScalar(b *bytes.Buffer, n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!null":
		b.WriteString("null")
	case "!!bool":
		var v bool
		if err := n.Decode(&v); err != nil {
			return err
		}
		fmt.Fprint(b, v)
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) { // keep the digits
			b.WriteString(n.Value)
			return nil
		}
		var v any
		if err := n.Decode(&v); err != nil {
			return err
		}
		number, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("line %d: %q is no number that JSON has", n.Line, n.Value)
		}
		b.Write(number)
	default:
		writeString(b, n.Value)
	}
	return nil
}

func writeString(b *bytes.Buffer, s string) {
	text, _ := json.Marshal(s) // a string always has a JSON form
	b.Write(text)
}

// JSONToYAML writes a JSON value as YAML with two spaces of indent, keys in their order.
func JSONToYAML(w io.Writer, data []byte) error {
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		return err
	}
	plain(&n)
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(&n); err != nil {
		return err
	}
	return enc.Close()
}

// plain drops the style of JSON, so that the encoder quotes only where it must.
func plain(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		plain(c)
	}
}

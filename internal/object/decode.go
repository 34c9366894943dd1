package object

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/suggest"
)

const maxFields = 20

// Decode reads one object from JSON. It is strict: a field that is unknown, differs in case, or is
// there twice is an error that names it and, for a slip of the finger, what was probably meant.
func Decode(data []byte) (Object, error) {
	var o Object
	if len(data) > MaxBytes {
		return o, tooLarge("the object", len(data))
	}
	if err := decodeStrict(data, &o, ""); err != nil {
		return o, err
	}
	return o, nil
}

func tooLarge(what string, size int) error {
	return kind.New(kind.Invalid, "JD-OBJECT-004", "%s has %d bytes, at most %d are kept; split it", what, size, MaxBytes)
}

// decodeStrict decodes data into v, a pointer; path is where data stands in the object.
func decodeStrict(data []byte, v any, path string) error {
	if err := json.Unmarshal(data, v); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return kind.New(kind.Invalid, "JD-OBJECT-001", "a field has a value of another type").WithFields(
				kind.Field{Path: join(path, e.Field), Value: e.Value, Detail: "must be a " + typeName(e.Type)})
		}
		return kind.New(kind.Invalid, "JD-OBJECT-001", "no valid JSON: %w", err)
	}
	w := walker{dec: json.NewDecoder(bytes.NewReader(data))}
	if err := w.value(reflect.TypeOf(v).Elem(), path); err != nil {
		return kind.New(kind.Invalid, "JD-OBJECT-001", "no valid JSON: %w", err)
	}
	if w.fields == nil {
		return nil
	}
	return kind.New(kind.Invalid, "JD-OBJECT-002", "the object has fields that it must not have").WithFields(w.fields[:min(len(w.fields), maxFields)]...)
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "mapping"
	case reflect.Slice:
		return "list"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "whole number"
	case reflect.Bool:
		return "boolean (true or false)"
	}
	return t.Kind().String()
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// walker goes through JSON that is known to be valid beside the type that it is meant for.
type walker struct {
	dec    *json.Decoder
	fields []kind.Field
}

// value reads one value; t is nil where anything goes.
func (w *walker) value(t reflect.Type, path string) error {
	token, err := w.dec.Token()
	if err != nil {
		return err
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && (t == reflect.TypeFor[json.RawMessage]() || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())) {
		t = nil
	}
	switch token {
	case json.Delim('{'):
		err = w.object(t, path)
	case json.Delim('['):
		var element reflect.Type
		if t != nil && t.Kind() == reflect.Slice {
			element = t.Elem()
		}
		for i := 0; err == nil && w.dec.More(); i++ {
			err = w.value(element, fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		return nil
	}
	if err == nil {
		_, err = w.dec.Token() // the closing one
	}
	return err
}

func (w *walker) object(t reflect.Type, path string) error {
	known := map[string]reflect.Type{}
	open := t == nil || t.Kind() != reflect.Struct
	if !open {
		collectFields(t, known)
	}
	seen := map[string]bool{}
	for w.dec.More() {
		token, err := w.dec.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		at := join(path, name)
		if seen[name] {
			w.fields = append(w.fields, kind.Field{Path: at, Detail: "is there twice; keep one"})
		}
		seen[name] = true
		ft, ok := known[name]
		if open && t != nil && t.Kind() == reflect.Map {
			ft = t.Elem()
		}
		if !open && !ok {
			w.fields = append(w.fields, kind.Field{Path: at, Detail: unknown(name, known)})
		}
		if err := w.value(ft, at); err != nil {
			return err
		}
	}
	return nil
}

// collectFields adds the JSON names of t's fields, those of embedded structs included.
func collectFields(t reflect.Type, into map[string]reflect.Type) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			collectFields(f.Type, into)
		case f.IsExported() && name != "-":
			if name == "" {
				name = f.Name
			}
			into[name] = f.Type
		}
	}
}

// unknown says what was probably meant by a name that is not known.
func unknown(name string, known map[string]reflect.Type) string {
	if meant := suggest.Nearest(name, slices.Sorted(maps.Keys(known))); meant != "" {
		return "unknown field; did you mean " + meant + "?"
	}
	return "unknown field; remove it"
}

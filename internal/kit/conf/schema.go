package conf

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// Schema is the JSON Schema (2020-12) of the configuration whose defaults are in cfg, a struct or a
// pointer to one, for editors and for checks before a rollout. Env names are part of the descriptions.
// It fails when a key has no doc or two keys share a variable: both are mistakes in the struct.
func Schema(title, envPrefix string, cfg any) ([]byte, error) {
	v := reflect.Indirect(reflect.ValueOf(cfg))
	root := rootOf(v.Type())
	if err := sound(&root, envPrefix); err != nil {
		return nil, err
	}
	s := schemaOf(&root, v, envPrefix)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = title
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(out, '\n'), nil
}

func sound(root *key, envPrefix string) error {
	paths := map[string]string{}
	var errs []error
	root.leaves(func(k *key) {
		name := envName(envPrefix, k.path)
		if other, taken := paths[name]; taken {
			errs = append(errs, fmt.Errorf("%s and %s share the variable %s", other, k.path, name))
		}
		paths[name] = k.path
		if k.doc == "" {
			errs = append(errs, fmt.Errorf("%s has no doc", k.path))
		}
	})
	return errors.Join(errs...)
}

func schemaOf(k *key, root reflect.Value, envPrefix string) map[string]any {
	properties := map[string]any{}
	for i := range k.keys {
		c := &k.keys[i]
		var s map[string]any
		if c.section() {
			s = schemaOf(c, root, envPrefix)
			if c.doc != "" {
				s["description"] = c.doc
			}
			// A section of which every key is commented out is null.
			s["type"] = []string{"object", "null"}
		} else {
			s = leafSchema(c, root.FieldByIndex(c.index), envPrefix)
		}
		properties[c.name] = s
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}

func leafSchema(k *key, v reflect.Value, envPrefix string) map[string]any {
	s := typeSchema(k.typ, k)
	text := k.doc
	if envPrefix != "" {
		text += " Variable: " + envName(envPrefix, k.path) + "."
	}
	if k.live {
		text += " Can change by reload."
	}
	s["description"] = text
	if k.typ == secretType || k.typ.Kind() == reflect.Pointer {
		s["type"] = []any{s["type"], "null"} // written as null when nothing is set
	}
	var value any
	if err := encode(v).Decode(&value); err == nil && value != nil && k.typ != secretType {
		s["default"] = value
	}
	return s
}

const (
	durationPattern = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`
	bytesPattern    = `^[0-9]+ ?([KMGT]i?B|kB|B)?$`
)

// typeSchema describes what the loader takes for a type.
func typeSchema(t reflect.Type, k *key) map[string]any {
	s := map[string]any{}
	switch kind := t.Kind(); {
	case t == durationType:
		s["type"], s["pattern"] = "string", durationPattern
	case t == bytesType:
		s["type"], s["pattern"] = []string{"string", "integer"}, bytesPattern
	case t == secretType:
		s["type"], s["pattern"] = "string", "^file:."
	case isText(t):
		s["type"] = "string"
	case kind == reflect.Pointer:
		return typeSchema(t.Elem(), k)
	case kind == reflect.String:
		s["type"] = "string"
		if len(k.enum) > 0 {
			s["enum"] = k.enum
		}
	case kind == reflect.Bool:
		s["type"] = "boolean"
	case isFloat(kind):
		s["type"] = "number"
		limits(s, k)
	case isInt(kind) || isUint(kind):
		s["type"] = "integer"
		if isUint(kind) {
			s["minimum"] = 0
		}
		limits(s, k)
	case kind == reflect.Slice:
		s["type"], s["items"] = "array", typeSchema(t.Elem(), k)
	case kind == reflect.Map:
		s["type"], s["additionalProperties"] = "object", typeSchema(t.Elem(), k)
	case kind == reflect.Struct:
		return elementSchema(t)
	}
	return s
}

func limits(s map[string]any, k *key) {
	if n, err := strconv.ParseFloat(k.min, 64); err == nil {
		s["minimum"] = n
	}
	if n, err := strconv.ParseFloat(k.max, 64); err == nil {
		s["maximum"] = n
	}
}

// elementSchema describes a struct within a list or table; its keys have no variables.
func elementSchema(t reflect.Type) map[string]any {
	root := rootOf(t)
	return schemaOf(&root, reflect.New(t).Elem(), "")
}

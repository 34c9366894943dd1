package conf

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
)

// Validate walks cfg, a struct or a pointer to one, and collects what the Validate methods of it and of
// its sections say. A section declares either Validate() error or Validate() []kind.Field; paths that it
// names are its own keys.
func Validate(cfg any) error {
	v := reflect.Indirect(reflect.ValueOf(cfg))
	root := rootOf(v.Type())
	if problems := validate(&root, v, nil); len(problems) > 0 {
		return wrong("", problems)
	}
	return nil
}

func validate(k *key, root reflect.Value, origins map[string]Origin) []kind.Field {
	var problems []kind.Field
	for i := range k.keys {
		if c := &k.keys[i]; c.section() {
			problems = append(problems, validate(c, root, origins)...)
		}
	}
	v := root
	if k.index != nil {
		v = root.FieldByIndex(k.index)
	}
	for _, f := range ask(v, k.path) {
		if f.Path != k.path && !strings.HasPrefix(f.Path, k.path+".") {
			f.Path = join(k.path, f.Path)
		}
		if o, ok := origins[f.Path]; ok {
			f.Detail = fmt.Sprintf("%s: %s", o.Where, f.Detail)
		}
		problems = append(problems, f)
	}
	return problems
}

// ask calls the Validate method of a section, whichever it has.
func ask(v reflect.Value, path string) []kind.Field {
	value := v.Interface()
	if v.CanAddr() {
		value = v.Addr().Interface() // has the methods of the value too
	}
	switch c := value.(type) {
	case interface{ Validate() []kind.Field }:
		return c.Validate()
	case interface{ Validate() error }:
		err := c.Validate()
		if err == nil {
			return nil
		}
		if e, ok := errors.AsType[*kind.Error](err); ok && len(e.Fields) > 0 {
			return e.Fields
		}
		return []kind.Field{{Path: path, Detail: err.Error()}}
	default:
		return nil
	}
}

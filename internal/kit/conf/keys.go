package conf

import (
	"encoding"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// key is one key of a struct type.
type key struct {
	name     string // of the key itself
	path     string // from the root, dotted
	doc      string
	enum     []string
	min, max string
	live     bool
	index    []int // from the root, for reflect.Value.FieldByIndex
	typ      reflect.Type
	keys     []key // of a section
}

func (k *key) section() bool { return k.keys != nil }

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType = reflect.TypeFor[time.Duration]()
	bytesType    = reflect.TypeFor[Bytes]()
	secretType   = reflect.TypeFor[Secret]()
)

// rootOf describes the struct type t as a section without a name.
func rootOf(t reflect.Type) key {
	root := key{typ: t}
	root.keys = keysOf(t, root)
	return root
}

// keysOf lists the keys of a struct type. Fields that no text can set (functions, channels, interfaces)
// are no keys.
func keysOf(t reflect.Type, parent key) []key {
	keys := []key{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, inline := nameOf(f)
		if name == "" {
			continue
		}
		k := key{
			name:  name,
			path:  join(parent.path, name),
			doc:   f.Tag.Get("doc"),
			min:   f.Tag.Get("minimum"),
			max:   f.Tag.Get("maximum"),
			live:  parent.live || f.Tag.Get("reload") == "live",
			index: append(append([]int(nil), parent.index...), i),
			typ:   f.Type,
		}
		if e := f.Tag.Get("enum"); e != "" {
			k.enum = strings.Split(e, ",")
		}
		if inline {
			k.path = parent.path
			keys = append(keys, keysOf(f.Type, k)...)
			continue
		}
		if isSection(f.Type) {
			k.keys = keysOf(f.Type, k)
		}
		keys = append(keys, k)
	}
	return keys
}

// nameOf is the key name of a field, "" when it is none.
func nameOf(f reflect.StructField) (name string, inline bool) {
	tag, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	switch f.Type.Kind() {
	case reflect.Func, reflect.Chan, reflect.Interface, reflect.UnsafePointer, reflect.Uintptr:
		return "", false
	}
	if tag == "-" || !f.IsExported() {
		return "", false
	}
	if tag == "" {
		tag = lowerFirst(f.Name)
	}
	return tag, f.Type.Kind() == reflect.Struct && (f.Anonymous || options == "inline")
}

// isSection says whether t is a struct of keys rather than a value.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !isText(t)
}

// isText says whether t is read from and written as one text.
func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// leaves calls f for every leaf below k, in order.
func (k *key) leaves(f func(*key)) {
	for i := range k.keys {
		if c := &k.keys[i]; c.section() {
			c.leaves(f)
		} else {
			f(c)
		}
	}
}

// find returns the key at path, nil when there is none.
func (k *key) find(path string) *key {
	for i := range k.keys {
		c := &k.keys[i]
		if c.path == path {
			return c
		}
		if strings.HasPrefix(path, c.path+".") {
			return c.find(path)
		}
	}
	return nil
}

func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}

// lowerFirst writes an exported name as a key: Listen is listen, TLSCert is tlsCert, URL is url.
func lowerFirst(s string) string {
	r := []rune(s)
	for i := range r {
		if i > 0 && i+1 < len(r) && unicode.IsLower(r[i+1]) || !unicode.IsUpper(r[i]) {
			break
		}
		r[i] = unicode.ToLower(r[i])
	}
	return string(r)
}

// envName is the environment variable of a path.
func envName(prefix, path string) string {
	var b strings.Builder
	b.WriteString(prefix)
	b.WriteByte('_')
	prev := rune(0)
	for i, r := range path {
		switch {
		case r == '.' || r == '-':
			b.WriteByte('_')
		case unicode.IsUpper(r) && prev != '.' && (!unicode.IsUpper(prev) || nextIsLower(path, i, r)):
			b.WriteByte('_')
			b.WriteRune(r)
		default:
			b.WriteRune(unicode.ToUpper(r))
		}
		prev = r
	}
	return b.String()
}

func nextIsLower(s string, i int, r rune) bool {
	next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
	return unicode.IsLower(next)
}

package conf

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// environment sets the leaves that variables name. A variable with the prefix that names none is an
// error: a misspelt limit must not pass in silence.
func (d *decoder) environment(src Source, v reflect.Value) {
	if src.EnvPrefix == "" {
		return
	}
	byName := map[string]*key{}
	d.root.leaves(func(k *key) { byName[envName(src.EnvPrefix, k.path)] = k })
	for _, entry := range src.Env {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, src.EnvPrefix+"_") || value == "" {
			continue // empty is as good as not set: compose files and units cannot always leave one out
		}
		switch k := byName[name]; {
		case k != nil:
			d.outside(v, k, value, Origin{FromEnv, name})
		case slices.Contains(src.EnvOther, name) || serviceLink(name, value):
		default:
			// The value may be a secret under a misspelt name: it is not shown.
			d.problem(name, "", "no key has this variable%s; unset it or correct its name", nearest(name, names(byName)))
		}
	}
}

// serviceLink recognises the variables that Kubernetes sets in every pod for a Service that happens to
// be named like the product: JINDU_SERVICE_HOST, JINDU_PORT=tcp://..., JINDU_PORT_8080_TCP_ADDR.
func serviceLink(name, value string) bool {
	return linkName.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://")
}

var linkName = regexp.MustCompile(`_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)

// flags sets the leaves that flags name.
func (d *decoder) flags(flags []Flag, v reflect.Value) {
	for _, f := range flags {
		if k := d.root.find(f.Path); k != nil && !k.section() {
			d.outside(v, k, f.Value, Origin{FromFlag, f.Name})
		} else {
			d.problem(f.Path, "", "%s: no such key", f.Name)
		}
	}
}

// outside sets a leaf from a text. Lists and tables are written as in YAML, lists of words also as a,b.
func (d *decoder) outside(root reflect.Value, k *key, text string, from Origin) {
	d.where = from.Where
	defer func() { d.where = "" }()
	n := plainScalar(text)
	v := root.FieldByIndex(k.index)
	if t := v.Type(); !isText(t) && !isScalar(t.Kind()) && t.Kind() != reflect.Pointer {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err == nil && len(doc.Content) == 1 && doc.Content[0].Kind != yaml.ScalarNode {
			n = doc.Content[0]
		}
	}
	if d.value(n, v, k.path, k) {
		d.origins[k.path] = from
	}
}

func names[T any](m map[string]T) []string {
	list := make([]string, 0, len(m))
	for name := range m {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

package writeset

import (
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// maxViewed bounds the effects of one side that people are shown.
const maxViewed = 64

// View makes effects fit to be shown. show writes a value of theirs at a path of the document, masked
// unless the path may be shown: kind, group, then members, with "[]" for the elements of a list.
func View(effects []v1.Effect, names map[string]string, show func(text string, path ...string) string) []v1.Effect {
	d := document{names: names}
	out := make([]v1.Effect, 0, min(len(effects), maxViewed))
	for i := range effects {
		if len(out) == maxViewed {
			break
		}
		e := effects[i]
		group := d.group(&e)
		at := func(text string, path ...string) string {
			return show(text, append([]string{string(e.Kind), group, "[]"}, path...)...)
		}
		v := v1.Effect{Kind: e.Kind, Op: e.Op, Target: effects[i].Target, Rows: e.Rows, Status: e.Status, Fate: e.Fate, Truncated: e.Truncated}
		args := []string{}
		switch e.Kind {
		case v1.EffectRedis:
			v.Target, v.Key = identified(e.Target, keySeparators, at)
			args = []string{"ops", "[]", strings.ToUpper(e.Op)}
		case v1.EffectCall:
			host, path := splitCall(e.Target)
			v.Target, v.Key = identified(path, "/", at)
			v.Target = host + v.Target
		case v1.EffectSQL:
			v.Text, _ = statement(e.Text)
		}
		if len(e.Key) > 0 {
			v.Key = columns(e.Key, at, "key")
		}
		switch e.Op {
		case opInsert:
			v.After = columns(e.After, at, "after")
		case opUpdate:
			v.Before, v.After = columns(e.Before, at, "change", "", memberFrom), columns(e.After, at, "change", "", memberTo)
		case opDelete:
			v.Before = columns(e.Before, at, "before")
		}
		for n := range min(len(e.Args), maxArgs) {
			v.Args = append(v.Args, at(e.Args[n], append(args, "arg"+number(int64(n+1)))...))
		}
		if e.Body != "" {
			v.Body = at(e.Body, "body")
		}
		out = append(out, v)
	}
	return out
}

// Members of a change.
const (
	memberFrom = "from"
	memberTo   = "to"
)

// columns masks values; the column's name takes the empty place of the path, or stands at its end.
func columns(list []v1.ColumnValue, show func(string, ...string) string, path ...string) []v1.ColumnValue {
	out := make([]v1.ColumnValue, 0, len(list))
	for _, c := range list {
		if c.Value != nil {
			at := append([]string(nil), path...)
			if len(at) > 1 {
				at[1] = c.Name
			} else {
				at = append(at, c.Name)
			}
			text := show(*c.Value, at...)
			c.Value = &text
		}
		out = append(out, c)
	}
	return out
}

// identified is the template of a target and the data in it.
func identified(target, separators string, show func(string, ...string) string) (string, []v1.ColumnValue) {
	name, ids := template(target, separators)
	var key []v1.ColumnValue
	for i, id := range ids {
		column := "id"
		if i > 0 {
			column += number(int64(i + 1))
		}
		text := show(id, column)
		key = append(key, v1.ColumnValue{Name: column, Value: &text})
	}
	return name, key
}

package compare

import (
	"strconv"
	"strings"
)

// maxRefs bounds what references may add to a document.
const maxRefs = 10_000

// resolveRefs replaces fastjson's {"$ref": "$.a.b[0]"} by what it points to, within the bounds; a reference
// that cannot be resolved, or that points to a value around it, stays.
func resolveRefs(root *Value) {
	whole := cloneValue(root)
	budget := maxRefs
	var walk func(v *Value)
	walk = func(v *Value) {
		for i := range v.Kids {
			kid := &v.Kids[i]
			if target := refTarget(kid, &whole); target != nil {
				if n := countValues(target); n <= budget && !hasRef(target) {
					budget -= n
					key := kid.Key
					*kid = cloneValue(target)
					kid.Key = key
				}
				continue
			}
			walk(kid)
		}
	}
	walk(root)
}

func refTarget(v, root *Value) *Value {
	if v.Type != Object || len(v.Kids) != 1 || v.Kids[0].Key != "$ref" || v.Kids[0].Type != String {
		return nil
	}
	path, ok := strings.CutPrefix(v.Kids[0].Text, "$")
	if !ok {
		return nil
	}
	at := root
	for path != "" && at != nil {
		switch path[0] {
		case '.':
			end := strings.IndexAny(path[1:], ".[") + 1
			if end == 0 {
				end = len(path)
			}
			at, path = at.member(path[1:end]), path[end:]
		case '[':
			end := strings.IndexByte(path, ']')
			if end < 0 {
				return nil
			}
			n, err := strconv.Atoi(path[1:end])
			if err != nil || at.Type != Array || n < 0 || n >= len(at.Kids) {
				return nil
			}
			at, path = &at.Kids[n], path[end+1:]
		default:
			return nil
		}
	}
	return at
}

func hasRef(v *Value) bool {
	if v.Type == Object && len(v.Kids) == 1 && v.Kids[0].Key == "$ref" {
		return true
	}
	for i := range v.Kids {
		if hasRef(&v.Kids[i]) {
			return true
		}
	}
	return false
}

func countValues(v *Value) int {
	n := 1
	for i := range v.Kids {
		n += countValues(&v.Kids[i])
	}
	return n
}

func cloneValue(v *Value) Value {
	c := *v
	c.Kids = make([]Value, len(v.Kids))
	for i := range v.Kids {
		c.Kids[i] = cloneValue(&v.Kids[i])
	}
	return c
}

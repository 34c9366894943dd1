package compare

import (
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
)

// maxShown is the length in bytes beyond which a value is cut when shown.
const maxShown = 200

// Show writes one side of a pair for people: masked, unless the spec unmasks its path or it cannot be
// personal (status, media type, cache directives, null, absence). A mask is type, length and a short hash
// under a key that only this process knows: equal values look equal, and none can be guessed.
func (r *Rules) Show(path string, kind Kind, v *Value) string {
	switch {
	case v == nil:
		return "(absent)"
	case v.Type == Null:
		return "null"
	case v.Type == Array && kind == KindLength:
		return "list of " + strconv.Itoa(len(v.Kids))
	case path[0] != '$' && !strings.HasPrefix(path, "effects") && r.shown(path):
		return cut(v.Text)
	case r.shown(path):
		return cut(plain(v))
	case v.Type == Array:
		return fmt.Sprintf("list of %d#%04x", len(v.Kids), uint16(v.hash))
	case v.Type == Object:
		return fmt.Sprintf("object of %d#%04x", len(v.Kids), uint16(v.hash))
	}
	return fmt.Sprintf("%s(%d)#%04x", v.Type, len(v.Text), uint16(maphash.String(r.seed, v.Text)))
}

// ShowText writes a text for people as Show writes a string at a path.
func (r *Rules) ShowText(path, text string) string {
	if r.shown(path) {
		return cut(text)
	}
	return fmt.Sprintf("%s(%d)#%04x", String, len(text), uint16(maphash.String(r.seed, text)))
}

func (r *Rules) shown(path string) bool {
	switch path {
	case "status", "header:Content-Type", "header:Cache-Control", "header:Etag":
		return true
	}
	for _, pattern := range r.unmask {
		if covers(pattern, path) {
			return true
		}
	}
	return false
}

func cut(s string) string {
	if len(s) > maxShown {
		return s[:maxShown] + "…"
	}
	return s
}

// plain writes a value as JSON, members sorted by name.
func plain(v *Value) string {
	switch v.Type {
	case String:
		return strconv.Quote(v.Text)
	case Array, Object:
		open, end := "[", "]"
		if v.Type == Object {
			open, end = "{", "}"
		}
		out := open
		for i := range v.Kids {
			if len(out) > maxShown {
				return out
			}
			if i > 0 {
				out += ","
			}
			if v.Type == Object {
				out += strconv.Quote(v.Kids[i].Key) + ":"
			}
			out += plain(&v.Kids[i])
		}
		return out + end
	}
	return v.Text
}

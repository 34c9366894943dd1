package compare

import (
	"strconv"
	"strings"
	"sync"
)

// Bounds of the path table.
const (
	maxPaths   = 8192 // templates over all endpoints
	maxMembers = 64   // different members of one object; beyond it the object is a map
)

// pathTable gives every field path template a small number. An object whose keys are data (numbers, UUIDs,
// too many to be names) is a map: its members share one template, and it stays a map once it was one.
type pathTable struct {
	mu    sync.Mutex
	ids   map[pathKey]int32
	nodes []pathNode
	gen   uint32
}

type pathKey struct {
	parent int32
	key    string
}

type pathNode struct {
	name    string
	members int
	isMap   bool
	seen    uint32 // generation that met it last
}

// The fixed paths.
const (
	pathStatus int32 = iota
	pathBody
	pathMore // beyond maxPaths
	pathRoot
	pathHeaders
	pathEffects
)

func newPathTable() *pathTable {
	return &pathTable{ids: map[pathKey]int32{}, nodes: []pathNode{{name: "status"}, {name: "body"}, {name: "(more)"}, {name: "$"}, {name: "header:"}, {name: "effects"}}}
}

func (t *pathTable) name(id int32) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nodes[id].name
}

// mark gives every value of a document its path and returns the different ones.
func (t *pathTable) mark(d *Doc) []int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gen++
	found := make([]int32, 0, 32)
	d.Status.path = pathStatus
	found = t.note(found, pathStatus)
	for i := range d.Headers {
		h := &d.Headers[i]
		h.path = t.child(pathHeaders, h.Key, h.Key)
		found = t.note(found, h.path)
	}
	if d.Opaque != nil {
		d.Opaque.path = pathBody
		found = t.note(found, pathBody)
	}
	if d.Root != nil {
		found = t.walk(found, d.Root, pathRoot)
	}
	if d.Effects != nil {
		found = t.walk(found, d.Effects, pathEffects)
	}
	return found
}

func (t *pathTable) note(found []int32, id int32) []int32 {
	if t.nodes[id].seen == t.gen {
		return found
	}
	t.nodes[id].seen = t.gen
	return append(found, id)
}

func (t *pathTable) walk(found []int32, v *Value, id int32) []int32 {
	v.path = id
	found = t.note(found, id)
	switch v.Type {
	case Array:
		if len(v.Kids) == 0 {
			return found
		}
		kid := t.child(id, "[]", "[]")
		for i := range v.Kids {
			found = t.walk(found, &v.Kids[i], kid)
		}
	case Object:
		if v.form == formNames {
			return t.names(found, v, id)
		}
		if !t.nodes[id].isMap && looksLikeMap(v) {
			t.nodes[id].isMap = true
		}
		for i := range v.Kids {
			found = t.walk(found, &v.Kids[i], t.member(id, v.Kids[i].Key))
		}
	}
	return found
}

func (t *pathTable) member(parent int32, key string) int32 {
	if !t.nodes[parent].isMap {
		if id, ok := t.ids[pathKey{parent, key}]; ok {
			return id
		}
		if t.nodes[parent].members < maxMembers && len(key) <= 128 {
			t.nodes[parent].members++
			return t.child(parent, key, step(key))
		}
		t.nodes[parent].isMap = true
	}
	return t.child(parent, "*", ".*")
}

func (t *pathTable) child(parent int32, key, suffix string) int32 {
	if parent == pathMore {
		return pathMore
	}
	k := pathKey{parent, key}
	if id, ok := t.ids[k]; ok {
		return id
	}
	if len(t.nodes) >= maxPaths {
		return pathMore
	}
	id := int32(len(t.nodes))
	t.nodes = append(t.nodes, pathNode{name: t.nodes[parent].name + suffix})
	t.ids[pathKey{parent, strings.Clone(key)}] = id
	return id
}

// step is how a member's name is written in a path.
func step(key string) string {
	for i := range len(key) {
		c := key[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c < 0x80 {
			return "[" + strconv.Quote(key) + "]"
		}
	}
	if key == "" {
		return `[""]`
	}
	return "." + key
}

// looksLikeMap says whether at least half of an object's keys are data rather than names.
func looksLikeMap(v *Value) bool {
	data := 0
	for i := range v.Kids {
		if looksLikeData(v.Kids[i].Key) {
			data++
		}
	}
	return data > 0 && 2*data >= len(v.Kids)
}

// looksLikeData: all digits, a UUID or a long hex string, an address, or too long for a name.
func looksLikeData(key string) bool {
	if len(key) > 40 || strings.ContainsAny(key, "@/ :") {
		return true
	}
	digits, hex := 0, 0
	for i := range len(key) {
		switch c := key[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F', c == '-':
			hex++
		default:
			return false
		}
	}
	return digits > 0 && (digits == len(key) || len(key) >= 8)
}

func itoa(n int) string { return strconv.Itoa(n) }

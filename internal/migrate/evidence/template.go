package evidence

import (
	"slices"
	"strings"
	"sync"
)

// Bounds of learned templates.
const (
	maxSegments = 16   // of a path; the rest is one placeholder
	maxChildren = 64   // different segments in one place; beyond it the place is a placeholder
	maxNodes    = 4096 // segments remembered
	established = 20   // requests that make a first segment a name, whatever else is there
)

// placeholder stands for one segment that varies.
const placeholder = "{id}"

// Endpoint names the endpoint of a request: its method and the route's template, or else its path with
// every segment that looks like an identifier as {id}.
func Endpoint(method, path, routeTemplate string) string {
	if routeTemplate != "" {
		return method + " " + routeTemplate
	}
	return method + " /" + strings.Join(segments(path), "/")
}

// segments are the parts of a path, identifiers replaced.
func segments(path string) []string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.SplitN(strings.TrimPrefix(path, "/"), "/", maxSegments+1)
	if len(parts) > maxSegments {
		parts[maxSegments] = "{rest}"
	}
	for i, part := range parts {
		if looksLikeID(part) {
			parts[i] = placeholder
		}
	}
	return parts
}

// looksLikeID: all digits, a UUID or long hex, an address, mostly digits, or too long for a name.
func looksLikeID(s string) bool {
	if len(s) > 64 || strings.Contains(s, "@") {
		return true
	}
	digits, hex := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c == '-':
			hex++
		}
	}
	switch {
	case digits == 0:
		return false
	case digits == len(s), digits >= 3 && 2*digits >= len(s):
		return true
	case len(s) >= 8 && digits+hex == len(s):
		return true
	}
	return len(s) >= 20 && digits >= 3
}

// Templates learns which segments vary although they do not look like identifiers: a place where more
// than 64 different ones were seen becomes a placeholder. In the first place, where anybody may send
// anything, segments that many requests named stay. It is safe for concurrent use, and bounded.
type Templates struct {
	mu    sync.Mutex
	root  place
	nodes int
}

// place is a position in the tree of paths.
type place struct {
	hits     int64
	children map[string]*place
	varies   bool
	names    []string // endpoints that end here
}

// NewTemplates returns templates that know nothing yet.
func NewTemplates() *Templates { return &Templates{} }

// Endpoint is as the function Endpoint, with what was learned. stale are endpoints named before which are
// now part of a template.
func (t *Templates) Endpoint(method, path, routeTemplate string) (name string, stale []string) {
	if routeTemplate != "" {
		return Endpoint(method, path, routeTemplate), nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	parts := segments(path)
	at := &t.root
	for i, part := range parts {
		var gone []string
		at, parts[i], gone = t.step(at, part, i == 0)
		stale = append(stale, gone...)
	}
	name = method + " /" + strings.Join(parts, "/")
	if !slices.Contains(at.names, name) && len(at.names) < maxSegments {
		at.names = append(at.names, name)
	}
	return name, stale
}

// step goes to the place of a segment and says how the segment is written.
func (t *Templates) step(at *place, part string, first bool) (next *place, as string, stale []string) {
	if kid, ok := at.children[part]; ok {
		kid.hits++
		return kid, part, nil
	}
	if part != placeholder && len(at.children) >= maxChildren {
		at.varies = true
		for key, kid := range at.children {
			if key == placeholder || first && kid.hits >= established {
				continue
			}
			stale = append(stale, t.drop(kid)...)
			delete(at.children, key)
		}
	}
	if at.varies || t.nodes >= maxNodes {
		part = placeholder
		if kid, ok := at.children[part]; ok {
			kid.hits++
			return kid, part, stale
		}
	}
	kid := &place{hits: 1}
	if at.children == nil {
		at.children = map[string]*place{}
	}
	at.children[part] = kid
	t.nodes++
	return kid, part, stale
}

// drop counts a place and all below it out and returns the endpoints that ended there.
func (t *Templates) drop(at *place) []string {
	t.nodes--
	names := at.names
	for _, kid := range at.children {
		names = append(names, t.drop(kid)...)
	}
	return names
}

package route

import (
	"bytes"
	"regexp"
)

// index finds the rule of a request. It depends on routes alone; targets are resolved by a Table.
type index struct {
	exact   map[string]*tree // by host
	wild    map[string]*tree // by what follows "*."
	any     *tree            // nil: no rule serves every host
	rules   []*Rule
	targets []target
	seen    map[string]int // target by ID
	// revision is the highest of the routes.
	revision int64
}

// tree is the rules of one host.
type tree struct {
	exact map[string][]*candidate
	root  *node
	regex []*candidate
}

// node is one segment of paths.
type node struct {
	children map[string]*node
	param    *node
	full     []*candidate // templates that end here
	prefix   []*candidate // prefixes that end here
}

// candidate is one match of one rule; those of a place are in the order of precedence.
type candidate struct {
	when     conditions
	rule     int
	path     *regexp.Regexp // of a regular expression
	prefix   string
	template string
}

// find returns the first candidate that holds, nil when none does. path is canonical.
func (ix *index) find(req *Request, path []byte, d *Decision) *candidate {
	l := lookup{req: req, path: path, d: d}
	host := req.Host
	if n := len(host); n > 1 && host[n-1] == '.' {
		host = host[:n-1]
	}
	if len(ix.exact) > 0 {
		d.steps++
		if c := l.tree(ix.exact[string(host)]); c != nil {
			return c
		}
	}
	if len(ix.wild) > 0 {
		for rest := host; ; {
			i := bytes.IndexByte(rest, '.')
			if i < 0 {
				break
			}
			rest = rest[i+1:]
			d.steps++
			if c := l.tree(ix.wild[string(rest)]); c != nil {
				return c
			}
		}
	}
	return l.tree(ix.any)
}

type lookup struct {
	req  *Request
	path []byte
	d    *Decision
}

func (l *lookup) tree(t *tree) *candidate {
	if t == nil {
		return nil
	}
	if len(t.exact) > 0 {
		l.d.steps++
		if c := l.first(t.exact[string(l.path)]); c != nil {
			return c
		}
	}
	if t.root != nil {
		if c := l.template(t.root, l.path); c != nil {
			return c
		}
		if c := l.prefix(t.root, l.path); c != nil {
			return c
		}
	}
	for _, c := range t.regex {
		l.d.steps++
		if c.path.Match(l.path) && c.when.hold(l.req, &l.d.scratch) {
			return c
		}
	}
	return nil
}

func (l *lookup) first(cs []*candidate) *candidate {
	for _, c := range cs {
		l.d.steps++
		if c.when.hold(l.req, &l.d.scratch) {
			return c
		}
	}
	return nil
}

// template tries templates, literal segments before parts.
func (l *lookup) template(n *node, rest []byte) *candidate {
	if len(rest) == 0 {
		return l.first(n.full)
	}
	segment, rest := cut(rest)
	if child := n.child(segment, l.d); child != nil {
		if c := l.template(child, rest); c != nil {
			return c
		}
	}
	if n.param != nil && len(segment) > 0 {
		return l.template(n.param, rest)
	}
	return nil
}

// prefix tries the longest prefix first.
func (l *lookup) prefix(n *node, rest []byte) *candidate {
	if len(rest) > 0 {
		segment, rest := cut(rest)
		if child := n.child(segment, l.d); child != nil {
			if c := l.prefix(child, rest); c != nil {
				return c
			}
		}
	}
	return l.first(n.prefix)
}

func (n *node) child(segment []byte, d *Decision) *node {
	if len(n.children) == 0 {
		return nil
	}
	d.steps++
	return n.children[string(segment)]
}

package route

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/registry"
)

// target is a service or a subset of it that rules send to.
type target struct {
	id, service, text string
	selector          v1.Selector
}

// backends are the targets of a rule by weight.
type backends struct {
	list   []backend
	total  uint64
	sticky sources
	seed   uint64 // of the hash, for sticky
}

type backend struct {
	target int
	upTo   uint64 // cumulative weight
}

func subsetID(service, text string) string { return service + "/" + text }

func (ix *index) target(t v1.BackendTarget) int {
	text := registry.SelectorText(t.Subset)
	id := subsetID(t.Service, text)
	if i, ok := ix.seen[id]; ok {
		return i
	}
	ix.targets = append(ix.targets, target{id: id, service: t.Service, text: text, selector: t.Subset})
	ix.seen[id] = len(ix.targets) - 1
	return len(ix.targets) - 1
}

// compile builds the index of routes. A route with wrong fields is left out and named.
func compile(routes []v1.Route, defaults Defaults) (*index, []Problem) {
	ix := &index{exact: map[string]*tree{}, wild: map[string]*tree{}, seen: map[string]int{}}
	routes = slices.Clone(routes)
	slices.SortStableFunc(routes, older)
	b := builder{index: ix, defaults: defaults, places: map[place]string{}}
	for i := range routes {
		b.route(&routes[i])
	}
	b.sort()
	return ix, b.problems
}

// older orders routes by creation, then by name.
func older(a, b v1.Route) int {
	return cmp.Or(created(a.Metadata).Compare(created(b.Metadata)), strings.Compare(a.Metadata.Name, b.Metadata.Name))
}

func created(m v1.Meta) time.Time {
	if m.Created == nil {
		return time.Time{}
	}
	return *m.Created
}

type builder struct {
	index    *index
	defaults Defaults
	places   map[place]string // route that matches first there
	problems []Problem
}

// place is where a match stands; two matches in one place are in conflict.
type place struct{ host, kind, path, conditions string }

func (b *builder) route(r *v1.Route) {
	name := r.Metadata.Name
	b.index.revision = max(b.index.revision, r.Metadata.Revision)
	if wrong := Validate(r.Spec); len(wrong) > 0 {
		b.problems = append(b.problems, routeProblem(name, invalidRoute(name, wrong)))
		return
	}
	conflicts := map[string]bool{}
	for i := range r.Spec.Rules {
		rule := b.rule(r, i)
		for _, m := range matches(&r.Spec.Rules[i]) {
			when, err := compileConditions(m, r.Spec.SourceTags)
			if err != nil { // Validate has compiled the same expressions
				b.problems = append(b.problems, routeProblem(name, invalidRoute(name, []kind.Field{{Path: "spec.rules", Detail: err.Error()}})))
				return
			}
			path := pathOf(m)
			for _, host := range hosts(&r.Spec) {
				at := place{host, path.Type, unnamed(path), when.key()}
				if first, taken := b.places[at]; taken {
					conflicts[first] = true
					continue
				}
				b.places[at] = name
				b.insert(b.tree(host), path, &candidate{when: when, rule: rule.Index})
			}
		}
	}
	for first := range conflicts {
		b.problems = append(b.problems, routeProblem(name, conflict(name, first)))
	}
}

func (b *builder) rule(r *v1.Route, i int) *Rule {
	in := &r.Spec.Rules[i]
	rule := &Rule{Index: len(b.index.rules), Route: r.Metadata.Name, Name: in.Name, Timeout: b.defaults.Timeout, TryTimeout: b.defaults.TryTimeout, Retry: b.defaults.Retry}
	if rule.Name == "" {
		rule.Name = strconv.Itoa(i)
	}
	if t := in.Timeouts; t != nil {
		rule.Timeout, rule.TryTimeout = t.Request.Or(rule.Timeout), t.BackendRequest.Or(rule.TryTimeout)
	}
	if t := in.Retry; t != nil {
		rule.Retry.Codes, rule.Retry.Backoff = t.Codes, t.Backoff.Or(rule.Retry.Backoff)
		if t.Attempts != nil {
			rule.Retry.Attempts = *t.Attempts
		}
		if t.Budget != nil {
			rule.Retry.Percent = *t.Budget
		}
	}
	b.index.compileFilters(in.Filters, rule)
	for _, ref := range in.BackendRefs {
		weight := 1
		if ref.Weight != nil {
			weight = *ref.Weight
		}
		target := b.index.target(ref.BackendTarget)
		if weight > 0 {
			rule.backends.total += uint64(weight)
			rule.backends.list = append(rule.backends.list, backend{target, rule.backends.total})
		}
	}
	if s := in.Stickiness; s != nil {
		rule.backends.sticky = compileSources(s.Subject)
		rule.backends.seed = seed(cmp.Or(s.Salt, r.Metadata.Name))
	}
	b.index.rules = append(b.index.rules, rule)
	return rule
}

func (b *builder) tree(host string) *tree {
	ix := b.index
	if host == "" {
		if ix.any == nil {
			ix.any = &tree{}
		}
		return ix.any
	}
	hosts := ix.exact
	if suffix, wild := strings.CutPrefix(host, "*."); wild {
		hosts, host = ix.wild, suffix
	}
	t := hosts[host]
	if t == nil {
		t = &tree{}
		hosts[host] = t
	}
	return t
}

func (b *builder) insert(t *tree, path v1.PathMatch, c *candidate) {
	switch path.Type {
	case "Exact":
		if t.exact == nil {
			t.exact = map[string][]*candidate{}
		}
		t.exact[path.Value] = append(t.exact[path.Value], c)
	case "RegularExpression":
		c.path, _ = anchored(path.Value) // Validate has compiled it
		t.regex = append(t.regex, c)
	case "Template":
		c.template = path.Value
		n := t.walk(path.Value)
		n.full = append(n.full, c)
	default:
		c.prefix = path.Value
		n := t.walk(path.Value)
		n.prefix = append(n.prefix, c)
	}
}

// walk returns the node of a template or prefix, making those on the way.
func (t *tree) walk(path string) *node {
	if t.root == nil {
		t.root = &node{}
	}
	n := t.root
	for path != "" {
		var segment string
		segment, path = path[1:], ""
		if i := strings.IndexByte(segment, '/'); i >= 0 {
			segment, path = segment[:i], segment[i:]
		}
		if strings.HasPrefix(segment, "{") {
			if n.param == nil {
				n.param = &node{}
			}
			n = n.param
			continue
		}
		child := n.children[segment]
		if child == nil {
			if n.children == nil {
				n.children = map[string]*node{}
			}
			child = &node{}
			n.children[segment] = child
		}
		n = child
	}
	return n
}

// sort puts the candidates of every place in order of precedence. They stand by age already, so the
// sort is stable on what comes before age.
func (b *builder) sort() {
	trees := []*tree{}
	for _, hosts := range []map[string]*tree{b.index.exact, b.index.wild} {
		for _, t := range hosts {
			trees = append(trees, t)
		}
	}
	if b.index.any != nil {
		trees = append(trees, b.index.any)
	}
	for _, t := range trees {
		for _, cs := range t.exact {
			sortCandidates(cs)
		}
		sortCandidates(t.regex)
		t.root.sort()
	}
}

func (n *node) sort() {
	if n == nil {
		return
	}
	sortCandidates(n.full)
	sortCandidates(n.prefix)
	n.param.sort()
	for _, child := range n.children {
		child.sort()
	}
}

func sortCandidates(cs []*candidate) {
	if len(cs) < 2 {
		return
	}
	more := func(a, b []condition) int { return cmp.Compare(len(b), len(a)) }
	slices.SortStableFunc(cs, func(a, b *candidate) int {
		method := 0
		switch {
		case a.when.method != "" && b.when.method == "":
			method = -1
		case a.when.method == "" && b.when.method != "":
			method = 1
		}
		return cmp.Or(method, more(a.when.headers, b.when.headers), more(a.when.queries, b.when.queries),
			more(a.when.cookies, b.when.cookies), more(a.when.tag, b.when.tag))
	})
}

// hosts are the hosts of a route in lower case, "" for every host.
func hosts(s *v1.RouteSpec) []string {
	if len(s.Hostnames) == 0 {
		return []string{""}
	}
	out := make([]string, len(s.Hostnames))
	for i, h := range s.Hostnames {
		out[i] = strings.ToLower(h)
	}
	return out
}

// matches are the matches of a rule; a rule without any matches everything.
func matches(r *v1.RouteRule) []v1.RouteMatch {
	if len(r.Matches) == 0 {
		return []v1.RouteMatch{{}}
	}
	return r.Matches
}

// pathOf is the path match of m with defaults; a prefix comes without trailing slash, "" for /.
func pathOf(m v1.RouteMatch) v1.PathMatch {
	p := v1.PathMatch{Type: "PathPrefix", Value: "/"}
	if m.Path != nil {
		p.Value = m.Path.Value
		p.Type = cmp.Or(m.Path.Type, p.Type)
	}
	if p.Type == "PathPrefix" {
		p.Value = strings.TrimRight(p.Value, "/")
	}
	return p
}

// unnamed is the path of p without the names of parts: templates that differ in them alone match the
// same requests.
func unnamed(p v1.PathMatch) string {
	if p.Type != "Template" {
		return p.Value
	}
	segments := strings.Split(p.Value, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}

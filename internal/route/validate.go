package route

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// maxPlaces bounds hosts x matches of one route.
const maxPlaces = 65_536

// Validate returns each wrong field of a route, none when it can be compiled.
func Validate(s v1.RouteSpec) []kind.Field {
	f := &fields{}
	f.hostnames(s.Hostnames)
	tags := map[string]bool{}
	for i, t := range s.SourceTags {
		path := fmt.Sprintf("spec.sourceTags[%d]", i)
		if t.Name == "" {
			f.add(path+".name", "", "is missing: name the tag")
		} else if tags[t.Name] {
			f.add(path+".name", t.Name, "is there already: name each tag once")
		}
		tags[t.Name] = true
		f.source(path+".from", t.From)
	}
	if len(s.Rules) == 0 {
		f.add("spec.rules", "", "is empty: a route needs a rule")
	}
	places, seen := 0, map[place]string{}
	for i := range s.Rules {
		path := fmt.Sprintf("spec.rules[%d]", i)
		r := &s.Rules[i]
		f.rule(path, r, tags)
		places += len(matches(r)) * max(1, len(s.Hostnames))
		for j, m := range matches(r) {
			when, err := compileConditions(m, s.SourceTags)
			if err != nil {
				continue // named by rule already
			}
			p := pathOf(m)
			at := place{"", p.Type, unnamed(p), when.key()}
			if first, taken := seen[at]; taken {
				f.add(fmt.Sprintf("%s.matches[%d]", path, j), "", "is the same as %s and would never be reached: remove one", first)
			} else {
				seen[at] = fmt.Sprintf("%s.matches[%d]", path, j)
			}
		}
	}
	if places > maxPlaces {
		f.add("spec.rules", fmt.Sprint(places), "hostnames times matches may be %d at most: split the route", maxPlaces)
	}
	return f.wrong
}

func (f *fields) hostnames(hosts []string) {
	seen := map[string]bool{}
	for i, h := range hosts {
		path := fmt.Sprintf("spec.hostnames[%d]", i)
		if seen[strings.ToLower(h)] {
			f.add(path, h, "is there already")
		}
		seen[strings.ToLower(h)] = true
		f.hostname(path, strings.TrimPrefix(h, "*."))
	}
}

func (f *fields) hostname(path, h string) {
	ok := h != "" && len(h) <= 253
	for label := range strings.SplitSeq(h, ".") {
		ok = ok && label != "" && strings.Trim(label, "-") != "" && len(label) <= 63
	}
	for _, c := range []byte(h) {
		ok = ok && ('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_')
	}
	if !ok {
		f.add(path, h, "is no host name: write it like shop.example.com or *.example.com, without port")
	}
}

func (f *fields) rule(path string, r *v1.RouteRule, tags map[string]bool) {
	allPrefix := true
	for j := range r.Matches {
		f.match(fmt.Sprintf("%s.matches[%d]", path, j), &r.Matches[j], tags)
		allPrefix = allPrefix && pathOf(r.Matches[j]).Type == "PathPrefix"
	}
	redirects := f.filters(path, r.Filters, allPrefix)
	f.backends(path, r, redirects)
	if t := r.Timeouts; t != nil {
		f.duration(path+".timeouts.request", t.Request)
		f.duration(path+".timeouts.backendRequest", t.BackendRequest)
	}
	if t := r.Retry; t != nil {
		f.duration(path+".retry.backoff", t.Backoff)
		f.percent(path+".retry.budgetPercent", t.Budget)
		if t.Attempts != nil && (*t.Attempts < 0 || *t.Attempts > 10) {
			f.add(path+".retry.attempts", fmt.Sprint(*t.Attempts), "must be 0 to 10")
		}
		for _, c := range t.Codes {
			if c < 400 || c > 599 {
				f.add(path+".retry.codes", fmt.Sprint(c), "must be 400 to 599")
			}
		}
	}
	if s := r.Stickiness; s != nil {
		if len(s.Subject) == 0 {
			f.add(path+".stickiness.subject", "", "is empty: say where the subject is read")
		}
		f.subject(path+".stickiness.subject", s.Subject)
	}
}

func (f *fields) backends(path string, r *v1.RouteRule, redirects bool) {
	switch {
	case redirects && len(r.BackendRefs) > 0:
		f.add(path+".backendRefs", "", "must be absent beside a redirect, which answers by itself")
		return
	case redirects:
		return
	case len(r.BackendRefs) == 0:
		f.add(path+".backendRefs", "", "is empty: name a service, or add a RequestRedirect filter")
		return
	}
	sum := 0
	for j, b := range r.BackendRefs {
		at := fmt.Sprintf("%s.backendRefs[%d]", path, j)
		f.service(at+".service", b.Service)
		f.selector(at+".subset", b.Subset)
		switch {
		case b.Weight == nil:
			sum++
		case *b.Weight < 0 || *b.Weight > 1_000_000:
			f.add(at+".weight", fmt.Sprint(*b.Weight), "must be 0 to 1000000")
			sum++
		default:
			sum += *b.Weight
		}
	}
	if sum == 0 {
		f.add(path+".backendRefs", "0", "weights sum to zero: give at least one backend a weight above 0")
	}
}

func (f *fields) match(path string, m *v1.RouteMatch, tags map[string]bool) {
	if m.Path != nil {
		f.path(path+".path", m.Path)
	}
	if m.Method != "" && f.token(path+".method", m.Method) && m.Method != strings.ToUpper(m.Method) {
		f.add(path+".method", m.Method, "must be in capitals: %s", strings.ToUpper(m.Method))
	}
	f.values(path+".headers", m.Headers, strings.ToLower, true)
	f.values(path+".queryParams", m.QueryParams, nil, false)
	f.values(path+".cookies", m.Cookies, nil, true)
	for tag, v := range m.Source {
		if !tags[tag] {
			f.add(path+".source", tag, "is not among spec.sourceTags: say there how it is read")
		}
		if strings.Contains(strings.TrimSuffix(v, "*"), "*") {
			f.add(path+".source."+tag, v, "may have '*' only at its end")
		}
	}
}

func (f *fields) values(path string, vs []v1.ValueMatch, fold func(string) string, token bool) {
	seen := map[string]bool{}
	for i, v := range vs {
		at := fmt.Sprintf("%s[%d]", path, i)
		name := v.Name
		if fold != nil {
			name = fold(name)
		}
		if seen[name] {
			f.add(at+".name", v.Name, "is there already: all conditions must hold, so say it in one")
		}
		seen[name] = true
		if v.Name == "" {
			f.add(at+".name", "", "is missing")
		} else if token {
			f.token(at+".name", v.Name)
		}
		if v.Type == "" || f.oneOf(at+".type", v.Type, "Exact", "RegularExpression") {
			f.regex(at+".value", v.Value, v.Type)
		}
	}
}

func (f *fields) regex(path, value, typ string) {
	if typ != "RegularExpression" {
		return
	}
	if _, err := regexp.Compile(value); err != nil {
		f.add(path, value, "is no RE2 expression: %v", err)
	}
}

func (f *fields) path(path string, p *v1.PathMatch) {
	if p.Type != "" && !f.oneOf(path+".type", p.Type, "Exact", "PathPrefix", "Template", "RegularExpression") {
		return
	}
	path += ".value"
	if p.Type == "RegularExpression" {
		f.regex(path, p.Value, p.Type)
		return
	}
	if !f.plainPath(path, p.Value) {
		return
	}
	parts := strings.Split(p.Value[1:], "/")
	for i, s := range parts {
		braces := strings.ContainsAny(s, "{}")
		switch {
		case p.Type != "Template":
		case !braces:
		case len(s) < 3 || s[0] != '{' || s[len(s)-1] != '}' || strings.ContainsAny(s[1:len(s)-1], "{}"):
			f.add(path, s, "a part in braces must be a whole segment, such as /orders/{id}")
		case slices.Contains(parts[:i], s):
			f.add(path, s, "names the same part twice")
		}
	}
	if p.Type == "Template" && !strings.Contains(p.Value, "{") {
		f.add(path, p.Value, "has no part in braces: use type Exact")
	}
}

// plainPath checks that a path is written as rules are matched: decoded and without what is left out.
func (f *fields) plainPath(path, value string) bool {
	c, _, ok := canonical([]byte(value), nil)
	switch {
	case !strings.HasPrefix(value, "/"):
		f.add(path, value, "must begin with /")
	case strings.ContainsAny(value, "%;"):
		f.add(path, value, "must be written decoded, without '%%' and ';': paths are decoded and their parameters left out before they are matched")
	case !ok || string(c) != value:
		f.add(path, value, "must have no '?', '#', backslash, control character, dot segment or repeated slash")
	default:
		return true
	}
	return false
}

package route

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// conditions are what a match asks for beside host and path; all must hold.
type conditions struct {
	method                         string // "" for any
	headers, queries, cookies, tag []condition
}

// condition asks for one value.
type condition struct {
	source source
	want   string
	prefix bool           // want is a prefix
	re     *regexp.Regexp // instead of want
}

func (c *conditions) hold(req *Request, s *scratch) bool {
	return (c.method == "" || c.method == string(req.Method)) &&
		allHold(c.headers, req, s) && allHold(c.queries, req, s) && allHold(c.cookies, req, s) && allHold(c.tag, req, s)
}

func allHold(cs []condition, req *Request, s *scratch) bool {
	for i := range cs {
		if !cs[i].holds(req, s) {
			return false
		}
	}
	return true
}

func (c *condition) holds(req *Request, s *scratch) bool {
	v, ok := c.source.read(req, s)
	switch {
	case !ok:
		return false
	case c.re != nil:
		return c.re.Match(v)
	case c.prefix:
		return len(v) >= len(c.want) && string(v[:len(c.want)]) == c.want
	}
	return string(v) == c.want
}

// anchored compiles an expression that must match from end to end.
func anchored(expr string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(expr); err != nil {
		return nil, err
	}
	return regexp.Compile(`^(?:` + expr + `)$`)
}

func compileConditions(m v1.RouteMatch, tags []v1.SourceTag) (conditions, error) {
	c := conditions{method: m.Method}
	for _, group := range []struct {
		in  []v1.ValueMatch
		out *[]condition
		src func(name string) v1.ValueSource
	}{
		{m.Headers, &c.headers, func(n string) v1.ValueSource { return v1.ValueSource{Header: n} }},
		{m.QueryParams, &c.queries, func(n string) v1.ValueSource { return v1.ValueSource{Query: n} }},
		{m.Cookies, &c.cookies, func(n string) v1.ValueSource { return v1.ValueSource{Cookie: n} }},
	} {
		for _, v := range group.in {
			one := condition{source: compileSource(group.src(v.Name)), want: v.Value}
			if v.Type == "RegularExpression" {
				re, err := anchored(v.Value)
				if err != nil {
					return c, err
				}
				one.re = re
			}
			*group.out = append(*group.out, one)
		}
	}
	for name, want := range m.Source {
		i := slices.IndexFunc(tags, func(t v1.SourceTag) bool { return t.Name == name })
		if i < 0 {
			return c, fmt.Errorf("source tag %q is not declared", name)
		}
		one := condition{source: compileSource(tags[i].From)}
		one.want, one.prefix = strings.CutSuffix(want, "*")
		c.tag = append(c.tag, one)
	}
	for _, group := range [][]condition{c.headers, c.queries, c.cookies, c.tag} {
		slices.SortFunc(group, func(a, b condition) int {
			return cmp.Or(cmp.Compare(a.source.from, b.source.from), strings.Compare(a.source.name, b.source.name))
		})
	}
	return c, nil
}

// key is the same for two sets of conditions exactly when they ask for the same.
func (c *conditions) key() string {
	if c.method == "" && c.count() == 0 {
		return ""
	}
	b := strconv.AppendQuote(nil, c.method)
	for i, group := range [][]condition{c.headers, c.queries, c.cookies, c.tag} {
		for _, one := range group {
			op := "="
			switch {
			case one.re != nil:
				op = "~"
			case one.prefix:
				op = "^"
			}
			b = append(b, ' ', '0'+byte(i), '0'+byte(one.source.from))
			b = strconv.AppendQuote(b, one.source.name)
			b = append(b, op...)
			b = strconv.AppendQuote(b, one.want)
		}
	}
	return string(b)
}

func (c *conditions) count() int {
	return len(c.headers) + len(c.queries) + len(c.cookies) + len(c.tag)
}

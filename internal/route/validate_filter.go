package route

import (
	"fmt"
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// filters checks the filters of a rule and says whether one redirects.
func (f *fields) filters(rule string, in []v1.RouteFilter, allPrefix bool) bool {
	seen := map[string]bool{}
	for j := range in {
		path := fmt.Sprintf("%s.filters[%d]", rule, j)
		if seen[in[j].Type] && in[j].Type != "RequestMirror" {
			f.add(path+".type", in[j].Type, "is there already: a rule has one filter of each type but RequestMirror")
		}
		seen[in[j].Type] = true
		f.filter(path, &in[j], allPrefix)
	}
	if seen["RequestRedirect"] && seen["URLRewrite"] {
		f.add(rule+".filters", "", "RequestRedirect and URLRewrite exclude each other")
	}
	return seen["RequestRedirect"]
}

func (f *fields) filter(path string, r *v1.RouteFilter, allPrefix bool) {
	set := map[string]bool{
		"RequestHeaderModifier":  r.RequestHeaderModifier != nil,
		"ResponseHeaderModifier": r.ResponseHeaderModifier != nil,
		"RequestRedirect":        r.RequestRedirect != nil,
		"URLRewrite":             r.URLRewrite != nil,
		"RequestMirror":          r.RequestMirror != nil,
	}
	if !f.oneOf(path+".type", r.Type, "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "RequestMirror") {
		return
	}
	for typ, is := range set {
		if is != (typ == r.Type) {
			f.add(path, r.Type, "must set the field that its type names and no other")
			return
		}
	}
	switch r.Type {
	case "RequestHeaderModifier":
		f.headers(path+".requestHeaderModifier", r.RequestHeaderModifier)
	case "ResponseHeaderModifier":
		f.headers(path+".responseHeaderModifier", r.ResponseHeaderModifier)
	case "RequestRedirect":
		f.redirect(path+".requestRedirect", r.RequestRedirect, allPrefix)
	case "URLRewrite":
		if r.URLRewrite.Hostname != "" {
			f.hostname(path+".urlRewrite.hostname", r.URLRewrite.Hostname)
		}
		if r.URLRewrite.Hostname == "" && r.URLRewrite.Path == nil {
			f.add(path+".urlRewrite", "", "changes nothing: set hostname or path")
		}
		f.modifier(path+".urlRewrite.path", r.URLRewrite.Path, allPrefix)
	case "RequestMirror":
		f.service(path+".requestMirror.backendRef.service", r.RequestMirror.BackendRef.Service)
		f.selector(path+".requestMirror.backendRef.subset", r.RequestMirror.BackendRef.Subset)
		f.percent(path+".requestMirror.percent", r.RequestMirror.Percent)
	}
}

func (f *fields) redirect(path string, r *v1.Redirect, allPrefix bool) {
	if r.Scheme != "" {
		f.oneOf(path+".scheme", r.Scheme, "http", "https")
	}
	if r.Hostname != "" {
		f.hostname(path+".hostname", r.Hostname)
	}
	if r.Port < 0 || r.Port > 65535 {
		f.add(path+".port", fmt.Sprint(r.Port), "must be 1 to 65535")
	}
	if r.StatusCode != 0 && !slices.Contains([]int{301, 302, 303, 307, 308}, r.StatusCode) {
		f.add(path+".statusCode", fmt.Sprint(r.StatusCode), "must be one of 301, 302, 303, 307, 308")
	}
	f.modifier(path+".path", r.Path, allPrefix)
}

func (f *fields) modifier(path string, m *v1.PathModifier, allPrefix bool) {
	if m == nil || !f.oneOf(path+".type", m.Type, "ReplaceFullPath", "ReplacePrefixMatch") {
		return
	}
	if m.Type == "ReplacePrefixMatch" && !allPrefix {
		f.add(path+".type", m.Type, "needs a rule whose matches are all PathPrefix")
	}
	if m.Value != "" || m.Type == "ReplaceFullPath" {
		f.plainPath(path+".value", m.Value)
	}
}

func (f *fields) headers(path string, m *v1.HeaderModifier) {
	seen := map[string]bool{}
	name := func(at, n string) {
		switch lower := strings.ToLower(n); {
		case !f.token(at, n):
		case reserved(lower):
			f.add(at, n, "frames messages, names the host or is Jindu's own: it can not be changed here")
		case seen[lower]:
			f.add(at, n, "is there already: a modifier names each header once")
		default:
			seen[lower] = true
		}
	}
	for op, list := range map[string][]v1.Header{"set": m.Set, "add": m.Add} {
		for i, h := range list {
			at := fmt.Sprintf("%s.%s[%d]", path, op, i)
			name(at+".name", h.Name)
			if strings.ContainsFunc(h.Value, func(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }) {
				f.add(at+".value", fmt.Sprintf("%q", h.Value), "must have no control characters")
			}
		}
	}
	for i, n := range m.Remove {
		name(fmt.Sprintf("%s.remove[%d]", path, i), n)
	}
}

// reserved says that a header is no user's to change: a wrong one would let a request be cut in two,
// or forge a mark that the data path believes.
func reserved(lower string) bool {
	switch lower {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length", "te", "trailer", "upgrade", "host":
		return true
	}
	return strings.HasPrefix(lower, "x-jindu-")
}

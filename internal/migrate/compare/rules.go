package compare

import (
	"hash/maphash"
	"net/textproto"
	"slices"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// defaultHeaders are the response headers that matter when a spec names none.
var defaultHeaders = [...]string{"Content-Type", "Location", "Set-Cookie", "Cache-Control", "Etag"}

// Rules is a compiled CompareSpec. It is safe for concurrent use.
type Rules struct {
	on      [ruleCount]bool
	headers []string // canonical names
	ignore  []v1.IgnoreRule
	unmask  []string
	enums   map[string]map[string]string // path, then name or ordinal, to the name
	seed    maphash.Seed                 // lives with the process: masks cannot be reversed by guessing
	paths   *pathTable
}

// maxIgnore is how far ahead an ignore rule may expire: beyond it, it is a decision about the contract
// and belongs into the services.
const maxIgnore = 2 * 366 * 24 * time.Hour

// Compile checks a spec at a moment. Expired ignore rules are kept, since the dossier lists them, but are
// never in force.
func Compile(spec v1.CompareSpec, now time.Time) (*Rules, error) {
	r := &Rules{ignore: slices.Clone(spec.Ignore), unmask: slices.Clone(spec.Unmask), seed: maphash.MakeSeed(), paths: newPathTable()}
	var wrong []kind.Field
	list := RuleList()
	for i, info := range list {
		r.on[i] = info.Default
	}
	for name, on := range spec.Rules {
		i := slices.IndexFunc(list, func(info RuleInfo) bool { return info.Name == name })
		if i < 0 {
			wrong = append(wrong, kind.Field{Path: "spec.compare.rules", Value: name, Detail: "no such rule; the rules are " + ruleNames(list)})
			continue
		}
		r.on[i] = on
	}
	names := spec.Headers
	if len(names) == 0 {
		names = defaultHeaders[:]
	}
	for _, name := range names {
		if name == "" || strings.ContainsAny(name, " \t\r\n:") {
			wrong = append(wrong, kind.Field{Path: "spec.compare.headers", Value: name, Detail: "not a header name: write it as Content-Type"})
			continue
		}
		r.headers = append(r.headers, textproto.CanonicalMIMEHeaderKey(name))
	}
	slices.Sort(r.headers)
	r.headers = slices.Compact(r.headers)
	for _, rule := range spec.Ignore {
		if detail := wrongIgnore(rule, now); detail != "" {
			wrong = append(wrong, kind.Field{Path: "spec.compare.ignore", Value: rule.Path, Detail: detail})
		}
	}
	for path, values := range spec.Enums {
		if len(values) == 0 {
			wrong = append(wrong, kind.Field{Path: "spec.compare.enums", Value: path, Detail: "no names: list them in the order of their ordinals"})
		}
	}
	r.enums = enumTable(spec.Enums)
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b kind.Field) int { return strings.Compare(a.Path+a.Value, b.Path+b.Value) })
		return nil, kind.New(kind.Invalid, "JD-COMPARE-001", "spec.compare is not valid").WithFields(wrong...)
	}
	return r, nil
}

// With takes the ignore rules and masks of other and keeps everything else, path numbers included.
func (r *Rules) With(other *Rules) *Rules {
	c := *r
	c.ignore, c.unmask = other.ignore, other.unmask
	return &c
}

func ruleNames(list []RuleInfo) string {
	names := make([]string, len(list))
	for i, info := range list {
		names[i] = info.Name
	}
	return strings.Join(names, ", ")
}

func wrongIgnore(rule v1.IgnoreRule, now time.Time) string {
	switch {
	case rule.Path == "":
		return "no path: name the field, such as $.items[].price, or * for the whole endpoint"
	case rule.Path == "*" && rule.Endpoint == "":
		return "it would ignore everything: name an endpoint or a path"
	case strings.TrimSpace(rule.Owner) == "":
		return "no owner: say who answers for it"
	case strings.TrimSpace(rule.Reason) == "":
		return "no reason: say why it is acceptable"
	case rule.Expires.IsZero():
		return "no expiry: say when the difference counts again"
	case rule.Expires.Sub(now) > maxIgnore:
		return "expires more than two years ahead: choose a nearer day"
	}
	return ""
}

// Ignored returns the ignore rule that covers a path at a moment, nil when there is none in force. A rule
// covers its own path; one that ends in * covers every path that begins alike.
func (r *Rules) Ignored(endpoint, path string, now time.Time) *v1.IgnoreRule {
	for i := range r.ignore {
		rule := &r.ignore[i]
		if (rule.Endpoint == "" || rule.Endpoint == endpoint) && covers(rule.Path, path) && now.Before(rule.Expires) {
			return rule
		}
	}
	return nil
}

// covers says whether a pattern, exact or ending in *, covers a path.
func covers(pattern, path string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return pattern == path
}

func enumTable(enums map[string][]string) map[string]map[string]string {
	table := make(map[string]map[string]string, len(enums))
	for path, names := range enums {
		byForm := make(map[string]string, 2*len(names))
		for ordinal, name := range names {
			byForm[name] = name
			byForm[itoa(ordinal)] = name
		}
		table[path] = byForm
	}
	return table
}

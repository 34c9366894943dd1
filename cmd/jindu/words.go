package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// ruleWords is a rule as a sentence: "user=beta → orders: 80 % runtime=java*, 20 % runtime=go*".
func ruleWords(r v1.RouteRule) string {
	var alternatives []string
	for _, m := range r.Matches {
		alternatives = append(alternatives, matchWords(m))
	}
	if len(alternatives) == 0 {
		alternatives = []string{"everything"}
	}
	return strings.Join(alternatives, " or ") + " → " + targetWords(r)
}

func matchWords(m v1.RouteMatch) string {
	var words []string
	if m.Method != "" {
		words = append(words, m.Method)
	}
	if p := m.Path; p != nil {
		switch p.Type {
		case "Exact":
			words = append(words, "="+p.Value)
		case "Template":
			words = append(words, p.Value)
		case "RegularExpression":
			words = append(words, "~"+p.Value)
		default:
			words = append(words, strings.TrimSuffix(p.Value, "/")+"/…")
		}
	}
	for _, k := range slices.Sorted(maps.Keys(m.Source)) {
		words = append(words, k+"="+m.Source[k])
	}
	for _, list := range []struct {
		label  string
		values []v1.ValueMatch
	}{{"header ", m.Headers}, {"?", m.QueryParams}, {"cookie ", m.Cookies}} {
		for _, v := range list.values {
			operator := "="
			if v.Type == "RegularExpression" {
				operator = "~"
			}
			words = append(words, list.label+v.Name+operator+v.Value)
		}
	}
	if len(words) == 0 {
		return "everything"
	}
	return strings.Join(words, " ")
}

func targetWords(r v1.RouteRule) string {
	for _, f := range r.Filters {
		if d := f.RequestRedirect; d != nil {
			code := d.StatusCode
			if code == 0 {
				code = 302
			}
			to := d.Hostname
			if d.Scheme != "" {
				to = d.Scheme + "://" + to
			}
			if d.Path != nil {
				to += d.Path.Value
			}
			return strings.TrimSpace(fmt.Sprintf("redirect %d %s", code, to))
		}
	}
	return backendWords(r.BackendRefs)
}

func backendWords(refs []v1.BackendRef) string {
	total, same := 0, true
	for _, b := range refs {
		total += weight(b)
		same = same && b.Service == refs[0].Service
	}
	switch {
	case len(refs) == 0:
		return "nobody"
	case total == 0:
		return "nobody: every weight is 0"
	case len(refs) == 1:
		return strings.TrimSpace(refs[0].Service + " " + selectorWords(refs[0].Subset))
	}
	parts := make([]string, len(refs))
	for i, b := range refs {
		words := []string{percent(float64(weight(b)) * 100 / float64(total))}
		subset := selectorWords(b.Subset)
		switch {
		case !same:
			words = append(words, b.Service)
		case subset == "":
			subset = "any"
		}
		if subset != "" {
			words = append(words, subset)
		}
		parts[i] = strings.Join(words, " ")
	}
	text := strings.Join(parts, ", ")
	if same {
		text = refs[0].Service + ": " + text
	}
	return text
}

func weight(b v1.BackendRef) int {
	if b.Weight == nil {
		return 1
	}
	return *b.Weight
}

// selectorWords is such as runtime=java17,version=2; "" for an empty selector.
func selectorWords(s v1.Selector) string {
	var words []string
	for _, k := range slices.Sorted(maps.Keys(s)) {
		words = append(words, k+"="+s[k])
	}
	return strings.Join(words, ",")
}

// share is buckets, in ten-thousandths, as percent.
func share(buckets int) string { return percent(float64(buckets) / 100) }

// phaseWords is the phase with what a reader must know of it.
func phaseWords(m v1.Migration) string {
	words := []string{strings.ReplaceAll(string(m.Status.Phase), "_", " ")}
	if m.Status.Phase == v1.PhaseRamp {
		steps := m.Spec.WithDefaults(m.Metadata.Name).Steps
		words = append(words, fmt.Sprintf("%d/%d", m.Status.Step+1, len(steps)))
	}
	if m.Spec.Paused {
		words = append(words, "paused")
	}
	if m.Status.Latched {
		words = append(words, "latched")
	}
	return strings.Join(words, " ")
}

func verdictWords(v v1.Verdict) string { return strings.ReplaceAll(string(v), "_", " ") }

package migrate

import "strings"

// otherEndpoint stands for all endpoints beyond the bound on how many are told apart.
const otherEndpoint = "(other)"

// endpointOf names an endpoint: the method and the path template of the rule that matched, or a
// template guessed from the path, where every segment that looks like an identifier is {id}.
func endpointOf(method, template, target string) string {
	if template != "" {
		return method + " " + template
	}
	path, _, _ := strings.Cut(target, "?")
	var b strings.Builder
	b.Grow(len(method) + len(path) + 8)
	b.WriteString(method)
	b.WriteByte(' ')
	if path == "" || path[0] != '/' {
		b.WriteString(path)
		return b.String()
	}
	for i, seg := range strings.Split(path[1:], "/") {
		if i == 16 {
			b.WriteString("/...")
			break
		}
		b.WriteByte('/')
		if identifier(seg) {
			seg = "{id}"
		}
		b.WriteString(seg)
	}
	return b.String()
}

// identifier says that a path segment varies: it has a digit and is no version such as v1, or it is
// long or has what a name has not.
func identifier(seg string) bool {
	if len(seg) > 32 {
		return true
	}
	if len(seg) >= 2 && len(seg) <= 3 && seg[0] == 'v' && strings.Trim(seg[1:], "0123456789") == "" {
		return false
	}
	return strings.ContainsAny(seg, "0123456789%@=:,;")
}

// clusterOf is the unit that counts once at an endpoint: FNV-1a of who asked and the endpoint.
func clusterOf(who uint64, endpoint string) uint64 {
	h := uint64(14695981039346656037)
	for range 8 {
		h = (h ^ who&0xff) * 1099511628211
		who >>= 8
	}
	return hashText(h, endpoint)
}

func hashText(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

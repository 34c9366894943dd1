package compare

import (
	"slices"
	"strings"
)

// readHeaders takes the headers that matter, each in the form in which it is compared.
func (r *Rules) readHeaders(a *Answer) []Value {
	var out []Value
	for _, name := range r.headers {
		var values []string
		for i := range a.Header {
			if strings.EqualFold(a.Header[i].Name, name) {
				values = append(values, strings.TrimSpace(a.Header[i].Value))
			}
		}
		if len(values) > 0 {
			out = append(out, Value{Type: String, Key: name, Text: r.headerForm(name, values)})
		}
	}
	return out
}

// headerForm writes the values of one header so that what no client can tell is equal.
func (r *Rules) headerForm(name string, values []string) string {
	switch name {
	case "Content-Type":
		return r.contentType(values[0])
	case "Cache-Control":
		return sortedList(strings.ToLower(strings.Join(values, ",")), ",")
	case "Set-Cookie":
		for i := range values {
			values[i] = r.cookie(values[i])
		}
		slices.Sort(values)
	case "Etag":
		if r.on[ruleETagPresence] {
			return "present"
		}
	}
	return strings.Join(values, ", ")
}

func (r *Rules) contentType(value string) string {
	media, charset := mediaType(value)
	if charset == "" || charset == "utf-8" && isJSONType(media) && r.on[ruleContentTypeCharset] {
		return media
	}
	return media + ";charset=" + charset
}

// mediaType is the type and the charset of a Content-Type, in lower case.
func mediaType(value string) (media, charset string) {
	media, params, _ := strings.Cut(strings.ToLower(value), ";")
	for param := range strings.SplitSeq(params, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(param), "charset="); ok {
			charset = strings.Trim(v, `"`)
			if charset == "utf8" {
				charset = "utf-8"
			}
		}
	}
	return strings.TrimSpace(media), charset
}

// cookie keeps name and flags of a Set-Cookie, and that it expires; its value only when asked for.
func (r *Rules) cookie(value string) string {
	first, rest, _ := strings.Cut(value, ";")
	name, content, _ := strings.Cut(first, "=")
	var flags []string
	for flag := range strings.SplitSeq(rest, ";") {
		flag = strings.ToLower(strings.TrimSpace(flag))
		key, _, _ := strings.Cut(flag, "=")
		if key == "expires" || key == "max-age" {
			flag = "expires"
		}
		if flag != "" {
			flags = append(flags, flag)
		}
	}
	slices.Sort(flags)
	out := strings.TrimSpace(name)
	if !r.on[ruleCookieValues] {
		out += "=" + strings.TrimSpace(content)
	}
	return strings.Join(append([]string{out}, slices.Compact(flags)...), "; ")
}

func sortedList(s, sep string) string {
	parts := strings.Split(s, sep)
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	slices.Sort(parts)
	return strings.Join(parts, sep)
}

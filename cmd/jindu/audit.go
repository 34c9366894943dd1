package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	v1 "jindu.dev/jindu/api/v1"
)

func (c *cli) auditCmd() *cobra.Command {
	var o output
	var limit int
	var before int64
	var kindName, name string
	cmd := &cobra.Command{
		Use: "audit", Short: "Show who changed what, newest first", Args: exactly(),
		Long:    "Show every change of a spec and every transition of a status, newest first.",
		Example: "  jindu audit\n  jindu audit --kind Migration --name orders\n  jindu audit --limit 200 -o json\n  jindu audit --before 1042         the page before revision 1042",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			if before > 0 {
				query.Set("before", strconv.FormatInt(before, 10))
			}
			if kindName != "" {
				query.Set("kind", kindName)
			}
			if name != "" {
				query.Set("name", name)
			}
			var page v1.AuditPage
			if err := cl.do(cmd.Context(), http.MethodGet, "audit", query, nil, &page); err != nil {
				return err
			}
			return c.show(o, page, func() error { return c.printf("%s", auditText(page)) })
		},
	}
	o.flag(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "records at most")
	cmd.Flags().StringVar(&kindName, "kind", "", "only objects of this kind")
	cmd.Flags().StringVar(&name, "name", "", "only objects with this name")
	complete(cmd, "kind", "Service", "Instance", "Route", "Migration")
	cmd.Flags().Int64Var(&before, "before", 0, "only records before this revision")
	return c.remoteFlags(cmd)
}

func auditText(page v1.AuditPage) string {
	if len(page.Items) == 0 {
		return "There is no record.\n"
	}
	t := table{{"REVISION", "AT", "BY", "ACTION", "OBJECT", "CHANGE"}}
	for _, r := range page.Items {
		t = append(t, []string{strconv.FormatInt(r.Revision, 10), clock(r.At), r.By, r.Action, strings.ToLower(string(r.Kind)) + "/" + r.Name, changeWords(r.Before, r.After)})
	}
	text := t.String()
	if page.Next > 0 {
		text += fmt.Sprintf("\nOlder ones: jindu audit --before %d\n", page.Next)
	}
	return text
}

// maxChanges is how many changed fields a line shows.
const maxChanges = 3

// changeWords is what differs between two JSON objects: "weight 80 → 20, paused ∅ → true".
func changeWords(before, after json.RawMessage) string {
	if len(before) == 0 || len(after) == 0 {
		return ""
	}
	a, b := map[string]string{}, map[string]string{}
	flatten("", before, a)
	flatten("", after, b)
	keys := slices.Sorted(maps.Keys(a))
	for _, k := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	var words []string
	for _, k := range keys {
		if a[k] != b[k] {
			words = append(words, fmt.Sprintf("%s %s → %s", k, orNone(a[k]), orNone(b[k])))
		}
	}
	if more := len(words) - maxChanges; more > 0 {
		words = append(words[:maxChanges], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

func orNone(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	if s == "" {
		return "∅"
	}
	return s
}

// flatten notes the leaves of a JSON value by path; lists are leaves, so that a line stays short.
func flatten(path string, data json.RawMessage, into map[string]string) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || fields == nil {
		var b bytes.Buffer
		if json.Compact(&b, data) == nil {
			into[path] = strings.Trim(b.String(), `"`)
		}
		return
	}
	for k, v := range fields {
		if path != "" {
			k = path + "." + k
		}
		flatten(k, v, into)
	}
}

// countWords is the sum of counts and what it is made of.
func countWords(counts map[string]int64) string {
	total := int64(0)
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		total += counts[k]
		if counts[k] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", strings.ReplaceAll(k, "_", " "), counts[k]))
		}
	}
	if len(parts) == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%s)", total, strings.Join(parts, ", "))
}

// clock is a moment as a reader in any place understands it.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

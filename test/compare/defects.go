package main

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"jindu.dev/jindu/internal/migrate/compare"
)

// defect is one planted defect.
type defect struct {
	name     string
	endpoint int      // of service
	path     string   // where it shows: the unit that must be found
	echoes   []string // where it shows too; reporting them is neither right nor wrong
	// rate is the share of requests that meet it; when decides further.
	rate  float64
	when  func(req *request) bool
	plant func(r *reply, req *request, dice *rand.Rand)
}

// set is a defect that gives a member of the body another value.
func set(key string, change func(old any) any) func(*reply, *request, *rand.Rand) {
	return func(r *reply, _ *request, _ *rand.Rand) {
		if old, ok := r.body[key]; ok {
			r.body[key] = change(old)
		}
	}
}

func lose(key string) func(*reply, *request, *rand.Rand) {
	return func(r *reply, _ *request, _ *rand.Rand) { delete(r.body, key) }
}

func always(v any) func(any) any { return func(any) any { return v } }

func text(change func(string) string) func(any) any {
	return func(old any) any { return change(old.(string)) }
}

func number(change func(string) string) func(any) any {
	return func(old any) any { return json.Number(change(string(old.(json.Number)))) }
}

// cents changes an amount.
func cents(change func(int64) int64) func(any) any {
	return func(old any) any {
		n, err := strconv.ParseInt(strings.Replace(string(old.(json.Number)), ".", "", 1), 10, 64)
		if err != nil {
			panic(err) // a defect of this program
		}
		return money(change(n))
	}
}

// throughFloat is what a 64-bit id becomes on its way through a double.
func throughFloat(s string) string {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err) // a defect of this program
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// shifted moves a moment that is written in layout.
func shifted(layout string, by time.Duration) func(any) any {
	return text(func(s string) string {
		at, err := time.Parse(layout, s)
		if err != nil {
			panic(err) // a defect of this program
		}
		return at.Add(by).Format(layout)
	})
}

// elements changes members of the objects of a list.
func elements(list, key string, only int, change func(any) any) func(*reply, *request, *rand.Rand) {
	return func(r *reply, _ *request, _ *rand.Rand) {
		all, _ := r.body[list].([]any)
		for i := range all {
			if only < 0 || i == only {
				one := all[i].(object)
				one[key] = change(one[key])
			}
		}
	}
}

func shorten(list string) func(*reply, *request, *rand.Rand) {
	return set(list, func(old any) any {
		all := old.([]any)
		return all[:max(0, len(all)-1)]
	})
}

const millis = "2006-01-02T15:04:05.000Z07:00"

// defects are the forty kinds. Rates are those of real defects: some hit everybody, some one user class,
// one request in two hundred, or only what comes late.
var defects = []defect{
	{name: "rounding of money", endpoint: 0, path: "$.amount", rate: 0.3, plant: set("amount", cents(func(n int64) int64 { return n + 1 }))},
	{name: "lost field", endpoint: 0, path: "$.buyer.phone", rate: 1, plant: func(r *reply, _ *request, _ *rand.Rand) { delete(r.body["buyer"].(object), "phone") }},
	{name: "swapped enum", endpoint: 0, path: "$.status", rate: 1, plant: set("status", text(func(s string) string { return strings.Replace(s, "PAID", "SHIPPED", 1) }))},
	{name: "64-bit id through floating point", endpoint: 0, path: "$.id", rate: 1, plant: set("id", number(throughFloat))},
	{name: "time zone", endpoint: 0, path: "$.createdAt", rate: 1, plant: set("createdAt", shifted(millis, 8*time.Hour))},
	{name: "one user class loses its discount", endpoint: 0, path: "$.discount", rate: 1, when: func(req *request) bool { return req.subject%50 == 0 }, plant: set("discount", always(money(0)))},
	{name: "wrong currency, late", endpoint: 0, path: "$.currency", rate: 0.1, when: func(req *request) bool { return req.late > 0.7 }, plant: set("currency", always("USD"))},
	{name: "flaky field made worse", endpoint: 0, path: "$.cache", rate: 0.2, plant: set("cache", always("STALE"))},

	{name: "reversed order", endpoint: 1, path: "$.items", rate: 0.5, plant: set("items", func(old any) any {
		all := old.([]any)
		for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
			all[i], all[j] = all[j], all[i]
		}
		return all
	})},
	{name: "null for an empty list", endpoint: 1, path: "$.filters", rate: 1, plant: set("filters", always(nil))},
	{name: "last element lost", endpoint: 1, path: "$.items", rate: 0.1, plant: shorten("items")},
	{name: "page off by one", endpoint: 1, path: "$.page", rate: 1, plant: set("page", number(func(s string) string { return s + "0" }))},
	{name: "rare wrong total", endpoint: 1, path: "$.total", rate: 0.005, plant: set("total", always(whole(0)))},
	{name: "generated cursor cut short", endpoint: 1, path: "$.nextCursor", rate: 1, plant: set("nextCursor", text(func(s string) string { return s[:8] }))},
	{name: "trailing zero lost", endpoint: 1, path: "$.items[].price", rate: 1, plant: elements("items", "price", -1, number(func(s string) string { return strings.TrimSuffix(s, "0") }))},

	{name: "server error for some", endpoint: 2, path: "status", rate: 0.02, plant: func(r *reply, _ *request, _ *rand.Rand) { r.status, r.body = 500, object{"error": "oops"} }},
	{name: "jittering stock doubled", endpoint: 2, path: "$.stock", rate: 0.05, plant: set("stock", number(func(s string) string { return s + "0" }))},
	{name: "wrong element in a shuffled list", endpoint: 2, path: "$.related[]", rate: 0.2, plant: func(r *reply, _ *request, _ *rand.Rand) {
		if all, ok := r.body["related"].([]any); ok {
			all[0] = "P000000"
		}
	}},
	{name: "extra field", endpoint: 2, path: "$.debug", rate: 1, plant: func(r *reply, _ *request, _ *rand.Rand) {
		if r.status == 200 {
			r.body["debug"] = true
		}
	}},
	{name: "number as string", endpoint: 2, path: "$.rating", rate: 1, plant: set("rating", func(old any) any { return string(old.(json.Number)) })},
	{name: "escaped twice", endpoint: 2, path: "$.name", rate: 1, plant: set("name", text(func(s string) string { return strings.ReplaceAll(s, "&", "&amp;") }))},
	{name: "broken charset", endpoint: 2, path: "$.brand", rate: 1, plant: set("brand", text(func(s string) string {
		return strings.Map(func(r rune) rune {
			if r > 127 {
				return '?'
			}
			return r
		}, s)
	}))},

	{name: "time zone of a moment that varies", endpoint: 3, path: "$.lastSeen", rate: 1, plant: set("lastSeen", shifted(millis, 8*time.Hour))},
	{name: "null became absent", endpoint: 3, path: "$.nickname", rate: 1, plant: lose("nickname")},
	{name: "flag flipped for one class", endpoint: 3, path: "$.flags.beta", rate: 1, when: func(req *request) bool { return req.subject%100 == 7 }, plant: func(r *reply, _ *request, _ *rand.Rand) {
		r.body["flags"].(object)["beta"] = false
	}},
	{name: "case of an enum", endpoint: 3, path: "$.level", rate: 1, plant: set("level", text(strings.ToLower))},
	{name: "coupon lost", endpoint: 3, path: "$.coupons", rate: 0.05, plant: shorten("coupons")},
	{name: "32-bit overflow", endpoint: 3, path: "$.points", rate: 1, plant: set("points", number(func(s string) string {
		n, _ := strconv.ParseInt(s, 10, 64)
		return strconv.Itoa(int(int32(n)))
	}))},
	{name: "cookie without HttpOnly", endpoint: 3, path: "header:Set-Cookie", rate: 1, plant: func(r *reply, _ *request, _ *rand.Rand) {
		r.header["Set-Cookie"] = strings.Replace(r.header["Set-Cookie"], "; HttpOnly", "", 1)
	}},

	{name: "varying score rounded", endpoint: 4, path: "$.hits[].score", rate: 1, plant: elements("hits", "score", -1, number(func(s string) string { return strings.Split(s, ".")[0] }))},
	{name: "timeouts", endpoint: 4, path: "status", rate: 0.02, plant: func(r *reply, _ *request, _ *rand.Rand) { r.failure = compare.FailureTimeout }},
	{name: "content type", endpoint: 4, path: "header:Content-Type", rate: 1, plant: func(r *reply, _ *request, _ *rand.Rand) { r.header["Content-Type"] = "text/plain" }},
	{name: "wrong variant on a flaky field", endpoint: 4, path: "$.variant", rate: 0.15, plant: set("variant", always("red"))},
	{name: "shuffled list one short", endpoint: 4, path: "$.hits", rate: 0.1, plant: shorten("hits")},
	{name: "space trimmed", endpoint: 4, path: "$.q", rate: 1, plant: set("q", text(strings.TrimSpace))},
	{name: "wrong count in a facet", endpoint: 4, path: "$.facets.brand.acme", rate: 0.03, plant: func(r *reply, _ *request, _ *rand.Rand) {
		r.body["facets"].(object)["brand"].(object)["acme"] = whole(77)
	}},

	{name: "generated id in another form", endpoint: 5, path: "$.quoteId", echoes: []string{"$.lines[].quoteId"}, rate: 1, plant: set("quoteId", text(func(s string) string { return strings.TrimPrefix(s, "Q-") }))},
	{name: "generated id mixed up", endpoint: 5, path: "$.lines[].quoteId", echoes: []string{"$.quoteId"}, rate: 0.1, plant: func(r *reply, _ *request, dice *rand.Rand) {
		if all, ok := r.body["lines"].([]any); ok {
			all[len(all)-1].(object)["quoteId"] = "Q-" + uuid(dice)
		}
	}},
	{name: "varying moment in seconds", endpoint: 5, path: "$.expiresAt", rate: 1, plant: set("expiresAt", text(func(s string) string { return s[:19] + "Z" }))},
	{name: "tax rounded half to even", endpoint: 5, path: "$.tax", rate: 0.01, plant: set("tax", cents(func(n int64) int64 { return n - 1 }))},
	{name: "date off by one day", endpoint: 5, path: "$.validOn", rate: 0.3, plant: set("validOn", shifted("2006-01-02", -24*time.Hour))},
	{name: "optional field lost", endpoint: 5, path: "$.promo", rate: 1, plant: lose("promo")},
}

package demo

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/suggest"
)

// Call is a request that a defective service answers.
type Call struct {
	Endpoint string
	Query    func(name string) string
	Shadow   bool  // a copy: no user sees the answer
	Nth      int64 // among the live requests, from 1; 0 for a copy
}

// Answer is the right answer, which a defect spoils. Body is decoded JSON with numbers as json.Number.
type Answer struct {
	Status int
	Type   string
	Body   any
}

// Before is what a defect does instead of, or before, answering.
type Before struct {
	Refuse bool // with 503 and X-Jindu-Refused, before any effect
	Fail   bool // with 500, before any effect
	Delay  time.Duration
}

// Defect is a planted mistake of the new service.
type Defect struct {
	Name    string
	Summary string
	// Live defects do not show in copies, so they must be found while users are served.
	Live bool
	// Where the first difference must be found: an endpoint and beginnings of paths, or a gate.
	Endpoint string
	Paths    []string
	Gates    []string

	before func(Call) Before
	spoil  func(Call, *Answer)
}

// Before is what happens before the answer.
func (d *Defect) Before(c Call) Before {
	if d == nil || d.before == nil {
		return Before{}
	}
	return d.before(c)
}

// Spoil changes an answer.
func (d *Defect) Spoil(c Call, a *Answer) {
	if d != nil && d.spoil != nil && (d.Endpoint == "" || d.Endpoint == c.Endpoint) {
		d.spoil(c, a)
	}
}

// Found says whether a difference is the planted one.
func (d *Defect) Found(diff *Difference) bool {
	if diff == nil {
		return false
	}
	if gate, ok := strings.CutPrefix(diff.Path, gatePrefix); ok {
		return slices.Contains(d.Gates, gate)
	}
	return diff.Endpoint == d.Endpoint && slices.ContainsFunc(d.Paths, func(p string) bool { return strings.HasPrefix(diff.Path, p) })
}

// DefectNamed finds a defect; "" is none.
func DefectNamed(name string) (*Defect, error) {
	if name == "" {
		return nil, nil
	}
	all := Defects()
	names := make([]string, len(all))
	for i := range all {
		if all[i].Name == name {
			return &all[i], nil
		}
		names[i] = all[i].Name
	}
	hint := ""
	if near := suggest.Nearest(name, names); near != "" {
		hint = fmt.Sprintf(", did you mean %s", near)
	}
	return nil, kind.New(kind.Invalid, "JD-DEMO-001", "there is no defect %q%s: --defect list shows them", name, hint)
}

// fields spoils the body when it is an object.
func fields(f func(body map[string]any)) func(Call, *Answer) {
	return func(_ Call, a *Answer) {
		if body, ok := a.Body.(map[string]any); ok && a.Status < 300 {
			f(body)
		}
	}
}

// Defects lists every planted mistake, those that copies show first.
func Defects() []Defect {
	return []Defect{
		{Name: "rounding", Summary: "tax is rounded down, not half up", Endpoint: getQuote, Paths: []string{"$.tax", "$.total"}, spoil: fields(roundDown)},
		{Name: "lost-field", Summary: "a product has no sku", Endpoint: getProduct, Paths: []string{"$.sku"}, spoil: fields(func(b map[string]any) { delete(b, "sku") })},
		{Name: "swapped-enum", Summary: "orders under review are shown as created and the other way round", Endpoint: listOrders, Paths: []string{"$.orders[].status"}, spoil: fields(swapStatus)},
		{Name: "truncated-id", Summary: "64-bit order ids pass through a float", Endpoint: getOrder, Paths: []string{"$.id"}, spoil: fields(func(b map[string]any) { b["id"] = throughFloat(b["id"]) })},
		{Name: "time-zone", Summary: "an order's time is UTC, written as if it were Shanghai's", Endpoint: getOrder, Paths: []string{"$.createdAt"}, spoil: fields(shiftZone)},
		{Name: "item-order", Summary: "a page of products comes in another order", Endpoint: listProducts, Paths: []string{"$.items"}, spoil: fields(func(b map[string]any) { reverse(b["items"]) })},
		{Name: "null-for-empty", Summary: "an empty list of notices is null", Endpoint: getQuote, Paths: []string{"$.notices"}, spoil: fields(func(b map[string]any) { b["notices"] = nil })},
		{Name: "wrong-status", Summary: "a product that does not exist is answered 200, not 404", Endpoint: getProduct, Paths: []string{"status"}, spoil: func(_ Call, a *Answer) {
			if a.Status == 404 {
				a.Status = 200
			}
		}},
		{Name: "gold-users", Summary: "users of tier GOLD, one in five, get no discount", Endpoint: getQuote, Paths: []string{"$.discount", "$.tax", "$.total", "$.shipping"}, spoil: fields(noDiscount)},
		{Name: "stale-page", Summary: "pages of products after the first show yesterday's prices", Endpoint: listProducts, Paths: []string{"$.items[].price"}, spoil: stalePage},
		{Name: "charset", Summary: "characters beyond ASCII in a product's name become question marks", Endpoint: getProduct, Paths: []string{"$.name"}, spoil: fields(func(b map[string]any) { b["name"] = ascii(b["name"]) })},
		{Name: "text-price", Summary: "a product's price is a string, not a number", Endpoint: getProduct, Paths: []string{"$.price"}, spoil: fields(func(b map[string]any) {
			if n, ok := b["price"].(json.Number); ok {
				b["price"] = string(n)
			}
		})},
		{Name: "repeated-item", Summary: "an order shows its last item twice", Endpoint: getOrder, Paths: []string{"$.items"}, spoil: fields(func(b map[string]any) {
			if items, ok := b["items"].([]any); ok && len(items) > 0 {
				b["items"] = append(items, items[len(items)-1])
			}
		})},
		{Name: "content-type", Summary: "quotes are sent as text/plain", Endpoint: getQuote, Paths: []string{"header:Content-Type"}, spoil: func(_ Call, a *Answer) { a.Type = "text/plain; charset=utf-8" }},
		{Name: "lost-shipping", Summary: "a new order shows no cost of shipping", Endpoint: postOrder, Paths: []string{"$.shipping"}, spoil: fields(func(b map[string]any) {
			b["shipping"] = json.Number("0.00")
		})},

		{Name: "refusals", Summary: "live: every second request of a user is refused before any effect", Live: true, Gates: []string{"errors"}, before: func(c Call) Before {
			return Before{Refuse: c.Nth%2 == 1}
		}},
		{Name: "slowness", Summary: "live: requests of users take 1.5 s longer", Live: true, Gates: []string{"latency"}, before: func(c Call) Before {
			if c.Nth > 0 {
				return Before{Delay: 1500 * time.Millisecond}
			}
			return Before{}
		}},
		{Name: "late-mismatch", Summary: "live: after 60 requests of users, every product has a wrong price", Live: true, Endpoint: getProduct, Paths: []string{"$.price"}, spoil: func(c Call, a *Answer) {
			if b, ok := a.Body.(map[string]any); ok && c.Nth > 60 && a.Status == 200 {
				b["price"] = json.Number("0.99")
			}
		}},
		{Name: "late-errors", Summary: "live: after 60 requests of users, every third fails with 500", Live: true, Gates: []string{"errors"}, before: func(c Call) Before {
			return Before{Fail: c.Nth > 60 && c.Nth%3 == 0}
		}},
	}
}

func roundDown(b map[string]any) {
	subtotal, ok1 := cents(b["subtotal"])
	discount, ok2 := cents(b["discount"])
	shipping, ok3 := cents(b["shipping"])
	if ok1 && ok2 && ok3 {
		taxable := subtotal - discount
		tax := taxable * 65 / 1000
		b["tax"], b["total"] = number(tax), number(taxable+tax+shipping)
	}
}

func noDiscount(b map[string]any) {
	subtotal, ok1 := cents(b["subtotal"])
	tax, ok2 := cents(b["tax"])
	shipping, ok3 := cents(b["shipping"])
	if b["tier"] == "GOLD" && ok1 && ok2 && ok3 {
		b["discount"], b["total"] = number(0), number(subtotal+tax+shipping)
	}
}

func swapStatus(b map[string]any) {
	orders, _ := b["orders"].([]any)
	for _, o := range orders {
		if order, ok := o.(map[string]any); ok {
			order["status"] = map[any]string{"CREATED": "REVIEW", "REVIEW": "CREATED"}[order["status"]]
		}
	}
}

func shiftZone(b map[string]any) {
	text, _ := b["createdAt"].(string)
	if t, err := time.Parse(stampForm, text); err == nil {
		b["createdAt"] = t.UTC().Format("2006-01-02T15:04:05.000") + "+08:00"
	}
}

// stalePage shows yesterday's prices on every page but the first.
func stalePage(c Call, a *Answer) {
	b, _ := a.Body.(map[string]any)
	items, _ := b["items"].([]any)
	for _, i := range items {
		product, _ := i.(map[string]any)
		if price, ok := cents(product["price"]); ok && c.Query("page") != "1" {
			product["price"] = number(price - 5)
		}
	}
}

func throughFloat(v any) any {
	n, _ := v.(json.Number)
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return v
	}
	whole, _ := big.NewFloat(f).Int(nil)
	return json.Number(whole.String())
}

func reverse(v any) {
	if list, ok := v.([]any); ok {
		slices.Reverse(list)
	}
}

func ascii(v any) any {
	text, _ := v.(string)
	return strings.Map(func(r rune) rune {
		if r > 127 {
			return '?'
		}
		return r
	}, text)
}

func cents(v any) (int64, bool) {
	n, _ := v.(json.Number)
	whole, frac, ok := strings.Cut(string(n), ".")
	c, err := strconv.ParseInt(whole+frac, 10, 64)
	return c, ok && err == nil
}

func number(cents int64) json.Number { return json.Number(decimal(cents)) }

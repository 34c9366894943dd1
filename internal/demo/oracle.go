package demo

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"jindu.dev/jindu/examples/order-store/store"
	"jindu.dev/jindu/internal/load"
)

// Oracle makes the traffic and judges every answer. Safe for concurrent use.
type Oracle struct {
	catalogue catalogue
	ledger    *ledger
	zipf      *load.Zipf
	now       func() time.Time
	run       string // begins every request id of this run
	serial    atomic.Int64
	// exposing says that a wrong answer of the new service is the planted, live-only defect.
	exposing bool

	mu     sync.Mutex
	counts Counts
}

// Counts are what clients saw.
type Counts struct {
	Requests int64
	Errors   int64 // answers that the old service would not have given
	Exposed  int64 // those among the wrong ones that a live-only defect of the new service made
	New      int64 // answers that the new service made
	Wrong    []string
}

// maxWrong is how many wrong answers are kept as examples.
const maxWrong = 5

// NewOracle is an oracle for one run. run must differ between runs that share a store.
func NewOracle(run string, exposing bool, now func() time.Time) *Oracle {
	c := catalogue(store.Catalogue())
	return &Oracle{catalogue: c, ledger: newLedger(c), zipf: load.NewZipf(Users, 1), now: now, run: run, exposing: exposing}
}

// Counts tells what was judged until now.
func (o *Oracle) Counts() Counts {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.counts
	c.Wrong = slices.Clone(c.Wrong)
	return c
}

// Judge is the oracle's load.Check.
func (o *Oracle) Judge(req *load.Request, resp *load.Response, err error) string {
	q, _ := req.Note.(*question)
	var wrong string
	var byNew bool
	if err != nil {
		wrong = "no answer: " + err.Error()
	} else {
		wrong, byNew = o.judge(q, resp), strings.HasPrefix(resp.Header("Server"), NewServer)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts.Requests++
	if byNew {
		o.counts.New++
	}
	switch {
	case wrong == "":
		return ""
	case byNew && o.exposing:
		o.counts.Exposed++
		return "exposed"
	}
	o.counts.Errors++
	if len(o.counts.Wrong) < maxWrong {
		o.counts.Wrong = append(o.counts.Wrong, req.Method+" "+req.Target+": "+wrong)
	}
	return "wrong_answer"
}

// NewServer is how the new service names itself in the header Server.
const NewServer = "order-go"

func (o *Oracle) judge(q *question, resp *load.Response) string {
	body, err := decode(resp.Body)
	if err != nil {
		return "not JSON: " + err.Error()
	}
	if ct := resp.Header("Content-Type"); !strings.HasPrefix(ct, "application/json") {
		return fmt.Sprintf("content type %s, status %d: %.200s", ct, resp.Status, resp.Body)
	}
	status, want := http.StatusOK, any(nil)
	switch q.endpoint {
	case getProduct:
		status, want = o.product(q)
	case listProducts:
		want = o.page(q)
	case listOrders:
		want = o.userOrders(q)
	case getOrder:
		want = o.order(q.order.user, q.order.items, q.order.id, q.order.created)
	case getQuote:
		want = o.quote(q)
	case postOrder:
		return o.placed(q, resp.Status, body)
	}
	if resp.Status != status {
		return unlike("status", status, resp.Status)
	}
	return differs("$", want, body)
}

func (o *Oracle) product(q *question) (int, any) {
	if !o.catalogue.has(q.id) {
		return http.StatusNotFound, object{"error": "not_found"}
	}
	p := o.catalogue[q.id-1]
	tags := array{}
	for _, t := range p.Tags {
		tags = append(tags, t)
	}
	return http.StatusOK, object{
		"id": p.ID, "sku": p.SKU, "name": p.Name, "price": decimal(int64(p.Price)), "category": p.Category, "tags": tags,
		"stock":    within(p.Stock-o.ledger.takenOf(q.id).most, p.Stock-q.taken.least),
		"servedAt": momentWithin(q.sent, o.now()), "trace": check(traceID),
	}
}

func (o *Oracle) page(q *question) any {
	items := array{}
	for _, p := range o.catalogue[(q.id-1)*pageSize : q.id*pageSize] {
		tags := array{}
		for _, t := range p.Tags {
			tags = append(tags, t)
		}
		items = append(items, object{"id": p.ID, "sku": p.SKU, "name": p.Name, "price": decimal(int64(p.Price)), "category": p.Category, "tags": tags})
	}
	return object{"page": q.id, "items": items}
}

func (o *Oracle) lines(items []item) array {
	lines := array{}
	for _, it := range items {
		p := o.catalogue[it.product-1]
		lines = append(lines, object{"product": p.ID, "name": p.Name, "price": decimal(int64(p.Price)), "qty": it.qty, "amount": decimal(int64(p.Price) * it.qty)})
	}
	return lines
}

func (o *Oracle) totals(into object, user int64, items []item) (total int64) {
	p := o.catalogue.price(user, items)
	into["subtotal"], into["discount"], into["tax"] = decimal(p.subtotal), decimal(p.discount), decimal(p.tax)
	into["shipping"], into["total"] = decimal(p.shipping), decimal(p.total)
	return p.total
}

func (o *Oracle) quote(q *question) any {
	want := object{
		"user": q.user, "tier": tierOf(q.user), "items": o.lines(q.items), "currency": "CNY", "notices": array{},
		"servedAt": momentWithin(q.sent, o.now()), "trace": check(traceID),
	}
	o.totals(want, q.user, q.items)
	return want
}

// order is an order as clients see it; id and created may be checks.
func (o *Oracle) order(user int64, items []item, id, created any) object {
	want := object{"id": id, "user": user, "tier": tierOf(user), "items": o.lines(items), "createdAt": created, "note": nil}
	want["status"] = "CREATED"
	if o.totals(want, user, items) >= reviewAt {
		want["status"] = "REVIEW"
	}
	return want
}

// placed judges the answer to POST /orders and notes what it means for stock and lists.
func (o *Oracle) placed(q *question, status int, body any) string {
	switch {
	case q.order != nil: // a repeat: the same order again
		if status != http.StatusCreated {
			return unlike("status of a repeat", http.StatusCreated, status)
		}
		return differs("$", o.order(q.user, q.items, q.order.id, q.order.created), body)
	case status == http.StatusConflict:
		o.ledger.refused(q.attempt)
		return differs("$", object{"error": "sold_out", "product": check(func(got any) string { return o.soldOut(q, got) })}, body)
	case status != http.StatusCreated:
		return unlike("status", http.StatusCreated, status)
	}
	p := &placed{requestID: q.attempt.requestID, user: q.user, items: q.items}
	wrong := differs("$", o.order(q.user, q.items, check(func(got any) string {
		p.id, _ = integer(got)
		return within(1, 1<<63-1)(got)
	}), check(func(got any) string {
		p.created, _ = got.(string)
		return momentWithin(q.sent, o.now())(got)
	})), body)
	if wrong != "" {
		return wrong // what is wrong is not remembered as an order
	}
	o.ledger.placed(q.attempt, p)
	for i, it := range q.items {
		if stock := o.catalogue[it.product-1].Stock; stock-q.room[i].least < it.qty {
			return "an order for more than the stock"
		}
	}
	return ""
}

// soldOut says whether a product can have been sold out.
func (o *Oracle) soldOut(q *question, got any) string {
	id, _ := integer(got)
	i := slices.IndexFunc(q.items, func(it item) bool { return it.product == id })
	if i < 0 {
		return "a product that was not ordered"
	}
	if left := o.catalogue[id-1].Stock - o.ledger.takenOf(id).most; left >= q.items[i].qty {
		return "sold out with stock left"
	}
	return ""
}

// userOrders is the list of a user's orders: the newest first.
func (o *Oracle) userOrders(q *question) any {
	now := o.ledger.viewOf(q.user)
	return check(func(got any) string {
		fields, _ := got.(map[string]any)
		count, _ := integer(fields["count"])
		return differs("$", object{
			"user": q.user, "servedAt": momentWithin(q.sent, o.now()), "trace": check(traceID),
			"count":  within(q.view.least, now.most),
			"orders": check(func(got any) string { return o.list(q, now, count, got) }),
		}, got)
	})
}

func (o *Oracle) list(q *question, now view, count int64, got any) string {
	list, ok := got.([]any)
	if !ok || int64(len(list)) != min(count, listed) {
		return "want the newest ten of the orders counted"
	}
	last := int64(1<<63 - 1)
	shown := map[int64]bool{}
	for _, one := range list {
		fields, ok := one.(map[string]any)
		if !ok {
			return "want orders"
		}
		id, ok := integer(fields["id"])
		if !ok || id >= last {
			return "ids do not fall"
		}
		last = id
		shown[id] = true
		if wrong := o.listedOrder(q, now, id, fields); wrong != "" {
			return wrong
		}
	}
	for i, p := range q.view.newest {
		if i < listed && !shown[p.id] && (len(list) < listed || p.id > last) {
			return "an order is missing"
		}
	}
	return ""
}

// listedOrder judges one order of a list: a known one, or one that is under way now.
func (o *Oracle) listedOrder(q *question, now view, id int64, fields map[string]any) string {
	i := slices.IndexFunc(now.newest, func(p *placed) bool { return p.id == id })
	if i >= 0 {
		return differs("$.orders[]", o.order(q.user, now.newest[i].items, id, now.newest[i].created), fields)
	}
	wrong := "an order that nobody placed"
	for _, at := range now.underWay {
		if wrong = differs("$.orders[]", o.order(q.user, at.items, id, check(func(any) string { return "" })), fields); wrong == "" {
			return ""
		}
	}
	return wrong
}

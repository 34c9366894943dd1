package shop

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/load"
)

// What the buyers do.
const (
	Users    = 2000
	Products = 20
	// recent is how many orders the buyers remember to look at, cancel or call back.
	recent = 512
)

// Ledger makes the buyers' requests and remembers what they were told.
type Ledger struct {
	prefix string // of request ids: another run has others
	next   atomic.Int64
	now    func() time.Time

	mu           sync.Mutex
	acknowledged map[string]string // order id by request id
	unknown      map[string]bool   // requests without an answer: done or not
	latest       []known
	at           int
	counts       Counts
}

// known is an order that a buyer may come back to.
type known struct {
	id, user, transaction string
	total                 json.Number
}

// Counts are what the buyers met.
type Counts struct {
	Requests int64
	Orders   int64 // acknowledged
	SoldOut  int64
	Errors   int64    // answers that no shop should give
	Wrong    []string // the first of them, in words
}

// NewLedger makes an empty one.
func NewLedger(prefix string, now func() time.Time) *Ledger {
	return &Ledger{prefix: prefix, now: now, acknowledged: map[string]string{}, unknown: map[string]bool{}, latest: make([]known, 0, recent)}
}

// note is what a request is about.
type note struct {
	request string // of an order
	order   known  // of anything else
	what    string
}

// Next makes a request.
func (l *Ledger) Next(r *rand.Rand, req *load.Request) {
	known, any := l.some(r)
	switch n := r.IntN(100); {
	case n < 55 || !any:
		l.order(r, req)
	case n < 80:
		l.ask(req, "GET /orders/{id}", "GET", "/orders/"+known.id, "", note{order: known, what: "get"})
	case n < 90:
		l.ask(req, "GET /users/{id}/orders", "GET", "/users/"+known.user+"/orders", "", note{order: known, what: "list"})
	case n < 96:
		l.ask(req, "POST /orders/{id}/cancel", "POST", "/orders/"+known.id+"/cancel", "{}", note{order: known, what: "cancel"})
	default:
		body := fmt.Sprintf(`{"transaction":%q,"amount":%s}`, known.transaction, known.total)
		l.ask(req, "POST /callbacks/{id}", "POST", "/callbacks/"+known.id, body, note{order: known, what: "callback"})
	}
}

func (l *Ledger) order(r *rand.Rand, req *load.Request) {
	user := strconv.Itoa(1 + r.IntN(Users))
	id := l.prefix + strconv.FormatInt(l.next.Add(1), 36)
	req.Name, req.Method, req.Target = "POST /orders", "POST", "/orders"
	req.Header = append(req.Header, v1.Header{Name: "X-User-Id", Value: user}, v1.Header{Name: "X-Request-Id", Value: id}, v1.Header{Name: "Content-Type", Value: "application/json"})
	first := 1 + r.IntN(Products)
	channel := [...]string{"app", "mini", "web"}[r.IntN(3)]
	req.Body = fmt.Appendf(req.Body, `{"user":%s,"buyer":{"first":"Lin","last":"U%s"},"channel":%q,"items":[{"sku":%d,"qty":%d}`, user, user, channel, first, 1+r.IntN(3))
	if r.IntN(2) == 0 {
		req.Body = fmt.Appendf(req.Body, `,{"sku":%d,"qty":%d}`, 1+(first+r.IntN(Products-1))%Products, 1+r.IntN(2))
	}
	req.Body = append(req.Body, "]}"...)
	req.Note = note{request: id, what: "order", order: known{user: user}}
}

func (l *Ledger) ask(req *load.Request, name, method, target, body string, n note) {
	req.Name, req.Method, req.Target, req.Note = name, method, target, n
	req.Header = append(req.Header, v1.Header{Name: "X-User-Id", Value: n.order.user})
	if body != "" {
		req.Header = append(req.Header, v1.Header{Name: "Content-Type", Value: "application/json"})
		req.Body = append(req.Body, body...)
	}
}

// some is an order that a buyer knows.
func (l *Ledger) some(r *rand.Rand) (known, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.latest) == 0 {
		return known{}, false
	}
	return l.latest[r.IntN(len(l.latest))], true
}

// answer is what the shops say of an order.
type answer struct {
	ID      string      `json:"id"`
	Total   json.Number `json:"total"`
	Payment *struct {
		Transaction string `json:"transaction"`
	} `json:"payment"`
}

// Check judges an answer.
func (l *Ledger) Check(req *load.Request, resp *load.Response, err error) string {
	n, _ := req.Note.(note)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Requests++
	if err != nil {
		if n.what == "order" {
			l.unknown[n.request] = true
		}
		return l.wrong("no answer", req, fmt.Sprint(err))
	}
	var a answer
	switch {
	case n.what == "order" && resp.Status == 409:
		l.counts.SoldOut++
		return ""
	case n.what == "order" && resp.Status == 201:
		if json.Unmarshal(resp.Body, &a) != nil || a.ID == "" {
			return l.wrong("no id", req, string(resp.Body))
		}
		l.acknowledged[n.request] = a.ID
		l.counts.Orders++
		if a.Payment != nil { // else nobody could call back
			l.remember(known{id: a.ID, user: n.order.user, total: a.Total, transaction: a.Payment.Transaction})
		}
		return ""
	case n.what == "cancel" && (resp.Status == 200 || resp.Status == 409), n.what == "callback" && (resp.Status == 200 || resp.Status == 409):
		return ""
	case n.what == "get" && resp.Status == 200:
		if json.Unmarshal(resp.Body, &a) != nil || a.ID != n.order.id || a.Total != n.order.total {
			return l.wrong("another order", req, string(resp.Body))
		}
		return ""
	case n.what == "list" && resp.Status == 200:
		return ""
	}
	if n.what == "order" {
		l.unknown[n.request] = true
	}
	return l.wrong("status "+strconv.Itoa(resp.Status), req, string(resp.Body))
}

// remember keeps an order for the buyers to come back to; the oldest goes.
func (l *Ledger) remember(k known) {
	if len(l.latest) < recent {
		l.latest = append(l.latest, k)
		return
	}
	l.latest[l.at] = k
	l.at = (l.at + 1) % recent
}

func (l *Ledger) wrong(kind string, req *load.Request, detail string) string {
	l.counts.Errors++
	if len(l.counts.Wrong) < maxWrong {
		l.counts.Wrong = append(l.counts.Wrong, fmt.Sprintf("%s %s: %s: %.200s", req.Method, req.Target, kind, detail))
	}
	return kind
}

// Unknown are the requests for an order that got no answer: done or not.
func (l *Ledger) Unknown() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.unknown)
}

// Counts are what the buyers met so far.
func (l *Ledger) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts
	c.Wrong = append([]string(nil), c.Wrong...)
	return c
}

// Acknowledged are the orders that buyers were told of, by request.
func (l *Ledger) Acknowledged() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.acknowledged)
}

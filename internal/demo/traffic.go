package demo

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/examples/order-store/store"
	"jindu.dev/jindu/internal/load"
)

// Endpoints of the service, as Jindu names them.
const (
	getProduct   = "GET /products/{id}"
	listProducts = "GET /products"
	listOrders   = "GET /users/{id}/orders"
	getOrder     = "GET /orders/{id}"
	getQuote     = "GET /quote"
	postOrder    = "POST /orders"
)

// Templates are the path templates of the endpoints.
func Templates() []string {
	return []string{"/products/{id}", "/products", "/users/{id}/orders", "/orders/{id}", "/quote", "/orders"}
}

// shares of the mix, in percent; they sum to 100.
var mix = []struct {
	percent  int
	endpoint string
}{{25, getProduct}, {14, listProducts}, {17, listOrders}, {15, getOrder}, {16, getQuote}, {13, postOrder}}

const pageSize = 20

// question is what the oracle keeps of a request until its answer comes.
type question struct {
	endpoint string
	sent     time.Time
	user     int64
	id       int64 // product, page or order
	items    []item
	taken    taken    // of a product, when the question was sent
	room     []taken  // of each product of an order, likewise
	view     view     // of a user's list, likewise
	order    *placed  // the order asked for, or the one that a repeat must get
	attempt  *attempt // of a new order
}

// Next makes a request of the mix, for a user drawn by popularity.
func (o *Oracle) Next(r *rand.Rand, req *load.Request) {
	q := &question{user: o.zipf.Draw(r)}
	roll := r.IntN(100)
	for _, m := range mix {
		if q.endpoint = m.endpoint; roll < m.percent {
			break
		}
		roll -= m.percent
	}
	req.Method, req.Name = "GET", q.endpoint
	switch q.endpoint {
	case getProduct:
		// A few ask for what does not exist: the refusal is an answer too.
		q.id = 1 + r.Int64N(store.Products*106/100)
		if o.catalogue.has(q.id) {
			q.taken = o.ledger.takenOf(q.id)
		}
		req.Target = "/products/" + strconv.FormatInt(q.id, 10)
	case listProducts:
		q.id = 1 + r.Int64N(store.Products/pageSize)
		req.Target = "/products?page=" + strconv.FormatInt(q.id, 10)
	case listOrders:
		q.view = o.ledger.viewOf(q.user)
		req.Target = "/users/" + strconv.FormatInt(q.user, 10) + "/orders"
	case getOrder:
		q.order = o.ledger.some(r.Uint64())
		q.user = q.order.user
		req.Target = "/orders/" + strconv.FormatInt(q.order.id, 10)
	case getQuote:
		q.items = o.basket(r, 3)
		var b strings.Builder
		for i, it := range q.items {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%dx%d", it.product, it.qty)
		}
		req.Target = "/quote?user=" + strconv.FormatInt(q.user, 10) + "&items=" + b.String()
	case postOrder:
		o.place(r, q, req)
	}
	req.Header = append(req.Header, v1.Header{Name: "X-User-Id", Value: "u" + strconv.FormatInt(q.user, 10)})
	q.sent = o.now()
	req.Note = q
}

// place makes a new order, or one time in twenty-five repeats an earlier one, as a client does that lost the
// answer.
func (o *Oracle) place(r *rand.Rand, q *question, req *load.Request) {
	var id string
	if old := o.ledger.some(r.Uint64()); r.IntN(25) == 0 && old.requestID != "" {
		q.order, q.user, q.items, id = old, old.user, old.items, old.requestID
	} else {
		q.items = o.basket(r, 2)
		id = o.run + strconv.FormatInt(o.serial.Add(1), 10)
		q.attempt = &attempt{requestID: id, user: q.user, items: q.items}
		for _, it := range q.items {
			q.room = append(q.room, o.ledger.takenOf(it.product))
		}
		o.ledger.begin(q.attempt)
	}
	req.Method, req.Target = "POST", "/orders"
	req.Header = append(req.Header, v1.Header{Name: "X-Request-Id", Value: id}, v1.Header{Name: "Content-Type", Value: "application/json"})
	req.Body = fmt.Appendf(req.Body, `{"user":%d,"items":[`, q.user)
	for i, it := range q.items {
		if i > 0 {
			req.Body = append(req.Body, ',')
		}
		req.Body = fmt.Appendf(req.Body, `{"product":%d,"qty":%d}`, it.product, it.qty)
	}
	req.Body = append(req.Body, "]}"...)
}

// basket is one to most different products.
func (o *Oracle) basket(r *rand.Rand, most int) []item {
	first := r.Int64N(store.Products)
	items := make([]item, 1+r.IntN(most))
	for i := range items {
		items[i] = item{1 + (first+int64(i)*171)%store.Products, 1 + r.Int64N(3)}
	}
	return items
}

// Package shop is the new order service: the same requests and answers as examples/shop-java, on a database
// of its own, MariaDB or PostgreSQL, whose tables differ from the old one's in the ways that new schemas do.
//
//	POST /orders ─► place.go ─► one transaction: stock, order, items, message ─► charge.go ─► payment provider
//	POST /orders/{id}/cancel, POST /callbacks/{id} ─► change.go            GET ... ─► read.go
//
// Every transaction begins at the fence of package outbox, so that a user who went to the other side
// meanwhile is refused. Every statement carries the mark of its request (package effects). Each row has a
// version that rises with each change, and an owner: the side that may change it.
package shop

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"jindu.dev/jindu/sdk"
	"jindu.dev/jindu/sdk/outbox"
)

// Order is an order as clients see it.
type Order struct {
	ID        string   `json:"id"`
	User      int64    `json:"user"`
	Buyer     Buyer    `json:"buyer"`
	Status    string   `json:"status"`
	Items     []Item   `json:"items"`
	Discount  Cents    `json:"discount"`
	Total     Cents    `json:"total"`
	Payment   *Payment `json:"payment"`
	CreatedAt string   `json:"createdAt"`
}

// Buyer is who gets the goods.
type Buyer struct {
	First string `json:"first"`
	Last  string `json:"last"`
}

// Item is a line of an order.
type Item struct {
	SKU    int64  `json:"sku"`
	Name   string `json:"name"`
	Qty    int64  `json:"qty"`
	Price  Cents  `json:"price"`
	Amount Cents  `json:"amount"`
}

// Payment is how far the money is.
type Payment struct {
	Status      string `json:"status"`
	Transaction string `json:"transaction"`
}

// The states of orders and payments.
const (
	created   = "created"
	paid      = "paid"
	cancelled = "cancelled"

	pending  = "pending"
	refunded = "refunded"
	void     = "void"
)

// What is answered when there is nothing else to answer.
var (
	errInput      = errors.New("bad_request")
	errNotFound   = errors.New("not_found")
	errSoldOut    = errors.New("sold_out")
	errCancelled  = errors.New("cancelled")
	errOtherOwner = errors.New("other_owner")
)

// Service is one side's shop.
type Service struct {
	copies  *Service // the same, acting for the other side: see of
	db      *sql.DB
	options outbox.Options
	outbox  bool   // changes are captured by the outbox
	side    string // old or new
	letter  string // that ids begin with: J or G
	charges *charges
	defect  string
	log     *slog.Logger
	now     func() time.Time
}

// of is who serves a request. A copy of one is served as its own side would: it takes the other side's stock
// and changes the other side's orders, so that what it does compares. It stays without effect.
func (s *Service) of(r *http.Request) *Service {
	if _, shadow := sdk.ShadowOf(r); shadow {
		return s.copies
	}
	return s
}

// newID is an id that no side gives twice.
func (s *Service) newID() string {
	b := make([]byte, 10)
	_, _ = rand.Read(b) // it never fails
	return s.letter + hex.EncodeToString(b)
}

// moment is now, as exact as both databases keep it.
func (s *Service) moment() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// stamp writes a time as the old service does.
func stamp(t time.Time) string { return t.In(shanghai).Format("2006-01-02T15:04:05.000-07:00") }

// cost works out what an order costs: users of the gold tier, every fifth, get 3.5 % off.
func (o *Order) cost() {
	o.Total = 0
	for i := range o.Items {
		o.Items[i].Amount = o.Items[i].Price * Cents(o.Items[i].Qty)
		o.Total += o.Items[i].Amount
	}
	o.Discount = 0
	if o.User%5 == 0 {
		o.Discount = o.Total.share(35, 1000)
	}
	o.Total -= o.Discount
}

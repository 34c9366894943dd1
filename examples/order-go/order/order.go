// Package order is the new order service: the same answers as examples/order-java, from the same
// store. It keeps nothing itself.
package order

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Product is an entry of the catalogue.
type Product struct {
	ID       int64    `json:"id"`
	SKU      string   `json:"sku"`
	Name     string   `json:"name"`
	Price    Cents    `json:"price"`
	Category string   `json:"category"`
	Tags     []string `json:"tags"`
}

// Line is an item of a quote or order with its price.
type Line struct {
	Product int64  `json:"product"`
	Name    string `json:"name"`
	Price   Cents  `json:"price"`
	Qty     int64  `json:"qty"`
	Amount  Cents  `json:"amount"`
}

// Order is an order as clients see it.
type Order struct {
	ID     int64  `json:"id"`
	User   int64  `json:"user"`
	Tier   string `json:"tier"`
	Status string `json:"status"`
	Items  []Line `json:"items"`
	Totals
	CreatedAt string `json:"createdAt"`
	Note      *int   `json:"note"` // always null: kept because old clients read the key
}

type item struct {
	Product int64 `json:"product"`
	Qty     int64 `json:"qty"`
}

// storedOrder is an order as the store keeps it.
type storedOrder struct {
	ID            int64  `json:"id"`
	User          int64  `json:"user"`
	Items         []Line `json:"items"`
	CreatedMillis int64  `json:"createdMillis"`
}

// errNotFound means that what was asked for does not exist; errInput that the question is wrong.
var (
	errNotFound = errors.New("not_found")
	errInput    = errors.New("bad_request")
)

type soldOut struct{ product int64 }

func (soldOut) Error() string { return "sold_out" }

const reviewFrom Cents = 1000_00 // orders of 1,000.00 and more are looked at by a person

var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// stamp writes a time as the old service does.
func stamp(t time.Time) string { return t.In(shanghai).Format("2006-01-02T15:04:05.000-07:00") }

// Service answers from the store.
type Service struct {
	store *storeClient
	now   func() time.Time
}

// New is a service over the store at a URL such as http://127.0.0.1:7001.
func New(storeURL string, now func() time.Time) *Service {
	return &Service{store: newStoreClient(storeURL), now: now}
}

// price gives items the catalogue's names and prices.
func (s *Service) price(ctx context.Context, items []item) ([]Line, error) {
	ids := make([]string, len(items))
	for i, it := range items {
		ids[i] = strconv.FormatInt(it.Product, 10)
	}
	var found []Product
	if _, err := s.store.get(ctx, "/products?ids="+strings.Join(ids, ","), &found); err != nil {
		return nil, err
	}
	if len(found) != len(items) {
		return nil, fmt.Errorf("products %v: %w", ids, errNotFound)
	}
	lines := make([]Line, len(items))
	for i, p := range found {
		lines[i] = Line{Product: p.ID, Name: p.Name, Price: p.Price, Qty: items[i].Qty, Amount: p.Price * Cents(items[i].Qty)}
	}
	return lines, nil
}

// complete adds what a stored order costs.
func complete(o storedOrder) Order {
	lines := make([]Line, len(o.Items))
	for i, it := range o.Items {
		lines[i] = Line{Product: it.Product, Name: it.Name, Price: it.Price, Qty: it.Qty, Amount: it.Price * Cents(it.Qty)}
	}
	tier := tierOf(o.User)
	t := total(lines, tier)
	status := "CREATED"
	if t.Total >= reviewFrom {
		status = "REVIEW"
	}
	return Order{
		ID: o.ID, User: o.User, Tier: tier, Status: status, Items: lines, Totals: t,
		CreatedAt: stamp(time.UnixMilli(o.CreatedMillis)),
	}
}

// parseItems reads 17x2,33x1: two of product 17, one of product 33.
func parseItems(text string) ([]item, error) {
	var items []item
	for part := range strings.SplitSeq(text, ",") {
		id, qty, _ := strings.Cut(part, "x")
		p, err1 := strconv.ParseInt(id, 10, 64)
		q, err2 := strconv.ParseInt(qty, 10, 64)
		if err1 != nil || err2 != nil || q < 1 || q > 1000 {
			return nil, fmt.Errorf("items %q: %w", text, errInput)
		}
		items = append(items, item{p, q})
	}
	if len(items) > 50 {
		return nil, fmt.Errorf("%d items: %w", len(items), errInput)
	}
	return items, nil
}

// Package store keeps products, stock and orders in memory. It holds facts only: what was bought, by
// whom, when. Prices of an order, discounts and totals are the order service's to compute.
//
// A request id makes an order once: the same id again gets the same order, or the same refusal. What
// can change has a version, and a reader may ask for the state at one of the last versions, so that
// two services can be asked about the same state.
package store

import (
	"fmt"
	"strconv"
	"sync"
	"time"
)

// Cents is an amount of money in hundredths, written as a decimal: 1990 is 19.90.
type Cents int64

// MarshalJSON writes the amount as a JSON number with two decimals.
func (c Cents) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%d.%02d", c/100, c%100), nil }

// Product is an entry of the catalogue with its stock.
type Product struct {
	ID       int64    `json:"id"`
	SKU      string   `json:"sku"`
	Name     string   `json:"name"`
	Price    Cents    `json:"price"`
	Category string   `json:"category"`
	Tags     []string `json:"tags"`
	Stock    int64    `json:"stock"`
}

// Item is a product and how many of it.
type Item struct {
	Product int64 `json:"product"`
	Qty     int64 `json:"qty"`
}

// Line is an item as it was bought: with the name and the price of that moment.
type Line struct {
	Item
	Name  string `json:"name"`
	Price Cents  `json:"price"`
}

// Order is what was bought, by whom, when.
type Order struct {
	ID            int64  `json:"id"`
	User          int64  `json:"user"`
	Items         []Line `json:"items"`
	CreatedMillis int64  `json:"createdMillis"`
}

// Outcome is what became of a request to order: an order, or the product that was sold out.
type Outcome struct {
	Order   *Order
	SoldOut int64
}

// history is how many versions of a stock stay readable; maxOrders bounds the memory.
const (
	history   = 256
	maxOrders = 2_000_000
)

type stock struct {
	version int64
	recent  []int64 // stock at the last versions, the newest last
}

// Store is the whole state. It is safe for concurrent use.
type Store struct {
	now func() time.Time

	mu       sync.RWMutex
	products []Product // by id-1; Stock is the initial one
	stocks   []stock
	orders   map[int64]*Order
	byUser   map[int64][]*Order
	requests map[string]Outcome
	next     int64
}

// New is a store with the catalogue and the first orders.
func New(now func() time.Time) *Store {
	s := &Store{now: now, products: Catalogue(), orders: map[int64]*Order{}, byUser: map[int64][]*Order{}, requests: map[string]Outcome{}, next: firstOrder}
	s.stocks = make([]stock, len(s.products))
	for i, p := range s.products {
		s.stocks[i] = stock{version: 1, recent: []int64{p.Stock}}
	}
	for _, o := range Seed() {
		s.add(&o)
	}
	return s
}

func lines(products []Product, items []Item) []Line {
	all := make([]Line, len(items))
	for i, it := range items {
		p := products[it.Product-1]
		all[i] = Line{Item: it, Name: p.Name, Price: p.Price}
	}
	return all
}

func (s *Store) add(o *Order) {
	s.orders[o.ID] = o
	s.byUser[o.User] = append(s.byUser[o.User], o)
	s.next = o.ID + 7
}

// Product returns a product with its stock at a version, or now when at is 0 or no longer known.
func (s *Store) Product(id, at int64) (p Product, version int64, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if id < 1 || id > int64(len(s.products)) {
		return Product{}, 0, false
	}
	p, st := s.products[id-1], s.stocks[id-1]
	back := st.version - at
	if at <= 0 || back < 0 || back >= int64(len(st.recent)) {
		back = 0
	}
	p.Stock = st.recent[int64(len(st.recent))-1-back]
	return p, st.version - back, true
}

// Page returns a part of the catalogue; what it holds never changes, so it has no stock.
func (s *Store) Page(from, n int) []Product {
	from = min(max(from, 0), len(s.products))
	return s.products[from:min(from+n, len(s.products))]
}

// Order returns an order, which never changes.
func (s *Store) Order(id int64) (*Order, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, ok := s.orders[id]
	return o, ok
}

// UserOrders returns how many orders a user had at a version (0: now) and the newest n of them, newest
// first. The version is their number.
func (s *Store) UserOrders(user, at int64, n int) (newest []*Order, version int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := s.byUser[user]
	if at > 0 && at <= int64(len(all)) {
		all = all[:at]
	}
	newest = make([]*Order, 0, n)
	for i := len(all) - 1; i >= 0 && len(newest) < n; i-- {
		newest = append(newest, all[i])
	}
	return newest, int64(len(all))
}

// Place makes an order once per request id. A dry run changes nothing: it tells what the request id
// became, or would become. known says that the request id was seen before.
func (s *Store) Place(requestID string, user int64, items []Item, dry bool) (out Outcome, known bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if out, known = s.requests[requestID]; known {
		return out, true, nil
	}
	if len(s.requests) >= maxOrders {
		return Outcome{}, false, fmt.Errorf("the store holds %d requests, its bound: restart it", maxOrders)
	}
	need := map[int64]int64{}
	for _, it := range items {
		if it.Product < 1 || it.Product > int64(len(s.products)) || it.Qty < 1 || it.Qty > 1000 {
			return Outcome{}, false, fmt.Errorf("item %d x %d: no such product, or a quantity outside 1-1000", it.Product, it.Qty)
		}
		need[it.Product] += it.Qty
	}
	for _, it := range items {
		if s.left(it.Product) < need[it.Product] {
			out.SoldOut = it.Product
			break
		}
	}
	if out.SoldOut == 0 {
		out.Order = &Order{ID: s.next, User: user, Items: lines(s.products, items), CreatedMillis: s.now().UnixMilli()}
	}
	if dry {
		return out, false, nil
	}
	s.requests[requestID] = out
	if out.Order != nil {
		for id, qty := range need {
			s.take(id, qty)
		}
		s.add(out.Order)
	}
	return out, false, nil
}

func (s *Store) left(id int64) int64 {
	st := s.stocks[id-1]
	return st.recent[len(st.recent)-1]
}

func (s *Store) take(id, qty int64) {
	st := &s.stocks[id-1]
	st.version++
	st.recent = append(st.recent, st.recent[len(st.recent)-1]-qty)
	if len(st.recent) >= 2*history {
		st.recent = append([]int64(nil), st.recent[len(st.recent)-history:]...)
	}
}

// Version writes a version of something as text, such as p17:5.
func Version(kind byte, id, version int64) string {
	b := strconv.AppendInt([]byte{kind}, id, 10)
	return string(strconv.AppendInt(append(b, ':'), version, 10))
}

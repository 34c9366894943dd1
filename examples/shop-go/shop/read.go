package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

func (s *Service) row(ctx context.Context, query string, args ...any) *sql.Row {
	return s.db.QueryRowContext(ctx, s.bind(query), args...)
}

// orderOf is the order that a request made, sql.ErrNoRows when it made none.
func (s *Service) orderOf(ctx context.Context, request string) (*Order, error) {
	var id string
	if err := s.row(ctx, "SELECT id FROM orders WHERE request = ?", request).Scan(&id); err != nil {
		return nil, err
	}
	o, _, err := s.order(ctx, id)
	return o, err
}

// order reads an order, and the version of its row.
func (s *Service) order(ctx context.Context, id string) (*Order, string, error) {
	o := &Order{ID: id, Items: []Item{}}
	var when time.Time
	var version int64
	err := s.row(ctx, "SELECT user_id, buyer_first, buyer_last, status, created_at, version FROM orders WHERE id = ?", id).
		Scan(&o.User, &o.Buyer.First, &o.Buyer.Last, &o.Status, &when, &version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, id + ":0", errNotFound
	} else if err != nil {
		return nil, "", err
	}
	o.CreatedAt = stamp(when)
	if o.Items, err = s.items(ctx, id); err != nil {
		return nil, "", err
	}
	p := &Payment{}
	switch err := s.row(ctx, "SELECT status, provider_txn FROM payments WHERE order_id = ?", id).Scan(&p.Status, &p.Transaction); {
	case err == nil:
		o.Payment = p
	case !errors.Is(err, sql.ErrNoRows):
		return nil, "", err
	}
	o.cost()
	return o, fmt.Sprintf("%s:%d:%t", id, version, o.Payment != nil), nil
}

func (s *Service) items(ctx context.Context, id string) (items []Item, err error) {
	rows, err := s.db.QueryContext(ctx, s.bind(`SELECT i.sku, p.name, i.qty, i.price_cents FROM order_items i JOIN products p ON p.id = i.sku
		WHERE i.order_id = ? ORDER BY i.line`), id)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	items = []Item{}
	for rows.Next() {
		var it Item
		if err := rows.Scan(&it.SKU, &it.Name, &it.Qty, &it.Price); err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, rows.Err()
}

// userOrders are the newest twenty orders of a user, in short.
type userOrders struct {
	User   int64        `json:"user"`
	Count  int64        `json:"count"`
	Orders []shortOrder `json:"orders"`
}

type shortOrder struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	CreatedAt string `json:"createdAt"`
}

func (s *Service) ordersOf(ctx context.Context, user int64) (u *userOrders, state string, err error) {
	u = &userOrders{User: user, Orders: []shortOrder{}}
	var versions int64
	err = s.row(ctx, "SELECT COUNT(*), COALESCE(SUM(version), 0) FROM orders WHERE user_id = ?", user).Scan(&u.Count, &versions)
	if err != nil {
		return nil, "", err
	}
	rows, err := s.db.QueryContext(ctx, s.bind("SELECT id, status, created_at FROM orders WHERE user_id = ? ORDER BY created_at DESC, id DESC LIMIT 20"), user)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var o shortOrder
		var when time.Time
		if err := rows.Scan(&o.ID, &o.Status, &when); err != nil {
			return nil, "", err
		}
		o.CreatedAt = stamp(when)
		u.Orders = append(u.Orders, o)
	}
	return u, fmt.Sprintf("u%d:%d:%d", user, u.Count, versions), rows.Err()
}

// stockOf is what there is of a product, whoever may sell it.
type stockOf struct {
	SKU       int64  `json:"sku"`
	Name      string `json:"name"`
	Price     Cents  `json:"price"`
	Available int64  `json:"available"`
}

func (s *Service) stock(ctx context.Context, sku int64) (*stockOf, string, error) {
	a := &stockOf{SKU: sku}
	err := s.row(ctx, "SELECT name, price_cents FROM products WHERE id = ?", sku).Scan(&a.Name, &a.Price)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Sprintf("s%d:0", sku), errNotFound
	} else if err != nil {
		return nil, "", err
	}
	var versions int64
	err = s.row(ctx, "SELECT COALESCE(SUM(available), 0), COALESCE(SUM(version), 0) FROM stock WHERE sku = ?", sku).Scan(&a.Available, &versions)
	return a, fmt.Sprintf("s%d:%d", sku, versions), err
}

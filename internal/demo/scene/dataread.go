package scene

import (
	"context"
	"database/sql"
	"fmt"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/demo/shop"
)

// questions are what the Judge asks one side's database; both forms answer alike.
type questions struct{ orders, stock, sold, messages string }

var (
	askOld = questions{
		orders:   "SELECT id, request, uid, CASE status WHEN 'C' THEN 'created' WHEN 'P' THEN 'paid' ELSE 'cancelled' END, CAST(total * 100 AS SIGNED) FROM orders",
		stock:    "SELECT sku, SUM(available) FROM stock GROUP BY sku",
		sold:     "SELECT i.sku, SUM(i.qty) FROM order_items i JOIN orders o ON o.id = i.order_id WHERE o.status <> 'X' GROUP BY i.sku",
		messages: "SELECT order_id, COUNT(*) FROM messages GROUP BY order_id",
	}
	askNew = questions{
		orders:   "SELECT id, request, user_id, status, total_cents FROM orders",
		stock:    "SELECT sku, SUM(available) FROM stock GROUP BY sku",
		sold:     "SELECT i.sku, SUM(i.qty) FROM order_items i JOIN orders o ON o.id = i.order_id WHERE o.status <> 'cancelled' GROUP BY i.sku",
		messages: askMessages,
	}
)

const askMessages = "SELECT order_id, COUNT(*) FROM messages GROUP BY order_id"

// shopTables are the tables of both sides.
var shopTables = []string{"products", "stock", "orders", "order_items", "payments", "messages"}

// Rows reads what a side's database holds.
func (s *dataStage) Rows(ctx context.Context, side string) (shop.Rows, error) {
	db, ask := s.old, askOld
	if side == v1.SideNew {
		db, ask = s.fresh, askNew
	}
	// One snapshot, or an order could be counted whose stock is not.
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return shop.Rows{}, fmt.Errorf("read the %s side: %w", side, err)
	}
	defer func() { _ = tx.Rollback() }() // it only read
	out := shop.Rows{Orders: map[string]shop.Order{}, Stock: map[string]int64{}, Sold: map[string]int64{}, Messages: map[string]int{}, Counts: map[string]int64{}}
	err = forEach(ctx, tx, ask.orders, func(rows *sql.Rows) error {
		var id string
		var o shop.Order
		if err := rows.Scan(&id, &o.Request, &o.User, &o.Status, &o.Cents); err != nil {
			return err
		}
		out.Orders[id] = o
		return nil
	})
	for query, into := range map[string]map[string]int64{ask.stock: out.Stock, ask.sold: out.Sold} {
		if err != nil {
			break
		}
		err = forEach(ctx, tx, query, func(rows *sql.Rows) error {
			var name string
			var n int64
			if err := rows.Scan(&name, &n); err != nil {
				return err
			}
			into[name] = n
			return nil
		})
	}
	if err == nil {
		err = forEach(ctx, tx, ask.messages, func(rows *sql.Rows) error {
			var id string
			var n int
			if err := rows.Scan(&id, &n); err != nil {
				return err
			}
			out.Messages[id] = n
			return nil
		})
	}
	for _, table := range shopTables {
		if err != nil {
			break
		}
		var n int64
		err = tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n)
		out.Counts[table] = n
	}
	if err != nil {
		return shop.Rows{}, fmt.Errorf("read the %s side: %w", side, err)
	}
	return out, nil
}

// forEach calls f for each row of a query.
func forEach(ctx context.Context, tx *sql.Tx, query string, f func(*sql.Rows) error) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Spoil changes the channel of n orders on the new side by hand.
func (s *dataStage) Spoil(ctx context.Context, n int) ([]string, error) {
	var ids []string
	rows, err := s.fresh.QueryContext(ctx, fmt.Sprintf("SELECT id FROM orders WHERE channel <> 'spoilt' ORDER BY id LIMIT %d", n))
	if err != nil {
		return nil, fmt.Errorf("choose orders: %w", err)
	}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("choose orders: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("choose orders: %w", err)
	}
	for _, id := range ids {
		if _, err := s.fresh.ExecContext(ctx, "UPDATE orders SET channel = 'spoilt' WHERE id = '"+id+"'"); err != nil { //nolint:gosec // an id of ours
			return nil, fmt.Errorf("spoil order %s: %w", id, err)
		}
	}
	return ids, nil
}

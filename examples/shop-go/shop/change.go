package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"jindu.dev/jindu/sdk/outbox"
)

// held is an order that a transaction has to itself.
type held struct {
	status string
	total  Cents
	state  string // the version of its row, before the change
}

// hold locks an order that this side owns.
func (w *work) hold(ctx context.Context, id string) (held, error) {
	var h held
	var owner string
	var version int64
	err := w.row(ctx, "SELECT status, total_cents, owner, version FROM orders WHERE id = ? FOR UPDATE", id).Scan(&h.status, &h.total, &owner, &version)
	h.state = fmt.Sprintf("%s:%d", id, version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return h, errNotFound
	case err == nil && owner != w.service.side:
		return h, errOtherOwner
	}
	return h, err
}

// setStatus moves an order and, when it has one, its payment to a new state.
func (w *work) setStatus(ctx context.Context, id, status, payment string) error {
	s := w.service
	bump := "version + 1"
	if s.defect == StaleVersion {
		bump = "version"
	}
	_, err := w.exec(ctx, "UPDATE orders SET status = ?, changed_at = ?, version = "+bump+" WHERE id = ?", status, s.moment(), id)
	if err != nil {
		return err
	}
	if err := w.record(ctx, "orders", outbox.Update, outbox.Row{"id": id}); err != nil || payment == "" || s.defect == ForgottenPayment {
		return err
	}
	var pid string
	err = w.row(ctx, "SELECT id FROM payments WHERE order_id = ?", id).Scan(&pid)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	if _, err := w.exec(ctx, "UPDATE payments SET status = ?, changed_at = ?, version = version + 1 WHERE id = ?", payment, s.moment(), pid); err != nil {
		return err
	}
	return w.record(ctx, "payments", outbox.Update, outbox.Row{"id": pid})
}

// cancel gives the goods back to the stock that they came from. Of a paid order it says that money goes back.
func (s *Service) cancel(ctx context.Context, id string) (state string, err error) {
	err = s.inTransaction(ctx, func(w *work) error {
		o, err := w.hold(ctx, id)
		state = o.state
		if err != nil || o.status == cancelled {
			return err
		}
		payment, refund := void, Cents(0)
		if o.status == paid {
			payment, refund = refunded, o.total
		}
		if err := w.setStatus(ctx, id, cancelled, payment); err != nil {
			return err
		}
		if s.defect != KeptStock {
			if err := w.giveBack(ctx, id); err != nil {
				return err
			}
		}
		if s.defect == NoRefund && refund > 0 {
			return nil
		}
		return w.send(ctx, "order.cancelled", message{Order: id, Refund: &refund})
	})
	return state, err
}

func (w *work) giveBack(ctx context.Context, id string) error {
	s := w.service
	rows, err := w.QueryContext(ctx, s.bind("SELECT sku, qty, stock_side FROM order_items WHERE order_id = ? ORDER BY sku"), id)
	if err != nil {
		return err
	}
	type taken struct {
		sku, qty int64
		side     string
	}
	var all []taken
	for rows.Next() {
		var t taken
		if err := rows.Scan(&t.sku, &t.qty, &t.side); err != nil {
			return errors.Join(err, rows.Close())
		}
		all = append(all, t)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, t := range all {
		n, err := w.exec(ctx, `UPDATE stock SET available = available + ?, changed_at = ?, version = version + 1
			WHERE sku = ? AND side = ? AND owner = ?`, t.qty, s.moment(), t.sku, t.side, s.side)
		if err != nil {
			return err
		}
		if n == 0 {
			return errOtherOwner
		}
		if err := w.record(ctx, "stock", outbox.Update, outbox.Row{"sku": t.sku, "side": t.side}); err != nil {
			return err
		}
	}
	return nil
}

// confirm is what the payment provider says when the money is there. It may say so more than once.
func (s *Service) confirm(ctx context.Context, id, transaction string, amount Cents) (state string, err error) {
	err = s.inTransaction(ctx, func(w *work) error {
		o, err := w.hold(ctx, id)
		state = o.state
		switch {
		case err != nil:
			return err
		case o.status == cancelled:
			return errCancelled
		case o.status == paid && s.defect != DoubleCallback:
			return nil
		}
		if err := w.keepPayment(ctx, id, transaction, amount); err != nil {
			return err
		}
		if err := w.setStatus(ctx, id, paid, paid); err != nil {
			return err
		}
		return w.send(ctx, "order.paid", message{Order: id, Amount: &amount})
	})
	return state, err
}

// keepPayment writes a payment unless it is there already.
func (w *work) keepPayment(ctx context.Context, order, transaction string, amount Cents) error {
	s := w.service
	var n int
	if err := w.row(ctx, "SELECT COUNT(*) FROM payments WHERE order_id = ?", order).Scan(&n); err != nil || n > 0 {
		return err
	}
	if s.defect == PaymentUnit {
		amount /= 100
	}
	id := s.newID()
	_, err := w.exec(ctx, "INSERT INTO payments (id, order_id, amount_cents, provider_txn, status, changed_at, version) VALUES (?, ?, ?, ?, ?, ?, 1)",
		id, order, amount, transaction, pending, s.moment())
	if err != nil {
		return err
	}
	return w.record(ctx, "payments", outbox.Insert, outbox.Row{"id": id})
}

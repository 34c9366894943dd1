package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"jindu.dev/jindu/sdk/outbox"
)

// placement is what a client asks for.
type placement struct {
	User    int64  `json:"user"`
	Buyer   Buyer  `json:"buyer"`
	Channel string `json:"channel"`
	Items   []struct {
		SKU int64 `json:"sku"`
		Qty int64 `json:"qty"`
	} `json:"items"`
}

func (p *placement) check() error {
	seen := map[int64]bool{}
	for _, it := range p.Items {
		if it.Qty < 1 || it.Qty > 100 || seen[it.SKU] {
			return errInput
		}
		seen[it.SKU] = true
	}
	if p.User < 1 || len(p.Items) == 0 || len(p.Items) > 20 || !name(p.Buyer.First) || !name(p.Buyer.Last) || len(p.Channel) > 16 {
		return errInput
	}
	return nil
}

// name says whether the old schema can keep a name: it joins first and last with |.
func name(s string) bool {
	return s != "" && len([]rune(s)) <= 40 && !slices.Contains([]rune(s), '|')
}

// place makes an order once per request id, and charges for it. state says whether there was one already.
func (s *Service) place(ctx context.Context, request string, p *placement) (o *Order, state string, err error) {
	if err := p.check(); err != nil || request == "" || len(request) > 64 {
		return nil, "", errInput
	}
	o, err = s.orderOf(ctx, request)
	state = fmt.Sprintf("r%s:%t", request, err == nil)
	if errors.Is(err, sql.ErrNoRows) {
		if o, err = s.priced(ctx, p); err != nil {
			return nil, state, err
		}
		err = s.inTransaction(ctx, func(w *work) error { return w.place(ctx, request, o, p) })
		if err != nil && !errors.Is(err, outbox.ErrFenced) && !errors.Is(err, errSoldOut) {
			// The same request may have been quicker on another connection.
			if other, e := s.orderOf(ctx, request); e == nil {
				o, err = other, nil
			}
		}
	}
	if err != nil {
		return nil, state, err
	}
	if o.Payment == nil && o.Status == created {
		s.charge(ctx, o)
	}
	return o, state, nil
}

// priced is the order that a placement would become.
func (s *Service) priced(ctx context.Context, p *placement) (*Order, error) {
	now := s.moment()
	o := &Order{ID: s.newID(), User: p.User, Buyer: p.Buyer, Status: created, CreatedAt: stamp(now)}
	for _, it := range p.Items {
		item := Item{SKU: it.SKU, Qty: it.Qty}
		err := s.row(ctx, "SELECT name, price_cents FROM products WHERE id = ?", it.SKU).Scan(&item.Name, &item.Price)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, errNotFound
		} else if err != nil {
			return nil, err
		}
		o.Items = append(o.Items, item)
	}
	o.cost()
	return o, nil
}

// place takes the goods out of stock, writes the order, and says so in a message.
func (w *work) place(ctx context.Context, request string, o *Order, p *placement) error {
	s := w.service
	now := s.moment()
	from := make([]string, len(o.Items)) // whose stock each item came from
	for _, i := range bySKU(o.Items) {   // always in one order, so that two orders do not wait for each other
		side, err := w.take(ctx, o.Items[i].SKU, o.Items[i].Qty)
		if err != nil {
			return err
		}
		from[i] = side
	}
	row := s.spoiled(defectRow{channel: p.Channel, total: o.Total, owner: s.side, created: now})
	_, err := w.exec(ctx, `INSERT INTO orders (id, request, user_id, buyer_first, buyer_last, channel, status, total_cents, created_at, changed_at, owner, version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
		o.ID, request, o.User, o.Buyer.First, o.Buyer.Last, row.channel, o.Status, row.total, row.created, now, row.owner)
	if err != nil {
		return err
	}
	if err := w.record(ctx, "orders", outbox.Insert, outbox.Row{"id": o.ID}); err != nil {
		return err
	}
	for i, it := range o.Items {
		if s.defect == MissingItem && i > 0 && i == len(o.Items)-1 {
			break
		}
		if s.defect == WrongSide {
			from[i] = other(from[i])
		}
		_, err := w.exec(ctx, "INSERT INTO order_items (order_id, line, sku, qty, price_cents, stock_side) VALUES (?, ?, ?, ?, ?, ?)",
			o.ID, i+1, it.SKU, it.Qty, it.Price, from[i])
		if err != nil {
			return err
		}
		if err := w.record(ctx, "order_items", outbox.Insert, outbox.Row{"order_id": o.ID, "line": i + 1}); err != nil {
			return err
		}
	}
	return w.sayPlaced(ctx, o)
}

func (w *work) sayPlaced(ctx context.Context, o *Order) error {
	total := o.Total
	m := message{Order: o.ID, User: o.User, Items: len(o.Items), Total: &total}
	switch w.service.defect {
	case NoMessage:
		return nil
	case WrongMessage:
		total += o.Discount + 1
	case DoubleRow:
		if err := w.send(ctx, "order.created", m); err != nil {
			return err
		}
	}
	return w.send(ctx, "order.created", m)
}

// take takes goods out of stock that this side owns, its own allotment first.
func (w *work) take(ctx context.Context, sku, qty int64) (side string, err error) {
	s := w.service
	for _, side := range []string{s.side, other(s.side)} {
		taken, err := w.deduct(ctx, sku, side, qty)
		if err != nil {
			return "", err
		}
		if taken {
			return side, w.record(ctx, "stock", outbox.Update, outbox.Row{"sku": sku, "side": side})
		}
	}
	return "", errSoldOut
}

func (w *work) deduct(ctx context.Context, sku int64, side string, qty int64) (bool, error) {
	s := w.service
	switch s.defect {
	case LostUpdate:
		return w.deductRead(ctx, sku, side, qty)
	case WrongSKU:
		sku = sku%Products + 1
	}
	n, err := w.exec(ctx, `UPDATE stock SET available = available - ?, changed_at = ?, version = version + 1
		WHERE sku = ? AND side = ? AND owner = ? AND available >= ?`, qty, s.moment(), sku, side, s.side, qty)
	return n == 1, err
}

// bySKU are the indices of items in order of their SKU.
func bySKU(items []Item) []int {
	at := make([]int, len(items))
	for i := range at {
		at[i] = i
	}
	slices.SortFunc(at, func(a, b int) int { return int(items[a].SKU - items[b].SKU) })
	return at
}

func other(side string) string {
	if side == "old" {
		return "new"
	}
	return "old"
}

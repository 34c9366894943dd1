package shop

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// The defects that can be planted. Each leaves the answer of its request as it should be.
const (
	WrongRow         = "wrong-row"
	DoubleRow        = "double-row"
	LostUpdate       = "lost-update"
	NoMessage        = "no-message"
	DoubleCall       = "double-call"
	Rounding         = "db-rounding"
	WrongOwner       = "wrong-owner"
	MissingItem      = "missing-item"
	StaleVersion     = "stale-version"
	WrongSKU         = "wrong-sku"
	WrongSide        = "wrong-side"
	PaymentUnit      = "payment-unit"
	WrongCharge      = "wrong-charge"
	WrongMessage     = "wrong-message"
	KeptStock        = "kept-stock"
	NoRefund         = "no-refund"
	ForgottenPayment = "forgotten-payment"
	DoubleCallback   = "double-callback"
	WrongZone        = "wrong-zone"
)

// Defect is something that may be wrong with the new shop.
type Defect struct {
	Name     string
	Says     string
	Endpoint string // of the request that does it
}

const (
	placing    = "POST /orders"
	cancelling = "POST /orders/{id}/cancel"
	confirming = "POST /callbacks/{id}"
)

// Defects lists them.
func Defects() []Defect {
	return []Defect{
		{WrongRow, "the order's channel is written as web, whatever it was", placing},
		{DoubleRow, "the message of a new order is written twice", placing},
		{LostUpdate, "stock is set to a number worked out from one read before, not taken from", placing},
		{NoMessage, "no message tells of a new order", placing},
		{DoubleCall, "the provider is asked for the money twice", placing},
		{Rounding, "the total is rounded to whole units, in the database alone", placing},
		{WrongOwner, "the order says that the old side owns it", placing},
		{MissingItem, "the last of several items is not written", placing},
		{WrongSKU, "another product's stock is taken from", placing},
		{WrongSide, "the items name the wrong side's stock", placing},
		{PaymentUnit, "the payment is written in units instead of cents", placing},
		{WrongCharge, "the provider is asked for a cent less", placing},
		{WrongMessage, "the message names a wrong total", placing},
		{WrongZone, "the time of the order is written eight hours late", placing},
		{KeptStock, "a cancelled order does not give its goods back", cancelling},
		{NoRefund, "no message tells that the money of a cancelled order goes back", cancelling},
		{ForgottenPayment, "the payment stays as it was when its order changes", confirming},
		{StaleVersion, "a changed order keeps its version", confirming},
		{DoubleCallback, "a callback that comes again is booked again", confirming},
	}
}

// defectRow is what of an order's row may be spoiled.
type defectRow struct {
	channel string
	total   Cents
	owner   string
	created time.Time
}

// spoiled is the row as the planted defect writes it.
func (s *Service) spoiled(r defectRow) defectRow {
	switch s.defect {
	case WrongRow:
		r.channel = "web"
	case Rounding:
		r.total = (r.total + 50) / 100 * 100
	case WrongOwner:
		r.owner = other(s.side)
	case WrongZone:
		r.created = r.created.Add(8 * time.Hour)
	}
	return r
}

// deductRead is how stock gets lost: what another order takes between the two statements comes back.
func (w *work) deductRead(ctx context.Context, sku int64, side string, qty int64) (bool, error) {
	s := w.service
	var available int64
	err := s.row(ctx, "SELECT available FROM stock WHERE sku = ? AND side = ? AND owner = ?", sku, side, s.side).Scan(&available)
	if errors.Is(err, sql.ErrNoRows) || err == nil && available < qty {
		return false, nil
	} else if err != nil {
		return false, err
	}
	if err := pause(ctx); err != nil {
		return false, err
	}
	n, err := w.exec(ctx, "UPDATE stock SET available = ?, changed_at = ?, version = version + 1 WHERE sku = ? AND side = ? AND owner = ?",
		available-qty, s.moment(), sku, side, s.side)
	return n == 1, err
}

// pause is the time that a slow program takes to think.
func pause(ctx context.Context) error {
	t := time.NewTimer(2 * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

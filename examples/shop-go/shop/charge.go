package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"jindu.dev/jindu/sdk/effects"
)

// charges is the payment provider.
type charges struct {
	base string
	http *http.Client
}

// newCharges is the provider at a URL. It knows what a shadow is, so calls of shadows may go there.
func newCharges(base string) *charges {
	t := &effects.Transport{Base: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}}
	if u, err := url.Parse(base); err == nil {
		t.Forward = []string{u.Host}
	}
	return &charges{base, &http.Client{Timeout: 5 * time.Second, Transport: t}}
}

// charge asks for the money of an order. The provider does it once per key.
func (c *charges) charge(ctx context.Context, order, key string, amount Cents) (transaction string, err error) {
	body, err := json.Marshal(struct {
		Order  string `json:"order"`
		Amount Cents  `json:"amount"`
	}{order, amount})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/charges", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("provider answered %d", resp.StatusCode)
	}
	var said struct{ Transaction string }
	return said.Transaction, json.Unmarshal(raw, &said)
}

// charge asks for the money of an order that stands already. What fails now is made good by the callback, or
// by the client who asks again with the same request id.
func (s *Service) charge(ctx context.Context, o *Order) {
	amount := o.Total
	if s.defect == WrongCharge {
		amount--
	}
	transaction, err := s.charges.charge(ctx, o.ID, o.ID, amount)
	if err == nil && s.defect == DoubleCall {
		_, err = s.charges.charge(ctx, o.ID, o.ID+"-2", amount)
	}
	if err != nil {
		s.log.Warn("charge failed", "order", o.ID, "error", err)
		return
	}
	o.Payment = &Payment{Status: pending, Transaction: transaction}
	err = s.inTransaction(ctx, func(w *work) error { return w.keepPayment(ctx, o.ID, transaction, o.Total) })
	if err != nil { // the order is placed and the money asked for: the callback will bring the payment again
		s.log.Warn("payment not kept", "order", o.ID, "error", err)
	}
}

// Package payment stands for a payment provider: it books each charge once per Idempotency-Key, and books
// nothing of a copy of a request, which it answers all the same.
//
//	POST /charges {"order": "G12", "amount": 39.80}    Idempotency-Key: G12    [X-Jindu-Shadow: migration]
//	  -> 200 {"order": "G12", "amount": 39.80, "transaction": "T5feceb66ffc86f38", "status": "accepted"}
//	GET /charges -> {"asked": 3, "shadows": 1, "booked": 2, "charges": [...]}
package payment

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"jindu.dev/jindu/sdk"
)

// Charge is one charge that was booked.
type Charge struct {
	Order       string      `json:"order"`
	Amount      json.Number `json:"amount"`
	Transaction string      `json:"transaction"`
	Status      string      `json:"status"`
	Key         string      `json:"key,omitempty"`
	Asked       int         `json:"asked,omitempty"` // how often
}

// Book is what GET /charges answers.
type Book struct {
	Asked   int64    `json:"asked"`   // calls, without those of shadows
	Shadows int64    `json:"shadows"` // calls of shadows
	Booked  int      `json:"booked"`
	Charges []Charge `json:"charges"`
}

// Provider is safe for concurrent use.
type Provider struct {
	mu      sync.Mutex
	byKey   map[string]int
	charges []Charge
	asked   int64
	shadows int64
	delay   atomic.Int64
}

// most bounds what is kept.
const most = 1_000_000

// New is a provider with nothing booked.
func New() *Provider { return &Provider{byKey: map[string]int{}} }

// SetDelay makes each charge take longer.
func (p *Provider) SetDelay(d time.Duration) { p.delay.Store(int64(d)) }

// Book is what was booked so far.
func (p *Provider) Book() Book {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Book{p.asked, p.shadows, len(p.charges), append([]Charge{}, p.charges...)}
}

// Handler serves the provider.
func (p *Provider) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("POST /charges", p.charge)
	mux.HandleFunc("GET /charges", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, p.Book()) })
	return mux
}

var amount = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{2}$`)

func (p *Provider) charge(w http.ResponseWriter, r *http.Request) {
	var c Charge
	raw, err := io.ReadAll(io.LimitReader(r.Body, 16<<10))
	key := r.Header.Get("Idempotency-Key")
	if err != nil || json.Unmarshal(raw, &c) != nil || c.Order == "" || key == "" || !amount.MatchString(c.Amount.String()) {
		answer(w, http.StatusBadRequest, map[string]string{"error": "bad_request"})
		return
	}
	if d := time.Duration(p.delay.Load()); d > 0 {
		select {
		case <-time.After(d):
		case <-r.Context().Done():
			return
		}
	}
	sum := sha256.Sum256([]byte(key))
	c = Charge{Order: c.Order, Amount: c.Amount, Transaction: "T" + hex.EncodeToString(sum[:8]), Status: "accepted"}
	_, shadow := sdk.ShadowOf(r)
	switch err := p.book(c, key, shadow); {
	case err != nil:
		answer(w, http.StatusConflict, map[string]string{"error": err.Error()})
	default:
		answer(w, http.StatusOK, c)
	}
}

func (p *Provider) book(c Charge, key string, shadow bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if shadow {
		p.shadows++
		return nil
	}
	p.asked++
	if at, ok := p.byKey[key]; ok {
		known := &p.charges[at]
		known.Asked++
		if known.Order != c.Order || known.Amount != c.Amount {
			return errors.New("key_used_for_another_charge")
		}
		return nil
	}
	if len(p.charges) == most {
		return errors.New("book_is_full")
	}
	c.Key, c.Asked = key, 1
	p.byKey[key] = len(p.charges)
	p.charges = append(p.charges, c)
	return nil
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client left: nothing to do about it
}

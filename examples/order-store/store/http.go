package store

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// StateHeader names the version that an answer was read at; ?at= asks for one.
const StateHeader = "X-State"

// Handler serves the store: what the order services speak to.
//
//	GET  /products/{id}?at=      one product with its stock
//	GET  /products?ids=1,2       several, without stock
//	GET  /products?from=0&n=20   a part of the catalogue, without stock
//	GET  /users/{id}/orders?at=  {count, orders}: the newest ten
//	GET  /orders/{id}            one order
//	POST /orders?dry=1           {requestId, user, items} → 201 the order, 409 {soldOut}
func (s *Store) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "", "ok") })
	mux.HandleFunc("GET /products/{id}", s.getProduct)
	mux.HandleFunc("GET /products", s.listProducts)
	mux.HandleFunc("GET /users/{id}/orders", s.getUserOrders)
	mux.HandleFunc("GET /orders/{id}", s.getOrder)
	mux.HandleFunc("POST /orders", s.postOrder)
	return mux
}

func (s *Store) getProduct(w http.ResponseWriter, r *http.Request) {
	id, at := number(r.PathValue("id")), number(r.URL.Query().Get("at"))
	p, version, ok := s.Product(id, at)
	if !ok {
		answer(w, http.StatusNotFound, "", failure{Error: "not_found"})
		return
	}
	answer(w, http.StatusOK, Version('p', id, version), p)
}

func (s *Store) listProducts(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !q.Has("ids") {
		answer(w, http.StatusOK, "c1", s.Page(int(number(q.Get("from"))), int(number(q.Get("n")))))
		return
	}
	found := []Product{}
	for id := range strings.SplitSeq(q.Get("ids"), ",") {
		if n := number(id); n > 0 {
			found = append(found, s.Page(int(n)-1, 1)...)
		}
	}
	answer(w, http.StatusOK, "c1", found)
}

func (s *Store) getUserOrders(w http.ResponseWriter, r *http.Request) {
	user := number(r.PathValue("id"))
	orders, version := s.UserOrders(user, number(r.URL.Query().Get("at")), 10)
	answer(w, http.StatusOK, Version('u', user, version), userOrders{Count: version, Orders: orders})
}

func (s *Store) getOrder(w http.ResponseWriter, r *http.Request) {
	o, ok := s.Order(number(r.PathValue("id")))
	if !ok {
		answer(w, http.StatusNotFound, "", failure{Error: "not_found"})
		return
	}
	answer(w, http.StatusOK, "o1", o)
}

type userOrders struct {
	Count  int64    `json:"count"`
	Orders []*Order `json:"orders"`
}

type placement struct {
	RequestID string `json:"requestId"`
	User      int64  `json:"user"`
	Items     []Item `json:"items"`
}

type failure struct {
	Error   string `json:"error"`
	SoldOut int64  `json:"soldOut,omitempty"`
}

func (s *Store) postOrder(w http.ResponseWriter, r *http.Request) {
	var p placement
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err == nil && (p.RequestID == "" || len(p.RequestID) > 128 || len(p.Items) == 0 || len(p.Items) > 50) {
		err = errors.New("give a requestId of at most 128 characters and 1 to 50 items")
	}
	dry := r.URL.Query().Get("dry") != ""
	var out Outcome
	var known bool
	if err == nil {
		out, known, err = s.Place(p.RequestID, p.User, p.Items, dry)
	}
	state := "request:" + p.RequestID
	if dry && !known {
		state = "none" // nothing was placed under this id: there is no state to compare with
	}
	switch {
	case err != nil:
		answer(w, http.StatusBadRequest, "", failure{Error: err.Error()})
	case out.SoldOut != 0:
		answer(w, http.StatusConflict, state, failure{Error: "sold_out", SoldOut: out.SoldOut})
	default:
		answer(w, http.StatusCreated, state, out.Order)
	}
}

func answer(w http.ResponseWriter, status int, state string, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	if state != "" {
		h.Set(StateHeader, state)
	}
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the client left: nothing to do about it
}

// number reads a decimal number; 0 when it is none.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

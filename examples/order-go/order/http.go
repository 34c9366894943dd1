package order

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"jindu.dev/jindu/sdk"
)

const pageSize = 20

// Handler serves the same endpoints as the old service.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /products/{id}", s.serve(s.getProduct))
	mux.HandleFunc("GET /products", s.serve(s.listProducts))
	mux.HandleFunc("GET /users/{id}/orders", s.serve(s.listUserOrders))
	mux.HandleFunc("GET /orders/{id}", s.serve(s.getOrder))
	mux.HandleFunc("GET /quote", s.serve(s.getQuote))
	mux.HandleFunc("POST /orders", s.serve(s.postOrder))
	mux.HandleFunc("/", s.serve(func(*http.Request) (reply, error) { return reply{}, errNotFound }))
	return mux
}

// reply is an answer: a status, the version of the state it was read at, and the body.
type reply struct {
	status int
	state  string
	body   any
}

func (s *Service) getProduct(r *http.Request) (reply, error) {
	id, err := number(r.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	var p struct {
		Product
		Stock int64 `json:"stock"`
		served
	}
	state, err := s.store.get(r.Context(), "/products/"+strconv.FormatInt(id, 10)+at(r, 'p', id), &p)
	p.served = s.served()
	return reply{http.StatusOK, state, &p}, err
}

func (s *Service) listProducts(r *http.Request) (reply, error) {
	page, err := number(r.URL.Query().Get("page"))
	if err != nil || page < 1 || page > 10_000 {
		return reply{}, errInput
	}
	var found []Product
	state, err := s.store.get(r.Context(), "/products?from="+strconv.FormatInt((page-1)*pageSize, 10)+"&n="+strconv.Itoa(pageSize), &found)
	return reply{http.StatusOK, state, struct {
		Page  int64     `json:"page"`
		Items []Product `json:"items"`
	}{page, found}}, err
}

func (s *Service) listUserOrders(r *http.Request) (reply, error) {
	user, err := number(r.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	var stored struct {
		Count  int64         `json:"count"`
		Orders []storedOrder `json:"orders"`
	}
	state, err := s.store.get(r.Context(), "/users/"+strconv.FormatInt(user, 10)+"/orders"+at(r, 'u', user), &stored)
	orders := make([]Order, len(stored.Orders))
	for i, o := range stored.Orders {
		orders[i] = complete(o)
	}
	return reply{http.StatusOK, state, struct {
		User   int64   `json:"user"`
		Count  int64   `json:"count"`
		Orders []Order `json:"orders"`
		served
	}{user, stored.Count, orders, s.served()}}, err
}

func (s *Service) getOrder(r *http.Request) (reply, error) {
	id, err := number(r.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	var stored storedOrder
	state, err := s.store.get(r.Context(), "/orders/"+strconv.FormatInt(id, 10), &stored)
	if err != nil {
		return reply{state: state}, err
	}
	return reply{http.StatusOK, state, complete(stored)}, nil
}

func (s *Service) getQuote(r *http.Request) (reply, error) {
	q := r.URL.Query()
	user, err := number(q.Get("user"))
	if err != nil {
		return reply{}, err
	}
	items, err := parseItems(q.Get("items"))
	if err != nil {
		return reply{}, err
	}
	lines, err := s.price(r.Context(), items)
	tier := tierOf(user)
	return reply{http.StatusOK, "c1", struct {
		User  int64  `json:"user"`
		Tier  string `json:"tier"`
		Items []Line `json:"items"`
		Totals
		Currency string   `json:"currency"`
		Notices  []string `json:"notices"`
		served
	}{user, tier, lines, total(lines, tier), "CNY", []string{}, s.served()}}, err
}

// postOrder places an order once per X-Request-Id. The copy of a request (a shadow) is a dry run: it
// answers what the request became and changes nothing.
func (s *Service) postOrder(r *http.Request) (reply, error) {
	var in struct {
		User  int64  `json:"user"`
		Items []item `json:"items"`
	}
	id := r.Header.Get("X-Request-Id")
	raw, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil || json.Unmarshal(raw, &in) != nil || id == "" {
		return reply{}, errInput
	}
	path := "/orders"
	if _, shadow := sdk.ShadowOf(r); shadow {
		path = "/orders?dry=1"
	}
	var stored storedOrder
	state, err := s.store.do(r.Context(), http.MethodPost, path, map[string]any{"requestId": id, "user": in.User, "items": in.Items}, &stored)
	if err != nil {
		return reply{state: state}, err
	}
	return reply{http.StatusCreated, state, complete(stored)}, nil
}

// served is what differs with every answer.
type served struct {
	ServedAt string `json:"servedAt"`
	Trace    string `json:"trace"`
}

func (s *Service) served() served {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return served{stamp(s.now()), hex.EncodeToString(id[:])}
}

// at asks the store for the version that the primary answer of a shadow request was read at.
func at(r *http.Request, kind byte, id int64) string {
	want, _ := sdk.RequestedState(r)
	version, ok := strings.CutPrefix(want, string(kind)+strconv.FormatInt(id, 10)+":")
	if !ok {
		return ""
	}
	return "?at=" + url.QueryEscape(version)
}

func (s *Service) serve(f func(*http.Request) (reply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := f(r)
		var sold soldOut
		var broken *net.OpError
		switch {
		case errors.As(err, &broken) && broken.Op == "dial":
			sdk.Refuse(w) // the store was not reached, so nothing was done: the old service may try
			return
		case errors.As(err, &sold):
			a.status, a.body = http.StatusConflict, map[string]any{"error": sold.Error(), "product": sold.product}
		case errors.Is(err, errNotFound):
			a.status, a.body = http.StatusNotFound, map[string]any{"error": errNotFound.Error()}
		case errors.Is(err, errInput):
			a.status, a.body = http.StatusBadRequest, map[string]any{"error": errInput.Error()}
		case err != nil:
			a.status, a.body = http.StatusBadGateway, map[string]any{"error": "store_unavailable"}
		}
		write(w, a)
	}
}

func write(w http.ResponseWriter, a reply) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // the old service does not write & as \u0026
	if err := enc.Encode(a.body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Server", "order-go")
	if a.state != "" {
		sdk.State(w, a.state)
	}
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(a.status)
	_, _ = w.Write(body.Bytes()) // the client left: nothing to do about it
}

func number(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, errInput
	}
	return n, nil
}

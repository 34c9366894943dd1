package shop

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"

	"jindu.dev/jindu/sdk"
	"jindu.dev/jindu/sdk/effects"
	"jindu.dev/jindu/sdk/outbox"
)

// Handler serves the same endpoints as the old shop.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("POST /orders", s.serve(func(r *http.Request) (reply, error) {
		var p placement
		if err := read(r, &p); err != nil {
			return reply{}, err
		}
		o, state, err := s.of(r).place(r.Context(), r.Header.Get("X-Request-Id"), &p)
		return reply{http.StatusCreated, state, o}, err
	}))
	mux.HandleFunc("POST /orders/{id}/cancel", s.serve(func(r *http.Request) (reply, error) {
		state, err := s.of(r).cancel(r.Context(), r.PathValue("id"))
		return s.changed(r, state, err)
	}))
	mux.HandleFunc("POST /callbacks/{id}", s.serve(func(r *http.Request) (reply, error) {
		var c struct {
			Transaction string `json:"transaction"`
			Amount      Cents  `json:"amount"`
		}
		if err := read(r, &c); err != nil || c.Transaction == "" || len(c.Transaction) > 64 {
			return reply{}, errInput
		}
		state, err := s.of(r).confirm(r.Context(), r.PathValue("id"), c.Transaction, c.Amount)
		return s.changed(r, state, err)
	}))
	mux.HandleFunc("GET /orders/{id}", s.serve(func(r *http.Request) (reply, error) {
		o, state, err := s.order(r.Context(), r.PathValue("id"))
		return reply{http.StatusOK, state, o}, err
	}))
	mux.HandleFunc("GET /users/{id}/orders", s.serve(func(r *http.Request) (reply, error) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			return reply{}, errInput
		}
		u, state, err := s.ordersOf(r.Context(), id)
		return reply{http.StatusOK, state, u}, err
	}))
	mux.HandleFunc("GET /stock/{sku}", s.serve(func(r *http.Request) (reply, error) {
		sku, err := strconv.ParseInt(r.PathValue("sku"), 10, 64)
		if err != nil {
			return reply{}, errInput
		}
		a, state, err := s.stock(r.Context(), sku)
		return reply{http.StatusOK, state, a}, err
	}))
	mux.HandleFunc("/", s.serve(func(*http.Request) (reply, error) { return reply{}, errNotFound }))
	return mux
}

// reply is an answer: a status, the version of the rows it was read from, and the body.
type reply struct {
	status int
	state  string
	body   any
}

// changed answers with the order after a change, and names the version that it had before.
func (s *Service) changed(r *http.Request, state string, err error) (reply, error) {
	if err != nil {
		return reply{state: state}, err
	}
	o, _, err := s.order(r.Context(), r.PathValue("id"))
	return reply{http.StatusOK, state, o}, err
}

func read(r *http.Request, into any) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil || json.Unmarshal(raw, into) != nil {
		return errInput
	}
	return nil
}

func (s *Service) serve(f func(*http.Request) (reply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := f(r)
		var broken *net.OpError
		var refused *effects.Refused
		switch {
		case err == nil:
		case errors.Is(err, outbox.ErrFenced):
			sdk.RefuseFenced(w)
			return
		case errors.As(err, &refused), errors.As(err, &broken) && broken.Op == "dial":
			sdk.Refuse(w) // nothing was done: a shadow without a place to write to, or no database
			return
		default:
			a.status, a.body = status(err), map[string]string{"error": word(err)}
			if a.status == http.StatusInternalServerError {
				s.log.Error("request failed", "path", r.URL.Path, "error", err)
			}
		}
		write(w, a)
	}
}

func status(err error) int {
	switch {
	case errors.Is(err, errInput):
		return http.StatusBadRequest
	case errors.Is(err, errNotFound):
		return http.StatusNotFound
	case errors.Is(err, errSoldOut), errors.Is(err, errCancelled), errors.Is(err, errOtherOwner):
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}

func word(err error) string {
	if status(err) == http.StatusInternalServerError {
		return "internal"
	}
	return err.Error()
}

func write(w http.ResponseWriter, a reply) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // the old shop does not write & as \u0026
	if err := enc.Encode(a.body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Server", "shop-go")
	if a.state != "" {
		sdk.State(w, a.state)
	}
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(a.status)
	_, _ = w.Write(body.Bytes()) // the client left: nothing to do about it
}

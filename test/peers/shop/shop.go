// Package shop is a small service for tests: two of them are the sides of a migration.
package shop

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Shop is one side of a service.
type Shop struct {
	Name   string // tells the side that answered, in the header X-Shop
	Total  string // what it says an order costs
	Port   int
	Plain  atomic.Int64 // requests of users
	Shadow atomic.Int64 // copies
	server *http.Server
}

// New starts a shop on loopback.
func New(name, total string) (*Shop, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Shop{Name: name, Total: total, Port: l.Addr().(*net.TCPAddr).Port}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		s.count(r)
		w.Header().Set("X-Shop", s.Name)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id":%q,"total":%q}`, r.PathValue("id"), s.Total)
	})
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		s.count(r)
		w.WriteHeader(http.StatusCreated)
	})
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = s.server.Serve(l) }() // it ends with Close
	return s, nil
}

func (s *Shop) count(r *http.Request) {
	if r.Header.Get("X-Jindu-Shadow") != "" {
		s.Shadow.Add(1)
	} else {
		s.Plain.Add(1)
	}
}

// Close ends it.
func (s *Shop) Close() { _ = s.server.Close() }

// Host is what the shop's route serves.
const Host = "shop.test"

// Objects describes both sides and a migration, whose spec goes on with extra, indented by two spaces.
func Objects(old, new *Shop, extra string) string {
	return fmt.Sprintf(`apiVersion: jindu.dev/v1
kind: Instance
metadata: {name: old}
spec: {service: orders, ip: 127.0.0.1, port: %d, metadata: {runtime: java17, version: "1"}}
---
apiVersion: jindu.dev/v1
kind: Instance
metadata: {name: new}
spec: {service: orders, ip: 127.0.0.1, port: %d, metadata: {runtime: go1.26, version: "1"}}
---
apiVersion: jindu.dev/v1
kind: Route
metadata: {name: orders}
spec:
  hostnames: [shop.test]
  rules:
  - matches: [{path: {type: Template, value: "/orders/{id}"}}, {path: {type: Exact, value: /orders}}]
    backendRefs: [{service: orders}]
---
apiVersion: jindu.dev/v1
kind: Migration
metadata: {name: orders}
spec:
  service: orders
  from: {runtime: java17}
  to: {runtime: go1.26}
%s`, old.Port, new.Port, extra)
}

// Get asks for order n through a port as user n and returns the body and the side that answered.
func Get(client *http.Client, port, n int) (body, side string, err error) {
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/orders/%d", port, n), nil)
	if err != nil {
		return "", "", err
	}
	req.Host = Host
	req.Header.Set("X-User-Id", fmt.Sprintf("user-%d", n))
	resp, err := client.Do(req)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", "", fmt.Errorf("status %d: %s", resp.StatusCode, raw)
	}
	return string(raw), resp.Header.Get("X-Shop"), nil
}

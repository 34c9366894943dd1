package observe

import (
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// shop is one side of a service. total is what it says an order costs.
type shop struct {
	total  string
	server *http.Server
	port   int
	plain  atomic.Int64 // requests of users
	shadow atomic.Int64 // copies
}

func newShop(total string) (*shop, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &shop{total: total, port: l.Addr().(*net.TCPAddr).Port}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		s.count(r)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id":%q,"total":%q}`, r.PathValue("id"), s.total)
	})
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		s.count(r)
		w.WriteHeader(http.StatusCreated)
	})
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = s.server.Serve(l) }() // it ends with Close
	return s, nil
}

func (s *shop) count(r *http.Request) {
	if r.Header.Get("X-Jindu-Shadow") != "" {
		s.shadow.Add(1)
	} else {
		s.plain.Add(1)
	}
}

func (s *shop) close() { _ = s.server.Close() }

// objects describes both sides and a migration that only observes.
func objects(old, new *shop, observe bool) string {
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
  observe: %t
  mirror: {percent: 100, triplesPercent: 100}
  gates: {minSamples: 20}
  compare: {unmask: ["$.total"]}
`, old.port, new.port, observe)
}

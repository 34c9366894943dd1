package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/web"
)

// events reads the data of server-sent events from a running server.
type events struct {
	t       *testing.T
	a       *admin
	scanner *bufio.Scanner
}

func (a *admin) watch(query, last string) events {
	a.t.Helper()
	s := web.NewServer(web.ServerConfig{Name: "admin", Addr: "127.0.0.1:0"}, a.h)
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	<-ready
	a.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			a.t.Error(err)
		}
	})
	r, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, "http://"+s.Addr().String()+"/api/v1/watch"+query, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", last)
	w, err := http.DefaultClient.Do(r)
	if err != nil || w.StatusCode != http.StatusOK {
		a.t.Fatal(w, err)
	}
	a.t.Cleanup(func() { _ = w.Body.Close() })
	e := events{a.t, a, bufio.NewScanner(w.Body)}
	e.line(": stream begins")
	return e
}

func (e events) line(prefix string) string {
	e.t.Helper()
	for e.scanner.Scan() {
		if rest, ok := strings.CutPrefix(e.scanner.Text(), prefix); ok {
			return rest
		}
	}
	e.t.Fatalf("the stream ended before %q: %v", prefix, e.scanner.Err())
	return ""
}

// next is the next event; its data is held against the document.
func (e events) next() v1.WatchEvent {
	e.t.Helper()
	data := []byte(e.line("data: "))
	if err := e.a.contract.CheckEvent("/api/v1/watch", data); err != nil {
		e.t.Errorf("event %s: %v", data, err)
	}
	var out v1.WatchEvent
	if err := json.Unmarshal(data, &out); err != nil {
		e.t.Fatal(err)
	}
	return out
}

func TestAWatchShowsObjectsAsAReadWould(t *testing.T) {
	a := newAdmin(t)
	a.call("PUT", "/api/v1/services/orders", service, 200)
	a.call("PUT", "/api/v1/routes/all", route, 200)
	e := a.watch("?revision=1", "")
	first := e.next()
	var s v1.Service
	if err := json.Unmarshal(first.Object, &s); err != nil || first.Type != "put" || first.Revision != 1 || s.Status.Usable != 1 || s.Metadata.Revision != 1 {
		t.Errorf("first event %+v, %v", first, err)
	}
	if second := e.next(); second.Kind != v1.KindRoute || !strings.Contains(string(second.Object), `"accepted":true`) {
		t.Errorf("second event %+v", second)
	}
	a.call("DELETE", "/api/v1/services/orders", "", 204)
	if third := e.next(); third.Type != "delete" || third.Name != "orders" || third.Object != nil || third.Revision != 3 {
		t.Errorf("third event %+v", third)
	}
}

func TestAWatchResumesAndFilters(t *testing.T) {
	a := newAdmin(t)
	a.call("PUT", "/api/v1/services/orders", service, 200)
	a.call("PUT", "/api/v1/routes/all", route, 200)
	a.call("PUT", "/api/v1/migrations/orders-go", migration, 200)
	if e := a.watch("?revision=1", "2").next(); e.Kind != v1.KindMigration {
		t.Errorf("after 2 comes %+v", e)
	}
	if e := a.watch("?revision=1&kind=Migration,Instance", "").next(); e.Kind != v1.KindMigration {
		t.Errorf("of migrations comes %+v", e)
	}
	e := a.watch("", "")
	a.call("PUT", "/api/v1/instances/orders-1", instance, 200)
	if got := e.next(); got.Kind != v1.KindInstance {
		t.Errorf("without a revision comes %+v", got)
	}
	a.call("GET", "/api/v1/watch?kind=Pod", "", 422)
}

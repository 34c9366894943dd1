package app

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/web/webtest"
)

// running starts a node and stops it at the end of the test.
func running(t *testing.T, change ...func(*Config)) *node {
	t.Helper()
	n := testNode(t, change...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		n.client.Close()
	})
	eventually(t, "the node is ready", n.ready.Load)
	return n
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 2000 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond) // polls the condition
	}
	t.Fatalf("not in 10 s: %s", what)
}

// api calls the admin API of a node and holds each answer against the document.
type apiClient struct {
	t        *testing.T
	handler  http.Handler
	contract *webtest.Contract
}

func newAPIClient(t *testing.T, n *node) *apiClient {
	return &apiClient{t, n.adminHandler(), webtest.New(t, n.api(http.NewServeMux()))}
}

// with speaks to another node by the same contract.
func (c *apiClient) with(n *node) *apiClient { return &apiClient{c.t, n.adminHandler(), c.contract} }

// send calls and holds the answer against the document, whatever its status.
func (c *apiClient) send(method, path, body string) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8090"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:40000"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.contract.Do(c.t, c.handler, r)
}

// do calls and wants a status; the answer is decoded into out unless it is nil.
func (c *apiClient) do(method, path, body string, want int, out any) {
	c.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8090"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:40000"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := c.contract.Do(c.t, c.handler, r)
	if w.Code != want {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, w.Code, want, w.Body)
	}
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			c.t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
		}
	}
}

// event reads the first event of a stream and holds it against the document.
func (c *apiClient) event(path string) {
	c.t.Helper()
	server := httptest.NewServer(c.handler)
	defer server.Close()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if err := c.contract.CheckEvent(r.URL.Path, []byte(data)); err != nil {
				c.t.Errorf("%s: %v: %s", path, err, data)
			}
			return
		}
	}
	c.t.Errorf("%s: no event", path)
}

const (
	serviceJSON   = `{"apiVersion":"jindu.dev/v1","kind":"Service","metadata":{"name":"orders"},"spec":{"owner":"shop"}}`
	oldJSON       = `{"apiVersion":"jindu.dev/v1","kind":"Instance","metadata":{"name":"old"},"spec":{"service":"orders","ip":"127.0.0.1","port":9001,"metadata":{"runtime":"java17"}}}`
	newJSON       = `{"apiVersion":"jindu.dev/v1","kind":"Instance","metadata":{"name":"new"},"spec":{"service":"orders","ip":"127.0.0.1","port":9002,"metadata":{"runtime":"go1.26"}}}`
	routeJSON     = `{"apiVersion":"jindu.dev/v1","kind":"Route","metadata":{"name":"orders"},"spec":{"rules":[{"backendRefs":[{"service":"orders"}]}]}}`
	migrationJSON = `{"apiVersion":"jindu.dev/v1","kind":"Migration","metadata":{"name":"orders"},"spec":{"service":"orders","from":{"runtime":"java17"},"to":{"runtime":"go1.26"}}}`
)

// Every operation that answers once is called, and every answer is what the document says.
func TestRealAnswersAreWhatTheDocumentSays(t *testing.T) {
	n := running(t)
	c := newAPIClient(t, n)
	get := func(path string, out any) { c.do(http.MethodGet, path, "", http.StatusOK, out) }

	c.do(http.MethodPut, "/api/v1/services/orders", serviceJSON, 200, nil)
	c.do(http.MethodPut, "/api/v1/migrations/orders", migrationJSON, 200, nil)
	c.do(http.MethodPut, "/api/v1/routes/orders", routeJSON, 200, nil)
	c.do(http.MethodPut, "/api/v1/instances/old", oldJSON, 200, nil)
	c.do(http.MethodPut, "/api/v1/instances/new", newJSON, 200, nil)
	c.do(http.MethodPut, "/api/v1/instances/new", newJSON, 200, nil)
	c.do(http.MethodPut, "/api/v1/services/orders?dryRun=true", strings.Replace(serviceJSON, "shop", "pay", 1), 200, nil)

	var lease v1.Lease
	c.do(http.MethodPost, "/api/v1/register", `{"service":"stock","ip":"127.0.0.1","port":9003}`, 200, &lease)
	if lease.State != v1.StateServing {
		t.Errorf("lease %+v", lease)
	}
	for _, plural := range []string{"services", "instances", "routes", "migrations"} {
		var list v1.List[json.RawMessage]
		get("/api/v1/"+plural, &list)
		if len(list.Items) == 0 {
			t.Errorf("no %s in the list", plural)
		}
	}
	eventually(t, "the migration mirrors", func() bool {
		var m v1.Migration
		get("/api/v1/migrations/orders", &m)
		return m.Status.Phase == v1.PhaseMirror
	})
	eventually(t, "the service has 2 usable instances", func() bool {
		var service v1.Service
		get("/api/v1/services/orders", &service)
		return service.Status.Usable == 2
	})
	get("/api/v1/instances/old", nil)
	eventually(t, "the route is in force", func() bool {
		var r v1.Route
		get("/api/v1/routes/orders", &r)
		return r.Status.Accepted
	})
	for _, path := range []string{"/identity", "/node", "/overview", "/estate", "/audit", "/audit?kind=Route&name=orders&limit=1",
		"/migrations/orders/evidence", "/migrations/orders/report?format=json", "/migrations/orders/report?format=html"} {
		if strings.Contains(path, "html") {
			get("/api/v1"+path, nil)
			continue
		}
		var v any
		get("/api/v1"+path, &v)
	}
	c.do(http.MethodPost, "/api/v1/migrations/orders/pause", `{"reason":"test"}`, 200, nil)
	c.do(http.MethodPost, "/api/v1/migrations/orders/resume", `{}`, 200, nil)
	c.do(http.MethodPost, "/api/v1/migrations/orders/promote", `{"reason":"test"}`, 200, nil)
	c.do(http.MethodPost, "/api/v1/migrations/orders/rollback", `{"reason":"test"}`, 200, nil)
	c.do(http.MethodPost, "/api/v1/reload", "", 200, nil)
	c.do(http.MethodPost, "/api/v1/deregister", `{"service":"stock","ip":"127.0.0.1","port":9003}`, 204, nil)

	c.event("/api/v1/overview/stream")
	c.event("/api/v1/watch?revision=1")
	// A recording needs services that answer; internal/migrate shows that they are told.
	recording, err := json.Marshal(v1.Recording{Run: "0123456789abcdef", At: time.Now(), Effects: []v1.Effect{{Kind: v1.EffectRow, Op: "insert", Target: "orders"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.contract.CheckEvent("/api/v1/migrations/orders/recordings/stream", recording); err != nil {
		t.Error(err)
	}

	// What is wrong is a problem in the same shape.
	c.do(http.MethodGet, "/api/v1/services/none", "", 404, nil)
	c.do(http.MethodPut, "/api/v1/routes/second", strings.Replace(routeJSON, `"name":"orders"`, `"name":"second"`, 1), 409, nil)
	c.do(http.MethodPut, "/api/v1/routes/zero", `{"apiVersion":"jindu.dev/v1","kind":"Route","metadata":{"name":"zero"},"spec":{"hostnames":["a.test"],"rules":[{"backendRefs":[{"service":"orders","weight":0}]}]}}`, 422, nil)
	c.do(http.MethodPut, "/api/v1/migrations/orders", strings.Replace(migrationJSON, `"to":{"runtime":"go1.26"}`, `"to":{}`, 1), 422, nil)
	c.do(http.MethodDelete, "/api/v1/migrations/orders", "", 409, nil)
	c.do(http.MethodDelete, "/api/v1/instances/new", "", 204, nil)
	eventually(t, "the migration can go", func() bool {
		return !answers(n.registry.Snapshot().Services["orders"], v1.Selector{"runtime": "go1.26"})
	})
	c.do(http.MethodDelete, "/api/v1/migrations/orders", "", 204, nil)
	c.do(http.MethodDelete, "/api/v1/routes/orders", "", 204, nil)
	c.do(http.MethodDelete, "/api/v1/instances/old", "", 204, nil)
	c.do(http.MethodDelete, "/api/v1/services/orders", "", 204, nil)

	operateData(t, c)
	if missing := c.contract.Unseen(); len(missing) > 0 {
		t.Errorf("no answer of these operations was checked: %v", missing)
	}
}

// Admission takes the decoded routes when they are those of the store, and must then refuse as well as
// when it decodes them.
func TestAConflictIsFoundWithAndWithoutDecodedRoutes(t *testing.T) {
	n := running(t)
	c := newAPIClient(t, n)
	second := strings.Replace(routeJSON, `"name":"orders"`, `"name":"second"`, 1)
	c.do(http.MethodPut, "/api/v1/routes/orders", routeJSON, 200, nil)
	c.do(http.MethodPut, "/api/v1/routes/second", second, 409, nil)
	eventually(t, "the feed has the route", func() bool {
		revision, err := n.objects.Revision(t.Context())
		routes, known := n.feed.routesAt(revision)
		return err == nil && known && len(routes) == 1
	})
	c.do(http.MethodPut, "/api/v1/routes/second", second, 409, nil)
	if _, known := n.feed.routesAt(0); known {
		t.Error("routes of another revision are given")
	}
	c.do(http.MethodDelete, "/api/v1/routes/orders", "", 204, nil)
	c.do(http.MethodPut, "/api/v1/routes/second", second, 200, nil)
}

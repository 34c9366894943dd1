package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/web"
	"jindu.dev/jindu/internal/kit/web/webtest"
	"jindu.dev/jindu/internal/object"
	"jindu.dev/jindu/internal/object/bolt"
)

// admin is the admin API over a store of its own.
type admin struct {
	t        *testing.T
	h        http.Handler
	api      huma.API
	objects  *object.Objects
	contract *webtest.Contract
}

func newAdmin(t *testing.T) *admin {
	t.Helper()
	store := bolt.New(bolt.Config{Dir: t.TempDir()})
	if err := store.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	admit := func(_ context.Context, c object.Change, _ object.View) error {
		if c.After != nil && c.After.Metadata.Labels["forbidden"] != "" {
			return kind.New(kind.Invalid, "JD-TEST-001", "not here").WithFields(kind.Field{Path: "metadata.labels.forbidden", Value: "x", Detail: "remove it"})
		}
		return nil
	}
	objects := object.New(store, object.Types(), admit, object.Options{Now: func() time.Time { return now }})
	mux := http.NewServeMux()
	api := web.NewAPI(mux, web.Info{Version: "v1"})
	Register(api, objects, Overlays{
		Service:  func(s v1.Service) v1.ServiceStatus { return v1.ServiceStatus{Instances: 2, Usable: 1} },
		Instance: func(v1.Instance) v1.InstanceStatus { return v1.InstanceStatus{State: v1.StateServing, Healthy: true} },
		Route:    func(r v1.Route) v1.RouteStatus { return v1.RouteStatus{Accepted: true, Revision: r.Metadata.Revision} },
	})
	guard, err := web.NewGuard(web.Access{Loopback: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &admin{t, web.Handler(guard, mux), api, objects, webtest.New(t, api)}
}

// call checks the answer against the document and returns it.
func (a *admin) call(method, path, body string, status int) *httptest.ResponseRecorder {
	a.t.Helper()
	r := httptest.NewRequest(method, "http://localhost:8090"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set(web.ActorHeader, "alice")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
		if !strings.HasPrefix(body, "{") {
			r.Header.Set("Content-Type", "application/yaml")
		}
	}
	w := a.contract.Do(a.t, a.h, r)
	if w.Code != status {
		a.t.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	return w
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	dec := json.NewDecoder(w.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

const (
	service   = `{"apiVersion":"jindu.dev/v1","kind":"Service","metadata":{"name":"orders"},"spec":{"owner":"team-a"}}`
	instance  = "apiVersion: jindu.dev/v1\nkind: Instance\nmetadata: {name: orders-1}\nspec: {service: orders, ip: 127.0.0.1, port: 9001, metadata: {runtime: java17}}\n"
	route     = "apiVersion: jindu.dev/v1\nkind: Route\nmetadata: {name: all}\nspec: {rules: [{backendRefs: [{service: orders}]}]}\n"
	migration = "apiVersion: jindu.dev/v1\nkind: Migration\nmetadata: {name: orders-go}\nspec: {service: orders, from: {runtime: java17}, to: {runtime: go1.26}}\n"
)

func TestEveryOperationAnswersAsItsDocumentSays(t *testing.T) {
	a := newAdmin(t)
	a.call("GET", "/api/v1/services", "", 200)
	for path, body := range map[string]string{"services/orders": service, "instances/orders-1": instance, "routes/all": route, "migrations/orders-go": migration} {
		if got := a.call("PUT", "/api/v1/"+path, body, 200).Header().Get("X-Jindu-Outcome"); got != "created" {
			t.Errorf("%s: outcome %q", path, got)
		}
		if got := a.call("PUT", "/api/v1/"+path, body, 200).Header().Get("X-Jindu-Outcome"); got != "unchanged" {
			t.Errorf("%s again: outcome %q", path, got)
		}
		plural, _, _ := strings.Cut(path, "/")
		a.call("GET", "/api/v1/"+path, "", 200)
		a.call("GET", "/api/v1/"+plural, "", 200)
		a.call("GET", "/api/v1/"+plural+"/none", "", 404)
		a.call("DELETE", "/api/v1/"+plural+"/none", "", 404)
	}
	status := v1.MigrationStatus{Phase: v1.PhaseRamp, Buckets: 100, Gates: []v1.Gate{{Name: "errors", Verdict: v1.VerdictPass}}}
	m := decode[v1.Migration](t, a.call("GET", "/api/v1/migrations/orders-go", "", 200))
	if _, err := a.objects.SetStatus(t.Context(), v1.KindMigration, "orders-go", m.Metadata.Revision, status, "controller:migrate", true); err != nil {
		t.Fatal(err)
	}
	if m := decode[v1.Migration](t, a.call("GET", "/api/v1/migrations/orders-go", "", 200)); m.Status.Phase != v1.PhaseRamp || len(m.Status.Gates) != 1 {
		t.Errorf("status is %+v", m.Status)
	}
	if s := decode[v1.Service](t, a.call("GET", "/api/v1/services/orders", "", 200)); s.Status.Usable != 1 || s.Spec.Owner != "team-a" {
		t.Errorf("service is %+v", s)
	}
	if id := decode[v1.Identity](t, a.call("GET", "/api/v1/identity", "", 200)); id.Name != "local" || id.Actor != "alice" || id.Role != v1.RoleAdmin {
		t.Errorf("identity is %+v", id)
	}
	page := decode[v1.AuditPage](t, a.call("GET", "/api/v1/audit?limit=2", "", 200))
	if len(page.Items) != 2 || page.Items[0].Action != "transition" || page.Items[0].By != "controller:migrate" || page.Next == 0 {
		t.Errorf("audit is %+v", page)
	}
	page = decode[v1.AuditPage](t, a.call("GET", "/api/v1/audit?kind=Service&name=orders", "", 200))
	if len(page.Items) != 1 || page.Items[0].By != "local:alice" || page.Items[0].Action != "create" {
		t.Errorf("audit of the service is %+v", page)
	}
	a.call("GET", "/api/v1/audit?limit=0", "", 422)
	a.call("GET", "/api/v1/watch?revision=99999", "", 409)
	a.call("GET", "/api/v1/services?revision=99999", "", 422)
	for _, path := range []string{"services/orders", "instances/orders-1", "routes/all", "migrations/orders-go"} {
		a.call("DELETE", "/api/v1/"+path, "", 204)
		a.call("GET", "/api/v1/"+path, "", 404)
	}
	if unseen := a.contract.Unseen(); len(unseen) > 0 {
		t.Errorf("no answer was checked of %q", unseen)
	}
}

func TestAnApplyIsRefusedWithTheFieldAndTheRemedy(t *testing.T) {
	a := newAdmin(t)
	for name, c := range map[string]struct {
		body, code, field, words string
		status                   int
	}{
		"unknown field":     {strings.Replace(service, "owner", "ownr", 1), "JD-API-001", "spec.ownr", "did you mean owner?", 422},
		"another case":      {strings.Replace(service, "owner", "Owner", 1), "JD-OBJECT-002", "spec.Owner", "did you mean owner?", 422},
		"twice":             {strings.Replace(service, `"owner":"team-a"`, `"owner":"a","owner":"b"`, 1), "JD-OBJECT-002", "spec.owner", "twice", 422},
		"another name":      {strings.Replace(service, "orders", "other", 1), "JD-OBJECT-011", "", "make them the same", 422},
		"another kind":      {strings.Replace(service, `"Service"`, `"Route"`, 1), "JD-OBJECT-011", "", "make them the same", 422},
		"unknown kind":      {strings.Replace(service, `"Service"`, `"Servise"`, 1), "JD-API-001", "kind", "Service", 422},
		"stale":             {strings.Replace(service, `"name":"orders"`, `"name":"orders","revision":7`, 1), "JD-OBJECT-007", "", "does not exist", 409},
		"not admitted":      {strings.Replace(service, `"name":"orders"`, `"name":"orders","labels":{"forbidden":"x"}`, 1), "JD-TEST-001", "metadata.labels.forbidden", "remove it", 422},
		"too large":         {strings.Replace(service, "team-a", strings.Repeat("x", object.MaxBytes), 1), "JD-OBJECT-004", "", "split it", 422},
		"two documents":     {"---\n" + instance + "---\n" + instance, "JD-API-001", "body", "2 YAML documents", 400},
		"alias in YAML":     {"apiVersion: &a jindu.dev/v1\nkind: *a\n", "JD-API-001", "body", "aliases", 400},
		"number for a text": {strings.Replace(service, `"team-a"`, `7`, 1), "JD-API-001", "spec.owner", "string", 422},
	} {
		t.Run(name, func(t *testing.T) {
			a := &admin{t, a.h, a.api, a.objects, a.contract}
			p := decode[v1.Problem](t, a.call("PUT", "/api/v1/services/orders", c.body, c.status))
			text := p.Detail
			if c.field != "" {
				if len(p.Errors) == 0 || p.Errors[0].Field != c.field {
					t.Fatalf("got %+v, want field %s", p, c.field)
				}
				text = p.Errors[0].Detail
			}
			if p.Code != c.code || !strings.Contains(text, c.words) {
				t.Errorf("got %+v, want %s with %q", p, c.code, c.words)
			}
		})
	}
	if list := decode[v1.List[v1.Service]](t, a.call("GET", "/api/v1/services", "", 200)); len(list.Items) != 0 {
		t.Errorf("a refused object is there: %+v", list)
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	a := newAdmin(t)
	w := a.call("PUT", "/api/v1/services/orders?dryRun=true", service, 200)
	if got := w.Header().Get("X-Jindu-Outcome"); got != "created" {
		t.Errorf("outcome %q", got)
	}
	a.call("GET", "/api/v1/services/orders", "", 404)
}

func TestARevisionGuardsAgainstALostUpdate(t *testing.T) {
	a := newAdmin(t)
	first := decode[v1.Service](t, a.call("PUT", "/api/v1/services/orders", service, 200))
	read := func(owner string) string {
		s := first
		s.Spec.Owner = owner
		data, err := json.Marshal(s) // as exported: with revision and status
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	second := decode[v1.Service](t, a.call("PUT", "/api/v1/services/orders", read("b"), 200))
	if second.Metadata.Generation != 2 || second.Spec.Owner != "b" || second.Metadata.Revision <= first.Metadata.Revision {
		t.Errorf("after the update: %+v", second)
	}
	p := decode[v1.Problem](t, a.call("PUT", "/api/v1/services/orders", read("c"), 409))
	if p.Code != "JD-OBJECT-007" || !strings.Contains(p.Detail, "read it again") {
		t.Errorf("got %+v", p)
	}
	old := decode[v1.Service](t, a.call("GET", "/api/v1/services/orders?revision=1", "", 200))
	if old.Spec.Owner != "team-a" {
		t.Errorf("at revision 1: %+v", old)
	}
	if p := decode[v1.Problem](t, a.call("DELETE", "/api/v1/services/orders?revision=1", "", 409)); p.Code != "JD-OBJECT-007" {
		t.Errorf("got %+v", p)
	}
}

func TestTheDocumentIsTheSameEachTime(t *testing.T) {
	var before []byte
	for range 3 {
		data, err := web.OpenAPI(newAdmin(t).api)
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !bytes.Equal(before, data) {
			t.Fatal("two runs give two documents")
		}
		before = data
	}
	if path := os.Getenv("JINDU_TEST_OPENAPI"); path != "" {
		if err := os.WriteFile(filepath.Clean(path), before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/web"
)

type fake struct {
	registered   []v1.Registration
	deregistered []v1.Deregistration
	by           v1.Identity
	err          error
}

func (f *fake) Register(_ context.Context, r v1.Registration, by v1.Identity) (v1.Lease, error) {
	f.registered, f.by = append(f.registered, r), by
	return v1.Lease{Instance: "orders-1", TTL: "15s", Heartbeat: "5s", State: v1.StateServing}, f.err
}

func (f *fake) Deregister(_ context.Context, d v1.Deregistration, by v1.Identity) error {
	f.deregistered, f.by = append(f.deregistered, d), by
	return f.err
}

// call posts body to path as id, from an IPv4 address that came over a v6 socket.
func call(f *fake, id v1.Identity, path, body string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	Register(web.NewAPI(mux, web.Info{Version: "1"}), f)
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = "[::ffff:10.1.2.3]:5000"
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(web.WithIdentity(r.Context(), id)))
	return w
}

var token = v1.Identity{Name: "orders-token", Role: v1.RoleRegister, Services: []string{"orders"}}

func TestARegistrationWithoutAddressIsAtTheCallers(t *testing.T) {
	f := &fake{}
	w := call(f, token, "/api/v1/register", `{"service":"orders","port":8080,"metadata":{"runtime":"go1.26"}}`)
	var lease v1.Lease
	if err := json.Unmarshal(w.Body.Bytes(), &lease); err != nil || w.Code != 200 || lease.Heartbeat != "5s" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if r := f.registered[0]; r.IP != "10.1.2.3" || r.Port != 8080 || r.Metadata["runtime"] != "go1.26" || f.by.Name != "orders-token" {
		t.Errorf("registered %+v by %+v", r, f.by)
	}
	call(f, token, "/api/v1/register", `{"service":"orders","port":8080,"ip":"10.9.9.9"}`)
	if r := f.registered[1]; r.IP != "10.9.9.9" {
		t.Errorf("registered %+v", r)
	}
}

func TestADeregistrationIsAnsweredWithoutABody(t *testing.T) {
	f := &fake{}
	w := call(f, token, "/api/v1/deregister", `{"service":"orders","port":8080}`)
	if w.Code != 204 || w.Body.Len() != 0 || f.deregistered[0].IP != "10.1.2.3" {
		t.Errorf("%d %s %+v", w.Code, w.Body, f.deregistered)
	}
	f.err = kind.New(kind.NotFound, "JD-REGISTRY-005", "unknown")
	if w := call(f, token, "/api/v1/deregister", `{"service":"orders","port":8080}`); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := call(f, token, "/api/v1/register", `{"service":"orders","port":8080}`); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestARegisterTokenSpeaksForItsOwnServicesAlone(t *testing.T) {
	for _, path := range []string{"/api/v1/register", "/api/v1/deregister"} {
		for role, id := range map[string]v1.Identity{
			"other service": {Name: "t", Role: v1.RoleRegister, Services: []string{"stock"}},
			"viewer":        {Name: "v", Role: v1.RoleViewer},
			"nobody":        {},
		} {
			f := &fake{}
			w := call(f, id, path, `{"service":"orders","port":8080}`)
			if w.Code != 403 && w.Code != 401 || len(f.registered)+len(f.deregistered) != 0 {
				t.Errorf("%s on %s: %d %s", role, path, w.Code, w.Body)
			}
		}
		f := &fake{}
		if w := call(f, v1.Identity{Name: "o", Role: v1.RoleOperator}, path, `{"service":"orders","port":8080}`); w.Code >= 300 {
			t.Errorf("operator on %s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestWhatTheSchemaForbidsIsRefused(t *testing.T) {
	f := &fake{}
	for _, body := range []string{`{"service":"orders"}`, `{"service":"orders","port":0}`, `{"service":"orders","port":1,"tll":"5s"}`, `{`} {
		if w := call(f, token, "/api/v1/register", body); w.Code < 400 || w.Code >= 500 || len(f.registered) != 0 {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

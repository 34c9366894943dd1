package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

type parcel struct {
	Name  string            `json:"name" maxLength:"8" doc:"Name."`
	Size  int               `json:"size,omitempty" minimum:"1" doc:"Size."`
	Stops []stop            `json:"stops" doc:"Stops."`
	Tags  map[string]string `json:"tags,omitempty" doc:"Tags."`
}

type stop struct {
	City string `json:"city" doc:"City."`
}

type parcelIn struct {
	ID   string `path:"id" doc:"Id."`
	Dry  bool   `query:"dry" doc:"Try only."`
	Body parcel
}

type parcelOut struct{ Body parcel }

// parcels is an API with one operation of each role and kind of error.
func parcels(t *testing.T, info Info) (http.Handler, huma.API) {
	t.Helper()
	mux := http.NewServeMux()
	api := NewAPI(mux, info)
	Register(api, v1.RoleOperator, huma.Operation{OperationID: "put-parcel", Method: http.MethodPut, Path: "/api/v1/parcels/{id}"},
		func(_ context.Context, in *parcelIn) (*parcelOut, error) { return &parcelOut{in.Body}, nil })
	Register(api, v1.RoleViewer, huma.Operation{OperationID: "fail", Method: http.MethodGet, Path: "/api/v1/fail/{kind}"},
		func(_ context.Context, in *struct {
			Kind string `path:"kind"`
		}) (*parcelOut, error) {
			for k := kind.Internal; k <= kind.Unsupported; k++ {
				if k.String() == in.Kind {
					return nil, fmt.Errorf("ship: %w", kind.New(k, "JD-TEST-001", "%s it is", k).WithFields(kind.Field{Path: "spec.a", Value: "1", Detail: "no"}))
				}
			}
			return nil, errors.New("secret words")
		})
	for _, role := range []v1.Role{v1.RoleViewer, v1.RoleOperator, v1.RoleApprover, v1.RoleAdmin, v1.RoleRegister} {
		Register(api, role, huma.Operation{OperationID: "need-" + string(role), Method: http.MethodPost, Path: "/api/v1/need/" + string(role)},
			func(context.Context, *struct{}) (*struct{ Body v1.Identity }, error) { return nil, nil })
	}
	huma.Register(api, huma.Operation{OperationID: "naked", Method: http.MethodGet, Path: "/api/v1/naked"},
		func(context.Context, *struct{}) (*parcelOut, error) { return &parcelOut{}, nil })
	guard, err := NewGuard(Access{Loopback: true, Public: func(r *http.Request) bool { return r.URL.Path == "/healthz" }}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Handler(guard, mux), api
}

func local(method, path, contentType, body string) *http.Request {
	r := httptest.NewRequest(method, "http://127.0.0.1:8090"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func call(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func problemIn(t *testing.T, w *httptest.ResponseRecorder, status int, code string) v1.Problem {
	t.Helper()
	var p v1.Problem
	dec := json.NewDecoder(w.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		t.Fatalf("no problem in the answer: %v", err)
	}
	if w.Code != status || p.Status != status || p.Code != code {
		t.Fatalf("got %d, %+v; want %d %s", w.Code, p, status, code)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("Content-Type is %q", ct)
	}
	return p
}

func TestEveryKindOfErrorHasItsStatus(t *testing.T) {
	var log bytes.Buffer
	h, _ := parcels(t, Info{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for name, status := range map[string]int{"Invalid": 422, "NotFound": 404, "Exists": 409, "Conflict": 409, "Denied": 403, "Exhausted": 429, "Unavailable": 503, "Unsupported": 501, "Internal": 500} {
		p := problemIn(t, call(h, local("GET", "/api/v1/fail/"+name, "", "")), status, "JD-TEST-001")
		if p.Title != name || p.Detail != name+" it is" || len(p.Errors) != 1 || p.Errors[0].Field != "spec.a" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	w := call(h, local("GET", "/api/v1/fail/other", "", ""))
	id := w.Header().Get("X-Request-Id")
	p := problemIn(t, w, 500, "JD-INTERNAL-001")
	if strings.Contains(p.Detail, "secret") || !strings.Contains(p.Detail, id) {
		t.Errorf("detail %q must name request %s and nothing else", p.Detail, id)
	}
	if !strings.Contains(log.String(), "secret words") || !strings.Contains(log.String(), id) {
		t.Errorf("log lacks the error or the request: %s", log.String())
	}
}

func TestBadBodiesNameFieldValueAndRemedy(t *testing.T) {
	h, _ := parcels(t, Info{})
	for name, c := range map[string]struct {
		contentType, body, query  string
		status                    int
		code, field, value, words string
	}{
		"unknown field":         {"application/json", `{"name":"a","stops":[],"sizee":3}`, "", 422, "JD-API-001", "sizee", "3", "did you mean size?"},
		"unknown nested field":  {"application/json", `{"name":"a","stops":[{"city":"x"},{"city":"y","citty":"z"}]}`, "", 422, "JD-API-001", "stops[1].citty", "z", "did you mean city?"},
		"nothing like it":       {"application/json", `{"name":"a","stops":[],"zzz":{}}`, "", 422, "JD-API-001", "zzz", "", "remove it"},
		"missing field":         {"application/json", `{"name":"a"}`, "", 422, "JD-API-001", "body", "", "stops"},
		"null list":             {"application/json", `{"name":"a","stops":null}`, "", 422, "JD-API-001", "stops", "", "array"},
		"too long":              {"application/json", `{"name":"abcdefghij","stops":[]}`, "", 422, "JD-API-001", "name", "abcdefghij", "<= 8"},
		"out of range":          {"application/json", `{"name":"a","stops":[],"size":0}`, "", 422, "JD-API-001", "size", "0", ">= 1"},
		"no JSON":               {"application/json", `{"name"`, "", 400, "JD-API-001", "body", "", "unexpected end"},
		"no body":               {"application/json", "", "", 400, "JD-API-001", "", "", ""},
		"unknown in YAML":       {"application/yaml", "name: a\nstops: []\nsise: 3\n", "", 422, "JD-API-001", "sise", "3", "did you mean size?"},
		"key twice in YAML":     {"application/yaml", "name: a\nname: b\nstops: []\n", "", 400, "JD-API-001", "body", "", "twice"},
		"two documents":         {"application/yaml", "name: a\nstops: []\n---\nname: b\nstops: []\n", "", 400, "JD-API-001", "body", "", "2 YAML documents"},
		"unknown query":         {"application/json", `{"name":"a","stops":[]}`, "?dryrun=true", 422, "JD-API-001", "query.dryrun", "", "unknown"},
		"query of another type": {"application/json", `{"name":"a","stops":[]}`, "?dry=perhaps", 422, "JD-API-001", "query.dry", "perhaps", "boolean"},
		"too large":             {"application/json", `{"name":"a","stops":[` + strings.Repeat(" ", MaxBody) + `]}`, "", 413, "JD-API-013", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := problemIn(t, call(h, local("PUT", "/api/v1/parcels/1"+c.query, c.contentType, c.body)), c.status, c.code)
			if c.field == "" {
				return
			}
			if len(p.Errors) == 0 {
				t.Fatalf("no field named: %+v", p)
			}
			f := p.Errors[0]
			if f.Field != c.field || f.Value != c.value || !strings.Contains(f.Detail, c.words) {
				t.Errorf("got %+v, want %s = %q with %q", f, c.field, c.value, c.words)
			}
		})
	}
}

func TestYAMLAndJSONBodiesMeanTheSame(t *testing.T) {
	h, _ := parcels(t, Info{})
	const want = `{"name":"a","size":3,"stops":[{"city":"x"}],"tags":{"v":"1.10"}}`
	for ct, body := range map[string]string{"application/json": want, "application/yaml": "name: a\nsize: 3\nstops: [{city: x}]\ntags:\n  v: \"1.10\"\n"} {
		w := call(h, local("PUT", "/api/v1/parcels/1", ct, body))
		if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != want {
			t.Errorf("%s: %d %s", ct, w.Code, got)
		}
	}
	r := local("PUT", "/api/v1/parcels/1", "application/json", want)
	r.Header.Set("Accept", "application/yaml")
	if got := call(h, r).Body.String(); got != "name: a\nsize: 3\nstops:\n  - city: x\ntags:\n  v: \"1.10\"\n" {
		t.Errorf("as YAML: %q", got)
	}
}

func TestAnOperationWithoutARoleIsRefused(t *testing.T) {
	h, _ := parcels(t, Info{})
	problemIn(t, call(h, local("GET", "/api/v1/naked", "", "")), 403, "JD-API-012")
}

func TestWhatIsNotThereIsAProblem(t *testing.T) {
	h, _ := parcels(t, Info{})
	problemIn(t, call(h, local("GET", "/api/v1/nothing", "", "")), 404, "JD-API-015")
	w := call(h, local("POST", "/api/v1/parcels/1", "application/json", "{}"))
	if got := w.Header().Get("Allow"); got != "PUT" {
		t.Errorf("Allow is %q", got)
	}
	problemIn(t, w, 405, "JD-API-016")
}

func TestOpenAPIIsTheSameEachTimeAndSaysWhatHolds(t *testing.T) {
	_, first := parcels(t, Info{Version: "v1"})
	_, second := parcels(t, Info{Version: "v1"})
	a, err := OpenAPI(first)
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenAPI(second)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("two runs give two documents")
	}
	for _, want := range []string{"openapi: 3.1.0", "application/yaml", "x-jindu-role: operator", "application/problem+json", "#/components/schemas/Problem", "additionalProperties: false"} {
		if !bytes.Contains(a, []byte(want)) {
			t.Errorf("the document lacks %q", want)
		}
	}
	for _, wrong := range []string{"ErrorModel", "null"} {
		if bytes.Contains(a, []byte(wrong)) {
			t.Errorf("the document has %q", wrong)
		}
	}
	h, _ := parcels(t, Info{Version: "v1"})
	if w := call(h, local("GET", "/openapi.yaml", "", "")); w.Code != 200 || !bytes.Equal(w.Body.Bytes(), a) {
		t.Errorf("served document differs: %d", w.Code)
	}
	problemIn(t, call(h, local("GET", "/openapi-3.0.json", "", "")), 404, "JD-API-015")
}

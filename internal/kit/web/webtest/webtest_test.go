package webtest

import (
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/web"
)

type thing struct {
	Name string    `json:"name" maxLength:"5" doc:"Name."`
	At   time.Time `json:"at" doc:"When."`
	Tags []string  `json:"tags,omitempty" doc:"Tags."`
}

type out struct{ Body thing }

func contract(t *testing.T) *Contract {
	api := web.NewAPI(http.NewServeMux(), web.Info{})
	handle := func(context.Context, *struct {
		Name string `path:"name"`
	}) (*out, error) {
		return nil, nil
	}
	web.Register(api, v1.RoleViewer, huma.Operation{OperationID: "get-thing", Method: "GET", Path: "/api/v1/things/{name}"}, handle)
	web.Register(api, v1.RoleViewer, huma.Operation{OperationID: "get-child", Method: "GET", Path: "/api/v1/things/{name}/child"}, handle)
	web.Register(api, v1.RoleViewer, huma.Operation{OperationID: "drop-thing", Method: "DELETE", Path: "/api/v1/things/{name}"},
		func(context.Context, *struct {
			Name string `path:"name"`
		}) (*struct{}, error) {
			return nil, nil
		})
	web.Stream(api, v1.RoleViewer, huma.Operation{OperationID: "watch-things", Path: "/api/v1/watch"},
		func(context.Context, *struct{}, int64) (iter.Seq2[web.Event[thing], error], error) { return nil, nil })
	return New(t, api)
}

func TestAnswersThatDifferFromTheDocumentAreFound(t *testing.T) {
	c := contract(t)
	const whole = `{"name":"a","at":"2026-01-02T03:04:05Z"}`
	for name, answer := range map[string]struct {
		method, path string
		status       int
		media, body  string
		wrong        string // empty: it is as the document says
	}{
		"as declared":        {"GET", "/api/v1/things/a", 200, "application/json", whole, ""},
		"a problem":          {"GET", "/api/v1/things/a", 404, "application/problem+json", `{"status":404,"title":"NotFound","code":"X","detail":"d"}`, ""},
		"no content":         {"DELETE", "/api/v1/things/a", 204, "", "", ""},
		"undeclared field":   {"GET", "/api/v1/things/a", 200, "application/json", `{"name":"a","at":"2026-01-02T03:04:05Z","secret":1}`, "additional properties"},
		"missing field":      {"GET", "/api/v1/things/a", 200, "application/json", `{"name":"a"}`, "missing"},
		"null list":          {"GET", "/api/v1/things/a", 200, "application/json", `{"name":"a","at":"2026-01-02T03:04:05Z","tags":null}`, "null"},
		"no time":            {"GET", "/api/v1/things/a", 200, "application/json", `{"name":"a","at":"yesterday"}`, "date-time"},
		"too long":           {"GET", "/api/v1/things/a", 200, "application/json", `{"name":"abcdef","at":"2026-01-02T03:04:05Z"}`, "maxLength"},
		"problem in private": {"GET", "/api/v1/things/a", 500, "application/problem+json", `{"status":500,"title":"x","code":"X","detail":"d","stack":"…"}`, "additional properties"},
		"plain text":         {"GET", "/api/v1/things/a", 404, "text/plain", "no", "not in the document"},
		"no JSON":            {"GET", "/api/v1/things/a", 200, "application/json", "oops", "no JSON"},
		"a body for none":    {"DELETE", "/api/v1/things/a", 204, "", "x", "says none"},
		"unknown path":       {"GET", "/api/v1/other", 200, "application/json", whole, "not in the document"},
		"unknown method":     {"PUT", "/api/v1/things/a", 200, "application/json", whole, "not in the document"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.Check(answer.method, answer.path, answer.status, answer.media, []byte(answer.body))
			if answer.wrong == "" && err != nil || answer.wrong != "" && (err == nil || !strings.Contains(err.Error(), answer.wrong)) {
				t.Errorf("got %v, want %q", err, answer.wrong)
			}
		})
	}
	if got := c.Unseen(); !slices.Equal(got, []string{"get-child", "watch-things"}) {
		t.Errorf("unseen: %q", got)
	}
	if err := c.CheckEvent("/api/v1/watch", []byte(whole)); err != nil {
		t.Errorf("event: %v", err)
	}
	if err := c.CheckEvent("/api/v1/watch", []byte(`{"name":"a"}`)); err == nil {
		t.Error("an event without a field passes")
	}
	if err := c.CheckEvent("/api/v1/other", []byte(whole)); err == nil {
		t.Error("an event of no stream passes")
	}
	if got := c.Unseen(); !slices.Equal(got, []string{"get-child"}) {
		t.Errorf("unseen: %q", got)
	}
}

func TestAnAnswerIsServedAndChecked(t *testing.T) {
	c := contract(t)
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"name":"a","at":"2026-01-02T03:04:05Z"}`))
	})
	if w := c.Do(t, h, httptest.NewRequest(http.MethodGet, "/api/v1/things/a", nil)); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}

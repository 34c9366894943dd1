package web

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

const apiPrefix = "/api/"

// Info is what the API says of itself, and where it tells of unforeseen errors.
type Info struct {
	Title       string // default Jindu
	Version     string // of the API, not of the binary, so that the document changes only with the API
	Description string
	Log         *slog.Logger // nil: errors without a kind are not logged
}

// NewAPI makes a huma API on mux: OpenAPI 3.1 at /openapi.json and /openapi.yaml, JSON and YAML
// bodies, strict about unknown fields and query parameters, errors as v1.Problem. Operations are added
// by Register and Stream; one added past them has no role and is refused.
func NewAPI(mux *http.ServeMux, info Info) huma.API {
	if info.Title == "" {
		info.Title = "Jindu"
	}
	log := info.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[v1.Problem]())
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: info.Title, Version: info.Version, Description: info.Description, License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
		Components: &huma.Components{
			Schemas:         registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", Description: "Not needed on the loopback listener, where the caller is the local principal."}},
		},
		Security:       []map[string][]string{{"token": {}}, {}},
		OnAddOperation: []huma.AddOpFunc{describe},
	}
	api := humago.New(guarded{mux}, huma.Config{
		OpenAPI:                      doc,
		OpenAPIPath:                  "/openapi",
		Formats:                      map[string]huma.Format{"application/json": jsonFormat, "application/yaml": yamlFormat, "json": jsonFormat, "yaml": yamlFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{problems(registry)},
	})
	api.UseMiddleware(authorize(log), limitStreams())
	return api
}

// guarded keeps huma's own routes for the document to the roles as well: they bypass the middlewares.
// The downgraded documents are not served: there is one contract.
type guarded struct{ *http.ServeMux }

func (g guarded) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	switch pattern {
	case "GET /openapi-3.0.json", "GET /openapi-3.0.yaml":
		return
	case "GET /openapi.json", "GET /openapi.yaml":
		next := handler
		handler = func(w http.ResponseWriter, r *http.Request) {
			if err := Require(r.Context(), v1.RoleViewer); err != nil {
				WriteProblem(w, r, err)
				return
			}
			next(w, r)
		}
	}
	g.ServeMux.HandleFunc(pattern, handler)
}

const (
	roleKey   = "jindu.role"
	streamKey = "jindu.stream"
)

// Register adds an operation that callers with role need may use. handle's errors become problems by
// their kind.
func Register[I, O any](api huma.API, need v1.Role, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.Metadata = with(op.Metadata, roleKey, need)
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, asProblem(ctx, err)
		}
		return out, nil
	})
}

func with(m map[string]any, key string, value any) map[string]any {
	if m == nil {
		m = map[string]any{}
	}
	m[key] = value
	return m
}

func asProblem(ctx context.Context, err error) error {
	p := ProblemOf(ctx, err)
	if p.Status == http.StatusInternalServerError && ctx.Err() == nil {
		if log, ok := ctx.Value(logKey{}).(*slog.Logger); ok {
			log.ErrorContext(ctx, "request failed", "request", RequestID(ctx), "error", err)
		}
	}
	return &problem{Problem: p, cause: err}
}

type logKey struct{}

// authorize refuses by role, and refuses an operation that has none.
func authorize(log *slog.Logger) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		need, declared := ctx.Operation().Metadata[roleKey].(v1.Role)
		err := Require(ctx.Context(), need)
		if !declared {
			err = kind.New(kind.Denied, "JD-API-012", "%s %s declares no role, so nobody may use it; this is a defect", ctx.Operation().Method, ctx.Operation().Path)
		}
		if err != nil {
			r, w := humago.Unwrap(ctx)
			WriteProblem(w, r, err)
			return
		}
		ctx = huma.WithValue(ctx, logKey{}, log)
		ctx.SetHeader("Cache-Control", "no-store")
		next(ctx)
	}
}

// problems turns huma's own errors, such as those of validation, into the one shape of errors.
func problems(registry huma.Registry) huma.Transformer {
	return func(ctx huma.Context, _ string, v any) (any, error) {
		switch e := v.(type) {
		case *problem:
			return e.Problem, nil
		case *huma.ErrorModel:
			return validationProblem(registry, ctx, e), nil
		}
		return v, nil
	}
}

// describe completes what huma knows of an operation: YAML bodies, the role, lists that are never null.
func describe(doc *huma.OpenAPI, op *huma.Operation) {
	if need, ok := op.Metadata[roleKey].(v1.Role); ok {
		op.Extensions = with(op.Extensions, "x-jindu-role", string(need))
	}
	if op.RequestBody != nil {
		if media := op.RequestBody.Content["application/json"]; media != nil {
			op.RequestBody.Content["application/yaml"] = media
			notNull(media.Schema)
		}
	}
	for _, p := range op.Parameters {
		notNull(p.Schema)
	}
	for _, response := range op.Responses {
		for _, media := range response.Content {
			notNull(media.Schema)
		}
	}
	for _, s := range doc.Components.Schemas.Map() {
		notNull(s)
	}
}

func notNull(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	notNull(s.Items)
	for _, p := range s.Properties {
		notNull(p)
	}
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		notNull(more)
	}
}

// OpenAPI is the document of the API as YAML; the same operations give the same bytes.
func OpenAPI(api huma.API) ([]byte, error) {
	return api.OpenAPI().YAML()
}

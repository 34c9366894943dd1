package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/web"
	"jindu.dev/jindu/internal/object"
)

// encoder is an object as the API shows it.
type encoder func(object.Object) (json.RawMessage, error)

// endpoint serves the objects of one kind, T with status S.
type endpoint[T, S any] struct {
	objects  *object.Objects
	kind     v1.Kind
	statusOf func(*T) *S
	overlay  func(T) S
}

type listInput struct {
	Revision int64 `query:"revision" minimum:"0" doc:"As of this revision of the store; now when absent."`
}

type getInput struct {
	Name     string `path:"name" maxLength:"253" doc:"Name of the object."`
	Revision int64  `query:"revision" minimum:"0" doc:"As of this revision of the store; now when absent."`
}

type deleteInput struct {
	Name     string `path:"name" maxLength:"253" doc:"Name of the object."`
	Revision int64  `query:"revision" minimum:"0" doc:"Only if the object is still at this revision."`
}

type applyInput[T any] struct {
	Name    string `path:"name" maxLength:"253" doc:"Name of the object."`
	DryRun  bool   `query:"dryRun" doc:"Check everything, write nothing."`
	Body    T      `doc:"The whole object; its status is ignored."`
	RawBody []byte `contentType:"application/yaml"`
	yaml    bool
}

// Resolve looks at the type of the body.
func (in *applyInput[T]) Resolve(ctx huma.Context) []error {
	media, _, err := mime.ParseMediaType(ctx.Header("Content-Type"))
	in.yaml = err == nil && media == "application/yaml"
	return nil
}

type objectOutput[T any] struct {
	Outcome string `header:"X-Jindu-Outcome" doc:"What a write did or would do: created, updated or unchanged."`
	Body    T
}

type listOutput[T any] struct{ Body v1.List[T] }

// register adds the operations and returns how objects of the kind are shown.
func (e endpoint[T, S]) register(api huma.API) encoder {
	word := string(e.kind)
	plural := strings.ToLower(word) + "s"
	path := "/api/v1/" + plural
	op := func(method, verb, path, summary string) huma.Operation {
		id := verb + "-" + strings.ToLower(word)
		if verb == "list" {
			id = verb + "-" + plural
		}
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{word}}
	}
	web.Register(api, v1.RoleViewer, op(http.MethodGet, "list", path, "All, by name"), e.list)
	web.Register(api, v1.RoleViewer, op(http.MethodGet, "get", path+"/{name}", "One"), e.get)
	web.Register(api, v1.RoleOperator, op(http.MethodPut, "apply", path+"/{name}", "Create or update one; with metadata.revision only if it still holds"), e.apply)
	web.Register(api, v1.RoleOperator, op(http.MethodDelete, "delete", path+"/{name}", "Delete one"), e.delete)
	return func(o object.Object) (json.RawMessage, error) {
		shown, err := e.show(o)
		if err != nil {
			return nil, err
		}
		return json.Marshal(shown)
	}
}

// show is o with the status of now.
func (e endpoint[T, S]) show(o object.Object) (T, error) {
	shown, err := object.As[T](o)
	if err == nil && e.overlay != nil {
		*e.statusOf(&shown) = e.overlay(shown)
	}
	return shown, err
}

func (e endpoint[T, S]) list(ctx context.Context, in *listInput) (*listOutput[T], error) {
	objects, revision, err := e.objects.List(ctx, e.kind, in.Revision)
	if err != nil {
		return nil, err
	}
	out := &listOutput[T]{v1.List[T]{Items: make([]T, 0, len(objects)), Revision: revision}}
	for _, o := range objects {
		shown, err := e.show(o)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, shown)
	}
	return out, nil
}

func (e endpoint[T, S]) get(ctx context.Context, in *getInput) (*objectOutput[T], error) {
	o, err := e.objects.Get(ctx, e.kind, in.Name, in.Revision)
	if err != nil {
		return nil, err
	}
	shown, err := e.show(o)
	return &objectOutput[T]{Body: shown}, err
}

// apply decodes the body once more than huma did: huma matches names in any case and lets a key that
// is there twice pass.
func (e endpoint[T, S]) apply(ctx context.Context, in *applyInput[T]) (*objectOutput[T], error) {
	data := in.RawBody
	if in.yaml {
		docs, err := web.YAMLToJSON(data)
		if err != nil || len(docs) != 1 {
			return nil, kind.New(kind.Invalid, "JD-OBJECT-001", "the body has %d YAML documents, this takes one: %w", len(docs), err)
		}
		data = docs[0]
	}
	o, err := object.Decode(data)
	if err != nil {
		return nil, err
	}
	if o.Kind != e.kind || o.Metadata.Name != in.Name {
		return nil, kind.New(kind.Invalid, "JD-OBJECT-011", "the path is of %s %q, the body of %s %q; make them the same", e.kind, in.Name, o.Kind, o.Metadata.Name)
	}
	applied, err := e.objects.Apply(ctx, o, web.IdentityOf(ctx).By(), in.DryRun)
	if err != nil {
		return nil, err
	}
	shown, err := e.show(applied.Object)
	return &objectOutput[T]{Outcome: string(applied.Outcome), Body: shown}, err
}

func (e endpoint[T, S]) delete(ctx context.Context, in *deleteInput) (*struct{}, error) {
	err := e.objects.Delete(ctx, e.kind, in.Name, in.Revision, web.IdentityOf(ctx).By())
	if err != nil {
		return nil, fmt.Errorf("delete: %w", err)
	}
	return nil, nil
}

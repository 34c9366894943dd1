package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/web"
	"jindu.dev/jindu/internal/migrate"
)

// Migrations is the part that is served; migrate.Server is one.
type Migrations interface {
	Command(ctx context.Context, name string, verb migrate.Verb, who v1.Identity, reason string) (v1.Migration, error)
	Evidence(name string) (v1.Evidence, error)
	Report(ctx context.Context, name string) (v1.Dossier, error)
}

type nameInput struct {
	Name string `path:"name" maxLength:"253" doc:"Name of the migration."`
}

type commandInput struct {
	Name string      `path:"name" maxLength:"253" doc:"Name of the migration."`
	Body *v1.Command `doc:"Why; may be left out."`
}

// why is the reason, "" when none was given.
func (in *commandInput) why() string {
	if in.Body == nil {
		return ""
	}
	return in.Body.Reason
}

type body[T any] struct{ Body T }

type reportInput struct {
	Name   string `path:"name" maxLength:"253" doc:"Name of the migration."`
	Format string `query:"format" enum:"json,html" default:"json" doc:"json for programs, html for people: one printable page."`
	Lang   string `query:"lang" enum:"en,zh" default:"en" doc:"Language of the page."`
}

// Register adds the operations to api.
func Register(api huma.API, m Migrations) {
	for _, c := range []struct {
		verb    migrate.Verb
		summary string
	}{
		{migrate.VerbPause, "Keep the share, decide nothing but a rollback"},
		{migrate.VerbResume, "End a pause; after a rollback, begin anew. May need a second person"},
		{migrate.VerbPromote, "Go one step on though evidence or time is short, never despite a failed gate. May need a second person"},
		{migrate.VerbRollback, "Take everyone back to the old side at once"},
	} {
		web.Register(api, v1.RoleOperator, operation(http.MethodPost, string(c.verb), string(c.verb), c.summary),
			func(ctx context.Context, in *commandInput) (*body[v1.Migration], error) {
				done, err := m.Command(ctx, in.Name, c.verb, web.IdentityOf(ctx), in.why())
				return &body[v1.Migration]{done}, err
			})
	}
	web.Register(api, v1.RoleViewer, operation(http.MethodGet, "evidence", "get-evidence", "What is known of a migration now"),
		func(_ context.Context, in *nameInput) (*body[v1.Evidence], error) {
			e, err := m.Evidence(in.Name)
			return &body[v1.Evidence]{e}, err
		})
	report := operation(http.MethodGet, "report", "get-report", "The dossier: what was compared, what differed, what was ignored and by whom, every decision")
	dossier := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[v1.Dossier](), true, "Dossier")
	report.Responses = map[string]*huma.Response{"200": {
		Description: "The dossier",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: dossier},
			"text/html":        {Schema: &huma.Schema{Type: huma.TypeString}},
		},
	}}
	web.Register(api, v1.RoleViewer, report, func(ctx context.Context, in *reportInput) (*huma.StreamResponse, error) {
		d, err := m.Report(ctx, in.Name)
		if err != nil {
			return nil, err
		}
		return write(api, d, in)
	})
}

func operation(method, last, id, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id + "-migration", Method: method, Path: "/api/v1/migrations/{name}/" + last,
		Summary: summary, Tags: []string{string(v1.KindMigration)},
	}
}

// write makes the whole answer before its first byte leaves, so that an error is still an error.
func write(api huma.API, d v1.Dossier, in *reportInput) (*huma.StreamResponse, error) {
	var page bytes.Buffer
	media := "application/json"
	var err error
	if in.Format == "html" {
		media = "text/html; charset=utf-8"
		err = migrate.RenderHTML(&page, d, in.Lang)
	} else {
		err = api.Marshal(&page, media, d)
	}
	if err != nil {
		return nil, kind.New(kind.Internal, "JD-MIGRATE-016", "render the report of migration %q: %w", in.Name, err)
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", media)
		ctx.SetHeader("Content-Security-Policy", web.ReportCSP)
		ctx.SetHeader("Content-Disposition", `inline; filename="`+in.Name+"."+in.Format+`"`)
		_, _ = page.WriteTo(ctx.BodyWriter()) // the client may have left
	}}, nil
}

package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/web"
)

// Data is the part that carries rows; data.Server is one.
type Data interface {
	Status(name string) (v1.DataStatus, error)
	Sample(ctx context.Context, name, table string, limit int) ([]v1.SampleMapping, error)
	Diff(ctx context.Context, name string, in v1.DiffRequest) (v1.DiffResult, error)
	Repair(ctx context.Context, name string, in v1.RepairRequest, who v1.Identity) (v1.RepairResult, error)
	Cases(ctx context.Context, name string, closed bool) ([]v1.Case, error)
	Decide(ctx context.Context, name, id string, in v1.CaseDecision, who v1.Identity) (v1.Case, error)
	Parked(ctx context.Context, name string) ([]v1.ParkedChange, error)
	Unpark(ctx context.Context, name, id string, skip bool, reason string, who v1.Identity) error
	CloseWindow(ctx context.Context, name string, who v1.Identity, reason string) (v1.DataStatus, error)
}

type sampleInput struct {
	Name  string `path:"name" maxLength:"253" doc:"Name of the migration."`
	Table string `query:"table" maxLength:"128" doc:"Table of the old side; all when absent."`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"5" doc:"Rows of each table."`
}

type diffInput struct {
	Name string `path:"name" maxLength:"253" doc:"Name of the migration."`
	Body v1.DiffRequest
}

type repairInput struct {
	Name string `path:"name" maxLength:"253" doc:"Name of the migration."`
	Body v1.RepairRequest
}

type casesInput struct {
	Name   string `path:"name" maxLength:"253" doc:"Name of the migration."`
	Closed bool   `query:"closed" doc:"Settled cases too."`
}

type decideInput struct {
	Name string `path:"name" maxLength:"253" doc:"Name of the migration."`
	ID   string `path:"id" maxLength:"64" doc:"Id of the case."`
	Body v1.CaseDecision
}

type parkedInput struct {
	Name string      `path:"name" maxLength:"253" doc:"Name of the migration."`
	ID   string      `path:"id" maxLength:"64" doc:"Id of the parked change."`
	Body *v1.Command `doc:"Why; may be left out of a retry."`
}

// RegisterData adds the operations about a migration's data to api.
func RegisterData(api huma.API, d Data) {
	web.Register(api, v1.RoleViewer, operation(http.MethodGet, "data", "get-data", "Where the data stand: relays, tables, windows, cases"),
		func(_ context.Context, in *nameInput) (*body[v1.DataStatus], error) {
			out, err := d.Status(in.Name)
			return &body[v1.DataStatus]{out}, err
		})
	web.Register(api, v1.RoleOperator, operation(http.MethodGet, "samples", "sample", "A dry run of the mapping on rows as they are; values are shown"),
		func(ctx context.Context, in *sampleInput) (*body[[]v1.SampleMapping], error) {
			out, err := d.Sample(ctx, in.Name, in.Table, in.Limit)
			return &body[[]v1.SampleMapping]{out}, err
		})
	web.Register(api, v1.RoleOperator, operation(http.MethodPost, "diff", "diff", "Which rows differ; with full, compare everything by bisection first"),
		func(ctx context.Context, in *diffInput) (*body[v1.DiffResult], error) {
			out, err := d.Diff(ctx, in.Name, in.Body)
			return &body[v1.DiffResult]{out}, err
		})
	web.Register(api, v1.RoleOperator, operation(http.MethodPost, "repair", "repair", "Copy the declared winner's rows where they differ, or take such a repair back"),
		func(ctx context.Context, in *repairInput) (*body[v1.RepairResult], error) {
			out, err := d.Repair(ctx, in.Name, in.Body, web.IdentityOf(ctx))
			return &body[v1.RepairResult]{out}, err
		})
	web.Register(api, v1.RoleViewer, operation(http.MethodGet, "cases", "list-cases", "Differences that only a person may settle, with what both sides did to the row"),
		func(ctx context.Context, in *casesInput) (*body[[]v1.Case], error) {
			out, err := d.Cases(ctx, in.Name, in.Closed)
			return &body[[]v1.Case]{out}, err
		})
	web.Register(api, v1.RoleApprover, operation(http.MethodPost, "cases/{id}/decide", "decide-case", "Settle a case"),
		func(ctx context.Context, in *decideInput) (*body[v1.Case], error) {
			out, err := d.Decide(ctx, in.Name, in.ID, in.Body, web.IdentityOf(ctx))
			return &body[v1.Case]{out}, err
		})
	web.Register(api, v1.RoleViewer, operation(http.MethodGet, "parked", "list-parked", "Changes that could not be applied and wait for a person"),
		func(ctx context.Context, in *nameInput) (*body[[]v1.ParkedChange], error) {
			out, err := d.Parked(ctx, in.Name)
			return &body[[]v1.ParkedChange]{out}, err
		})
	for _, c := range []struct {
		verb, summary string
		skip          bool
	}{
		{"retry", "Apply a parked change, and those behind it, again", false},
		{"skip", "Give a parked change up; its row is compared and becomes a difference or a case", true},
	} {
		op := operation(http.MethodPost, "parked/{id}/"+c.verb, c.verb+"-parked", c.summary)
		op.DefaultStatus = http.StatusNoContent
		web.Register(api, v1.RoleOperator, op, func(ctx context.Context, in *parkedInput) (*struct{}, error) {
			reason := ""
			if in.Body != nil {
				reason = in.Body.Reason
			}
			return nil, d.Unpark(ctx, in.Name, in.ID, c.skip, reason, web.IdentityOf(ctx))
		})
	}
	web.Register(api, v1.RoleApprover, operation(http.MethodPost, "window/close", "close-window", "End the reverse relay: from then on a rollback loses what the new side wrote"),
		func(ctx context.Context, in *commandInput) (*body[v1.DataStatus], error) {
			out, err := d.CloseWindow(ctx, in.Name, web.IdentityOf(ctx), in.why())
			return &body[v1.DataStatus]{out}, err
		})
}

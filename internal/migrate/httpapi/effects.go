package httpapi

import (
	"context"
	"iter"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/web"
)

// Effects is who takes what services tell of their runs, and shows what differed.
type Effects interface {
	ReportEffects(r v1.EffectReport)
	Effects(migration string) (v1.EffectsView, error)
	Recordings(ctx context.Context, migration string) (iter.Seq[v1.Recording], error)
}

type effectsInput struct {
	Service string `path:"service" maxLength:"253" doc:"Name of the service that the caller speaks for."`
	Body    v1.EffectReport
}

// RegisterEffects adds the operations about effects to api.
func RegisterEffects(api huma.API, e Effects) {
	web.Register(api, v1.RoleRegister, huma.Operation{
		OperationID: "report-effects", Method: http.MethodPost, Path: "/api/v1/services/{service}/effects", Tags: []string{string(v1.KindMigration)},
		Summary:       "Tell what runs of requests did",
		Description:   "sdk/effects and the Java agent call it. A run that nobody compares is forgotten.",
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *effectsInput) (*struct{}, error) {
		if err := web.RequireService(ctx, in.Service); err != nil {
			return nil, err
		}
		e.ReportEffects(in.Body)
		return nil, nil
	})
	web.Stream(api, v1.RoleOperator, operation(http.MethodGet, "recordings/stream", "record", "Requests and answers as they are mirrored, without credentials; bodies are shown"),
		func(ctx context.Context, in *nameInput, _ int64) (iter.Seq2[web.Event[v1.Recording], error], error) {
			recordings, err := e.Recordings(ctx, in.Name)
			if err != nil {
				return nil, err
			}
			return func(yield func(web.Event[v1.Recording], error) bool) {
				for r := range recordings {
					if !yield(web.Event[v1.Recording]{Data: r}, nil) {
						return
					}
				}
			}, nil
		})
	web.Register(api, v1.RoleViewer, operation(http.MethodGet, "effects", "get-effects", "What requests did on both sides where it differs; values are masked unless spec.compare.unmask lists their path"),
		func(_ context.Context, in *nameInput) (*body[v1.EffectsView], error) {
			out, err := e.Effects(in.Name)
			return &body[v1.EffectsView]{out}, err
		})
}

package httpapi

import (
	"context"
	"iter"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/web"
	"jindu.dev/jindu/internal/object"
)

type watchInput struct {
	Revision int64     `query:"revision" minimum:"0" doc:"Begin with this revision: that of a list plus one, to miss nothing. Absent: with the next change. Last-Event-ID goes before it."`
	Kind     []v1.Kind `query:"kind" enum:"Service,Instance,Route,Migration" doc:"Only these kinds, separated by commas; all when absent."`
}

func registerWatch(api huma.API, objects *object.Objects, show map[v1.Kind]encoder) {
	web.Stream(api, v1.RoleViewer, huma.Operation{
		OperationID: "watch", Path: "/api/v1/watch", Tags: []string{"Watch"},
		Summary:     "Changes of objects as they happen, as server-sent events",
		Description: "The id of an event is its revision. A watch whose revision is no longer retained answers or ends with problem JD-OBJECT-008: list again.",
	}, func(ctx context.Context, in *watchInput, resume int64) (iter.Seq2[web.Event[v1.WatchEvent], error], error) {
		from := in.Revision
		switch {
		case resume > 0:
			from = resume + 1
		case from == 0:
			now, err := objects.Revision(ctx)
			if err != nil {
				return nil, err
			}
			from = now + 1
		}
		w, err := objects.Watch(ctx, from, in.Kind...)
		if err != nil {
			return nil, err
		}
		return func(yield func(web.Event[v1.WatchEvent], error) bool) {
			defer w.Close()
			for e, err := range w.Events(ctx) {
				out := web.Event[v1.WatchEvent]{ID: e.Revision, Data: v1.WatchEvent{Type: e.Type, Kind: e.Kind, Name: e.Name, Revision: e.Revision}}
				if err == nil && e.Type == object.Put {
					out.Data.Object, err = show[e.Kind](e.Object)
				}
				if !yield(out, err) || err != nil {
					return
				}
			}
		}, nil
	})
}

type auditInput struct {
	Kind   v1.Kind `query:"kind" enum:"Service,Instance,Route,Migration" doc:"Only of this kind."`
	Name   string  `query:"name" maxLength:"253" doc:"Only of objects with this name."`
	Before int64   `query:"before" minimum:"0" doc:"next of the page before; the newest when absent."`
	Limit  int     `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Records at most. A page can be shorter and still have a next."`
}

type auditOutput struct{ Body v1.AuditPage }

func registerAudit(api huma.API, objects *object.Objects) {
	web.Register(api, v1.RoleViewer, huma.Operation{
		OperationID: "list-audit", Method: http.MethodGet, Path: "/api/v1/audit", Tags: []string{"Audit"},
		Summary:     "Who changed what, newest first",
		Description: "Every change of a spec and every transition of a status. The log is bounded; trimmed counts the records let go.",
	}, func(ctx context.Context, in *auditInput) (*auditOutput, error) {
		page, err := objects.Audit(ctx, object.AuditQuery{Kind: in.Kind, Name: in.Name, Before: in.Before, Limit: in.Limit})
		return &auditOutput{page}, err
	})
}

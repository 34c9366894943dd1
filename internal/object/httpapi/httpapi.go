package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/web"
	"jindu.dev/jindu/internal/object"
)

// Overlays say the status of an object when it is read. Those of services, instances and routes are
// stored nowhere and stay empty without one. Migration gets the stored status and may bring it up to
// date, such as with a latch that the store does not know of yet.
type Overlays struct {
	Service   func(v1.Service) v1.ServiceStatus
	Instance  func(v1.Instance) v1.InstanceStatus
	Route     func(v1.Route) v1.RouteStatus
	Migration func(v1.Migration) v1.MigrationStatus
}

// Register adds the operations of every kind, the watch, the audit log and the caller's identity.
func Register(api huma.API, objects *object.Objects, overlays Overlays) {
	show := map[v1.Kind]encoder{
		v1.KindService: endpoint[v1.Service, v1.ServiceStatus]{
			objects, v1.KindService, func(o *v1.Service) *v1.ServiceStatus { return &o.Status }, overlays.Service}.register(api),
		v1.KindInstance: endpoint[v1.Instance, v1.InstanceStatus]{
			objects, v1.KindInstance, func(o *v1.Instance) *v1.InstanceStatus { return &o.Status }, overlays.Instance}.register(api),
		v1.KindRoute: endpoint[v1.Route, v1.RouteStatus]{
			objects, v1.KindRoute, func(o *v1.Route) *v1.RouteStatus { return &o.Status }, overlays.Route}.register(api),
		v1.KindMigration: endpoint[v1.Migration, v1.MigrationStatus]{
			objects, v1.KindMigration, func(o *v1.Migration) *v1.MigrationStatus { return &o.Status }, overlays.Migration}.register(api),
	}
	registerWatch(api, objects, show)
	registerAudit(api, objects)
	web.Register(api, v1.RoleViewer, huma.Operation{
		OperationID: "get-identity", Method: http.MethodGet, Path: "/api/v1/identity", Tags: []string{"Access"},
		Summary: "Who the caller is and what it may do",
	}, func(ctx context.Context, _ *struct{}) (*identityOutput, error) {
		return &identityOutput{web.IdentityOf(ctx)}, nil
	})
}

type identityOutput struct{ Body v1.Identity }

package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/web"
)

// Registry is what the API drives.
type Registry interface {
	Register(ctx context.Context, r v1.Registration, caller v1.Identity) (v1.Lease, error)
	Deregister(ctx context.Context, d v1.Deregistration, caller v1.Identity) error
}

// caller is the address that a request came from.
type caller struct{ ip string }

// Resolve reads the address; huma calls it for each request.
func (c *caller) Resolve(ctx huma.Context) []error {
	if a, err := netip.ParseAddrPort(ctx.RemoteAddr()); err == nil {
		c.ip = a.Addr().Unmap().WithZone("").String()
	}
	return nil
}

type registerIn struct {
	caller
	Body v1.Registration
}

type registerOut struct{ Body v1.Lease }

type deregisterIn struct {
	caller
	Body v1.Deregistration
}

// Register adds the operations to api.
func Register(api huma.API, r Registry) {
	web.Register(api, v1.RoleRegister, huma.Operation{
		OperationID: "register", Method: http.MethodPost, Path: "/api/v1/register", Tags: []string{"Registry"},
		Summary:     "Register an instance, or renew its lease",
		Description: "The same call again, at the interval that the answer names, is the heartbeat. Without one for the time of the lease the instance is gone.",
	}, func(ctx context.Context, in *registerIn) (*registerOut, error) {
		if err := web.RequireService(ctx, in.Body.Service); err != nil {
			return nil, err
		}
		in.Body.IP = cmp.Or(in.Body.IP, in.ip)
		lease, err := r.Register(ctx, in.Body, web.IdentityOf(ctx))
		if err != nil {
			return nil, err
		}
		return &registerOut{lease}, nil
	})
	web.Register(api, v1.RoleRegister, huma.Operation{
		OperationID: "deregister", Method: http.MethodPost, Path: "/api/v1/deregister", Tags: []string{"Registry"},
		Summary:       "Drain an instance and remove it",
		Description:   "It gets no new requests from now on; those in flight finish.",
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, in *deregisterIn) (*struct{}, error) {
		if err := web.RequireService(ctx, in.Body.Service); err != nil {
			return nil, err
		}
		in.Body.IP = cmp.Or(in.Body.IP, in.ip)
		return nil, r.Deregister(ctx, in.Body, web.IdentityOf(ctx))
	})
}

package registry

import (
	"context"
	"net/netip"

	v1 "jindu.dev/jindu/api/v1"
)

// Objects writes what registrations change. by goes into the audit log.
type Objects interface {
	// PutInstance creates an instance or replaces its labels and spec, and returns it with its revision.
	PutInstance(ctx context.Context, in v1.Instance, by v1.Identity) (v1.Instance, error)
	// DeleteInstance deletes an instance; one that does not exist is no error.
	DeleteInstance(ctx context.Context, name string, by v1.Identity) error
	// CreateService creates a service with an empty spec; one that exists is no error.
	CreateService(ctx context.Context, name string, by v1.Identity) error
}

// Checker asks an instance whether it is healthy; the error says why not. ctx carries the limit of time.
type Checker interface {
	Check(ctx context.Context, check v1.HealthCheck, addr netip.AddrPort) error
}

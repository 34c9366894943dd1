package web

import (
	"context"
	"slices"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

type identityKey struct{}

// WithIdentity returns a context that carries who the caller is.
func WithIdentity(ctx context.Context, id v1.Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// IdentityOf is who the caller is; the zero Identity, which may do nothing, when nobody said.
func IdentityOf(ctx context.Context) v1.Identity {
	id, _ := ctx.Value(identityKey{}).(v1.Identity)
	return id
}

// rank orders the roles that include each other; register stands apart.
func rank(r v1.Role) int {
	return slices.Index([]v1.Role{v1.RoleViewer, v1.RoleOperator, v1.RoleApprover, v1.RoleAdmin}, r)
}

// Allows says whether a caller with role have may do what needs role need. What needs register is
// open to register tokens and to those who may change objects anyway; a register token may do nothing
// else. An unknown role allows nothing and nothing is allowed where an unknown one is needed.
func Allows(have, need v1.Role) bool {
	if need == v1.RoleRegister {
		return have == v1.RoleRegister || rank(have) >= rank(v1.RoleOperator)
	}
	return rank(need) >= 0 && rank(have) >= rank(need)
}

// Require returns a Denied error unless the caller has the role.
func Require(ctx context.Context, need v1.Role) error {
	id := IdentityOf(ctx)
	if Allows(id.Role, need) {
		return nil
	}
	if id.Name == "" {
		return errNoIdentity()
	}
	return kind.New(kind.Denied, "JD-API-005", "%s has role %q, this needs %q; use a token with that role", id.By(), id.Role, need)
}

// RequireService returns a Denied error when the caller is a register token that is not for service.
func RequireService(ctx context.Context, service string) error {
	id := IdentityOf(ctx)
	if id.Role != v1.RoleRegister || slices.Contains(id.Services, service) {
		return Require(ctx, v1.RoleRegister)
	}
	return kind.New(kind.Denied, "JD-API-006", "token %q is for services %q, not for %q; add the service to the token", id.Name, id.Services, service)
}

package app

import (
	"context"
	"errors"
	"slices"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate"
	"jindu.dev/jindu/internal/object"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/route"
)

// admission judges changes of objects by the rules of their parts.
type admission struct {
	snapshot func() *registry.Snapshot
	// routes are all routes as of a store revision, if they are decoded already; thousands of them are
	// not decoded for each that is applied.
	routes func(revision int64) ([]v1.Route, bool)
	now    func() time.Time
}

// admit is an object.Admit.
func (a *admission) admit(_ context.Context, c object.Change, view object.View) error {
	if c.After == nil {
		return a.remove(c.Before, view)
	}
	switch c.After.Kind {
	case v1.KindService:
		s, err := object.As[v1.Service](*c.After)
		if err != nil {
			return err
		}
		return invalid("JD-APP-004", c.After, registry.ValidateService(s.Spec))
	case v1.KindInstance:
		i, err := object.As[v1.Instance](*c.After)
		if err != nil {
			return err
		}
		return invalid("JD-APP-004", c.After, registry.ValidateInstance(i.Spec))
	case v1.KindRoute:
		return a.route(c, view)
	case v1.KindMigration:
		return a.migration(c, view)
	}
	return nil
}

func invalid(code string, o *object.Object, fields []kind.Field) error {
	if len(fields) == 0 {
		return nil
	}
	return kind.New(kind.Invalid, code, "%s %q is not valid", o.Kind, o.Metadata.Name).WithFields(fields...)
}

func (a *admission) route(c object.Change, view object.View) error {
	r, err := object.As[v1.Route](*c.After)
	if err != nil {
		return err
	}
	others, known := a.routes(view.Revision())
	if !known {
		if others, err = all[v1.Route](view, v1.KindRoute); err != nil {
			return err
		}
	}
	return route.CheckRoute(r, others)
}

func (a *admission) migration(c object.Change, view object.View) error {
	m, err := object.As[v1.Migration](*c.After)
	if err != nil {
		return err
	}
	existing, err := all[v1.Migration](view, v1.KindMigration)
	if err != nil {
		return err
	}
	if err := migrate.Admit(existing, m, a.now()); err != nil {
		return err
	}
	for _, p := range route.CheckSubsets(m.Metadata.Name, m.Spec, a.snapshot()) {
		if !p.Warning {
			return p.Err
		}
	}
	return nil
}

// remove refuses to delete a migration that is all that keeps requests from one of two sides: without
// it a route to the whole service would send them to both.
func (a *admission) remove(o *object.Object, view object.View) error {
	if o.Kind != v1.KindMigration {
		return nil
	}
	m, err := object.As[v1.Migration](*o)
	if err != nil {
		return err
	}
	service := a.snapshot().Services[m.Spec.Service]
	if service == nil || !answers(service, m.Spec.From) || !answers(service, m.Spec.To) {
		return nil
	}
	routes, err := all[v1.Route](view, v1.KindRoute)
	if err != nil {
		return err
	}
	for _, r := range routes {
		if leaves(r.Spec, m.Spec.Service) {
			return kind.New(kind.Conflict, "JD-APP-003", "route %q sends to the whole service %q, and both %s and %s have instances: without migration %q requests would go to both; "+
				"deregister the instances of one side, or name a subset in the route, then delete it",
				r.Metadata.Name, m.Spec.Service, registry.SelectorText(m.Spec.From), registry.SelectorText(m.Spec.To), m.Metadata.Name)
		}
	}
	return nil
}

func answers(s *registry.Service, sel v1.Selector) bool {
	return slices.ContainsFunc(s.Instances, func(i *registry.Instance) bool { return i.Usable && registry.Match(sel, i.Metadata) })
}

// leaves says whether a route leaves it to a migration which subset of the service is meant.
func leaves(r v1.RouteSpec, service string) bool {
	return slices.ContainsFunc(r.Rules, func(rule v1.RouteRule) bool {
		return slices.ContainsFunc(rule.BackendRefs, func(b v1.BackendRef) bool { return b.Service == service && len(b.Subset) == 0 })
	})
}

func all[T any](view object.View, k v1.Kind) ([]T, error) {
	list, err := view.List(k)
	if err != nil {
		return nil, err
	}
	out := make([]T, 0, len(list))
	var errs []error
	for _, o := range list {
		v, err := object.As[T](o)
		errs = append(errs, err)
		out = append(out, v)
	}
	return out, errors.Join(errs...)
}

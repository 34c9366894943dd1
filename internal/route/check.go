package route

import (
	"sync"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// CheckRoute is what is wrong with a route that is to stand beside others, nil when it may: Invalid
// with each wrong field, or Conflict with the route that matches the same requests already. others may
// hold an earlier version of r.
func CheckRoute(r v1.Route, others []v1.Route) error {
	if wrong := Validate(r.Spec); len(wrong) > 0 {
		return invalidRoute(r.Metadata.Name, wrong)
	}
	mine := map[place]map[string]bool{} // conditions by place without them
	eachPlace(&r, func(at place, conditions func() string) bool {
		if mine[at] == nil {
			mine[at] = map[string]bool{}
		}
		mine[at][conditions()] = true
		return true
	})
	for i := range others {
		o := &others[i]
		if o.Metadata.Name == r.Metadata.Name {
			continue
		}
		apart := eachPlace(o, func(at place, conditions func() string) bool {
			taken := mine[at]
			return taken == nil || !taken[conditions()]
		})
		if !apart {
			return conflict(r.Metadata.Name, o.Metadata.Name)
		}
	}
	return nil
}

// eachPlace calls f for each place of a route, without the conditions, which cost more, until f is
// false.
func eachPlace(r *v1.Route, f func(at place, conditions func() string) bool) bool {
	for i := range r.Spec.Rules {
		for _, m := range matches(&r.Spec.Rules[i]) {
			conditions := sync.OnceValue(func() string {
				when, err := compileConditions(m, r.Spec.SourceTags)
				if err != nil { // not valid, so not in force
					return err.Error()
				}
				return when.key()
			})
			p := pathOf(m)
			for _, host := range hosts(&r.Spec) {
				if !f(place{host: host, kind: p.Type, path: unnamed(p)}, conditions) {
					return false
				}
			}
		}
	}
	return true
}

func invalidRoute(name string, wrong []kind.Field) *kind.Error {
	return kind.New(kind.Invalid, "JD-ROUTE-001", "route %s has wrong fields: correct them", name).WithFields(wrong...)
}

func conflict(name, first string) *kind.Error {
	return kind.New(kind.Conflict, "JD-ROUTE-002",
		"route %s and route %s match the same requests, of which %s gets all: change hostnames or matches of one", name, first, first)
}

func noInstance(rule string, s *Subset) *kind.Error {
	return kind.New(kind.Unavailable, "JD-ROUTE-003",
		"rule %s: no instance of %s can answer for %s: start one, or correct backendRefs", rule, s.Service, s.Text)
}

func invalidMigration(name string, wrong []kind.Field) *kind.Error {
	return kind.New(kind.Invalid, "JD-ROUTE-011", "migration %s has wrong fields: correct them", name).WithFields(wrong...)
}

func sameService(name, first, service string) *kind.Error {
	return kind.New(kind.Conflict, "JD-ROUTE-012",
		"migration %s and migration %s both move service %s: a service has one migration; delete one", name, first, service)
}

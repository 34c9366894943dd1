package route

import (
	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/registry"
)

func Validate(s v1.RouteSpec) []kind.Field { return nil }

func ValidateMigration(s v1.MigrationSpec) []kind.Field { return nil }

func CheckSubsets(name string, s v1.MigrationSpec, reg *registry.Snapshot) []Problem { return nil }

func invalidRoute(name string, wrong []kind.Field) *kind.Error {
	return kind.New(kind.Invalid, "JD-ROUTE-001", "route %s has wrong fields", name).WithFields(wrong...)
}

func conflict(name, first string) *kind.Error {
	return kind.New(kind.Conflict, "JD-ROUTE-002", "route %s matches the same requests as route %s", name, first)
}

func noInstance(rule string, s *Subset) *kind.Error {
	return kind.New(kind.Unavailable, "JD-ROUTE-003", "rule %s: nothing in %s can answer", rule, s.ID)
}

func invalidMigration(name string, wrong []kind.Field) *kind.Error {
	return kind.New(kind.Invalid, "JD-MIGRATION-001", "migration %s has wrong fields", name).WithFields(wrong...)
}

func sameService(name, first, service string) *kind.Error {
	return kind.New(kind.Conflict, "JD-MIGRATION-002", "migration %s is of service %s, as is migration %s", name, service, first)
}

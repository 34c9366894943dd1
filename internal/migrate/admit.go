package migrate

import (
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/compare"
	"jindu.dev/jindu/internal/route"
)

// Admit says whether m may be applied beside the migrations that exist, among them m's own earlier
// version: its spec must be valid, may change only what moves nobody at random, and its service may
// have no other migration.
func Admit(existing []v1.Migration, m v1.Migration, now time.Time) error {
	wrong := route.ValidateMigration(m.Spec)
	for i := range existing {
		e := &existing[i]
		switch {
		case e.Metadata.Name == m.Metadata.Name:
			wrong = append(wrong, route.ValidateMigrationChange(*e, m.Spec)...)
		case e.Spec.Service == m.Spec.Service && m.Spec.Service != "":
			return kind.New(kind.Conflict, "JD-MIGRATE-013", "service %q is moved by migration %q already, and a service has one at a time; delete that one first, or change it", m.Spec.Service, e.Metadata.Name)
		}
	}
	if wrong != nil {
		return kind.New(kind.Invalid, "JD-MIGRATE-002", "migration %q is not valid", m.Metadata.Name).WithFields(wrong...)
	}
	if _, err := compare.Compile(m.Spec.Compare, now); err != nil {
		return err
	}
	return nil
}

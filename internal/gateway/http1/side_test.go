package http1

import (
	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
)

// moved is a world in which the service orders moves from old to new, with everybody of the share on
// the new side.
func moved(old, now string, buckets int) world {
	w := world{migrations: []v1.Migration{{
		Metadata: v1.Meta{Name: "move"},
		Spec:     v1.MigrationSpec{Service: "orders", From: v1.Selector{"runtime": "java17"}, To: v1.Selector{"runtime": "go1.26"}},
		Status:   v1.MigrationStatus{Phase: v1.PhaseHold, Buckets: buckets},
	}}}
	add := func(addr, runtime string) {
		if addr != "" {
			w.instances = append(w.instances, instance(addr, map[string]string{"runtime": runtime}))
		}
	}
	w.instances = []*registry.Instance{}
	add(old, "java17")
	add(now, "go1.26")
	return w
}

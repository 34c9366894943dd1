package app

import (
	"cmp"
	"math"
	"slices"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
)

// estate is the board's page: every service with what it runs on, how far its migration is, and what
// blocks it.
func estate(snapshot *registry.Snapshot, migrations []v1.Migration, status func(name string) (v1.MigrationStatus, bool), o v1.Overview) []v1.EstateRow {
	rows := make([]v1.EstateRow, 0, len(snapshot.Services))
	for _, s := range snapshot.Services {
		row := v1.EstateRow{Service: s.Name, Owner: s.Spec.Owner, Runtimes: map[string]int{}}
		for _, i := range s.Instances {
			if i.State == v1.StateGone {
				continue
			}
			row.Runtimes[cmp.Or(i.Metadata["runtime"], "unknown")]++
			if i.Usable {
				row.Usable++
			}
		}
		var newRate float64
		at := slices.IndexFunc(migrations, func(m v1.Migration) bool { return m.Spec.Service == s.Name })
		for _, t := range o.Subsets {
			if t.Service != s.Name {
				continue
			}
			row.Rate += t.Rate
			if at >= 0 && t.Subset == registry.SelectorText(migrations[at].Spec.To) {
				newRate += t.Rate
			}
		}
		if row.Rate > 0 {
			row.NewShare = math.Round(newRate/row.Rate*10_000) / 100
		}
		if at >= 0 {
			m := migrations[at]
			st, ok := status(m.Metadata.Name)
			if !ok {
				st = m.Status
			}
			row.Migration, row.Phase, row.Share, row.Blocked = m.Metadata.Name, st.Phase, float64(st.Buckets)/100, st.Blocked
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b v1.EstateRow) int { return cmp.Compare(a.Service, b.Service) })
	return rows
}

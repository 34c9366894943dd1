package demo

import (
	"fmt"

	v1 "jindu.dev/jindu/api/v1"
)

// Difference names what differed; for a gate that failed without a difference, endpoint is * and path is
// gate:errors or gate:latency.
type Difference struct {
	Endpoint string `json:"endpoint"`
	Path     string `json:"path"`
}

// Outcome is a report, and what did not go as planned, "" when everything did.
type Outcome struct {
	Report
	Unexpected string
}

const gatePrefix = "gate:"

// Report is how the demo ended.
type Report struct {
	Phase           v1.Phase    `json:"phase"`
	Share           int         `json:"share"` // percent of users on the new side
	OldRuntime      string      `json:"old_runtime"`
	Requests        int64       `json:"requests"`
	Errors          int64       `json:"errors"`  // answers that the old service would not have given
	Exposed         int64       `json:"exposed"` // answers that a live-only defect spoilt before its rollback
	Verdict         v1.Verdict  `json:"verdict"` // of the last gates
	FirstDifference *Difference `json:"first_difference"`
	Seconds         float64     `json:"seconds"`
}

// firstDifference is what a rollback names.
func firstDifference(st *v1.MigrationStatus) *Difference {
	if st.Phase != v1.PhaseRolledBack {
		return nil
	}
	if d := st.FirstDifference; d != nil {
		return &Difference{d.Endpoint, d.Path}
	}
	for _, g := range st.Gates {
		if g.Verdict == v1.VerdictFail {
			return &Difference{"*", gatePrefix + g.Name}
		}
	}
	return nil
}

// highest is the largest share that a migration had, in ten-thousandths.
func highest(st *v1.MigrationStatus) int {
	most := st.Buckets
	for _, t := range st.History {
		most = max(most, t.Buckets)
	}
	return most
}

// unexpected says what did not go as planned, "" when everything did.
func (r Report) unexpected(d *Defect, most int) string {
	switch {
	case r.Errors > 0:
		return fmt.Sprintf("%d answers were wrong", r.Errors)
	case d == nil && (r.Phase != v1.PhaseDone || r.Share != 100):
		return fmt.Sprintf("no defect was planted, but the migration ended in %s at %d %%", r.Phase, r.Share)
	case d == nil && r.Verdict != v1.VerdictPass:
		return fmt.Sprintf("the migration is done, but its verdict is %s", r.Verdict)
	case d == nil:
		return ""
	case r.Phase != v1.PhaseRolledBack || r.Share != 0:
		return fmt.Sprintf("defect %s was planted, but the migration ended in %s at %d %%", d.Name, r.Phase, r.Share)
	case r.FirstDifference == nil:
		return fmt.Sprintf("the rollback names no difference; defect %s was planted", d.Name)
	case !d.Found(r.FirstDifference):
		return fmt.Sprintf("the rollback names %s %s, but defect %s was planted", r.FirstDifference.Endpoint, r.FirstDifference.Path, d.Name)
	case d.Live && most == 0:
		return fmt.Sprintf("defect %s shows in live traffic only, but no user was on the new side", d.Name)
	case !d.Live && most > 0:
		return fmt.Sprintf("defect %s shows in copies, but users were moved before it was found", d.Name)
	}
	return ""
}

package shop

import (
	"fmt"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
)

// Report is how the demo ended.
type Report struct {
	Phase           v1.Phase           `json:"phase"`
	Share           int                `json:"share"` // percent of users on the new side
	OldRuntime      string             `json:"old_runtime"`
	OldStore        string             `json:"old_store"`
	NewStore        string             `json:"new_store"`
	Requests        int64              `json:"requests"`
	Errors          int64              `json:"errors"` // answers that no shop should give
	Orders          int64              `json:"orders"` // acknowledged
	Compared        int64              `json:"compared"`
	Rows            map[string]Counted `json:"rows"`     // of each table, by the old side's name
	Found           int64              `json:"found"`    // differences found
	Repaired        int64              `json:"repaired"` // of them repaired
	Back            *Verdict           `json:"back"`     // the Judge, after everyone was taken back from 100 %
	End             *Verdict           `json:"end"`      // the Judge, at the end
	Lost            int                `json:"lost"`     // acknowledged orders that a side does not have
	Doubled         int                `json:"doubled"`  // requests that made two orders
	FirstDifference *v1.DifferenceRef  `json:"first_difference"`
	Seconds         float64            `json:"seconds"`
}

// Counted is how many rows each side has.
type Counted struct {
	Old int64 `json:"old"`
	New int64 `json:"new"`
}

// Outcome is a report, and what did not go as planned, "" when everything did.
type Outcome struct {
	Report
	Unexpected string
}

// unexpected says what did not go as planned. A planted defect must be found in copies, by what it did, and
// leave no trace in the databases.
func (r *Report) unexpected(defect string, spoilt int64) string {
	for name, v := range map[string]*Verdict{"after the way back": r.Back, "at the end": r.End} {
		if v != nil && !v.Fine() {
			return fmt.Sprintf("%s: %s", name, strings.Join(v.Wrong, "; "))
		}
	}
	switch {
	case r.Errors > 0:
		return fmt.Sprintf("%d answers were wrong", r.Errors)
	case r.End == nil:
		return "the databases were not judged"
	case defect == "" && (r.Phase != v1.PhaseHold || r.Share != 100):
		return fmt.Sprintf("no defect was planted, but the migration ended in %s at %d %%", r.Phase, r.Share)
	case defect == "" && r.Back == nil:
		return "nobody was taken back from 100 %"
	case defect == "" && (r.Found < spoilt || r.Repaired < spoilt):
		return fmt.Sprintf("%d rows were spoilt by hand, %d differences were found and %d repaired", spoilt, r.Found, r.Repaired)
	case defect == "":
		return ""
	case r.Phase != v1.PhaseRolledBack || r.Share != 0:
		return fmt.Sprintf("defect %s was planted, but the migration ended in %s at %d %%", defect, r.Phase, r.Share)
	case r.FirstDifference == nil:
		return fmt.Sprintf("the rollback names no difference; defect %s was planted", defect)
	case !strings.HasPrefix(r.FirstDifference.Path, "effects"):
		return fmt.Sprintf("the rollback names %s %s, but defect %s is in what requests did", r.FirstDifference.Endpoint, r.FirstDifference.Path, defect)
	}
	return ""
}

package shop

import (
	"fmt"
	"maps"
	"slices"
)

// Verdict is what the Judge found in the databases, against what buyers were told.
type Verdict struct {
	Acknowledged int      `json:"acknowledged"` // orders whose id a buyer got
	Lost         int      `json:"lost"`         // of them, rows that a side does not have
	Doubled      int      `json:"doubled"`      // requests that made two orders, or two messages of one kind
	Differ       int      `json:"differ"`       // orders that are not the same on both sides
	Conserved    bool     `json:"conserved"`    // stock left and sold is what there was, on each side
	Wrong        []string `json:"wrong"`        // the first of what is wrong, in words
}

// maxWrong bounds what is told in words.
const maxWrong = 10

// Judge holds both databases against the ledger. initial is the stock of each sku at the beginning.
func Judge(acknowledged map[string]string, initial map[string]int64, old, fresh Rows) Verdict {
	v := Verdict{Acknowledged: len(acknowledged), Conserved: true, Wrong: []string{}}
	wrong := func(format string, args ...any) {
		if len(v.Wrong) < maxWrong {
			v.Wrong = append(v.Wrong, fmt.Sprintf(format, args...))
		}
	}
	for _, request := range slices.Sorted(maps.Keys(acknowledged)) {
		id := acknowledged[request]
		a, inOld := old.Orders[id]
		b, inNew := fresh.Orders[id]
		for side, has := range map[string]bool{"old": inOld, "new": inNew} {
			if !has {
				v.Lost++
				wrong("order %s of request %s is not on the %s side", id, request, side)
			}
		}
		if inOld && inNew && a != b {
			v.Differ++
			wrong("order %s is %+v on the old side and %+v on the new one", id, a, b)
		}
	}
	for _, side := range []struct {
		name string
		rows Rows
	}{{"old", old}, {"new", fresh}} {
		by := map[string]string{}
		for _, id := range slices.Sorted(maps.Keys(side.rows.Orders)) {
			r := side.rows.Orders[id].Request
			if first, twice := by[r]; twice {
				v.Doubled++
				wrong("request %s made %s and %s on the %s side", r, first, id, side.name)
			}
			by[r] = id
		}
		for sku, had := range initial {
			if is := side.rows.Stock[sku] + side.rows.Sold[sku]; is != had {
				v.Conserved = false
				wrong("sku %s: %d left and %d sold on the %s side, but there were %d", sku, side.rows.Stock[sku], side.rows.Sold[sku], side.name, had)
			}
		}
	}
	return v
}

// Fine says that nothing is wrong.
func (v *Verdict) Fine() bool { return v.Lost == 0 && v.Doubled == 0 && v.Differ == 0 && v.Conserved }

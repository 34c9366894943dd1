package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// line is one number.
type line struct {
	what  string
	value string
	bound string // empty: there is none
	met   bool
	load  float64 // of the machine, while it was measured
}

// table is the numbers of a run.
type table struct{ lines []line }

// add takes a number in that has a bound.
func (t *table) add(what, value, bound string, met bool) {
	t.lines = append(t.lines, line{what, value, bound, met, load()})
}

// note takes in one that has none.
func (t *table) note(what, value string) {
	t.lines = append(t.lines, line{what: what, value: value, load: load()})
}

func (t *table) missed() bool {
	return slices.ContainsFunc(t.lines, func(l line) bool { return l.bound != "" && !l.met })
}

// String is the table as BENCHMARKS.md has it.
func (t *table) String() string {
	var b strings.Builder
	b.WriteString("| what | measured | bound | | load |\n|---|---|---|---|---|\n")
	for _, l := range t.lines {
		verdict := ""
		if l.bound != "" {
			verdict = "missed"
			if l.met {
				verdict = "met"
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.1f |\n", l.what, l.value, l.bound, verdict, l.load)
	}
	return b.String()
}

// quantile of values, which it sorts; 0 of none.
func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(int(q*float64(len(values))), len(values)-1)]
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/1e6) }

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tally is what one judge did at one noise rate.
type tally struct {
	found, missed, wrong int
	alarms               int // clean migrations in which it reported anything
	misses, wrongs       map[string]int
}

func (t *tally) precision() float64 { return share(t.found, t.found+t.wrong) }
func (t *tally) recall() float64    { return share(t.found, t.found+t.missed) }
func (t *tally) f1() float64        { return share(2*t.found, 2*t.found+t.missed+t.wrong) }

func share(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

func (t *tally) add(o *tally) {
	t.found += o.found
	t.missed += o.missed
	t.wrong += o.wrong
	t.alarms += o.alarms
}

// score counts one migration: units that were planted, echoes left out.
func (t *tally) score(j job, reported judgement) {
	if len(j.planted) == 0 && len(reported) > 0 {
		t.alarms++
	}
	excused := judgement{}
	for _, d := range j.planted {
		endpoint := service[d.endpoint].endpoint
		excused[unit{endpoint, d.path}] = true
		for _, echo := range d.echoes {
			excused[unit{endpoint, echo}] = true
		}
		if reported[unit{endpoint, d.path}] {
			t.found++
		} else {
			t.missed++
			t.misses[d.name]++
		}
	}
	for u := range reported {
		if !excused[u] {
			t.wrong++
			t.wrongs[u.endpoint+" "+u.path]++
		}
	}
}

// board is the table.
type board struct {
	rates       []float64
	clean       []int
	ours, diffy []tally
}

func newBoard(rates []float64) *board {
	b := &board{rates: rates, clean: make([]int, len(rates)), ours: make([]tally, len(rates)), diffy: make([]tally, len(rates))}
	for i := range rates {
		b.ours[i].misses, b.ours[i].wrongs = map[string]int{}, map[string]int{}
		b.diffy[i].misses, b.diffy[i].wrongs = map[string]int{}, map[string]int{}
	}
	return b
}

func (b *board) score(j job, ours, diffy judgement) {
	if len(j.planted) == 0 {
		b.clean[j.rate]++
	}
	b.ours[j.rate].score(j, ours)
	b.diffy[j.rate].score(j, diffy)
}

func (b *board) total() (ours, diffy tally, clean int) {
	for i := range b.rates {
		ours.add(&b.ours[i])
		diffy.add(&b.diffy[i])
		clean += b.clean[i]
	}
	return ours, diffy, clean
}

func (b *board) table() string {
	var w strings.Builder
	fmt.Fprintln(&w, "noise\tJindu precision\trecall\tF1\tfalse alarms\tDiffy rule precision\trecall\tF1\tfalse alarms\t")
	row := func(name string, o, d *tally, clean int) {
		fmt.Fprintf(&w, "%s\t%.3f\t%.3f\t%.3f\t%d/%d\t%.3f\t%.3f\t%.3f\t%d/%d\t\n", name,
			o.precision(), o.recall(), o.f1(), o.alarms, clean, d.precision(), d.recall(), d.f1(), d.alarms, clean)
	}
	for i, rate := range b.rates {
		row(fmt.Sprintf("%.0f %%", 100*rate), &b.ours[i], &b.diffy[i], b.clean[i])
	}
	ours, diffy, clean := b.total()
	row("all", &ours, &diffy, clean)
	return w.String()
}

// list names what was missed and what was reported wrongly.
func (b *board) list() string {
	var out strings.Builder
	for i, rate := range b.rates {
		for _, judge := range []struct {
			name string
			t    *tally
		}{{"Jindu", &b.ours[i]}, {"Diffy rule", &b.diffy[i]}} {
			for _, what := range slices.Sorted(maps.Keys(judge.t.misses)) {
				fmt.Fprintf(&out, "%.0f %% %s missed %d: %s\n", 100*rate, judge.name, judge.t.misses[what], what)
			}
			for _, what := range slices.Sorted(maps.Keys(judge.t.wrongs)) {
				fmt.Fprintf(&out, "%.0f %% %s wrong %d: %s\n", 100*rate, judge.name, judge.t.wrongs[what], what)
			}
		}
	}
	return out.String()
}

// maxAlarms is the share of clean migrations that may be called defective.
const maxAlarms = 0.05

// missed names every target that is missed.
func (b *board) missed() []string {
	var out []string
	miss := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for i, rate := range b.rates {
		o, d := &b.ours[i], &b.diffy[i]
		if o.precision() < d.precision() {
			miss("precision %.3f is below the rule's %.3f at %.0f %% noise", o.precision(), d.precision(), 100*rate)
		}
		if o.recall() < d.recall() {
			miss("recall %.3f is below the rule's %.3f at %.0f %% noise", o.recall(), d.recall(), 100*rate)
		}
	}
	ours, diffy, clean := b.total()
	if ours.f1() <= diffy.f1() {
		miss("F1 %.3f over all is not above the rule's %.3f", ours.f1(), diffy.f1())
	}
	if got := share(ours.alarms, clean); clean > 0 && got >= maxAlarms {
		miss("%.1f %% of the clean migrations were called defective, the bound is %.0f %%", 100*got, 100*maxAlarms)
	}
	return out
}

package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
)

// TestEveryDefectShowsWhereItSaysAndNowhereElse checks the planted truth without noise of the flaky kind.
func TestEveryDefectShowsWhereItSaysAndNowhereElse(t *testing.T) {
	names := map[string]bool{}
	for i := range defects {
		d := &defects[i]
		if names[d.name] {
			t.Errorf("two defects are named %q", d.name)
		}
		names[d.name] = true
		rules, err := compare.Compile(v1.CompareSpec{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		dice := rand.New(rand.NewPCG(uint64(i), 1))
		shown := false
		for n := range 400 {
			req := &request{subject: uint64(n%200 + 1), entity: dice.Uint64(), late: 0.9, at: time.Unix(1_780_000_000, 0)}
			if d.when != nil && !d.when(req) {
				continue
			}
			// The same dice on both sides: what differs is the defect alone.
			side := func() *reply {
				return service[d.endpoint].render(req, rand.New(rand.NewPCG(req.entity, 2)), rand.New(rand.NewPCG(req.entity, 3)), 0)
			}
			fresh := side()
			d.plant(fresh, req, dice)
			old, changed := side().answer(), fresh.answer()
			for _, diff := range rules.Diff(rules.Parse(&old), rules.Parse(&changed)) {
				if diff.Path == d.path {
					shown = true
				} else if !slices.Contains(d.echoes, diff.Path) {
					t.Errorf("%s shows at %s", d.name, diff.Path)
				}
			}
		}
		if !shown {
			t.Errorf("%s never shows at %s", d.name, d.path)
		}
	}
	if len(names) < 40 {
		t.Errorf("%d kinds of defect, 40 are promised", len(names))
	}
}

func TestEveryDefectIsPlantedOnceARateAndSeed(t *testing.T) {
	p := plan{rates: []float64{0, 0.5}, seeds: 2, controls: 3, base: heldOut}
	planted, clean, seeds := map[string]int{}, 0, map[uint64]bool{}
	for _, j := range jobs(p) {
		if seeds[j.seed] || j.seed < heldOut {
			t.Fatalf("seed %d is used twice or is for tuning", j.seed)
		}
		seeds[j.seed] = true
		if len(j.planted) == 0 {
			clean++
		}
		for _, d := range j.planted {
			planted[d.name]++
		}
	}
	for _, d := range defects {
		if planted[d.name] != 4 {
			t.Errorf("%s is planted %d times", d.name, planted[d.name])
		}
	}
	if clean != 6 {
		t.Errorf("%d clean migrations", clean)
	}
}

func TestTheBoardCountsUnitsAndNamesMissedTargets(t *testing.T) {
	d := &defects[0]
	right := unit{service[d.endpoint].endpoint, d.path}
	b := newBoard([]float64{0})
	b.score(job{planted: []*defect{d}}, judgement{}, judgement{right: true})
	b.score(job{}, judgement{{"GET /x", "$.y"}: true}, judgement{})
	missed := strings.Join(b.missed(), "\n")
	for _, want := range []string{"precision 0.000", "recall 0.000", "F1", "100.0 %"} {
		if !strings.Contains(missed, want) {
			t.Errorf("%q is not in\n%s", want, missed)
		}
	}
	b = newBoard([]float64{0})
	b.score(job{planted: []*defect{d}}, judgement{right: true}, judgement{})
	b.score(job{}, judgement{}, judgement{})
	if missed := b.missed(); len(missed) > 0 {
		t.Errorf("better in everything, and missed: %v", missed)
	}
}

// TestTheRuleOfDiffyIsThePublishedOne: counts on both sides of each bound.
func TestTheRuleOfDiffyIsThePublishedOne(t *testing.T) {
	for _, c := range []struct {
		raw, noise, total float64
		want              bool
	}{{1, 0, 1000, true}, {1, 0, 10_000, false}, {60, 40, 1000, false}, {61, 40, 1000, true}, {40, 61, 1000, false}, {5, 5, 10, false}} {
		u := unit{"e", "p"}
		d := &diffy{total: map[string]float64{"e": c.total}, raw: map[unit]float64{u: c.raw}, noise: map[unit]float64{u: c.noise}}
		if d.judge()[u] != c.want {
			t.Errorf("%+v", c)
		}
	}
}

// TestASmallBenchmarkRuns: both judges, end to end, on few triples.
func TestASmallBenchmarkRuns(t *testing.T) {
	var out strings.Builder
	if _, err := run(plan{rates: []float64{0.1}, seeds: 1, controls: 1, triples: 60, base: 1}, true, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Diffy rule") || !strings.Contains(out.String(), "10 %") {
		t.Errorf("no table:\n%s", out.String())
	}
}

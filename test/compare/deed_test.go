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

// TestEveryMisdeedShowsWhereItSaysAndNowhereElse checks the planted truth: same dice and same database on
// both sides, so that what differs is the defect alone.
func TestEveryMisdeedShowsWhereItSaysAndNowhereElse(t *testing.T) {
	names, visible := map[string]bool{}, 0
	for i := range misdeeds {
		m := &misdeeds[i]
		if names[m.name] {
			t.Errorf("two defects are named %q", m.name)
		}
		names[m.name] = true
		if m.answer != "" {
			visible++
		}
		rules, err := compare.Compile(v1.CompareSpec{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		dice := rand.New(rand.NewPCG(uint64(i), 1))
		shown, said := false, m.answer == ""
		for n := range 200 {
			req := &request{subject: uint64(n%200 + 1), entity: dice.Uint64(), at: time.Unix(1_780_000_000, 0)}
			if m.when != nil && !m.when(req) {
				continue
			}
			side := func() *deed {
				return shop[m.endpoint].perform(req, rand.New(rand.NewPCG(req.entity, 2)), rand.New(rand.NewPCG(req.entity, 3)), 0, newStore(100))
			}
			fresh := side()
			m.plant(fresh, req, dice)
			old, changed := side().answer(), fresh.answer()
			for _, d := range rules.Diff(rules.Parse(&old), rules.Parse(&changed)) {
				switch {
				case d.Path == m.path:
					shown = true
				case slices.Contains(m.echoes, d.Path) || d.Path == m.answer:
				default:
					t.Errorf("%s shows at %s", m.name, d.Path)
				}
				said = said || d.Path == m.answer
			}
		}
		if !shown || !said {
			t.Errorf("%s never shows at %s, or not in the answer at %q", m.name, m.path, m.answer)
		}
	}
	if len(names) < 30 {
		t.Errorf("%d kinds of effect defect, 30 are promised", len(names))
	}
	if 2*visible > len(names) {
		t.Errorf("%d of %d kinds show in the answer", visible, len(names))
	}
}

func TestEveryMisdeedIsPlantedOnceARateAndSeed(t *testing.T) {
	p := plan{rates: []float64{0, 0.5}, seeds: 2, controls: 3, base: heldOut}
	planted, clean := map[string]int{}, 0
	for _, j := range deedJobs(p) {
		if j.seed < heldOut {
			t.Fatalf("seed %d is for tuning", j.seed)
		}
		if len(j.planted) == 0 {
			clean++
		}
		for _, m := range j.planted {
			planted[m.name]++
		}
	}
	for _, m := range misdeeds {
		if planted[m.name] != 4 {
			t.Errorf("%s is planted %d times", m.name, planted[m.name])
		}
	}
	if clean != 6 {
		t.Errorf("%d clean migrations", clean)
	}
}

func TestTheBoardOfDeedsNamesMissedTargets(t *testing.T) {
	m := &misdeeds[0]
	right := unit{shop[m.endpoint].endpoint, m.path}
	b := newBoard([]float64{0})
	b.clean[0] = 1
	b.ours[0].judge(deedJob{planted: []*misdeed{m}}, judgement{{"GET /x", "$.y"}: true})
	b.diffy[0].judge(deedJob{planted: []*misdeed{m}}, judgement{right: true})
	b.ours[0].judge(deedJob{}, judgement{{"GET /x", "$.y"}: true})
	missed := strings.Join(b.missedDeeds(), "\n")
	for _, want := range []string{"recall 0.000", "answers alone show 1.000", "precision 0.000", "100.0 %"} {
		if !strings.Contains(missed, want) {
			t.Errorf("%q is not in\n%s", want, missed)
		}
	}
	b = newBoard([]float64{0})
	b.clean[0] = 1
	b.ours[0].judge(deedJob{planted: []*misdeed{m}}, judgement{right: true})
	b.diffy[0].judge(deedJob{planted: []*misdeed{m}}, judgement{})
	if missed := b.missedDeeds(); len(missed) > 0 {
		t.Errorf("better in everything, and missed: %v", missed)
	}
}

func TestASmallBenchmarkOfDeedsRuns(t *testing.T) {
	var out strings.Builder
	if _, err := runDeeds(plan{rates: []float64{0.1}, seeds: 1, controls: 1, triples: 40, base: 1}, true, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "answers alone") || !strings.Contains(out.String(), "10 %") {
		t.Errorf("no table:\n%s", out.String())
	}
}

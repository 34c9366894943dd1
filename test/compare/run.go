package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
	"jindu.dev/jindu/internal/migrate/evidence"
)

// unit is what a judge reports.
type unit struct{ endpoint, path string }

// judgement is what a judge reported of one migration.
type judgement map[unit]bool

// subjects is the number of users; they ask with the frequencies of Zipf's law.
const subjects = 10_000

// migrate runs one migration: n triples to every endpoint, with the planted defects, at one rate of flaky
// fields. Both judges see the same answers.
func migrate(seed uint64, flaky float64, planted []*defect, n int) (ours, diffy judgement, err error) {
	dice := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	users := rand.NewZipf(dice, 1.1, 50, subjects-1)
	start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	book, err := evidence.NewBook(evidence.Config{Now: start})
	if err != nil {
		return nil, nil, fmt.Errorf("make book: %w", err)
	}
	rules, err := compare.Compile(v1.CompareSpec{}, start)
	if err != nil {
		return nil, nil, fmt.Errorf("compile rules: %w", err)
	}
	rule := newDiffy(rules)
	for i := range n {
		for e := range service {
			req := &request{
				subject: users.Uint64() + 1, entity: dice.Uint64(), late: float64(i) / float64(n),
				at: start.Add(time.Duration(i)*100*time.Millisecond + time.Duration(dice.IntN(100_000))*time.Microsecond),
			}
			answer := func() *reply {
				return service[e].render(req, rand.New(rand.NewPCG(req.entity, req.subject)), dice, flaky)
			}
			old, second, fresh := answer().answer(), answer().answer(), answer()
			for _, d := range planted {
				if d.endpoint == e && fresh.failure == "" && (d.when == nil || d.when(req)) && dice.Float64() < d.rate {
					d.plant(fresh, req, dice)
				}
			}
			name := service[e].endpoint
			observed := evidence.Observation{
				Endpoint: name, Cluster: req.subject<<8 | uint64(e), Subject: req.subject, At: req.at,
				Old: old, Old2: &second, New: fresh.answer(), Safe: true,
			}
			if reason := book.Add(observed); reason != "" {
				return nil, nil, fmt.Errorf("triple was not comparable: %s", reason)
			}
			rule.add(name, &observed)
		}
	}
	ours = judgement{}
	result := book.Look(start.Add(time.Hour))
	for _, e := range result.Endpoints {
		for _, p := range e.Paths {
			if p.Verdict == v1.VerdictFail {
				ours[unit{e.Endpoint, p.Path}] = true
			}
		}
	}
	return ours, rule.judge(), nil
}

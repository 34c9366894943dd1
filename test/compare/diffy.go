package main

import (
	"math"

	"jindu.dev/jindu/internal/migrate/compare"
	"jindu.dev/jindu/internal/migrate/evidence"
)

// diffy is the published rule: differences between old and new (raw) and between old and old (noise) are
// counted by endpoint and path, each by itself, and a path is reported when
//
//	raw > noise,  |raw-noise| / (raw+noise) > 20 %  and  |raw-noise| / total > 0.03 %
type diffy struct {
	rules *compare.Rules
	total map[string]float64
	raw   map[unit]float64
	noise map[unit]float64
}

func newDiffy(rules *compare.Rules) *diffy {
	return &diffy{rules: rules, total: map[string]float64{}, raw: map[unit]float64{}, noise: map[unit]float64{}}
}

func (d *diffy) add(endpoint string, o *evidence.Observation) {
	d.total[endpoint]++
	old := d.rules.Parse(&o.Old)
	for _, diff := range d.rules.Diff(old, d.rules.Parse(&o.New)) {
		d.raw[unit{endpoint, diff.Path}]++
	}
	for _, diff := range d.rules.Diff(old, d.rules.Parse(o.Old2)) {
		d.noise[unit{endpoint, diff.Path}]++
	}
}

func (d *diffy) judge() judgement {
	out := judgement{}
	for u, raw := range d.raw {
		noise := d.noise[u]
		gap := math.Abs(raw - noise)
		if raw > noise && gap/(raw+noise)*100 > 20 && gap/d.total[u.endpoint]*100 > 0.03 {
			out[u] = true
		}
	}
	return out
}

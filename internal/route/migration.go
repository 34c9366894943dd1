package route

import (
	"fmt"
	"maps"
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/registry"
)

// ValidateMigration returns each wrong field of a migration.
func ValidateMigration(s v1.MigrationSpec) []kind.Field {
	f := &fields{}
	f.service("spec.service", s.Service)
	f.side("spec.from", s.From)
	f.side("spec.to", s.To)
	if len(s.From) > 0 && maps.Equal(s.From, s.To) {
		f.add("spec.to", registry.SelectorText(s.To), "is the same as spec.from: the two sides must differ")
	}
	f.steps(s.Steps)
	f.subject("spec.subject", s.Subject)
	f.mirror(s.Mirror)
	f.gates(s.Gates)
	f.percent("spec.fallback.budgetPercent", s.Fallback.Budget)
	f.wrong = append(f.wrong, registry.ValidateBreaker("spec.breaker", s.Breaker)...)
	f.effects(s.Effects)
	f.data(s.Data)
	return f.wrong
}

func (f *fields) side(path string, sel v1.Selector) {
	if len(sel) == 0 {
		f.add(path, "", "is empty: choose a subset by metadata, such as {runtime: java17}")
	}
	f.selector(path, sel)
}

func (f *fields) steps(steps []float64) {
	last := 0.0
	for i, p := range steps {
		if !(p > last && p <= 100) {
			f.add(fmt.Sprintf("spec.steps[%d]", i), fmt.Sprint(p), "steps must rise, above 0 and up to 100")
		} else if p*Buckets/100 < 1 {
			f.add(fmt.Sprintf("spec.steps[%d]", i), fmt.Sprint(p), "is below 0.01, the smallest share")
		}
		if p > last { // not max, which a NaN would spread
			last = p
		}
	}
	if n := len(steps); n > 64 {
		f.add("spec.steps", fmt.Sprint(n), "may be 64 at most")
	} else if n > 0 && steps[n-1] != 100 {
		f.add("spec.steps", fmt.Sprint(steps[n-1]), "must end at 100")
	}
}

func (f *fields) mirror(m v1.MirrorSpec) {
	f.percent("spec.mirror.percent", m.Percent)
	f.percent("spec.mirror.triplesPercent", m.Triples)
	f.duration("spec.mirror.timeout", m.Timeout)
	for path, n := range map[string]int64{"maxInFlight": int64(m.MaxInFlight), "maxBytes": m.MaxBytes, "maxBodyBytes": m.MaxBodyBytes, "maxRatePerSecond": int64(m.MaxRate)} {
		if n < 0 {
			f.add("spec.mirror."+path, fmt.Sprint(n), "must not be negative")
		}
	}
}

func (f *fields) gates(g v1.GatesSpec) {
	if g.Alpha != nil && !(*g.Alpha > 0 && *g.Alpha <= 0.5) {
		f.add("spec.gates.alpha", fmt.Sprint(*g.Alpha), "must be above 0 and at most 0.5")
	}
	f.atLeastOne("spec.gates.minSamples", g.MinSamples)
	f.atLeastOne("spec.gates.minRequests", g.MinRequests)
	f.percent("spec.gates.maxMismatchPercent", g.MaxMismatch)
	f.percent("spec.gates.maxErrorExcessPercent", g.MaxErrorExcess)
	f.percent("spec.gates.maxSlowPercent", g.MaxSlow)
	f.percent("spec.gates.maxMirrorDropsPercent", g.MaxDrops)
	if g.LatencyFactor != nil && !(*g.LatencyFactor >= 1 && *g.LatencyFactor <= 100) {
		f.add("spec.gates.latencyFactor", fmt.Sprint(*g.LatencyFactor), "must be 1 to 100")
	}
	f.duration("spec.gates.latencySlack", g.LatencySlack)
	f.duration("spec.gates.mirrorTime", g.Mirror)
	f.duration("spec.gates.stepTime", g.Step)
	f.duration("spec.gates.holdTime", g.Hold)
}

func (f *fields) atLeastOne(path string, n *int) {
	if n != nil && *n < 1 {
		f.add(path, fmt.Sprint(*n), "must be 1 or more")
	}
}

// ValidateMigrationChange returns what may not change any more between the migration in force and its
// next spec. Once the ramp began, another salt, subject or side would move users at random.
func ValidateMigrationChange(before v1.Migration, after v1.MigrationSpec) []kind.Field {
	f := &fields{}
	was, is := before.Spec.WithDefaults(before.Metadata.Name), after.WithDefaults(before.Metadata.Name)
	if was.Service != is.Service {
		f.add("spec.service", is.Service, "can not change from %s: make another migration", was.Service)
	}
	switch before.Status.Phase {
	case v1.PhaseRamp, v1.PhaseHold, v1.PhaseDone:
	default:
		return f.wrong
	}
	frozen := func(path, old, next string) {
		if old != next {
			f.add(path, next, "can not change from %s once the ramp began: roll back first", old)
		}
	}
	frozen("spec.salt", was.Salt, is.Salt)
	frozen("spec.from", registry.SelectorText(was.From), registry.SelectorText(is.From))
	frozen("spec.to", registry.SelectorText(was.To), registry.SelectorText(is.To))
	frozen("spec.subject", fmt.Sprint(was.Subject), fmt.Sprint(is.Subject))
	if (was.Data == nil) != (is.Data == nil) {
		f.add("spec.data", "", "can be neither added nor removed once the ramp began, or rows would be missing on a side: roll back first")
	} else if was.Data != nil {
		frozen("spec.data.old", fmt.Sprint(was.Data.Old), fmt.Sprint(is.Data.Old))
		frozen("spec.data.new", fmt.Sprint(was.Data.New), fmt.Sprint(is.Data.New))
		if !ownersEqual(was.Data.Owners, is.Data.Owners) {
			f.add("spec.data.owners", "", "can not change once the ramp began, or entities would change sides: roll back first")
		}
	}
	return f.wrong
}

// CheckSubsets holds a migration's two sides against the instances known now.
func CheckSubsets(name string, s v1.MigrationSpec, reg *registry.Snapshot) []Problem {
	var out []Problem
	var svc *registry.Service
	if reg != nil {
		svc = reg.Services[s.Service]
	}
	if svc == nil {
		return append(out, migrationWarning(name, kind.New(kind.NotFound, "JD-ROUTE-013",
			"migration %s: service %s does not exist yet: register its instances, or correct spec.service", name, s.Service)))
	}
	var both []string
	counts := [2]int{}
	for _, in := range svc.Instances {
		from, to := registry.Match(s.From, in.Metadata), registry.Match(s.To, in.Metadata)
		if from && to {
			both = append(both, in.Name)
		}
		if from {
			counts[0]++
		}
		if to {
			counts[1]++
		}
	}
	switch {
	case len(both) > 0:
		out = append(out, migrationProblem(name, kind.New(kind.Conflict, "JD-ROUTE-014",
			"migration %s: %s is in both %s and %s: choose sides that no instance shares; until then it counts as old",
			name, listed(both), registry.SelectorText(s.From), registry.SelectorText(s.To))))
	case canBothHold(s.From, s.To):
		out = append(out, migrationWarning(name, kind.New(kind.Conflict, "JD-ROUTE-015",
			"migration %s: an instance could be in both %s and %s: choose the sides by different values of one key",
			name, registry.SelectorText(s.From), registry.SelectorText(s.To))))
	}
	for i, sel := range []v1.Selector{s.From, s.To} {
		if counts[i] == 0 {
			out = append(out, migrationWarning(name, kind.New(kind.Unavailable, "JD-ROUTE-016",
				"migration %s: no instance of %s has %s: start one, or correct spec.%s",
				name, s.Service, registry.SelectorText(sel), [...]string{"from", "to"}[i])))
		}
	}
	return out
}

// canBothHold says whether some metadata could match both selectors.
func canBothHold(a, b v1.Selector) bool {
	for k, x := range a {
		y, ok := b[k]
		if !ok {
			continue
		}
		px, gx := strings.CutSuffix(x, "*")
		py, gy := strings.CutSuffix(y, "*")
		apart := px != py
		switch {
		case gx && gy:
			apart = !strings.HasPrefix(px, py) && !strings.HasPrefix(py, px)
		case gx:
			apart = !strings.HasPrefix(py, px)
		case gy:
			apart = !strings.HasPrefix(px, py)
		}
		if apart {
			return false
		}
	}
	return true
}

// listed is the first names of a list.
func listed(names []string) string {
	const enough = 3
	if len(names) <= enough {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:enough], ", "), len(names)-enough)
}

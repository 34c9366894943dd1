package route

import (
	"math"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

func TestAGoodMigrationHasNoWrongField(t *testing.T) {
	s := orders("", 0).Spec
	if wrong := ValidateMigration(s); len(wrong) > 0 {
		t.Errorf("%+v", wrong)
	}
	if wrong := ValidateMigration(s.WithDefaults("m")); len(wrong) > 0 {
		t.Errorf("with defaults: %+v", wrong)
	}
}

func TestEachWrongFieldOfAMigrationIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil      func(*v1.MigrationSpec)
		path, text string
	}{
		"service":     {func(s *v1.MigrationSpec) { s.Service = "" }, "spec.service", "missing"},
		"empty from":  {func(s *v1.MigrationSpec) { s.From = nil }, "spec.from", "empty"},
		"empty to":    {func(s *v1.MigrationSpec) { s.To = v1.Selector{} }, "spec.to", "empty"},
		"identical":   {func(s *v1.MigrationSpec) { s.To = v1.Selector{"runtime": "java*"} }, "spec.to", "differ"},
		"falling":     {func(s *v1.MigrationSpec) { s.Steps = []float64{5, 1, 100} }, "spec.steps[1]", "rise"},
		"zero":        {func(s *v1.MigrationSpec) { s.Steps = []float64{0, 100} }, "spec.steps[0]", "rise"},
		"nan":         {func(s *v1.MigrationSpec) { s.Steps = []float64{math.NaN(), 100} }, "spec.steps[0]", "rise"},
		"tiny":        {func(s *v1.MigrationSpec) { s.Steps = []float64{0.001, 100} }, "spec.steps[0]", "0.01"},
		"short":       {func(s *v1.MigrationSpec) { s.Steps = []float64{1, 50} }, "spec.steps", "end at 100"},
		"subject":     {func(s *v1.MigrationSpec) { s.Subject = []v1.ValueSource{{}} }, "spec.subject[0]", "exactly one"},
		"subjects":    {func(s *v1.MigrationSpec) { s.Subject = make5() }, "spec.subject", "4"},
		"mirror":      {func(s *v1.MigrationSpec) { s.Mirror.MaxInFlight = -1 }, "spec.mirror.maxInFlight", "negative"},
		"percent":     {func(s *v1.MigrationSpec) { s.Mirror.Percent = new(200.0) }, "spec.mirror.percent", "100"},
		"alpha":       {func(s *v1.MigrationSpec) { s.Gates.Alpha = new(0.0) }, "spec.gates.alpha", "0.5"},
		"samples":     {func(s *v1.MigrationSpec) { s.Gates.MinSamples = new(0) }, "spec.gates.minSamples", "1"},
		"factor":      {func(s *v1.MigrationSpec) { s.Gates.LatencyFactor = new(0.5) }, "spec.gates.latencyFactor", "1 to"},
		"step time":   {func(s *v1.MigrationSpec) { s.Gates.Step = "soon" }, "spec.gates.stepTime", "250ms"},
		"breaker":     {func(s *v1.MigrationSpec) { s.Breaker.Failures = new(0.0) }, "spec.breaker.failurePercent", "1 to"},
		"same prefix": {func(s *v1.MigrationSpec) { s.From = v1.Selector{"a,b": "c"} }, "spec.from", "key"},
	} {
		s := orders("", 0).Spec
		c.spoil(&s)
		expect(t, name, ValidateMigration(s), c.path, c.text)
	}
}

func make5() []v1.ValueSource {
	return []v1.ValueSource{{Header: "a"}, {Header: "b"}, {Header: "c"}, {Header: "d"}, {Header: "e"}}
}

func TestSaltSidesAndSubjectAreFrozenOnceTheRampBegan(t *testing.T) {
	changes := map[string]func(*v1.MigrationSpec){
		"spec.salt":    func(s *v1.MigrationSpec) { s.Salt = "other" },
		"spec.to":      func(s *v1.MigrationSpec) { s.To = v1.Selector{"runtime": "rust"} },
		"spec.from":    func(s *v1.MigrationSpec) { s.From = v1.Selector{"runtime": "java17"} },
		"spec.subject": func(s *v1.MigrationSpec) { s.Subject = []v1.ValueSource{{ClientIP: true}} },
	}
	for path, change := range changes {
		for phase, frozen := range map[v1.Phase]bool{"": false, v1.PhaseMirror: false, v1.PhaseRamp: true, v1.PhaseHold: true, v1.PhaseDone: true, v1.PhaseRolledBack: false} {
			before, after := orders(phase, 0), orders(phase, 0)
			change(&after.Spec)
			wrong := ValidateMigrationChange(before, after.Spec)
			if frozen {
				expect(t, path, wrong, path, "ramp")
			} else if wrong != nil {
				t.Errorf("%s in %q: %v", path, phase, wrong)
			}
		}
	}
	before, after := orders("", 0), orders("", 0)
	after.Spec.Service = "other"
	if wrong := ValidateMigrationChange(before, after.Spec); len(wrong) == 0 {
		t.Error("another service is allowed")
	}
	after = orders(v1.PhaseRamp, 0)
	after.Spec.Salt = "m" // the default, written out
	before.Status.Phase = v1.PhaseRamp
	if wrong := ValidateMigrationChange(before, after.Spec); wrong != nil {
		t.Errorf("the same salt written out: %v", wrong)
	}
}

func TestAServiceHasOneMigration(t *testing.T) {
	a, b := orders(v1.PhaseRamp, 10_000), orders(v1.PhaseRamp, 10_000)
	b.Metadata.Name, b.Metadata.Created = "b", at(2)
	table, problems := Build(nil, []v1.Migration{b, a}, javaAndGo(), Defaults{})
	if len(table.Cohorts) != 1 || table.Cohorts[0].Migration != "m" || len(problems) != 1 || problems[0].Name != "b" {
		t.Fatalf("cohorts %v, problems %v", table.Cohorts, problems)
	}
	mustContain(t, problems[0].Err.Error(), "migration b", "migration m", "orders")
}

func TestAWrongMigrationIsLeftOut(t *testing.T) {
	m := orders(v1.PhaseHold, 10_000)
	m.Spec.To = nil
	table, problems := Build(nil, []v1.Migration{m}, javaAndGo(), Defaults{})
	if len(table.Cohorts) != 0 || len(problems) != 1 || problems[0].Err.Code != "JD-ROUTE-011" || problems[0].Warning {
		t.Errorf("cohorts %v, problems %v", table.Cohorts, problems)
	}
}

func TestSidesAreHeldAgainstTheInstances(t *testing.T) {
	spec := func(from, to v1.Selector) v1.MigrationSpec {
		return v1.MigrationSpec{Service: "orders", From: from, To: to}
	}
	sel := func(kv ...string) v1.Selector { return v1.Selector{kv[0]: kv[1]} }
	for name, c := range map[string]struct {
		spec v1.MigrationSpec
		want []string // codes
	}{
		"apart":          {spec(sel("runtime", "java*"), sel("runtime", "go*")), nil},
		"overlap":        {spec(sel("runtime", "java*"), sel("zone", "1")), []string{"JD-ROUTE-014"}},
		"could overlap":  {spec(sel("runtime", "java*"), sel("zone", "2")), []string{"JD-ROUTE-015"}},
		"empty":          {spec(sel("runtime", "java*"), sel("runtime", "rust")), []string{"JD-ROUTE-016"}},
		"nested":         {spec(sel("runtime", "java17"), sel("runtime", "java*")), []string{"JD-ROUTE-014"}},
		"both empty":     {spec(sel("runtime", "a"), sel("runtime", "b")), []string{"JD-ROUTE-016", "JD-ROUTE-016"}},
		"no such servce": {v1.MigrationSpec{Service: "x", From: sel("a", "b"), To: sel("a", "c")}, []string{"JD-ROUTE-013"}},
	} {
		reg := snapshot(
			instance("orders", "j1", map[string]string{"runtime": "java17", "zone": "1"}),
			instance("orders", "g1", map[string]string{"runtime": "go1.26", "zone": "2"}),
		)
		problems := CheckSubsets("m", c.spec, reg)
		if len(problems) != len(c.want) {
			t.Errorf("%s: %v", name, problems)
			continue
		}
		for i, p := range problems {
			if p.Err.Code != c.want[i] || p.Warning != (c.want[i] != "JD-ROUTE-014") || p.Name != "m" {
				t.Errorf("%s: %v", name, p)
			}
		}
	}
}

func TestTwoPrefixesCanBothHoldOnlyWhenOneBeginsTheOther(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"java*", "java17*", true}, {"java17*", "java*", true}, {"java*", "go*", false}, {"java*", "go1", false}, {"go1", "go*", true}, {"a", "b", false}, {"a", "a", true}} {
		if got := canBothHold(v1.Selector{"r": c.a}, v1.Selector{"r": c.b}); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

func TestAnInstanceOnBothSidesCountsAsOld(t *testing.T) {
	m := orders(v1.PhaseHold, 10_000)
	m.Spec.To = v1.Selector{"zone": "1"}
	reg := snapshot(
		instance("orders", "j1", map[string]string{"runtime": "java17", "zone": "1"}),
		instance("orders", "g1", map[string]string{"runtime": "go1.26", "zone": "1"}),
	)
	table, problems := Build(nil, []v1.Migration{m}, reg, Defaults{})
	c := table.Cohort("m")
	if len(c.New.Instances) != 1 || c.New.Instances[0].Name != "g1" || len(c.Old.Instances) != 1 {
		t.Errorf("old %v, new %v", c.Old.Instances, c.New.Instances)
	}
	if len(problems) != 1 || problems[0].Err.Code != "JD-ROUTE-014" {
		t.Errorf("problems: %v", problems)
	}
	mustContain(t, problems[0].Err.Error(), "j1")
}

func TestLongListsAreCut(t *testing.T) {
	if got := listed([]string{"a", "b", "c", "d", "e"}); got != "a, b, c and 2 more" {
		t.Error(got)
	}
}

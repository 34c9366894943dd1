package migrate

import (
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

func TestAdmitKeepsOutWhatCannotBe(t *testing.T) {
	spec := v1.MigrationSpec{Service: "orders", From: v1.Selector{"runtime": "java17"}, To: v1.Selector{"runtime": "go1.26"}}
	named := func(name string, change func(*v1.Migration)) v1.Migration {
		m := v1.Migration{Metadata: v1.Meta{Name: name}, Spec: spec}
		if change != nil {
			change(&m)
		}
		return m
	}
	ramping := named("move", func(m *v1.Migration) { m.Status = v1.MigrationStatus{Phase: v1.PhaseRamp, Buckets: 100} })
	for name, c := range map[string]struct {
		existing []v1.Migration
		m        v1.Migration
		code     string
		text     string
	}{
		"a first one":                {nil, named("move", nil), "", ""},
		"itself again":               {[]v1.Migration{ramping}, named("move", func(m *v1.Migration) { m.Spec.Steps = []float64{50, 100} }), "", ""},
		"another service":            {[]v1.Migration{ramping}, named("carts", func(m *v1.Migration) { m.Spec.Service = "carts" }), "", ""},
		"a second of the service":    {[]v1.Migration{ramping}, named("again", nil), "JD-MIGRATE-013", `by migration "move"`},
		"another salt while ramping": {[]v1.Migration{ramping}, named("move", func(m *v1.Migration) { m.Spec.Salt = "x" }), "JD-MIGRATE-002", "spec.salt"},
		"other sides while ramping":  {[]v1.Migration{ramping}, named("move", func(m *v1.Migration) { m.Spec.To = v1.Selector{"runtime": "go1.27"} }), "JD-MIGRATE-002", "spec.to"},
		"steps that fall":            {nil, named("move", func(m *v1.Migration) { m.Spec.Steps = []float64{5, 1} }), "JD-MIGRATE-002", "spec.steps"},
		"no sides":                   {nil, named("move", func(m *v1.Migration) { m.Spec.From = nil }), "JD-MIGRATE-002", "spec.from"},
		"an ignore rule of nobody":   {nil, named("move", func(m *v1.Migration) { m.Spec.Compare.Ignore = []v1.IgnoreRule{{Path: "$.a"}} }), "JD-COMPARE-001", ""},
	} {
		err := Admit(c.existing, c.m, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if c.code == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if err == nil || kind.Code(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %s with %q", name, err, c.code, c.text)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{Tick: time.Second}, Ports{}, Options{}); kind.Code(err) != "JD-MIGRATE-001" || !strings.Contains(err.Error(), "migrate.tick = 1s") || !strings.Contains(err.Error(), "migrate.queue") {
		t.Errorf("a bad configuration gives %v", err)
	}
}

func TestABrokenSpecMovesNobody(t *testing.T) {
	s := newStage(t, nil)
	s.reach(v1.PhaseRamp, 1000)
	s.edit(func(m *v1.MigrationSpec) { m.Steps = []float64{5, 1} })
	s.pass(time.Minute)
	s.want(v1.PhaseRamp, 1000)
	if b := s.status().Blocked; !strings.Contains(b, "spec.steps") {
		t.Errorf("blocked by %q", b)
	}
	s.mismatch = v1.VerdictFail
	s.pass(time.Second)
	s.want(v1.PhaseRolledBack, 0)
	s.refused(VerbResume, "ann", v1.RoleOperator, "JD-MIGRATE-005", "cannot be read")
}

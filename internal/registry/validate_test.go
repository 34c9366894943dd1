package registry

import (
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

func TestEachWrongFieldOfAServiceIsNamed(t *testing.T) {
	if wrong := ValidateService((v1.ServiceSpec{HealthCheck: &v1.HealthCheck{Type: "HTTP"}}).WithDefaults()); len(wrong) != 0 {
		t.Errorf("%+v", wrong)
	}
	check := func(h v1.HealthCheck) v1.ServiceSpec { return v1.ServiceSpec{HealthCheck: &h} }
	for path, s := range map[string]v1.ServiceSpec{
		"spec.healthCheck.type":               check(v1.HealthCheck{Type: "UDP"}),
		"spec.healthCheck.path":               check(v1.HealthCheck{Type: "HTTP", Path: "x"}),
		"spec.healthCheck.interval":           check(v1.HealthCheck{Type: "TCP", Interval: "1ms"}),
		"spec.healthCheck.timeout":            check(v1.HealthCheck{Type: "TCP", Timeout: "x"}),
		"spec.healthCheck.unhealthyThreshold": check(v1.HealthCheck{Type: "TCP", Unhealthy: -1}),
		"spec.protection.thresholdPercent":    {Protection: &v1.Protection{Threshold: 101}},
		"spec.outlier.consecutiveFailures":    {Outlier: &v1.Outlier{Consecutive: -1}},
		"spec.outlier.maxEjectedPercent":      {Outlier: &v1.Outlier{MaxEjectPercent: 101}},
		"spec.outlier.baseEjection":           {Outlier: &v1.Outlier{BaseEjection: "2h"}},
		"spec.connectTimeout":                 {ConnectTimeout: "-1s"},
		"spec.maxConnections":                 {MaxConnections: -1},
		"spec.breaker.failurePercent":         {Breaker: &v1.BreakerSpec{Failures: new(0.5)}},
		"spec.breaker.minRequests":            {Breaker: &v1.BreakerSpec{Requests: new(0)}},
		"spec.breaker.window":                 {Breaker: &v1.BreakerSpec{Window: "soon"}},
	} {
		if wrong := ValidateService(s); len(wrong) != 1 || wrong[0].Path != path {
			t.Errorf("%s: %+v", path, wrong)
		}
	}
	if wrong := ValidateService(check(v1.HealthCheck{Type: "TCP", Path: "/x"})); len(wrong) != 1 {
		t.Errorf("TCP with a path: %+v", wrong)
	}
}

func TestEachWrongFieldOfAnInstanceIsNamed(t *testing.T) {
	good := v1.InstanceSpec{Service: "orders", IP: "10.0.0.1", Port: 80}
	if wrong := ValidateInstance(good); len(wrong) != 0 {
		t.Errorf("%+v", wrong)
	}
	bad := good
	bad.IP = "localhost"
	if wrong := ValidateInstance(bad); len(wrong) != 1 || wrong[0].Path != "spec.ip" || wrong[0].Value != "localhost" {
		t.Errorf("%+v", wrong)
	}
}

func TestSelectorsMatchMetadata(t *testing.T) {
	m := map[string]string{"runtime": "java17", "zone": "1"}
	for _, c := range []struct {
		sel  v1.Selector
		want bool
		text string
	}{
		{nil, true, "*"},
		{v1.Selector{"runtime": "java17"}, true, "runtime=java17"},
		{v1.Selector{"runtime": "java*", "zone": "1"}, true, "runtime=java*,zone=1"},
		{v1.Selector{"runtime": "go*"}, false, "runtime=go*"},
		{v1.Selector{"runtime": "java"}, false, "runtime=java"},
		{v1.Selector{"arch": "*"}, false, "arch=*"},
	} {
		if Match(c.sel, m) != c.want || SelectorText(c.sel) != c.text {
			t.Errorf("%v: %v %s", c.sel, Match(c.sel, m), SelectorText(c.sel))
		}
	}
	if (&Instance{Metadata: map[string]string{"shadow-safe": "true"}}).ShadowSafe() == (&Instance{}).ShadowSafe() {
		t.Error("shadow-safe is not told")
	}
}

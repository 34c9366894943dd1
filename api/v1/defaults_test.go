package v1

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestDurationsAreReadAsGoWritesThem(t *testing.T) {
	for in, want := range map[Duration]time.Duration{"": 0, "250ms": 250 * time.Millisecond, "1h30m": 90 * time.Minute, "0s": 0} {
		if got, err := in.Parse(); err != nil || got != want {
			t.Errorf("%q: %v %v", in, got, err)
		}
	}
	if _, err := Duration("5").Parse(); err == nil {
		t.Error("5 is a duration")
	}
	for in, want := range map[Duration]time.Duration{"": time.Second, "0s": 0, "2s": 2 * time.Second, "x": time.Second} {
		if got := in.Or(time.Second); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestDefaultsOfAMigrationAreThoseOfItsDocumentation(t *testing.T) {
	s := MigrationSpec{}.WithDefaults("m")
	if s.Salt != "m" || len(s.Steps) != 5 || s.Steps[4] != 100 || s.Subject[0].Header != "X-User-Id" || s.Subject[1].Cookie != "uid" {
		t.Errorf("%+v", s)
	}
	if *s.Mirror.Percent != 100 || *s.Mirror.Triples != 20 || s.Mirror.MaxInFlight != 64 || s.Mirror.MaxBytes != 64<<20 || s.Mirror.MaxBodyBytes != 1<<20 || s.Mirror.Timeout != "5s" || s.Mirror.MaxRate != 1000 {
		t.Errorf("%+v", s.Mirror)
	}
	g := s.Gates
	if *g.Alpha != 0.01 || *g.MinSamples != 300 || *g.MaxMismatch != 1 || *g.MinRequests != 1000 || *g.MaxErrorExcess != 0.5 || *g.LatencyFactor != 1.25 ||
		g.LatencySlack != "5ms" || *g.MaxSlow != 3 || *g.MaxDrops != 0.1 || g.Mirror != "10m" || g.Step != "10m" || g.Hold != "1h" {
		t.Errorf("%+v", g)
	}
	if *s.Fallback.Budget != 20 || *s.Breaker.Failures != 50 || *s.Breaker.Requests != 20 || s.Breaker.Window != "10s" || s.Breaker.Open != "5s" {
		t.Errorf("%+v %+v", s.Fallback, s.Breaker)
	}
}

func TestWhatIsGivenIsKeptAndNothingIsShared(t *testing.T) {
	zero := 0.0
	in := MigrationSpec{From: Selector{"a": "b"}, Steps: []float64{50, 100}, Salt: "s", Subject: []ValueSource{{ClientIP: true}}, Mirror: MirrorSpec{Percent: &zero}, Compare: CompareSpec{Unmask: []string{"$.a"}}}
	before, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out := in.WithDefaults("m")
	if out.Salt != "s" || len(out.Steps) != 2 || *out.Mirror.Percent != 0 || !out.Subject[0].ClientIP {
		t.Errorf("%+v", out)
	}
	out.From["a"], out.Steps[0], out.Subject[0], out.Compare.Unmask[0], *out.Mirror.Percent = "x", 1, ValueSource{}, "x", 7
	if after, err := json.Marshal(in); err != nil || !bytes.Equal(after, before) {
		t.Errorf("%s became %s", before, after)
	}
	again := in.WithDefaults("m").WithDefaults("m")
	if !reflect.DeepEqual(again, in.WithDefaults("m")) {
		t.Error("defaults of defaults differ")
	}
}

func TestDefaultsOfAServiceAreThoseOfItsDocumentation(t *testing.T) {
	s := ServiceSpec{}.WithDefaults()
	if s.HealthCheck != nil || s.Protection.Threshold != 20 || s.Protection.Disabled || s.Outlier.Consecutive != 5 || s.Outlier.BaseEjection != "5s" ||
		s.Outlier.MaxEjectPercent != 50 || s.ConnectTimeout != "1s" || s.MaxConnections != 1024 {
		t.Errorf("%+v", s)
	}
	in := ServiceSpec{HealthCheck: &HealthCheck{Type: "HTTP"}, Protection: &Protection{Disabled: true}, Outlier: &Outlier{Consecutive: 2}}
	out := in.WithDefaults()
	if h := out.HealthCheck; h.Path != "/healthz" || h.Interval != "2s" || h.Timeout != "1s" || h.Healthy != 1 || h.Unhealthy != 3 {
		t.Errorf("%+v", h)
	}
	if !out.Protection.Disabled || out.Outlier.Consecutive != 2 || in.Outlier.MaxEjectPercent != 0 || in.HealthCheck.Path != "" {
		t.Errorf("%+v of %+v", out, in)
	}
	if (HealthCheck{Type: "TCP"}).WithDefaults().Path != "" {
		t.Error("a TCP check has a path")
	}
}

func TestDefaultsOfEffectsAndDataAreThoseOfTheirDocumentation(t *testing.T) {
	s := MigrationSpec{}.WithDefaults("m")
	if s.Data != nil || s.Effects.Settle != "" || s.Marked() {
		t.Errorf("effects or data without asking: %+v", s)
	}
	in := MigrationSpec{Effects: EffectsSpec{Old: []string{"report"}}, Data: &DataSpec{Tables: []TableRule{{Name: "orders"}}}}
	s = in.WithDefaults("m")
	d := s.Data
	if s.Effects.Settle != "2s" || !s.Marked() || d.MaxLag != "1s" || d.Strong != "100ms" || d.Grace != "2s" || d.Every != "10s" || d.Drain != "2s" || d.MaxRate != 50_000 || d.Chunk != 1000 || d.Tables[0].To != "orders" {
		t.Errorf("%+v %+v", s.Effects, d)
	}
	if in.Data.Tables[0].To != "" || in.Data.Drain != "" {
		t.Errorf("shared: %+v", in.Data)
	}
	if again := s.WithDefaults("m"); !reflect.DeepEqual(again, s) {
		t.Error("defaults of defaults differ")
	}
}

package v1

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Parse reads d; the empty Duration is 0.
func (d Duration) Parse() (time.Duration, error) {
	if d == "" {
		return 0, nil
	}
	v, err := time.ParseDuration(string(d))
	if err != nil {
		return 0, fmt.Errorf("%q is no duration: write it like 250ms, 5s or 1h30m", string(d))
	}
	return v, nil
}

// Or is d, or def where d is empty or no duration. Objects are validated when they are applied, so
// after that only the empty one remains.
func (d Duration) Or(def time.Duration) time.Duration {
	if d == "" {
		return def
	}
	v, err := d.Parse()
	if err != nil {
		return def
	}
	return v
}

// WithDefaults is s with every default written out. name is the migration's. Nothing in the result is
// shared with s.
func (s MigrationSpec) WithDefaults(name string) MigrationSpec {
	s.From, s.To = maps.Clone(s.From), maps.Clone(s.To)
	s.Steps = slices.Clone(s.Steps)
	if len(s.Steps) == 0 {
		s.Steps = []float64{1, 5, 25, 50, 100}
	}
	s.Subject = slices.Clone(s.Subject)
	if len(s.Subject) == 0 {
		s.Subject = []ValueSource{{Header: "X-User-Id"}, {Cookie: "uid"}}
	}
	orZero(&s.Salt, name)
	s.Mirror = s.Mirror.WithDefaults()
	s.Compare = s.Compare.clone()
	s.Gates = s.Gates.WithDefaults()
	s.Fallback.Budget = or(s.Fallback.Budget, 20)
	s.Breaker = s.Breaker.WithDefaults()
	s.Effects = s.Effects.WithDefaults()
	if s.Data != nil {
		d := s.Data.WithDefaults()
		if s.Effects.Compared() {
			orZero(&d.Delay, "250ms")
		}
		s.Data = &d
	}
	return s
}

// WithDefaults is e with every default written out; without captures it stays empty.
func (e EffectsSpec) WithDefaults() EffectsSpec {
	e.Old, e.New, e.Names = slices.Clone(e.Old), slices.Clone(e.New), maps.Clone(e.Names)
	if e.Compared() {
		orZero(&e.Settle, "2s")
	}
	return e
}

// WithDefaults is d with every default written out.
func (d DataSpec) WithDefaults() DataSpec {
	d.Tables = slices.Clone(d.Tables)
	for i := range d.Tables {
		orZero(&d.Tables[i].To, d.Tables[i].Name)
	}
	d.Owners = slices.Clone(d.Owners)
	orZero(&d.MaxLag, "1s")
	orZero(&d.Strong, "100ms")
	orZero(&d.Grace, "2s")
	orZero(&d.Every, "10s")
	orZero(&d.Drain, "2s")
	orZero(&d.MaxRate, 50_000)
	orZero(&d.Chunk, 1000)
	return d
}

// WithDefaults is b with every default written out.
func (b BreakerSpec) WithDefaults() BreakerSpec {
	b.Failures = or(b.Failures, 50)
	b.Requests = or(b.Requests, 20)
	orZero(&b.Window, "10s")
	orZero(&b.Open, "5s")
	return b
}

// WithDefaults is m with every default written out.
func (m MirrorSpec) WithDefaults() MirrorSpec {
	m.Percent = or(m.Percent, 100)
	m.Triples = or(m.Triples, 20)
	orZero(&m.MaxInFlight, 64)
	orZero(&m.MaxBytes, 64<<20)
	orZero(&m.MaxBodyBytes, 1<<20)
	orZero(&m.Timeout, "5s")
	orZero(&m.MaxRate, 1000)
	return m
}

// WithDefaults is g with every default written out.
func (g GatesSpec) WithDefaults() GatesSpec {
	g.Alpha = or(g.Alpha, 0.01)
	g.MinSamples = or(g.MinSamples, 300)
	g.MaxMismatch = or(g.MaxMismatch, 1)
	g.MinRequests = or(g.MinRequests, 1000)
	g.MaxErrorExcess = or(g.MaxErrorExcess, 0.5)
	g.LatencyFactor = or(g.LatencyFactor, 1.25)
	orZero(&g.LatencySlack, "5ms")
	g.MaxSlow = or(g.MaxSlow, 3)
	g.MaxDrops = or(g.MaxDrops, 0.1)
	orZero(&g.Mirror, "10m")
	orZero(&g.Step, "10m")
	orZero(&g.Hold, "1h")
	return g
}

// clone copies c; what counts as a difference by default is known to the comparison, not here.
func (c CompareSpec) clone() CompareSpec {
	c.Headers = slices.Clone(c.Headers)
	c.Rules = maps.Clone(c.Rules)
	c.Ignore = slices.Clone(c.Ignore)
	c.Unmask = slices.Clone(c.Unmask)
	return c
}

// WithDefaults is s with every default written out; a service without a health check stays without.
func (s ServiceSpec) WithDefaults() ServiceSpec {
	if s.HealthCheck != nil {
		h := s.HealthCheck.WithDefaults()
		s.HealthCheck = &h
	}
	var p Protection
	if s.Protection != nil {
		p = *s.Protection
	}
	orZero(&p.Threshold, 20)
	s.Protection = &p
	var o Outlier
	if s.Outlier != nil {
		o = *s.Outlier
	}
	orZero(&o.Consecutive, 5)
	orZero(&o.BaseEjection, "5s")
	orZero(&o.MaxEjectPercent, 50)
	s.Outlier = &o
	orZero(&s.ConnectTimeout, "1s")
	orZero(&s.MaxConnections, 1024)
	return s
}

// WithDefaults is h with every default written out.
func (h HealthCheck) WithDefaults() HealthCheck {
	if h.Type == "HTTP" {
		orZero(&h.Path, "/healthz")
	}
	orZero(&h.Interval, "2s")
	orZero(&h.Timeout, "1s")
	orZero(&h.Healthy, 1)
	orZero(&h.Unhealthy, 3)
	return h
}

// or is a copy of p, or of def where p is nil.
func or[T any](p *T, def T) *T {
	if p != nil {
		def = *p
	}
	return &def
}

func orZero[T comparable](p *T, def T) {
	var zero T
	if *p == zero {
		*p = def
	}
}

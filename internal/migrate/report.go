package migrate

import (
	"context"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// auditLimit is how many audit records a dossier shows.
const auditLimit = 500

// Status is the status in force of a migration, ahead of the stored one after a rollback, and with what
// blocks it now. False when it does not exist.
func (s *Server) Status(name string) (v1.MigrationStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.ctl.View(s.clock(), name)
	return v.Migration.Status, ok
}

// Evidence is what is known of a migration now. It takes no look: looks are the controller's.
func (s *Server) Evidence(name string) (v1.Evidence, error) {
	s.mu.Lock()
	v, ok := s.ctl.View(s.clock(), name)
	l := (*s.lanes.Load())[name]
	s.mu.Unlock()
	if !ok || l == nil {
		return v1.Evidence{}, notFound(name)
	}
	return l.evidence(&v), nil
}

// evidence puts together what the controller and the mirror know.
func (l *lane) evidence(v *View) v1.Evidence {
	st := v.Migration.Status
	e := v1.Evidence{
		Migration: l.name, Versions: st.Versions, Gates: v.Gates, Verdict: v.Verdict,
		Old: trafficOf(&v.Old), New: trafficOf(&v.New), Mirror: l.tally.counts(),
		Endpoints: []v1.EndpointEvidence{},
	}
	if b := l.book.Load(); b != nil {
		e.Since = b.Since()
	}
	if r := l.result.Load(); r != nil {
		e.Endpoints = r.Endpoints
	}
	if e.Gates == nil { // nothing is compared in this phase: what the last move was decided by
		e.Gates, e.Verdict = st.Gates, st.Verdict
	}
	if e.Gates == nil {
		e.Gates = []v1.Gate{}
	}
	if e.Verdict == "" {
		e.Verdict = v1.VerdictNotEnough
	}
	return e
}

func trafficOf(o *Outcome) v1.CohortTraffic {
	return v1.CohortTraffic{
		Requests: o.Requests, Failures: o.Failures, Fallbacks: o.Fallbacks,
		P50Micros: o.Latency.Quantile(0.5).Microseconds(), P99Micros: o.Latency.Quantile(0.99).Microseconds(),
	}
}

// Report is the dossier of a migration.
func (s *Server) Report(ctx context.Context, name string) (v1.Dossier, error) {
	s.mu.Lock()
	now := s.clock()
	v, ok := s.ctl.View(now, name)
	l := (*s.lanes.Load())[name]
	s.mu.Unlock()
	if !ok || l == nil {
		return v1.Dossier{}, notFound(name)
	}
	audit, err := s.ports.Objects.Audit(ctx, name, auditLimit)
	if err != nil {
		return v1.Dossier{}, kind.New(kind.Unavailable, "JD-MIGRATE-015", "read the audit of migration %q for its report: %w; try again when the store answers", name, err)
	}
	d := v1.Dossier{
		Made: now.Wall, Version: s.version, Name: name,
		Spec: v.Migration.Spec.WithDefaults(name), Status: v.Migration.Status, Evidence: l.evidence(&v),
		Audit: audit,
	}
	d.Ignored, d.Expired = ignoredAt(d.Spec.Compare.Ignore, now.Wall)
	return d, nil
}

// ignoredAt parts ignore rules into those in force and those that no longer hold.
func ignoredAt(rules []v1.IgnoreRule, at time.Time) (inForce, expired []v1.IgnoreRule) {
	inForce, expired = []v1.IgnoreRule{}, []v1.IgnoreRule{}
	for _, r := range rules {
		if r.Expires.After(at) {
			inForce = append(inForce, r)
		} else {
			expired = append(expired, r)
		}
	}
	return inForce, expired
}

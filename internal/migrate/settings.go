package migrate

import (
	"math"
	"slices"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/route"
)

// fullShare is everyone, in ten-thousandths.
const fullShare = route.Buckets

// Settings is a spec read: defaults written out, durations and percentages as numbers. It is immutable.
type Settings struct {
	Spec  v1.MigrationSpec
	Steps []int // shares in ten-thousandths, rising, the last fullShare

	Alpha          float64 // of errors and latency each
	MinRequests    int64
	MaxErrorExcess float64 // share
	LatencyFactor  float64
	LatencySlack   time.Duration
	MaxSlow        float64 // share
	MaxDrops       float64 // share
	MirrorTime     time.Duration
	StepTime       time.Duration
	HoldTime       time.Duration

	Percent, Triples float64 // shares
	MaxInFlight      int
	MaxBytes         int64
	MaxBody          int64
	Timeout          time.Duration
	MaxRate          int
}

// alphaSplit divides the chance of a false alarm that spec.gates.alpha allows over the whole migration:
// half to mismatch, where most looks are, a quarter each to errors and latency.
const alphaSplit = 0.25

// Resolve reads a spec; it must be one that route.ValidateMigration finds nothing in, and else the error
// names every wrong field.
func Resolve(name string, spec v1.MigrationSpec) (Settings, error) {
	if wrong := route.ValidateMigration(spec); wrong != nil {
		return Settings{}, kind.New(kind.Invalid, "JD-MIGRATE-002", "migration %q is not valid", name).WithFields(wrong...)
	}
	spec = spec.WithDefaults(name)
	g, m := spec.Gates, spec.Mirror
	s := Settings{
		Spec:           spec,
		Alpha:          *g.Alpha * alphaSplit,
		MinRequests:    int64(*g.MinRequests),
		MaxErrorExcess: *g.MaxErrorExcess / 100,
		LatencyFactor:  *g.LatencyFactor,
		LatencySlack:   g.LatencySlack.Or(0),
		MaxSlow:        *g.MaxSlow / 100,
		MaxDrops:       *g.MaxDrops / 100,
		MirrorTime:     g.Mirror.Or(0),
		StepTime:       g.Step.Or(0),
		HoldTime:       g.Hold.Or(0),
		Percent:        *m.Percent / 100,
		Triples:        *m.Triples / 100,
		MaxInFlight:    m.MaxInFlight,
		MaxBytes:       m.MaxBytes,
		MaxBody:        m.MaxBodyBytes,
		Timeout:        m.Timeout.Or(5 * time.Second),
		MaxRate:        m.MaxRate,
	}
	for _, p := range spec.Steps {
		s.Steps = append(s.Steps, int(math.Round(p*fullShare/100)))
	}
	return s, nil
}

// evidenceGates is what the Book may spend.
func (s *Settings) evidenceGates() v1.GatesSpec {
	g := s.Spec.Gates
	half := *g.Alpha / 2
	g.Alpha = &half
	return g
}

// least is the least time in a phase.
func (s *Settings) least(p v1.Phase) time.Duration {
	switch p {
	case v1.PhaseMirror:
		return s.MirrorTime
	case v1.PhaseRamp:
		return s.StepTime
	case v1.PhaseHold:
		return s.HoldTime
	}
	return 0
}

// stepAt is the index of the highest step at or below a share, -1 below the first.
func (s *Settings) stepAt(buckets int) int {
	i, _ := slices.BinarySearch(s.Steps, buckets+1)
	return i - 1
}

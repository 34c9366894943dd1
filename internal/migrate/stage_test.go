package migrate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/meter"
	"jindu.dev/jindu/internal/registry"
)

// stage is a controller with one migration, a store that answers at once, and facts that a test sets.
type stage struct {
	t    *testing.T
	c    *Controller
	wall time.Time
	now  time.Duration

	object   v1.Migration
	down     error
	held     []Effect // writes that the store has not answered, while hold is set
	hold     bool
	override []Effect
	restarts int
	rearmed  int
	replies  map[int64]Effect
	ids      int64

	latched  bool
	old, new Outcome
	copies   Copies
	mismatch v1.Verdict
	gates    []v1.Gate // what the data say
	data     stagedData
}

func newStage(t *testing.T, change func(*v1.MigrationSpec)) *stage {
	t.Helper()
	s := &stage{
		t: t, c: NewController(30 * time.Second), wall: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC),
		replies: map[int64]Effect{}, mismatch: v1.VerdictPass,
	}
	spec := v1.MigrationSpec{
		Service: "orders", From: v1.Selector{"runtime": "java17"}, To: v1.Selector{"runtime": "go1.26"}, Steps: []float64{10, 50, 100},
		Gates: v1.GatesSpec{Mirror: "10s", Step: "10s", Hold: "20s", MinRequests: new(100)},
	}
	if change != nil {
		change(&spec)
	}
	made := s.wall
	s.object = v1.Migration{Metadata: v1.Meta{Name: "move", Revision: 1, Created: &made}, Spec: spec}
	s.instances(instance("a", "java17", "1.0"), instance("b", "go1.26", "2.0"))
	s.sync()
	return s
}

func instance(name, runtime, version string) *registry.Instance {
	return &registry.Instance{Name: name, Service: "orders", Address: name, Usable: true, State: v1.StateServing, Metadata: map[string]string{"runtime": runtime, "version": version}}
}

func (s *stage) instances(all ...*registry.Instance) {
	s.c.SetRegistry(&registry.Snapshot{Services: map[string]*registry.Service{"orders": {Name: "orders", Instances: all}}})
}

func (s *stage) clock() Clock { return Clock{s.wall.Add(s.now), s.now} }

func (s *stage) sync() { s.do(s.c.SetMigrations(s.clock(), []v1.Migration{s.object})) }

// edit changes the spec as a user would.
func (s *stage) edit(change func(*v1.MigrationSpec)) {
	change(&s.object.Spec)
	s.object.Metadata.Revision++
	s.sync()
}

func (s *stage) do(effects []Effect) {
	for _, e := range effects {
		switch e.Kind {
		case EffectOverride:
			s.override = append(s.override, e)
		case EffectRearm:
			s.rearmed++
			s.latched = false
		case EffectRestart:
			s.restarts++
		case EffectReply:
			s.replies[e.ID] = e
		case EffectMove, EffectSettle, EffectHandOver:
			s.data.did = append(s.data.did, e)
			if !s.data.hold {
				s.arrive(e)
			}
		case EffectWrite, EffectPause:
			if s.hold {
				s.held = append(s.held, e)
			} else {
				s.land(e)
			}
		}
	}
}

func (s *stage) land(e Effect) {
	switch {
	case s.down != nil:
		s.do(s.c.Written(s.clock(), e.Name, e.ID, nil, s.down))
		return
	case e.Kind == EffectPause:
		s.object.Spec.Paused = e.Paused
	case e.Revision != s.object.Metadata.Revision:
		m := s.object
		s.do(s.c.Written(s.clock(), e.Name, e.ID, &m, kind.New(kind.Conflict, "", "revision %d", m.Metadata.Revision)))
		return
	default:
		s.object.Status = e.Status
	}
	s.object.Metadata.Revision++
	m := s.object
	s.do(s.c.Written(s.clock(), e.Name, e.ID, &m, nil))
}

func (s *stage) Latched(string) bool                        { return s.latched }
func (s *stage) Outcomes(string) (oldSide, newSide Outcome) { return s.old, s.new }
func (s *stage) Data(string) []v1.Gate                      { return s.gates }
func (s *stage) Copies(string) Copies                       { return s.copies }
func (s *stage) Look(string, time.Time) (v1.Gate, *v1.DifferenceRef) {
	g := v1.Gate{Name: gateMismatch, Verdict: s.mismatch, Detail: "as staged"}
	if s.mismatch == v1.VerdictFail {
		return g, &v1.DifferenceRef{Endpoint: "GET /orders/{id}", Path: "$.total"}
	}
	return g, nil
}

// pass lets time go by in ticks, with traffic on both sides by the share in force.
func (s *stage) pass(d time.Duration) {
	for end := s.now + d; s.now < end; {
		s.now += 250 * time.Millisecond
		st, _ := s.c.View(s.clock(), "move")
		n := int64(st.Migration.Status.Buckets) * 200 / fullShare
		s.count(&s.new, n, 0)
		s.count(&s.old, 200-n, 0)
		s.copies.Attempts += 20
		s.do(s.c.Tick(s.clock(), s))
	}
}

func (s *stage) count(o *Outcome, n, failures int64) {
	o.Requests += n
	o.Failures += failures
	var h meter.Histogram
	for range n {
		h.Observe(3 * time.Millisecond)
	}
	var c meter.Counts
	h.Snapshot(&c)
	o.Latency.Add(&c)
}

func (s *stage) status() v1.MigrationStatus {
	v, ok := s.c.View(s.clock(), "move")
	if !ok {
		s.t.Fatal("the migration is unknown")
	}
	return v.Migration.Status
}

func (s *stage) want(phase v1.Phase, buckets int) {
	s.t.Helper()
	if st := s.status(); st.Phase != phase || st.Buckets != buckets {
		s.t.Fatalf("is %s at %d, want %s at %d; blocked: %s; reason: %s", st.Phase, st.Buckets, phase, buckets, st.Blocked, st.Reason)
	}
}

// reach waits until a phase and share are in force, for a bounded time.
func (s *stage) reach(phase v1.Phase, buckets int) {
	s.t.Helper()
	for range 400 {
		if st := s.status(); st.Phase == phase && st.Buckets == buckets {
			return
		}
		s.pass(250 * time.Millisecond)
	}
	s.want(phase, buckets)
}

func (s *stage) command(verb Verb, name string, role v1.Role) (v1.Migration, error) {
	s.t.Helper()
	s.ids++
	s.do(s.c.Command(s.clock(), Command{ID: s.ids, Name: "move", Verb: verb, Who: v1.Identity{Name: name, Role: role}, Reason: "a test"}))
	r, ok := s.replies[s.ids]
	if !ok {
		s.t.Fatalf("%s has no answer", verb)
	}
	return r.Migration, r.Err
}

func (s *stage) refused(verb Verb, name string, role v1.Role, code, text string) {
	s.t.Helper()
	if _, err := s.command(verb, name, role); kind.Code(err) != code || !strings.Contains(fmt.Sprint(err), text) {
		s.t.Errorf("%s answers %v, want %s with %q", verb, err, code, text)
	}
}

// stagedData is a data part that does at once what it is asked, or what a test says.
type stagedData struct {
	did  []Effect // all operations
	hold bool     // they are not answered
	fail func(Effect) error
}

func (s *stage) arrive(e Effect) {
	var err error
	if s.data.fail != nil {
		err = s.data.fail(e)
	}
	s.do(s.c.Moved(s.clock(), e.Name, e.ID, err))
}

// last is the last data operation of a kind.
func (s *stage) last(kind EffectKind) Effect {
	s.t.Helper()
	for _, e := range slices.Backward(s.data.did) {
		if e.Kind == kind {
			return e
		}
	}
	s.t.Fatalf("no %s", kind)
	return Effect{}
}

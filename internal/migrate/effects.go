package migrate

import (
	"slices"
	"strings"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
	"jindu.dev/jindu/internal/migrate/evidence"
	"jindu.dev/jindu/internal/migrate/writeset"
	"jindu.dev/jindu/internal/route"
)

// Why a pair is not compared though both sides answered: what one of them did is not known whole.
const (
	reasonLate    = "effects_late"    // a capture had not told all in time
	reasonLossy   = "effects_lost"    // something was dropped, cut off, or has an unknown outcome
	reasonRefused = "effects_refused" // a copy's egress was not let out: what came after is its consequence
)

// headerRefused is how a service says that it refused; "1" is its own decision, all else is about marks,
// fences and egress.
const headerRefused = "X-Jindu-Refused"

// defaultSettle is spec.effects.settle when it is absent.
const defaultSettle = 2 * time.Second

// maxPairs bounds the differing pairs of one migration that people can look at.
const maxPairs = 100

// mark is the mark of a copy: a run of its own, routed like the request it is a copy of.
func (r *Recorded) mark(run string) v1.Mark {
	m := v1.Mark{Run: run, Shadow: true, Epoch: r.Epoch, Bucket: -1}
	if r.HasSubject {
		m.Bucket = int(r.Subject % route.Buckets)
	}
	return m
}

// waiting is an observation whose copies have answered, and whose effects are not all known yet.
type waiting struct {
	job   job
	o     evidence.Observation
	needs []need
}

// need is a run whose write set an observation needs.
type need struct {
	role  role
	ask   writeset.Ask
	ws    writeset.WriteSet
	state writeset.State
}

// control says that a role can be done without.
func (r role) control() bool { return r == roleOld2 || r == roleNew2 }

// newSide says which side answers in a role.
func (r role) newSide() bool { return r == roleNew || r == roleNew2 }

// answer is the answer of a role.
func (w *waiting) answer(r role) *compare.Answer {
	switch r {
	case roleOld:
		return &w.o.Old
	case roleOld2:
		return w.o.Old2
	case roleNew:
		return &w.o.New
	}
	return w.o.New2
}

// effectsOf lists the runs to ask for. A side without captures is not captured; an answer that is a
// failure is compared as that, and nobody knows when its run ends.
func (j *job) effectsOf(o *evidence.Observation, all []said, now time.Time) *waiting {
	spec := &j.view.settings.Spec.Effects
	w := &waiting{job: *j, o: *o}
	if o.Old.Failure != "" || o.New.Failure != "" {
		return w
	}
	add := func(r role, run string, shadow bool, began, answered time.Time) {
		captures := spec.Old
		if r.newSide() {
			captures = spec.New
		}
		if a := w.answer(r); a == nil || a.Failure != "" || len(captures) == 0 {
			return
		}
		w.needs = append(w.needs, need{role: r, ask: writeset.Ask{
			Run: run, Shadow: shadow, Captures: captures, Began: began, Answered: answered,
			Deadline: now.Add(spec.Settle.Or(defaultSettle)),
		}})
	}
	rec := j.rec
	switch {
	case rec.Observed:
	case rec.Answered == route.SideNew:
		add(roleNew, rec.Run, false, rec.Start, rec.Start.Add(rec.Latency))
	default:
		add(roleOld, rec.Run, false, rec.Start, rec.Start.Add(rec.Latency))
	}
	for i := range all {
		s := &all[i]
		if s.err == nil {
			add(s.role, s.run, true, s.began, s.answered)
		}
	}
	return w
}

// settled asks for what is still missing, and says whether everything is known now.
func (w *waiting) settled(c *writeset.Collector, now time.Time) bool {
	all := true
	for i := range w.needs {
		n := &w.needs[i]
		if n.state == writeset.Waiting {
			n.ws, n.state = c.Take(n.ask, now)
		}
		all = all && n.state != writeset.Waiting
	}
	return all
}

// judge puts the effects into the observation, or says why it cannot be compared. A control whose effects
// are not known is left out. Where the answers' status differs, that is what is compared, whatever is
// known of effects: they are its consequence.
func (w *waiting) judge() (reason string) {
	for i := range w.needs {
		n := &w.needs[i]
		switch {
		case n.state == writeset.Complete:
		case n.role.control():
			w.leave(n.role)
		case n.state == writeset.Refused:
			reason = reasonRefused
		case reason == reasonRefused || w.o.Old.Status != w.o.New.Status:
		case n.state == writeset.Late:
			reason = reasonLate
		case n.state == writeset.Lossy:
			reason = reasonLossy
		}
	}
	if reason != "" {
		return reason
	}
	for i := range w.needs {
		n := &w.needs[i]
		a := w.answer(n.role)
		switch {
		case n.state != writeset.Complete || a == nil:
		case n.role.newSide():
			a.Effects = writeset.Document(n.ws, nil)
		default:
			a.Effects = writeset.Document(n.ws, w.job.view.settings.Spec.Effects.Names)
		}
	}
	return ""
}

// normalize puts row effects into the form in which those of both sides compare.
func (w *waiting) normalize(normal func(migration string, old bool, e v1.Effect) v1.Effect) {
	for i := range w.needs {
		n := &w.needs[i]
		for k := range n.ws.Told {
			e := normal(w.job.rec.Migration, !n.role.newSide(), n.ws.Told[k].Effect)
			e.After = ownTime(e.After, &n.ask)
			if e.Op == opUpdate {
				// Whether a moment changed at all depends on when the row was written last, which no run decides.
				e.Before, e.After = withoutNow(e.Before, e.After), withoutNow(e.After, e.After)
			}
			n.ws.Told[k].Effect = e
		}
	}
}

const opUpdate = "update"

// withoutNow leaves out the columns that after has as now.
func withoutNow(list, after []v1.ColumnValue) []v1.ColumnValue {
	return slices.DeleteFunc(slices.Clone(list), func(c v1.ColumnValue) bool {
		return slices.ContainsFunc(after, func(a v1.ColumnValue) bool { return a.Name == c.Name && a.Value != nil && *a.Value == now })
	})
}

// slack is how far the clocks of a service and of this node may be apart.
const slack = 2 * time.Second

// now stands for a moment of the run itself in its effects.
const now = "(now)"

// ownTime writes moments that lie within a run as now: when each run took place says nothing about the sides. A
// moment that is off, by a zone or a day, stays as it is.
func ownTime(list []v1.ColumnValue, a *writeset.Ask) []v1.ColumnValue {
	var out []v1.ColumnValue
	for i, c := range list {
		if c.Value == nil || len(*c.Value) < len("2006-01-02T15:04:05Z") || (*c.Value)[10] != 'T' {
			continue
		}
		at, err := time.Parse(time.RFC3339, *c.Value)
		if err != nil || at.Before(a.Began.Add(-slack)) || at.After(a.Answered.Add(slack)) {
			continue
		}
		if out == nil {
			out = slices.Clone(list) // the collector's own stays as it was told
		}
		out[i].Value = new(now)
	}
	if out == nil {
		return list
	}
	return out
}

func (w *waiting) leave(r role) {
	if r == roleOld2 {
		w.o.Old2 = nil
	} else {
		w.o.New2 = nil
	}
}

// view shows a pair that differed in what it did, nil when it did not or not both sides were captured.
func (w *waiting) view(against []string, rules *compare.Rules) *v1.RunEffectsView {
	against = slices.DeleteFunc(slices.Clone(against), func(path string) bool { return !strings.HasPrefix(path, "effects") })
	if len(against) == 0 {
		return nil
	}
	slices.Sort(against)
	v := &v1.RunEffectsView{
		At: w.o.At, Endpoint: w.o.Endpoint, Trace: w.o.Trace, Paths: slices.Compact(against), Old: []v1.Effect{}, New: []v1.Effect{},
	}
	show := func(text string, path ...string) string { return rules.ShowText(compare.EffectsPath(path...), text) }
	for i := range w.needs {
		switch n := &w.needs[i]; n.role {
		case roleOld:
			v.Old = writeset.View(n.ws.Effects(), w.job.view.settings.Spec.Effects.Names, show)
		case roleNew:
			v.New = writeset.View(n.ws.Effects(), nil, show)
		}
	}
	return v
}

// pairs keeps the latest pairs that differ in what they did. It is safe for concurrent use.
type pairs struct {
	mu   sync.Mutex
	ring []v1.RunEffectsView
	next int
}

func (p *pairs) keep(v *v1.RunEffectsView) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ring) < maxPairs {
		p.ring = append(p.ring, *v)
		return
	}
	p.ring[p.next] = *v
	p.next = (p.next + 1) % maxPairs
}

// latest are the pairs, newest first.
func (p *pairs) latest() []v1.RunEffectsView {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]v1.RunEffectsView, 0, len(p.ring))
	for i := range p.ring {
		out = append(out, p.ring[(p.next+i)%len(p.ring)])
	}
	slices.Reverse(out)
	return out
}

func (p *pairs) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring, p.next = nil, 0
}

// refused says that a copy's answer tells of marks, fences or egress, and nothing of the service's code.
func (s said) refused() bool {
	if s.err != nil || s.reply.Status != 503 {
		return false
	}
	why := headerOf(s.reply.Header, headerRefused)
	return why != "" && why != "1"
}

// ReportEffects takes what services tell of their runs.
func (s *Server) ReportEffects(r v1.EffectReport) {
	if s.ports.Effects == nil {
		return
	}
	s.ports.Effects.Lost(r.Lost)
	for i := range r.Runs {
		s.ports.Effects.Report(writeset.CaptureReport, r.Runs[i])
	}
}

// Effects is what is known of what a migration's requests did.
func (s *Server) Effects(name string) (v1.EffectsView, error) {
	l := (*s.lanes.Load())[name]
	if l == nil {
		return v1.EffectsView{}, notFound(name)
	}
	v := v1.EffectsView{Pairs: l.pairs.latest()}
	if s.ports.Effects != nil {
		v.Counts = s.ports.Effects.Counts()
	} else {
		v.Counts = writeset.Add(v1.EffectCounts{}, v1.EffectCounts{}) // maps are never nil
	}
	return v, nil
}

package migrate

import (
	"fmt"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

const (
	lookEvery  = 500 * time.Millisecond
	firstRetry = 250 * time.Millisecond
	lastRetry  = 5 * time.Second
	maxWaiting = 16
)

// tracker is the controller's account of one migration.
type tracker struct {
	name       string
	object     v1.Migration // as stored, as far as is known
	settings   *Settings    // of object.Spec; of the last spec that could be read when broken
	broken     error
	epoch      int64 // the highest ever issued
	sides      sides
	rival      string // the migration that moves this service already
	recentSpan time.Duration

	// descent is a move back that the data path obeys and the store does not have yet.
	descent  *descent
	flight   *flight
	crossing crossing
	retryAt  time.Duration // no write before
	backoff  time.Duration
	storeOut error // why the last write did not reach the store
	waiting  []Command
	notes    []move // for the history, with no change of phase or share

	window  *window
	lookAt  time.Duration
	looks   int   // of the errors and latency gates since the evidence began
	seen    int64 // new requests at the last look
	gates   []v1.Gate
	verdict v1.Verdict
	first   *v1.DifferenceRef
	traffic traffic
}

// descent is a move back, in force before it is stored: to share 0, or to where a promotion began.
type descent struct {
	move
	owner   string // who owns entities
	unsure  bool   // users may have moved that the store does not know of
	fence   int64  // the Move that it waits for, 0: it is in force
	until   time.Duration
	asked   []Command // who waits until it is in force
	latched bool
	first   *v1.DifferenceRef
	pair    string             // versions that it begins anew with, "" after a rollback
	status  v1.MigrationStatus // the stored one after it
}

// flight is a write under way.
type flight struct {
	id      int64
	descent *descent // set when it stores one
	notes   int      // of tracker.notes that it stores
	command *Command // who waits for it
	closing bool     // it closes a rollback: re-arm, and begin evidence anew
	restart bool     // begin evidence anew
	pausing bool     // it writes spec.paused

	// Of a promotion where rows cross.
	crossing bool // it waits for its fence
	fenced   bool // it has it
	status   v1.MigrationStatus
	by       string
	revision int64
	from, to int // of the fence
}

// status is the status in force: the stored one, or the one ahead of it after a rollback.
func (t *tracker) status() *v1.MigrationStatus {
	if t.descent != nil {
		return &t.descent.status
	}
	return &t.object.Status
}

// remade says that m is another object of the same name.
func (t *tracker) remade(m *v1.Migration) bool {
	a, b := t.object.Metadata.Created, m.Metadata.Created
	return a != nil && b != nil && !a.Equal(*b) && m.Metadata.Revision > t.object.Metadata.Revision
}

func (t *tracker) olderThan(o *tracker) bool {
	a, b := t.object.Metadata.Created, o.object.Metadata.Created
	return a != nil && b != nil && a.Before(*b)
}

// gone answers those who wait for a migration that was deleted.
func (t *tracker) gone() []Effect {
	var out []Effect
	if t.flight != nil && t.flight.command != nil {
		out = append(out, reply(t.flight.command.ID, v1.Migration{}, notFound(t.name)))
	}
	if t.descent != nil {
		for _, cmd := range t.descent.asked {
			out = append(out, reply(cmd.ID, v1.Migration{}, notFound(t.name)))
		}
	}
	for _, cmd := range t.waiting {
		out = append(out, reply(cmd.ID, v1.Migration{}, notFound(t.name)))
	}
	return out
}

// adopt takes m as what is stored.
func (t *tracker) adopt(m v1.Migration) []Effect {
	t.object = m
	settings, err := Resolve(t.name, m.Spec)
	if t.broken = err; err == nil {
		t.settings = &settings
	}
	t.epoch = max(t.epoch, m.Status.Epoch)
	if t.window != nil && t.window.key != keyOf(t.status()) {
		t.forget() // what was seen before a move says nothing of what comes after it
	}
	d := t.descent
	if d == nil {
		return nil
	}
	if m.Status.Epoch == d.status.Epoch && m.Status.Phase == d.phase && m.Status.Buckets == d.buckets {
		t.descent = nil // a write whose outcome was unknown did arrive
		return nil
	}
	return t.descend(d)
}

// descend puts d on top of what is stored, and in force unless it waits for its fence.
func (t *tracker) descend(d *descent) []Effect {
	d.status = d.apply(t.object.Status, t.epoch)
	d.status.Latched, d.status.FirstDifference, d.status.Owner = d.latched, d.first, d.owner
	if d.pair != "" {
		d.status.Versions, d.status.Baseline = d.pair, nil
	}
	t.descent, t.epoch = d, d.status.Epoch
	if d.fence != 0 {
		return nil
	}
	return []Effect{{Kind: EffectOverride, Name: t.name, Buckets: d.buckets, Owner: d.owner, Epoch: t.epoch}}
}

// rollBack takes everyone back to the old side: the data path first, then the store. Where rows cross,
// the new side is fenced for everyone before, since it loses its entities too.
func (t *tracker) rollBack(now Clock, by, reason string, latched bool, id func() int64) []Effect {
	d := &descent{latched: latched, owner: t.object.Status.Owner, move: move{
		phase: v1.PhaseRolledBack, step: -1, at: now.Wall, by: by, reason: reason, gates: t.gates,
	}}
	if g := first(t.gates, v1.VerdictFail); g != nil && g.Name == gateMismatch {
		d.first = t.first
	}
	t.retryAt, t.backoff = now.Mono, 0
	t.forget()
	return t.takeBack(now, d, id)
}

// tick looks at the migration once.
func (t *tracker) tick(now Clock, f Facts, id func() int64) []Effect {
	var out []Effect
	st := t.status()
	if t.crossing.oneWay != "" && now.Mono >= t.crossing.oneWayT {
		t.crossing.oneWay = ""
	}
	if f.Latched(t.name) && st.Phase != v1.PhaseRolledBack {
		if st.Buckets > 0 {
			out = t.rollBack(now, byDataPath, "the controller was silent, so the data path took everyone to the old side; resume re-arms it", true, id)
		} else {
			out = append(out, Effect{Kind: EffectRearm, Name: t.name}) // nobody was moved
		}
	}
	t.look(now, f)
	if reason := t.due(); reason != "" && t.rollbackHeld() == "" {
		out = append(out, t.rollBack(now, byController, reason, false, id)...)
	}
	if d := t.descent; d != nil && d.fence != 0 && now.Mono >= d.until {
		out = append(out, t.retreated(now, errLateFence, id)...)
	}
	out = append(out, t.proceed(now, id)...)
	return append(out, t.tend(now, id)...)
}

// look brings window, gates and verdict up to now.
func (t *tracker) look(now Clock, f Facts) {
	st := t.status()
	if t.settings == nil || !comparing(st.Phase) {
		t.forget()
		return
	}
	key := keyOf(st)
	fresh := t.window == nil || t.window.key != key
	if !fresh && now.Mono < t.lookAt {
		return
	}
	t.lookAt = now.Mono + lookEvery
	var sum traffic
	sum.old, sum.new = f.Outcomes(t.name)
	copies := f.Copies(t.name)
	if fresh {
		t.window, t.seen = newWindow(key, now.Mono, &sum, copies, t.recentSpan), 0
	}
	whole, recent := t.window.since(now.Mono, &sum)
	t.traffic = whole
	if whole.new.Requests != t.seen || t.looks == 0 {
		t.looks, t.seen = t.looks+1, whole.new.Requests
	}
	var mismatch v1.Gate
	mismatch, t.first = f.Look(t.name, now.Wall)
	t.gates = []v1.Gate{mismatch}
	if moving(st.Phase) {
		alpha := spend(t.settings.Alpha, t.looks)
		t.gates = append(t.gates,
			judge(errorsGate, t.settings, &whole, recent, st.Baseline, alpha),
			judge(latencyGate, t.settings, &whole, recent, st.Baseline, alpha))
	}
	drops := t.window.copiesSince(now.Mono, copies, max(t.settings.least(st.Phase), t.recentSpan))
	t.gates = append(t.gates, dropsGate(t.settings, drops.Attempts, drops.Dropped))
	if t.carries() {
		t.gates = append(t.gates, f.Data(t.name)...)
	}
	t.verdict = together(t.gates)
}

// forget drops the window and what the gates said of it.
func (t *tracker) forget() {
	t.window, t.gates, t.verdict, t.first = nil, nil, "", nil
}

// due is why a rollback is due, "" when none is. While observing there is nobody to take back.
func (t *tracker) due() string {
	st := t.status()
	g := first(t.gates, v1.VerdictFail)
	if g == nil || st.Phase == v1.PhaseObserve || !comparing(st.Phase) {
		return ""
	}
	if g.Name == gateMismatch && t.first != nil {
		return fmt.Sprintf("gate %s failed, first at %s %s: %s", g.Name, t.first.Endpoint, t.first.Path, g.Detail)
	}
	return fmt.Sprintf("gate %s failed: %s", g.Name, g.Detail)
}

// rollbackHeld is why a rollback would harm: nobody is left on the old side to answer, or it would lose
// writes.
func (t *tracker) rollbackHeld() string {
	if why := t.crossing.oneWay; why != "" {
		return why
	}
	return t.deserted()
}

// deserted is rollbackHeld for want of instances.
func (t *tracker) deserted() string {
	if t.status().Buckets > 0 && t.sides.known && t.sides.usableOld == 0 && t.sides.overlap == "" {
		return "the old side has no usable instance, so a rollback would leave users without an answer: start old instances"
	}
	return ""
}

// proceed does what needs the store, one write at a time: a rollback before all else, then commands,
// then what the controller decides.
func (t *tracker) proceed(now Clock, id func() int64) []Effect {
	if t.flight != nil {
		return nil
	}
	if d := t.descent; d != nil {
		if d.fence != 0 {
			return nil
		}
		if now.Mono < t.retryAt {
			return t.turnAway()
		}
		return t.write(flight{id: id(), descent: d, restart: d.pair != ""}, d.status, d.by)
	}
	var out []Effect
	for len(t.waiting) > 0 && t.flight == nil {
		cmd := t.waiting[0]
		t.waiting = t.waiting[1:]
		out = append(out, t.execute(now, &cmd, id)...)
	}
	if t.flight != nil || t.settings == nil || now.Mono < t.retryAt {
		return out
	}
	return append(out, t.decide(now, id)...)
}

// turnAway refuses the commands that would wait for a store that cannot be reached.
func (t *tracker) turnAway() []Effect {
	var out []Effect
	for _, cmd := range t.waiting {
		out = append(out, t.refuse(&cmd, "JD-MIGRATE-005", "a move back is in force that the store does not have yet; try again when the store answers")...)
	}
	t.waiting = nil
	return out
}

// write sends st to the store.
func (t *tracker) write(f flight, st v1.MigrationStatus, by string) []Effect {
	return t.send(&f, t.object.Metadata.Revision, st, by)
}

func (t *tracker) send(f *flight, revision int64, st v1.MigrationStatus, by string) []Effect {
	t.flight = f
	t.epoch = max(t.epoch, st.Epoch)
	if by == byController || by == byDataPath {
		by = "controller:migrate"
	}
	return []Effect{{Kind: EffectWrite, Name: t.name, ID: f.id, Revision: revision, Status: st, By: by}}
}

// landed takes the outcome of the write under way.
func (t *tracker) landed(now Clock, object *v1.Migration, err error, id func() int64) []Effect {
	f := t.flight
	t.flight = nil
	if err == nil && f.descent != nil && f.descent == t.descent {
		t.descent = nil
	}
	var out []Effect
	newer := object != nil && object.Metadata.Revision > t.object.Metadata.Revision
	if newer {
		out = t.adopt(*object)
	}
	switch {
	case err == nil:
		t.storeOut, t.backoff, t.crossing.took = nil, 0, true
		if f.fenced {
			t.crossing.failed, t.crossing.again = nil, pause{}
		}
		out = append(out, t.stored(now, f)...)
	case kind.Of(err) == kind.Conflict:
		t.storeOut = nil
		if f.fenced {
			t.crossing.settled = false
		}
		if !newer { // what the store has instead is not known yet
			t.delay(now)
		}
	default:
		t.storeOut = err
		t.delay(now)
		if f.fenced {
			out = append(out, t.uncertain(now, f, err, id)...)
		}
	}
	if f.command != nil && t.flight == nil {
		out = append(out, t.answer(now, f.command, err))
	}
	return out
}

// stored does what follows a write that succeeded.
func (t *tracker) stored(now Clock, f *flight) []Effect {
	var out []Effect
	t.notes = t.notes[f.notes:]
	if f.pausing {
		what := "paused"
		if !t.object.Spec.Paused {
			what = "pause ended"
		}
		t.notes = append(t.notes, move{at: now.Wall, by: f.command.Who.By(), reason: f.command.because(what)})
	}
	if f.closing {
		out = append(out, Effect{Kind: EffectRearm, Name: t.name})
	}
	if f.closing || f.restart {
		t.looks = 0
		t.forget()
		out = append(out, Effect{Kind: EffectRestart, Name: t.name})
	}
	if f.closing && t.object.Spec.Paused {
		out = append(out, t.pause(f.command, false, f.id)...)
	}
	return out
}

// delay puts the next write off, longer each time.
func (t *tracker) delay(now Clock) {
	t.backoff = min(max(2*t.backoff, firstRetry), lastRetry)
	t.retryAt = now.Mono + t.backoff
}

package migrate

import (
	"errors"
	"fmt"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// Where rows cross (spec.data), no share is in force before the losing side is fenced for the users that
// leave it: first Move, then the store or, on the way back, the data path. A fence that no stored share
// follows is taken back by Settle.
const (
	// fenceLimit bounds Move of a rollback, so that it is in force within 2 s of the verdict.
	fenceLimit = 1500 * time.Millisecond
	// fenceSlack is what placing a fence may take beside spec.data.drain.
	fenceSlack = time.Second
	// A promotion whose changes did not arrive made its users wait; it is not tried again soon.
	firstCrossing = 10 * time.Second
	lastCrossing  = 5 * time.Minute
	lastHandover  = 30 * time.Second
	// oneWayFor is how long the controller takes ErrNoWayBack for the truth; a person's command asks anew.
	oneWayFor = time.Minute
)

var errLateFence = errors.New("the fence was not confirmed in time")

// crossing is what the controller knows of a migration's data.
type crossing struct {
	took     bool  // this process stored something, so that no write of one before it can follow
	settled  bool  // no fence is above the stored epoch, as far as is known
	settling int64 // the Settle under way, 0: none
	settle   pause

	failed error // why the last promotion did not cross
	again  pause

	oneWay  string        // why there is no way back, "" as far as is known
	oneWayT time.Duration // when that is asked anew

	handed  string // side that all entities were handed over to by this process
	handing int64  // the HandOver under way, 0: none
	to      string // its side
	hand    pause
}

// pause is a time before which something is not tried again, longer after each failure.
type pause struct {
	until, last time.Duration
	why         error
}

func (p *pause) failed(now, first, last time.Duration, why error) {
	p.last = min(max(2*p.last, first), last)
	p.until, p.why = now+p.last, why
}

// carries says whether rows cross.
func (t *tracker) carries() bool { return t.settings != nil && t.settings.Spec.Data != nil }

// ownerAt is who owns entities after a promotion: each its creator until all is done.
func (t *tracker) ownerAt(m *move, before string) string {
	switch {
	case !t.carries() || m.buckets == 0:
		return before
	case m.phase == v1.PhaseDone:
		return v1.SideNew
	}
	return v1.OwnerCreator
}

func sameOwner(a, b string) bool {
	if a == "" {
		a = v1.OwnerCreator
	}
	if b == "" {
		b = v1.OwnerCreator
	}
	return a == b
}

// cross fences and drains the old side before next is stored. A change of owners concerns requests of
// every subject, so everyone is fenced and decided anew.
func (t *tracker) cross(f flight, next v1.MigrationStatus, by string) []Effect {
	st := &t.object.Status
	f.crossing, f.status, f.by, f.revision = true, next, by, t.object.Metadata.Revision
	f.from, f.to = st.Buckets, next.Buckets
	if !sameOwner(st.Owner, next.Owner) {
		f.from, f.to = 0, fullShare
	}
	t.flight = &f
	t.epoch = max(t.epoch, next.Epoch)
	return []Effect{{Kind: EffectMove, Name: t.name, ID: f.id, Epoch: next.Epoch, From: f.from, To: f.to,
		Limit: t.settings.Spec.Data.Drain.Or(0) + fenceSlack}}
}

// crossed goes on after the fence of a promotion: with the store, or not at all.
func (t *tracker) crossed(now Clock, err error) []Effect {
	f := t.flight
	switch {
	case t.descent != nil: // a rollback came first
		t.flight = nil
		err = errors.New("it was rolled back meanwhile")
	case err == nil:
		f.crossing, f.fenced = false, true
		return t.send(f, f.revision, f.status, f.by)
	default:
		t.flight, t.crossing.settled, t.crossing.failed = nil, false, err
		t.crossing.again.failed(now.Mono, firstCrossing, lastCrossing, err)
	}
	if f.command == nil {
		return nil
	}
	return t.refuse(f.command, "JD-MIGRATE-017", "the rows did not cross, so nobody moved: %v", err)
}

// uncertain deals with a promotion that is fenced and of which the store did not say whether it has it:
// users who may be on either side are taken back to where they were, under a newer epoch.
func (t *tracker) uncertain(now Clock, f *flight, err error, id func() int64) []Effect {
	st := t.object.Status
	if t.descent != nil || st.Epoch >= f.status.Epoch {
		return nil
	}
	d := &descent{unsure: true, owner: st.Owner, first: st.FirstDifference, move: move{
		phase: st.Phase, step: st.Step, buckets: st.Buckets, at: now.Wall, by: byController, gates: st.Gates,
		reason: fmt.Sprintf("the store did not say whether it has %s, so the share stays at %s: %v", placeText(f.status.Phase, f.status.Buckets), shareText(st.Buckets), err),
	}}
	if d.buckets == 0 { // the new side may have entities by now, and loses them
		return t.takeBack(now, d, id)
	}
	return t.retreat(now, d, f.to, f.from, id)
}

// retreat fences the side that d takes users from before d is in force; d waits for that, but not long.
func (t *tracker) retreat(now Clock, d *descent, from, to int, id func() int64) []Effect {
	d.fence = id()
	limit := min(t.settings.Spec.Data.Drain.Or(0), fenceLimit)
	d.until = now.Mono + limit
	out := t.descend(d)
	return append(out, Effect{Kind: EffectMove, Name: t.name, ID: d.fence, Epoch: d.status.Epoch, From: from, To: to, Limit: limit, Urgent: true})
}

// takeBack is a descent to share 0.
func (t *tracker) takeBack(now Clock, d *descent, id func() int64) []Effect {
	if !t.carries() {
		return t.descend(d)
	}
	d.owner = v1.SideOld
	if !t.onNew() && !d.unsure {
		return t.descend(d)
	}
	return t.retreat(now, d, fullShare, 0, id)
}

// onNew says whether users may be on the new side now, or entities of its own.
func (t *tracker) onNew() bool {
	return t.object.Status.Buckets > 0 || t.status().Buckets > 0 || t.flight != nil && t.flight.to > 0 ||
		t.descent != nil && t.descent.fence != 0
}

// retreated puts a descent in force after its fence, whatever became of that.
func (t *tracker) retreated(now Clock, err error, id func() int64) []Effect {
	d := t.descent
	d.fence = 0
	if errors.Is(err, ErrNoWayBack) && !d.latched { // a latch has taken them back already
		return t.stay(now, d, err, id)
	}
	if err != nil {
		d.reason += "; not all rows of the other side had arrived, what is missing follows: " + err.Error()
	}
	out := t.descend(d)
	for i := range d.asked {
		out = append(out, reply(d.asked[i].ID, t.view(now), nil))
	}
	d.asked = nil
	return append(out, t.proceed(now, id)...)
}

// stay drops a way back that would lose writes.
func (t *tracker) stay(now Clock, d *descent, err error, id func() int64) []Effect {
	t.descent = nil
	t.crossing.oneWay, t.crossing.oneWayT = "a rollback would lose writes: "+err.Error(), now.Mono+oneWayFor
	var out []Effect
	for i := range d.asked {
		out = append(out, t.refuse(&d.asked[i], "JD-MIGRATE-005", "%s", t.crossing.oneWay)...)
	}
	return append(out, t.proceed(now, id)...)
}

// tend takes fences back that no stored share follows, and hands entities over to who the stored status
// says. Ahead of the store there is nothing to tend: its fences are needed.
func (t *tracker) tend(now Clock, id func() int64) []Effect {
	c := &t.crossing
	if !t.carries() || t.descent != nil || t.flight != nil {
		return nil
	}
	var out []Effect
	if c.took && !c.settled && c.settling == 0 && now.Mono >= c.settle.until {
		c.settling = id()
		out = append(out, Effect{Kind: EffectSettle, Name: t.name, ID: c.settling, Epoch: t.object.Status.Epoch})
	}
	side := t.object.Status.Owner
	switch {
	case side != v1.SideOld && side != v1.SideNew:
		c.handed = ""
	case c.handed == side, c.handing != 0 && c.to == side, now.Mono < c.hand.until:
	default:
		c.handing, c.to, c.handed = id(), side, ""
		out = append(out, Effect{Kind: EffectHandOver, Name: t.name, ID: c.handing, Owner: side})
	}
	return out
}

// moved takes the outcome of what tend began.
func (t *tracker) moved(now Clock, id int64, err error) {
	c := &t.crossing
	switch {
	case id == c.settling && err == nil:
		c.settling, c.settled, c.settle = 0, true, pause{}
	case id == c.settling:
		c.settling = 0
		c.settle.failed(now.Mono, firstRetry, lastRetry, err)
	case id == c.handing && err == nil:
		c.handing, c.handed, c.hand = 0, c.to, pause{}
	case id == c.handing:
		c.handing = 0
		c.hand.failed(now.Mono, firstRetry, lastHandover, err)
	}
}

// crossingHindrance is what of the data forbids a promotion.
func (t *tracker) crossingHindrance() string {
	c := &t.crossing
	switch {
	case !t.carries() || c.settled:
		return ""
	case c.settle.why != nil:
		return "data: fences of an earlier move cannot be taken back: " + c.settle.why.Error()
	}
	return "data: fences of an earlier move are being taken back"
}

// crossingWait is what of the data a promotion waits for.
func (t *tracker) crossingWait(now Clock) string {
	c := &t.crossing
	if left := c.again.until - now.Mono; t.carries() && c.failed != nil && left > 0 {
		return fmt.Sprintf("data: the rows did not cross (%v); tried again in %s", c.failed, left.Round(time.Second))
	}
	return ""
}

// handText says that entities are not handed over, "" when they are.
func (t *tracker) handText() string {
	if c := &t.crossing; t.carries() && c.hand.why != nil && c.handed == "" {
		return fmt.Sprintf("data: entities are not handed over to the %s side yet: %v", c.to, c.hand.why)
	}
	return ""
}

// way is where the data operations of one migration follow each other: Move and Settle in one line,
// HandOver in another, for it may take long.
type way struct{ line, handover step }

// step is the last operation of a line.
type step struct {
	done chan struct{} // closed when it is over
	stop func()        // ends it, when it may be ended
}

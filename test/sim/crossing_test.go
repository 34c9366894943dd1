package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate"
)

// everyone is the range of a fence that includes requests without a subject.
const everyone = 10_001

var errDatabase = errors.New("database is down")

// crossing is a model of both databases, which outlive the process, and of a data part that is slow, fails and
// does not drain in time. Writers sleep between being routed and writing: one that the fence lets through
// must write where its subject is then.
type crossing struct {
	down    bool
	lies    string     // for tests of the simulation: what is said to be done and is not
	fences  [2][]fence // by losing side
	owner   string     // whom all entities were handed over to
	line    []*op      // Move and Settle
	hand    *op
	writers []writer
	made    bool          // there are entities of the new side
	gap     time.Duration // when users last changed sides without a fence, as they may; -1: never
	urgent  *op           // the last Move of a way back
	tally   struct{ refused, written, moves, settled, gaps int }
}

// The sides of fences and writers.
const (
	onOld = iota
	onNew
)

type fence struct {
	epoch     int64
	low, high int
}

// op is a data operation on its way.
type op struct {
	migrate.Effect
	issued, began, lands, ends time.Duration // began -1: it waits for the one before it
	done                       bool          // its effect is there
	cut                        bool          // it was ended
	err                        error
}

// writer is a request that was routed and has not written yet.
type writer struct {
	who    subject
	side   int
	epoch  int64
	routed time.Duration
	wakes  time.Duration
}

// subject is who or what is written for: a bucket, or an entity with its creator.
type subject struct {
	bucket int // 10000: an entity, whose requests have no bucket
	maker  int
}

func subjects() []subject {
	return []subject{{0, 0}, {50, 0}, {150, 0}, {700, 0}, {1500, 0}, {3000, 0}, {7000, 0}, {9999, 0}, {10_000, onOld}, {10_000, onNew}}
}

func dataSpec() *v1.DataSpec {
	return &v1.DataSpec{
		Old: v1.DataSide{Database: "a", Capture: "binlog"}, New: v1.DataSide{Database: "b", Capture: "outbox"},
		Tables: []v1.TableRule{{Name: "orders"}}, Owners: []v1.OwnerRule{{Path: "/orders/{id}", New: "N.*"}},
	}
}

// place is what the data path obeys.
type place struct {
	share int
	owner string
	phase v1.Phase
	epoch int64
}

func (n *node) place() place {
	p := place{n.share(), n.path.Owner, n.path.Phase, n.path.Epoch}
	if n.override.epoch > p.epoch {
		p.owner, p.epoch = n.override.owner, n.override.epoch
	}
	return p
}

// side is where the subject is, as internal/route decides it.
func (p place) side(s subject) int {
	ramps := p.phase == v1.PhaseMirror || p.phase == v1.PhaseRamp || p.phase == v1.PhaseHold || p.phase == v1.PhaseDone
	isNew := s.bucket < p.share
	if s.bucket == 10_000 {
		isNew = p.owner == v1.SideNew || p.owner != v1.SideOld && s.maker == onNew
	}
	if ramps && isNew {
		return onNew
	}
	return onOld
}

// fenced says whether a side refuses a writer.
func (d *crossing) fenced(side int, s subject, epoch int64) bool {
	for _, f := range d.fences[side] {
		if f.epoch > epoch && f.low <= s.bucket && s.bucket < f.high {
			return true
		}
	}
	return false
}

// covers says whether a side was fenced for a change of epochs. A fence above the new one is left of a
// process that was killed, and may be taken back at any moment.
func (d *crossing) covers(side int, s subject, from, to int64) bool {
	for _, f := range d.fences[side] {
		if f.epoch > from && f.epoch <= to && f.low <= s.bucket && s.bucket < f.high {
			return true
		}
	}
	return false
}

// exists says whether there can be requests for a subject.
func (d *crossing) exists(s subject) bool { return s.bucket < 10_000 || s.maker == onOld || d.made }

// issue takes an effect of the controller.
func (w *world) issue(e migrate.Effect) {
	d := w.data
	o := &op{Effect: e, issued: w.now, began: -1}
	w.logf("%s %d: epoch %d, %d to %d, owner %q", e.Kind, e.ID, e.Epoch, e.From, e.To, e.Owner)
	switch {
	case d == nil:
		w.broken("%s without data", e.Kind)
	case e.Kind == migrate.EffectHandOver:
		d.hand = o // the one before it is ended
	default:
		if e.Urgent {
			d.urgent = o
			for _, before := range d.line {
				before.cut = before.cut || before.Kind == migrate.EffectMove
			}
		}
		d.line = append(d.line, o)
	}
}

// cross lets data operations go on.
func (w *world) cross() {
	d := w.data
	if d == nil {
		return
	}
	for len(d.line) > 0 && w.advance(d.line[0]) {
		o := d.line[0]
		d.line = d.line[1:]
		w.perform(w.node.ctl.Moved(w.clock(), name, o.ID, o.err))
	}
	if o := d.hand; o != nil && w.advance(o) && d.hand == o {
		d.hand = nil
		w.perform(w.node.ctl.Moved(w.clock(), name, o.ID, o.err))
	}
	w.write()
}

// advance says that o is over.
func (w *world) advance(o *op) bool {
	d, r := w.data, w.r
	if o.began < 0 {
		o.began = w.now
		o.lands = w.now + time.Duration(r.IntN(4))*100*time.Millisecond
		o.ends = o.lands + time.Duration(r.IntN(4))*100*time.Millisecond
		if r.IntN(10) == 0 {
			o.lands += time.Duration(r.IntN(3000)) * time.Millisecond
		}
		if o.ends = max(o.ends, o.lands); r.IntN(10) == 0 {
			o.ends += time.Duration(r.IntN(3000)) * time.Millisecond
		}
	}
	if o.Limit > 0 && o.ends > o.began+o.Limit {
		o.ends = o.began + o.Limit
		o.err = fmt.Errorf("%w: %d pending", migrate.ErrNotDrained, r.IntN(100))
	}
	if o.cut && !o.done {
		o.err, o.ends = errors.New("ended"), w.now
		if o.lands > w.now && r.IntN(2) == 0 {
			o.lands = w.now // it had arrived at the database
		}
	}
	if !o.done && w.now >= o.lands && o.lands <= o.ends {
		o.done = true
		if d.down || r.IntN(60) == 0 {
			o.err, o.ends = errDatabase, w.now
		} else {
			w.arrive(o)
		}
	}
	return w.now >= o.ends
}

// arrive does what o asks of the databases.
func (w *world) arrive(o *op) {
	d := w.data
	if d.lies == o.Kind.String() {
		return
	}
	switch o.Kind {
	case migrate.EffectMove:
		side, f := onOld, fence{o.Epoch, o.From, o.To}
		if o.From > o.To {
			side, f = onNew, fence{o.Epoch, o.To, o.From}
		}
		if f.high == 10_000 {
			f.high = everyone
		}
		d.fences[side] = append(d.fences[side], f)
		d.tally.moves++
		w.logf("side %d is fenced at epoch %d for %d to %d", side, f.epoch, f.low, f.high)
	case migrate.EffectSettle:
		d.tally.settled++
		for side := range d.fences {
			kept := d.fences[side][:0]
			for _, f := range d.fences[side] {
				if f.epoch <= o.Epoch {
					kept = append(kept, f)
				}
			}
			d.fences[side] = kept
		}
	default:
		d.owner = o.Owner
	}
}

// die is what a kill of the process does to operations under way.
func (d *crossing) die(w *world) {
	for _, o := range d.line {
		if o.Kind == migrate.EffectMove && !o.done && o.began >= 0 && w.r.IntN(2) == 0 {
			w.arrive(o)
		}
	}
	d.line, d.hand, d.urgent = nil, nil, nil
}

// write routes new writers and wakes those whose time has come.
func (w *world) write() {
	d, at := w.data, w.node.place()
	d.made = d.made || at.share > 0
	all := subjects()
	for range 3 {
		if s := all[w.r.IntN(len(all))]; d.exists(s) {
			sleeps := time.Duration(w.r.IntN(8)) * tick
			if w.r.IntN(10) == 0 {
				sleeps *= 20
			}
			d.writers = append(d.writers, writer{s, at.side(s), at.epoch, w.now, w.now + sleeps})
		}
	}
	kept := d.writers[:0]
	for _, x := range d.writers {
		switch {
		case x.wakes > w.now:
			kept = append(kept, x)
		case d.fenced(x.side, x.who, x.epoch):
			d.tally.refused++
		case x.side != at.side(x.who) && x.routed > d.gap:
			w.broken("side %d wrote for %+v under epoch %d, routed at %s, but that is the other side's since epoch %d or before", x.side, x.who, x.epoch, x.routed, at.epoch)
		default:
			d.tally.written++
		}
	}
	d.writers = kept
}

// changed holds a change of what the data path obeys against the fences. without says that nothing but a
// failed fence excuses it.
func (w *world) changed(before place, why string) {
	d, at := w.data, w.node.place()
	if d == nil {
		return
	}
	for _, s := range subjects() {
		was := before.side(s)
		if was == at.side(s) || !d.exists(s) || d.covers(was, s, before.epoch, at.epoch) {
			continue
		}
		if u := d.urgent; why == "override" && u != nil && u.Epoch > before.epoch && (u.err != nil || w.now-u.issued >= 1400*time.Millisecond) {
			d.gap = w.now // it was tried
			d.tally.gaps++
			continue
		}
		if st := &w.node.path; st.Phase == v1.PhaseRolledBack && strings.Contains(st.Reason, "not all rows") {
			d.gap = w.now // it was tried by a process that was killed before the store had it
			continue
		}
		w.broken("%s moves %+v off side %d without a fence: %+v, then %+v", why, s, was, before, at)
		return
	}
}

// gapped notes that users changed sides as they may without a fence: the data path by itself, or a process
// that was killed before the store had its rollback.
func (w *world) gapped() {
	if w.data != nil {
		w.data.gap = w.now
	}
}

// risen is what must be fenced before the store takes a share.
func (w *world) risen(was, next *v1.MigrationStatus) {
	d := w.data
	if d == nil {
		return
	}
	high := next.Buckets
	if high == 10_000 {
		high = everyone
	}
	low := was.Buckets
	if next.Phase == v1.PhaseDone && was.Phase != v1.PhaseDone {
		low = 0 // owners change
	}
	for _, f := range d.fences[onOld] {
		if f.epoch > was.Epoch && f.epoch <= next.Epoch && f.low <= low && f.high >= high {
			return
		}
	}
	w.broken("share %d at epoch %d is stored before its fence", next.Buckets, next.Epoch)
}

// settle lets the world calm down and checks what must be in the end.
func (w *world) settle() {
	d := w.data
	if d == nil || w.fail != "" {
		return
	}
	w.down, d.down, w.silent, w.newFails, w.quiet = false, false, 0, 0, true
	for range 280 {
		w.mismatch = []v1.Verdict{v1.VerdictNotEnough}
		w.step()
		if w.fail != "" {
			return
		}
	}
	st := &w.object.Status
	for side, fences := range d.fences {
		for _, f := range fences {
			if f.epoch > st.Epoch {
				w.broken("side %d is fenced at epoch %d, the stored one is %d", side, f.epoch, st.Epoch)
			}
		}
	}
	if st.Phase == v1.PhaseRolledBack && st.Owner != v1.SideOld || st.Phase == v1.PhaseDone && st.Owner != v1.SideNew {
		w.broken("%s with owner %q", st.Phase, st.Owner)
	}
	if (st.Owner == v1.SideOld || st.Owner == v1.SideNew) && d.owner != st.Owner {
		w.broken("owner is %s, handed over to %q", st.Owner, d.owner)
	}
	if at := w.node.place(); at.share != st.Buckets || at.owner != st.Owner || at.epoch != st.Epoch {
		w.broken("the data path has %+v, the store %s", at, text(st))
	}
	for _, s := range subjects() {
		at := w.node.place()
		if d.exists(s) && d.fenced(at.side(s), s, at.epoch) {
			w.broken("%+v may not write where it is", s)
		}
	}
}

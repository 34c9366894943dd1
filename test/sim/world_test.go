package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/meter"
	"jindu.dev/jindu/internal/migrate"
	"jindu.dev/jindu/internal/registry"
)

const (
	tick    = 250 * time.Millisecond
	silence = 5 * time.Second
	name    = "orders-to-go"
)

var errDown = errors.New("store is down")

// node is what dies with the process: controller, data path, counters.
type node struct {
	ctl      *migrate.Controller
	born     time.Duration
	told     int64 // revision that the watch delivered last
	override struct {
		buckets int
		owner   string
		epoch   int64
	}
	path         v1.MigrationStatus // the stored status as the data path has it
	latched      bool
	beat         time.Duration
	old, new     migrate.Outcome
	oldMS, newMS meter.Histogram
	copies       migrate.Copies
	anew         int // times that the evidence began anew
}

// share is what the data path obeys.
func (n *node) share() int {
	switch {
	case n.latched:
		return 0
	case n.override.epoch > n.path.Epoch:
		return n.override.buckets
	}
	return n.path.Buckets
}

// write is a Write or Pause on its way to the store.
type write struct {
	migrate.Effect
	lands  time.Duration // when the store does it
	ends   time.Duration // when the answer comes
	node   *node
	object *v1.Migration
	err    error
	done   bool
	waited time.Duration // since the move before, when it was sent
}

// world is one history.
type world struct {
	r     *rand.Rand
	now   time.Duration
	wall  time.Time // at now 0, moved by clock jumps
	log   []string
	fail  string // the first broken invariant
	moves int
	calm  int // one in so many ticks brings an event of a kind

	object  v1.Migration
	down    bool
	snap    *registry.Snapshot
	writes  []*write
	node    *node
	silent  time.Duration // the controller does not run until then
	command int64
	asked   map[int64]time.Duration // commands not answered yet: when they were given
	replied map[int64]bool

	data  *crossing // nil: no rows cross
	quiet bool      // nothing happens any more

	newFails float64 // rate of failures of the new side
	dataSays v1.Verdict
	mismatch []v1.Verdict // what the next looks say; the last one stays

	failing   time.Duration // since when a gate that rolls back fails, -1: it does not
	mustBe0   bool          // a rollback reached the data path of this process and was not closed since
	sinceMove time.Duration // when this process saw the status in force first
	inForce   string
}

func newWorld(seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	w := &world{
		r: r, calm: []int{60, 60, 250}[r.IntN(3)], wall: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), failing: -1,
		asked: map[int64]time.Duration{}, replied: map[int64]bool{}, mismatch: []v1.Verdict{v1.VerdictNotEnough},
		dataSays: v1.VerdictPass,
	}
	twenty, thousandth := 60, 2.0
	spec := v1.MigrationSpec{
		Service: "orders", From: v1.Selector{"runtime": "java17"}, To: v1.Selector{"runtime": "go1.26"},
		Steps:    [][]float64{{1, 5, 25, 50, 100}, {10, 100}, {100}, {0.01, 33.3, 100}}[r.IntN(4)],
		Gates:    v1.GatesSpec{Mirror: "1s", Step: "1s", Hold: "2s", MinRequests: &twenty, MaxErrorExcess: &thousandth},
		Observe:  r.IntN(8) == 0,
		Approval: v1.ApprovalSpec{Promote: r.IntN(3) == 0, Resume: r.IntN(3) == 0},
	}
	if r.IntN(2) == 0 {
		spec.Data, w.data = dataSpec(), &crossing{gap: -1}
	}
	made := w.wall
	w.object = v1.Migration{Metadata: v1.Meta{Name: name, Revision: 1, Generation: 1, Created: &made}, Spec: spec}
	w.instances("1.0", "2.0")
	w.boot()
	return w
}

func (w *world) clock() migrate.Clock {
	return migrate.Clock{Wall: w.wall.Add(w.now), Mono: w.now - w.node.born}
}

func (w *world) logf(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%8s ", w.now)+fmt.Sprintf(format, args...))
}

func (w *world) broken(format string, args ...any) {
	if w.fail == "" {
		w.fail = fmt.Sprintf("%s: ", w.now) + fmt.Sprintf(format, args...)
		w.logf("BROKEN %s", w.fail)
	}
}

// instances makes the registry's snapshot; an empty version leaves that side without instances.
func (w *world) instances(oldVersion, newVersion string) {
	svc := &registry.Service{Name: "orders"}
	add := func(name, runtime, version string) {
		if version != "" {
			svc.Instances = append(svc.Instances, &registry.Instance{
				Name: name, Service: "orders", Address: name, Usable: true, State: v1.StateServing,
				Metadata: map[string]string{"runtime": runtime, "version": version},
			})
		}
	}
	add("old", "java17", oldVersion)
	add("new", "go1.26", newVersion)
	w.snap = &registry.Snapshot{Services: map[string]*registry.Service{"orders": svc}}
	w.logf("instances old %q new %q", oldVersion, newVersion)
}

// boot starts the process: everything but the store begins anew.
func (w *world) boot() {
	w.node = &node{ctl: migrate.NewController(2 * time.Second), born: w.now, beat: w.now}
	if d := w.data; d != nil {
		d.die(w)
		w.gapped()
	}
	w.mustBe0, w.failing, w.inForce, w.silent = false, -1, "", 0
	clear(w.asked)
	w.logf("boot, stored %s", text(&w.object.Status))
	w.watch()
	if got := w.node.share(); got != w.object.Status.Buckets {
		w.broken("after the restart the share is %d, the store says %d", got, w.object.Status.Buckets)
	}
}

// watch delivers the stored object to data path and controller.
func (w *world) watch() {
	n, before := w.node, w.node.place()
	n.told, n.path = w.object.Metadata.Revision, w.object.Status
	if n.override.epoch <= n.path.Epoch {
		n.override.epoch = 0
	}
	if before.epoch > 0 { // not the first of this process
		w.changed(before, "what the store has")
	}
	w.perform(n.ctl.SetMigrations(w.clock(), []v1.Migration{w.object}))
}

// perform carries out effects as the server does.
func (w *world) perform(effects []migrate.Effect) {
	moves := 0
	for _, e := range effects {
		switch e.Kind {
		case migrate.EffectOverride:
			w.logf("override %d at epoch %d", e.Buckets, e.Epoch)
			if e.Epoch > w.node.override.epoch && e.Epoch > w.node.path.Epoch {
				before := w.node.place()
				w.node.override.buckets, w.node.override.owner, w.node.override.epoch = e.Buckets, e.Owner, e.Epoch
				w.changed(before, "override")
			} else {
				w.broken("override at epoch %d has no effect: stored %d, override %d", e.Epoch, w.node.path.Epoch, w.node.override.epoch)
			}
			if e.Buckets != 0 && (w.data == nil || e.Buckets > w.object.Status.Buckets) {
				w.broken("the data path was told %d ahead of the store, which has %d", e.Buckets, w.object.Status.Buckets)
			}
			w.mustBe0 = w.mustBe0 || e.Buckets == 0
		case migrate.EffectMove, migrate.EffectSettle, migrate.EffectHandOver:
			w.issue(e)
		case migrate.EffectRearm:
			w.node.latched = false
			w.gapped()
		case migrate.EffectRestart:
			w.node.anew++
			w.mismatch = []v1.Verdict{v1.VerdictNotEnough}
		case migrate.EffectWrite, migrate.EffectPause:
			moves++
			lands := w.now + time.Duration(w.r.IntN(3))*100*time.Millisecond
			if w.r.IntN(10) == 0 {
				lands += time.Duration(w.r.IntN(3000)) * time.Millisecond
			}
			w.writes = append(w.writes, &write{Effect: e, lands: lands, ends: lands + time.Duration(w.r.IntN(4))*100*time.Millisecond, node: w.node, waited: w.now - w.sinceMove})
			w.logf("write %d at revision %d: %s", e.ID, e.Revision, text(&e.Status))
		case migrate.EffectReply:
			w.replied[e.ID] = true
			w.logf("reply %d: %v", e.ID, e.Err)
		}
	}
	if moves > 1 {
		w.broken("%d writes at once", moves)
	}
}

// store lets writes land and answers arrive.
func (w *world) store() {
	pending := w.writes
	w.writes = nil // an answer may bring a new one
	for _, x := range pending {
		if !x.done && x.lands <= w.now {
			x.done = true
			w.land(x)
		}
		if !x.done || x.ends > w.now {
			w.writes = append(w.writes, x)
			continue
		}
		if x.node == w.node { // else the process that asked is dead
			w.perform(w.node.ctl.Written(w.clock(), name, x.ID, x.object, x.err))
		}
	}
}

func (w *world) land(x *write) {
	switch {
	case w.down && w.r.IntN(2) == 0 || w.r.IntN(40) == 0:
		x.err = errDown
		if w.down || w.r.IntN(2) == 0 {
			return // lost; else it is done and only its answer is lost
		}
	case w.down:
		x.err = errDown
		return
	}
	switch {
	case x.Kind == migrate.EffectPause:
		w.edit(func(s *v1.MigrationSpec) { s.Paused = x.Paused })
	case x.Revision != w.object.Metadata.Revision:
		x.err = kind.New(kind.Conflict, "", "revision is %d", w.object.Metadata.Revision)
		if w.r.IntN(4) > 0 {
			m := w.object
			x.object = &m
		}
		return
	default:
		w.stored(&x.Status, x.waited)
		w.object.Status = x.Status
		w.object.Metadata.Revision++
		w.logf("stored revision %d: %s", w.object.Metadata.Revision, text(&x.Status))
	}
	if x.err == nil {
		m := w.object
		x.object = &m
	}
}

func (w *world) edit(change func(*v1.MigrationSpec)) {
	change(&w.object.Spec)
	w.object.Metadata.Revision++
	w.object.Metadata.Generation++
}

// serve sends a tick's worth of requests over both sides.
func (w *world) serve() {
	n, share := w.node, w.node.share()
	for range 40 {
		if w.r.IntN(10_000) >= share {
			n.old.Requests++
			n.oldMS.Observe(3 * time.Millisecond)
			continue
		}
		n.new.Requests++
		n.newMS.Observe(3 * time.Millisecond)
		if w.r.Float64() < w.newFails {
			n.new.Failures++
		}
	}
	n.copies.Attempts += 20
}

// facts are what the controller asks.
type facts struct{ *world }

func (f facts) Latched(string) bool { return f.node.latched }

func (f facts) Outcomes(string) (oldSide, newSide migrate.Outcome) {
	oldSide, newSide = f.node.old, f.node.new
	f.node.oldMS.Snapshot(&oldSide.Latency)
	f.node.newMS.Snapshot(&newSide.Latency)
	return oldSide, newSide
}

func (f facts) Copies(string) migrate.Copies { return f.node.copies }

func (f facts) Data(string) []v1.Gate {
	return []v1.Gate{{Name: "data_lag", Verdict: f.dataSays, Detail: "simulated"}}
}

func (f facts) Look(string, time.Time) (v1.Gate, *v1.DifferenceRef) {
	v := f.mismatch[0]
	if len(f.mismatch) > 1 {
		f.mismatch = f.mismatch[1:]
	}
	g := v1.Gate{Name: "mismatch", Verdict: v, Detail: "simulated"}
	if v == v1.VerdictFail {
		return g, &v1.DifferenceRef{Endpoint: "GET /orders/{id}", Path: "$.total"}
	}
	return g, nil
}

func text(s *v1.MigrationStatus) string {
	last := ""
	if n := len(s.History); n > 0 {
		last = s.History[n-1].By + ": " + s.History[n-1].Reason
	}
	return fmt.Sprintf("%s step %d share %d epoch %d (%s)", s.Phase, s.Step, s.Buckets, s.Epoch, last)
}

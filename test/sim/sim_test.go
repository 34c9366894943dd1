package sim

import (
	"flag"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate"
)

var (
	oneSeed   = flag.Uint64("seed", 0, "run this history alone, and tell it")
	histories = flag.Int("histories", 0, "how many histories; 0: as many as are quick")
)

func TestHistoriesKeepTheInvariants(t *testing.T) {
	if *oneSeed != 0 {
		w := newWorld(*oneSeed)
		w.run(400)
		t.Log("\n" + strings.Join(w.log, "\n"))
		if w.fail != "" {
			t.Fatal(w.fail)
		}
		return
	}
	n := *histories
	if n == 0 {
		n = 2000
	}
	if testing.Short() {
		n /= 4
	}
	ends := map[v1.Phase]int{}
	moves := 0
	var rows crossing
	for i := range n {
		seed := uint64(i + 1)
		w := newWorld(seed)
		w.run(400)
		if w.fail != "" {
			t.Fatalf("seed %d: %s\n%s", seed, w.fail, strings.Join(w.log[max(0, len(w.log)-40):], "\n"))
		}
		ends[w.object.Status.Phase]++
		moves += w.moves
		if d := w.data; d != nil {
			rows.tally.moves += d.tally.moves
			rows.tally.settled += d.tally.settled
			rows.tally.gaps += d.tally.gaps
			rows.tally.written += d.tally.written
			rows.tally.refused += d.tally.refused
		}
	}
	t.Logf("where rows cross: %+v", rows.tally)
	if r := rows.tally; n >= 500 && (r.moves == 0 || r.settled == 0 || r.gaps == 0 || r.refused == 0 || r.written == 0) {
		t.Errorf("the simulation does not reach all of %+v", r)
	}
	t.Logf("%d histories with %d moves end in %v", n, moves, ends)
	for _, p := range []v1.Phase{v1.PhaseObserve, v1.PhaseMirror, v1.PhaseRamp, v1.PhaseHold, v1.PhaseDone, v1.PhaseRolledBack} {
		if ends[p] == 0 && n >= 500 {
			t.Errorf("no history ends in %s: the simulation does not reach it", p)
		}
	}
}

// run lives through ticks.
func (w *world) run(ticks int) {
	for range ticks {
		if w.step(); w.fail != "" {
			return
		}
	}
	w.settle()
}

// step lives through one tick.
func (w *world) step() {
	w.now += tick
	if !w.quiet {
		w.happen()
	}
	w.serve()
	w.store()
	w.cross()
	if w.r.IntN(4) > 0 && w.node.told < w.object.Metadata.Revision {
		w.watch()
	}
	if w.now >= w.silent {
		w.node.ctl.SetRegistry(w.snap)
		effects := w.node.ctl.Tick(w.clock(), facts{w})
		w.perform(effects)
		w.node.beat = w.now
	} else if w.now-w.node.beat >= silence && w.node.share() > 0 {
		w.logf("the data path latches")
		w.node.latched, w.mustBe0 = true, true
		w.gapped()
	}
	w.check()
}

// happen is what a tick may bring.
func (w *world) happen() {
	r := w.r
	switch r.IntN(w.calm) {
	case 0:
		w.down = !w.down
		w.logf("store down %v", w.down)
	case 1:
		w.crash()
	case 2:
		w.silent = w.now + time.Duration(r.IntN(10_000))*time.Millisecond
		w.logf("controller silent until %s", w.silent)
	case 3:
		w.wall = w.wall.Add(-time.Duration(r.IntN(100)) * time.Hour)
		w.logf("clock set back")
	case 4, 5, 6, 7, 8, 9:
		w.ask()
	case 10:
		w.newFails = []float64{0, 0, 0.3, 1}[r.IntN(4)]
		w.logf("new side fails at %v", w.newFails)
	case 11, 12, 13:
		w.mismatch = [][]v1.Verdict{{v1.VerdictPass}, {v1.VerdictPass}, {v1.VerdictPass, v1.VerdictNotEnough, v1.VerdictPass}, {v1.VerdictFail}, {v1.VerdictNotEnough}}[r.IntN(5)]
		w.logf("evidence says %v", w.mismatch)
	case 14:
		w.edit(func(s *v1.MigrationSpec) {
			s.Steps = [][]float64{{2, 20, 100}, {1, 5, 25, 50, 100}, {50, 100}}[r.IntN(3)]
			w.logf("steps %v", s.Steps)
		})
	case 15:
		w.instances([]string{"1.0", "1.0", "1.1", ""}[r.IntN(4)], []string{"2.0", "2.0", "2.1", ""}[r.IntN(4)])
	case 16:
		if w.object.Status.Buckets == 0 && r.IntN(2) == 0 {
			w.edit(func(s *v1.MigrationSpec) { s.Observe = !s.Observe })
		}
	case 17:
		w.edit(func(s *v1.MigrationSpec) { s.Paused = r.IntN(3) == 0 })
	case 18:
		if w.data != nil {
			w.data.down = !w.data.down
			w.logf("database down %v", w.data.down)
		}
	case 19:
		w.dataSays = []v1.Verdict{v1.VerdictPass, v1.VerdictPass, v1.VerdictNotEnough, v1.VerdictFail}[r.IntN(4)]
	}
}

// crash kills the process and starts it again.
func (w *world) crash() {
	w.logf("crash")
	w.newFails, w.dataSays = 0, v1.VerdictPass
	w.mismatch = []v1.Verdict{v1.VerdictNotEnough}
	w.boot()
}

// ask gives a random command.
func (w *world) ask() {
	people := []v1.Identity{{Name: "local", Role: v1.RoleAdmin}, {Name: "ann", Role: v1.RoleOperator}, {Name: "bob", Role: v1.RoleApprover}, {Name: "eve", Role: v1.RoleOperator}}
	w.command++
	verbs := []migrate.Verb{migrate.VerbPromote, migrate.VerbPromote, migrate.VerbResume, migrate.VerbResume, migrate.VerbPause, migrate.VerbRollback}
	c := migrate.Command{ID: w.command, Name: name, Verb: verbs[w.r.IntN(len(verbs))], Who: people[w.r.IntN(len(people))]}
	w.asked[c.ID] = w.now
	w.logf("command %d: %s by %s", c.ID, c.Verb, c.Who.Name)
	w.perform(w.node.ctl.Command(w.clock(), c))
}

func TestTheSimulationNoticesBrokenInvariants(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, bad := range map[string]func(*v1.MigrationStatus){
		"two steps at once":         func(s *v1.MigrationStatus) { s.Buckets, s.Step = 2500, 2 },
		"an epoch that stays":       func(s *v1.MigrationStatus) { s.Epoch = 4 },
		"a rise without a reason":   func(s *v1.MigrationStatus) { s.History[1].Gates, s.History[1].Verdict = nil, "" },
		"a history that disagrees":  func(s *v1.MigrationStatus) { s.History[1].Buckets = 1 },
		"a rise with a failed gate": func(s *v1.MigrationStatus) { s.History[1].Verdict = v1.VerdictFail },
	} {
		w := newWorld(3)
		w.data = nil
		w.object.Spec.Steps = []float64{1, 5, 25, 100}
		w.object.Status = v1.MigrationStatus{Phase: v1.PhaseRamp, Buckets: 100, Epoch: 4, History: []v1.Transition{{At: at, Phase: v1.PhaseRamp, Buckets: 100}}}
		next := v1.MigrationStatus{Phase: v1.PhaseRamp, Step: 1, Buckets: 500, Epoch: 5, History: []v1.Transition{
			{At: at, Phase: v1.PhaseRamp, Buckets: 100},
			{At: at, By: "controller", Phase: v1.PhaseRamp, Step: 1, Buckets: 500, Reason: "every gate passed", Verdict: v1.VerdictPass, Gates: []v1.Gate{{Verdict: v1.VerdictPass}}},
		}}
		w.fail = ""
		good := next
		w.stored(&good, time.Hour)
		if w.fail != "" {
			t.Fatalf("a good move is refused: %s", w.fail)
		}
		bad(&next)
		w.stored(&next, time.Hour)
		if w.fail == "" {
			t.Errorf("%s goes unnoticed", name)
		}
	}
}

func TestTheSimulationNoticesMissingFences(t *testing.T) {
	for lie, want := range map[string]string{"move": "fence", "settle": "stored one is", "hand over": "handed over to"} {
		noticed := ""
		for seed := uint64(1); seed <= 200 && noticed == ""; seed++ {
			w := newWorld(seed)
			if w.data == nil {
				continue
			}
			w.data.lies = lie
			w.run(400)
			noticed = w.fail
		}
		if !strings.Contains(noticed, want) {
			t.Errorf("%s that does nothing: %q", lie, noticed)
		}
	}
	// A fence that comes too late: a writer that was routed before writes for users who are elsewhere.
	w := newWorld(1)
	w.data = &crossing{gap: -1, writers: []writer{{who: subject{bucket: 150}, side: onOld, epoch: 4, routed: w.now}}}
	w.node.path = v1.MigrationStatus{Phase: v1.PhaseRamp, Buckets: 1000, Epoch: 5}
	w.write()
	if !strings.Contains(w.fail, "side 0 wrote") {
		t.Errorf("a writer that slept through a switch goes unnoticed: %q", w.fail)
	}
	w.fail, w.data.writers = "", []writer{{who: subject{bucket: 150}, side: onOld, epoch: 4, routed: w.now}}
	w.data.fences[onOld] = []fence{{5, 0, 1000}}
	if w.write(); w.fail != "" || w.data.tally.refused != 1 {
		t.Errorf("%q, refused %d", w.fail, w.data.tally.refused)
	}
}

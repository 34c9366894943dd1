package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/screen"
	"jindu.dev/jindu/internal/load"
)

// Options of a run.
type Options struct {
	Defect *Defect // nil: none
	Pace   Pace
	Rate   float64
	Keep   bool // keep running at the end, with little traffic, until ctx ends
	Locale string
	Now    func() time.Time
}

// keepRate is the traffic while everything is kept for the console.
const keepRate = 100

// Story runs the demo: stage holds the processes, dial makes the load's client, s shows what happens. An
// error means that the demo could not be played to its end; Unexpected judges an end that was reached.
func Story(ctx context.Context, o Options, stage Stage, dial Dial, s *screen.Screen) (Outcome, error) {
	t := &story{o: o, stage: stage, dial: dial, screen: s, words: wordsFor(o.Locale), began: o.Now()}
	defer func() {
		stage.Close()
		t.say(t.words.stopped)
	}()
	return t.play(ctx)
}

type story struct {
	o      Options
	stage  Stage
	dial   Dial
	screen *screen.Screen
	words  words
	began  time.Time

	oracle *Oracle
	scene  scene
	told   int // transitions that were printed
	spoke  time.Time
}

// say prints a line that stays.
func (t *story) say(text string) {
	t.screen.Print(fmt.Sprintf("%6.1f s  %s", t.o.Now().Sub(t.began).Seconds(), text))
}

func (t *story) play(ctx context.Context) (Outcome, error) {
	w := t.words
	t.screen.Print(t.screen.Paint(screen.Bold, w.title))
	t.say(w.starting)
	place, err := t.stage.Open(ctx, t.say)
	if err != nil {
		return Outcome{}, err
	}
	node := place.Node
	t.scene.place = place
	t.say(fmt.Sprintf("%s %s   %s %s", w.console, place.Console, w.gateway, place.Gateway))
	if place.OldRuntime == StandIn {
		t.say(w.standIn)
	}
	if d := t.o.Defect; d != nil {
		t.say(fmt.Sprintf(w.planted, d.Name, d.Summary))
		if d.Live {
			t.say(w.live)
		}
	}
	t.oracle = NewOracle(strconv.FormatInt(t.began.UnixNano(), 36)+"-", t.o.Defect != nil && t.o.Defect.Live, t.o.Now)

	// Today: the old service behind Jindu, and traffic.
	old := v1.Selector{"runtime": place.OldRuntime}
	if err := t.apply(ctx, node, v1.KindService, serviceSpec()); err != nil {
		return Outcome{}, err
	}
	if err := t.apply(ctx, node, v1.KindRoute, routeSpec(old)); err != nil {
		return Outcome{}, err
	}
	if err := t.usable(ctx, node, 1); err != nil {
		return Outcome{}, err
	}
	if err := t.served(ctx); err != nil {
		return Outcome{}, err
	}
	t.say(fmt.Sprintf(w.warming, t.o.Rate, Users, place.OldRuntime))
	run, err := t.traffic(ctx, t.o.Rate)
	if err != nil {
		return Outcome{}, err
	}
	defer run.stop()
	if err := t.pause(ctx, run, t.o.Pace.WarmUp/2); err != nil {
		return Outcome{}, err
	}

	// The new one starts beside it; the migration has the say from here on.
	t.say(w.entering)
	if err := t.stage.Enter(ctx); err != nil {
		return Outcome{}, err
	}
	if err := t.usable(ctx, node, 2); err != nil {
		return Outcome{}, err
	}
	if err := t.pause(ctx, run, t.o.Pace.WarmUp-t.o.Pace.WarmUp/2); err != nil {
		return Outcome{}, err
	}
	spec := migrationSpec(place, t.o.Pace, t.o.Rate)
	t.scene.steps = len(spec.Steps)
	if err := t.apply(ctx, node, v1.KindMigration, spec); err != nil {
		return Outcome{}, err
	}
	if err := t.apply(ctx, node, v1.KindRoute, routeSpec(nil)); err != nil {
		return Outcome{}, err
	}
	t.say(fmt.Sprintf(w.begins, place.OldRuntime, place.NewRuntime))
	if err := t.follow(ctx, node, run); err != nil {
		return Outcome{}, err
	}
	if err := t.pause(ctx, run, t.o.Pace.After); err != nil {
		return Outcome{}, err
	}
	run.stop()
	report := t.report()
	outcome := Outcome{report, report.unexpected(t.o.Defect, highest(&t.scene.status))}
	t.conclude(outcome)
	if t.o.Keep && ctx.Err() == nil {
		t.keep(ctx)
	}
	return outcome, nil
}

func (t *story) apply(ctx context.Context, node Node, k v1.Kind, spec any) error {
	if err := node.Apply(ctx, k, Name, spec); err != nil {
		return fmt.Errorf("apply %s %s: %w", k, Name, err)
	}
	return nil
}

// usable waits until n instances get traffic.
func (t *story) usable(ctx context.Context, node Node, n int) error {
	return t.until(ctx, fmt.Sprintf("%d instances of %s are not usable", n, Name), func() (bool, error) {
		got, err := node.Usable(ctx, Name)
		return got >= n, err
	})
}

// served waits until the gateway answers for the old service.
func (t *story) served(ctx context.Context) error {
	client, err := t.dial(t.scene.place.Gateway, 10*time.Second)
	if err != nil {
		return err
	}
	defer client.Close()
	return t.until(ctx, "the gateway does not answer for "+Name, func() (bool, error) {
		var resp load.Response
		err := client.Do(ctx, &load.Request{Method: "GET", Target: "/products/1"}, &resp)
		return resp.Status == 200, err
	})
}

// until waits for a condition, at most a minute.
func (t *story) until(ctx context.Context, otherwise string, holds func() (bool, error)) error {
	for deadline := t.o.Now().Add(time.Minute); ; {
		ok, err := holds()
		if ok {
			return nil
		}
		if t.o.Now().After(deadline) {
			return kind.New(kind.Unavailable, "JD-DEMO-003", "%s after a minute: the machine may be too busy (last error: %v)", otherwise, err)
		}
		if err := t.wait(ctx, nil, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// traffic is a load that runs until it is stopped.
type traffic struct {
	cancel context.CancelFunc
	done   chan struct{}
	state  chan load.Progress // the latest
	result load.Result
	err    error
}

func (r *traffic) stop() {
	r.cancel()
	<-r.done
}

func (t *story) traffic(ctx context.Context, rate float64) (*traffic, error) {
	client, err := t.dial(t.scene.place.Gateway, 10*time.Second)
	if err != nil {
		return nil, err
	}
	o := load.Default()
	o.Rate, o.Poisson, o.Duration = rate, true, 0
	// A machine too busy for the rate shows as requests that come late or not at all, not as a queue that only grows.
	o.MaxInFlight, o.Backlog = 128, 128
	ctx, cancel := context.WithCancel(ctx)
	r := &traffic{cancel: cancel, done: make(chan struct{}), state: make(chan load.Progress, 1)}
	go func() {
		defer close(r.done)
		r.result, r.err = load.Run(ctx, o, client, t.oracle, t.oracle.Judge, func(p load.Progress) {
			select {
			case <-r.state: // nobody looked at the one before
			default:
			}
			r.state <- p
		})
	}()
	return r, nil
}

// wait lets time pass; it ends early when ctx ends, a process fails or the traffic stops.
func (t *story) wait(ctx context.Context, run *traffic, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	var ended <-chan struct{}
	if run != nil {
		ended = run.done
	}
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case err := <-t.stage.Failed():
		return err
	case <-ended:
		return errors.Join(errors.New("the traffic stopped"), run.err)
	}
}

// plainEvery is how often a plain line tells how things stand, where no picture can be drawn.
const plainEvery = 3 * time.Second

// tick is how often the demo looks at the migration.
const tick = 250 * time.Millisecond

// pause lets traffic run on and shows it.
func (t *story) pause(ctx context.Context, run *traffic, d time.Duration) error {
	for end := t.o.Now().Add(d); t.o.Now().Before(end); {
		if err := t.wait(ctx, run, min(tick, max(end.Sub(t.o.Now()), time.Millisecond))); err != nil {
			return err
		}
		t.look(ctx, run)
	}
	return nil
}

// follow watches the migration until it ends.
func (t *story) follow(ctx context.Context, node Node, run *traffic) error {
	deadline := t.o.Now().Add(t.o.Pace.Limit)
	for {
		m, err := node.Migration(ctx, Name)
		if err != nil {
			return fmt.Errorf("look at the migration: %w", err)
		}
		t.scene.status = m.Status
		for ; t.told < len(m.Status.History); t.told++ {
			tr := m.Status.History[t.told]
			t.screen.Print(transition(tr.At.Sub(t.began), tr, t.screen.Paint))
		}
		if p := m.Status.Phase; p == v1.PhaseDone || p == v1.PhaseRolledBack || t.o.Now().After(deadline) {
			t.look(ctx, run)
			return nil
		}
		if err := t.wait(ctx, run, tick); err != nil {
			return err
		}
		t.look(ctx, run)
	}
}

// look brings the picture up to date; what cannot be had is left as it was.
func (t *story) look(ctx context.Context, run *traffic) {
	node := t.scene.place.Node
	if o, err := node.Overview(ctx); err == nil {
		t.scene.overview = o
	}
	if e, err := node.Evidence(ctx, Name); err == nil {
		t.scene.gates = e.Gates
		t.scene.sample = sampleOf(&e, t.scene.status.FirstDifference)
	}
	select {
	case t.scene.progress = <-run.state:
	default:
	}
	t.scene.counts = t.oracle.Counts()
	if now := t.o.Now(); !t.screen.Live() && now.Sub(t.spoke) >= plainEvery {
		t.spoke = now
		t.say(t.scene.line(t.words))
	}
	t.screen.Draw(t.scene.lines(t.words, t.screen.Width(), t.screen.Paint))
}

func (t *story) report() Report {
	st, c := &t.scene.status, t.oracle.Counts()
	verdict := st.Verdict
	if st.Phase != v1.PhaseDone && st.Phase != v1.PhaseRolledBack {
		verdict = v1.VerdictNotEnough
	}
	return Report{
		Phase: st.Phase, Share: st.Buckets / 100, OldRuntime: t.scene.place.OldRuntime,
		Requests: c.Requests, Errors: c.Errors, Exposed: c.Exposed,
		Verdict: verdict, FirstDifference: firstDifference(st), Seconds: t.o.Now().Sub(t.began).Seconds(),
	}
}

// conclude says in words how it ended.
func (t *story) conclude(r Outcome) {
	w := t.words
	t.screen.Draw(nil)
	for _, wrong := range t.oracle.Counts().Wrong {
		t.say(fmt.Sprintf(w.wrong, wrong))
	}
	if r.Phase == v1.PhaseDone {
		t.say(t.screen.Paint(screen.Green, w.doneClean))
	}
	if r.Phase == v1.PhaseRolledBack {
		t.say(t.screen.Paint(screen.Yellow, fmt.Sprintf(w.doneRolled, t.scene.status.Reason)))
	}
	if d := t.scene.sample; d != nil {
		t.say(fmt.Sprintf("%s %s: %s %s, %s %s", r.FirstDifference.Endpoint, r.FirstDifference.Path, w.old, d.Old, w.new, d.New))
	}
	t.say(fmt.Sprintf(w.summary, r.Requests, r.Errors, r.Exposed, r.Seconds))
	if r.Unexpected != "" {
		t.say(t.screen.Paint(screen.Red, fmt.Sprintf(w.notPlanned, r.Unexpected)))
	} else {
		t.say(t.screen.Paint(screen.Green, w.asPlanned))
	}
}

// keep goes on with little traffic until ctx ends.
func (t *story) keep(ctx context.Context) {
	t.say(fmt.Sprintf(t.words.keep, t.scene.place.Console))
	run, err := t.traffic(ctx, keepRate)
	if err != nil {
		return
	}
	select {
	case <-ctx.Done():
	case <-run.done:
	case err := <-t.stage.Failed():
		t.say(err.Error())
	}
	run.stop()
}

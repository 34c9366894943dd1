package shop

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/screen"
	"jindu.dev/jindu/internal/load"
)

// Options of a run.
type Options struct {
	Defect  string
	Says    string // what the defect is, in words
	Pace    Pace
	Rate    float64
	Initial map[string]int64 // stock of each sku
	Keep    bool             // keep running at the end, until ctx ends
	Now     func() time.Time
}

// spoil is how many rows somebody changes by hand.
const spoil = 3

// Story runs the demo. An error means that it could not be played to its end; Unexpected judges an end that
// was reached.
func Story(ctx context.Context, o Options, stage Stage, dial Dial, s *screen.Screen) (Outcome, error) {
	t := &story{o: o, stage: stage, dial: dial, screen: s, began: o.Now()}
	defer func() {
		stage.Close()
		t.say("everything is stopped")
	}()
	return t.play(ctx)
}

type story struct {
	o      Options
	stage  Stage
	dial   Dial
	screen *screen.Screen
	began  time.Time

	place  Place
	ledger *Ledger
	run    *traffic
	told   int // transitions that were printed
	spoke  time.Time
	report Report
}

// say prints a line that stays.
func (t *story) say(format string, args ...any) {
	t.screen.Print(fmt.Sprintf("%6.1f s  ", t.o.Now().Sub(t.began).Seconds()) + fmt.Sprintf(format, args...))
}

// step begins a part of the story.
func (t *story) step(text string) { t.say("%s", t.screen.Paint(screen.Bold, text)) }

func (t *story) play(ctx context.Context) (Outcome, error) {
	t.step("Jindu demo data: a shop and its rows cross from Java to Go, and come back")
	var err error
	if t.place, err = t.stage.Open(ctx, func(text string) { t.say("%s", text) }); err != nil {
		return Outcome{}, err
	}
	p := &t.place
	t.report.OldRuntime, t.report.OldStore, t.report.NewStore = p.OldRuntime, p.OldStore, p.NewStore
	t.say("console %s   gateway %s", p.Console, p.Gateway)
	if t.o.Defect != "" {
		t.say("planted in the new shop: %s, %s", t.o.Defect, t.o.Says)
	}
	t.ledger = NewLedger(strconv.FormatInt(t.began.UnixNano(), 36)+"-", t.o.Now)
	if err := t.today(ctx); err != nil {
		return Outcome{}, err
	}
	defer t.run.stop()
	found, err := t.cross(ctx)
	if err != nil {
		return Outcome{}, err
	}
	t.run.stop()
	if err := t.judge(ctx, &t.report.End, "at the end"); err != nil {
		return Outcome{}, err
	}
	c := t.ledger.Counts()
	r := &t.report
	r.Requests, r.Errors, r.Orders, r.Seconds = c.Requests, c.Errors, c.Orders, t.o.Now().Sub(t.began).Seconds()
	r.Lost, r.Doubled = r.End.Lost, r.End.Doubled
	for _, wrong := range c.Wrong {
		t.say("wrong answer: %s", wrong)
	}
	out := Outcome{Report: *r, Unexpected: r.unexpected(t.o.Defect, found)}
	if out.Unexpected != "" {
		t.say("%s", t.screen.Paint(screen.Red, "NOT as expected: "+out.Unexpected))
	} else {
		t.say("%s", t.screen.Paint(screen.Green, "as expected"))
	}
	if t.o.Keep && ctx.Err() == nil {
		t.keep(ctx)
	}
	return out, nil
}

// today is the old shop behind Jindu, and buyers.
func (t *story) today(ctx context.Context) error {
	p := &t.place
	if err := t.apply(ctx, v1.KindService, serviceSpec()); err != nil {
		return err
	}
	// The migration comes first: requests carry marks from the beginning, which the proxies ask for.
	if err := t.apply(ctx, v1.KindMigration, migrationSpec(p, t.o.Pace, true)); err != nil {
		return err
	}
	if err := t.apply(ctx, v1.KindRoute, routeSpec()); err != nil {
		return err
	}
	if err := t.usable(ctx, 1); err != nil {
		return err
	}
	if err := t.served(ctx); err != nil {
		return err
	}
	t.step(fmt.Sprintf("buyers: %.0f requests a second, all answered by %s on %s", t.o.Rate, p.OldRuntime, p.OldStore))
	var err error
	if t.run, err = t.traffic(ctx, t.o.Rate); err != nil {
		return err
	}
	return t.pause(ctx, t.o.Pace.WarmUp)
}

// cross is the migration: there, back, and there again. spoilt is how many rows were changed by hand.
func (t *story) cross(ctx context.Context) (spoilt int64, err error) {
	p := &t.place
	t.step("the new shop starts beside it, on " + p.NewStore)
	if err := t.stage.Enter(ctx); err != nil {
		return 0, err
	}
	if err := t.usable(ctx, 2); err != nil {
		return 0, err
	}
	t.step("observe: nobody moves, no row is touched")
	if err := t.pause(ctx, t.o.Pace.Observe); err != nil {
		return 0, err
	}
	t.step("mirror: what requests do is compared, rows cross from old to new")
	if err := t.apply(ctx, v1.KindMigration, migrationSpec(p, t.o.Pace, false)); err != nil {
		return 0, err
	}
	phase, err := t.follow(ctx, v1.PhaseHold)
	if err != nil || phase != v1.PhaseHold {
		return 0, err // rolled back, or out of time: the report says so
	}
	t.step("everyone is on the new shop; the old one is kept current")
	if err := t.pause(ctx, t.o.Pace.Hold); err != nil {
		return 0, err
	}
	t.step("and now everyone back, from 100 %")
	if err := p.Node.Command(ctx, Name, "rollback", "drill: the way back"); err != nil {
		return 0, err
	}
	if _, err := t.follow(ctx, v1.PhaseRolledBack); err != nil {
		return 0, err
	}
	if err := t.pause(ctx, t.o.Pace.Back); err != nil {
		return 0, err
	}
	t.run.stop()
	if err := t.judge(ctx, &t.report.Back, "after the way back"); err != nil {
		return 0, err
	}
	if spoilt, err = t.mend(ctx); err != nil {
		return spoilt, err
	}
	t.step("forward again")
	if t.run, err = t.traffic(ctx, t.o.Rate); err != nil {
		return spoilt, err
	}
	if err := p.Node.Command(ctx, Name, "resume", "the drill is over"); err != nil {
		return spoilt, err
	}
	if _, err := t.follow(ctx, v1.PhaseHold); err != nil {
		return spoilt, err
	}
	return spoilt, t.pause(ctx, t.o.Pace.Back)
}

// mend lets somebody spoil rows by hand, finds and repairs them.
func (t *story) mend(ctx context.Context) (int64, error) {
	node := t.place.Node
	ids, err := t.stage.Spoil(ctx, spoil)
	if err != nil {
		return 0, fmt.Errorf("change rows by hand: %w", err)
	}
	t.step(fmt.Sprintf("somebody changes %d rows of the new side by hand: %s", len(ids), strings.Join(ids, ", ")))
	found, err := node.Diff(ctx, Name, v1.DiffRequest{Full: true})
	if err != nil {
		return 0, fmt.Errorf("compare everything: %w", err)
	}
	t.report.Found = int64(len(found.Differences)) + found.More
	for _, d := range found.Differences {
		t.say("found: %s %s %s", d.Table, keyText(d.Key), strings.Join(d.Columns, ", "))
	}
	done, err := node.Repair(ctx, Name, v1.RepairRequest{})
	if err != nil {
		return 0, fmt.Errorf("repair: %w", err)
	}
	t.report.Repaired = done.Written
	t.say("repaired %d rows by those of the %s; %d need a person", done.Written, done.Winner, done.Cases)
	return int64(len(ids)), nil
}

func keyText(key []v1.ColumnValue) string {
	var all []string
	for _, c := range key {
		if c.Value != nil {
			all = append(all, *c.Value)
		}
	}
	return strings.Join(all, " ")
}

// judge reads both databases when everything has arrived, and holds them against what buyers were told.
func (t *story) judge(ctx context.Context, into **Verdict, when string) error {
	var old, fresh Rows
	var verdict Verdict
	// What is under way may still arrive; what is wrong for good stays wrong.
	for deadline := t.o.Now().Add(15 * time.Second); ; {
		var err error
		if old, err = t.stage.Rows(ctx, v1.SideOld); err == nil {
			fresh, err = t.stage.Rows(ctx, v1.SideNew)
		}
		if err != nil {
			return fmt.Errorf("read the databases: %w", err)
		}
		verdict = Judge(t.ledger.Acknowledged(), t.o.Initial, old, fresh)
		if verdict.Fine() || t.o.Now().After(deadline) || t.o.Defect != "" && verdict.Lost == 0 {
			break
		}
		if err := t.wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	*into = &verdict
	t.report.Rows = map[string]Counted{}
	for table, n := range old.Counts {
		t.report.Rows[table] = Counted{Old: n, New: fresh.Counts[table]}
	}
	c := screen.Green
	if !verdict.Fine() {
		c = screen.Red
	}
	t.say("%s", t.screen.Paint(c, fmt.Sprintf("judged %s: %d orders acknowledged, %d lost, %d doubled, %d differ, stock conserved: %t",
		when, verdict.Acknowledged, verdict.Lost, verdict.Doubled, verdict.Differ, verdict.Conserved)))
	for _, wrong := range verdict.Wrong {
		t.say("%s", wrong)
	}
	return nil
}

func (t *story) apply(ctx context.Context, k v1.Kind, spec any) error {
	if err := t.place.Node.Apply(ctx, k, Name, spec); err != nil {
		return fmt.Errorf("apply %s %s: %w", k, Name, err)
	}
	return nil
}

// usable waits until n instances get traffic.
func (t *story) usable(ctx context.Context, n int) error {
	return t.until(ctx, fmt.Sprintf("%d instances of %s are not usable", n, Name), func() (bool, error) {
		got, err := t.place.Node.Usable(ctx, Name)
		return got >= n, err
	})
}

// served waits until the gateway answers for the old shop.
func (t *story) served(ctx context.Context) error {
	client, err := t.dial(t.place.Gateway, 10*time.Second)
	if err != nil {
		return err
	}
	defer client.Close()
	return t.until(ctx, "the gateway does not answer for "+Name, func() (bool, error) {
		var resp load.Response
		err := client.Do(ctx, &load.Request{Method: "GET", Target: "/stock/1"}, &resp)
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
		if err := t.wait(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// How often the demo looks at the migration, and tells how things stand.
const (
	tick       = 250 * time.Millisecond
	plainEvery = 3 * time.Second
)

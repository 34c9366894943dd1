package writeset

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func runName(n int) string { return fmt.Sprintf("%016x", n) }

func markOf(n int) v1.Mark { return v1.Mark{Run: runName(n), Bucket: -1} }

// ask is a question for a run that began a second after the start and was answered ten milliseconds later.
func ask(n int, captures ...string) Ask {
	return Ask{Run: runName(n), Captures: captures, Began: start.Add(time.Second), Answered: start.Add(1010 * time.Millisecond), Deadline: start.Add(3 * time.Second)}
}

func message(topic string) v1.Effect {
	return v1.Effect{Kind: v1.EffectMessage, Op: "send", Target: topic, Body: "{}"}
}

func TestARunIsCompleteWhenEveryCaptureToldAll(t *testing.T) {
	c := NewCollector(Limits{}, start)
	soon := start.Add(1100 * time.Millisecond)
	a := ask(1, CaptureReport, "proxy:shop", "database:shop")
	take := func() State {
		_, s := c.Take(a, soon)
		return s
	}
	c.Record("proxy:shop", markOf(1), message("a"))
	if take() != Waiting {
		t.Error("complete though only a proxy spoke")
	}
	c.Report(CaptureReport, v1.RunEffects{Run: runName(1), Effects: []v1.Effect{message("b")}})
	c.Progress("database:shop", a.Answered)
	c.Prompt("proxy:shop", true)
	if take() != Waiting {
		t.Error("complete though the report is not closed")
	}
	c.Report(CaptureReport, v1.RunEffects{Run: runName(1), Closed: true})
	c.Progress("database:shop", a.Answered.Add(-time.Second)) // never goes back
	ws, s := c.Take(a, soon)
	if s != Complete || len(ws.Told) != 2 || ws.Told[0].Capture != "proxy:shop" || ws.Run != a.Run {
		t.Fatalf("state %d, %+v", s, ws)
	}
	if c.runs.Load() != 0 || c.bytes.Load() != 0 {
		t.Error("a taken run is kept")
	}
	counts := c.Counts()
	if counts.Runs != 1 || counts.Complete != 1 || counts.Late != 0 {
		t.Errorf("counts %+v", counts)
	}
	c.Prompt("proxy:shop", false)
	if s := take(); s != Waiting {
		t.Errorf("a proxy that no longer runs is trusted: %d", s)
	}
	c.Progress("proxy:shop", a.Answered) // its progress counts as any other
	c.Report(CaptureReport, v1.RunEffects{Run: runName(1), Closed: true})
	if ws, s := c.Take(a, soon); s != Complete || len(ws.Told) != 0 {
		t.Errorf("a run that did nothing: state %d, %+v", s, ws)
	}
}

func TestARunIsLateAtItsDeadline(t *testing.T) {
	c := NewCollector(Limits{}, start)
	a := ask(1, CaptureReport)
	if _, s := c.Take(a, a.Deadline.Add(-1)); s != Waiting {
		t.Errorf("before the deadline: %d", s)
	}
	if _, s := c.Take(a, a.Deadline); s != Late {
		t.Errorf("at the deadline: %d", s)
	}
	for _, bad := range []string{"", "xyz", "00000000000000AB", "00000000000000000"} {
		if _, s := c.Take(Ask{Run: bad, Deadline: a.Deadline}, start); s != Late {
			t.Errorf("run %q: %d", bad, s)
		}
	}
	if n := c.Counts().Late; n != 5 {
		t.Errorf("%d late", n)
	}
}

func TestWhatIsMissingIsNeverTakenForComplete(t *testing.T) {
	at := start.Add(1100 * time.Millisecond)
	for name, c := range map[string]struct {
		limits Limits
		fill   func(c *Collector)
		want   State
		drop   string
	}{
		"too many effects":    {Limits{Effects: 2}, func(c *Collector) { tell(c, 1, 3) }, Lossy, dropEffects},
		"too heavy":           {Limits{Bytes: 1000}, func(c *Collector) { tell(c, 1, 9) }, Lossy, dropBytes},
		"pushed out by runs":  {Limits{Runs: 2}, func(c *Collector) { tell(c, 1, 1); tell(c, 1+shards, 1); tell(c, 1+2*shards, 1) }, Lossy, dropRuns},
		"pushed out by bytes": {Limits{Bytes: 900}, func(c *Collector) { tell(c, 1, 1); tell(c, 1+shards, 2) }, Lossy, dropBytes},
		"no room":             {Limits{Runs: 1}, func(c *Collector) { tell(c, 2, 1); tell(c, 1, 1) }, Lossy, dropRuns},
		"cut off":             {Limits{}, func(c *Collector) { c.Record("proxy:a", markOf(1), v1.Effect{Truncated: true}) }, Lossy, ""},
		"outcome unknown":     {Limits{}, func(c *Collector) { c.Record("proxy:a", markOf(1), v1.Effect{Fate: fateUnknown}) }, Lossy, ""},
		"egress refused": {Limits{}, func(c *Collector) {
			c.Record("proxy:a", markOf(1), v1.Effect{Fate: fateUnknown})
			c.Record("proxy:a", markOf(1), v1.Effect{Fate: fateRefused})
		}, Refused, ""},
		"no proxy saw the statement": {Limits{}, func(c *Collector) { c.Report(CaptureReport, v1.RunEffects{Run: runName(1), Statements: 1}) }, Lossy, ""},
	} {
		t.Run(name, func(t *testing.T) {
			col := NewCollector(c.limits, start.Add(time.Second))
			col.Prompt("proxy:a", true)
			c.fill(col)
			if _, s := col.Take(ask(1, "proxy:a"), at); s != c.want {
				t.Errorf("state %d, want %d", s, c.want)
			}
			if got := col.Counts().Dropped; c.drop != "" && got[c.drop] == 0 || c.drop == "" && len(got) > 0 {
				t.Errorf("dropped %v, want %q", got, c.drop)
			}
		})
	}
}

func tell(c *Collector, run, n int) {
	for range n {
		c.Record("proxy:a", markOf(run), message("a"))
	}
}

func TestRunsNobodyAsksForAreForgottenByAge(t *testing.T) {
	c := NewCollector(Limits{Age: 10 * time.Second}, start)
	tell(c, 1, 3)
	c.Tick(start.Add(5 * time.Second))
	tell(c, 1+shards, 1) // the same lock
	c.Tick(start.Add(11 * time.Second))
	if n := c.runs.Load(); n != 1 {
		t.Errorf("%d runs are kept", n)
	}
	if len(c.Counts().Dropped) > 0 {
		t.Errorf("forgetting is no drop: %v", c.Counts().Dropped)
	}
	old, young := ask(1), ask(1+shards)
	young.Began = start.Add(5 * time.Second)
	if _, s := c.Take(old, start.Add(12*time.Second)); s != Lossy {
		t.Errorf("a forgotten run: state %d", s)
	}
	if ws, s := c.Take(young, start.Add(12*time.Second)); s != Complete || len(ws.Told) != 1 {
		t.Errorf("a run behind it: state %d, %+v", s, ws)
	}
	c.Tick(start.Add(time.Hour))
	if c.runs.Load() != 0 || c.bytes.Load() != 0 {
		t.Errorf("%d runs, %d bytes after an hour", c.runs.Load(), c.bytes.Load())
	}
}

func TestForgetDropsARun(t *testing.T) {
	c := NewCollector(Limits{}, start)
	for n := range 3 {
		tell(c, 1+n*shards, 1)
	}
	c.Forget(runName(1 + shards))
	c.Forget(runName(1 + shards))
	c.Forget("no run")
	if n := c.runs.Load(); n != 2 {
		t.Errorf("%d runs", n)
	}
	s := &c.shards[1]
	if s.old.id != 1 || s.old.next.id != 1+2*shards || s.new != s.old.next || s.new.prev != s.old {
		t.Error("the list by age is torn")
	}
}

func TestCountsSayWhatBecameOfEffects(t *testing.T) {
	c := NewCollector(Limits{}, start)
	c.Unattributed("proxy:a")
	c.Refused("proxy:b")
	c.Refused("proxy:b")
	c.Lost(3)
	c.Lost(-1)
	c.Record("proxy:a", v1.Mark{Run: "short"}, v1.Effect{})
	c.Report(CaptureReport, v1.RunEffects{Run: strings.Repeat("G", 16)})
	got := c.Counts()
	if got.Unattributed["proxy:a"] != 1 || got.Refused["proxy:b"] != 2 || got.Dropped[dropReporter] != 5 || len(got.Unattributed) != 1 {
		t.Errorf("%+v", got)
	}
	sum := Add(got, got)
	if sum.Refused["proxy:b"] != 4 || sum.Dropped[dropReporter] != 10 || got.Refused["proxy:b"] != 2 {
		t.Errorf("%+v", sum)
	}
	if zero := Add(v1.EffectCounts{}, v1.EffectCounts{}); zero.Dropped == nil || zero.Refused == nil || zero.Unattributed == nil {
		t.Error("maps of counts are nil")
	}
	for n := range maxCaptures + 10 {
		c.Unattributed(fmt.Sprint("database:", n))
	}
	if n := len(c.Counts().Unattributed); n > maxCaptures+1 {
		t.Errorf("%d captures are told apart", n)
	}
}

func TestRecordersOfManyRunsAtOnce(t *testing.T) {
	c := NewCollector(Limits{Runs: 500, Bytes: 1 << 20}, start)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 2000 {
				c.Record("proxy:a", markOf(g*10_000+n%700), message("a"))
				switch n % 50 {
				case 0:
					c.Take(ask(g*10_000+n%700), start.Add(1100*time.Millisecond))
				case 1:
					c.Tick(start.Add(time.Duration(n) * time.Millisecond))
				case 2:
					c.Counts()
				}
			}
		})
	}
	wg.Wait()
	var runs, bytes int64
	for i := range c.shards {
		for r := c.shards[i].old; r != nil; r = r.next {
			runs, bytes = runs+1, bytes+r.bytes
		}
	}
	if runs != c.runs.Load() || bytes != c.bytes.Load() || runs > 500+shards {
		t.Errorf("%d runs, %d counted; %d bytes, %d counted", runs, c.runs.Load(), bytes, c.bytes.Load())
	}
}

func TestOfOneTableTheCaptureClosestToTheDatabaseIsBelieved(t *testing.T) {
	row := func(table string) v1.Effect { return v1.Effect{Kind: v1.EffectRow, Target: table} }
	sql := v1.Effect{Kind: v1.EffectSQL, Target: "shop.orders"}
	undone := row("tried")
	undone.Fate = fateRolledBack
	own := sql
	own.Target, own.Fate = "tried2", fateRolledBack
	ws := WriteSet{Told: []Told{
		{CaptureReport, own}, {CaptureReport, sql}, {CaptureReport, message("orders")}, {"proxy:a", row("orders")}, {"database:a", row("orders")}, {"proxy:a", row("carts")}, {"proxy:a", undone},
	}}
	names := func(ws WriteSet) (out []string) {
		for _, e := range ws.Effects() {
			out = append(out, string(e.Kind)+" "+e.Target)
		}
		return out
	}
	if got := names(ws); !slices.Equal(got, []string{"message orders", "row orders", "row carts"}) {
		t.Errorf("a user's run: %q", got)
	}
	ws.Shadow = true
	if got := names(ws); !slices.Equal(got, []string{"message orders", "row orders", "row carts", "row tried"}) {
		t.Errorf("a shadow's run: %q", got)
	}
}

func BenchmarkRecord(b *testing.B) {
	c := NewCollector(Limits{}, start)
	value := "4711"
	e := v1.Effect{Kind: v1.EffectRow, Op: "insert", Target: "orders", After: []v1.ColumnValue{{Name: "id", Value: &value}, {Name: "total", Value: &value}}}
	var next struct {
		sync.Mutex
		n int
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		next.Lock()
		next.n++
		at := next.n << 40
		next.Unlock()
		for i := 0; pb.Next(); i++ {
			c.Record("database:shop", markOf(at+i/8), e)
		}
	})
}

func TestOldRunsMakeRoomWithoutALoss(t *testing.T) {
	c := NewCollector(Limits{Runs: 2}, start)
	tell(c, 1, 1)
	tell(c, 1+shards, 1)
	c.Tick(start.Add(fresh))
	tell(c, 1+2*shards, 1)
	if got := c.Counts().Dropped; len(got) > 0 || c.runs.Load() != 2 {
		t.Errorf("dropped %v, %d runs", got, c.runs.Load())
	}
	if _, s := c.Take(ask(1, "proxy:a"), start.Add(fresh)); s != Lossy {
		t.Errorf("a run that made room: state %d", s)
	}
}

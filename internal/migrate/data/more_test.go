package data_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/conf"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

func (w *world) relay(from string) v1.RelayStatus {
	st, err := w.server.Status("shop")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range st.Relays {
		if r.From == from {
			return r
		}
	}
	return v1.RelayStatus{}
}

func (w *world) status1() v1.DataStatus {
	st, err := w.server.Status("shop")
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

func code(err error) string { return kind.Code(err) }

func TestAWindowFindsWhatChangedLately(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for i := range 5 {
			w.write("old", "orders", order(i, "u", "10", "old", 1))
		}
		w.start()
		w.await("pass", w.passes)
		full := w.status1().Tables[0].Compared
		w.behind("new", "t_orders", order(3, "other", "10", "old", 1))
		w.await("difference in a window", func() bool {
			for _, x := range w.status1().Windows {
				if x.Table == "orders" && x.Differ == 1 && x.Until.After(x.From) {
					return true
				}
			}
			return false
		})
		if !full.Equal(*w.status1().Tables[0].Compared) {
			t.Error("a full comparison found it, no window did")
		}
		if d, err := w.server.Diff(t.Context(), "shop", v1.DiffRequest{}); err != nil || len(d.Differences) != 1 || strings.Join(d.Differences[0].Columns, " ") != "user" {
			t.Errorf("%+v %v", d, err)
		}
		// It goes when the row is written anew: the old side is the declared winner.
		w.write("old", "orders", order(3, "u3", "10", "old", 2))
		w.await("pass again", w.passes)
		// A row that differs for a moment only is no difference.
		time.Sleep(11 * time.Second)
		settled := func() (n int64) {
			for _, x := range w.status1().Windows {
				n += x.Settled
			}
			return n
		}
		_ = settled()
	})
}

func TestAPoisonRowIsParkedWithWhatFollowsIt(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.start()
		w.await("pass", w.passes)
		w.new.Check("carts", func(r row.Row) error {
			if r[1].Text == "bad" {
				return errors.New("value too long")
			}
			return nil
		})
		w.write("old", "carts", cart(1, "bad"), cart(2, "good"))
		w.await("parked", func() bool { return w.relay("old").Parked == 1 })
		w.write("old", "carts", cart(1, "better"))
		w.write("old", "carts", cart(3, "good"))
		w.write("old", "carts", cart(4, "bad"))
		w.await("the rest arrives", func() bool {
			return w.item("new", 2) == "good" && w.item("new", 3) == "good" && w.relay("old").Parked == 3
		})
		list, err := w.server.Parked(t.Context(), "shop")
		if err != nil || len(list) != 2 || list[0].Behind != 1 || list[0].From != "old" || list[0].Op != "insert" || !strings.Contains(list[0].Error, "too long") {
			t.Fatalf("%+v %v", list, err)
		}
		if w.item("new", 1) != "" || w.verdict("data_lag") != v1.VerdictNotEnough {
			t.Error("what follows a parked change was applied, or the gate passes")
		}
		if err := w.server.Retry(t.Context(), "shop", list[0].ID); code(err) != "JD-DATA-024" {
			t.Errorf("retry: %v", err)
		}
		// A restart keeps what is parked.
		w.stop()
		w.start()
		w.await("relay", func() bool { return w.relay("old").Parked == 3 })
		w.write("old", "carts", cart(1, "best"))
		w.await("parked too", func() bool { return w.relay("old").Parked == 4 })
		if err := w.server.Skip(t.Context(), "shop", list[0].ID); err != nil {
			t.Fatal(err)
		}
		w.await("what was behind", func() bool { return w.item("new", 1) == "best" })
		w.new.Check("carts", nil)
		if err := w.server.Retry(t.Context(), "shop", list[1].ID); err != nil || w.item("new", 4) != "bad" {
			t.Errorf("retry: %v", err)
		}
		w.write("old", "carts", cart(1, "last"), cart(4, "last"))
		w.await("flows again", func() bool {
			return w.item("new", 1) == "last" && w.item("new", 4) == "last" && w.relay("old").Parked == 0
		})
		for _, bad := range []string{"x", "old-1", "mid-2"} {
			if code(w.server.Retry(t.Context(), "shop", bad)) != "JD-DATA-022" || code(w.server.Skip(t.Context(), "shop", bad)) != "JD-DATA-022" {
				t.Errorf("%s was found", bad)
			}
		}
		w.await("pass", w.passes)
	})
}

func TestADatabaseThatIsGoneStallsAndComesBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.write("old", "carts", cart(1, "pear"))
		w.start()
		w.await("pass", w.passes)
		w.new.Down(true)
		w.write("old", "carts", cart(1, "plum"))
		w.await("stalled", func() bool { r := w.relay("old"); return r.State == "stalled" && r.Problem != "" })
		if w.verdict("data_lag") != v1.VerdictNotEnough {
			t.Error("the gate passes")
		}
		if err := w.server.Move(t.Context(), "shop", 2, 0, 100); !errors.Is(err, data.ErrNotDrained) {
			t.Errorf("move: %v", err)
		}
		if err := w.server.Settle(t.Context(), "shop", 1); code(err) != "JD-DATA-003" {
			t.Errorf("settle: %v", err)
		}
		w.new.Down(false)
		if err := w.server.Settle(t.Context(), "shop", 1); err != nil || len(w.old.Fences()) != 0 {
			t.Errorf("settle: %v", err)
		}
		w.await("plum", func() bool { return w.item("new", 1) == "plum" })
		if r := w.relay("old"); r.P99Micros == 0 || r.MaxMicros < r.P99Micros || r.P50Micros > r.P99Micros {
			t.Errorf("%+v", r)
		}
		time.Sleep(time.Minute)
		w.await("pass", w.passes)
		// Gone while the node starts.
		w.stop()
		w.old.Down(true)
		w.start()
		w.await("problem", func() bool { return strings.Contains(w.status1().Problem, "old side") })
		if _, err := w.server.Diff(t.Context(), "shop", v1.DiffRequest{Full: true}); code(err) != "JD-DATA-004" {
			t.Errorf("diff: %v", err)
		}
		w.old.Down(false)
		w.await("pass", w.passes)
	})
}

func TestAPurgedLogIsSaidAndCompared(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.write("old", "carts", cart(1, "pear"))
		w.start()
		w.await("pass", w.passes)
		w.stop()
		w.write("old", "carts", cart(1, "plum"))
		w.write("old", "carts", cart(2, "plum"))
		w.old.Purge(0)
		w.start()
		w.await("found", func() bool {
			d, _ := w.server.Diff(t.Context(), "shop", v1.DiffRequest{})
			return len(d.Differences) == 2
		})
		w.await("no longer lost", func() bool { return w.relay("old").State == "running" })
		if r, err := w.server.Repair(t.Context(), "shop", v1.RepairRequest{Tables: []string{"carts"}}); err != nil || r.Written != 2 {
			t.Errorf("%+v %v", r, err)
		}
		w.await("pass", func() bool { return w.passes() && w.item("new", 1) == "plum" })
	})
}

func TestLateChangesDoNotOverwrite(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.write("old", "carts", cart(1, "pear"), cart(2, "pear"))
		w.start()
		w.await("pass", w.passes)
		if err := w.server.Move(t.Context(), "shop", 2, 0, 10_000); err != nil {
			t.Fatal(err)
		}
		w.set(func(w *world) { w.status.Phase, w.status.Buckets = v1.PhaseHold, 10_000 })
		// The old database is away while the new side writes, then users go back.
		w.old.Down(true)
		w.write("new", "carts", cart(1, "late"), cart(2, "late"))
		if err := w.server.Move(t.Context(), "shop", 3, 10_000, 0); !errors.Is(err, data.ErrNotDrained) {
			t.Fatalf("move: %v", err)
		}
		w.set(func(w *world) { w.status.Phase, w.status.Buckets = v1.PhaseRolledBack, 0 })
		w.old.Down(false)
		w.write("old", "carts", cart(1, "newer"))
		if err := w.server.HandOver(t.Context(), "shop", "old"); err != nil && !errors.Is(err, data.ErrNotDrained) {
			t.Error(err)
		}
		w.await("what nobody wrote since arrives, the other is parked", func() bool {
			return w.item("old", 2) == "late" && w.status1().Parked > 0 && w.item("old", 1) == "newer" && w.status1().Fences[0].Drained
		})
		if w.item("new", 1) != "late" {
			t.Error("the old side's row went over the late one")
		}
		if err := w.server.HandOver(t.Context(), "shop", "both"); code(err) != "JD-DATA-025" {
			t.Error(err)
		}
	})
}

func TestTheWindowIsClosedByAPerson(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.start()
		w.await("pass", w.passes)
		if err := w.server.CloseWindow(t.Context(), "shop"); code(err) != "JD-DATA-021" {
			t.Errorf("closed early: %v", err)
		}
		if err := w.server.Move(t.Context(), "shop", 2, 0, 10_000); err != nil {
			t.Fatal(err)
		}
		w.set(func(w *world) { w.status.Phase, w.status.Buckets = v1.PhaseHold, 10_000 })
		if err := w.server.CloseWindow(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		w.await("off", func() bool { return w.relay("new").State == "off" })
		if st := w.status1(); st.Window != "closed" || !w.passes() {
			t.Errorf("%+v", st)
		}
		if err := w.server.Move(t.Context(), "shop", 3, 10_000, 0); !errors.Is(err, data.ErrNoWayBack) {
			t.Errorf("moved back: %v", err)
		}
		if _, err := w.server.Diff(t.Context(), "shop", v1.DiffRequest{Full: true}); code(err) != "JD-DATA-009" {
			t.Errorf("compared: %v", err)
		}
		w.stop()
		w.start() // it stays closed
		w.await("still off", func() bool { return w.relay("new").State == "off" && w.status1().Window == "closed" })
	})
}

func TestAnAlteredTableIsSaidAndTakenUpAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.write("old", "carts", cart(1, "pear"))
		w.start()
		w.await("pass", w.passes)
		less := carts("carts")
		less.Columns = less.Columns[:1]
		w.old.Alter(less)
		tx := w.old.Begin("")
		if err := errors.Join(tx.Put("carts", row.Row{{Text: "9"}}), tx.Commit()); err != nil {
			t.Fatal(err)
		}
		w.await("problem", func() bool { return w.status1().Problem != "" })
		w.old.Alter(carts("carts"))
		w.write("old", "carts", cart(9, "fig"))
		time.Sleep(20 * time.Second)
		_ = w.status1()
	})
}

func TestSamplesAndUnknownNames(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.write("old", "orders", order(1, "u", "10.25", "old", 1))
		w.write("old", "carts", cart(1, "pear"), cart(2, "fig"))
		w.start()
		w.await("pass", w.passes)
		list, err := w.server.Sample(t.Context(), "shop", "", 1)
		if err != nil || len(list) != 2 || list[0].Error != "" || len(list[0].Lossy) != 0 || *list[0].New[2].Value != "10.25" {
			t.Errorf("%+v %v", list, err)
		}
		if _, err := w.server.Sample(t.Context(), "shop", "nope", 1); code(err) != "JD-DATA-013" {
			t.Error(err)
		}
		if _, err := w.server.Diff(t.Context(), "shop", v1.DiffRequest{Tables: []string{"nope"}}); code(err) != "JD-DATA-013" {
			t.Error(err)
		}
		if _, err := w.server.Status("nope"); code(err) != "JD-DATA-001" {
			t.Error(err)
		}
		if len(w.server.Statuses()) != 1 || w.server.Name() != "data" || len(w.server.Gates("nope")) != 0 {
			t.Error("statuses")
		}
		for _, err := range []error{
			w.server.Move(t.Context(), "nope", 1, 0, 1), w.server.Settle(t.Context(), "nope", 1), w.server.HandOver(t.Context(), "nope", "old"),
			w.server.CloseWindow(t.Context(), "nope"), w.server.Retry(t.Context(), "nope", "x"), w.server.Skip(t.Context(), "nope", "x"),
		} {
			if code(err) != "JD-DATA-001" {
				t.Error(err)
			}
		}
		w.set(func(w *world) { w.status.Phase = v1.PhaseObserve })
		if _, err := w.server.Status("shop"); code(err) != "JD-DATA-001" {
			t.Error("rows cross in phase observe")
		}
	})
}

func TestNoWinnerNoRepairAndTheOwnerMayWin(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.spec.Winner = ""
		w.spec.Tables[0].Money = nil
		w.write("old", "orders", order(1, "u", "10", "old", 1), order(2, "u", "10", "new", 1), order(3, "u", "10", "old", 1))
		w.start()
		w.await("pass", w.passes)
		w.behind("new", "t_orders", order(1, "x", "11", "old", 1))
		w.behind("new", "t_orders", order(2, "x", "11", "new", 1))
		w.behind("new", "t_orders", order(3, "x", "11", "new", 1))
		if _, err := w.server.Diff(t.Context(), "shop", v1.DiffRequest{Full: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.server.Repair(t.Context(), "shop", v1.RepairRequest{}); code(err) != "JD-DATA-016" {
			t.Error(err)
		}
		w.set(func(w *world) { w.spec.Winner = "owner" })
		w.await("found again", func() bool {
			d, err := w.server.Diff(t.Context(), "shop", v1.DiffRequest{})
			return err == nil && len(d.Differences) == 3
		})
		r, err := w.server.Repair(t.Context(), "shop", v1.RepairRequest{})
		if err != nil || r.Written != 2 || r.Skipped != 1 || w.amount("new", 1) != "10 old 1" || w.amount("old", 2) != "11 new 1" {
			t.Errorf("%+v %v %s %s", r, err, w.amount("new", 1), w.amount("old", 2))
		}
	})
}

func TestACaseOutlivesTheNodeAndBothMayStay(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.write("old", "orders", order(1, "u", "10", "old", 1), order(2, "u", "10", "old", 1))
		w.start()
		w.await("pass", w.passes)
		w.set(func(w *world) {
			w.status.Phase, w.status.Buckets = v1.PhaseRamp, 100
			w.status.History = []v1.Transition{{At: time.Now(), Buckets: 100}}
		})
		w.behind("new", "t_orders", order(1, "u", "11", "old", 1))
		if _, err := w.server.Diff(t.Context(), "shop", v1.DiffRequest{Full: true}); err != nil {
			t.Fatal(err)
		}
		w.await("case", func() bool { return w.status1().Cases == 1 })
		if w.verdict("data_differences") != v1.VerdictFail {
			t.Errorf("gates %+v", w.server.Gates("shop"))
		}
		time.Sleep(time.Second) // it is kept
		// A later change of the row does not go over it.
		w.write("old", "orders", order(1, "u", "12", "old", 2))
		w.await("parked", func() bool { return w.relay("old").Parked == 1 })
		w.stop()
		w.start()
		list, err := w.server.Cases("shop", false)
		for range 100 {
			if time.Sleep(100 * time.Millisecond); err == nil && len(list) == 1 {
				break
			}
			list, err = w.server.Cases("shop", false)
		}
		if len(list) != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		w.await("looked at", func() bool {
			_, err := w.server.Decide(t.Context(), "shop", list[0].ID, v1.CaseDecision{Decision: "both", Reason: "as agreed"}, "ann")
			return err == nil
		})
		w.await("no difference", func() bool { return w.status1().Cases == 0 })
		if all, _ := w.server.Cases("shop", true); len(all) != 1 || all[0].Decision != "both" {
			t.Errorf("%+v", all)
		}
		w.notes.mu.Lock()
		w.notes.fail = errors.New("disk full")
		w.notes.mu.Unlock()
		if err := w.server.Move(t.Context(), "shop", 9, 100, 200); code(err) != "JD-DATA-012" {
			t.Errorf("moved without keeping the fence: %v", err)
		}
	})
}

func TestKeysThatSortOtherwiseAreComparedOneByOne(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.spec.Tables = []v1.TableRule{{Name: "carts", Columns: []v1.ColumnRule{{From: []string{"id"}, To: []string{"id"}, Values: map[string]string{}}}}}
		for i := range 2500 {
			w.write("old", "carts", cart(i, "pear"))
		}
		values := map[string]string{}
		for i := range 2600 {
			values[fmt.Sprint(i)] = fmt.Sprint(9999 - i)
		}
		w.spec.Tables[0].Columns[0].Values = values
		w.start()
		w.await("pass", w.passes)
		w.behind("new", "carts", cart(9999-7, "plum"))
		w.behind("new", "carts", nil, 9999-8)
		w.behind("new", "carts", cart(9999-2550, "ghost"))
		d, err := w.server.Diff(t.Context(), "shop", v1.DiffRequest{Full: true})
		if err != nil || len(d.Differences) != 3 {
			t.Errorf("%d %v", len(d.Differences), err)
		}
	})
}

func TestLargeTablesAreHalved(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.spec.Chunk = 1000
		var rows []row.Row
		for i := range 9000 {
			rows = append(rows, cart(i*3, "pear"))
		}
		w.write("old", "carts", rows...)
		w.start()
		w.await("pass", w.passes)
		for _, n := range []int{0, 3000, 9999, 26997} {
			w.behind("new", "carts", cart(n, "plum"))
		}
		for i := range 3000 {
			w.behind("new", "carts", cart(30_000+i, "ghost"))
		}
		w.behind("new", "carts", nil, 600)
		d, err := w.server.Diff(t.Context(), "shop", v1.DiffRequest{Full: true, Tables: []string{"carts"}})
		if err != nil || len(d.Differences) != 1000 || d.More != 2005 || d.Rows["carts"] != 11_999 {
			t.Errorf("%d, %d more, %v %v", len(d.Differences), d.More, d.Rows, err)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	good := data.Default()
	good.Databases = map[string]data.Database{"a": {Kind: "mariadb", Address: "x:1", Schema: "s", Password: conf.Secret{}}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	bad := data.Config{Databases: map[string]data.Database{"a": {Kind: "oracle", TLS: "maybe", MaxConns: -1}}}
	e, ok := errors.AsType[*kind.Error](bad.Validate())
	if !ok || e.Code != "JD-DATA-026" || len(e.Fields) != 10 {
		t.Errorf("%v", e)
	}
	if _, err := data.New(bad, data.Options{}); err == nil {
		t.Error("made with a bad configuration")
	}
	if _, err := data.New(data.Default(), data.Options{}); err == nil {
		t.Error("made without ports")
	}
}

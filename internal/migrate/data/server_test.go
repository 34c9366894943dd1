package data_test

import (
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

func TestWhatWasThereAndWhatIsWrittenArrive(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for i := range 50 {
			w.write("old", "orders", order(i, "u", "10.5", "old", 1))
			w.write("old", "carts", cart(i, "pear"))
		}
		w.start()
		w.await("a relay", func() bool { st, err := w.server.Status("shop"); return err == nil && st.Relays[0].State == "running" })
		w.write("old", "carts", cart(100, "apple"))
		w.write("old", "carts", cart(3, "plum"))
		w.remove("old", "carts", 4)
		w.await("pass", w.passes)
		for i := range 50 {
			if got := w.amount("new", i); got != "10.5 old 1" {
				t.Errorf("order %d: %q", i, got)
			}
		}
		if w.item("new", 100) != "apple" || w.item("new", 3) != "plum" || w.item("new", 4) != "" || w.item("new", 5) != "pear" {
			t.Error("carts did not arrive")
		}
		st, err := w.server.Status("shop")
		if err != nil || st.Window != "open" || st.Relays[0].State != "running" || st.Relays[1].State != "running" || st.Relays[0].Changes == 0 || st.Problem != "" {
			t.Errorf("status %+v %v", st, err)
		}
		for _, tab := range st.Tables {
			if tab.Backfill != "done" || tab.Copied < 50 || tab.OldRows < 50 || tab.NewRows != tab.OldRows || tab.Differ != 0 || tab.Compared == nil {
				t.Errorf("table %+v", tab)
			}
		}
	})
}

func TestTheNewSidesWritesComeBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.write("old", "orders", order(1, "u", "10", "old", 1))
		w.start()
		w.await("pass", w.passes)
		if err := w.server.Move(t.Context(), "shop", 2, 0, 10_000); err != nil {
			t.Fatal(err)
		}
		w.set(func(w *world) { w.status.Phase, w.status.Buckets = v1.PhaseHold, 10_000 })
		if err := w.server.HandOver(t.Context(), "shop", "new"); err != nil {
			t.Fatal(err)
		}
		w.write("new", "t_orders", order(2, "u", "20", "new", 1))
		w.await("order 2 on the old side", func() bool { return w.amount("old", 2) == "20 new 1" })
		w.await("handed over", func() bool { return w.amount("old", 1) == "10 new 2" && w.amount("new", 1) == "10 new 2" })
		st, _ := w.server.Status("shop")
		if len(st.Fences) != 1 || !st.Fences[0].Drained || st.Fences[0].From != "old" || st.Fences[0].High != 10_001 {
			t.Errorf("fences %+v", st.Fences)
		}
		// No loop: nothing is written any more.
		time.Sleep(time.Minute)
		a, b := w.old.Len(), w.new.Len()
		time.Sleep(time.Minute)
		if w.old.Len()-a > 20 || w.new.Len()-b > 20 {
			t.Errorf("transactions go round: %d %d", w.old.Len()-a, w.new.Len()-b)
		}
		// Back at 100 %.
		if err := w.server.Move(t.Context(), "shop", 3, 10_000, 0); err != nil {
			t.Fatal(err)
		}
		w.set(func(w *world) { w.status.Phase, w.status.Buckets = v1.PhaseRolledBack, 0 })
		if err := w.server.HandOver(t.Context(), "shop", "old"); err != nil {
			t.Fatal(err)
		}
		w.await("handed back", func() bool { return w.amount("old", 2) == "20 old 2" && w.amount("new", 2) == "20 old 2" })
		w.await("pass", w.passes)
	})
}

func TestAMoneyDifferenceIsACaseAndAPersonSettlesIt(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for i := range 10 {
			w.write("old", "orders", order(i, "u", "10", "old", 1))
		}
		w.write("old", "carts", cart(1, "pear"), cart(2, "plum"))
		w.start()
		w.await("pass", w.passes)
		// Written on the wrong side: the old side owns it, so the relay does not carry it.
		w.write("new", "t_orders", order(3, "u", "99", "old", 2))
		w.await("case", func() bool { list, _ := w.server.Cases("shop", false); return len(list) == 1 })
		list, err := w.server.Cases("shop", false)
		if err != nil || list[0].Difference.Columns[0] != "amount" || len(list[0].History) != 1 || list[0].History[0].Side != "new" {
			t.Fatalf("case %+v %v", list, err)
		}
		if w.verdict("data_differences") != v1.VerdictNotEnough {
			t.Error("the gate passes with an open case")
		}
		r, err := w.server.Repair(t.Context(), "shop", v1.RepairRequest{DryRun: true})
		if err != nil || r.Written != 0 || r.Cases != 1 {
			t.Errorf("repair %+v %v", r, err)
		}
		for _, bad := range []v1.CaseDecision{{Decision: "equal", Reason: "x"}, {Decision: "old"}} {
			if _, err := w.server.Decide(t.Context(), "shop", list[0].ID, bad, "ann"); err == nil {
				t.Errorf("%+v was taken", bad)
			}
		}
		c, err := w.server.Decide(t.Context(), "shop", list[0].ID, v1.CaseDecision{Decision: "old", Reason: "the old side sold it"}, "ann")
		if err != nil || c.By != "ann" || c.Closed == nil {
			t.Fatalf("%+v %v", c, err)
		}
		if got := w.amount("new", 3); got != "10 old 1" {
			t.Errorf("settled as %q", got)
		}
		w.await("pass", w.passes)
		if _, err := w.server.Decide(t.Context(), "shop", list[0].ID, v1.CaseDecision{Decision: "old", Reason: "x"}, "ann"); err == nil {
			t.Error("settled twice")
		}
		if _, err := w.server.Decide(t.Context(), "shop", "c-none", v1.CaseDecision{Decision: "old", Reason: "x"}, "ann"); err == nil {
			t.Error("settled nothing")
		}
	})
}

func TestADifferenceIsRepairedAndTheRepairTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.spec.Tables[1].Owner = ""
		for i := range 30 {
			w.write("old", "carts", cart(i, "pear"))
		}
		w.start()
		w.await("pass", w.passes)
		// Behind the relay's back: as a relay would write, so that nobody carries it.
		w.behind("new", "carts", cart(3, "rotten"))
		w.behind("new", "carts", cart(77, "ghost"))
		w.behind("new", "carts", nil, 5)
		diff, err := w.server.Diff(t.Context(), "shop", v1.DiffRequest{Full: true, Tables: []string{"carts"}})
		if err != nil || len(diff.Differences) != 3 || diff.Rows["carts"] == 0 {
			t.Fatalf("%+v %v", diff, err)
		}
		kinds := map[string]int{}
		for _, d := range diff.Differences {
			kinds[d.Kind]++
		}
		if kinds["differs"] != 1 || kinds["missing_old"] != 1 || kinds["missing_new"] != 1 {
			t.Errorf("kinds %v", kinds)
		}
		dry, err := w.server.Repair(t.Context(), "shop", v1.RepairRequest{DryRun: true})
		if err != nil || dry.Written != 3 || dry.ID != "" || w.item("new", 3) != "rotten" {
			t.Errorf("%+v %v", dry, err)
		}
		done, err := w.server.Repair(t.Context(), "shop", v1.RepairRequest{})
		if err != nil || done.Written != 3 || done.Skipped != 0 || done.ID == "" {
			t.Fatalf("%+v %v", done, err)
		}
		if w.item("new", 3) != "pear" || w.item("new", 77) != "" || w.item("new", 5) != "pear" {
			t.Error("not repaired")
		}
		w.await("pass", w.passes)
		again, err := w.server.Repair(t.Context(), "shop", v1.RepairRequest{})
		if err != nil || again.Written != 0 {
			t.Errorf("again %+v %v", again, err)
		}
		back, err := w.server.Repair(t.Context(), "shop", v1.RepairRequest{Undo: done.ID})
		if err != nil || back.Written != 3 || w.item("new", 3) != "rotten" || w.item("new", 77) != "ghost" || w.item("new", 5) != "" {
			t.Errorf("undo %+v %v", back, err)
		}
		if _, err := w.server.Repair(t.Context(), "shop", v1.RepairRequest{Undo: done.ID}); err == nil {
			t.Error("undone twice")
		}
		if _, err := w.server.Repair(t.Context(), "shop", v1.RepairRequest{Undo: "r-0"}); err == nil {
			t.Error("undid nothing")
		}
		w.await("differences again", func() bool { return w.verdict("data_differences") == v1.VerdictNotEnough })
	})
}

package evidence

import (
	"fmt"
	"slices"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
)

const makes = "POST /orders"

// did is a triple of runs that answered the same; each argument is the document of one.
func (r *rig) did(old, second, fresh string) {
	r.t.Helper()
	with := func(doc string) compare.Answer {
		a := answer(`{"ok":true}`)
		a.Effects = []byte(doc)
		return a
	}
	s := with(second)
	r.add(Observation{Endpoint: makes, Old: with(old), Old2: &s, New: with(fresh)})
}

// order is the document of a run that made an order with lines, each numbered by its own table's sequence.
func order(id, line int, of int, total string) string {
	return fmt.Sprintf(`{"message":{"orders":[{"body":{"ref":%d}}]},"row":{"lines":[{"op":"insert","after":{"id":%d,"order_id":%d,"sku":"a"}},{"op":"insert","after":{"id":%d,"order_id":%d,"sku":"b"}}],`+
		`"orders":[{"op":"insert","after":{"id":%d,"total":%s}}]}}`, id, line, of, line+1, of, id, total)
}

func TestNumbersThatEachSideCountsAreNoDefect(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	for i := range 600 {
		// The new side's sequences meet the old one's numbers on the way, and need other digits.
		r.did(order(100+2*i, 100+4*i, 100+2*i, "5"), order(101+2*i, 102+4*i, 101+2*i, "5"), order(7+i, 7+2*i, 7+i, "5"))
	}
	for _, path := range []string{"effects.row.orders[].after.id", "effects.row.lines[].after.order_id", "effects.row.lines[].after.id", "effects.message.orders[].body.ref"} {
		if p := r.path(path); p == nil || p.Class != v1.NoiseIDLike || p.Verdict != v1.VerdictPass || p.Evidence != 0 {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

func TestALineOfAnotherOrderIsADefect(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	for i := range 600 {
		of := 7 + i
		if i > 100 && i%10 == 0 {
			of += 3
		}
		r.did(order(100+2*i, 100+4*i, 100+2*i, "5"), order(101+2*i, 102+4*i, 101+2*i, "5"), order(7+i, 7+2*i, of, "5"))
	}
	lines, orders := r.path("effects.row.lines[].after.order_id"), r.path("effects.row.orders[].after.id")
	if lines.Verdict != v1.VerdictFail && orders.Verdict != v1.VerdictFail {
		t.Errorf("%+v\n%+v", lines, orders)
	}
}

func TestAWrongRowBehindARightAnswerIsADefect(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	for i := range 600 {
		total := "5"
		if i%20 == 3 {
			total = "4.99"
		}
		r.did(order(100+2*i, 100+4*i, 100+2*i, "5"), order(101+2*i, 102+4*i, 101+2*i, "5"), order(7+i, 7+2*i, 7+i, total))
	}
	res := r.book.Look(r.at)
	if res.Verdict != v1.VerdictFail || res.First == nil || res.First.Path != "effects.row.orders[].after.total" {
		t.Errorf("%s %+v", res.Verdict, res.First)
	}
}

func TestOtherDataIsNoDefectAndIsCounted(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	doc := func(from, to string) string {
		return fmt.Sprintf(`{"row":{"t":[{"op":"update","key":{"id":1},"change":{"c":{"from":%q,"to":%q}}}]}}`, from, to)
	}
	for range 300 {
		r.did(doc("a", "ab"), doc("a", "ab"), doc("stale", "staleb"))
	}
	res := r.book.Look(r.at)
	if e := res.Endpoints[0]; e.StateDiffers != 300 || e.Mismatches != 0 || len(e.Paths) != 0 || res.First != nil {
		t.Errorf("%+v", e)
	}
}

func TestJudgeNamesThePathsThatSpeakAgainstTheNewSide(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	for i := range 60 {
		r.did(order(100+2*i, 100+4*i, 100+2*i, "5"), order(101+2*i, 102+4*i, 101+2*i, "5"), order(7+i, 7+2*i, 7+i, "5"))
	}
	a, b := answer("{}"), answer("{}")
	a.Effects, b.Effects = []byte(order(900, 900, 900, "5")), []byte(order(500, 500, 500, "6"))
	control := a
	control.Effects = []byte(order(901, 902, 901, "5"))
	against, reason := r.book.Judge(Observation{Endpoint: makes, Cluster: 1 << 40, Subject: 1 << 40, At: r.at, Safe: true, Old: a, Old2: &control, New: b})
	if reason != "" || !slices.Equal(against, []string{"effects.row.orders[].after.total"}) {
		t.Errorf("%q, %q", against, reason)
	}
	if against, _ = r.book.Judge(Observation{Endpoint: makes, Cluster: 2 << 40, Subject: 2 << 40, At: r.at, Old: a, New: b}); !slices.Equal(against, []string{"effects.row.orders[].after.total"}) {
		t.Errorf("of a pair: %q", against)
	}
	if r.book.Rules() == nil {
		t.Error("no rules")
	}
}

func TestWhatIsMissingOfEffectsHoldsAnEndpointUp(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	r.book.NotComparable(makes, "effects_refused")
	if e := r.book.endpoints[makes]; e.blind() {
		t.Error("an endpoint of which nothing was let out passes as one that nobody can compare")
	}
}

func TestASequenceIsNamedByWhatItCounts(t *testing.T) {
	for path, want := range map[string]string{
		"effects.row.orders[].after.id": "orders", "effects.row.orders[].key.id": "orders", "effects.row.order_items[].after.order_id": "orders", "effects.row.order_items[].after.id": "orderitems",
		"effects.row.order_items[].after.order_item_id": "orderitems", "effects.row.t[].change.shipment_id.to": "shipments", "effects.row.t[].change.shipment_id.by": "shipments",
		`effects.redis["order:{}"][].id`: "orders", `effects.redis["shop:order:{}"][].id`: "orders", `effects.call["POST pay.example/orders/{}"][].id`: "orders",
		"$.orderId": "orders", "$.order.id": "orders", "$.items[].id": "items", "$.id": "$.id", "effects.message.m[].body.id": "effects.message.m[].body.id", "$.orderNo": "ordernos",
		"effects.message.m[].body.orderId": "orders",
	} {
		if got, named := sequence(path); got != want || !named {
			t.Errorf("%s counts %q (%v), want %q", path, got, named, want)
		}
	}
	for _, path := range []string{"$.total", "status", "effects.row.t[].after.paid", "$.video"} {
		if got, named := sequence(path); named || got != path {
			t.Errorf("%s is named like an id: %q", path, got)
		}
	}
}

func TestOfTwoReadsANumberThatRisesIsAMeasure(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	for i := range 100 {
		r.triple(body(10_000+2*i), body(10_001+2*i), body(10_000+2*i))
	}
	if p := r.path("$.v"); p.Class != v1.NoiseTolerance {
		t.Errorf("%+v", p)
	}
}

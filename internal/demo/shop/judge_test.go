package shop

import (
	"strings"
	"testing"
)

func rowsOf(orders map[string]Order, left, sold int64) Rows {
	return Rows{Orders: orders, Stock: map[string]int64{"1": left}, Sold: map[string]int64{"1": sold}}
}

func TestTheJudgeFindsWhatIsLostDoubledDifferentOrGone(t *testing.T) {
	one := Order{Request: "r1", User: "u", Status: "paid", Cents: 100}
	good := func() Rows { return rowsOf(map[string]Order{"J1": one}, 9, 1) }
	acknowledged, initial := map[string]string{"r1": "J1"}, map[string]int64{"1": 10}
	if v := Judge(acknowledged, initial, good(), good()); !v.Fine() || v.Acknowledged != 1 || len(v.Wrong) != 0 {
		t.Errorf("%+v", v)
	}
	if v := Judge(acknowledged, initial, good(), rowsOf(nil, 9, 1)); v.Lost != 1 || v.Fine() || !strings.Contains(v.Wrong[0], "not on the new side") {
		t.Errorf("lost: %+v", v)
	}
	twice := rowsOf(map[string]Order{"J1": one, "J2": one}, 9, 1)
	if v := Judge(acknowledged, initial, twice, good()); v.Doubled != 1 || v.Fine() || !strings.Contains(v.Wrong[0], "made J1 and J2") {
		t.Errorf("doubled: %+v", v)
	}
	other := one
	other.Cents = 101
	if v := Judge(acknowledged, initial, good(), rowsOf(map[string]Order{"J1": other}, 9, 1)); v.Differ != 1 || v.Fine() {
		t.Errorf("different: %+v", v)
	}
	if v := Judge(acknowledged, initial, good(), rowsOf(map[string]Order{"J1": one}, 8, 1)); v.Conserved || v.Fine() || !strings.Contains(v.Wrong[0], "sku 1") {
		t.Errorf("gone: %+v", v)
	}
}

package data

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
)

func TestEffectsOfTheOldSideTakeTheFormOfTheNewOne(t *testing.T) {
	old := &row.Table{Name: "orders", Key: []int{0}, Columns: []row.Column{
		{Name: "id"}, {Name: "buyer"}, {Name: "total", Type: row.Decimal, Scale: 2}, {Name: "note", Nullable: true},
	}}
	fresh := &row.Table{Name: "purchases", Key: []int{0}, Columns: []row.Column{
		{Name: "id"}, {Name: "first"}, {Name: "last"}, {Name: "cents", Type: row.Integer}, {Name: "note", Nullable: true}, {Name: "made", Nullable: true},
	}}
	rule := v1.TableRule{Name: "orders", To: "purchases", Columns: []v1.ColumnRule{
		{From: []string{"buyer"}, To: []string{"first", "last"}, Split: "|"}, {From: []string{"total"}, To: []string{"cents"}, Scale: 2},
		{To: []string{"made"}, Default: new("x")},
	}}
	m, err := row.NewMapping(rule, old, fresh)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := NewPair(rule, m, m)
	if err != nil {
		t.Fatal(err)
	}
	_, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &Server{crossings: map[string]*running{"shop": {crossing: &crossing{plan: NewPlan([]*Pair{pair})}}, "early": {crossing: &crossing{}}}}
	columns := func(pairs ...string) []v1.ColumnValue {
		var out []v1.ColumnValue
		for i := 0; i < len(pairs); i += 2 {
			c := v1.ColumnValue{Name: pairs[i]}
			if pairs[i+1] != "NULL" {
				c.Value = &pairs[i+1]
			}
			out = append(out, c)
		}
		return out
	}
	is := func(what string, got, want v1.Effect) {
		t.Helper()
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: %s\nwant %s", what, a, b)
		}
	}
	in := v1.Effect{Kind: v1.EffectRow, Op: "insert", Target: "shop_old.orders", Key: columns("id", "7"), After: columns("id", "7", "buyer", "Lin|Wu", "total", "12.5", "note", "NULL")}
	is("insert", s.Normal("shop", true, in), v1.Effect{Kind: v1.EffectRow, Op: "insert", Target: "purchases", Key: columns("id", "7"), After: columns("id", "7", "first", "Lin", "last", "Wu", "cents", "1250", "note", "NULL")})
	in = v1.Effect{Kind: v1.EffectRow, Op: "update", Target: "orders", Key: columns("id", "7"), Before: columns("total", "12.5"), After: columns("total", "1")}
	is("update", s.Normal("shop", true, in), v1.Effect{Kind: v1.EffectRow, Op: "update", Target: "purchases", Key: columns("id", "7"), Before: columns("cents", "1250"), After: columns("cents", "100")})
	in.After = columns("total", "1.005")
	is("a value that cannot be carried", s.Normal("shop", true, in), in)
	in = v1.Effect{Kind: v1.EffectRow, Op: "insert", Target: "purchases", Key: columns("id", "7"), After: columns("id", "7", "cents", "1", "made", "now")}
	is("new side", s.Normal("shop", false, in), v1.Effect{Kind: v1.EffectRow, Op: "insert", Target: "purchases", Key: columns("id", "7"), After: columns("id", "7", "cents", "1")})
	for name, e := range map[string]v1.Effect{
		"call": {Kind: v1.EffectCall, Op: "POST", Target: "orders"}, "table": {Kind: v1.EffectRow, Op: "insert", Target: "others", After: columns("a", "1")},
	} {
		is("no such "+name, s.Normal("shop", true, e), e)
	}
	is("no plan yet", s.Normal("early", true, in), in)
	is("no migration", s.Normal("other", true, in), in)
}

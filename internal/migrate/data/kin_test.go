package data

import (
	"context"
	"errors"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
)

// kinStore sums by its kind alone; what else a Store does is not asked for.
type kinStore struct {
	Store
	kind string
	sum  Sum
	err  error
	kin  int // sums asked for, of both forms
	all  int
}

func (s *kinStore) Kin(t *row.Table) string {
	text := s.kind
	for _, c := range t.Columns {
		text += " " + c.Type.String()
	}
	return text
}

func (s *kinStore) KinSum(context.Context, *row.Table, Range) (Sum, error) {
	s.kin++
	return s.sum, s.err
}

func (s *kinStore) Sum(context.Context, *row.Table, Range, *row.Mapping) (Sum, error) {
	s.all++
	return s.sum, nil
}

// inTurn is a pace without a clock.
type inTurn struct{ pace }

func (inTurn) both(f, g func()) { f(); g() }

func kinPair(t *testing.T, rules ...v1.ColumnRule) *Pair {
	t.Helper()
	table := func(name string, columns ...string) *row.Table {
		out := &row.Table{Name: name, Key: []int{0}}
		for _, c := range columns {
			one := row.Column{Name: c, Type: row.Integer}
			if c == "word" {
				one.Type = row.Text
			}
			out.Columns = append(out.Columns, one)
		}
		return out
	}
	rule := v1.TableRule{Name: "goods", To: "things", Columns: rules}
	m, err := row.NewMapping(rule, table("goods", "id", "word", "n"), table("things", "id", "n", "word"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPair(rule, m, m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSidesOfOneKindAreSummedTheirOwnWay(t *testing.T) {
	a, b := &kinStore{kind: "x", sum: Sum{2, 7}}, &kinStore{kind: "x", sum: Sum{2, 7}}
	p := kinPair(t)
	c := &comparer{pace: inTurn{}, stores: [2]Store{a, b}, limit: &throttle{}, kin: kinOf(p, [2]Store{a, b})}
	if c.kin == nil || c.kin.tables[oldSide].Columns[1].Name != "n" || c.kin.tables[oldSide].Key[0] != 0 {
		t.Fatalf("columns of both sides are not in one order: %+v", c.kin)
	}
	if got, err := c.sums(t.Context(), p, span{}); err != nil || got[newSide] != b.sum || a.kin != 1 || a.all != 0 {
		t.Errorf("%v %v, asked %d and %d times", got, err, a.kin, a.all)
	}
	b.err = errors.New("it took too long")
	if got, err := c.sums(t.Context(), p, span{}); err != nil || got[oldSide] != a.sum || a.all != 1 || c.kin != nil {
		t.Errorf("after a failure: %v %v, asked %d times", got, err, a.all)
	}
	b.kind = "y"
	if kinOf(p, [2]Store{a, b}) != nil {
		t.Error("databases of two kinds are kin")
	}
	if b.kind = "x"; kinOf(kinPair(t, v1.ColumnRule{From: []string{"n"}, To: []string{"n"}, Scale: 2}), [2]Store{a, b}) != nil {
		t.Error("a value that changes on its way is summed as it is")
	}
}

func TestASumThatWasGivenUpIsNotAskedForAgain(t *testing.T) {
	a, b := &kinStore{kind: "x"}, &kinStore{kind: "x", err: context.Canceled}
	p := kinPair(t)
	c := &comparer{pace: inTurn{}, stores: [2]Store{a, b}, limit: &throttle{}, kin: kinOf(p, [2]Store{a, b})}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.sums(ctx, p, span{}); err == nil || a.all != 0 {
		t.Errorf("%v, asked %d times", err, a.all)
	}
}

package data

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/row"
)

func goods() *row.Table {
	return &row.Table{Name: "goods", Key: []int{0}, Columns: []row.Column{{Name: "id", Type: row.Integer}, {Name: "note", Type: row.Text, Length: 20}}}
}

func plan(t *testing.T) *Plan {
	t.Helper()
	rule := v1.TableRule{Name: "goods", To: "goods", Strong: true, Money: []string{"note"}}
	m, err := row.NewMapping(rule, goods(), goods())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := NewPair(rule, m, m)
	if err != nil {
		t.Fatal(err)
	}
	return NewPlan([]*Pair{pair})
}

func put(seq int64, rows ...string) Txn {
	x := Txn{Position: Position(fmt.Sprint(seq)), Sequence: seq, Commit: time.Unix(seq, 0)}
	for i := 0; i < len(rows); i += 2 {
		x.Changes = append(x.Changes, Change{Table: goods(), Op: Update, After: row.Row{{Text: rows[i]}, {Text: rows[i+1]}}, Version: seq})
	}
	return x
}

func relayFor(t *testing.T) *Relay {
	t.Helper()
	return NewRelay(plan(t), oldSide, "m/old", RelayOptions{MaxBytes: 1 << 20, Batch: 4, Strong: time.Second}, stamp{})
}

func push(t *testing.T, r *Relay, list ...Txn) {
	t.Helper()
	for _, x := range list {
		if err := r.Push(x); err != nil {
			t.Fatal(err)
		}
	}
}

func applied(n int) []Fate { return make([]Fate, n) }

func TestOneRowsChangesStayInOrder(t *testing.T) {
	r := relayFor(t)
	push(t, r, put(1, "1", "a", "2", "a"), put(2, "2", "b", "3", "b"), put(3, "4", "c"), put(4, "5", "d"), put(5, "1", "e"))
	a := r.take(0)
	if len(a.units) != 2 || len(a.writes) != 3 || a.stored.sequence != 2 { // row 2 written once
		t.Fatalf("%+v", a)
	}
	b := r.take(1)
	if len(b.writes) != 2 || b.stored.sequence != 0 {
		t.Fatalf("%+v", b) // rows 4 and 5; row 1 waits for the first batch
	}
	r.Settle(b, applied(2), nil, time.Unix(10, 0))
	if s := r.State(); s.Low.sequence != 0 || s.Waiting != 5 || !s.Oldest.Equal(time.Unix(1, 0)) {
		t.Errorf("%+v", s)
	}
	if r.take(1) != nil {
		t.Error("row 1 did not wait")
	}
	r.Settle(a, nil, errors.New("cut"), time.Unix(10, 0))
	a = r.take(0)
	r.Settle(a, applied(len(a.writes)), nil, time.Unix(10, 0))
	for c := r.take(0); c != nil; c = r.take(0) {
		r.Settle(c, applied(len(c.writes)), nil, time.Unix(10, 0))
	}
	s := r.State()
	if s.Low.sequence != 5 || s.Waiting != 0 || s.changes != 7 || s.alarms != 7 || !s.Oldest.IsZero() {
		t.Errorf("%+v", s)
	}
	if p50, p99, most := r.Convergence(time.Unix(12, 0)); p50 < 5*time.Second || p99 < p50 || most != 9*time.Second {
		t.Errorf("%v %v %v", p50, p99, most)
	}
	if p50, _, _ := r.Convergence(time.Unix(200, 0)); p50 != 0 {
		t.Error("a minute passed")
	}
}

func TestWhatIsRefusedIsTriedAloneAndThenParked(t *testing.T) {
	r := relayFor(t)
	push(t, r, put(1, "1", "a"), put(2, "2", "bad"), put(3, "3", "c"))
	b := r.take(0)
	r.Settle(b, nil, &RowError{Index: 1, Err: errors.New("too long")}, time.Unix(5, 0))
	rest := r.take(0) // without the one that was refused
	if len(rest.writes) != 2 || r.take(1) != nil {
		t.Fatalf("%+v", rest)
	}
	r.Settle(rest, applied(2), nil, time.Unix(5, 0))
	alone := r.take(0)
	if len(alone.writes) != 1 || alone.writes[0].Row[1].Text != "bad" {
		t.Fatalf("%+v", alone)
	}
	r.Settle(alone, nil, &RowError{Index: 0, Err: errors.New("too long")}, time.Unix(5, 0))
	park := r.take(0)
	if len(park.park) != 1 || len(park.writes) != 0 || park.stored.sequence != 3 {
		t.Fatalf("%+v", park)
	}
	if p, err := unwrap(park.park[0]); err != nil || p.Error != "the database refuses it: too long" || p.txn().Changes[0].After[1].Text != "bad" {
		t.Errorf("%+v %v", p, err)
	}
	r.Settle(park, nil, nil, time.Unix(5, 0))
	push(t, r, put(4, "2", "good"))
	behind := r.take(0)
	if len(behind.park) != 1 {
		t.Fatalf("%+v", behind)
	}
	r.Settle(behind, nil, errors.New("cut"), time.Unix(5, 0))
	behind = r.take(0)
	r.Settle(behind, nil, nil, time.Unix(5, 0))
	if s := r.State(); s.Parked != 2 || s.Low.sequence != 4 {
		t.Errorf("%+v", s)
	}
	if r.Unparked(park.rows[0], park.park[0].ID) || !r.Unparked(behind.rows[0], behind.park[0].ID) || !r.Unparked("other", "x") {
		t.Error("released too early or too late")
	}
	push(t, r, put(5, "2", "free"))
	if b := r.take(0); len(b.writes) != 1 {
		t.Errorf("%+v", b)
	}
}

func TestRelayStoresItsPositionSoonAfterChangesAndSeldomOtherwise(t *testing.T) {
	r := relayFor(t)
	push(t, r, Txn{Position: "7", Commit: time.Unix(1, 0)})
	if r.flush(false) != nil {
		t.Error("a beat was stored at once")
	}
	b := r.flush(true)
	if b == nil || b.stored.position != "7" {
		t.Fatalf("%+v", b)
	}
	r.Settle(b, nil, nil, time.Unix(2, 0))
	if r.flush(true) != nil {
		t.Error("stored twice")
	}
	if r.Full() {
		t.Error("full")
	}
	big := put(9, "1", string(make([]byte, 2<<20)))
	push(t, r, big)
	if !r.Full() {
		t.Error("not full")
	}
}

func TestUnknownShapesAreErrors(t *testing.T) {
	r := relayFor(t)
	x := put(1, "1", "a")
	x.Changes[0].Table = &row.Table{Name: "goods", Key: []int{0}, Columns: goods().Columns[:1]}
	if err := r.Push(x); err == nil || err.Error() == "" {
		t.Error("taken")
	}
	y := put(1, "1", "a")
	y.Changes[0].After = nil
	if err := r.Push(y); err == nil {
		t.Error("taken")
	}
	push(t, r, Txn{Position: "1", Sequence: 1, Changes: []Change{{Table: &row.Table{Name: "else"}, After: row.Row{}}}})
	shadow := put(2, "1", "a")
	shadow.Mark = v1.Mark{Run: "0123456789abcdef", Shadow: true, Bucket: -1}.String()
	seen := 0
	r.suspect = func(*cargo) { seen++ }
	push(t, r, shadow)
	if r.take(0) != nil || seen != 1 || r.State().passed != 1 {
		t.Error("a shadow's row crosses")
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := NewHistory(20_000)
	r := relayFor(t)
	r.observe = func(x *Txn, c *cargo) { h.Add(oldSide, x, c) }
	for i := range 500 {
		x := put(int64(i+1), fmt.Sprint(i%50), "a")
		push(t, r, x)
	}
	if h.bytes > 20_000 || len(h.by) > 60 || len(h.line)-h.head > 100 {
		t.Errorf("%d bytes, %d rows, %d changes", h.bytes, len(h.by), len(h.line)-h.head)
	}
	ident := r.load.plan.Pairs[0].ident(oldSide, row.Key{{Text: "49"}})
	if list := h.Of(ident); len(list) == 0 || list[len(list)-1].Side != "old" {
		t.Errorf("%+v", list)
	}
	if h.Touched(oldSide, ident) {
		t.Error("nobody watched")
	}
	h.Watch(oldSide)
	push(t, r, put(1000, "49", "b"))
	if !h.Touched(oldSide, ident) || h.Touched(newSide, ident) {
		t.Error("watched in vain")
	}
	h.Unwatch(oldSide)
}

type still struct {
	at    time.Time
	slept time.Duration
}

func (s *still) now() time.Time { return s.at }
func (s *still) sleep(_ context.Context, d time.Duration) error {
	s.slept += d
	s.at = s.at.Add(d)
	return nil
}

func (s *still) within(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}
func (s *still) both(f, g func())  { f(); g() }
func (s *still) each(fs ...func()) {}

func TestThrottleKeepsTheRate(t *testing.T) {
	p := &still{at: time.Unix(0, 0)}
	l := &throttle{pace: p, rate: 100}
	for range 10 {
		if err := l.take(t.Context(), 50); err != nil {
			t.Fatal(err)
		}
	}
	if p.slept != 4500*time.Millisecond {
		t.Errorf("slept %v for 500 rows at 100 a second", p.slept)
	}
}

func TestPairsSayWhatIsMissing(t *testing.T) {
	rule := v1.TableRule{Name: "goods", To: "goods"}
	m, err := row.NewMapping(rule, goods(), goods())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []v1.TableRule{
		{Name: "goods", Version: "v"}, {Name: "goods", Owner: "o"}, {Name: "goods", Settled: "s"}, {Name: "goods", Money: []string{"m"}},
		{Name: "goods", Version: "note", Columns: []v1.ColumnRule{{From: []string{"note"}, To: []string{"gone"}}}},
	} {
		if _, err := NewPair(r, m, m); err == nil {
			t.Errorf("%+v was taken", r)
		}
	}
}

func FuzzStamp(f *testing.F) {
	f.Add("1.2.3 mariadb-bin.000001:4")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseStamp(Position(text))
		if err != nil {
			return
		}
		if again, err := parseStamp(Position(s.String())); err != nil || again.sequence != s.sequence || again.beats != s.beats || again.position != s.position {
			t.Errorf("%q: %+v, again %+v %v", text, s, again, err)
		}
	})
}

func FuzzParcel(f *testing.F) {
	f.Add([]byte(`{"table":"t","columns":["a"],"key":[0],"op":1,"after":[{"Text":"x"}],"version":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := unwrap(ParkedRow{ID: "1", Body: body})
		if err != nil {
			return
		}
		l := loader{plan: plan(t), from: oldSide}
		if _, err := l.load(p.txn(), 0, p.Sequence); err != nil {
			return
		}
		p.view(oldSide, "1", p.Table, 0)
	})
}

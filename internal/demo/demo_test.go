package demo

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/screen"
)

func TestAReportHasExactlyTheFieldsThatAreDocumented(t *testing.T) {
	raw, err := json.Marshal(Report{Phase: v1.PhaseRolledBack, OldRuntime: "java17", Requests: 5, Exposed: 1, Verdict: v1.VerdictFail, FirstDifference: &Difference{"GET /quote", "$.tax"}, Seconds: 1.5})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"phase":"rolled_back","share":0,"old_runtime":"java17","requests":5,"errors":0,"exposed":1,"verdict":"fail","first_difference":{"endpoint":"GET /quote","path":"$.tax"},"seconds":1.5}`
	if string(raw) != want {
		t.Errorf("got  %s\nwant %s", raw, want)
	}
	if raw, err = json.Marshal(Outcome{Report{}, "secret"}.Report); err != nil || strings.Contains(string(raw), "secret") {
		t.Errorf("%s (%v)", raw, err)
	}
}

func TestOnlyWhatWasPlannedIsExpected(t *testing.T) {
	named := func(name string) *Defect {
		d, err := DefectNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	done := Report{Phase: v1.PhaseDone, Share: 100, Verdict: v1.VerdictPass}
	back := func(endpoint, path string) Report {
		return Report{Phase: v1.PhaseRolledBack, Verdict: v1.VerdictFail, FirstDifference: &Difference{endpoint, path}}
	}
	wrong := done
	wrong.Errors = 1
	unproved := done
	unproved.Verdict = v1.VerdictNotEnough
	exposed := back("GET /products/{id}", "$.price")
	exposed.Exposed = 50
	for i, c := range []struct {
		report Report
		defect *Defect
		most   int
		want   string // part of the complaint; "" when it is as planned
	}{
		{done, nil, 10_000, ""},
		{wrong, nil, 10_000, "answers were wrong"},
		{unproved, nil, 10_000, "verdict is not_enough"},
		{back("GET /quote", "$.tax"), nil, 0, "no defect was planted"},
		{Report{Phase: v1.PhaseRamp, Share: 5}, nil, 500, "ended in ramp at 5 %"},
		{back("GET /quote", "$.tax"), named("rounding"), 0, ""},
		{back("GET /quote", "$.total"), named("rounding"), 0, ""},
		{back("GET /quote", "$.user"), named("rounding"), 0, "names GET /quote $.user"},
		{back("GET /orders/{id}", "$.tax"), named("rounding"), 0, "names GET /orders/{id}"},
		{back("GET /quote", "$.tax"), named("rounding"), 100, "users were moved"},
		{done, named("rounding"), 10_000, "ended in done"},
		{Report{Phase: v1.PhaseRolledBack}, named("rounding"), 0, "names no difference"},
		{back("*", "gate:errors"), named("refusals"), 100, ""},
		{back("*", "gate:latency"), named("refusals"), 100, "names * gate:latency"},
		{back("*", "gate:errors"), named("refusals"), 0, "no user was on the new side"},
		{exposed, named("late-mismatch"), 100, ""},
	} {
		got := c.report.unexpected(c.defect, c.most)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%d: got %q, want %q", i, got, c.want)
		}
	}
}

func TestARollbackNamesItsDifferenceElseItsGate(t *testing.T) {
	st := &v1.MigrationStatus{Phase: v1.PhaseRolledBack, Gates: []v1.Gate{{Name: "mismatch", Verdict: v1.VerdictPass}, {Name: "latency", Verdict: v1.VerdictFail}}}
	if d := firstDifference(st); d == nil || *d != (Difference{"*", "gate:latency"}) {
		t.Errorf("got %v", d)
	}
	st.FirstDifference = &v1.DifferenceRef{Endpoint: "GET /quote", Path: "$.tax"}
	if d := firstDifference(st); d == nil || *d != (Difference{"GET /quote", "$.tax"}) {
		t.Errorf("got %v", d)
	}
	if st.Phase = v1.PhaseDone; firstDifference(st) != nil {
		t.Error("a migration that is done names a difference")
	}
	if d := firstDifference(&v1.MigrationStatus{Phase: v1.PhaseRolledBack}); d != nil {
		t.Errorf("got %v", d)
	}
	st.History = []v1.Transition{{Buckets: 100}, {Buckets: 2500}, {}}
	if highest(st) != 2500 {
		t.Errorf("highest share %d", highest(st))
	}
}

func TestTheListOfDefectsIsWhole(t *testing.T) {
	all := Defects()
	names, live := map[string]bool{}, 0
	for _, d := range all {
		if names[d.Name] || d.Summary == "" || strings.Contains(d.Summary, "\n") {
			t.Errorf("defect %q is named twice or has no line of its own", d.Name)
		}
		names[d.Name] = true
		if d.Live {
			live++
		}
		if (d.Endpoint != "") != (len(d.Paths) > 0) || len(d.Paths)+len(d.Gates) == 0 {
			t.Errorf("%s does not say where it must be found", d.Name)
		}
		if d.before == nil && d.spoil == nil {
			t.Errorf("%s does nothing", d.Name)
		}
	}
	if len(all) < 12 || live < 3 {
		t.Errorf("%d defects, %d of them live", len(all), live)
	}
	if _, err := DefectNamed("roundign"); kind.Of(err) != kind.Invalid || !strings.Contains(err.Error(), "did you mean rounding") {
		t.Errorf("got %v", err)
	}
	if d, err := DefectNamed(""); d != nil || err != nil {
		t.Errorf("no name gives %v, %v", d, err)
	}
}

func TestNoDefectDoesNothing(t *testing.T) {
	var d *Defect
	a := Answer{Status: 200, Body: "x"}
	d.Spoil(Call{Nth: 1}, &a)
	if d.Before(Call{Nth: 1}) != (Before{}) || a.Body != "x" {
		t.Error("nil is a defect")
	}
}

func TestPricesAreRoundedHalfUp(t *testing.T) {
	c := catalogue{{ID: 1, Price: 1000}, {ID: 2, Price: 7}, {ID: 3, Price: 19_990}, {ID: 4, Price: 25}}
	for _, k := range []struct {
		user  int64
		items []item
		want  price
	}{
		{2, []item{{1, 1}}, price{1000, 0, 65, 1200, 2265}},
		{5, []item{{4, 1}}, price{25, 2, 1, 1200, 1224}},               // 8 % of 0.25 is 0.02; 6.5 % of 0.23 is 0.01495
		{1, []item{{2, 3}}, price{21, 1, 1, 1200, 1221}},               // 3 % of 0.21 is 0.0063; 6.5 % of 0.20 is 0.013
		{2, []item{{2, 10}, {4, 2}}, price{120, 0, 8, 1200, 1328}},     // 6.5 % of 1.20 is 0.078
		{2, []item{{1, 2}, {3, 1}}, price{21_990, 0, 1429, 0, 23_419}}, // 14.2935
		{2, []item{{1, 10}, {1, 10}}, price{20_000, 0, 1300, 0, 21_300}},
	} {
		if got := c.price(k.user, k.items); got != k.want {
			t.Errorf("user %d, %v: %+v, want %+v", k.user, k.items, got, k.want)
		}
	}
}

func TestAnExpectationNamesThePlaceOfTheFirstDifference(t *testing.T) {
	want := object{"a": int64(1), "b": array{"x", decimalText("1.50")}, "c": nil, "d": check(traceID), "e": within(2, 3), "t": momentWithin(time.UnixMilli(0), time.UnixMilli(0))}
	right := `{"a":1,"b":["x",1.50],"c":null,"d":"0123456789abcdef0123456789abcdef","e":3,"t":"1970-01-01T08:00:00.000+08:00"}`
	for body, part := range map[string]string{
		right: "",
		strings.Replace(right, `"a":1`, `"a":2`, 1):             "$.a: want 1, got 2",
		strings.Replace(right, `"a":1`, `"a":"1"`, 1):           "$.a",
		strings.Replace(right, `1.50`, `1.5`, 1):                "$.b[1]: want 1.50, got 1.5",
		strings.Replace(right, `"x",`, ``, 1):                   "$.b: want 2 elements",
		strings.Replace(right, `"c":null,`, ``, 1):              "$.c: missing",
		strings.Replace(right, `"c":null`, `"c":null,"z":1`, 1): "$.z: unexpected",
		strings.Replace(right, `cdef`, `cdeg`, 1):               "$.d: want 32",
		strings.Replace(right, `"e":3`, `"e":4`, 1):             "$.e: want 2 to 3",
		strings.Replace(right, `"e":3`, `"e":2.5`, 1):           "$.e",
		strings.Replace(right, `+08:00`, `Z`, 1):                "$.t: want a moment",
		strings.Replace(right, `08:00:00`, `00:00:00`, 1):       "$.t: 1970-01-01T00:00:00.000+08:00 is not between",
		`[]`: "$: want an object",
	} {
		got, err := decode([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if wrong := differs("$", want, got); (wrong == "") != (part == "") || !strings.Contains(wrong, part) {
			t.Errorf("%s\ngot %q, want %q", body, wrong, part)
		}
	}
	for _, body := range []string{``, `{`, `{} {}`} {
		if _, err := decode([]byte(body)); err == nil {
			t.Errorf("%q passes for JSON", body)
		}
	}
}

func TestWhatIsUnderWayWidensWhatMayBe(t *testing.T) {
	c := NewOracle("", false, time.Now).catalogue
	l := newLedger(c)
	at := func(n int) *attempt { return &attempt{requestID: fmt.Sprint(n), user: 9000, items: []item{{50, 2}}} }
	a, b, lost := at(1), at(2), at(3)
	for _, x := range []*attempt{a, b, lost} {
		l.begin(x)
	}
	if got := l.takenOf(50); got != (taken{0, 6}) {
		t.Errorf("three under way: %+v", got)
	}
	l.placed(a, &placed{requestID: "1", id: 100, user: 9000, items: a.items})
	l.refused(b)
	if got, v := l.takenOf(50), l.viewOf(9000); got != (taken{2, 4}) || v.least != 1 || v.most != 2 || len(v.newest) != 1 || len(v.underWay) != 1 {
		t.Errorf("one placed, one refused, one unknown: %+v, %+v", got, v)
	}
	for n := range int64(200) {
		x := at(int(n) + 10)
		l.begin(x)
		l.placed(x, &placed{id: 1000 - n*7%200, user: 9000})
	}
	v := l.viewOf(9000)
	if len(v.newest) != kept || !slices.IsSortedFunc(v.newest, func(x, y *placed) int { return int(y.id - x.id) }) || v.newest[0].id != 1000 {
		t.Errorf("%d kept, the newest is %d", len(v.newest), v.newest[0].id)
	}
	for n := range 2 * unknown {
		l.begin(at(n))
	}
	if v := l.viewOf(9000); len(v.underWay) != unknown {
		t.Errorf("%d attempts are remembered", len(v.underWay))
	}
	for n := range int64(2 * gettable) {
		l.know(l.account(n), &placed{id: n + 1})
	}
	if len(l.recent) != gettable || l.some(12345) == nil {
		t.Errorf("%d orders are kept", len(l.recent))
	}
}

func TestAnOrderAndARefusalMustFitTheStock(t *testing.T) {
	// Product 50 has a stock of 25. Others have ordered between 20 and 24 of it.
	o := NewOracle("", false, time.Now)
	sure, maybe := &attempt{user: 1, items: []item{{50, 20}}}, &attempt{user: 1, items: []item{{50, 4}}}
	o.ledger.begin(sure)
	o.ledger.placed(sure, &placed{id: 1, user: 1})
	o.ledger.begin(maybe)
	for _, c := range []struct {
		qty    int64
		status int
		body   string
		want   string // part of what is wrong
	}{
		{1, 409, `{"error":"sold_out","product":50}`, "sold out with stock left"},
		{2, 409, `{"error":"sold_out","product":50}`, ""},
		{2, 409, `{"error":"sold_out","product":51}`, "a product that was not ordered"},
		{2, 409, `{"error":"sold_out"}`, "$.product: missing"},
		{2, 500, `{}`, "want 201"},
		{6, 201, "", "an order for more than the stock"},
		{5, 201, "", ""},
	} {
		q := &question{endpoint: postOrder, sent: o.now(), user: 2, items: []item{{50, c.qty}}, room: []taken{o.ledger.takenOf(50)}}
		q.attempt = &attempt{user: 2, items: q.items}
		o.ledger.begin(q.attempt)
		stock := slices.Clone(o.ledger.taken)
		if c.body == "" {
			p := o.catalogue.price(2, q.items)
			c.body = fmt.Sprintf(`{"id":%d,"user":2,"tier":"BASIC","status":"%s","items":[{"product":50,"name":%q,"price":%s,"qty":%d,"amount":%s}],`+
				`"subtotal":%s,"discount":0.00,"tax":%s,"shipping":%s,"total":%s,"createdAt":"%s","note":null}`, 100+c.qty,
				map[bool]string{true: "REVIEW", false: "CREATED"}[p.total >= reviewAt], o.catalogue[49].Name, decimal(int64(o.catalogue[49].Price)), c.qty,
				decimal(p.subtotal), decimal(p.subtotal), decimal(p.tax), decimal(p.shipping), decimal(p.total), stamp(o.now().UnixMilli()))
		}
		body, err := decode([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if wrong := o.placed(q, c.status, body); (wrong == "") != (c.want == "") || !strings.Contains(wrong, c.want) {
			t.Errorf("%d, %d %s: got %q, want %q", c.qty, c.status, c.body, wrong, c.want)
		}
		o.ledger.taken = stock
		o.ledger.taken[50].most -= c.qty
	}
}

func TestTheViewShowsTheShareBothSidesAndTheGates(t *testing.T) {
	s := scene{
		place:  Place{Console: "http://c/", Gateway: "http://g", OldRuntime: "java17", NewRuntime: "go1.26"},
		steps:  5,
		status: v1.MigrationStatus{Phase: v1.PhaseRamp, Step: 2, Buckets: 2500, Blocked: "waits", FirstDifference: &v1.DifferenceRef{Endpoint: "GET /quote", Path: "$.tax"}},
		gates:  []v1.Gate{{Name: "mismatch", Verdict: v1.VerdictFail, Detail: "differs"}, {Name: "errors", Verdict: v1.VerdictPass}, {Name: "latency", Verdict: v1.VerdictNotEnough}},
		overview: v1.Overview{Rate: 2000, Subsets: []v1.SubsetTraffic{
			{Service: Name, Subset: "runtime=java17", Rate: 1500, P50Micros: 1234}, {Service: Name, Subset: "runtime=go1.26", Rate: 500}}},
		counts: Counts{Requests: 777, Errors: 3, Exposed: 2},
		sample: &v1.Sample{Old: "1.00", New: "0.99"},
	}
	plain := func(_ screen.Color, text string) string { return text }
	for locale, wants := range map[string][]string{
		"":            {"http://c/", "http://g", "1500/s", "500/s", "p50 1.23ms", "25%", "ramp step 3 of 5", "FAIL", "not enough yet", "GET /quote  $.tax", "old 1.00   new 0.99", "waits", "777 requests", "3 wrong", "2 exposed"},
		"zh_CN.UTF-8": {"1500/秒", "25%", "第 3 步", "不通过", "证据不足", "777 次请求", "3 次答错"},
	} {
		text := strings.Join(s.lines(wordsFor(locale), 120, plain), "\n")
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q: %q is missing in\n%s", locale, want, text)
			}
		}
	}
	if line := s.line(english()); !strings.Contains(line, "25%") || !strings.Contains(line, "(waits)") {
		t.Errorf("line %q", line)
	}
	tr := transition(1500*time.Millisecond, v1.Transition{Phase: v1.PhaseRolledBack, Reason: "because"}, plain)
	if tr != "   1.5 s      0%  rolled_back  because" {
		t.Errorf("transition %q", tr)
	}
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	en, zh := reflect.ValueOf(english()), reflect.ValueOf(chinese())
	for i := range en.NumField() {
		name := en.Type().Field(i).Name
		switch en.Field(i).Kind() {
		case reflect.String:
			a, b := en.Field(i).String(), zh.Field(i).String()
			if a == "" || b == "" || strings.Count(a, "%") != strings.Count(b, "%") {
				t.Errorf("%s: %q and %q", name, a, b)
			}
		case reflect.Map:
			if en.Field(i).Len() != zh.Field(i).Len() || en.Field(i).Len() == 0 {
				t.Errorf("%s: %d and %d words", name, en.Field(i).Len(), zh.Field(i).Len())
			}
		}
	}
}

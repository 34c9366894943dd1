package evidence

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
)

var today = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func answer(body string) compare.Answer {
	return compare.Answer{Status: 200, Header: []v1.Header{{Name: "Content-Type", Value: "application/json"}}, Body: []byte(body)}
}

// rig feeds a book.
type rig struct {
	t    *testing.T
	book *Book
	n    uint64 // observations so far
	at   time.Time
}

func newRig(t *testing.T, spec v1.CompareSpec) *rig {
	t.Helper()
	b, err := NewBook(Config{Compare: spec, Now: today})
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, book: b, at: today}
}

const ep = "GET /orders/{id}"

// triple adds one triple of another subject.
func (r *rig) triple(old, second, fresh string) {
	r.t.Helper()
	s := answer(second)
	r.add(Observation{Old: answer(old), Old2: &s, New: answer(fresh)})
}

func (r *rig) pair(old, fresh string) {
	r.t.Helper()
	r.add(Observation{Old: answer(old), New: answer(fresh)})
}

func (r *rig) add(o Observation) {
	r.t.Helper()
	r.n++
	r.at = r.at.Add(time.Second)
	if o.Endpoint == "" {
		o.Endpoint = ep
	}
	if o.Subject == 0 {
		o.Subject = r.n
	}
	if o.Cluster == 0 {
		o.Cluster = o.Subject
	}
	o.At, o.Safe = r.at, true
	if why := r.book.Add(o); why != "" {
		r.t.Fatalf("not comparable: %s", why)
	}
}

// path is the evidence of a path, nil when it never differed.
func (r *rig) path(name string) *v1.PathEvidence {
	for _, e := range r.book.Look(r.at).Endpoints {
		for i := range e.Paths {
			if e.Paths[i].Path == name {
				return &e.Paths[i]
			}
		}
	}
	return nil
}

// body writes an answer with one member v.
func body(v any) string { return fmt.Sprintf(`{"v":%v}`, v) }

// kindOfNoise makes values of the old side at a moment.
type kindOfNoise struct {
	class   v1.NoiseClass
	value   func(dice *rand.Rand, at time.Time) string
	path    string
	defects map[string]func(good string, dice *rand.Rand, at time.Time) string
}

func quoted(s string) string { return `"` + s + `"` }

var noises = map[string]kindOfNoise{
	"moment in RFC 3339": {v1.NoiseTimeLike, func(dice *rand.Rand, at time.Time) string {
		return quoted(at.Add(time.Duration(dice.IntN(30)) * time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00"))
	}, "$.v", map[string]func(string, *rand.Rand, time.Time) string{
		"eight hours off": func(_ string, _ *rand.Rand, at time.Time) string {
			return quoted(at.Add(8 * time.Hour).Format("2006-01-02T15:04:05.000Z07:00"))
		},
		"cut to seconds": func(g string, _ *rand.Rand, _ time.Time) string { return g[:20] + `Z"` },
		"null":           func(string, *rand.Rand, time.Time) string { return "null" },
	}},
	"epoch millis": {v1.NoiseTimeLike, func(dice *rand.Rand, at time.Time) string { return fmt.Sprint(at.UnixMilli() + int64(dice.IntN(30))) }, "$.v",
		map[string]func(string, *rand.Rand, time.Time) string{"seconds": func(g string, _ *rand.Rand, _ time.Time) string { return g[:10] }}},
	"random 64-bit id": {v1.NoiseIDLike, func(dice *rand.Rand, _ time.Time) string { return fmt.Sprintf("7%018d", dice.Int64N(1e18)) }, "$.v",
		map[string]func(string, *rand.Rand, time.Time) string{
			"through floating point": func(g string, _ *rand.Rand, _ time.Time) string { return g[:17] + "00" },
			"truncated":              func(g string, _ *rand.Rand, _ time.Time) string { return g[:10] },
			"as string":              func(g string, _ *rand.Rand, _ time.Time) string { return quoted(g) },
		}},
	"uuid": {v1.NoiseIDLike, func(dice *rand.Rand, _ time.Time) string {
		return quoted(fmt.Sprintf("ord-%08x-%04x-%012x", dice.Uint32(), dice.IntN(1<<16), dice.Uint64()>>16))
	}, "$.v", map[string]func(string, *rand.Rand, time.Time) string{
		"prefix lost": func(g string, _ *rand.Rand, _ time.Time) string { return `"` + g[5:] },
		"dashes lost": func(g string, _ *rand.Rand, _ time.Time) string { return g[:13] + g[14:] },
		"number":      func(string, *rand.Rand, time.Time) string { return `12345678` },
	}},
	"jitter": {v1.NoiseTolerance, func(dice *rand.Rand, _ time.Time) string {
		return fmt.Sprintf("%.2f", 500*(1+0.05*(2*dice.Float64()-1)))
	}, "$.v",
		map[string]func(string, *rand.Rand, time.Time) string{
			"doubled": func(string, *rand.Rand, time.Time) string { return "1000.00" },
			"rounded": func(g string, _ *rand.Rand, _ time.Time) string { return g[:3] },
		}},
	"shuffled": {v1.NoiseOrderFree, func(dice *rand.Rand, _ time.Time) string {
		l := []int{1, 2, 3, 4, 5, 6}
		dice.Shuffle(6, func(i, j int) { l[i], l[j] = l[j], l[i] })
		return fmt.Sprintf("[%d,%d,%d,%d,%d,%d]", l[0], l[1], l[2], l[3], l[4], l[5])
	}, "$.v", map[string]func(string, *rand.Rand, time.Time) string{
		"one lost": func(g string, _ *rand.Rand, _ time.Time) string { return g[:len(g)-3] + "]" },
	}},
	"words": {v1.NoiseUnknown, func(dice *rand.Rand, _ time.Time) string { return []string{`"HIT"`, `"MISS"`, `"STALE"`}[dice.IntN(3)] }, "$.v",
		map[string]func(string, *rand.Rand, time.Time) string{"never seen": func(string, *rand.Rand, time.Time) string { return `"x"` }}},
	"constant": {v1.NoiseDeterministic, func(*rand.Rand, time.Time) string { return "1.10" }, "$.v",
		map[string]func(string, *rand.Rand, time.Time) string{"scale": func(string, *rand.Rand, time.Time) string { return "1.1" }}},
}

// TestEachKindOfNoiseIsClassedAndItsDefectsAreFound: a clean new side is never called different, and a
// defect in one request of five is found although every value differs anyway.
func TestEachKindOfNoiseIsClassedAndItsDefectsAreFound(t *testing.T) {
	for name, k := range noises {
		run := func(t *testing.T, defect func(string, *rand.Rand, time.Time) string) *rig {
			r := newRig(t, v1.CompareSpec{})
			dice := rand.New(rand.NewPCG(5, 6))
			for range 600 {
				old, second, fresh := k.value(dice, r.at), k.value(dice, r.at), k.value(dice, r.at)
				if defect != nil && dice.IntN(5) == 0 {
					fresh = defect(fresh, dice, r.at)
				}
				r.triple(body(old), body(second), body(fresh))
			}
			return r
		}
		t.Run(name+"/clean", func(t *testing.T) {
			r := run(t, nil)
			if res := r.book.Look(r.at); res.Verdict == v1.VerdictFail {
				t.Fatalf("called different at %v", *res.First)
			}
			r.book.mu.Lock()
			defer r.book.mu.Unlock()
			for _, p := range r.book.endpoints[ep].paths {
				if p.name == k.path && p.class != k.class {
					t.Errorf("class %s, want %s", p.class, k.class)
				}
			}
		})
		for what, defect := range k.defects {
			t.Run(name+"/"+what, func(t *testing.T) {
				res := run(t, defect).book.Look(today)
				if res.Verdict != v1.VerdictFail || res.First.Path != k.path {
					t.Errorf("%s, first %v: %+v", res.Verdict, res.First, res.Endpoints[0].Paths)
				}
			})
		}
	}
}

// TestGeneratedIDsAreABijection: both sides make ids of their own, but one old id is always one new id.
func TestGeneratedIDsAreABijection(t *testing.T) {
	id := func(dice *rand.Rand) string { return fmt.Sprintf("N%015d", dice.Int64N(1e15)) }
	doc := func(a, b, c string) string {
		return fmt.Sprintf(`{"order":{"id":%q},"lines":[{"orderId":%q},{"orderId":%q}]}`, a, b, c)
	}
	run := func(mixed bool) Result {
		r := newRig(t, v1.CompareSpec{})
		dice := rand.New(rand.NewPCG(7, 8))
		for i := range 400 {
			x, y, z := id(dice), id(dice), id(dice)
			fresh := doc(z, z, z)
			if mixed && i%10 == 0 {
				fresh = doc(z, z, id(dice))
			}
			r.triple(doc(x, x, x), doc(y, y, y), fresh)
		}
		return r.book.Look(r.at)
	}
	if res := run(false); res.Verdict == v1.VerdictFail {
		t.Fatalf("clean ids: %v", *res.First)
	}
	res := run(true)
	if res.Verdict != v1.VerdictFail || res.First.Path != "$.lines[].orderId" {
		t.Fatalf("mixed ids: %s %v", res.Verdict, res.First)
	}
}

func TestIDsStayBoundOverATrace(t *testing.T) {
	var tr traces
	for range 2 {
		if !tr.of("t1").fresh.keeps("a", "x") {
			t.Error("the same pair must agree")
		}
	}
	if tr.of("t1").fresh.keeps("a", "y") || tr.of("t1").fresh.keeps("b", "x") {
		t.Error("another partner must not agree")
	}
	if !tr.of("t1").second.keeps("a", "y") || !tr.of("t2").fresh.keeps("a", "y") || !tr.of("").fresh.keeps("a", "y") || !tr.of("").fresh.keeps("a", "z") {
		t.Error("other sides, other traces and answers without a trace are bound by themselves")
	}
	for i := range 2 * maxTraces {
		tr.of(fmt.Sprint("trace", i))
	}
	if len(tr.byID) != maxTraces || len(tr.ring) != maxTraces {
		t.Errorf("%d traces kept", len(tr.byID))
	}
	s := tr.of("wide")
	for i := range 2 * maxBindings {
		s.fresh.keeps(fmt.Sprint("o", i), fmt.Sprint("n", i))
	}
	if len(s.fresh.to) != maxBindings {
		t.Errorf("%d bindings kept", len(s.fresh.to))
	}
}

func TestAHexIDWithoutALetterIsWrittenLikeTheOthers(t *testing.T) {
	text := func(s string) string { return formOf(&compare.Value{Type: compare.String, Text: s}) }
	if text("9876543210123456") != text("00f067aa0ba902b7") {
		t.Errorf("%q and %q", text("9876543210123456"), text("00f067aa0ba902b7"))
	}
	if text("9234567890123456800") == text("9234567890123456789") {
		t.Error("the zeros of an id that went through floating point are not seen")
	}
}

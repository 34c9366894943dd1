package evidence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

func TestEvidenceThatIsLongEnoughAndAlikePasses(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictNotEnough || !strings.Contains(res.Gate.Detail, "nothing") {
		t.Errorf("empty book: %s, %s", res.Verdict, res.Gate.Detail)
	}
	for range 400 {
		r.triple(body(1), body(1), body(1))
	}
	res := r.book.Look(r.at)
	if res.Verdict != v1.VerdictNotEnough || res.Endpoints[0].Detectable <= 0.01 || !strings.Contains(res.Gate.Detail, ep) {
		t.Errorf("400 clusters: %s, detectable %g, %s", res.Verdict, res.Endpoints[0].Detectable, res.Gate.Detail)
	}
	for range 1600 {
		r.triple(body(1), body(1), body(1))
	}
	res = r.book.Look(r.at)
	e := res.Endpoints[0]
	if res.Verdict != v1.VerdictPass || e.Verdict != v1.VerdictPass || e.Detectable > 0.01 || e.Pairs != 2000 || e.Triples != 2000 || e.Mismatches != 0 || e.Low != 0 {
		t.Errorf("%s %+v", res.Verdict, e)
	}
	if res.Gate.Name != "mismatch" || res.Gate.Bound != 1 || res.Gate.Samples != e.Clusters || res.First != nil {
		t.Errorf("%+v", res.Gate)
	}
}

func TestADefectIsNamedAndFails(t *testing.T) {
	r := newRig(t, v1.CompareSpec{Unmask: []string{"$.v"}})
	for i := range 500 {
		fresh := body(1)
		if i%20 == 7 {
			fresh = body(2)
		}
		r.triple(body(1), body(1), fresh)
	}
	res := r.book.Look(r.at)
	p := r.path("$.v")
	if res.Verdict != v1.VerdictFail || *res.First != (v1.DifferenceRef{Endpoint: ep, Path: "$.v"}) || !strings.Contains(res.Gate.Detail, "$.v") {
		t.Fatalf("%s %v %s", res.Verdict, res.First, res.Gate.Detail)
	}
	if p.Evidence != 25 || p.Counter != 0 || p.Subjects != 25 || p.Class != v1.NoiseDeterministic || p.PValue > p.Alpha || p.FirstSeen == nil || len(p.Samples) != maxSamples {
		t.Errorf("%+v", p)
	}
	if p.Samples[0].Old != "1" || p.Samples[0].New != "2" || res.Endpoints[0].Mismatches != 25 {
		t.Errorf("%+v", res.Endpoints[0])
	}
	for range 3000 { // good answers afterwards do not take a fail back
		r.triple(body(1), body(1), body(1))
	}
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictFail {
		t.Error("a fail was diluted")
	}
}

func TestAFailNeedsThreeSubjectsAndARepeatIsNoEvidence(t *testing.T) {
	for _, c := range []struct {
		subjects uint64
		want     v1.Verdict
	}{{1, v1.VerdictNotEnough}, {2, v1.VerdictNotEnough}, {40, v1.VerdictFail}} {
		r := newRig(t, v1.CompareSpec{})
		for i := range uint64(600) {
			second := answer(body(1))
			// Clusters beyond subjects: the subject is what counts.
			r.add(Observation{Subject: 1 + i%c.subjects, Cluster: 1 + i%60, Old: answer(body(1)), Old2: &second, New: answer(body(2))})
		}
		res := r.book.Look(r.at)
		if res.Verdict != c.want {
			t.Errorf("%d subjects: %s", c.subjects, res.Verdict)
		}
		if p := r.path("$.v"); p.Evidence > 60 {
			t.Errorf("%d coins from 60 clusters", p.Evidence)
		}
	}
}

func TestAFlakyFieldIsNoDefectAndHidesNone(t *testing.T) {
	run := func(defect float64) *rig {
		r := newRig(t, v1.CompareSpec{})
		dice := rand.New(rand.NewPCG(21, 22))
		flaky := func() string {
			if dice.Float64() < 0.3 {
				return `"b"`
			}
			return `"a"`
		}
		for range 1500 {
			fresh := flaky()
			if dice.Float64() < defect {
				fresh = `"c"`
			}
			r.triple(body(flaky()), body(flaky()), body(fresh))
		}
		return r
	}
	clean := run(0)
	if res := clean.book.Look(clean.at); res.Verdict == v1.VerdictFail {
		t.Errorf("%+v", *clean.path("$.v"))
	}
	if p := clean.path("$.v"); p.Noise < 500 || p.Class != v1.NoiseUnknown || p.Counter < 200 {
		t.Errorf("noise must be shown: %+v", *p)
	}
	if r := run(0.12); r.book.Look(r.at).Verdict != v1.VerdictFail {
		t.Errorf("%+v", *r.path("$.v"))
	}
}

// TestALateDefectIsNotDiluted: the recent window finds on a flaky field what began after every subject was
// seen, and a path without noise finds it by its clusters.
func TestALateDefectIsNotDiluted(t *testing.T) {
	for _, noise := range []float64{0, 0.3} {
		r := newRig(t, v1.CompareSpec{})
		dice := rand.New(rand.NewPCG(31, 32))
		flaky := func() string {
			if dice.Float64() < noise {
				return `"b"`
			}
			return `"a"`
		}
		for i := range 8000 {
			second := answer(body(flaky()))
			fresh := flaky()
			if i > 7000 && dice.IntN(3) == 0 {
				fresh = `"c"`
			}
			subject := uint64(1 + dice.IntN(1000))
			r.add(Observation{Subject: subject, Old: answer(body(flaky())), Old2: &second, New: answer(body(fresh))})
			if i == 7000 && r.book.Look(r.at).Verdict == v1.VerdictFail {
				t.Fatalf("noise %.1f: a fail before the defect", noise)
			}
		}
		if res := r.book.Look(r.at); res.Verdict != v1.VerdictFail {
			t.Errorf("noise %.1f: %+v", noise, *r.path("$.v"))
		}
	}
}

// TestWhereTheNewSideAnsweredFirstASecondNewAnswerIsTheControl: state that changes after the first answer
// sets it apart, whoever gave it.
func TestWhereTheNewSideAnsweredFirstASecondNewAnswerIsTheControl(t *testing.T) {
	run := func(drift, defect float64, control bool) *rig {
		r := newRig(t, v1.CompareSpec{})
		dice := rand.New(rand.NewPCG(91, 92))
		for range 900 {
			r.triple(body(5), body(5), body(5))
		}
		for range 900 {
			state, later := 5, 5
			if dice.Float64() < drift {
				later = 6
			}
			bad := 0
			if dice.Float64() < defect {
				bad = 40
			}
			second := answer(body(later + bad))
			o := Observation{NewFirst: true, New: answer(body(state + bad)), Old: answer(body(later))}
			if control {
				o.New2 = &second
			} else {
				old2 := answer(body(later))
				o.Old2 = &old2
			}
			r.add(o)
		}
		return r
	}
	if r := run(0.1, 0, true); r.book.Look(r.at).Verdict == v1.VerdictFail {
		t.Errorf("drift is taken for a defect: %+v", *r.path("$.v"))
	}
	r := run(0.1, 0.05, true)
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictFail || res.First.Path != "$.v" {
		t.Errorf("%s", res.Verdict)
	}
	if r := run(0.1, 0, false); r.path("$.v").Counter != 0 || r.path("$.v").Noise != 0 {
		t.Errorf("a second old answer after a new one is no control: %+v", *r.path("$.v"))
	}
}

func TestPairsCountOnlyWhereThePathIsProven(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	for range 500 {
		r.pair(body(1), body(2))
	}
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictNotEnough || r.path("$.v") != nil {
		t.Errorf("without old/old proof: %s, %v", res.Verdict, r.path("$.v"))
	}
	r = newRig(t, v1.CompareSpec{})
	for i := range 2000 {
		if i%4 == 0 {
			r.triple(body(1), body(1), body(1))
		} else {
			fresh := body(1)
			if i%10 == 3 {
				fresh = `{"v":1,"extra":true}`
			}
			r.pair(body(1), fresh)
		}
	}
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictFail || res.First.Path != "$.extra" {
		t.Errorf("%s %v", res.Verdict, res.First)
	}
}

// TestPairsDoNotTakeRareNoiseForADefect: noise that the triples have too is no evidence on pairs.
func TestPairsDoNotTakeRareNoiseForADefect(t *testing.T) {
	fails := 0
	const runs = 60
	for run := range uint64(runs) {
		r := newRig(t, v1.CompareSpec{})
		dice := rand.New(rand.NewPCG(41, run))
		rare := func() string {
			if dice.Float64() < 0.004 {
				return body(2)
			}
			return body(1)
		}
		for i := range 3000 {
			second, subject := answer(rare()), uint64(1+dice.IntN(400))
			o := Observation{Subject: subject, Old: answer(rare()), New: answer(rare())}
			if i%5 == 0 {
				o.Old2 = &second
			}
			r.add(o)
		}
		if r.book.Look(r.at).Verdict == v1.VerdictFail {
			fails++
		}
	}
	if fails > 2 { // alpha is 0.01: more than 2 of 60 has a chance below 0.003
		t.Errorf("%d of %d clean runs failed", fails, runs)
	}
}

// TestCleanMigrationsFailAtMostAsOftenAsAlphaSays: many noisy paths, watched all the time, alpha large so
// that a fault of the correction shows.
func TestCleanMigrationsFailAtMostAsOftenAsAlphaSays(t *testing.T) {
	const runs = 250
	alpha := 0.2
	fails := 0
	for run := range uint64(runs) {
		book, err := NewBook(Config{Now: today, Gates: v1.GatesSpec{Alpha: new(alpha)}})
		if err != nil {
			t.Fatal(err)
		}
		dice := rand.New(rand.NewPCG(51, run))
		doc := func() string {
			var b strings.Builder
			for i, rate := range []float64{0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5} {
				v := 1
				if dice.Float64() < rate {
					v = 2 + dice.IntN(2)
				}
				fmt.Fprintf(&b, `,"f%c":"w%d"`, 'a'+i, v)
			}
			return fmt.Sprintf(`{"x":%d%s}`, 1000+dice.IntN(30), b.String())
		}
		failed := false
		for i := range uint64(300) {
			second := answer(doc())
			book.Add(Observation{Endpoint: ep, Subject: i, Cluster: i, At: today, Safe: true, Old: answer(doc()), Old2: &second, New: answer(doc())})
			if i%50 == 49 {
				failed = failed || book.Look(today).Verdict == v1.VerdictFail
			}
		}
		if failed {
			fails++
		}
	}
	if got, bound := float64(fails)/runs, alpha+3*math.Sqrt(alpha*(1-alpha)/runs); got > bound {
		t.Errorf("%.3f of the clean migrations failed, the bound is %.3f", got, bound)
	}
}

// TestExchangingTheRolesExchangesTheCounts: were the second old answer the new one, b would be c.
func TestExchangingTheRolesExchangesTheCounts(t *testing.T) {
	a, b := newRig(t, v1.CompareSpec{}), newRig(t, v1.CompareSpec{})
	dice := rand.New(rand.NewPCG(61, 62))
	word := func() string { return body(fmt.Sprintf(`"w%d"`, dice.IntN(3))) }
	for range 400 {
		old, second, fresh := word(), word(), word()
		a.triple(old, second, fresh)
		b.triple(old, fresh, second)
	}
	x, y := a.path("$.v"), b.path("$.v")
	if x.Evidence != y.Counter || x.Counter != y.Evidence || x.Evidence == 0 {
		t.Errorf("%d:%d and %d:%d", x.Evidence, x.Counter, y.Evidence, y.Counter)
	}
}

// TestTheOrderOfTriplesDoesNotChangeTheCounts holds where no class is learned.
func TestTheOrderOfTriplesDoesNotChangeTheCounts(t *testing.T) {
	dice := rand.New(rand.NewPCG(71, 72))
	type three [3]string
	var all []three
	for range 300 {
		word := func() string { return body(fmt.Sprintf(`"w%d"`, dice.IntN(3))) }
		all = append(all, three{word(), word(), word()})
	}
	counts := ""
	for range 5 {
		r := newRig(t, v1.CompareSpec{})
		for _, x := range all {
			r.triple(x[0], x[1], x[2])
		}
		p := r.path("$.v")
		got := fmt.Sprint(p.Evidence, p.Counter, p.Noise, p.Clusters)
		if counts != "" && got != counts {
			t.Errorf("%s, then %s", counts, got)
		}
		counts = got
		dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
}

func TestCountersOnlyRise(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	dice := rand.New(rand.NewPCG(81, 82))
	var last v1.EndpointEvidence
	for range 300 {
		word := func() string { return body(fmt.Sprintf(`"w%d"`, dice.IntN(2))) }
		r.triple(word(), word(), word())
		e := r.book.Look(r.at).Endpoints[0]
		if e.Pairs < last.Pairs || e.Clusters < last.Clusters || e.Triples < last.Triples || e.Mismatches < last.Mismatches || len(e.Paths) < len(last.Paths) {
			t.Fatalf("%+v after %+v", e, last)
		}
		last = e
	}
}

func TestIgnoredDifferencesAreShownAndCountAgainWhenTheRuleExpires(t *testing.T) {
	r := newRig(t, v1.CompareSpec{Ignore: []v1.IgnoreRule{{Path: "$.v", Owner: "li", Reason: "known", Expires: today.Add(time.Hour)}}})
	for range 2000 {
		r.triple(body(1), body(1), body(2))
	}
	res := r.book.Look(today)
	if res.Verdict != v1.VerdictPass || !strings.HasPrefix(r.book.Look(today).Endpoints[0].Paths[0].Ignored, "li until 2026-03-01T09:00:00Z") {
		t.Errorf("%s %+v", res.Verdict, res.Endpoints[0].Paths)
	}
	if res := r.book.Look(today.Add(time.Hour)); res.Verdict != v1.VerdictFail {
		t.Errorf("after expiry: %s", res.Verdict)
	}
}

func TestARareEndpointBlocksByNameUntilItIsExcused(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	for range 2000 {
		r.triple(body(1), body(1), body(1))
	}
	r.add(Observation{Endpoint: "GET /rare", Old: answer(body(1)), New: answer(body(1))})
	res := r.book.Look(r.at)
	if res.Verdict != v1.VerdictNotEnough || !strings.Contains(res.Gate.Detail, "GET /rare") || res.Endpoints[0].Endpoint != "GET /rare" {
		t.Errorf("%s %s", res.Verdict, res.Gate.Detail)
	}
	excuse := v1.CompareSpec{Ignore: []v1.IgnoreRule{{Endpoint: "GET /rare", Path: "*", Owner: "li", Reason: "checked by hand", Expires: r.at.Add(time.Hour)}}}
	if err := r.book.Reconfigure(excuse, v1.GatesSpec{}, r.at); err != nil {
		t.Fatal(err)
	}
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictPass {
		t.Errorf("%s %s", res.Verdict, res.Gate.Detail)
	}
}

func TestAnEndpointThatCannotBeComparedIsNamedAndHoldsNothingUp(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	r.book.NotComparable("POST /orders", "unsafe_method")
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictNotEnough || !strings.Contains(res.Gate.Detail, "nothing") {
		t.Errorf("%s %s", res.Verdict, res.Gate.Detail)
	}
	for range 2000 {
		r.triple(body(1), body(1), body(1))
	}
	res := r.book.Look(r.at)
	if res.Verdict != v1.VerdictPass || !strings.Contains(res.Gate.Detail, "cannot be compared: POST /orders") || res.Endpoints[0].Verdict != v1.VerdictNotEnough {
		t.Errorf("%s %s %+v", res.Verdict, res.Gate.Detail, res.Endpoints[0])
	}
	// What was only unlucky could be compared, and is missing.
	r.book.NotComparable("GET /busy", "state_differs")
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictNotEnough || !strings.Contains(res.Gate.Detail, "GET /busy") {
		t.Errorf("%s %s", res.Verdict, res.Gate.Detail)
	}
}

func TestWhatNobodyHasIsOneEndpoint(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	r.triple(body(1), body(1), body(1))
	lost := answer(`{"error":"not found"}`)
	lost.Status = 404
	for _, endpoint := range []string{"GET /wp-admin", "GET /.env", ep, "POST /x"} {
		r.add(Observation{Endpoint: endpoint, Old: lost, New: lost})
	}
	r.add(Observation{Endpoint: "GET /new", Old: lost, New: answer(body(1))}) // a difference makes an endpoint
	var names []string
	for _, e := range r.book.Look(r.at).Endpoints {
		names = append(names, e.Endpoint)
	}
	slices.Sort(names)
	if got := strings.Join(names, ", "); got != "GET (not found), GET /new, GET /orders/{id}, POST (not found)" {
		t.Error(got)
	}
}

func TestWhatNobodyHasHoldsNothingUp(t *testing.T) {
	lost := answer(`{"error":"not found"}`)
	lost.Status = 404
	r := newRig(t, v1.CompareSpec{})
	r.add(Observation{Endpoint: ep, Old: lost, New: lost})
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictNotEnough || !strings.Contains(res.Gate.Detail, "nothing was compared yet") {
		t.Errorf("only what nobody has: %s %s", res.Verdict, res.Gate.Detail)
	}
	for range 2000 {
		r.triple(body(1), body(1), body(1))
	}
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictPass || !strings.Contains(res.Gate.Detail, "1 endpoints alike over 2001 clusters") {
		t.Errorf("one stray request: %s %s", res.Verdict, res.Gate.Detail)
	}
	other := answer(`{"error":"NOT FOUND"}`)
	other.Status = 404
	for range 2000 {
		r.add(Observation{Endpoint: "GET /gone", Old: lost, Old2: &lost, New: other})
	}
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictFail {
		t.Errorf("a difference in what nobody has: %s %s", res.Verdict, res.Gate.Detail)
	}
}

func TestThreeDifferencesWithoutNoiseHoldBeforeTheyFail(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	for i := range 3000 {
		fresh := body(1)
		if i < 3 {
			fresh = body(2)
		}
		r.triple(body(1), body(1), fresh)
	}
	res := r.book.Look(r.at)
	if res.Verdict != v1.VerdictNotEnough || !strings.Contains(res.Gate.Detail, "under watch") {
		t.Errorf("%s %s", res.Verdict, res.Gate.Detail)
	}
}

func TestTheCauseIsNamedBeforeItsEchoes(t *testing.T) {
	doc := func(price, total string) string {
		return fmt.Sprintf(`{"items":[{"price":%s}],"total":%s}`, price, total)
	}
	for _, c := range []struct {
		name             string
		good, bad, first string
	}{
		{"a price before the sum", doc("1.10", "1.10"), doc("1.11", "1.11"), "$.items[].price"},
		{"a lost element before the sum", doc("1.10", "1.10"), `{"items":[],"total":0}`, "$.items"},
		{"a lost field before a value", `{"a":{"x":1},"n":1}`, `{"n":0}`, "$.a"},
	} {
		r := newRig(t, v1.CompareSpec{})
		for i := range 300 {
			fresh := c.good
			if i%4 == 0 {
				fresh = c.bad
			}
			r.triple(c.good, c.good, fresh)
		}
		if res := r.book.Look(r.at); res.First == nil || res.First.Path != c.first {
			t.Errorf("%s: %v", c.name, res.First)
		}
	}
	r := newRig(t, v1.CompareSpec{})
	for i := range 300 {
		fresh, second := answer(body(1)), answer(body(1))
		if i%3 == 0 {
			fresh.Header[0].Value, fresh.Body = "application/problem+json", []byte(body(2))
		}
		if i%6 == 0 {
			fresh.Status = 500
		}
		r.add(Observation{Old: answer(body(1)), Old2: &second, New: fresh})
	}
	if res := r.book.Look(r.at); res.First == nil || res.First.Path != "status" {
		t.Errorf("a status before what comes with it: %v", res.First)
	}
}

func TestWhatIsNotComparableIsCountedAndNotJudged(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	state := func(v, state string) (a struct{ x Observation }) {
		a.x.New = answer(v)
		a.x.New.Header = append(a.x.New.Header, v1.Header{Name: "X-Jindu-State", Value: state})
		return a
	}
	old, fresh := state(body(1), "7").x.New, state(body(2), "8").x.New
	if why := r.book.Add(Observation{Endpoint: ep, Old: old, New: fresh}); why != "state_differs" {
		t.Errorf("%q", why)
	}
	cut := answer(body(1))
	cut.Truncated = true
	if why := r.book.Add(Observation{Endpoint: ep, Old: cut, New: fresh}); why != "truncated" {
		t.Errorf("%q", why)
	}
	r.book.NotComparable(ep, "unsafe_method")
	// A second old answer of another state leaves a pair; so does one of an unsafe request.
	r.add(Observation{Old: old, Old2: &fresh, New: old})
	second := answer(body(1))
	if why := r.book.Add(Observation{Endpoint: ep, Cluster: 99, Old: answer(body(1)), Old2: &second, New: answer(body(1))}); why != "" {
		t.Errorf("%q", why)
	}
	e := r.book.Look(r.at).Endpoints[0]
	if e.NotComparable != 3 || e.Pairs != 2 || e.Triples != 0 || len(e.Paths) != 0 {
		t.Errorf("%+v", e)
	}
}

func TestABookIsBounded(t *testing.T) {
	b, err := NewBook(Config{Now: today, Limits: Limits{Endpoints: 4, Paths: 20}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		b.Add(Observation{Endpoint: fmt.Sprint("GET /e", i), Cluster: uint64(i), At: today.Add(time.Duration(i) * time.Second), Old: answer(body(1)), New: answer(body(1))})
	}
	res := b.Look(today)
	if len(res.Endpoints) != 4 || !strings.Contains(res.Gate.Detail, "8 endpoints beyond the bound") {
		t.Errorf("%d endpoints, %s", len(res.Endpoints), res.Gate.Detail)
	}
	var wide strings.Builder
	for i := range 60 {
		fmt.Fprintf(&wide, `"m%c%c":1,`, 'a'+i/26, 'a'+i%26)
	}
	b.Add(Observation{Endpoint: "GET /wide", Cluster: 1, At: today.Add(time.Minute), Old: answer("{" + wide.String() + `"z":1}`), New: answer(body(1))})
	for _, e := range b.Look(today).Endpoints {
		if e.Endpoint == "GET /wide" && e.OmittedPaths < 40 {
			t.Errorf("%d paths omitted", e.OmittedPaths)
		}
	}
	if b.paths > 20 {
		t.Errorf("%d paths kept", b.paths)
	}
}

func TestChangingWhatCountsBeginsAnewAndChangingWhatIsShownDoesNot(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	for range 100 {
		r.triple(body(1), body(1), body(1))
	}
	if err := r.book.Reconfigure(v1.CompareSpec{Unmask: []string{"$.v"}}, v1.GatesSpec{MinSamples: new(50), MaxMismatch: new(50.0)}, r.at); err != nil {
		t.Fatal(err)
	}
	if res := r.book.Look(r.at); res.Verdict != v1.VerdictPass || res.Endpoints[0].Clusters != 100 || !r.book.Since().Equal(today) {
		t.Errorf("%s %+v", res.Verdict, res.Endpoints)
	}
	if err := r.book.Reconfigure(v1.CompareSpec{Rules: map[string]bool{"null-absent": true}}, v1.GatesSpec{}, r.at); err != nil {
		t.Fatal(err)
	}
	if res := r.book.Look(r.at); len(res.Endpoints) != 0 || !r.book.Since().Equal(r.at) {
		t.Error("a changed rule must begin the evidence anew")
	}
	bad := v1.CompareSpec{Rules: map[string]bool{"nonsense": true}}
	if err := r.book.Reconfigure(bad, v1.GatesSpec{}, r.at); kind.Code(err) != "JD-COMPARE-001" {
		t.Errorf("%v", err)
	}
	if _, err := NewBook(Config{Compare: bad}); kind.Of(err) != kind.Invalid {
		t.Errorf("%v", err)
	}
}

func TestABookIsSafeForConcurrentUse(t *testing.T) {
	r := newRig(t, v1.CompareSpec{})
	var wg sync.WaitGroup
	for g := range uint64(4) {
		wg.Go(func() {
			for i := range uint64(200) {
				second := answer(body(1))
				r.book.Add(Observation{Endpoint: r.book.Endpoint("GET", fmt.Sprintf("/orders/%d", i), ""), Cluster: g<<32 | i, Subject: i, At: today, Safe: true, Old: answer(body(1)), Old2: &second, New: answer(body(i % 2))})
				if i%50 == 0 {
					r.book.Look(today)
				}
				if i == 100 && g == 0 {
					if err := r.book.Reconfigure(v1.CompareSpec{Unmask: []string{"$.v"}}, v1.GatesSpec{}, today); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if e := r.book.Look(today).Endpoints[0]; e.Pairs != 800 || e.Clusters != 800 {
		t.Errorf("%+v", e)
	}
}

package route

import (
	"encoding/base64"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
)

// orders is a migration of service orders from Java to Go.
func orders(phase v1.Phase, buckets int) v1.Migration {
	return v1.Migration{
		Metadata: v1.Meta{Name: "m", Created: at(1)},
		Spec:     v1.MigrationSpec{Service: "orders", From: v1.Selector{"runtime": "java*"}, To: v1.Selector{"runtime": "go*"}},
		Status:   v1.MigrationStatus{Phase: phase, Buckets: buckets, Epoch: 1},
	}
}

func javaAndGo() *registry.Snapshot {
	return snapshot(
		instance("orders", "g1", map[string]string{"runtime": "go1.26"}),
		instance("orders", "j1", map[string]string{"runtime": "java17"}),
		instance("orders", "j2", map[string]string{"runtime": "java17"}),
	)
}

func jwt(claims string) string {
	e := base64.RawURLEncoding
	return e.EncodeToString([]byte(`{"alg":"none"}`)) + "." + e.EncodeToString([]byte(claims)) + ".c2ln"
}

func migrated(t *testing.T, m v1.Migration, req *Request) Decision {
	t.Helper()
	r := newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{rule("orders")}})
	table, problems := Build([]v1.Route{r}, []v1.Migration{m}, javaAndGo(), Defaults{})
	for _, p := range problems {
		t.Fatalf("problem: %v", p)
	}
	var d Decision
	table.Decide(req, &d)
	return d
}

func TestEachPhaseAssignsSides(t *testing.T) {
	for _, c := range []struct {
		phase           v1.Phase
		buckets         int
		subject, nobody Side
	}{
		{"", 10_000, SideOld, SideOld},
		{v1.PhaseObserve, 10_000, SideOld, SideOld},
		{v1.PhaseMirror, 0, SideOld, SideOld},
		{v1.PhaseRamp, 0, SideOld, SideOld},
		{v1.PhaseRamp, 10_000, SideNew, SideOld},
		{v1.PhaseHold, 10_000, SideNew, SideNew},
		{v1.PhaseDone, 10_000, SideNew, SideNew},
		{v1.PhaseHold, 0, SideOld, SideOld},
		{v1.PhaseDone, 0, SideOld, SideOld},
		{v1.PhaseRolledBack, 10_000, SideOld, SideOld},
	} {
		for who, want := range map[string]Side{"u1": c.subject, "": c.nobody} {
			d := migrated(t, orders(c.phase, c.buckets), request(t, "GET", "/", header{"x-user-id": who}))
			text := map[Side]string{SideOld: "runtime=java*", SideNew: "runtime=go*"}[want]
			if d.Side != want || d.Subset.Text != text || d.Cohort == nil || d.Refused != RefusedNot {
				t.Errorf("%q at %d, subject %q: side %v, subset %v", c.phase, c.buckets, who, d.Side, d.Subset.Text)
			}
			if d.HasSubject != (who != "") {
				t.Errorf("%q: HasSubject %v", who, d.HasSubject)
			}
		}
	}
}

func TestALatchedStatusKeepsEveryoneOnTheOldSide(t *testing.T) {
	m := orders(v1.PhaseHold, 10_000)
	m.Status.Latched = true
	if d := migrated(t, m, request(t, "GET", "/", header{"x-user-id": "u"})); d.Side != SideOld {
		t.Errorf("side %v", d.Side)
	}
}

func TestTheFirstSubjectPresentCounts(t *testing.T) {
	m := orders(v1.PhaseRamp, 5000)
	m.Spec.Subject = []v1.ValueSource{{Header: "X-Id"}, {Cookie: "uid"}, {Query: "u"}, {JWTClaim: "sub"}}
	for want, h := range map[string]header{
		"h": {"x-id": "h", "cookie": "uid=c"},
		"c": {"x-id": "", "cookie": "uid=c"},
		"q": {"cookie": "uid="},
	} {
		d := migrated(t, m, request(t, "GET", "/?u=q", h))
		if d.Subject != Hash("m", want) {
			t.Errorf("want subject %s", want)
		}
	}
	d := migrated(t, m, request(t, "GET", "/", header{"authorization": "bearer " + jwt(`{"sub":42}`)}))
	if d.Subject != Hash("m", "42") || !d.HasSubject {
		t.Error("claim 42 was not read")
	}
}

func TestAPinnedSubsetIsOutsideOfTheMigration(t *testing.T) {
	pinned := rule("orders")
	pinned.BackendRefs[0].Subset = v1.Selector{"runtime": "java*"}
	r := newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{pinned}})
	table, _ := Build([]v1.Route{r}, []v1.Migration{orders(v1.PhaseHold, 10_000)}, javaAndGo(), Defaults{})
	var d Decision
	table.Decide(request(t, "GET", "/", header{"x-user-id": "u"}), &d)
	if d.Cohort != nil || d.Side != SideNone || d.Subset.Text != "runtime=java*" {
		t.Errorf("decision: %+v", d)
	}
	if d.Subset != table.Cohort("m").Old {
		t.Error("the same subset stands twice in the table")
	}
	if table.Cohort("other") != nil {
		t.Error("a migration that does not exist has a cohort")
	}
}

func TestASideWithoutInstancesIsSaidAndKeepsItsAssignment(t *testing.T) {
	r := newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{rule("orders")}})
	reg := snapshot(instance("orders", "j1", map[string]string{"runtime": "java17"}))
	table, problems := Build([]v1.Route{r}, []v1.Migration{orders(v1.PhaseHold, 10_000)}, reg, Defaults{})
	var d Decision
	table.Decide(request(t, "GET", "/", nil), &d)
	if d.Refused != RefusedNoInstance || d.Side != SideNew || len(d.Cohort.Old.Instances) != 1 {
		t.Errorf("decision: %+v", d)
	}
	if len(problems) != 1 || problems[0].Err.Code != "JD-ROUTE-016" || !problems[0].Warning {
		t.Errorf("problems: %v", problems)
	}
}

func TestRaisingTheShareOnlyAddsAndLoweringTakesTheNewest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		salt, subject := strconv.Itoa(rng.IntN(50)), strconv.FormatUint(rng.Uint64(), 36)
		hash := Hash(salt, subject)
		joined := -1
		for buckets := 0; buckets <= Buckets; buckets += 50 {
			c := Cohort{Phase: v1.PhaseRamp, Buckets: buckets}
			switch in := c.takes(hash, true); {
			case in && joined < 0:
				joined = buckets
			case !in && joined >= 0:
				t.Fatalf("subject %s joined at %d and left at %d", subject, joined, buckets)
			}
		}
		if b := Bucket(salt, subject); joined <= b || joined-50 > b {
			t.Fatalf("bucket %d joined at %d", b, joined)
		}
	}
}

// chi2 is the statistic of counts that ought to be equal.
func chi2(counts []int) float64 {
	total := 0
	for _, c := range counts {
		total += c
	}
	want := float64(total) / float64(len(counts))
	sum := 0.0
	for _, c := range counts {
		sum += (float64(c) - want) * (float64(c) - want) / want
	}
	return sum
}

// bound is the value that chi-square of df degrees exceeds with a chance of about 1e-6 (Wilson and
// Hilferty's approximation).
func bound(df float64) float64 {
	return df * math.Pow(1-2/(9*df)+4.75*math.Sqrt(2/(9*df)), 3)
}

func TestBucketsAreUniformForKeysAsPeopleMakeThem(t *testing.T) {
	for name, key := range map[string]func(i int) string{
		"numbers":  strconv.Itoa,
		"padded":   func(i int) string { return "user-" + strconv.Itoa(1_000_000+i) },
		"suffixed": func(i int) string { return strconv.Itoa(i) + "@example.com" },
		"cjk":      func(i int) string { return "用户" + strconv.Itoa(i) },
	} {
		for _, salt := range []string{"", "orders", "订单"} {
			counts := make([]int, 100)
			for i := range 100_000 {
				counts[Bucket(salt, key(i))/100]++
			}
			if x := chi2(counts); x > bound(99) {
				t.Errorf("%s with salt %q: chi-square %.0f over %.0f", name, salt, x, bound(99))
			}
		}
	}
}

func TestSaltsAreIndependent(t *testing.T) {
	counts := make([]int, 100)
	for i := range 100_000 {
		s := strconv.Itoa(i)
		counts[Bucket("a", s)/1000*10+Bucket("b", s)/1000]++
	}
	if x := chi2(counts); x > bound(99) {
		t.Errorf("chi-square %.0f over %.0f", x, bound(99))
	}
}

func weighted(a, b int, sticky bool) v1.RouteRule {
	r := v1.RouteRule{BackendRefs: []v1.BackendRef{
		{BackendTarget: v1.BackendTarget{Service: "a"}, Weight: &a},
		{BackendTarget: v1.BackendTarget{Service: "b"}, Weight: &b},
	}}
	if sticky {
		r.Stickiness = &v1.Stickiness{Subject: []v1.ValueSource{{Header: "u"}}}
	}
	return r
}

func TestStickyWeightsMoveOnlyTheDelta(t *testing.T) {
	before := mustBuild(t, newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{weighted(80, 20, true)}}))
	after := mustBuild(t, newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{weighted(70, 30, true)}}))
	moved, onB := 0, 0
	const n = 20_000
	for i := range n {
		req := request(t, "GET", "/", header{"u": strconv.Itoa(i)})
		var x, y Decision
		before.Decide(req, &x)
		after.Decide(req, &y)
		if x.Subset.Service == "b" {
			onB++
			if y.Subset.Service != "b" {
				t.Fatal("a subject went against the change")
			}
		} else if y.Subset.Service == "b" {
			moved++
		}
		if !x.HasSubject || x.Side != SideNone {
			t.Fatalf("decision: %+v", x)
		}
	}
	if near(onB, n/5) || near(moved, n/10) {
		t.Errorf("%d on b before, %d moved", onB, moved)
	}
}

// near says that got is not near want, by five standard deviations.
func near(got, want int) bool { return math.Abs(float64(got-want)) > 5*math.Sqrt(float64(want)) }

func TestWeightsWithoutASubjectFollowTheDraw(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, sticky := range []bool{false, true} {
		table := mustBuild(t, newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{weighted(80, 20, sticky)}}))
		onB := 0
		for range 20_000 {
			req := request(t, "GET", "/", nil)
			req.Random = rng.Uint64()
			var d Decision
			table.Decide(req, &d)
			if d.Subset.Service == "b" {
				onB++
			}
		}
		if near(onB, 4000) {
			t.Errorf("%d of 20000 on b", onB)
		}
	}
}

func TestAWeightOfZeroGetsNothing(t *testing.T) {
	table := mustBuild(t, newRoute("r", 1, v1.RouteSpec{Rules: []v1.RouteRule{weighted(0, 1, false)}}))
	for _, random := range []uint64{0, 1, math.MaxUint64} {
		req := request(t, "GET", "/", nil)
		req.Random = random
		var d Decision
		table.Decide(req, &d)
		if d.Subset.Service != "b" {
			t.Errorf("random %d goes to %s", random, d.Subset.Service)
		}
	}
}

func TestSidesHaveNames(t *testing.T) {
	if got := SideNone.String() + SideOld.String() + SideNew.String(); got != "noneoldnew" {
		t.Error(got)
	}
}

package migrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
	"jindu.dev/jindu/internal/migrate/evidence"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/route"
)

func viewOf(t testing.TB, olds, news []target) *mirrorView {
	return &mirrorView{name: "move", settings: resolved(t, nil), phase: v1.PhaseRamp, old: olds, new: news}
}

func TestWhoIsAsked(t *testing.T) {
	olds := []target{{"old1", false}, {"old2", false}}
	news := []target{{"new1", false}}
	safeOld, safeNew := []target{{"old1", true}}, []target{{"new1", true}, {"new2", false}}
	get := Recorded{Method: "GET", Status: 200, Answered: route.SideOld, Instance: "old1"}
	with := func(change func(*Recorded)) Recorded {
		r := get
		change(&r)
		return r
	}
	post := with(func(r *Recorded) { r.Method = "POST" })
	for name, c := range map[string]struct {
		rec      Recorded
		old, new []target
		triple   bool
		want     string
	}{
		"old answered":                        {get, olds, news, false, "new:new1"},
		"a triple asks the other old one too": {get, olds, news, true, "old2:old2 new:new1"},
		"new answered":                        {with(func(r *Recorded) { r.Answered, r.Instance = route.SideNew, "new1" }), olds[:1], news, false, "old:old1"},
		"new answered, and is asked again":    {with(func(r *Recorded) { r.Answered = route.SideNew }), olds[:1], news, true, "old:old1 new2:new1"},
		"the other new one is asked again":    {with(func(r *Recorded) { r.Answered, r.Instance = route.SideNew, "new1" }), olds[:1], safeNew, true, "old:old1 new2:new2"},
		"a fallback is an old answer":         {with(func(r *Recorded) { r.Assigned = route.SideNew }), olds, news, true, "old2:old2 new:new1"},
		"observed":                            {with(func(r *Recorded) { r.Observed, r.Answered, r.Status = true, route.SideNone, 0 }), olds[:1], news, true, "old:old1 old2:old1 new:new1"},
		"unsafe":                              {post, olds, news, false, "skip unsafe_method"},
		"unsafe, new is shadow-safe":          {post, olds, safeNew, true, "new:new1 new2:new1"},
		"unsafe, both are shadow-safe":        {post, safeOld, safeNew, true, "new:new1 new2:new1"},
		"unsafe, new answered":                {with(func(r *Recorded) { r.Method, r.Answered = "DELETE", route.SideNew }), olds, safeNew, false, "skip unsafe_method"},
		"unsafe, new answered, old is safe":   {with(func(r *Recorded) { r.Method, r.Answered = "DELETE", route.SideNew }), safeOld, news, true, "old:old1 old2:old1"},
		"unsafe, new answered, both are safe": {with(func(r *Recorded) { r.Method, r.Answered = "DELETE", route.SideNew }), safeOld, safeNew, true, "old:old1 old2:old1"},
		"unsafe, observed, only new is safe":  {with(func(r *Recorded) { r.Method, r.Observed = "PUT", true }), olds, safeNew, false, "skip unsafe_method"},
		"options is safe, but no noise":       {with(func(r *Recorded) { r.Method = "OPTIONS" }), olds, news, true, "new:new1"},
		"options, new answered":               {with(func(r *Recorded) { r.Method, r.Answered = "OPTIONS", route.SideNew }), olds[:1], news, true, "old:old1"},
		"nobody there":                        {get, olds, nil, false, "none"},
		"nobody there for an unsafe one":      {post, olds, nil, false, "none"},
		"a copy":                              {with(func(r *Recorded) { r.Header = []v1.Header{{Name: "x-jindu-shadow", Value: "move"}} }), olds, news, true, "skip shadow_header"},
		"upgraded":                            {with(func(r *Recorded) { r.Status = 101 }), olds, news, false, "skip upgraded"},
		"asks for an upgrade":                 {with(func(r *Recorded) { r.Header = []v1.Header{{Name: "upgrade", Value: "websocket"}} }), olds, news, false, "skip upgraded"},
		"request cut":                         {with(func(r *Recorded) { r.Truncated = true }), olds, news, false, "skip truncated"},
		"unsafe and cut":                      {with(func(r *Recorded) { r.Method, r.Truncated = "POST", true }), olds, news, false, "skip unsafe_method"},
		"unsafe and cut, new is shadow-safe":  {with(func(r *Recorded) { r.Method, r.Truncated = "POST", true }), olds, safeNew, false, "skip truncated"},
		"answer cut":                          {with(func(r *Recorded) { r.ResponseTruncated = true }), olds, news, false, "skip truncated"},
	} {
		v := viewOf(t, c.old, c.new)
		p := v.plan(&c.rec, func() bool { return c.triple }, rand.New(rand.NewPCG(1, 2)))
		slices.SortFunc(p.asks, func(a, b ask) int { return int(a.role) - int(b.role) })
		got := "skip " + p.skip
		if p.none {
			got = "none"
		} else if p.skip == "" {
			var parts []string
			for _, a := range p.asks {
				parts = append(parts, []string{"old", "old2", "new", "new2"}[a.role]+":"+a.address)
			}
			got = strings.Join(parts, " ")
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestTheOrderOfATripleIsRandom(t *testing.T) {
	v := viewOf(t, []target{{"old", false}}, []target{{"new", false}})
	rng := rand.New(rand.NewPCG(1, 2))
	for answered, want := range map[route.Side]role{route.SideOld: roleNew, route.SideNew: roleNew2} {
		newFirst := 0
		for range 1000 {
			p := v.plan(&Recorded{Method: "GET", Status: 200, Answered: answered}, func() bool { return true }, rng)
			if len(p.asks) == 2 && p.asks[0].role == want {
				newFirst++
			}
		}
		if newFirst < 400 || newFirst > 600 {
			t.Errorf("after an answer of side %v the new side is asked first in %d of 1000", answered, newFirst)
		}
	}
}

func TestACopyIsTheSameRequestMarkedAsACopy(t *testing.T) {
	rec := &Recorded{
		Method: "POST", Host: "shop.example", Target: "/orders?x=1", Body: []byte("{}"), Trace: strings.Repeat("ab", 16),
		Header: []v1.Header{
			{Name: "Authorization", Value: "Bearer secret"}, {Name: "X-Request-Id", Value: "r1"}, {Name: "Connection", Value: "keep-alive, X-Gone"},
			{Name: "X-Gone", Value: "1"}, {Name: "Transfer-Encoding", Value: "chunked"}, {Name: "X-Jindu-State", Value: "forged"},
			{Name: "traceparent", Value: "00-" + strings.Repeat("ab", 16) + "-00f067aa0ba902b7-01"}, {Name: "Accept", Value: "a"}, {Name: "Accept", Value: "b"},
		},
		ResponseHeader: []v1.Header{{Name: "x-jindu-state", Value: "v42"}},
	}
	c := copyOf(rec, "move", "", 0x1234)
	var got []string
	for _, h := range c.Header {
		got = append(got, h.Name+": "+h.Value)
	}
	want := []string{
		"Authorization: Bearer secret", "X-Request-Id: r1", "Accept: a", "Accept: b", "X-Jindu-Shadow: move", "X-Jindu-State: v42",
		"traceparent: 00-" + strings.Repeat("ab", 16) + "-0000000000001235-01",
	}
	if !slices.Equal(got, want) || c.Method != rec.Method || c.Host != "shop.example" || c.Target != "/orders?x=1" || string(c.Body) != "{}" {
		t.Errorf("copy is %+v\ngot  %q\nwant %q", c, got, want)
	}
}

func TestWhatBecomesOfCopies(t *testing.T) {
	ok := Reply{Status: 200, Body: []byte("1")}
	late := fmt.Errorf("call: %w", context.DeadlineExceeded)
	gone := fmt.Errorf("call: %w", ErrUnreached)
	broken := errors.New("connection reset")
	newFirst := Recorded{Method: "GET", Status: 201, Answered: route.SideNew}
	for name, c := range map[string]struct {
		rec  Recorded
		said []said
		want string // drop, or the answers: old, second old, new, second new
	}{
		"pair":                     {Recorded{Method: "GET", Status: 201}, []said{{role: roleNew, reply: ok, err: nil}}, "201 - 200"},
		"triple":                   {Recorded{Method: "GET", Status: 201}, []said{{role: roleNew, reply: ok, err: nil}, {role: roleOld2, reply: ok, err: nil}}, "201 200 200"},
		"second old breaks":        {Recorded{Method: "GET", Status: 201}, []said{{role: roleOld2, reply: Reply{}, err: broken}, {role: roleNew, reply: ok, err: nil}}, "201 closed 200"},
		"both are late":            {Recorded{Method: "GET", Status: 201}, []said{{role: roleOld2, reply: Reply{}, err: late}, {role: roleNew, reply: Reply{}, err: late}}, "201 timeout timeout"},
		"second old not reached":   {Recorded{Method: "GET", Status: 201}, []said{{role: roleOld2, reply: Reply{}, err: gone}, {role: roleNew, reply: ok, err: nil}}, "201 - 200"},
		"second old, node stops":   {Recorded{Method: "GET", Status: 201}, []said{{role: roleOld2, reply: Reply{}, err: context.Canceled}, {role: roleNew, reply: ok, err: nil}}, "201 - 200"},
		"new times out":            {Recorded{Method: "GET", Status: 201}, []said{{role: roleNew, reply: Reply{}, err: late}}, "201 - timeout"},
		"new breaks":               {Recorded{Method: "GET", Status: 201}, []said{{role: roleNew, reply: Reply{}, err: broken}}, "201 - closed"},
		"new not reached":          {Recorded{Method: "GET", Status: 201}, []said{{role: roleNew, reply: Reply{}, err: gone}}, "drop failed"},
		"node stops":               {Recorded{Method: "GET", Status: 201}, []said{{role: roleNew, reply: Reply{}, err: context.Canceled}}, "drop shutdown"},
		"new answered":             {Recorded{Method: "GET", Status: 201, Answered: route.SideNew}, []said{{role: roleOld, reply: ok, err: nil}}, "200 - 201"},
		"new answered, old late":   {Recorded{Method: "GET", Status: 201, Answered: route.SideNew}, []said{{role: roleOld, reply: Reply{}, err: late}}, "drop timeout"},
		"new answered, old breaks": {Recorded{Method: "GET", Status: 201, Answered: route.SideNew}, []said{{role: roleOld, reply: Reply{}, err: broken}}, "drop failed"},
		"new first":                {newFirst, []said{{role: roleNew2, reply: ok, err: nil}, {role: roleOld, reply: ok, err: nil}}, "200 - 201 200"},
		"new first, old late":      {newFirst, []said{{role: roleNew2, reply: ok, err: nil}, {role: roleOld, reply: Reply{}, err: late}}, "drop timeout"},
		"new first, second late":   {newFirst, []said{{role: roleNew2, reply: Reply{}, err: late}, {role: roleOld, reply: ok, err: nil}}, "drop timeout"},
		"new first, second gone":   {newFirst, []said{{role: roleNew2, reply: Reply{}, err: gone}, {role: roleOld, reply: ok, err: nil}}, "200 - 201"},
		"new first, node stops":    {newFirst, []said{{role: roleNew2, reply: Reply{}, err: context.Canceled}, {role: roleOld, reply: ok, err: nil}}, "200 - 201"},
		"observed, second late":    {Recorded{Method: "GET", Observed: true}, []said{{role: roleNew, reply: ok, err: nil}, {role: roleOld2, reply: Reply{}, err: late}, {role: roleOld, reply: ok, err: nil}}, "200 timeout 200"},
		"observed":                 {Recorded{Method: "GET", Observed: true}, []said{{role: roleNew, reply: ok, err: nil}, {role: roleOld, reply: Reply{Status: 204}, err: nil}}, "204 - 200"},
	} {
		j := job{rec: &c.rec, endpoint: "GET /"}
		o, drop := j.observe(c.said)
		show := func(a *compare.Answer) string {
			switch {
			case a == nil:
				return "-"
			case a.Failure != "":
				return a.Failure
			}
			return fmt.Sprint(a.Status)
		}
		got := show(&o.Old) + " " + show(o.Old2) + " " + show(&o.New)
		if o.New2 != nil {
			got += " " + show(o.New2)
		}
		if drop != "" {
			got = "drop " + drop
		} else if o.NewFirst != (c.rec.Answered == route.SideNew) {
			t.Errorf("%s: new first is %v", name, o.NewFirst)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestClustersAreOfSubjectAndEndpoint(t *testing.T) {
	a := clusterOf(1, "GET /a")
	if a == clusterOf(2, "GET /a") || a == clusterOf(1, "GET /b") || a != clusterOf(1, "GET /a") {
		t.Error("a cluster is one subject at one endpoint")
	}
	one := &Recorded{ClientIP: netip.MustParseAddr("10.0.0.1")}
	two := &Recorded{ClientIP: netip.MustParseAddr("10.0.0.2")}
	if askerOf(one) == askerOf(two) || askerOf(&Recorded{HasSubject: true, Subject: 7}) != 7 {
		t.Error("without a subject the client's address stands in")
	}
}

func TestTheRateIsBounded(t *testing.T) {
	var l limiter
	allowed := 0
	for i := range 10_000 { // 10 s, 1000 a second
		if l.allow(time.Duration(i)*time.Millisecond, 100) {
			allowed++
		}
	}
	if allowed < 990 || allowed > 1011 {
		t.Errorf("%d events in 10 s at a rate of 100", allowed)
	}
	var quiet limiter
	quiet.allow(0, 10)
	burst := 0
	for range 100 {
		if quiet.allow(time.Hour, 10) {
			burst++
		}
	}
	if burst != 1 { // a tenth of a second at 10 a second
		t.Errorf("after an hour of silence %d at once", burst)
	}
	if l.allow(time.Hour, 0) {
		t.Error("a rate of 0 lets something through")
	}
}

func TestControlsKeepTheirShareWhereTheRateIsShort(t *testing.T) {
	l := &lane{name: "move"}
	v := viewOf(t, nil, nil)
	v.settings.Percent, v.settings.Triples, v.settings.MaxRate = 1, 0.5, 100
	rng := rand.New(rand.NewPCG(1, 2))
	sampled, controls := 0, 0
	for i := range 10_000 { // 10 s, ten times the rate
		if l.sampled(v, time.Duration(i)*time.Millisecond, rng.Uint64()) {
			sampled++
			if l.triple(v, rng) {
				controls++
			}
		}
	}
	if all := sampled + controls; all < 980 || all > 1020 {
		t.Errorf("%d copies in 10 s at a rate of 100", all)
	}
	if controls*10 < sampled*4 {
		t.Errorf("%d controls for %d samples, half was asked for", controls, sampled)
	}
}

func TestTheQueueIsBoundedByCountBytesAndCopies(t *testing.T) {
	l := &lane{name: "move", maxQueue: 3}
	v := viewOf(t, nil, nil)
	v.settings.MaxInFlight, v.settings.MaxBytes = 4, 100
	j := job{rec: &Recorded{}, view: v, asks: []ask{{}, {}}, size: 30}
	for i := range 4 {
		if drop := l.push(j); (drop != "") != (i == 3) || i == 3 && drop != dropQueue {
			t.Errorf("push %d: %q", i, drop)
		}
	}
	if !l.full.Load() {
		t.Error("the queue does not say that it is full")
	}
	a, ok1 := l.take()
	_, ok2 := l.take()
	if _, ok := l.take(); !ok1 || !ok2 || ok {
		t.Error("two jobs of two copies fit under four")
	}
	if drop := l.push(job{rec: &Recorded{}, view: v, size: 11}); drop != dropBytes {
		t.Errorf("beyond the bytes: %q", drop)
	}
	l.done(&a, false)
	if _, inFlight, bytes := l.load(); inFlight != 2 || bytes != 60 {
		t.Errorf("%d in flight, %d bytes", inFlight, bytes)
	}
	l.close()
	if drop := l.push(j); drop != dropShutdown {
		t.Errorf("after the end: %q", drop)
	}
	if c := l.tally.counts(); c.Dropped[dropShutdown] != 1 {
		t.Errorf("dropped %v", c.Dropped)
	}
	// One job larger than the bound still goes, alone.
	big := &lane{name: "move", maxQueue: 3}
	v.settings.MaxInFlight = 1
	if drop := big.push(j); drop != "" {
		t.Fatal(drop)
	}
	if _, ok := big.take(); !ok {
		t.Error("a job of two copies never starts under a bound of one")
	}
}

func TestSidesOfAVersionedService(t *testing.T) {
	spec := resolved(t, nil).Spec
	snap := &registry.Snapshot{Services: map[string]*registry.Service{"orders": {Instances: []*registry.Instance{
		instance("a", "java17", "1.1"), instance("b", "java17", "1.0"), instance("c", "go1.26", ""), instance("d", "go1.26", "2 (rc)"),
		{Name: "e", State: v1.StateGone, Metadata: map[string]string{"runtime": "java17", "version": "0.9"}},
	}}}}
	s := sidesOf(snap, &spec)
	if got, want := s.pair(""), "1.0+1.1 → -+2__rc_ (orders: runtime=java17 → runtime=go1.26)"; got != want {
		t.Errorf("pair %q, want %q", got, want)
	}
	if !sameSides(s.pair(""), "7 → 8 (orders: runtime=java17 → runtime=go1.26)") || sameSides(s.pair(""), "1 → 2 (carts: runtime=java17 → runtime=go1.26)") {
		t.Error("same sides are those of the same service and selectors")
	}
}

func TestStatesThatDifferAreNotComparable(t *testing.T) {
	book, err := evidence.NewBook(evidence.Config{Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	l := &lane{name: "move"}
	state := func(v string) []v1.Header { return []v1.Header{{Name: "X-Jindu-State", Value: v}} }
	j := &job{rec: &Recorded{Method: "GET", Status: 200, ResponseHeader: state("1")}, book: book, endpoint: "GET /a", asks: []ask{{}}}
	l.settle(j, []said{{role: roleNew, reply: Reply{Status: 200, Header: state("2")}, err: nil}}, false, time.Time{})
	l.settle(j, []said{{role: roleNew, reply: Reply{Status: 200, Header: state("1")}, err: nil}}, false, time.Time{})
	l.settle(j, []said{{role: roleNew, reply: Reply{}, err: ErrUnreached}}, false, time.Time{})
	c := l.tally.counts()
	if c.NotComparable[reasonState] != 1 || c.Compared != 1 || c.Dropped[dropFailed] != 1 || l.tally.copies() != (Copies{3, 1}) {
		t.Errorf("counts %+v, copies %+v", c, l.tally.copies())
	}
}

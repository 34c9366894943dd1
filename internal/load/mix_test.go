package load

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

func compile(t *testing.T, text string) Source {
	t.Helper()
	m, err := ParseMix([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAVariableIsTheSameInTargetHeaderAndBody(t *testing.T) {
	s := compile(t, `
vars: {user: "zipf:100", id: uuid, n: "seq:7", c: "pick:a|b", q: "uniform:5-6"}
requests:
- {method: post, target: "/u/{user}?c={c}&q={q}", headers: {X-User: "{user}", X-Id: "{id}"}, body: '{"user":{user},"id":"{id}","n":{n}}'}
`)
	r := rand.New(rand.NewPCG(1, 1))
	shape := regexp.MustCompile(`^/u/(\d+)\?c=[ab]&q=[56]$`)
	uuids := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for i := range 200 {
		var req Request
		s.Next(r, &req)
		m := shape.FindStringSubmatch(req.Target)
		if m == nil || req.Method != "POST" || req.Name != "POST /u/{user}?c={c}&q={q}" || len(req.Header) != 2 {
			t.Fatalf("request %+v", req)
		}
		id := req.Header[0].Value
		if !uuids.MatchString(id) || seen[id] || req.Header[1].Value != m[1] {
			t.Fatalf("headers %v", req.Header)
		}
		seen[id] = true
		if want := `{"user":` + m[1] + `,"id":"` + id + `","n":`; !strings.HasPrefix(string(req.Body), want) {
			t.Fatalf("body %s, want %s...", req.Body, want)
		}
		if i == 0 && !strings.HasSuffix(string(req.Body), `"n":7}`) {
			t.Errorf("the sequence begins with %s", req.Body)
		}
	}
}

func TestRequestsComeByWeight(t *testing.T) {
	s := compile(t, `requests: [{weight: 3, target: /a}, {target: /b}, {weight: 6, target: /c}]`)
	r := rand.New(rand.NewPCG(1, 1))
	n := map[string]int{}
	for range 10_000 {
		var req Request
		s.Next(r, &req)
		n[req.Target]++
	}
	if n["/a"] < 2800 || n["/a"] > 3200 || n["/b"] < 850 || n["/b"] > 1150 || n["/c"] < 5800 || n["/c"] > 6200 {
		t.Errorf("counts %v, want about 3000, 1000, 6000", n)
	}
}

func TestZipfFollowsItsLaw(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	z := NewZipf(1000, 1)
	n := map[int64]int{}
	for range 100_000 {
		v := z.Draw(r)
		if v < 1 || v > 1000 {
			t.Fatalf("drew %d", v)
		}
		n[v]++
	}
	for k, want := range map[int64]int{1: 13359, 2: 6679, 10: 1336} { // 100000 / (k · H(1000))
		if n[k] < want*9/10 || n[k] > want*11/10 {
			t.Errorf("%d came %d times, want about %d", k, n[k], want)
		}
	}
}

func TestWhatIsWrongInAMixIsNamed(t *testing.T) {
	for part, text := range map[string]string{
		"requests":                  `{}`,
		"{who} is no variable":      `requests: [{target: "/{who}"}]`,
		"begins with /":             `requests: [{target: "x"}]`,
		"number above 0":            `requests: [{target: /, weight: -1}]`,
		"give a method":             `requests: [{target: /, method: "G T"}]`,
		"name of a header":          `requests: [{target: /, headers: {"a b": c}}]`,
		"a line break":              `requests: [{target: /, headers: {a: "b\nc"}}]`,
		"write zipf:N":              `{vars: {a: "zipf:0"}, requests: [{target: /}]}`,
		"LO not above HI":           `{vars: {a: "uniform:5-4"}, requests: [{target: /}]}`,
		"write seq":                 `{vars: {a: "seq:x"}, requests: [{target: /}]}`,
		"control characters":        "{vars: {a: \"pick:a\\nb\"}, requests: [{target: /}]}",
		"uuid or pick":              `{vars: {a: "gauss:1"}, requests: [{target: /}]}`,
		"S from 0 to 10":            `{vars: {a: "zipf:5:11"}, requests: [{target: /}]}`,
		"field targets not found":   `requests: [{targets: /}]`,
		"did not find expected":     `requests: [`,
		"requests[1].target = nope": `requests: [{target: /}, {target: nope}]`,
	} {
		m, err := ParseMix([]byte(text))
		if err == nil {
			_, err = m.Compile()
		}
		if err == nil || !strings.Contains(err.Error(), part) || kind.Of(err) != kind.Invalid {
			t.Errorf("%s: got %v, want something about %q", text, err, part)
		}
	}
}

func FuzzMix(f *testing.F) {
	f.Add(`{vars: {u: "zipf:10"}, requests: [{target: "/{u}", body: "{u}"}]}`)
	f.Add(`requests: [{weight: 1e9, target: /}]`)
	f.Add(`vars: {a: "uniform:-5-5"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "zipf:") && len(text) > 200 {
			return // tables of millions of values only cost time
		}
		m, err := ParseMix([]byte(text))
		if err != nil {
			return
		}
		s, err := m.Compile()
		if err != nil {
			return
		}
		r := rand.New(rand.NewPCG(1, 1))
		for range 3 {
			var req Request
			s.Next(r, &req)
			if !strings.HasPrefix(req.Target, "/") || strings.ContainsAny(req.Target, "\r\n") || req.Method == "" {
				t.Errorf("request %+v", req)
			}
			for _, h := range req.Header {
				if strings.ContainsAny(h.Name+h.Value, "\r\n") {
					t.Errorf("header %+v", h)
				}
			}
		}
	})
}

func TestTheViewSaysWhatPeopleAskFirst(t *testing.T) {
	p := Progress{
		Elapsed: 5 * time.Second, Of: 10 * time.Second, Requests: 9000, Errors: 3, Late: 2, Dropped: 1, InFlight: 4, Rate: 1800,
		Latency: Latency{P50: 900, P90: 1500, P99: 25_000, P999: 1_200_000, Max: 150_000}, Kinds: map[string]int64{"timeout": 3},
	}
	text := strings.Join(View(p, 80), "\n")
	for _, want := range []string{"5s of 10s", "1800 requests/s", "9000 sent", "4 in flight", "p50 900µs", "p90 1.5ms", "p99 25.0ms", "p99.9 1.20s", "max 150ms", "errors 3", "late 2", "dropped 1", "timeout 3"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if !strings.Contains(Line(p), "1800 requests/s") || !strings.Contains(Line(Progress{WarmUp: true}), "warm-up") {
		t.Error("the line lacks rate or warm-up")
	}
	if !strings.Contains(strings.Join(View(Progress{Count: 10, Requests: 5}, 80), ""), "█████") {
		t.Error("half of a count is not half a bar")
	}
}

func TestTheSummaryListsEndpoints(t *testing.T) {
	r := Result{Mode: "open", Requests: 10, Seconds: 2, Throughput: 5, ErrorKinds: map[string]int64{"closed": 1}, Errors: 1,
		Endpoints: []NamedResult{{Name: "GET /a", Requests: 4}, {Name: "GET /b", Requests: 6}}}
	text := strings.Join(Summary(r), "\n")
	for _, want := range []string{"10 requests in 2.0 s, 5 a second (open loop)", "closed 1", "from intended start", "from actual start", "GET /a", "GET /b"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	r.Mode = "closed"
	if strings.Contains(strings.Join(Summary(r), "\n"), "intended") {
		t.Error("a closed loop has no intended starts")
	}
}

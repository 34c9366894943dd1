package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

func seq(list ...v1.Recording) iter.Seq2[v1.Recording, error] {
	return func(yield func(v1.Recording, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// rig is a service under test that asks a dependency for a price.
type rig struct {
	deps    *Dependencies
	options Options
	shadows atomic.Int64
}

func newRig(t *testing.T, amount string) *rig {
	t.Helper()
	r := &rig{deps: NewDependencies()}
	proxy := httptest.NewServer(r.deps)
	t.Cleanup(proxy.Close)
	proxyURL, _ := url.Parse(proxy.URL)
	through := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxyURL)}}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		if in.Header.Get("X-Jindu-Shadow") == "shop" && strings.Contains(in.Header.Get(v1.MarkHeader), ":s:") {
			r.shadows.Add(1)
		}
		w.Header().Set("Content-Type", "application/json")
		if in.URL.Path == "/plain" {
			fmt.Fprint(w, `{"n":1}`)
			return
		}
		call, _ := http.NewRequestWithContext(in.Context(), http.MethodPost, "http://pay.internal/charges", strings.NewReader(`{"amount": `+amount+`,"order":7}`))
		call.Header.Set(v1.MarkHeader, in.Header.Get(v1.MarkHeader))
		resp, err := through.Do(call)
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		said, _ := io.ReadAll(resp.Body)
		fmt.Fprintf(w, `{"paid":%d,"said":%q}`, resp.StatusCode, said)
	}))
	t.Cleanup(service.Close)
	to, _ := url.Parse(service.URL)
	r.options = Options{Migration: "shop", To: to, Parallel: 4, Timeout: 5 * time.Second, Client: service.Client()}
	return r
}

func order(run string) v1.Recording {
	return v1.Recording{
		Run: run, Endpoint: "POST /orders",
		Request: v1.RecordedRequest{Method: "POST", Host: "shop", Target: "/orders", Body: `{"order":7}`},
		Answer:  v1.RecordedResponse{Status: 200, Header: []v1.Header{{Name: "Content-Type", Value: "application/json"}}, Body: `{"said":"{\"ok\":true}","paid":201}`},
		Effects: []v1.Effect{
			{Kind: v1.EffectRow, Op: "insert", Target: "orders"},
			{Kind: v1.EffectCall, Op: "POST", Target: "pay.internal/charges", Body: `{"order":7,"amount":12.50}`, Status: 201, Answer: `{"ok":true}`},
		},
	}
}

func TestDependenciesAnswerFromTheRecording(t *testing.T) {
	r := newRig(t, "12.50")
	out, err := Play(t.Context(), seq(order("00000000000000aa"), order("00000000000000ab")), r.deps, r.options)
	if err != nil || out.Requests != 2 || out.Alike != 2 || r.shadows.Load() != 2 {
		t.Errorf("%+v %v, %d marked", out, err, r.shadows.Load())
	}
}

func TestACallThatWasNotRecordedIsAMissAndNeverANearMatch(t *testing.T) {
	r := newRig(t, "12.5") // the same number, written otherwise: another body
	out, err := Play(t.Context(), seq(order("00000000000000aa")), r.deps, r.options)
	if err != nil || out.Miss != 1 || out.Alike+out.Differ+out.Failed != 0 {
		t.Fatalf("%+v %v", out, err)
	}
	if m := out.Misses[0]; m.Run != "00000000000000aa" || m.Method != "POST" || m.Target != "pay.internal/charges" || !strings.Contains(m.Nearest, "another body") {
		t.Errorf("%+v", m)
	}
}

func TestACallIsAnsweredOnlyAsOftenAsItWasRecorded(t *testing.T) {
	d := NewDependencies()
	rec := order("00000000000000aa")
	d.begin("r", &rec)
	body := []byte(`{"amount":12.50,"order":7}`)
	if c, why := d.answer("r", "POST", "pay.internal/charges", body); c == nil {
		t.Fatal(why)
	}
	if c, _ := d.answer("r", "POST", "pay.internal/charges", body); c != nil {
		t.Error("answered twice")
	}
	if m := d.Misses(); len(m) != 1 || !strings.Contains(m[0].Nearest, "asked for already") {
		t.Errorf("%+v", m)
	}
	if c, _ := d.answer("r", "GET", "pay.internal/charges?x=1", nil); c != nil || !strings.Contains(d.Misses()[1].Nearest, "POST pay.internal/charges") {
		t.Errorf("%+v", d.Misses())
	}
	if c, why := d.answer("", "GET", "pay.internal/charges", nil); c != nil || !strings.Contains(why, "X-Jindu-Mark") {
		t.Error(why)
	}
	if !d.end("r") || d.end("r") {
		t.Error("end")
	}
	unanswered := order("00000000000000ab")
	unanswered.Effects[1].Status = 0
	d.begin("u", &unanswered)
	if c, _ := d.answer("u", "POST", "pay.internal/charges", body); c != nil || !strings.Contains(d.Misses()[3].Nearest, "not recorded") {
		t.Errorf("%+v", d.Misses())
	}
}

func TestDifferencesAreCountedByPathAndOldNoiseIsNot(t *testing.T) {
	r := newRig(t, "12.50")
	var n atomic.Int64
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"n":2,"at":%d}`, n.Add(1))
	}))
	defer old.Close()
	plain := v1.Recording{
		Run: "00000000000000aa", Request: v1.RecordedRequest{Method: "GET", Target: "/plain"},
		Answer: v1.RecordedResponse{Status: 200, Header: []v1.Header{{Name: "Content-Type", Value: "application/json"}}, Body: `{"n":2,"at":77}`},
	}
	r.options.Old, _ = url.Parse(old.URL)
	out, err := Play(t.Context(), seq(plain, plain), r.deps, r.options)
	if err != nil || out.Differ != 2 || len(out.Endpoints) != 1 || out.Endpoints[0].Endpoint != "GET /plain" {
		t.Fatalf("%+v %v", out, err)
	}
	if p := out.Endpoints[0].Paths; p["$.n"] != 2 || len(p) != 1 {
		t.Errorf("paths %v", p)
	}
	r.options.Compare.Ignore = []v1.IgnoreRule{{Path: "$.n", Owner: "me", Reason: "known", Expires: time.Now().Add(time.Hour)}}
	if out, _ := Play(t.Context(), seq(plain), r.deps, r.options); out.Alike != 1 {
		t.Errorf("ignored: %+v", out)
	}
}

func TestWhatCannotBeAskedHasFailed(t *testing.T) {
	r := newRig(t, "1")
	r.options.To, _ = url.Parse("http://127.0.0.1:1")
	bad := order("00000000000000ab")
	bad.Request.Base64, bad.Request.Body = true, "!"
	if out, err := Play(t.Context(), seq(order("00000000000000aa"), bad), nil, r.options); err != nil || out.Failed != 2 {
		t.Errorf("%+v %v", out, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.options.Parallel = 0
	if _, err := Play(ctx, seq(order("a"), order("b"), order("c")), nil, r.options); err == nil {
		t.Error("went on after the end")
	}
	r.options.Compare.Rules = map[string]bool{"nonsense": true}
	if _, err := Play(t.Context(), seq(), nil, r.options); err == nil {
		t.Error("a wrong rule was taken")
	}
}

func TestAFileIsReadAsItWasWritten(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, "shop")
	if err != nil {
		t.Fatal(err)
	}
	in := order("00000000000000aa")
	in.Answer.Body, in.Answer.Base64 = text([]byte{0xff, 0})
	if err := w.Write(&in); err != nil || w.Flush() != nil || w.N != 1 {
		t.Fatal(err)
	}
	n := 0
	for out, err := range Read(&file) {
		a, _ := json.Marshal(in)
		b, _ := json.Marshal(out)
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s %v", b, err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d recordings", n)
	}
}

func TestBadFilesSayWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"empty":       {"", "empty"},
		"packed":      {"\x1f\x8b", "unpack it"},
		"other JSON":  {"{\"a\":1}\n", "not the head"},
		"cut off":     {`{"jindu":"recording","version":1}` + "\n" + `{"run":"a`, "line 2"},
		"no time":     {"1 abc x\nGET / HTTP/1.1\r\n\r\n", "no number"},
		"no head":     {"1 abc\n", "TYPE ID TIME"},
		"no request":  {"1 abc 1\nnonsense", "no HTTP request"},
		"no answer":   {"1 abc 1\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" + string(goreplayEnd) + "2 abc 2\nnonsense", "no HTTP answer"},
		"twice":       {"1 abc 1\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" + string(goreplayEnd) + "1 abc 1\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "second request"},
		"other types": {"1 abc 1\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" + string(goreplayEnd) + "4 abc 1\nx", "none of 1, 2, 3"},
	} {
		var err error
		for _, e := range Read(strings.NewReader(c.file)) {
			err = e
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const goreplayFile = "1 932079936fa4306fc308d67588178d17d823647c 1439818823587396305\n" +
	"POST /orders?x=1 HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"a\":\"b\"}" + "\n🐵🙈🙉\n" +
	"1 zz 1439818823587396306\nGET /lost HTTP/1.1\r\nHost: shop\r\n\r\n" + "\n🐵🙈🙉\n" +
	"2 932079936fa4306fc308d67588178d17d823647c 1439818823588396305 1000000\n" +
	"HTTP/1.1 201 Created\r\nContent-Length: 7\r\nX-B: 2\r\nX-A: 1\r\n\r\n{\"i\":1}" + "\n🐵🙈🙉\n" +
	"3 932079936fa4306fc308d67588178d17d823647c 1439818823588396309 5\nHTTP/1.1 200 OK\r\n\r\n" + "\n🐵🙈🙉\n" +
	"2 unknown 1439818823588396309 5\nHTTP/1.1 200 OK\r\n\r\n" + "\n🐵🙈🙉\n"

func TestGoReplayFilesAreRead(t *testing.T) {
	var got []v1.Recording
	for r, err := range Read(strings.NewReader(goreplayFile)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	r := got[0]
	if r.Run != "932079936fa4306f" || r.Request.Method != "POST" || r.Request.Target != "/orders?x=1" || r.Request.Host != "shop" || r.Request.Body != `{"a":"b"}` ||
		r.Answer.Status != 201 || r.Answer.Body != `{"i":1}` || r.Answer.Latency != "1ms" || r.At.UnixNano() != 1439818823587396305 {
		t.Errorf("%+v", r)
	}
	if i := slices.IndexFunc(r.Answer.Header, func(h v1.Header) bool { return h.Name == "X-A" }); i < 0 {
		t.Errorf("header %v", r.Answer.Header)
	}
	if got[1].Request.Target != "/lost" || got[1].Answer.Status != 0 || len(got[1].Run) != 16 {
		t.Errorf("%+v", got[1])
	}
	out, err := Play(t.Context(), seq(got[1]), nil, newRig(t, "1").options)
	if err != nil || out.Failed != 1 { // there is nothing to compare with
		t.Errorf("%+v %v", out, err)
	}
}

func TestRequestsWithoutAnswersAreBounded(t *testing.T) {
	var file strings.Builder
	for i := range maxOpen + 3 {
		fmt.Fprintf(&file, "1 %040x 1\nGET /%d HTTP/1.1\r\nHost: a\r\n\r\n%s", i, i, goreplayEnd)
	}
	n := 0
	for r, err := range Read(strings.NewReader(file.String())) {
		if err != nil || r.Request.Target != fmt.Sprintf("/%d", n) {
			t.Fatalf("%d: %+v %v", n, r, err)
		}
		n++
	}
	if n != maxOpen+3 {
		t.Errorf("%d recordings", n)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(goreplayFile))
	f.Add([]byte(`{"jindu":"recording","version":1}` + "\n" + `{"run":"aa"}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		for r, err := range Read(bytes.NewReader(file)) {
			if err == nil && len(r.Run) > len(file) && len(r.Run) != 16 {
				t.Errorf("%+v", r)
			}
		}
	})
}

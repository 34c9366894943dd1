package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

// execute runs a command line in this process.
func execute(t *testing.T, env []string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &o, &e, env)
	return code, o.String(), e.String()
}

// fake serves what a node would; requests that it does not know answer 404 as another server does.
func fake(t *testing.T, routes map[string]http.HandlerFunc) []string {
	t.Helper()
	mux := http.NewServeMux()
	for pattern, handler := range routes {
		mux.HandleFunc(pattern, handler)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return []string{"JINDU_SERVER=" + s.URL, "USER=ann lee"}
}

func answer(status int, v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v) // the client says what it misses
	}
}

func TestAProblemIsShownWithItsFields(t *testing.T) {
	env := fake(t, map[string]http.HandlerFunc{"GET /api/v1/services": answer(422, v1.Problem{Status: 422, Title: "Invalid", Code: "JD-X-001", Detail: "it is wrong",
		Errors: []v1.FieldError{{Field: "spec.a", Value: "1", Detail: "must be 2"}}})})
	code, out, errOut := execute(t, env, "service", "list")
	if code != exitFailed || out != "" || errOut != "jindu: it is wrong (JD-X-001)\n  spec.a = 1: must be 2\n" {
		t.Errorf("%d %q %q", code, out, errOut)
	}
}

func TestAnotherServerIsRecognised(t *testing.T) {
	env := fake(t, map[string]http.HandlerFunc{
		"GET /api/v1/routes": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
	})
	for _, args := range [][]string{{"route", "list"}, {"service", "list"}} {
		if code, _, errOut := execute(t, env, args...); code != exitFailed || !strings.Contains(errOut, "JD-CLI-004") {
			t.Errorf("%v: %d %s", args, code, errOut)
		}
	}
}

func TestAServerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	release := make(chan struct{})
	env := fake(t, map[string]http.HandlerFunc{"GET /api/v1/services": func(http.ResponseWriter, *http.Request) { <-release }})
	defer close(release)
	code, _, errOut := execute(t, env, "service", "list", "--timeout", "1ms")
	if code != exitFailed || !strings.Contains(errOut, "JD-CLI-001") {
		t.Errorf("%d %s", code, errOut)
	}
}

func TestWhoAsksIsSaid(t *testing.T) {
	var got http.Header
	env := fake(t, map[string]http.HandlerFunc{"GET /api/v1/services": func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		answer(200, v1.List[v1.Service]{})(w, r)
	}})
	if code, out, errOut := execute(t, env, "service", "list"); code != 0 || out != "There is no service.\n" {
		t.Fatalf("%d %s %s", code, out, errOut)
	}
	if got.Get("X-Jindu-Actor") != "annlee" || got.Get("Authorization") != "" || !strings.HasPrefix(got.Get("User-Agent"), "jindu/") {
		t.Errorf("got %v", got)
	}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("jindu_1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errOut := execute(t, append(env, "JINDU_TOKEN_FILE="+token), "service", "list"); code != 0 {
		t.Fatal(errOut)
	}
	if got.Get("Authorization") != "Bearer jindu_1" || got.Get("X-Jindu-Actor") != "" {
		t.Errorf("got %v", got)
	}
}

func TestTheCAFileIsTrusted(t *testing.T) {
	s := httptest.NewUnstartedServer(answer(200, v1.List[v1.Service]{}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // the second client is to refuse
	s.StartTLS()
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errOut := execute(t, nil, "service", "list", "--server", s.URL, "--ca-file", ca); code != 0 {
		t.Error(errOut)
	}
	if code, _, errOut := execute(t, nil, "service", "list", "--server", s.URL); code != exitFailed || !strings.Contains(errOut, "certificate") {
		t.Errorf("%d %s", code, errOut)
	}
	for _, file := range []string{"none", "client_test.go"} {
		if code, _, errOut := execute(t, nil, "service", "list", "--server", s.URL, "--ca-file", file); code != exitFailed || !strings.Contains(errOut, "JD-CLI-002") {
			t.Errorf("%d %s", code, errOut)
		}
	}
}

// TestAWatchGoesOnAfterCompaction: the node says that a revision is gone; the client lists again.
func TestAWatchGoesOnAfterCompaction(t *testing.T) {
	lists, watches := 0, []string{}
	ctx, cancel := context.WithCancel(t.Context())
	service := func(name string) string {
		return `{"apiVersion":"jindu.dev/v1","kind":"Service","metadata":{"name":"` + name + `"},"spec":{}}`
	}
	env := fake(t, map[string]http.HandlerFunc{
		"GET /api/v1/services": func(w http.ResponseWriter, _ *http.Request) {
			lists++
			_, _ = fmt.Fprintf(w, `{"items":[%s],"revision":%d}`, service("one"), lists*10)
		},
		"GET /api/v1/watch": func(w http.ResponseWriter, r *http.Request) {
			watches = append(watches, r.URL.RawQuery)
			_, _ = fmt.Fprint(w, ": stream begins\n\n")
			if len(watches) == 1 {
				_, _ = fmt.Fprintf(w, "id: 11\ndata: {\"type\":\"put\",\"kind\":\"Service\",\"name\":\"two\",\"revision\":11,\"object\":%s}\n\n", service("two"))
				_, _ = fmt.Fprint(w, "event: problem\ndata: {\"status\":409,\"title\":\"Conflict\",\"code\":\"JD-OBJECT-008\",\"detail\":\"gone\"}\n\n")
				return
			}
			_, _ = fmt.Fprint(w, "data: {\"type\":\"delete\",\"kind\":\"Service\",\"name\":\"two\",\"revision\":21}\n\n")
			_ = http.NewResponseController(w).Flush()
			cancel()
			<-r.Context().Done()
		},
	})
	var out, errOut bytes.Buffer
	code := run(ctx, []string{"service", "list", "--watch"}, nil, &out, &errOut, env)
	if code != 0 || lists != 2 || len(watches) != 2 || watches[0] != "kind=Service&revision=11" || watches[1] != "kind=Service&revision=21" {
		t.Errorf("%d, %d lists, %v: %s", code, lists, watches, errOut.String())
	}
	if text := out.String(); !strings.Contains(text, "two") || strings.Count(text, "NAME") != 2 {
		t.Errorf("got %s", text)
	}
}

func TestAWatchThatBreaksOffIsAnError(t *testing.T) {
	env := fake(t, map[string]http.HandlerFunc{
		"GET /api/v1/services": answer(200, v1.List[v1.Service]{Revision: 1}),
		"GET /api/v1/watch":    func(http.ResponseWriter, *http.Request) {},
	})
	if code, _, errOut := execute(t, env, "service", "list", "-w", "-o", "yaml"); code != exitFailed || !strings.Contains(errOut, "the node ended the stream") {
		t.Errorf("%d %s", code, errOut)
	}
}

func TestNamesAreCompleted(t *testing.T) {
	env := fake(t, map[string]http.HandlerFunc{"GET /api/v1/migrations": answer(200, v1.List[v1.Migration]{Items: []v1.Migration{{Metadata: v1.Meta{Name: "orders"}}}})})
	if _, out, _ := execute(t, env, "__complete", "migration", "rollback", ""); !strings.HasPrefix(out, "orders\n") {
		t.Errorf("got %q", out)
	}
}

func TestACommandThatNeedsASecondPersonSaysSo(t *testing.T) {
	m := v1.Migration{}
	m.Status.Pending = &v1.PendingCommand{Command: "promote", By: "ann"}
	var got v1.Command
	env := fake(t, map[string]http.HandlerFunc{"POST /api/v1/migrations/orders/promote": func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		answer(200, m)(w, r)
	}})
	code, out, _ := execute(t, env, "migration", "promote", "orders", "--reason", "why not")
	if code != 0 || !strings.Contains(out, "waits for a second person") || got.Reason != "why not" {
		t.Errorf("%d %s %v", code, out, got)
	}
}

func TestEvidenceIsShownWithItsNumbers(t *testing.T) {
	e := v1.Evidence{
		Migration: "orders", Versions: "1 → 2", Verdict: v1.VerdictFail,
		Mirror: v1.MirrorCounts{Offered: 10, Compared: 8, NotComparable: map[string]int64{"unsafe_method": 2}},
		Gates:  []v1.Gate{{Name: "mirror_drops", Verdict: v1.VerdictPass, Value: 0, Bound: 0.1, Samples: 10}},
		Endpoints: []v1.EndpointEvidence{{Endpoint: "GET /orders/{id}", Verdict: v1.VerdictNotEnough, Clusters: 8, Mismatches: 1, Rate: 0.125, Low: 0.02, High: 0.4, Detectable: 0.3,
			Paths: []v1.PathEvidence{{Path: "$.tax", Class: v1.NoiseDeterministic, Evidence: 1, PValue: 0.5, Samples: []v1.Sample{{Old: "1.00", New: "0.99"}}}}}},
	}
	env := fake(t, map[string]http.HandlerFunc{"GET /api/v1/migrations/orders/evidence": answer(200, e)})
	_, out, _ := execute(t, env, "migration", "evidence", "orders")
	for _, want := range []string{"2 (unsafe method 2) not comparable", "mirror drops   pass", "GET /orders/{id}   not enough   8", "12.5 %   2 % – 40 %", "$.tax", "1.00", "0.99"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestEveryKindHasItsCommand(t *testing.T) {
	for i, k := range v1.Kinds { // in the order of v1.Kinds, for export
		if r := resources()[i]; r.kind != k || !strings.EqualFold(r.name, string(k)) || len(r.head) == 0 {
			t.Errorf("%s: %+v", k, r)
		}
	}
}

func TestAHangupIsAReload(t *testing.T) {
	reload, stop := hangups(t.Context())
	defer stop()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(syscall.SIGHUP); err != nil {
		t.Skipf("there are no signals here: %v", err)
	}
	<-reload
}

func TestAFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, text := range []string{"one", "two"} {
		if err := replaceFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Fatalf("%s %v", got, err)
		}
	}
	if err := replaceFile(filepath.Join(path, "below a file"), nil); err == nil || !strings.Contains(err.Error(), "JD-CLI-006") {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := replaceFile(dir, []byte("x")); err == nil {
		t.Error("a directory was replaced")
	}
	if left, err := filepath.Glob(dir + ".*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

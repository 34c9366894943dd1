package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

func TestBucketIsTheGoldenFunction(t *testing.T) {
	data, err := os.ReadFile("../api/cohort.golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Vectors []struct {
			Salt, Subject string
			Bucket        int
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Vectors) < 60 {
		t.Fatalf("%d vectors", len(golden.Vectors))
	}
	for _, v := range golden.Vectors {
		if got := Bucket(v.Salt, v.Subject); got != v.Bucket {
			t.Errorf("%q %q: %d, want %d", v.Salt, v.Subject, got, v.Bucket)
		}
	}
}

func TestTheSDKDependsOnTheObjectsAndTheStandardLibraryAlone(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no go on the PATH")
		}
		t.Skip("no go on the PATH: the closure can not be listed")
	}
	for of, want := range map[string]string{".": "", "./effects": " jindu.dev/jindu/sdk/effects", "./outbox": " jindu.dev/jindu/sdk/outbox"} {
		cmd := exec.CommandContext(t.Context(), goTool, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", of)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(strings.Fields(string(out)), " "); got != "jindu.dev/jindu/api/v1 jindu.dev/jindu/sdk"+want {
			t.Errorf("the closure of %s is %s", of, got)
		}
	}
}

// node is a node in memory: it answers in a synctest bubble, where the network does not.
type node struct {
	mu    sync.Mutex
	calls []string // paths
	at    []time.Time
	last  v1.Registration
	auth  string
	fail  func(path string) (int, error) // status or error to answer; 0 for none
}

func (n *node) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls, n.at, n.auth = append(n.calls, r.URL.Path), append(n.at, time.Now()), r.Header.Get("Authorization")
	if n.fail != nil {
		if status, err := n.fail(r.URL.Path); err != nil {
			return nil, err
		} else if status != 0 {
			return answer(status, v1.Problem{Status: status, Code: "JD-TEST-001", Detail: "no", Errors: []v1.FieldError{{Field: "port", Value: "0", Detail: "is wrong"}}}), nil
		}
	}
	if r.URL.Path == "/api/v1/deregister" {
		return answer(204, nil), nil
	}
	var said v1.Registration // a new one each time: its map may still be read
	if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
		return nil, err
	}
	n.last = said
	return answer(200, v1.Lease{Instance: "orders-1", TTL: "15s", Heartbeat: "5s", State: v1.StateServing}), nil
}

func answer(status int, body any) *http.Response {
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body)
	}
	return w.Result()
}

func (n *node) failing(f func(path string) (int, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fail = f
}

// heard is the last registration, its credentials and when each call came.
func (n *node) heard() (v1.Registration, string, []time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.last, n.auth, slices.Clone(n.at)
}

// count is the number of calls so far.
func (n *node) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.calls)
}

func (n *node) options() Options {
	return Options{Service: "orders", Port: 8080, Client: &http.Client{Transport: n}}
}

func register(t *testing.T, n *node) *Registration {
	t.Helper()
	r, err := Register(t.Context(), n.options())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHeartbeatsKeepTheLeaseUntilClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{}
		o := n.options()
		o.Token, o.TTL, o.Metadata = "secret", 30*time.Second, map[string]string{"arch": "own", "version": "1"}
		ctx, cancel := context.WithCancel(t.Context())
		r, err := Register(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		cancel() // has no more say
		if l, auth, _ := n.heard(); l.TTL != "30s" || l.Metadata["arch"] != "own" || l.Metadata["version"] != "1" || !strings.HasPrefix(l.Metadata["runtime"], "go1.") || auth != "Bearer secret" {
			t.Errorf("registered %+v with %q", l, auth)
		}
		if r.Lease().Instance != "orders-1" || r.Err() != nil {
			t.Errorf("lease %+v, %v", r.Lease(), r.Err())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if c := n.count(); c < 12 || c > 16 {
			t.Errorf("%d calls in a minute", c)
		}
		_, _, at := n.heard()
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < 4*time.Second || gap > 5*time.Second {
				t.Errorf("gap %v", gap)
			}
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		calls := n.count()
		if n.calls[calls-1] != "/api/v1/deregister" {
			t.Errorf("last call %s", n.calls[calls-1])
		}
		time.Sleep(time.Minute)
		if err := r.Close(t.Context()); err != nil || n.count() != calls {
			t.Errorf("%d calls after Close, %v", n.count()-calls, err)
		}
	})
}

func TestRegisterTriesUntilTheNodeIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{}
		n.failing(func(string) (int, error) {
			if len(n.calls) < 6 {
				return 503, nil
			}
			return 0, nil
		})
		start := time.Now()
		r := register(t, n)
		if n.count() != 6 || time.Since(start) > 5*time.Second || time.Since(start) < time.Second {
			t.Errorf("%d calls in %v", n.count(), time.Since(start))
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRegisterEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{}
		down := errors.New("no network")
		n.failing(func(string) (int, error) { return 0, down })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := Register(ctx, n.options())
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, down) {
			t.Errorf("error: %v", err)
		}
		if n.count() > 20 {
			t.Errorf("%d calls in 10 s", n.count())
		}
	})
}

func TestRegisterGivesUpWhenTryingIsUseless(t *testing.T) {
	n := &node{}
	n.failing(func(string) (int, error) { return 422, nil })
	_, err := Register(t.Context(), n.options())
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Problem.Status != 422 || n.count() != 1 || !strings.Contains(err.Error(), "JD-TEST-001") || !strings.Contains(err.Error(), "port") {
		t.Errorf("%d calls, error: %v", n.count(), err)
	}
}

func TestFailedHeartbeatsAreTriedAgainSoonerAndSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{}
		r := register(t, n)
		n.failing(func(string) (int, error) { return 403, nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		if c := n.count(); r.Err() == nil || c < 12 || c > 25 {
			t.Errorf("%d calls, error %v", c, r.Err())
		}
		n.failing(nil)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if r.Err() != nil {
			t.Errorf("error %v", r.Err())
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		status, calls int
		ok            bool
	}{"gone": {404, 1, true}, "denied": {403, 1, false}, "down": {503, closeTries, false}} {
		synctest.Test(t, func(t *testing.T) {
			n := &node{}
			r := register(t, n)
			n.failing(func(string) (int, error) { return c.status, nil })
			err := r.Close(t.Context())
			if (err == nil) != c.ok || n.count() != 1+c.calls {
				t.Errorf("%s: %d calls, %v", name, n.count(), err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		n := &node{}
		r := register(t, n)
		n.failing(func(string) (int, error) { return 503, nil })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Close(ctx); err == nil {
			t.Error("no error though ctx had ended")
		}
	})
}

func TestANodeMustBeNamedSafely(t *testing.T) {
	for node, token := range map[string]string{"jindu:8090": "", "http://": "", "ftp://a": "", "http://a/?x=1": "", "http://u:p@a": "", "http://10.0.0.1:8090": "secret", "http://127.0.0.1.evil.org": "secret", "%": ""} {
		if _, err := Register(t.Context(), Options{Node: node, Token: token, Service: "orders", Port: 1}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", node, err)
		}
	}
	for _, node := range []string{"https://10.0.0.1:8443/", "http://localhost:8090", "http://[::1]:8090"} {
		if c, err := newClient(&Options{Node: node, Token: "secret"}); err != nil || strings.HasSuffix(c.base, "/") {
			t.Errorf("%s: %v", node, err)
		}
	}
}

func TestAnswersThatAreNoneAreErrors(t *testing.T) {
	followed := false
	mux := http.NewServeMux()
	mux.HandleFunc("/bad/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
	mux.HandleFunc("/html/", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusNotFound) })
	mux.HandleFunc("/moved/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/other", func(http.ResponseWriter, *http.Request) { followed = true })
	s := httptest.NewServer(mux)
	defer s.Close()
	for path, status := range map[string]int{"/bad": 0, "/html": 404, "/moved": 307} {
		c, err := newClient(&Options{Node: s.URL + path})
		if err != nil {
			t.Fatal(err)
		}
		var out v1.Lease
		err = c.post(t.Context(), "/x", v1.Registration{}, &out)
		e, ok := errors.AsType[*Error](err)
		if err == nil || ok != (status != 0) || ok && e.Problem.Status != status {
			t.Errorf("%s: %v", path, err)
		}
	}
	if followed {
		t.Error("a redirect was followed")
	}
}

func TestGoVersionsAreCutToTheLanguage(t *testing.T) {
	for in, want := range map[string]string{"go1.26.3": "go1.26", "go1.26": "go1.26", "go1.26.3 X:a,b": "go1.26", "go1.27rc1": "go1.27rc1", "devel go1.27-abc": "devel"} {
		if got := goVersion(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestMarksAreRead(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if _, ok := ShadowOf(r); ok {
		t.Error("a user's request is a shadow")
	}
	if _, ok := RequestedState(r); ok {
		t.Error("a state is asked for")
	}
	r.Header.Set("X-Jindu-State", "7")
	if v, ok := RequestedState(r); !ok || v != "7" {
		t.Errorf("state %q", v)
	}
}

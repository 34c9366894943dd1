package scene

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"jindu.dev/jindu/examples/order-go/order"
	"jindu.dev/jindu/examples/order-store/store"
	"jindu.dev/jindu/internal/demo"
	"jindu.dev/jindu/internal/load"
	"jindu.dev/jindu/internal/load/httpload"
)

func newStore(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(store.New(time.Now).Handler())
	t.Cleanup(s.Close)
	return s.URL
}

func newGo(t *testing.T, storeURL string, d *demo.Defect) string {
	t.Helper()
	s := httptest.NewServer(defective(d, order.New(storeURL, time.Now).Handler()))
	t.Cleanup(s.Close)
	return s.URL
}

// newJava starts the old service; without a JDK the test is skipped.
func newJava(t *testing.T, storeURL string) string {
	t.Helper()
	j, err := findJDK(t.Context())
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no JDK:", err)
		}
		t.Skip("no JDK:", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	command, err := j.command(t.Context(), orderProgram(), filepath.Join(cache, "jindu"), t.TempDir(), "--listen", "127.0.0.1:0", "--store", storeURL)
	if err != nil {
		t.Fatal(err)
	}
	p, err := start("order-java", exec.Command(command[0], command[1:]...), make(chan error, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(0) }) // it does not watch its standard input: in the demo a guard does
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	address, err := p.listening(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + address
}

type answer struct {
	status int
	state  string
	typ    string
	body   any
}

func ask(t *testing.T, base, method, target, requestID, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if requestID != "" {
		req.Header.Set("X-Request-Id", requestID)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, state: resp.Header.Get("X-Jindu-State"), typ: resp.Header.Get("Content-Type")}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&a.body); err != nil {
		t.Fatalf("%s %s: %v in %s", method, target, err, raw)
	}
	if m, ok := a.body.(map[string]any); ok { // the declared noise
		delete(m, "servedAt")
		delete(m, "trace")
	}
	return a
}

func TestTheOldAndTheNewServiceAnswerAlike(t *testing.T) {
	storeURL := newStore(t)
	java, golang := newJava(t, storeURL), newGo(t, storeURL, nil)
	first := store.Seed()[0].ID
	targets := []string{
		"/products/1", "/products/500", "/products/501", "/products/0", "/products/x", "/products/9223372036854775808", "/products/1/2",
		"/products?page=1", "/products?page=25", "/products?page=26", "/products?page=0", "/products?page=x", "/products", "/products?page=10001",
		"/users/1/orders", "/users/2000/orders", "/users/9999/orders", "/users/x/orders", "/users/1", "/users/-1/orders",
		fmt.Sprintf("/orders/%d", first), fmt.Sprintf("/orders/%d", first+7*1999), fmt.Sprintf("/orders/%d", first+1), "/orders/x", "/orders/1/2/3",
		"/quote?user=5&items=1x1", "/quote?user=6&items=1x1,2x2,3x3", "/quote?user=7&items=50x1000", "/quote?user=5&items=501x1", "/quote?user=5&items=1x0",
		"/quote?user=5&items=1x1001", "/quote?user=5&items=1", "/quote?user=5&items=", "/quote?user=5", "/quote?items=1x1", "/quote?user=5&items=x", "/quote?user=5&items=1x1,", "/nothing", "/",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		targets = append(targets, fmt.Sprintf("/quote?user=%d&items=%dx%d,%dx%d", r.IntN(20), 1+r.IntN(500), 1+r.IntN(9), 1+r.IntN(500), 1+r.IntN(9)))
	}
	for _, target := range targets {
		if a, b := ask(t, java, "GET", target, "", ""), ask(t, golang, "GET", target, "", ""); !reflect.DeepEqual(a, b) {
			t.Errorf("GET %s\nold %+v\nnew %+v", target, a, b)
		}
	}
	for i, body := range []string{
		`{"user":5,"items":[{"product":3,"qty":2}]}`, `{"user":5,"items":[{"product":3,"qty":2},{"product":4,"qty":1}]}`,
		`{"user":5,"items":[{"product":50,"qty":26}]}`, `{"user":5,"items":[]}`, `{"user":5,"items":[{"product":501,"qty":1}]}`, `{"user":5}`, `[]`, `{`, ``,
	} {
		for _, base := range [][2]string{{java, golang}, {golang, java}} {
			id := fmt.Sprintf("%d-%s", i, base[0])
			placed := ask(t, base[0], "POST", "/orders", id, body)
			for _, again := range []answer{
				ask(t, base[1], "POST", "/orders", id, body, "X-Jindu-Shadow", "1", "X-Jindu-State", placed.state), // as a copy
				ask(t, base[1], "POST", "/orders", id, body),                                                       // as a repeat
			} {
				if !reflect.DeepEqual(placed, again) {
					t.Errorf("POST %s\nfirst %+v\nagain %+v", body, placed, again)
				}
			}
		}
	}
}

func TestACopyIsAnsweredAtTheStateOfItsPrimary(t *testing.T) {
	storeURL := newStore(t)
	for _, base := range []string{newGo(t, storeURL, nil), newJava(t, storeURL)} {
		before := ask(t, base, "GET", "/products/3", "", "")
		list := ask(t, base, "GET", "/users/3/orders", "", "")
		if placed := ask(t, base, "POST", "/orders", base, `{"user":3,"items":[{"product":3,"qty":2}]}`); placed.status != 201 {
			t.Fatalf("placed %+v", placed)
		}
		if now := ask(t, base, "GET", "/products/3", "", ""); reflect.DeepEqual(now, before) || now.state == before.state {
			t.Error("an order left stock and version as they were")
		}
		if then := ask(t, base, "GET", "/products/3", "", "", "X-Jindu-State", before.state); !reflect.DeepEqual(then, before) {
			t.Errorf("at %s: %+v, want %+v", before.state, then, before)
		}
		if then := ask(t, base, "GET", "/users/3/orders", "", "", "X-Jindu-State", list.state); !reflect.DeepEqual(then, list) {
			t.Errorf("at %s: %+v, want %+v", list.state, then, list)
		}
		dry := ask(t, base, "POST", "/orders", "never sent "+base, `{"user":3,"items":[{"product":3,"qty":1}]}`, "X-Jindu-Shadow", "1")
		if dry.status != 201 || dry.state != "none" {
			t.Errorf("a copy without its primary: %+v", dry)
		}
		if again := ask(t, base, "GET", "/users/3/orders", "", ""); again.body.(map[string]any)["count"] != ask(t, base, "GET", "/users/3/orders", "", "").body.(map[string]any)["count"] {
			t.Error("a copy placed an order")
		}
	}
}

// drive sends n requests of the oracle's traffic and returns what it judged.
func drive(t *testing.T, url string, n int64, exposing bool, names map[string]int64) demo.Counts {
	t.Helper()
	client, err := httpload.New(url, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	o := demo.NewOracle(t.Name(), exposing, time.Now)
	r, err := load.Run(t.Context(), load.Options{Closed: true, Concurrency: 8, Count: n, Seed: 3}, client, o, o.Judge, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range r.Endpoints {
		if names != nil && e.Errors > 0 {
			names[e.Name] = e.Errors
		}
	}
	return o.Counts()
}

func TestTheOracleFindsNothingWrongWithEitherService(t *testing.T) {
	for _, c := range []struct {
		name    string
		service func(*testing.T, string) string
	}{
		{"go", func(t *testing.T, s string) string { return newGo(t, s, nil) }},
		{"java", newJava},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := drive(t, c.service(t, newStore(t)), 4000, false, nil)
			if got.Errors != 0 || got.Requests != 4000 {
				t.Errorf("%d of %d wrong: %s", got.Errors, got.Requests, strings.Join(got.Wrong, "\n"))
			}
			if (c.name == "go") != (got.New == got.Requests) {
				t.Errorf("%d of %d answers are taken for the new service's", got.New, got.Requests)
			}
		})
	}
}

func TestEveryDefectSpoilsTheAnswersItNames(t *testing.T) {
	for _, d := range demo.Defects() {
		t.Run(d.Name, func(t *testing.T) {
			if d.Name == "slowness" {
				if d.Before(demo.Call{Nth: 1}).Delay == 0 || d.Before(demo.Call{Shadow: true}).Delay != 0 {
					t.Error("it must delay live requests and no copies")
				}
				return
			}
			names := map[string]int64{}
			got := drive(t, newGo(t, newStore(t), &d), 1200, false, names)
			if got.Errors == 0 {
				t.Fatal("the oracle noticed nothing")
			}
			for name := range names {
				if d.Endpoint != "" && name != d.Endpoint {
					t.Errorf("%s is spoilt too: %v", name, got.Wrong)
				}
			}
		})
	}
}

func TestLiveDefectsSpareCopies(t *testing.T) {
	storeURL := newStore(t)
	right := newGo(t, storeURL, nil)
	for _, d := range demo.Defects() {
		if !d.Live {
			continue
		}
		url := newGo(t, storeURL, &d)
		for range 100 {
			if a, b := ask(t, url, "GET", "/products/3", "", "", "X-Jindu-Shadow", "1"), ask(t, right, "GET", "/products/3", "", ""); !reflect.DeepEqual(a, b) {
				t.Fatalf("%s: a copy got %+v", d.Name, a)
			}
		}
	}
}

func TestWrongAnswersOfALiveDefectAreExposedOthersAreErrors(t *testing.T) {
	d, err := demo.DefectNamed("late-errors")
	if err != nil {
		t.Fatal(err)
	}
	if got := drive(t, newGo(t, newStore(t), d), 500, true, nil); got.Exposed == 0 || got.Errors != 0 {
		t.Errorf("%d exposed, %d errors", got.Exposed, got.Errors)
	}
	nobody := httptest.NewServer(http.NotFoundHandler())
	defer nobody.Close()
	if got := drive(t, nobody.URL, 50, true, nil); got.Exposed != 0 || got.Errors != 50 || len(got.Wrong) == 0 {
		t.Errorf("%d exposed, %d errors", got.Exposed, got.Errors)
	}
}

func TestAnswersUnderWayAreJudgedByWhatMayHaveHappened(t *testing.T) {
	// Many clients at once order the few products that sell out, through a service that answers late.
	service := order.New(newStore(t), time.Now).Handler()
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(5, 5))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		rec := &recorder{header: w.Header()}
		service.ServeHTTP(rec, req)
		mu.Lock()
		late := time.Duration(r.IntN(3000)) * time.Microsecond
		mu.Unlock()
		pause(req, late)
		w.WriteHeader(rec.status)
		_, _ = w.Write(rec.body.Bytes())
	}))
	defer s.Close()
	client, err := httpload.New(s.URL, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	o := demo.NewOracle("late", false, time.Now)
	if _, err := load.Run(t.Context(), load.Options{Closed: true, Concurrency: 64, Count: 3000, Seed: 9}, client, o, o.Judge, nil); err != nil {
		t.Fatal(err)
	}
	if c := o.Counts(); c.Errors != 0 {
		t.Errorf("%d wrong: %s", c.Errors, strings.Join(c.Wrong, "\n"))
	}
}

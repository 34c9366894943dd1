package httpload

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/load"
)

func TestTheCommandSendsItsLoadAndWritesTheResult(t *testing.T) {
	var got atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/users/7/orders" && r.Header.Get("X-User-Id") == "7" && r.Header.Get("X-Team") == "a" {
			got.Add(1)
		}
		_, _ = io.WriteString(w, "ok")
	}))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "result.json")
	c := DefaultCommand()
	c.URL = s.URL + "/users/{user}/orders"
	c.Vars["user"] = "uniform:7-7"
	c.Header = []string{"X-User-Id: {user}", "X-Team:a"}
	c.Rate, c.Duration, c.Count, c.JSON = 500, 0, 50, file
	var out strings.Builder
	r, err := Run(t.Context(), c, &out)
	if err != nil {
		t.Fatal(err)
	}
	if r.Requests != 50 || got.Load() != 50 || r.Errors != 0 {
		t.Errorf("%d requests, %d as asked for, %d errors %v", r.Requests, got.Load(), r.Errors, r.ErrorKinds)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var read load.Result
	if err := json.Unmarshal(raw, &read); err != nil || read.Requests != 50 || read.Histogram == "" {
		t.Errorf("the file holds %+v (%v)", read, err)
	}
	if !strings.Contains(out.String(), "50 requests in") {
		t.Errorf("out: %s", out.String())
	}
}

func TestAMixFromAFileAndJSONToTheOutput(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	defer s.Close()
	mix := filepath.Join(t.TempDir(), "mix.yaml")
	if err := os.WriteFile(mix, []byte("requests: [{target: /good}, {target: /bad}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := DefaultCommand()
	c.URL, c.Mix, c.Closed, c.Concurrency, c.Duration, c.Count, c.JSON = s.URL, mix, true, 2, 0, 100, "-"
	var out strings.Builder
	r, err := Run(t.Context(), c, &out)
	if err != nil {
		t.Fatal(err)
	}
	var read load.Result
	if err := json.Unmarshal([]byte(out.String()), &read); err != nil {
		t.Fatalf("the output is not JSON alone: %v\n%s", err, out.String())
	}
	if r.ErrorKinds["status_4xx"] != r.Errors || r.Errors < 20 || r.Errors > 80 || len(read.Endpoints) != 2 {
		t.Errorf("errors %v, endpoints %v", r.ErrorKinds, read.Endpoints)
	}
}

func TestWrongUseOfTheCommandIsInvalid(t *testing.T) {
	for name, change := range map[string]func(*Command){
		"url":    func(c *Command) { c.URL = "nowhere" },
		"mix":    func(c *Command) { c.Mix = "no such file" },
		"header": func(c *Command) { c.Header = []string{"nothing"} },
		"var":    func(c *Command) { c.Vars["a"] = "x" },
		"rate":   func(c *Command) { c.Rate = -1 },
	} {
		c := DefaultCommand()
		c.URL = "http://127.0.0.1:1/"
		change(&c)
		if _, err := Run(t.Context(), c, io.Discard); kind.Of(err) != kind.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package console

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestIndexIsAskedForAgainEachTime(t *testing.T) {
	first := get(t, http.MethodGet, "/")
	if first.StatusCode != http.StatusOK || first.Header.Get("Cache-Control") != "no-cache" {
		t.Fatalf("/: %d, Cache-Control %q", first.StatusCode, first.Header.Get("Cache-Control"))
	}
	if got := first.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	again := get(t, http.MethodGet, "/", "If-None-Match", first.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("with its ETag: %d, want 304", again.StatusCode)
	}
}

func TestEveryFileIsServedUnderTheStrictPolicy(t *testing.T) {
	err := fs.WalkDir(FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		res := get(t, http.MethodGet, "/"+name)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(res.Header.Get("Content-Security-Policy"), want) {
				t.Errorf("%s: policy lacks %s", name, want)
			}
		}
		if keep := res.Header.Get("Cache-Control"); strings.HasPrefix(name, "assets/") != strings.Contains(keep, "immutable") {
			t.Errorf("%s: Cache-Control %q", name, keep)
		}
		if res.Header.Get("Content-Type") == "application/octet-stream" {
			t.Errorf("%s has no media type", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUnknownPathIsNotFoundAndOnlyReadingIsAllowed(t *testing.T) {
	for _, c := range []struct {
		method, target string
		want           int
	}{
		{http.MethodGet, "/nothing", http.StatusNotFound},
		{http.MethodGet, "/assets/", http.StatusNotFound},
		{http.MethodGet, "/../index.html", http.StatusOK},
		{http.MethodGet, "/assets/../../doc.go", http.StatusNotFound},
		{http.MethodHead, "/", http.StatusOK},
		{http.MethodPost, "/", http.StatusMethodNotAllowed},
	} {
		if got := get(t, c.method, c.target).StatusCode; got != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.target, got, c.want)
		}
	}
}

// The policy would break these silently in a browser; here they fail loudly.
func TestPageHasNothingInlineAndNothingForeign(t *testing.T) {
	index, err := fs.ReadFile(FS(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{`<style`, `style="`, ` onload=`, `://`} {
		if strings.Contains(string(index), bad) {
			t.Errorf("index.html contains %s", bad)
		}
	}
	if inline := regexp.MustCompile(`<script[^>]*>[^<]`).Find(index); inline != nil {
		t.Errorf("index.html has an inline script: %s", inline)
	}
	var script int
	err = fs.WalkDir(FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(FS(), name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".css" && regexp.MustCompile(`url\(\s*["']?(https?:)?//`).Match(body) {
			t.Errorf("%s refers to another host", name)
		}
		if path.Ext(name) == ".js" {
			script += len(body)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if script > 400_000 {
		t.Errorf("%d bytes of script, want at most 400,000", script)
	}
}

package sdk

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

func TestTheRunOfARequest(t *testing.T) {
	mark := v1.Mark{Run: "0123456789abcdef", Epoch: 3, Bucket: 42}
	copied := mark
	copied.Shadow = true
	for _, c := range []struct {
		mark, shadow string
		want         Run
		ok           bool
	}{
		{"", "", Run{}, false},
		{mark.String(), "", Run{Mark: mark, Marked: true}, true},
		{copied.String(), "m", Run{Mark: copied, Marked: true, Shadow: true, Migration: "m"}, true},
		{copied.String(), "", Run{Mark: copied, Marked: true, Shadow: true}, true},
		{"", "m", Run{Shadow: true, Migration: "m"}, true},
		{mark.String(), "m", Run{Shadow: true, Migration: "m"}, true}, // which of the two is it? it may write nothing
		{"jindu:0123456789abcdef:p:3:42 ", "", Run{Shadow: true}, true},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		if c.mark != "" {
			r.Header.Set("X-Jindu-Mark", c.mark)
		}
		if c.shadow != "" {
			r.Header.Set("X-Jindu-Shadow", c.shadow)
		}
		got, ok := RunOf(r)
		if got != c.want || ok != c.ok {
			t.Errorf("%q %q: %+v, %t", c.mark, c.shadow, got, ok)
		}
		if in, is := RunIn(WithRun(t.Context(), got)); in != got || is != ok {
			t.Errorf("%q %q: %+v, %t in its context", c.mark, c.shadow, in, is)
		}
	}
	if _, ok := RunIn(context.Background()); ok {
		t.Error("a context of nobody has a run")
	}
}

func TestRefusalsSayWhy(t *testing.T) {
	for want, refuse := range map[string]func(http.ResponseWriter){"1": Refuse, "fenced": RefuseFenced} {
		w := httptest.NewRecorder()
		refuse(w)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("X-Jindu-Refused") != want || w.Body.Len() == 0 {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	}
}

func TestANodeIsCalled(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/x/y" || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer s.Close()
	n, err := NewNode(Options{Node: s.URL, Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Post(t.Context(), "/x/y", map[string]int{"a": 1}, nil); err != nil {
		t.Error(err)
	}
	if n, err := NewNode(Options{Node: "ftp://x"}); err == nil || n != nil {
		t.Error("no error")
	}
	if n, err := NewNode(Options{}); err != nil || n.client.base != defaultNode {
		t.Errorf("error: %v", err)
	}
}

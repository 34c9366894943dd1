package effects

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
)

// provider is a server that notes what came.
func provider(t *testing.T) (s *httptest.Server, heard *[]*http.Request, bodies *[]string) {
	t.Helper()
	heard, bodies = &[]*http.Request{}, &[]string{}
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*heard, *bodies = append(*heard, r), append(*bodies, string(body))
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(s.Close)
	return s, heard, bodies
}

func call(ctx context.Context, t *testing.T, tr *Transport, method, url, body string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return err
	}
	_, err = io.ReadAll(resp.Body)
	return errors.Join(err, resp.Body.Close())
}

func TestCallsCarryTheMarkAndAreTold(t *testing.T) {
	s, heard, bodies := provider(t)
	host := strings.TrimPrefix(s.URL, "http://")
	ctx, tally := in(t.Context(), mark1)
	tr := &Transport{}
	if err := call(ctx, t, tr, http.MethodPost, s.URL+"/charges?a=1", `{"amount":1}`); err != nil {
		t.Fatal(err)
	}
	if err := call(ctx, t, tr, http.MethodGet, s.URL, ""); err != nil {
		t.Fatal(err)
	}
	if err := call(ctx, t, tr, http.MethodPost, s.URL+"/big", strings.Repeat("b", maxBody+1)); err != nil {
		t.Fatal(err)
	}
	if err := call(ctx, t, tr, http.MethodPost, s.URL+"/bytes", "\xff\x00"); err != nil {
		t.Fatal(err)
	}
	if r := (*heard)[0]; r.Header.Get("X-Jindu-Mark") != mark1 || r.Header.Get("X-Jindu-Shadow") != "" || (*bodies)[0] != `{"amount":1}` || len((*bodies)[2]) != maxBody+1 {
		t.Errorf("the callee got %v %q", r.Header, (*bodies)[0])
	}
	e := tally.effects
	if e[0].Kind != v1.EffectCall || e[0].Op != "POST" || e[0].Target != host+"/charges" || e[0].Args[0] != "query=a=1" || e[0].Body != `{"amount":1}` || e[0].Fate != "" || e[0].Truncated {
		t.Errorf("told %+v", e[0])
	}
	if e[1].Op != "GET" || e[1].Target != host+"/" || e[1].Body != "" || len(e[2].Body) != maxBody || !e[2].Truncated || e[3].Body != "/wA=" || !e[3].Base64 {
		t.Errorf("told %+v", e[1:2])
	}
	s.Close()
	if err := call(ctx, t, tr, http.MethodPost, s.URL, "x"); err == nil || tally.effects[4].Fate != "unknown" {
		t.Errorf("error %v, told %+v", err, tally.effects[4])
	}
}

func TestCallsOfShadowsGoWhereTheyMay(t *testing.T) {
	s, heard, _ := provider(t)
	host := strings.TrimPrefix(s.URL, "http://")
	ctx, tally := in(t.Context(), "jindu:00000000000000c3:s:1:-")
	run, _ := sdk.RunIn(ctx)
	run.Migration = "to-go"
	ctx = sdk.WithRun(ctx, run)
	err := call(ctx, t, &Transport{}, http.MethodPost, s.URL+"/charges", "x")
	if r, ok := errors.AsType[*Refused](err); !ok || !errors.Is(r, ErrShadow) || r.What != "POST "+host {
		t.Errorf("error: %v", err)
	}
	if e := tally.effects[0]; e.Fate != "refused" || e.Body != "x" {
		t.Errorf("told %+v", e)
	}
	if len(*heard) != 0 {
		t.Fatal("it went out")
	}
	if err := call(ctx, t, &Transport{Forward: []string{host}}, http.MethodPost, s.URL+"/charges", "x"); err != nil {
		t.Fatal(err)
	}
	if r := (*heard)[0]; r.Header.Get("X-Jindu-Mark") != "jindu:00000000000000c3:s:1:-" || r.Header.Get("X-Jindu-Shadow") != "to-go" {
		t.Errorf("the callee got %v", r.Header)
	}
	lost := sdk.WithRun(t.Context(), sdk.Run{Shadow: true})
	if err := call(lost, t, &Transport{Forward: []string{host}}, http.MethodGet, s.URL, ""); !errors.Is(err, ErrShadow) {
		t.Errorf("error: %v", err)
	}
}

func TestCallsOfNobody(t *testing.T) {
	s, heard, _ := provider(t)
	if err := call(t.Context(), t, &Transport{}, http.MethodPost, s.URL, "x"); err != nil || (*heard)[0].Header.Get("X-Jindu-Mark") != "" {
		t.Errorf("error: %v", err)
	}
	strict := &Transport{RequireMark: true}
	if err := call(t.Context(), t, strict, http.MethodPost, s.URL, "x"); !errors.Is(err, ErrUnmarked) {
		t.Errorf("error: %v", err)
	}
	if err := call(t.Context(), t, strict, http.MethodGet, s.URL, ""); err != nil {
		t.Error(err)
	}
	if err := call(Background(t.Context(), "cleaning"), t, strict, http.MethodPost, s.URL, "x"); err != nil {
		t.Error(err)
	}
}

func TestHostsAreWrittenWithTheirPort(t *testing.T) {
	for url, want := range map[string]string{"http://Pay.Example/a": "pay.example:80", "https://pay.example": "pay.example:443", "http://[::1]:8080/": "[::1]:8080"} {
		r := httptest.NewRequest(http.MethodGet, url, http.NoBody)
		if got := hostPort(r.URL); got != want {
			t.Errorf("%s: %s", url, got)
		}
	}
}

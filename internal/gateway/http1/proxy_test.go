package http1

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestARequestReachesTheServiceAndItsAnswerTheClient(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.to(service(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		w.Header().Set("X-Seen", q.Header.Get("X-Forwarded-For"))
		w.WriteHeader(201)
		fmt.Fprintf(w, "%s %s %s %s", q.Method, q.Host, q.RequestURI, body)
	}))
	c, br := r.dial()
	for i := range 3 {
		res, body := r.send(c, br, request("POST", fmt.Sprintf("/orders/%d?a=b", i), "hello"))
		if want := fmt.Sprintf("POST shop.test /orders/%d?a=b hello", i); res.StatusCode != 201 || body != want {
			t.Fatalf("got %d %q, want 201 %q", res.StatusCode, body, want)
		}
		if res.Header.Get("X-Seen") != "127.0.0.1" {
			t.Fatalf("X-Forwarded-For = %q", res.Header.Get("X-Seen"))
		}
	}
	if n := r.gw.Events.UpstreamDials.Load(); n != 1 {
		t.Fatalf("%d connections to the service, want 1", n)
	}
}

func TestLongBodiesStreamBothWays(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.to(service(t, func(w http.ResponseWriter, q *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(w, q.Body)
	}))
	big := strings.Repeat("0123456789abcdef", 1<<16)
	for _, chunked := range []bool{false, true} {
		req, err := http.NewRequest("POST", "http://"+r.addr+"/echo", io.MultiReader(strings.NewReader(big)))
		if err != nil {
			t.Fatal(err)
		}
		if !chunked {
			req.ContentLength = int64(len(big))
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || string(got) != big {
			t.Fatalf("chunked %v: %d bytes of %d, %v", chunked, len(got), len(big), err)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

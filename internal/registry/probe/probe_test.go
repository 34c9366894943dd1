package probe

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
)

func address(t *testing.T, s *httptest.Server) netip.AddrPort {
	t.Helper()
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

// closed is an address where nobody listens.
func closed(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := netip.MustParseAddrPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAnAnswerOf200To399IsHealthy(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil || r.Method != http.MethodGet {
			code = 500
		}
		w.Header().Set("Location", "/500")
		w.WriteHeader(code)
	}))
	defer s.Close()
	p := New()
	for code, healthy := range map[int]bool{200: true, 204: true, 302: true, 404: false, 500: false, 503: false} {
		err := p.Check(t.Context(), v1.HealthCheck{Type: "HTTP", Path: "/" + strconv.Itoa(code)}, address(t, s))
		if (err == nil) != healthy {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestAnOpenPortIsHealthyForTCP(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	p := New()
	if err := p.Check(t.Context(), v1.HealthCheck{Type: "TCP"}, address(t, s)); err != nil {
		t.Error(err)
	}
	for _, typ := range []string{"TCP", "HTTP"} {
		if err := p.Check(t.Context(), v1.HealthCheck{Type: typ, Path: "/"}, closed(t)); err == nil {
			t.Errorf("%s: nobody listens, yet it is healthy", typ)
		}
	}
}

func TestACheckEndsWithItsContext(t *testing.T) {
	entered := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	if err := New().Check(ctx, v1.HealthCheck{Type: "HTTP", Path: "/"}, address(t, s)); !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
}

func TestAPathThatIsNoneIsAnError(t *testing.T) {
	if err := New().Check(t.Context(), v1.HealthCheck{Type: "HTTP", Path: "/%zz"}, closed(t)); err == nil {
		t.Error("no error")
	}
}

package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/danielgtaylor/huma/v2"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

type tick struct {
	N     int64    `json:"n"`
	Names []string `json:"names"`
}

type tickInput struct {
	Until int64 `query:"until"`
}

// ticks is an API with a stream that counts up from the id to resume at; it fails at 13 and waits at
// until.
func ticks(t *testing.T, ended chan<- struct{}) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	api := NewAPI(mux, Info{})
	Stream(api, v1.RoleViewer, huma.Operation{OperationID: "ticks", Path: "/api/v1/ticks"},
		func(ctx context.Context, in *tickInput, resume int64) (iter.Seq2[Event[tick], error], error) {
			if in.Until < 0 {
				return nil, kind.New(kind.Conflict, "JD-TEST-002", "gone")
			}
			return func(yield func(Event[tick], error) bool) {
				if ended != nil {
					defer func() { ended <- struct{}{} }()
				}
				for n := resume + 1; n <= in.Until; n++ {
					var err error
					if n == 13 {
						err = kind.New(kind.Unavailable, "JD-TEST-003", "thirteen")
					}
					if !yield(Event[tick]{ID: n, Name: "tick", Data: tick{N: n}}, err) || err != nil {
						return
					}
				}
				<-ctx.Done()
			}, nil
		})
	guard, err := NewGuard(Access{Loopback: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Handler(guard, mux)
}

// served runs h on a Server of its own; stop drains it and waits.
func served(t *testing.T, h http.Handler) (url string, stop func() error) {
	t.Helper()
	s := NewServer(ServerConfig{Name: "admin", Addr: "127.0.0.1:0"}, h)
	if s.Addr() != nil || s.Name() != "admin" {
		t.Error("it listens before it runs")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return "http://" + s.Addr().String(), stop
}

func get(t *testing.T, url, last string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Body.Close() })
	return w
}

// readUntil reads lines until one contains words.
func readUntil(t *testing.T, r *bufio.Reader, words string) string {
	t.Helper()
	var all strings.Builder
	for {
		line, err := r.ReadString('\n')
		all.WriteString(line)
		if strings.Contains(line, words) {
			return all.String()
		}
		if err != nil {
			t.Fatalf("%v before %q came:\n%s", err, words, all.String())
		}
	}
}

func TestAStreamSendsEventsAndResumesAfterTheLastSeen(t *testing.T) {
	url, _ := served(t, ticks(t, nil))
	w := get(t, url+"/api/v1/ticks?until=3", "")
	if ct := w.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("Content-Type is %q", ct)
	}
	got := readUntil(t, bufio.NewReader(w.Body), `"n":3`)
	want := ": stream begins\n\n"
	for n := 1; n <= 3; n++ {
		want += fmt.Sprintf("id: %d\nevent: tick\ndata: {\"n\":%d,\"names\":[]}\n\n", n, n)
	}
	if got != strings.TrimSuffix(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	got = readUntil(t, bufio.NewReader(get(t, url+"/api/v1/ticks?until=9", "7").Body), `"n":9`)
	if strings.Contains(got, `"n":7`) || !strings.Contains(got, `"n":8`) {
		t.Errorf("resumed after 7 with %q", got)
	}
}

func TestAStreamThatCannotBeginIsAProblem(t *testing.T) {
	h := ticks(t, nil)
	problemIn(t, call(h, local("GET", "/api/v1/ticks?until=-1", "", "")), 409, "JD-TEST-002")
	for _, last := range []string{"x", "-1", "99999999999999999999"} {
		r := local("GET", "/api/v1/ticks?until=1", "", "")
		r.Header.Set("Last-Event-ID", last)
		problemIn(t, call(h, r), 422, "JD-API-017")
	}
}

func TestAnErrorEndsAStreamWithAProblem(t *testing.T) {
	url, _ := served(t, ticks(t, nil))
	all, err := io.ReadAll(get(t, url+"/api/v1/ticks?until=20", "11").Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(all); !strings.Contains(got, `"n":12`) || !strings.Contains(got, "event: problem\ndata: {\"status\":503,\"title\":\"Unavailable\",\"code\":\"JD-TEST-003\"") || strings.Contains(got, `"n":14`) {
		t.Errorf("got %q", got)
	}
}

func TestAStreamEndsWhenItsClientLeaves(t *testing.T) {
	ended := make(chan struct{}, 1)
	url, _ := served(t, ticks(t, ended))
	w := get(t, url+"/api/v1/ticks?until=1", "")
	readUntil(t, bufio.NewReader(w.Body), `"n":1`)
	if err := w.Body.Close(); err != nil {
		t.Fatal(err)
	}
	<-ended
}

func TestAServerThatDrainsEndsItsStreams(t *testing.T) {
	ended := make(chan struct{}, 1)
	url, stop := served(t, ticks(t, ended))
	body := bufio.NewReader(get(t, url+"/api/v1/ticks?until=1", "").Body)
	readUntil(t, body, `"n":1`)
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := io.ReadAll(body); err != nil {
		t.Errorf("the stream was cut, not ended: %v", err)
	}
	<-ended
}

func TestAServerWhoseAddressIsTakenSaysSo(t *testing.T) {
	url, _ := served(t, whoami)
	s := NewServer(ServerConfig{Name: "second", Addr: strings.TrimPrefix(url, "http://")}, whoami)
	if err := s.Run(t.Context(), func() { t.Error("it is ready") }); err == nil || !strings.Contains(err.Error(), "listen") {
		t.Errorf("got %v", err)
	}
}

// sender runs sendAll on a recorder in a synctest bubble.
func sender(ctx context.Context, w http.ResponseWriter, events iter.Seq2[Event[tick], error]) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sendAll(ctx, cancel, w, events)
}

func TestAQuietStreamIsKeptAliveByHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := httptest.NewRecorder()
		ctx, cancel := context.WithTimeout(t.Context(), 4*heartbeat+time.Second)
		defer cancel()
		sender(ctx, w, func(func(Event[tick], error) bool) { <-ctx.Done() })
		if got := strings.Count(w.Body.String(), ": alive\n\n"); got != 4 {
			t.Errorf("%d heartbeats in 4 intervals: %q", got, w.Body)
		}
	})
}

// fullWriter takes some writes and then fails, as a connection of a client that does not read does when
// its write deadline passes.
type fullWriter struct {
	*httptest.ResponseRecorder
	left int
}

func (w *fullWriter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, errors.New("deadline exceeded")
	}
	return w.ResponseRecorder.Write(p)
}

func TestAClientThatDoesNotReadIsCutOffAndCostsABoundedBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		sender(t.Context(), &fullWriter{httptest.NewRecorder(), 5}, func(yield func(Event[tick], error) bool) {
			for asked = 1; yield(Event[tick]{ID: int64(asked)}, nil); asked++ {
			}
		})
		if asked > 5+streamBuffer+2 {
			t.Errorf("%d events were asked for, for a client that took 4", asked)
		}
	})
}

func TestStreamsAreBounded(t *testing.T) {
	h := ticks(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	begun := make(chan struct{}, maxStreams)
	for range maxStreams {
		wg.Go(func() {
			w := &signalWriter{ResponseRecorder: httptest.NewRecorder(), begun: begun}
			h.ServeHTTP(w, local("GET", "/api/v1/ticks?until=0", "", "").WithContext(ctx))
		})
	}
	for range maxStreams {
		<-begun
	}
	problemIn(t, call(h, local("GET", "/api/v1/ticks?until=0", "", "")), 429, "JD-API-018")
	cancel()
	wg.Wait()
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if w := call(h, local("GET", "/api/v1/ticks?until=0", "", "").WithContext(ctx)); w.Code != 200 {
		t.Errorf("after all ended: %d", w.Code)
	}
}

type signalWriter struct {
	*httptest.ResponseRecorder
	begun chan struct{}
	once  sync.Once
}

func (w *signalWriter) Write(p []byte) (int, error) {
	w.once.Do(func() { w.begun <- struct{}{} })
	return w.ResponseRecorder.Write(p)
}

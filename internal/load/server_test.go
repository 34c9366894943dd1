package load

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// server answers in virtual time.
type server struct {
	n     atomic.Int64
	most  atomic.Int64
	now   atomic.Int64
	serve func(n int64) (time.Duration, int, error)
	cut   chan struct{}
	ended atomic.Bool
}

func newServer(serve func(n int64) (time.Duration, int, error)) *server {
	return &server{serve: serve, cut: make(chan struct{})}
}

func (s *server) Do(_ context.Context, _ *Request, resp *Response) error {
	if now := s.now.Add(1); now > s.most.Load() {
		s.most.Store(now)
	}
	defer s.now.Add(-1)
	d, status, err := s.serve(s.n.Add(1))
	resp.Status = status
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return err
	case <-s.cut:
		return errors.New("cut")
	}
}

func (s *server) Close() {
	if s.ended.CompareAndSwap(false, true) {
		close(s.cut)
	}
}

type constant struct{}

func (constant) Next(_ *rand.Rand, req *Request) {
	req.Name, req.Method, req.Target = "GET /", "GET", "/"
}

func always(d time.Duration) func(int64) (time.Duration, int, error) {
	return func(int64) (time.Duration, int, error) { return d, 200, nil }
}

func decodeHistogram(t *testing.T, r Result) *hdrhistogram.Histogram {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(r.Histogram)
	if err != nil {
		t.Fatal(err)
	}
	h, err := hdrhistogram.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// longer is how many of a histogram's values are at least d.
func longer(h *hdrhistogram.Histogram, d time.Duration) int64 {
	n := int64(0)
	for _, b := range h.Distribution() {
		if b.From >= d.Microseconds() {
			n += b.Count
		}
	}
	return n
}

func TestAStallDelaysEveryRequestThatWasMeantToBeginDuringIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(func(n int64) (time.Duration, int, error) {
			if n == 200 {
				return 500 * time.Millisecond, 200, nil
			}
			return 100 * time.Microsecond, 200, nil
		})
		o := Options{Rate: 1000, Duration: time.Second, MaxInFlight: 1, Backlog: 1000, Seed: 1}
		r, err := Run(t.Context(), o, s, constant{}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		// The stall begins at 199 ms and ends at 699 ms: of the 500 requests meant for that time, 400 wait for 100 ms and
		// more. A generator that waits for answers would count one.
		if n := longer(decodeHistogram(t, r), 100*time.Millisecond); n < 390 || n > 500 {
			t.Errorf("%d requests took 100 ms and more, want about 444", n)
		}
		if r.Service.P999 >= 100_000 && r.Service.P99 >= 100_000 {
			t.Errorf("from the actual start p99 is %d µs: only one request was slow", r.Service.P99)
		}
		if r.Requests != 1000 || r.Dropped != 0 || r.Late < 400 || r.Errors != 0 {
			t.Errorf("%d requests, %d dropped, %d late, %d errors", r.Requests, r.Dropped, r.Late, r.Errors)
		}
	})
}

func TestEveryIntendedRequestIsAnsweredOrDroppedAndTheBoundsHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(always(100 * time.Millisecond))
		o := Options{Rate: 1000, Duration: 2 * time.Second, MaxInFlight: 10, Backlog: 50, Seed: 1}
		r, err := Run(t.Context(), o, s, constant{}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Requests+r.Dropped != 2000 {
			t.Errorf("%d sent and %d dropped of 2000", r.Requests, r.Dropped)
		}
		if r.Requests < 200 || r.Requests > 262 { // ten at a time, ten times a second, and the backlog at the end
			t.Errorf("%d were sent", r.Requests)
		}
		if s.most.Load() != 10 {
			t.Errorf("%d were under way at once, the bound is 10", s.most.Load())
		}
	})
}

func TestAConstantPaceKeepsItsRateAndAPoissonPaceItsMean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, poisson := range []bool{false, true} {
			s := newServer(always(time.Millisecond))
			o := Options{Rate: 500, Poisson: poisson, Duration: 20 * time.Second, MaxInFlight: 100, Seed: 7}
			r, err := Run(t.Context(), o, s, constant{}, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			slack := int64(0)
			if poisson {
				slack = 400 // four standard deviations
			}
			if r.Requests < 10_000-slack || r.Requests > 10_000+slack || r.Late != 0 {
				t.Errorf("%s: %d requests, %d late", r.Mode, r.Requests, r.Late)
			}
		}
	})
}

func TestGapsOfAPoissonPaceAreExponential(t *testing.T) {
	p := NewPace(100, true, 3)
	last, short := p.Next(), 0
	for range 20_000 {
		next := p.Next()
		if next-last < 10*time.Millisecond { // the mean: 63.2 % of an exponential are below it
			short++
		}
		last = next
	}
	if short < 12_300 || short > 13_000 {
		t.Errorf("%d of 20000 gaps are below the mean, want about 12642", short)
	}
	if mean := last / 20_000; mean < 9_700*time.Microsecond || mean > 10_300*time.Microsecond {
		t.Errorf("mean gap %v", mean)
	}
}

func TestNothingOfTheWarmUpIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(func(n int64) (time.Duration, int, error) {
			if n <= 100 {
				return time.Second, 500, nil
			}
			return time.Millisecond, 200, nil
		})
		o := Options{Rate: 100, WarmUp: time.Second, Duration: time.Second, MaxInFlight: 500, Seed: 1}
		r, err := Run(t.Context(), o, s, constant{}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Requests != 100 || r.Errors != 0 || r.Latency.Max > 2000 || s.n.Load() != 200 {
			t.Errorf("%d requests of %d, %d errors, max %d µs", r.Requests, s.n.Load(), r.Errors, r.Latency.Max)
		}
	})
}

func TestAClosedLoopSendsWhenTheLastAnswerCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(always(10 * time.Millisecond))
		r, err := Run(t.Context(), Options{Closed: true, Concurrency: 5, Duration: time.Second}, s, constant{}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Mode != "closed" || r.Requests < 500 || r.Requests > 505 || s.most.Load() != 5 {
			t.Errorf("%s: %d requests, %d at once", r.Mode, r.Requests, s.most.Load())
		}
		s = newServer(always(10 * time.Millisecond))
		r, err = Run(t.Context(), Options{Closed: true, Concurrency: 5, Count: 42}, s, constant{}, nil, nil)
		if err != nil || r.Requests != 42 || s.n.Load() != 42 {
			t.Errorf("%d requests recorded, %d sent, want 42 (%v)", r.Requests, s.n.Load(), err)
		}
	})
}

func TestACountEndsAnOpenLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(always(time.Millisecond))
		r, err := Run(t.Context(), Options{Rate: 100, Count: 30, MaxInFlight: 10}, s, constant{}, nil, nil)
		if err != nil || r.Requests != 30 {
			t.Errorf("%d requests (%v)", r.Requests, err)
		}
	})
}

func TestTheEndOfTheContextEndsARunAndCutsWhatHangs(t *testing.T) {
	for _, closed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(func(n int64) (time.Duration, int, error) {
				if n > 10 {
					return time.Hour, 200, nil
				}
				return time.Millisecond, 200, nil
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			r, err := Run(ctx, Options{Rate: 100, Closed: closed, Concurrency: 2, MaxInFlight: 5, Backlog: 100}, s, constant{}, nil, nil)
			if err != nil || r.Requests != 10 || r.Errors != 0 {
				t.Errorf("closed %v: %d requests, %d errors (%v)", closed, r.Requests, r.Errors, err)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("closed %v: took %v", closed, took)
			}
			if !closed && r.Dropped == 0 {
				t.Error("what waited in the backlog was not counted as dropped")
			}
		})
	}
}

type wordError string

func (e wordError) Error() string { return string(e) }
func (e wordError) Kind() string  { return string(e) }

func TestErrorsAreCountedByKindEndpointAndStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(func(n int64) (time.Duration, int, error) {
			switch n % 5 {
			case 0:
				return time.Millisecond, 503, nil
			case 1:
				return time.Millisecond, 404, nil
			case 2:
				return time.Millisecond, 0, wordError("timeout")
			case 3:
				return time.Millisecond, 0, errors.New("something")
			}
			return time.Millisecond, 200, nil
		})
		r, err := Run(t.Context(), Options{Rate: 100, Count: 50, MaxInFlight: 10}, s, constant{}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int64{"status_5xx": 10, "status_4xx": 10, "timeout": 10, "failed": 10}
		if !reflect.DeepEqual(r.ErrorKinds, want) || r.Errors != 40 {
			t.Errorf("kinds %v, %d errors", r.ErrorKinds, r.Errors)
		}
		if !reflect.DeepEqual(r.Statuses, map[string]int64{"200": 10, "404": 10, "503": 10}) {
			t.Errorf("statuses %v", r.Statuses)
		}
		if len(r.Endpoints) != 1 || r.Endpoints[0].Name != "GET /" || r.Endpoints[0].Errors != 40 {
			t.Errorf("endpoints %+v", r.Endpoints)
		}
	})
}

func TestTheWatchSeesIntervalsNotTheWholeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(func(n int64) (time.Duration, int, error) {
			if n <= 100 {
				return 100 * time.Millisecond, 200, nil
			}
			return time.Millisecond, 200, nil
		})
		var seen []Progress
		_, err := Run(t.Context(), Options{Rate: 100, Duration: 3 * time.Second, MaxInFlight: 50}, s, constant{}, nil, func(p Progress) { seen = append(seen, p) })
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) < 5 {
			t.Fatalf("%d looks in three seconds", len(seen))
		}
		first, last := seen[0], seen[len(seen)-1]
		if first.Latency.P50 < 90_000 || last.Latency.P99 > 2_000 || last.Rate < 90 || last.Rate > 110 || last.Requests < 250 || last.Of != 3*time.Second {
			t.Errorf("first %+v\nlast %+v", first, last)
		}
	})
}

func TestNamesAndKindsAreBounded(t *testing.T) {
	rec := newRecorder()
	for i := range 200 {
		name := string(rune('a'+i%26)) + string(rune('a'+i/26))
		rec.done(name, 200, name, time.Millisecond, time.Millisecond, 0)
	}
	if len(rec.byName) > maxNames+1 || len(rec.errors) > maxNames+1 || rec.byName["other"].requests == 0 || rec.errors["other"] == 0 {
		t.Errorf("%d names, %d kinds", len(rec.byName), len(rec.errors))
	}
}

func TestAResultKeepsItsShapeInJSON(t *testing.T) {
	raw, err := json.Marshal(Result{Endpoints: []NamedResult{}, ErrorKinds: map[string]int64{}, Statuses: map[string]int64{}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"mode":"","seconds":0,"requests":0,"throughput":0,"errors":0,"error_kinds":{},"statuses":{},"late":0,"dropped":0,` +
		`"latency_us":{"mean":0,"p50":0,"p90":0,"p99":0,"p999":0,"max":0},"service_us":{"mean":0,"p50":0,"p90":0,"p99":0,"p999":0,"max":0},"endpoints":[],"histogram":""}`
	if string(raw) != want {
		t.Errorf("got\n%s", raw)
	}
}

func TestWrongOptionsAreNamed(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Errorf("the default is refused: %v", err)
	}
	for field, o := range map[string]Options{
		"rate": {MaxInFlight: 1}, "maxInFlight": {Rate: 1}, "concurrency": {Closed: true},
		"duration": {Rate: 1, MaxInFlight: 1, Duration: -1}, "count": {Rate: 1, MaxInFlight: 1, Count: -1},
	} {
		_, err := Run(t.Context(), o, newServer(always(0)), constant{}, nil, nil)
		if err == nil || !contains(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// diary notes what happens, in order.
type diary struct {
	mu   sync.Mutex
	page []string
}

func (d *diary) note(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.page = append(d.page, s)
}

func (d *diary) is(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.page, want) {
		t.Errorf("got  %q\nwant %q", d.page, want)
	}
}

// good is a part that takes a second to become ready and one to stop.
func (d *diary) good(name string) Part {
	return Func(name, func(ctx context.Context, ready func()) error {
		d.note(name + " starts")
		time.Sleep(time.Second)
		ready()
		ready() // once more does no harm
		<-ctx.Done()
		time.Sleep(time.Second)
		d.note(name + " stopped")
		return ctx.Err()
	})
}

func TestPartsStartInOrderAndStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		err := Parts(ctx, time.Minute, func() { d.note("up"); cancel() }, d.good("a"), d.good("b"), d.good("c"))
		if err != nil {
			t.Error(err)
		}
		d.is(t, "a starts", "b starts", "c starts", "up", "c stopped", "b stopped", "a stopped")
	})
}

func TestAPartThatFailsToStartStopsThoseBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		broken := errors.New("disk is full")
		err := Parts(t.Context(), time.Minute, func() { d.note("up") }, d.good("a"),
			Func("b", func(context.Context, func()) error { return broken }), d.good("c"))
		if !errors.Is(err, broken) || err.Error() != "b: disk is full" {
			t.Errorf("got %v", err)
		}
		d.is(t, "a starts", "a stopped")
	})
}

func TestAPartThatFailsLaterStopsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		broken := errors.New("lost")
		err := Parts(t.Context(), time.Minute, func() { d.note("up") }, d.good("a"),
			Func("b", func(_ context.Context, ready func()) error {
				ready()
				time.Sleep(time.Hour)
				return broken
			}), d.good("c"))
		if !errors.Is(err, broken) || strings.Count(err.Error(), "lost") != 1 {
			t.Errorf("got %v", err)
		}
		d.is(t, "a starts", "c starts", "up", "c stopped", "a stopped")
	})
}

func TestAPartThatEndsByItselfIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := Parts(t.Context(), time.Minute, func() {}, Func("a", func(_ context.Context, ready func()) error { ready(); return nil }))
		if err == nil || err.Error() != "a: ended by itself" {
			t.Errorf("got %v", err)
		}
	})
}

func TestAPartThatDoesNotStopIsNamedAndTheOthersAreToldToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		start := time.Now()
		err := Parts(ctx, 10*time.Second, cancel, d.good("a"),
			Func("stuck", func(_ context.Context, ready func()) error { ready(); <-release; return nil }))
		if !errors.Is(err, ErrDeadline) || !strings.Contains(err.Error(), "stuck: did not stop") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != 11*time.Second { // a second to start, then the deadline
			t.Errorf("took %v", took)
		}
		close(release)
		synctest.Wait()
		time.Sleep(2 * time.Second)
		d.is(t, "a starts", "a stopped")
	})
}

func TestWhatGoesWrongWhileStoppingIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		broken := errors.New("cannot flush")
		err := Parts(ctx, time.Minute, cancel, Func("a", func(ctx context.Context, ready func()) error { ready(); <-ctx.Done(); return broken }))
		if !errors.Is(err, broken) || err.Error() != "a: stop: cannot flush" {
			t.Errorf("got %v", err)
		}
	})
}

func TestTheEndWhileStartingStopsWhatBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if err := Parts(ctx, time.Minute, func() { d.note("up") }, d.good("a"), d.good("b"), d.good("c")); err != nil {
			t.Error(err)
		}
		d.is(t, "a starts", "b starts", "b stopped", "a stopped")
	})
}

package effects

import (
	"context"
	"errors"
	"sync"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/sdk"
)

// Why something was refused; a *Refused wraps one of them.
var (
	// ErrShadow: a copy of a request, and no rule says where its effects go.
	ErrShadow = errors.New("it is of a shadow, and nothing says where effects of shadows go")
	// ErrUnmarked: a write whose context belongs to no run.
	ErrUnmarked = errors.New("its context belongs to no run: pass the request's context, or say effects.Background")
	// ErrMixed: a statement of one run in a transaction of another.
	ErrMixed = errors.New("it is of another run than its transaction")
)

// Refused is the error for an effect that was not let out. It did nothing.
type Refused struct {
	What string // such as INSERT, or POST payments.internal
	Why  error
}

// Error names what was refused and why.
func (e *Refused) Error() string { return "effects: " + e.What + " refused: " + e.Why.Error() }

// Unwrap is one of ErrShadow, ErrUnmarked and ErrMixed.
func (e *Refused) Unwrap() error { return e.Why }

// Bounds of what is told of one run; api/v1 has that of the number of effects.
const (
	maxEffects  = 4096
	maxBody     = 64 << 10
	maxRunBytes = 256 << 10
)

// tally is what a run did so far. A nil tally takes everything and keeps nothing.
type tally struct {
	mu         sync.Mutex
	effects    []v1.Effect
	bytes      int
	statements int
	truncated  bool
	closed     bool
	late       func() // somebody worked for the run after its handler had returned
}

type tallyKey struct{}

func tallyIn(ctx context.Context) *tally {
	t, _ := ctx.Value(tallyKey{}).(*tally)
	return t
}

// add keeps an effect and says where, -1 when it did not.
func (t *tally) add(e v1.Effect) int {
	if t == nil {
		return -1
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	size := sizeOf(&e)
	switch {
	case t.closed:
		t.late()
		return -1
	case len(t.effects) == maxEffects || t.bytes+size > maxRunBytes:
		t.truncated = true
		return -1
	}
	t.bytes += size
	t.effects = append(t.effects, e)
	return len(t.effects) - 1
}

// change completes an effect that add kept.
func (t *tally) change(at int, f func(*v1.Effect)) {
	if t == nil || at < 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		before := sizeOf(&t.effects[at])
		f(&t.effects[at])
		t.bytes += sizeOf(&t.effects[at]) - before
	}
}

// wrote counts statements that changed rows for good.
func (t *tally) wrote(n int) {
	if t == nil || n == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		t.late()
		return
	}
	t.statements += n
}

// close ends the run and says what it did.
func (t *tally) close(run string) v1.RunEffects {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.effects == nil {
		t.effects = []v1.Effect{}
	}
	if n := len(t.effects); t.truncated && n > 0 {
		t.effects[n-1].Truncated = true
	}
	return v1.RunEffects{Run: run, Effects: t.effects, Closed: true, Statements: t.statements}
}

// sizeOf is about how much of a report an effect takes.
func sizeOf(e *v1.Effect) int {
	n := 64 + len(e.Target) + len(e.Text) + len(e.Body)
	for _, a := range e.Args {
		n += len(a) + 4
	}
	for _, columns := range [][]v1.ColumnValue{e.Key, e.Before, e.After} {
		for _, c := range columns {
			n += len(c.Name) + 24
			if c.Value != nil {
				n += len(*c.Value)
			}
		}
	}
	return n
}

// Record tells an effect that no wrapper sees, such as a message sent. It does nothing outside of a run.
func Record(ctx context.Context, e v1.Effect) {
	if len(e.Body) > maxBody {
		e.Body, e.Truncated = e.Body[:maxBody], true
	}
	tallyIn(ctx).add(e)
}

// SendMark is the header that goes along with a message, so that its consumer works for the same run. The
// value is "" outside of a run: then there is nothing to send along.
func SendMark(ctx context.Context) (name, value string) { return v1.MarkMessageHeader, markOf(ctx) }

// Allow is asked before an effect that no wrapper guards, such as sending a message. In a shadow it is
// an error, and the effect must not happen. what is for the error: "message to orders.created".
func Allow(ctx context.Context, what string) error {
	if run, _ := sdk.RunIn(ctx); run.Shadow {
		return &Refused{what, ErrShadow}
	}
	return nil
}

func markOf(ctx context.Context) string {
	if run, _ := sdk.RunIn(ctx); run.Marked {
		return run.Mark.String()
	}
	return ""
}

type backgroundKey struct{}

// Background is a context for work that the service does of its own accord, for no request: its writes are
// let through without a mark. why is for people. The work of a shadow does not come off it this way: what
// a shadow sets off stays a shadow's.
func Background(ctx context.Context, why string) context.Context {
	run, _ := sdk.RunIn(ctx)
	if run.Shadow || why == "" {
		return ctx
	}
	ctx = context.WithValue(ctx, tallyKey{}, (*tally)(nil))
	return context.WithValue(sdk.WithRun(ctx, sdk.Run{}), backgroundKey{}, why)
}

// BackgroundOf is why work goes on in the background, "" where it does not.
func BackgroundOf(ctx context.Context) string {
	why, _ := ctx.Value(backgroundKey{}).(string)
	if _, of := sdk.RunIn(ctx); of {
		return "" // a request was begun under it since
	}
	return why
}

package sdk

import (
	"context"
	"net/http"

	v1 "jindu.dev/jindu/api/v1"
)

// Run is one time a request is run, as far as a service has to know: whose writes its writes are.
type Run struct {
	// Mark is what goes along with everything that the run does; Marked says whether there is one.
	Mark   v1.Mark
	Marked bool
	// Shadow says that the run is a copy made for comparison. Migration names the migration, if it is known.
	Shadow    bool
	Migration string
}

// RunOf reads the marks of a request; ok is false when it has none. Where they contradict each other, the
// run is a shadow without a mark: it may read and must not write.
func RunOf(r *http.Request) (run Run, ok bool) {
	text := r.Header.Get(v1.MarkHeader)
	run.Migration, run.Shadow = ShadowOf(r)
	run.Mark, run.Marked = v1.ParseMark(text)
	switch {
	case text != "" && !run.Marked: // not a mark: then whose request it is cannot be told
		run.Shadow = true
	case run.Marked && run.Mark.Shadow:
		run.Shadow = true
	case run.Marked && run.Shadow:
		run.Mark, run.Marked = v1.Mark{}, false
	}
	return run, run.Marked || run.Shadow
}

type runKey struct{}

// WithRun is a context of a run. sdk/effects does it for every request that passes its Middleware.
func WithRun(ctx context.Context, r Run) context.Context { return context.WithValue(ctx, runKey{}, r) }

// RunIn is the run that a context belongs to.
func RunIn(ctx context.Context) (Run, bool) {
	r, ok := ctx.Value(runKey{}).(Run)
	return r, ok && (r.Marked || r.Shadow)
}

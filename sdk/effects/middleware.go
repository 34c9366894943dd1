package effects

import (
	"context"
	"net/http"

	"jindu.dev/jindu/sdk"
)

// Middleware puts the run that the gateway named into the context of each request, and tells the node what
// the run did when its handler has returned. It works on a nil Reporter too, which tells nobody.
func (r *Reporter) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		run, ok := sdk.RunOf(req)
		if !ok {
			next.ServeHTTP(w, req)
			return
		}
		ctx := sdk.WithRun(req.Context(), run)
		if r == nil || !run.Marked {
			next.ServeHTTP(w, req.WithContext(ctx))
			return
		}
		t := &tally{late: r.late}
		defer func() { r.put(t.close(run.Mark.Run)) }()
		next.ServeHTTP(w, req.WithContext(context.WithValue(ctx, tallyKey{}, t)))
	})
}

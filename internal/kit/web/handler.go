package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

// MaxBody is how many bytes a request body may have.
const MaxBody = 1 << 20

// answerTime limits how long an answer that is no stream may take to leave.
const answerTime = 30 * time.Second

// ConsoleCSP lets the console load what it brings along and nothing else. Handler sets it; a handler
// may set another one.
const ConsoleCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ReportCSP is for a document that stands alone, such as an HTML report: its own styles, no scripts.
const ReportCSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

type requestKey struct{}

// RequestID is the id of the request, as the answer's X-Request-Id tells it.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// Handler is mux as a listener serves it: with a request id, security headers, the guard, limits of
// size and time, and problems instead of plain text where nothing matches. Paths below /api/ never
// fall through to a catch-all such as the console's.
func Handler(guard *Guard, mux *http.ServeMux) http.Handler {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := mux.Handler(r)
		if pattern != "" && (!strings.HasPrefix(r.URL.Path, apiPrefix) || strings.Contains(pattern, apiPrefix)) {
			mux.ServeHTTP(w, r)
			return
		}
		WriteProblem(w, r, noMatch(mux, w, r))
	})
	h = guard.Wrap(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()
		header := w.Header()
		header.Set("X-Request-Id", id)
		header.Set("Content-Security-Policy", ConsoleCSP)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		if r.TLS != nil {
			header.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(r.URL.Path, apiPrefix) {
			header.Set("Cache-Control", "no-store")
		}
		// Not every writer has deadlines (tests); one that has none needs none.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime))
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody+1)
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, id)))
	})
}

// noMatch is 405 where the path knows other methods, else 404.
func noMatch(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := mux.Handler(probe); strings.Contains(pattern, apiPrefix) || pattern != "" && !strings.HasPrefix(r.URL.Path, apiPrefix) {
			allowed = append(allowed, method)
		}
	}
	if allowed == nil {
		return kind.New(kind.NotFound, "JD-API-015", "there is nothing at %s; /openapi.yaml lists what there is", r.URL.Path)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return withStatus(http.StatusMethodNotAllowed, kind.New(kind.Unsupported, "JD-API-016", "%s does not know %s; use %s", r.URL.Path, r.Method, strings.Join(allowed, " or ")))
}

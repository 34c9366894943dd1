package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// statuses maps kinds of errors to HTTP, the only place that does.
var statuses = map[kind.Kind]int{
	kind.Internal:    http.StatusInternalServerError,
	kind.Invalid:     http.StatusUnprocessableEntity,
	kind.NotFound:    http.StatusNotFound,
	kind.Exists:      http.StatusConflict,
	kind.Conflict:    http.StatusConflict,
	kind.Denied:      http.StatusForbidden,
	kind.Exhausted:   http.StatusTooManyRequests,
	kind.Unavailable: http.StatusServiceUnavailable,
	kind.Unsupported: http.StatusNotImplemented,
}

// problem carries a v1.Problem through huma as an error with a status.
type problem struct {
	v1.Problem
	cause error
}

func (p *problem) Error() string  { return p.Detail }
func (p *problem) GetStatus() int { return p.Status }
func (p *problem) Unwrap() error  { return p.cause }

// ContentType is that of RFC 9457.
func (p *problem) ContentType(ct string) string { return problemType(ct) }

func problemType(ct string) string {
	if ct == "application/json" {
		return "application/problem+json"
	}
	return ct
}

// statusError is an error whose HTTP status its kind does not give.
type statusError struct {
	err    *kind.Error
	status int
}

func (e statusError) Error() string { return e.err.Error() }
func (e statusError) Unwrap() error { return e.err }

func withStatus(status int, err *kind.Error) error { return statusError{err, status} }

// ProblemOf is err as the API tells it. An error without a kind, or Internal, tells only the request id:
// the words are for the log.
func ProblemOf(ctx context.Context, err error) v1.Problem {
	e, ok := errors.AsType[*kind.Error](err)
	if !ok {
		e = kind.New(kind.Internal, "", "")
	}
	status := statuses[e.Kind]
	if s, ok := errors.AsType[statusError](err); ok {
		status = s.status
	}
	p := v1.Problem{Status: status, Title: e.Kind.String(), Code: kind.Code(err), Detail: e.Detail}
	if !ok {
		p.Detail = "unforeseen error; the log has it under request " + RequestID(ctx)
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, v1.FieldError{Field: f.Path, Value: f.Value, Detail: f.Detail})
	}
	return p
}

// WriteProblem answers with err, for handlers outside huma.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(r.Context(), err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="jindu"`)
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may have left; there is nobody to tell
}

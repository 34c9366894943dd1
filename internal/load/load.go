package load

import (
	"context"
	"math/rand/v2"

	v1 "jindu.dev/jindu/api/v1"
)

// Request is one request. Its slices are reused for the next one.
type Request struct {
	Name   string // what it is counted under, such as GET /orders/{id}
	Method string
	Target string // path and query
	Header []v1.Header
	Body   []byte
	// Note is the source's own, for Check.
	Note any
}

// Reset empties r for reuse.
func (r *Request) Reset() { *r = Request{Header: r.Header[:0], Body: r.Body[:0]} }

// Response is an answer. Body is reused for the next one.
type Response struct {
	Status int
	Header func(name string) string
	Body   []byte
}

// Source makes requests. Next is called from many goroutines at once, each with its own r; req is empty.
type Source interface {
	Next(r *rand.Rand, req *Request)
}

// Check judges what came of a request: an answer, or the error that there was none. It returns the kind of
// error to count, a short constant word, or "" when all is well. Called from many goroutines at once.
type Check func(req *Request, resp *Response, err error) (kind string)

// Client sends a request and reads its answer within its own bound of time. Safe for concurrent use. Close
// ends every connection, those in use too.
type Client interface {
	Do(ctx context.Context, req *Request, resp *Response) error
	Close()
}

// KindError is an error of a Client that knows under which word it is counted.
type KindError interface {
	error
	Kind() string
}

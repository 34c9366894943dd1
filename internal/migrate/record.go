package migrate

import (
	"context"
	"encoding/base64"
	"iter"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/route"
)

// Bounds of recording for people.
const (
	maxRecorders   = 4  // at a time, of one migration
	recorderBuffer = 64 // recordings that wait for a slow reader; further ones are left out
)

// recorders are those who want the requests of a lane as they are compared.
type recorders struct {
	mu  sync.Mutex
	all []chan v1.Recording
}

func (r *recorders) add() (chan v1.Recording, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) >= maxRecorders {
		return nil, false
	}
	c := make(chan v1.Recording, recorderBuffer)
	r.all = append(r.all, c)
	return c, true
}

func (r *recorders) remove(c chan v1.Recording) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = slices.DeleteFunc(r.all, func(o chan v1.Recording) bool { return o == c })
}

// tell hands a recording to everybody who has room for it; make is called only when somebody listens.
func (r *recorders) tell(recording func() v1.Recording) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) == 0 {
		return
	}
	one := recording()
	for _, c := range r.all {
		select {
		case c <- one:
		default:
		}
	}
}

// Recordings tells requests that the old side answered, as they are compared, until ctx ends. Errors are of kind
// NotFound, and Exhausted when too many listen already.
func (s *Server) Recordings(ctx context.Context, migration string) (iter.Seq[v1.Recording], error) {
	l := (*s.lanes.Load())[migration]
	if l == nil {
		return nil, notFound(migration)
	}
	c, ok := l.recorders.add()
	if !ok {
		return nil, kind.New(kind.Exhausted, "JD-MIGRATE-019", "migration %q is recorded by %d others already; end one of them", migration, maxRecorders)
	}
	return func(yield func(v1.Recording) bool) {
		defer l.recorders.remove(c)
		for {
			select {
			case r := <-c:
				if !yield(r) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}, nil
}

// recording is the user's request of an observation, with what it did where that is known.
func (w *waiting) recording() v1.Recording {
	rec := w.job.rec
	out := v1.Recording{
		Run: rec.Run, At: rec.Start, Endpoint: w.job.endpoint,
		Request: v1.RecordedRequest{Method: rec.Method, Host: rec.Host, Target: rec.Target, Header: withoutSecrets(rec.Header)},
		Answer:  v1.RecordedResponse{Status: rec.Status, Header: withoutSecrets(rec.ResponseHeader), Latency: v1.Duration(rec.Latency.String())},
	}
	if rec.HasSubject {
		out.Subject = hex16(rec.Subject)
	}
	out.Request.Body, out.Request.Base64 = asText(rec.Body)
	out.Answer.Body, out.Answer.Base64 = asText(rec.ResponseBody)
	for i := range w.needs {
		if n := &w.needs[i]; n.role == roleOld && !n.ask.Shadow {
			out.Effects = n.ws.Effects()
		}
	}
	return out
}

// answeredByOld says whether a recording is of the old side's answer.
func (w *waiting) answeredByOld() bool {
	return !w.job.rec.Observed && w.job.rec.Answered == route.SideOld
}

// secrets are fields that recordings for people never hold, in lower case.
var secrets = []string{"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}

func withoutSecrets(header []v1.Header) []v1.Header {
	return slices.DeleteFunc(slices.Clone(header), func(h v1.Header) bool { return slices.Contains(secrets, strings.ToLower(h.Name)) })
}

func asText(b []byte) (text string, base64ed bool) {
	if utf8.Valid(b) {
		return string(b), false
	}
	return base64.StdEncoding.EncodeToString(b), true
}

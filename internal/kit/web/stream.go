package web

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

const (
	maxStreams     = 256
	streamBuffer   = 64
	heartbeat      = 15 * time.Second
	streamWriteOut = 10 * time.Second
)

// Event is one server-sent event.
type Event[D any] struct {
	ID   int64  // sent when above 0; a client that reconnects gets what follows it
	Name string // sent when not empty; "message" to a browser otherwise
	Data D
}

// Stream adds a GET operation that answers with server-sent events whose data is D as JSON. open sees
// the request and the id after which the client wants to resume (0: none, from Last-Event-ID), and
// returns the events; an error of open is an ordinary problem. The sequence must end with its context,
// which ends when the client leaves or the server drains. An error in the sequence is sent as an event
// named "problem" and ends the stream. A client that does not read for 10 s is cut off; at most 64
// events wait for it, beyond that the sequence is not asked for more.
func Stream[I, D any](api huma.API, need v1.Role, op huma.Operation, open func(ctx context.Context, in *I, resume int64) (iter.Seq2[Event[D], error], error)) {
	op.Method = http.MethodGet
	op.Metadata = with(with(op.Metadata, roleKey, need), streamKey, true)
	data := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[D](), true, op.OperationID+"Event")
	op.Responses = map[string]*huma.Response{"200": {
		Description: "Server-sent events; the data of each is described by x-data. A comment every 15 s keeps the connection alive.",
		Content: map[string]*huma.MediaType{"text/event-stream": {
			Schema:     &huma.Schema{Type: huma.TypeString},
			Extensions: map[string]any{"x-data": data},
		}},
	}}
	op.Parameters = append(op.Parameters, &huma.Param{Name: "Last-Event-ID", In: "header", Schema: &huma.Schema{Type: huma.TypeInteger}, Description: "Id of the last event that the client saw; what follows it is sent."})
	op.Middlewares = append(op.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		next(huma.WithValue(ctx, lastKey{}, ctx.Header("Last-Event-ID")))
	})
	huma.Register(api, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		last, _ := ctx.Value(lastKey{}).(string)
		ctx, cancel := context.WithCancel(ctx)
		resume, err := resumeAt(last)
		if err != nil {
			cancel()
			return nil, asProblem(ctx, err)
		}
		events, err := open(ctx, in, resume)
		if err != nil {
			cancel()
			return nil, asProblem(ctx, err)
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer cancel()
			_, w := humago.Unwrap(hc)
			hc.SetHeader("Content-Type", "text/event-stream")
			hc.SetHeader("X-Accel-Buffering", "no")
			sendAll(ctx, cancel, w, events)
		}}, nil
	})
}

type lastKey struct{}

func resumeAt(last string) (int64, error) {
	if last == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(last, 10, 64)
	if err != nil || n < 0 {
		return 0, kind.New(kind.Invalid, "JD-API-017", "Last-Event-ID is %.64q; send the id of an event of this stream, or none", last)
	}
	return n, nil
}

type pending struct {
	text []byte
	last bool
}

// sendAll writes events and heartbeats until either side ends. The sequence runs beside it, so that a
// heartbeat goes out while it waits.
func sendAll[D any](ctx context.Context, cancel context.CancelFunc, w http.ResponseWriter, events iter.Seq2[Event[D], error]) {
	queue := make(chan pending, streamBuffer)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(queue)
		for e, err := range events {
			p := pending{text: encodeEvent(e)}
			if err != nil {
				p = pending{text: encodeEvent(Event[v1.Problem]{Name: "problem", Data: ProblemOf(ctx, err)}), last: true}
			}
			select {
			case queue <- p:
			case <-ctx.Done():
				return
			}
			if p.last {
				return
			}
		}
	}()
	defer func() { cancel(); <-done }()

	rc := http.NewResponseController(w)
	write := func(text []byte) bool {
		_ = rc.SetWriteDeadline(time.Now().Add(streamWriteOut)) // a writer without deadlines has no slow client
		if _, err := w.Write(text); err != nil {
			return false
		}
		return len(queue) > 0 || rc.Flush() == nil
	}
	if !write([]byte(": stream begins\n\n")) {
		return
	}
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case p, more := <-queue:
			if !more || !write(p.text) || p.last {
				return
			}
		case <-tick.C:
			if !write([]byte(": alive\n\n")) {
				return
			}
		case <-Draining(ctx):
			return
		case <-ctx.Done():
			return
		}
	}
}

func encodeEvent[D any](e Event[D]) []byte {
	var text []byte
	if e.ID > 0 {
		text = fmt.Appendf(text, "id: %d\n", e.ID)
	}
	if e.Name != "" {
		text = fmt.Appendf(text, "event: %s\n", e.Name)
	}
	filled, _ := fillLists(reflect.ValueOf(&e.Data).Elem())
	data, err := json.Marshal(filled.Interface())
	if err != nil { // a type of the API that has no JSON form is a defect of ours
		data = []byte(`{"status":500,"title":"Internal","code":"JD-INTERNAL-001","detail":"event has no JSON form"}`)
	}
	return fmt.Appendf(text, "data: %s\n\n", data)
}

// limitStreams bounds how many streams are open at once.
func limitStreams() func(huma.Context, func(huma.Context)) {
	open := make(chan struct{}, maxStreams)
	return func(ctx huma.Context, next func(huma.Context)) {
		if ctx.Operation().Metadata[streamKey] == nil {
			next(ctx)
			return
		}
		select {
		case open <- struct{}{}:
			defer func() { <-open }()
			next(ctx)
		default:
			r, w := humago.Unwrap(ctx)
			WriteProblem(w, r, kind.New(kind.Exhausted, "JD-API-018", "%d event streams are open, that is the limit; close some and try again", maxStreams))
		}
	}
}

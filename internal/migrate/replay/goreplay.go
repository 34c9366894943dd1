package replay

import (
	"bufio"
	"bytes"
	"io"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// GoReplay's file: payloads, each a line "TYPE ID NANOSECONDS [LATENCY]", then HTTP/1.1 as it was on the wire,
// then the separator. Type 1 is a request, 2 its answer, 3 the answer of a replay. A request and its answer
// have the same id; the answer may come much later, or never.
var goreplayEnd = []byte("\n🐵🙈🙉\n")

// maxOpen bounds the requests that wait for their answer.
const maxOpen = 4096

func readGoReplay(in *bufio.Reader) iter.Seq2[v1.Recording, error] {
	return func(yield func(v1.Recording, error) bool) {
		p := &pairing{open: map[string]*v1.Recording{}}
		chunks := bufio.NewScanner(in)
		chunks.Buffer(make([]byte, 0, 64<<10), maxLine)
		chunks.Split(splitGoReplay)
		for n := 1; chunks.Scan(); n++ {
			if len(bytes.TrimSpace(chunks.Bytes())) == 0 {
				continue
			}
			done, err := p.add(chunks.Bytes())
			if err != nil {
				yield(v1.Recording{}, kind.New(kind.Invalid, "JD-REPLAY-003", "payload %d of the GoReplay file: %w", n, err))
				return
			}
			if done != nil && !yield(*done, nil) {
				return
			}
		}
		if err := chunks.Err(); err != nil {
			yield(v1.Recording{}, kind.New(kind.Invalid, "JD-REPLAY-003", "read payloads of at most %d bytes: %w", maxLine, err))
			return
		}
		for _, id := range p.order { // those that nobody answered
			if r := p.open[id]; r != nil && !yield(*r, nil) {
				return
			}
		}
	}
}

// splitGoReplay cuts at the separator.
func splitGoReplay(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.Index(data, goreplayEnd); i >= 0 {
		return i + len(goreplayEnd), data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// pairing brings requests and answers together.
type pairing struct {
	open  map[string]*v1.Recording
	order []string
}

// add takes a payload and returns a recording when it is whole, or had to be given up for room.
func (p *pairing) add(chunk []byte) (*v1.Recording, error) {
	head, payload, _ := bytes.Cut(chunk, []byte("\n"))
	f := strings.Fields(string(head))
	if len(f) < 3 {
		return nil, kind.New(kind.Invalid, "JD-REPLAY-003", "its head is %.80q, not TYPE ID TIME", head)
	}
	ns, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-REPLAY-003", "its time %q is no number of nanoseconds", f[2])
	}
	switch id := f[1]; f[0] {
	case "1":
		r, err := requestOf(payload)
		if err != nil {
			return nil, err
		}
		r.Run, r.At = runOf(id), time.Unix(0, ns).UTC()
		var out *v1.Recording
		if _, twice := p.open[id]; twice {
			return nil, kind.New(kind.Invalid, "JD-REPLAY-003", "a second request has the id %q", id)
		}
		if len(p.open) >= maxOpen {
			out = p.take(p.order[0])
		}
		p.open[id], p.order = r, append(p.order, id)
		return out, nil
	case "2":
		r := p.take(f[1])
		if r == nil {
			return nil, nil // its request was not recorded
		}
		return r, answerInto(r, payload, time.Unix(0, ns).Sub(r.At))
	case "3":
		return nil, nil
	}
	return nil, kind.New(kind.Invalid, "JD-REPLAY-003", "its type %q is none of 1, 2, 3", f[0])
}

func (p *pairing) take(id string) *v1.Recording {
	r := p.open[id]
	delete(p.open, id)
	if i := slices.Index(p.order, id); r != nil && i >= 0 {
		p.order = slices.Delete(p.order, i, i+1)
	}
	return r
}

// runOf makes 16 hex digits of GoReplay's id.
func runOf(id string) string {
	id = strings.ToLower(id)
	if len(id) >= 16 && strings.Trim(id[:16], "0123456789abcdef") == "" {
		return id[:16]
	}
	return freshRun()
}

func requestOf(payload []byte) (*v1.Recording, error) {
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(payload)))
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-REPLAY-003", "it is no HTTP request: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, maxLine))
	if err != nil && len(body) == 0 { // GoReplay cuts long bodies: what is there is taken
		return nil, kind.New(kind.Invalid, "JD-REPLAY-003", "its body cannot be read: %w", err)
	}
	r := &v1.Recording{Request: v1.RecordedRequest{Method: req.Method, Host: req.Host, Target: req.RequestURI, Header: fields(req.Header)}}
	r.Request.Body, r.Request.Base64 = text(body)
	return r, nil
}

func answerInto(r *v1.Recording, payload []byte, latency time.Duration) error {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(payload)), &http.Request{Method: r.Request.Method})
	if err != nil {
		return kind.New(kind.Invalid, "JD-REPLAY-003", "it is no HTTP answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxLine))
	if err != nil {
		return nil // a body that GoReplay cut off is no answer to compare with
	}
	r.Answer = v1.RecordedResponse{Status: resp.StatusCode, Header: fields(resp.Header), Latency: v1.Duration(latency.String())}
	r.Answer.Body, r.Answer.Base64 = text(body)
	return nil
}

// fields are header fields by name, in order.
func fields(h http.Header) []v1.Header {
	var out []v1.Header
	for name, values := range h {
		for _, v := range values {
			out = append(out, v1.Header{Name: name, Value: v})
		}
	}
	slices.SortStableFunc(out, func(a, b v1.Header) int { return strings.Compare(a.Name, b.Name) })
	return out
}

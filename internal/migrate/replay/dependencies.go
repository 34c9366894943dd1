package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	v1 "jindu.dev/jindu/api/v1"
)

// Bounds of dependencies.
const (
	maxCallBody = 16 << 20
	maxMisses   = 100
)

// Dependencies answers the calls of the service under test from recordings. It is an HTTP proxy, and knows
// by the mark of a call which request it belongs to.
type Dependencies struct {
	mu     sync.Mutex
	runs   map[string]*recorded
	misses []v1.ReplayMiss
	Missed int // calls that no recording holds
}

// recorded is a recording while it is replayed.
type recorded struct {
	run    string // of the recording
	calls  []v1.Effect
	used   []bool
	missed bool
}

// NewDependencies knows no recording yet.
func NewDependencies() *Dependencies { return &Dependencies{runs: map[string]*recorded{}} }

// begin lends a recording's calls to a run.
func (d *Dependencies) begin(run string, r *v1.Recording) {
	in := &recorded{run: r.Run}
	for i := range r.Effects {
		if r.Effects[i].Kind == v1.EffectCall {
			in.calls = append(in.calls, r.Effects[i])
		}
	}
	in.used = make([]bool, len(in.calls))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.runs[run] = in
}

// end takes the calls back and says whether one was missed.
func (d *Dependencies) end(run string) (missed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	in := d.runs[run]
	delete(d.runs, run)
	return in != nil && in.missed
}

// Misses are the first misses.
func (d *Dependencies) Misses() []v1.ReplayMiss {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.misses
}

// ServeHTTP answers a call of the service: as a proxy, or as the dependency itself.
func (d *Dependencies) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallBody))
	if err != nil {
		http.Error(w, fmt.Sprintf("the call's body cannot be read: %v", err), http.StatusBadRequest)
		return
	}
	host := r.Host
	if r.URL.Host != "" {
		host = r.URL.Host
	}
	target := host + r.URL.RequestURI()
	mark, _ := v1.ParseMark(r.Header.Get(v1.MarkHeader))
	answer, why := d.answer(mark.Run, r.Method, target, body)
	if answer == nil {
		w.Header().Set("X-Jindu-Miss", "1")
		http.Error(w, why, http.StatusBadGateway)
		return
	}
	out, err := bytesOf(answer.Answer, answer.Base64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if maybeJSON(out) {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(out) // the service may have gone
}

// answer finds the first recorded call, not used yet, that is the same: method, target and body.
func (d *Dependencies) answer(run, method, target string, body []byte) (call *v1.Effect, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	in := d.runs[run]
	if in == nil {
		d.miss(v1.ReplayMiss{Run: run, Method: method, Target: target})
		return nil, "the call carries no mark of a request under replay: the service must pass X-Jindu-Mark on"
	}
	nearest := ""
	for i := range in.calls {
		c := &in.calls[i]
		switch recordedBody, err := bytesOf(c.Body, c.Base64); {
		case c.Op != method || c.Target != target:
			if nearest == "" && sameHostAndPath(c.Target, target) {
				nearest = c.Op + " " + c.Target
			}
		case err != nil || !sameBody(recordedBody, body):
			nearest = fmt.Sprintf("%s %s with another body", c.Op, c.Target)
		case in.used[i]:
			nearest = fmt.Sprintf("%s %s, which was asked for already", c.Op, c.Target)
		case c.Status == 0:
			nearest = fmt.Sprintf("%s %s, whose answer was not recorded", c.Op, c.Target)
		default:
			in.used[i] = true
			return c, ""
		}
	}
	in.missed = true
	d.miss(v1.ReplayMiss{Run: in.run, Method: method, Target: target, Nearest: nearest})
	return nil, "the recording holds no such call"
}

func (d *Dependencies) miss(m v1.ReplayMiss) {
	d.Missed++
	if len(d.misses) < maxMisses {
		d.misses = append(d.misses, m)
	}
}

func sameHostAndPath(a, b string) bool {
	x, _, _ := strings.Cut(a, "?")
	y, _, _ := strings.Cut(b, "?")
	return x == y
}

// sameBody: JSON is the same whatever its spaces and the order of its members; numbers as they are written.
func sameBody(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	return maybeJSON(a) && maybeJSON(b) && canonical(a) == canonical(b)
}

func maybeJSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && (b[0] == '{' || b[0] == '[')
}

// canonical is JSON with members by name; "" differs for each text that is no JSON.
func canonical(b []byte) string {
	in := json.NewDecoder(bytes.NewReader(b))
	in.UseNumber()
	var v any
	if err := in.Decode(&v); err != nil || in.More() {
		return "no JSON: " + string(b)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return "no JSON: " + string(b)
	}
	return string(out)
}

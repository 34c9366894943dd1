package sdk

import (
	"io"
	"net/http"
)

// The headers that services and Jindu understand each other by. The gateway believes those of requests
// only because it strips them from what users send.
const (
	headerRefused = "X-Jindu-Refused"
	headerState   = "X-Jindu-State"
	headerShadow  = "X-Jindu-Shadow"
)

// Refuse answers 503 and promises that the request had no effect whatever, so that the gateway may let
// the old side answer it. A refusal that is the answer, such as "sold out", is no case for it.
func Refuse(w http.ResponseWriter) {
	h := w.Header()
	h.Set(headerRefused, "1")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, "refused before any effect\n") // the client may be gone; nobody else reads it
}

// State says which version of the data an answer was read from: a revision, a log position, anything
// that is equal exactly when the data is. It must be called before the first byte of the answer.
func State(w http.ResponseWriter, version string) { w.Header().Set(headerState, version) }

// RequestedState is the version that the other side read for the same request. Of a copy, a service
// that can should read the same version and answer from that.
func RequestedState(r *http.Request) (version string, ok bool) {
	version = r.Header.Get(headerState)
	return version, version != ""
}

// ShadowOf says whether a request is a copy made for comparison, and for which migration. A copy must
// have no effect that a user could see.
func ShadowOf(r *http.Request) (migration string, ok bool) {
	migration = r.Header.Get(headerShadow)
	return migration, migration != ""
}

// RefuseFenced is Refuse for a write that the database's fence stopped: the subject went to the other
// side while the request was on its way. The gateway waits for the newer share and decides again.
func RefuseFenced(w http.ResponseWriter) {
	h := w.Header()
	h.Set(headerRefused, "fenced")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, "a newer share holds this subject; nothing was done\n") // see Refuse
}

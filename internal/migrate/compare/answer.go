package compare

import (
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
)

// Failures of a side, as values of Answer.Failure. Any other short word is taken too.
const (
	FailureTimeout = "timeout" // no answer within the limit
	FailureRefused = "refused" // no connection
	FailureClosed  = "closed"  // the connection ended before the answer did
	FailureInvalid = "invalid" // what came was no HTTP answer
)

// StateHeader is the response header by which a service says which version of its data it read.
const StateHeader = "X-Jindu-State"

// Answer is what one side answered, or how it failed.
type Answer struct {
	Status    int
	Header    []v1.Header
	Body      []byte // as received, before any content coding is undone
	Truncated bool   // the body was over the recording's cap
	Failure   string // "" when there was an answer; else one of the Failure words
	Effects   []byte // what was done, as writeset.Document writes it; nil: not captured
	Latency   time.Duration
}

// StateOf is the version of the data that the answer was made from, "" when the service does not say.
func StateOf(a *Answer) string { return a.get(StateHeader) }

// Reasons why two answers are not compared.
const (
	ReasonTruncated = "truncated"
	ReasonState     = "state_differs"
)

// Comparable says whether two answers may be compared, and if not, why.
// States differ when both sides name one and the names are not equal.
func Comparable(a, b *Answer) (reason string, ok bool) {
	if a.Truncated || b.Truncated {
		return ReasonTruncated, false
	}
	if x, y := StateOf(a), StateOf(b); x != "" && y != "" && x != y {
		return ReasonState, false
	}
	return "", true
}

// get is the first value of a header, without spaces around it.
func (a *Answer) get(name string) string {
	for i := range a.Header {
		if strings.EqualFold(a.Header[i].Name, name) {
			return strings.TrimSpace(a.Header[i].Value)
		}
	}
	return ""
}

package gateway

import (
	"slices"

	"jindu.dev/jindu/internal/route"
)

// Failure is how a try ended when it gave no answer that may be passed on.
type Failure uint8

// The failures.
const (
	Answered     Failure = iota
	NoInstance           // nothing to send to
	CircuitOpen          // the breaker holds the side
	NoConnection         // nothing of the request was sent
	Refused              // 503 with X-Jindu-Refused: 1: no effect
	RetryStatus          // an answer with a status that the route retries
	Broken               // sent; the connection ended or what came was no HTTP: effect unknown
	TimedOut             // sent; no answer in time: effect unknown
	ClientLeft           // nobody waits any more
	Fenced               // 503 with X-Jindu-Refused: fenced: no effect, the subject has moved
)

// Status is what the gateway answers when nothing else can be done.
func (f Failure) Status() int {
	switch f {
	case NoInstance, CircuitOpen, NoConnection, Refused, Fenced:
		return 503
	case TimedOut:
		return 504
	case ClientLeft:
		return 499
	}
	return 502
}

// Code is the public code of the answer.
func (f Failure) Code() string {
	switch f {
	case NoInstance:
		return "JD-GATEWAY-012"
	case CircuitOpen:
		return "JD-GATEWAY-013"
	case NoConnection:
		return "JD-GATEWAY-014"
	case TimedOut:
		return "JD-GATEWAY-016"
	case Fenced:
		return "JD-GATEWAY-017"
	}
	return "JD-GATEWAY-015"
}

// Detail says it in words.
func (f Failure) Detail() string {
	switch f {
	case NoInstance:
		return "no instance of the service can answer; check its instances and their health"
	case CircuitOpen:
		return "the service failed too often and its circuit is open; try again later"
	case NoConnection:
		return "no connection to the service; nothing was sent, so it is safe to repeat the request"
	case Refused:
		return "the service refused the request before any effect"
	case TimedOut:
		return "the service did not answer in time; whether the request took effect is unknown"
	case ClientLeft:
		return "the client left"
	case Fenced:
		return "users are being moved and the new share did not come in time; nothing had effect, so it is safe to repeat the request"
	}
	return "the service's connection ended before a whole answer; whether the request took effect is unknown"
}

// Safe says that a method has no effect by definition (RFC 9110 9.2.1).
func Safe(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS":
		return true
	}
	return false
}

// idempotent says that repeating a request has no more effect than sending it once (RFC 9110 9.2.2).
func idempotent(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		return true
	}
	return false
}

// Retries says that an answer with status is one that the route repeats.
func (v *View) Retries(ex *Exchange, status int) bool {
	r := ex.Decision.Rule.Retry
	return len(r.Codes) > 0 && ex.Tries <= r.Attempts && idempotent(ex.Request.Method) && slices.Contains(r.Codes, status)
}

// MayRetry says that the request may be sent again within the subset. whole says that all of its body
// can be sent again.
func (v *View) MayRetry(ex *Exchange, f Failure, whole bool, now int64) bool {
	r := &ex.Decision.Rule.Retry
	if !whole || ex.Tries > r.Attempts {
		return false
	}
	switch f {
	case NoConnection:
	case Broken, TimedOut, RetryStatus:
		if !idempotent(ex.Request.Method) {
			return false
		}
	default:
		return false
	}
	rule := v.rules[ex.Decision.Rule.Index]
	if !rule.retries.take(now, rule.requests.Load()) {
		v.g.Events.RetriesDenied.Add(1)
		return false
	}
	v.g.Events.Retries.Add(1)
	return true
}

// MayFallBack says that the old side may answer instead of the new one, and notes that it will. What
// writes to an entity of the new side stays there: an entity has one owner.
func (v *View) MayFallBack(ex *Exchange, f Failure, whole bool, now int64) bool {
	d := &ex.Decision
	if d.Cohort == nil || d.Side != route.SideNew || ex.FellBack || !whole || d.Cohort.Fallback.Disabled {
		return false
	}
	switch f {
	case NoInstance, CircuitOpen, NoConnection, Refused:
	default:
		return false
	}
	if d.ByOwner && !Safe(ex.Request.Method) {
		return false
	}
	if m := string(ex.Request.Method); m == "PUT" || m == "DELETE" || len(d.Cohort.Old.Instances) == 0 {
		return false
	}
	c := v.cohorts[d.Cohort]
	if !c.fallback.take(now, c.new.requests.Load()+c.new.inFlight.Load()) {
		v.g.Events.FallbacksDenied.Add(1)
		return false
	}
	ex.FellBack = true
	return true
}

// Allow asks the circuit breaker of the subset that is to be asked: the migration's for its new side,
// the service's for any other.
func (v *View) Allow(ex *Exchange, s *route.Subset, side route.Side, now int64) bool {
	if side == route.SideNew {
		ok, trial := v.cohorts[ex.Decision.Cohort].breaker.allow(now)
		ex.trial, ex.reached = trial, ok
		return ok
	}
	b := v.circuit[s.Index]
	if b == nil {
		return true
	}
	ok, trial := b.allow(now)
	ex.trialOther, ex.allowed = trial, ok
	return ok
}

// Pick chooses an instance of the subset, nil when it has none.
func (v *View) Pick(s *route.Subset, now int64, random uint64, avoid *Upstream) *Upstream {
	return v.subsets[s.Index].pick(now, random, avoid)
}

// Began notes that a try is under way at u.
func (v *View) Began(u *Upstream) { u.inFlight.Add(1) }

// Ended notes how the try ended: with a failure, or with an answer of status.
func (v *View) Ended(s *route.Subset, u *Upstream, f Failure, status int, now int64) {
	u.inFlight.Add(-1)
	failed := false
	switch f {
	case ClientLeft:
		return
	case Answered, RetryStatus:
		failed = status >= 500
	case Refused, Fenced:
		// It protects itself, or its data; ejecting it too would push its load onto the others.
	default:
		failed = true
	}
	if v.subsets[s.Index].report(now, u, failed) {
		v.g.Events.Ejections.Add(1)
	}
}

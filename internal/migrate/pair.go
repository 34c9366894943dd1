package migrate

import (
	"context"
	"errors"
	"time"

	"jindu.dev/jindu/internal/migrate/compare"
	"jindu.dev/jindu/internal/migrate/evidence"
	"jindu.dev/jindu/internal/route"
)

// said is what became of one copy.
type said struct {
	role            role
	reply           Reply
	err             error
	run             string // of the copy's mark
	began, answered time.Time
}

// answer is a reply as something to compare.
func (r *Reply) answer() compare.Answer {
	return compare.Answer{Status: r.Status, Header: r.Header, Body: r.Body, Truncated: r.Truncated, Latency: r.Latency}
}

// primary is the recorded answer; a recording without one is a failure of the side that was asked.
func (r *Recorded) primary() compare.Answer {
	a := compare.Answer{Status: r.Status, Header: r.ResponseHeader, Body: r.ResponseBody, Truncated: r.ResponseTruncated, Latency: r.Latency}
	if r.Status == 0 {
		a.Failure = compare.FailureClosed
	}
	return a
}

// observe puts a recording and its copies together. drop says why there is nothing to compare: an answer
// is missing that the comparison needs. A control that was not reached leaves a pair.
//
// Of the two answers asked at the same time, a failure must weigh alike on both sides, or shadow traffic
// that is too much for both would look like a defect. Where the old side answered the user, a failure of
// either is an answer to compare. Where the new side did, a failure of either is a drop: that the old side
// no longer bears copies is no reason to take users back to it, and how users fare on the new one is for
// the gates of errors and latency to say.
func (j *job) observe(all []said) (o evidence.Observation, drop string) {
	rec := j.rec
	asker := askerOf(rec)
	o = evidence.Observation{
		Endpoint: j.endpoint, Cluster: clusterOf(asker, j.endpoint), Subject: asker, At: rec.Start, Trace: rec.Trace,
		Safe: true, // plan asks a control only where that is so
	}
	switch {
	case rec.Observed:
	case rec.Answered == route.SideNew:
		o.New, o.NewFirst = rec.primary(), true
	default:
		o.Old = rec.primary()
	}
	for i := range all {
		s := &all[i]
		a := s.reply.answer()
		if s.err != nil {
			failure, lost := failed(s.err)
			switch {
			case failure == "" && (s.role == roleOld2 || s.role == roleNew2), j.inTurn && s.role.control():
				continue
			case failure == "", s.role == roleOld, s.role == roleNew2:
				return o, lost
			}
			a.Failure = failure
		}
		switch s.role {
		case roleOld:
			o.Old = a
		case roleOld2:
			o.Old2 = &a
		case roleNew:
			o.New = a
		case roleNew2:
			o.New2 = &a
		}
	}
	if j.inTurn { // the side that ran twice is the one that the others are held against
		o.NewFirst = o.New2 != nil
		o.Twice = o.NewFirst
	}
	return o, ""
}

// failed reads the error of a copy: how the instance failed, "" when it was not reached, and the reason
// under which the copy is dropped if it cannot be compared.
func failed(err error) (failure, drop string) {
	switch {
	case errors.Is(err, ErrUnreached):
		return "", dropFailed
	case errors.Is(err, context.Canceled):
		return "", dropShutdown
	}
	if late, ok := errors.AsType[timeout](err); ok && late.Timeout() { // context.DeadlineExceeded is one
		return compare.FailureTimeout, dropTimeout
	}
	return compare.FailureClosed, dropFailed
}

// timeout is what errors of contexts and sockets have in common.
type timeout interface {
	error
	Timeout() bool
}

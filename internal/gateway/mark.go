package gateway

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"

	v1 "jindu.dev/jindu/api/v1"
)

// Mark gives the exchange's next try a run of its own, where its migration wants requests marked. A
// try is a run: what an earlier one did, here or on the other side, is not what the answer is about.
func (v *View) Mark(ex *Exchange) {
	ex.Run = 0
	if c := ex.Decision.Cohort; c != nil && c.Marked {
		ex.Run = v.g.random() | 1
	}
}

// AppendMark appends the v1.Mark of the try under way.
func (ex *Exchange) AppendMark(dst []byte) []byte {
	dst = ex.appendRun(append(dst, "jindu:"...))
	if ex.Shadow {
		dst = append(dst, ":s:"...)
	} else {
		dst = append(dst, ":p:"...)
	}
	dst = append(strconv.AppendInt(dst, ex.Decision.Cohort.Epoch, 10), ':')
	if bucket := ex.Decision.Bucket(); bucket >= 0 {
		return strconv.AppendInt(dst, int64(bucket), 10)
	}
	return append(dst, '-')
}

func (ex *Exchange) appendRun(dst []byte) []byte {
	var run [8]byte
	binary.BigEndian.PutUint64(run[:], ex.Run)
	return hex.AppendEncode(dst, run[:])
}

// RunID is the run as marks write it, "" where there is none.
func (ex *Exchange) RunID() string {
	if ex.Run == 0 {
		return ""
	}
	return string(ex.appendRun(nil))
}

// MarkHeader is the field that carries the mark, ready to be written.
const MarkHeader = v1.MarkHeader + ": "

// MayWait says that a request which a fence refused may wait for the share that follows, and takes a
// place among those that wait; Redecide or Finish gives it back. whole says that all of its body can be
// sent again.
func (v *View) MayWait(ex *Exchange, whole bool) bool {
	c := ex.Decision.Cohort
	if c == nil || !c.Marked {
		return false
	}
	v.g.Events.Fenced.Add(1)
	if whole && !ex.last && v.queue(ex) {
		return true
	}
	v.g.Events.FencedDenied.Add(1)
	ex.Fenced = true
	return false
}

func (v *View) queue(ex *Exchange) bool {
	if !ex.waits {
		if v.g.fenced.Add(1) > int64(v.Limits.Fenced) {
			v.g.fenced.Add(-1)
			return false
		}
		ex.waits = true
	}
	return true
}

func (v *View) unqueue(ex *Exchange) {
	if ex.waits {
		ex.waits = false
		v.g.fenced.Add(-1)
	}
}

// Changed is closed when the next table is in force. Take it before looking at the one that is.
func (g *Gateway) Changed() <-chan struct{} { return *g.changed.Load() }

// Moved says that a table newer than v has another share for the migration of ex.
func (v *View) Moved(ex *Exchange) bool {
	was := ex.Decision.Cohort
	now := v.g.Load().Table.Cohort(was.Migration)
	return now == nil || now.Epoch > was.Epoch
}

// Redecide ends the wait that MayWait began. By a newer share ex is decided anew, under the view that is
// returned; without one the side is asked a last time, for a fence may have been taken back.
func (v *View) Redecide(ex *Exchange) *View {
	v.unqueue(ex)
	if !v.Moved(ex) {
		ex.last = true
		return v
	}
	v.leave(ex)
	next := v.g.Load()
	next.Table.Decide(&ex.Request, &ex.Decision)
	next.enter(ex)
	ex.Subset, ex.FellBack, ex.Tries = nil, false, 0
	ex.trial, ex.reached, ex.trialOther, ex.allowed = false, false, false, false
	return next
}

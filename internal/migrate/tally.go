package migrate

import (
	"slices"
	"sync/atomic"

	v1 "jindu.dev/jindu/api/v1"
)

// Why a copy was dropped.
const (
	dropQueue    = "queue_full"
	dropBytes    = "bytes_full"
	dropTimeout  = "timeout"
	dropFailed   = "failed"
	dropShutdown = "shutdown"
)

var (
	dropReasons = [...]string{dropQueue, dropBytes, dropTimeout, dropFailed, dropShutdown}
	skipReasons = [...]string{reasonUnsafe, reasonState, reasonTruncated, reasonShadow, reasonUpgraded, reasonLate, reasonLossy, reasonRefused}
)

// tally counts what became of exchanges since the process began. It takes no lock: the request path
// counts here.
type tally struct {
	offered, compared, triples, notSampled atomic.Int64
	lost                                   atomic.Int64 // answered, but not comparable then
	dropped                                [len(dropReasons)]atomic.Int64
	notComparable                          [len(skipReasons)]atomic.Int64
}

// drop counts n copies dropped.
func (t *tally) drop(reason string, n int64) { t.dropped[slices.Index(dropReasons[:], reason)].Add(n) }

// skip counts a recording that is not comparable.
func (t *tally) skip(reason string) { t.notComparable[slices.Index(skipReasons[:], reason)].Add(1) }

// copies is what the drops gate holds against each other.
func (t *tally) copies() Copies {
	var c Copies
	for i := range t.dropped {
		c.Dropped += t.dropped[i].Load()
	}
	c.Attempts = c.Dropped + t.compared.Load() + t.lost.Load()
	return c
}

// counts is the tally for people. Its maps are never nil.
func (t *tally) counts() v1.MirrorCounts {
	m := v1.MirrorCounts{
		Offered: t.offered.Load(), Compared: t.compared.Load(), Triples: t.triples.Load(), NotSampled: t.notSampled.Load(),
		NotComparable: map[string]int64{}, Dropped: map[string]int64{},
	}
	for i, reason := range skipReasons {
		if n := t.notComparable[i].Load(); n > 0 {
			m.NotComparable[reason] = n
		}
	}
	for i, reason := range dropReasons {
		if n := t.dropped[i].Load(); n > 0 {
			m.Dropped[reason] = n
		}
	}
	return m
}

// Package writeset says what a run of a request did, and puts the runs of both sides into a form that
// compares.
//
//	proxies, binlog, logical decoding, reports ─► Collector: by run ─► WriteSet ─► Document ─► compare.Answer.Effects
//
// Words: a run is one execution of a request on one side, named by v1.Mark.Run. A capture is somebody who
// tells effects: report, proxy:NAME, database:NAME. A write set is all effects of one run.
//
// Invariants:
//   - What carries no mark is unattributed: counted and never guessed.
//   - A run is compared only when every capture that its side declares has told all of it; else it is late.
//   - Everything is bounded: runs, effects of a run, bytes; what is dropped is counted by reason.
//
// The package is pure: time is passed in. A Collector is safe for concurrent use.
package writeset

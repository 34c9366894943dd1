// Package writeset says what a run of a request did, and puts the runs of both sides into a form that
// compares.
//
//	proxies, binlog, logical decoding, reports ─► Collector: by run ─► WriteSet ─► Document ─► compare.Answer.Effects
//
// Words: a run is one execution of a request on one side, named by v1.Mark.Run. A capture is somebody who
// tells effects: report, proxy:NAME, database:NAME. A write set is all effects of one run. To take a run
// is to get its write set; a run that nobody takes is forgotten by age.
//
// When a capture has told all of a run:
//
//	report          the run's own report says that it is closed
//	proxy:NAME      at once, where the capture is prompt: it tells an effect before the service hears of it
//	database:NAME   when its progress has passed the moment of the answer
//
// Invariants:
//   - What carries no mark is unattributed: counted and never guessed.
//   - A run is compared only when every capture that its side declares has told all of it; else it is late.
//   - A run of which something was dropped, cut or left unknown is lossy: it is never taken for complete.
//   - Everything is bounded: runs, effects of a run, bytes, age; what is dropped is counted by reason.
//   - A document does not depend on the order of independent statements, nor on the state that a run found,
//     as far as a number that was raised by one is the same on whatever it was before.
//
// The package is pure: time is passed in. A Collector is safe for concurrent use.
package writeset

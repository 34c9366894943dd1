// Package migrate moves a service's users from an old subset of its instances to a new one, only as far
// as the evidence allows, and takes them back by itself when it does not.
//
//	gateway tap ─► Plan, Done ─► lane (bounded queue) ─► Caller ─► compare ─► evidence.Book
//	                                                                              │ Look
//	store watch ─► Controller ◄─ Tick: gates over Outcomes, drops, mismatch ◄─────┘
//	                   │ effects: Override ─► data path · Write ─► store · Rearm · Restart
//
// Words: a Recorded exchange is offered to the lane of its migration; the lane asks the side that did
// not answer (a pair), sometimes the one that did once more, as a control (a triple). A window is the
// traffic since the present phase or step began in this process. A gate is one condition over a window;
// its verdict is pass, fail or not_enough. A move is one change of phase or share, and raises the epoch.
//
// Invariants:
//   - The share rises only by a pass of every gate with the least time elapsed, or by a promote command
//     while no gate fails; at most one step in one move.
//   - A rollback reaches the data path before it is stored, and needs no store. A promotion is stored
//     first, by compare-and-set, and reaches the data path by the watch.
//   - After a rollback the share is 0 until resume.
//   - The epoch of a migration rises with every move and never falls.
//   - Not enough evidence, a store that cannot be reached and whatever Blocked names hold the share.
//   - Time within a phase is monotonic time of this process; a restart begins the phase's clock again.
//   - No mirroring of a mirror; unsafe methods go only to instances that declare themselves shadow-safe.
//   - Queues are bounded by count and bytes; every drop is counted by its reason.
//
// The Controller is pure: input, state and time in, effects out (test/sim drives it with faults).
// Server runs it; only server.go has goroutines and timers.
package migrate

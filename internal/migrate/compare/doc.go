// Package compare says whether two answers are alike, and where not.
//
// An [Answer] is what a side said, or how it failed. [Rules.Parse] turns it into a [Doc] once: status,
// the headers that matter, and the body as a tree of [Value]s; every value belongs to a field path such as
// $.items[].price. [Rules.Diff] walks two documents and groups what differs by path.
//
//	Answer ─► Parse ─► Doc ─┐
//	                        ├─► Diff ─► []Difference{Path, Kind, Pairs}
//	Answer ─► Parse ─► Doc ─┘
//
// What a side did, beside what it said, is compared at paths that begin with effects, such as
// effects.row.orders[].after.total, where both sides were captured: rows of a table are sets, a number is
// compared by how much it was raised, and a value that was another before on the other side is no
// difference of the code but of kind state.
//
// Invariants:
//   - Numbers stay decimal text: 64-bit ids and money are never read as floating point.
//   - A failure is a fact: a timeout on one side differs from an answer on the other, at path "status".
//   - Where the status differs only the status is reported: the body is its consequence. Where an object is
//     missing its members are not reported. So a difference names its cause, not its echo.
//   - Everything is bounded: depth, nodes, paths, pairs a path. A body beyond the bounds is compared by
//     digest, and what was left out is counted.
//   - Equivalence rules are off by default wherever a client could notice the difference; see [RuleList].
//
// The package is pure: no I/O, no clock, no goroutines. Rules is safe for concurrent use.
package compare

// Package data proves that a migration with spec.data loses nothing: real databases, the real node, services that
// write on both sides, and everything broken that can break.
//
//	writers ─► old database ◄─ wire ─► node ◄─ wire ─► new database ◄─ writers
//	   └─► ledger of what was acknowledged ─► judge: on both sides exactly once, or in an open case
//
// The writers do what services do: they take a subject's side and epoch from the migration's share, look at the
// fence in each transaction, and count versions. They ask the node seldom, so that they are late to learn of a move.
// Wires are TCP connections that can be cut and held. Faults come by a seed, which a failure names.
package data

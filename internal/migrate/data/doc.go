// Package data carries the rows of a migration across and keeps both sides in step until one may go.
//
//	Source (binlog, pgoutput, outbox) ─► Txn ─► relay: order per key ─► mapping ─► Store.Apply (guarded by version)
//	Store.Read ─► backfill by key range ──────────────────────────────► Store.Apply (insert unless newer)
//	Store.Sum, Store.Read of both ─► windows, bisection ─► differences ─► after the grace: cases, repairs
//	share changes ─► Store.Fence on the losing side ─► drain ─► the share
//
// Words: a Change is what became of one row; a Txn is what was committed together; a Position is a place in
// a side's log. Origin transactions are those that a relay of ours wrote: they carry their mark in table
// jindu_relay and are passed over, or a change would go round for ever. The watermark of a relay is the
// commit time before which everything is applied. A parked change could not be applied; later changes of
// its row wait behind it, so that nothing is skipped.
//
// Invariants:
//   - A change is applied exactly once or is visible: applied, stale (the row is newer), parked, or in a case.
//   - Changes of one key are applied in commit order; others in any.
//   - Position is stored in the target in the same transaction as what it covers, so kill -9 repeats at
//     most what is idempotent.
//   - Nothing but a declared winner repairs; money and stock are settled by a person.
//   - A write under an older epoch for a bucket that moved is refused by the database itself.
//
// Core types and decisions are pure; server.go runs them.
package data

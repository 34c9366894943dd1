// Package outbox writes a service's rows under the fence of a migration, and beside each row its change, in
// one transaction: Jindu carries the change to the other side's database.
//
//	tx, err := outbox.Begin(ctx, db, outbox.Options{Dialect: outbox.Postgres})
//	if errors.Is(err, outbox.ErrFenced) {
//		sdk.RefuseFenced(w) // the subject went to the other side while the request was on its way
//		return
//	}
//	defer tx.Rollback()
//	tx.ExecContext(ctx, "UPDATE orders SET status = 'paid', version = version + 1 WHERE id = $1", id)
//	tx.RecordRow(ctx, "orders", outbox.Update, outbox.Row{"id": id}, "version")
//	tx.Commit()
//
// Words: the fence is a table, jindu_fence, of the buckets that this side lost, each with the epoch of the
// share by which it lost them. The epoch and bucket of a request are in its mark (sdk.Run).
//
// Invariants:
//   - The fence is looked at first in the transaction and held until its end: whoever fences waits for it, so
//     a write that slept through a change of share either was in time or is refused.
//   - A record is written behind its row, so that the numbers of one row's records are in the order of its commits.
//   - A shadow takes no fence and writes no record: nothing of it is carried anywhere.
//   - Work without a mark counts as of epoch 0 and bucket 10,000: it is refused as soon as its side lost
//     everything. Options.Unmarked lets it pass.
//
// On PostgreSQL the transaction is READ COMMITTED, because what a stricter one sees was settled before it had
// the lock. The package imports api/v1, sdk and the standard library alone.
package outbox

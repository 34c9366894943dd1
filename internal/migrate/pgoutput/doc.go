// Package pgoutput tells the changes of a PostgreSQL database (12 or later) by logical decoding: a publication
// names the tables, a slot keeps the log for as long as it is needed, the server's plugin pgoutput writes rows.
//
//	walsender ─► copy data ─┬─ keepalive ........ place reached
//	                        └─ data ─► message ─┬─ begin, commit .... data.Txn ─► emit
//	                                            ├─ relation ......... names and types of columns ─► row.Table
//	                                            ├─ insert, update, delete ─► canonical text ─► data.Change
//	                                            ├─ truncate ......... the end: rows are gone without a word
//	                                            └─ message .......... prefix jindu.mark: the transaction's mark
//	status, 5 a second ─► what was acknowledged (Ack), and: tell where you are
//	probe (clock and log's end) ─► once the stream is there: nothing committed before that is still to come
//
// Words: a position is an LSN as PostgreSQL writes it, 0/16B3748. Publication and slot have one name, that of
// the stream; see Source.Slot.
//
// Invariants:
//   - The slot moves only to what was acknowledged by Ack. Nobody who forgets to acknowledge loses a change; the
//     server keeps its log meanwhile, and so Ack must also be called for empty transactions.
//   - Publication and slot are made by Here, or by Run from now on. Run from a position never makes them: what
//     was committed without them is not in the stream, and the error wraps data.ErrLogGone. The same when the
//     slot was invalidated or is ahead of the position. Here then makes them anew.
//   - Columns come with their names in the stream, also across changes of schema.
//   - A value that was stored apart (TOAST) and not changed is not in the log. With REPLICA IDENTITY FULL it is
//     in the row before; else the row is read, and may be newer: the change that made it so is still to come.
//     A row that is gone by then is not told: its deletion, or the change of its key, is still to come.
//   - Sequence is the LSN of the commit times 4096 plus the part; Version is the same. A transaction over 16 MiB
//     is told in parts, all but the last with the position before it.
//   - A transaction is Origin when it touches jindu_relay, which therefore is in the publication, and must exist.
//
// openGauss is not read: its plugin mppdb_decoding (and its pgoutput from 3.1 on) need another start of the
// stream and login, which is not built. Use the outbox there.
package pgoutput

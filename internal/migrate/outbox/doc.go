// Package outbox tells the changes that a service writes itself, into table jindu_outbox in the transaction of
// the change. It reads MariaDB, MySQL, PostgreSQL and openGauss.
//
//	poll: one statement reads, in the order of ids, the rows that it has not told yet
//	  ─► each is a data.Txn ─► emit ─► the relay applies ─► Ack ─► the rows are deleted, in chunks
//
// Words: to tell is to emit; a row told and not acknowledged is held. A position is h.n.run: every row that any
// statement could see when id h was the highest is told; n rows were told by this run. For a place that Here
// gave only h counts in Reached, for that of a row n of the same run too.
//
// Invariants:
//   - What is in the table is told, whatever the position that Run begins from: a row leaves the table only when
//     it is acknowledged. So no row is lost to a gap between ids, nor one whose transaction commits after that
//     of a higher id. Rows that were applied and not acknowledged come again; the version guard passes them over.
//   - Rows of one key come in the order of their commits: they are written behind the row's own change, under its
//     lock, and a poll sees them as of one moment.
//   - Here writes a row of its own (op h). A poll that sees it sees everything that was committed before, so the
//     position behind it is a place that Reached can be asked about; ids alone are not.
//   - Sequence is the row's id, which rises with every change of a key. Version is what the service wrote.
//   - At most maxHeld rows are held: beyond it the table is read no further until some are acknowledged.
//   - Commit is the time of the row, or of the last poll that could not see it, whichever is later.
//
// The rows of one transaction come one behind the other but as transactions of their own: the table does not
// say what was committed together.
package outbox

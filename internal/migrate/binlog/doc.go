// Package binlog tells the changes of a MariaDB or MySQL database from its binary log, as a replica would read it.
//
//	dump ─► packet ─► event ─┬─ GTID ......... a transaction begins: its place in the log
//	                         ├─ annotation ... text of a statement: its mark
//	                         ├─ table map .... the columns that rows have: held against the table's definition
//	                         ├─ rows ......... images ─► canonical text ─► data.Change
//	                         ├─ query ........ a change of schema, or the end of a transaction
//	                         └─ end .......... data.Txn ─► emit
//	probe (time and log's end, both from the server) ─► once the stream is there: nothing committed before that
//	                                                    time is still to come, an empty data.Txn says so
//
// Words: a position is GTIDs (MariaDB: the last of each domain; MySQL: a set) or, of a MySQL without them, a
// file and an offset. A definition is what information_schema says of a table. A probe is a look at the server's
// clock and log's end.
//
// Invariants:
//   - A column is never guessed. Rows in the log have no names, so a definition counts only where no statement
//     between the place of the rows and the place where it was read may have changed the table: the log between
//     the two is read ahead for that. Where it cannot be certain, Run ends with an error that wraps
//     data.ErrLogGone and names the table. What nobody logged (SET sql_log_bin=0) is caught when number or types
//     of columns differ, not when two of one type change places.
//   - A position is told only behind a whole transaction. One over Options.MaxBytes is told in parts, in order,
//     with the same Sequence; all but the last have the position before it, so that a restart tells it whole again.
//   - Sequence is the number of transactions in the position (MariaDB: the sum of its sequence numbers), so it
//     rises over restarts, files and a promoted replica. A Change's Version is Sequence and its number within
//     the transaction: it rises with every change of a row.
//   - Commit is never later than the server's time of commit was, and not more than a probe's interval earlier
//     when the stream keeps up: events of MariaDB know whole seconds only.
//   - A transaction is Origin when it touches jindu_relay; who writes that row first in its transaction is
//     recognised in parts too.
//   - Rows gone without row events (TRUNCATE, DROP TABLE, a partition dropped) end Run with an error. Rows that
//     a foreign key of the engine changes by cascade are in no log: New's logger is told at the start of Run.
//
// The library go-mysql gives the connection, the login and MySQL's GTID sets. Its own reader is not used: it
// ends a former connection by an id that after a restart may be another's, and boxes every value.
package binlog

// Package mysql is the proxy for MariaDB and MySQL: it relays the protocol (4.1 and later), reads the mark of
// each statement and keeps shadows away from what users own.
//
//	client ─► login relayed, without what the proxy cannot follow ─► commands
//	  mark p   ─► untouched ─► the answer passes; a write is recorded when it is committed
//	  no mark  ─► reads and the words of transactions pass; the rest by rule unmarked
//	  mark s   ─► reads pass; writes by rule shadow:
//	     rollback  SET autocommit=0 ─► rows before ─► the write ─► rows after ─► ... ─► ROLLBACK
//	     divert    the same over a second connection, of another user, to another schema; committed there
//	     refuse    an error that says why
//
// Words: the shade is the transaction that holds what a shadow wrote. While it is open the client is shown
// its own view: it began, committed or left autocommit on as it asked, while the server has autocommit off
// and one transaction that ends in ROLLBACK. It stays open until another run comes, the connection is reset
// or ends, or it was left alone for too long, so that a run sees what it wrote.
//
// Invariants:
//   - While a shade is open nothing is sent that commits: no COMMIT, no BEGIN, no SET autocommit, no DDL.
//     The server has autocommit off meanwhile, so that even a transaction that the server itself ended, as
//     after a deadlock, leaves no statement that commits by itself.
//   - A shade is opened only on tables whose engine rolls back.
//   - The transaction of a user never becomes that of a shadow, nor the other way round.
//   - What the proxy cannot classify is refused when it has no mark, or that of a shadow.
//   - A result is never held: rows pass as they come. Buffers are bounded.
//
// Not offered to clients: compression, LOAD DATA LOCAL, several statements at once, query attributes, bulk
// execution, binary log and replication commands. TLS is between client and proxy.
//
// What it does not see: rows that triggers and cascades write, and views that call functions which write.
// SHOW WARNINGS, ROW_COUNT() and FOUND_ROWS() after a shadow's write tell of the proxy's own reading.
package mysql

// Package postgres is the proxy for PostgreSQL and openGauss: it relays version 3 of the protocol, simple and
// extended, reads the mark of each statement and keeps shadows away from what users own.
//
//	client ─► login relayed ─► Query; Parse, Bind, Execute, ..., Sync
//	  mark p   ─► untouched, its mark put into the log before the transaction's first write
//	              ─► the answer passes; a write is recorded when it is committed
//	  no mark  ─► reads and the words of transactions pass; the rest by rule unmarked
//	  mark s   ─► reads pass; writes by rule shadow:
//	     rollback  BEGIN ─► SAVEPOINT ─► rows before ─► the write, with RETURNING for the rows after ─► RELEASE
//	               ─► ... ─► ROLLBACK
//	     divert    the same over a second connection, of another user, with another search path; committed there
//	     refuse    an error that says why
//
// Words: the shade is the transaction that holds what a shadow wrote. While it is open the client is shown
// its own view: it is outside of a transaction, or in one that it began and ends, which is a savepoint in
// truth. It stays open until another run comes, the connection ends, or it was left alone for too long, so
// that a run sees what it wrote. A batch is what a client sends up to Sync: it happens whole or not at all.
//
// shadow.to is a search path, such as sh or sh,ext; with a database in front, such as shop_shadow/public, the
// shadows' connection goes there.
//
// Invariants:
//   - While a shade is open nothing is sent that commits. A write of a shadow is sent only within a shade, or
//     on the shadows' connection.
//   - A shade takes only tables whose writes a rollback takes back: none of another server, nor one that could
//     lead there by a trigger, a rule or an heir while the database has foreign tables.
//   - The transaction of a user never becomes that of a shadow, nor the other way round.
//   - What the proxy cannot classify is refused when it has no mark, or that of a shadow. The server itself is
//     made to fail there, so that what follows fails as after an error of its own.
//   - What the proxy asks for itself leaves statements and portals of the client alone, those without a name
//     included.
//   - The shadows' user has no right to write elsewhere: the database is asked before it is used.
//
// Sequences go on in a shade, as they do in a transaction that is rolled back: numbers are lost, no row is.
// Other functions whose effect outlasts a rollback are refused (setval, pg_advisory_lock, dblink, lo_export),
// and so are functions that are not known. A setting of a shadow ends with its shade; with divert it is refused. A
// setting without a mark within a shade is made again behind it. Constraints that wait for the commit are
// checked when the client commits its view.
//
// What it does not see: rows that triggers and cascades write, functions of triggers whose effect outlasts a
// rollback (those of dblink and the like), and views that call functions which write. Writes with more than one
// table, a query as source or a changed primary key are recorded as statements instead of rows.
//
// Not carried: replication, calls of functions beside SQL, messages over 64 MiB but for rows and COPY. A
// refusal leaves a syntax error in the server's log. TLS is between client and proxy, so that SCRAM is offered
// without channel binding.
package postgres

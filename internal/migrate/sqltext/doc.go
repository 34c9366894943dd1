// Package sqltext reads SQL statements of MySQL, MariaDB and PostgreSQL as far as a proxy must: whose they
// are (the mark), what they may do (the class), which tables they name, and what a simple write looks like.
//
//	/*jindu:5f0c9a1b22334455:s:12:4711*/ UPDATE stock SET n = n - 1 WHERE sku = ?
//	  Mark ──────────────────────────    Class write · Tables stock · Shape update, where "sku = ?"
//
// It is no parser of SQL. It knows the tokens exactly and the grammar where a statement is simple; of the
// rest it says the worst that it may be.
//
// Invariants:
//   - A statement is a Read only when nothing of it can write: the first word says so, no word of it begins
//     a write, and each function it calls is one of the database's own that only computes. A function that
//     is not known makes the statement Unknown.
//   - Where the tokens depend on what the text does not tell (executable comments, quotes under another
//     sql_mode, characters whose second byte is a backslash), every reading is tried and the worst counts.
//   - What is torn (a string or comment without end, a NUL) and more than one statement is Unknown.
//   - A Shape is given only when it says all that the statement does to its table, triggers aside.
//
// What it cannot see: views, triggers, rules and operators that call functions which write. A view that
// calls such a function looks like a read.
//
// Numbers that a sequence gave out (nextval, auto_increment) are not taken back by any rollback: a write
// all the same, since the gaps do no harm. Functions whose effect outlives a rollback and matters to others
// (GET_LOCK, setval, dblink, lo_export, ...) are Admin.
//
// The package is pure, and nothing in it allocates for a statement that a user sent, but for Calls.
package sqltext

// Command databench measures what carrying data costs, each number on real servers that it starts itself, and
// prints them beside the bounds of the product.
//
//	go run ./test/databench                     everything, ten million rows
//	go run ./test/databench -quick              the same in a few minutes, 300,000 rows
//	go run ./test/databench -only relay,bisect  some of it
//
//	effects      a shop's write straight to MariaDB, and captured: in turns, one request at a time
//	proxy        CPU of the node for each statement that passes its MySQL proxy
//	relay        row changes from MariaDB's binary log to PostgreSQL, for each second of CPU
//	convergence  commit on MariaDB to commit on PostgreSQL at 2,000 writes a second, by the databases' own clocks
//	bisect       two large tables compared, beside pt-table-checksum of one of them
//	defects      planted effect defects: test/compare
//
// The part that carries rows runs in a process of its own, this program as "carrier", so that its CPU and memory
// are nobody else's. It is internal/migrate/data with the drivers as the node has them; only its sources can be
// held back, so that a log can be filled before it is read.
//
// Invariants:
//   - Both sides of a ratio are measured in one run, in turns.
//   - What was carried is looked at afterwards: a number of a run that lost a row is no number, it is an error.
//   - Everything lives in one temporary directory and ends with this process.
package main

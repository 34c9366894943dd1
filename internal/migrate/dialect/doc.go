// Package dialect writes SQL for MariaDB, MySQL, PostgreSQL, openGauss and DM8: what Jindu asks of a database
// that holds one side of a migration. It runs nothing.
//
//	catalogue ─► Native ─► Column ─► row.Table
//	row.Table, row.Mapping ─► Sum (canonical text, MD5, sum) · Page, Boundary, Find (keys, ranges)
//	                       ─► Upsert, Insert, Delete, Lock (writes) · Setup (jindu_* tables) · Fence
//
// Words: a Query is a statement and its arguments in driver's values. Param is how an argument of a column's
// type stands in a statement; Bind is the value for it.
//
// Invariants:
//   - A sum that a database computes is the sum that package row computes of the same rows, or ok is false:
//     then the caller reads the rows. Float columns of MySQL and openGauss, JSON, and steps that split or
//     join have no expression.
//   - Keys sort as row.Table.CompareKeys sorts them: text by its bytes. Where the index of a text key sorts
//     otherwise the comparison is made binary, which no index serves; on MariaDB a range whose ends begin
//     alike is still narrowed by the index.
//   - Numbers are compared and multiplied exactly: no statement turns one into floating point.
//   - Names are quoted, values are arguments.
//
// openGauss and DM8 are held by files of statements in testdata, as no server of theirs can be had here.
// The package is pure.
package dialect

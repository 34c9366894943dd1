// Package effects holds what the proxies in front of databases and Redis have in common: they read the mark
// of each operation, tell the recorder what it did, and keep shadows away from what users own.
//
// A proxy stands between a service and its database and speaks the database's own protocol. An operation
// of a user passes untouched. One of a shadow goes by the rule of the proxy: to another schema or key
// prefix, into a transaction that is rolled back, or nowhere.
//
// Invariants:
//   - Where shadows come, an operation that writes without a mark is refused: a lost mark fails closed.
//   - A shadow's write never reaches a row of a user; whatever the proxy does not understand is refused.
//   - A user's operation never waits for the recorder; what it cannot take is dropped and counted.
package effects

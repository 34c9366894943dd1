// Package datasim is a seeded simulation of rows that cross: two databases in memory, users that write on the
// side where their share is, writers that sleep through a switch, relays, backfill, comparison and fences, with
// cut connections, lost answers, rows told twice, poison rows, purged logs, databases and nodes that are killed at any
// step, and clocks that jump. At the end of each history every acknowledged write is on both sides, once, or
// stands in a difference, a case or among the parked changes. A failure prints its seed;
// `go test ./test/datasim -run TestHistories -seed N -v` repeats it.
package datasim

// Package sim is a seeded simulation of the migration controller: random histories of traffic, evidence,
// commands and spec changes, with a store that fails, hangs, loses answers and conflicts, a controller that
// falls silent or is killed at any point, and a wall clock that jumps. After every tick it checks what may
// never happen. A failure prints its seed; `go test ./test/sim -run TestHistories -seed N -v` repeats it.
package sim

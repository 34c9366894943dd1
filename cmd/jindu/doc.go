// Command jindu is the whole product: a node (serve), and the client of its admin API (everything that
// takes --server).
//
// main calls run with all that a process has: arguments, streams, environment. One file holds one
// command; client.go speaks to the admin API, table.go and words.go show objects to people.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage.
package main

// Package load generates requests and measures how long their answers take.
//
// Open loop: requests arrive at a constant rate, or as a Poisson process, whether or not earlier ones
// were answered. Each has an intended start, and its latency is counted from there, so that a server
// that stalls cannot hide the requests that it made wait (no coordinated omission). What cannot be
// sent at once waits in a bounded backlog and counts as late; what the backlog cannot hold counts as
// dropped. Closed loop: a fixed number of clients, each sending when its last answer came; it measures
// capacity, and says nothing about users who do not wait for each other.
//
//	Pace ─► intended starts ─► Run ─► Source.Next ─► Client.Do ─► Check ─► Recorder ─► Progress, Result
//
// Invariants: every intended start ends as exactly one of answered, failed or dropped; no more than
// MaxInFlight requests are under way; nothing intended during the warm-up is recorded.
package load

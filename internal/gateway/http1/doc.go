// Package http1 is the gateway's HTTP/1.1 driver: codec, connection loop, upstream pools, client.
//
//	client ──► conn.serve ──► parse head ──► Gateway decides ──► try ──► pool ──► instance
//	              ▲   one goroutine a connection; it also writes to and reads from the instance
//	              └── janitor: one goroutine a server expires deadlines and notices clients that left
//
// Words: a head is the start line and fields of a message, parsed in place: every []byte of it is a
// view into the buffer it was read into. A turn is one request written and the first bytes of its
// answer read. A try is one attempt at one instance.
//
// Invariants:
//   - What is forwarded is built anew from what was understood: start line, Host and framing fields are
//     our own; the other field lines are copied only after every byte of them was checked.
//   - A message that two recipients could read differently is refused and its connection closed.
//   - An upstream connection is used again only after an answer that was read to its exact end, and
//     only while it is silent: bytes nobody asked for close it.
//   - Nothing on the request path allocates, takes a lock of ours besides the pool's, or sets a timer.
package http1

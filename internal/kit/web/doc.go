// Package web is the edge of the admin API: who may call, how an operation is declared, how an error
// looks, how a stream of events is sent.
//
//	listener ─► Handler: request id, security headers, Guard (who is it), body limit, 404/405
//	        ─► mux ─► huma operation: role (deny by default), schema, handler ─► answer or v1.Problem
//
// Invariants:
//   - An operation that was not declared through Register or Stream, with a role, is refused.
//   - A caller without a token is the local principal only on a loopback listener, from a loopback
//     peer, with a loopback Host, no foreign Origin and no sign of a proxy. A web page can send none of
//     the content types that are accepted without being stopped by the browser first.
//   - Every error is a v1.Problem with a stable code. What a handler did not foresee is logged under
//     the request id and told to nobody.
//   - A list is never null in an answer.
package web

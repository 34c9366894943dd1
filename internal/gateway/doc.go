// Package gateway is the data path: it accepts requests, has them decided by route, forwards them,
// records what a migration asks for, and counts everything.
//
// The package itself is the engine that every protocol shares: what is known of upstreams (in flight,
// ejection), the policy of retry and fallback, budgets, circuit breakers, counters and the access log.
// It does no I/O. A driver such as http1 speaks the protocol and asks the engine.
//
//	driver: parse ─► Load() ─► View.Decide ─► Breaker ─► Pick ─► try ─► Retry? Fallback? ─► Finish
//
// Words: a View is a route table with everything that the engine resolved for it when it was applied,
// so that nothing is looked up by name for a request. An Upstream is one instance address; its state
// outlives tables. A Failure is how a try ended when it gave no answer that may be passed on.
//
// Invariants:
//   - An exchange holds one View from its decision to its end. A swap closes nothing.
//   - A request is repeated only when nothing of it was sent or its method is idempotent; it crosses
//     from the new side to the old one only when the new one refused it before any effect.
//   - The outcome of an exchange is charged to the side that was assigned, whoever answered.
//   - Every bound that drops something counts what it dropped.
package gateway

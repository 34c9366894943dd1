// Package registry knows the services and the instances that can answer for them.
//
//	objects (Service, Instance) ─┐
//	heartbeats ──────────────────┼─► machine ─► Snapshot ─► route tables, migrations, API
//	health checks, time ─────────┘      └─► deletions of forgotten instances
//
// # Life of an instance
//
//	          register, apply                 deregister, spec.draining
//	(unknown) ───────────────► serving ──────────────────────────────► draining ──► removed, when it
//	                            │   ▲                                                 deregistered
//	         lease without beat ▼   │ heartbeat
//	                           gone ──► removed after a while
//
// A leased instance (spec.ttl) lives by heartbeats, a fixed one until it is deleted. Heartbeats and
// health live in memory; the store is written only when what an instance says of itself changed. What a
// user changed on a registered instance, such as its weight, stays until the instance itself says
// something new.
//
// # Invariants
//
// Leases are measured in time that this process was running: a clock that is set, or a process that was
// stopped and goes on, ends no lease. After a restart every lease begins anew. When fewer instances of a
// service are usable than its protection wants, those that were lost or are unhealthy are kept in
// service, since a fault of the network or of the registry is likelier than the end of them all; what
// left by itself or was deleted is never kept. A Snapshot never changes.
package registry

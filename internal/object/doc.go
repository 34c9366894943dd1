// Package object keeps the objects (Service, Instance, Route, Migration): apply, status, delete, watch,
// audit.
//
//	apply ─► decode (strict) ─► admit ─► one transaction: If head and object unchanged
//	                                                      Then object, audit record, head
//	                                            │
//	watch ◄── events of the store, in the order of its revisions
//
// Words: the Revision of the store rises by one with every transaction that changes it; an object's
// revision is that of its last change. The Generation of an object rises by one with every change of
// its spec. A spec is written by users through Apply, a status by controllers through SetStatus. A
// Transition is a status change worth an audit record.
//
// Invariants:
//   - The audit record of a change is part of the change's transaction: there is never one without the
//     other.
//   - Every write compares and replaces the key "head", so that all writes are serial and what an Admit
//     function saw is still true when its object is stored, also with several writers.
//   - An apply that changes nothing writes nothing.
//   - A watch delivers every change of its kinds from its revision on, once, in order, or says
//     ErrCompacted. A slow watcher holds up nobody: it reads at its own pace from what the store retains.
//   - Everything is bounded: an object, a name, the audit log, the revisions retained.
package object

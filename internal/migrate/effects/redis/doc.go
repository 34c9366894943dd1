// Package redis is the proxy for Redis: it relays RESP2 and RESP3, reads the mark of each connection and keeps
// shadows away from what users own.
//
//	client ─► commands ─► whose is it?
//	  mark p   ─► untouched ──────────────────────┐
//	  no mark  ─► reads pass; writes by unmarked ─┤─► main connection ─► replies in order ─► a write that went
//	  mark s   ─► by rule shadow:                 │                      well is recorded, then the client hears
//	     refuse   reads pass, writes do not ──────┘
//	     divert   every key by its own name ─────────► second connection: prefix+key where a shadow owns the
//	                                                   key, else the key itself, and that only to read
//
// Words: CLIENT SETNAME jindu:... sets the mark of what follows on the connection; the proxy answers it itself.
// Any other name ends it. A key is owned once a shadow wrote it: from then on shadows see prefix+key only, also
// when it is empty or deleted. Owning copies what users have there, so that INCR, HSET or LPUSH go on from it.
// The names of owned keys are the set prefix+"jindu:own", one in each database; delete it together with
// prefix* to let shadows begin anew.
//
// Invariants:
//   - Replies reach the client in the order of its commands, whoever made them.
//   - A command of a shadow is sent only when the proxy knows every key of it; a key that is written carries
//     the prefix. All others are refused: FLUSHALL, CONFIG SET, DEBUG, SCRIPT FLUSH, MIGRATE, SWAPDB, ...
//   - What is not surely a read is a write.
//   - A refused command within MULTI makes EXEC fail, as an error of Redis does.
//   - Buffers, queues and what is recorded are bounded.
//
// Scripts of shadows run only when shadow.user is given, whose rights Redis checks within scripts too: keys
// that a script builds itself cannot be seen here. The proxy tries those rights before it uses them. A user
// for prefix shadow: would be made by
//
//	ACL SETUSER shadow on >password %R~* ~shadow:* resetchannels &shadow:* +@all -@dangerous -@admin
//
// Read-only scripts run without that; keys that they do not declare are the users'.
//
// What shadows see exactly: all commands with keys, EXISTS, MGET, SUNION and the like included, since each key
// is looked up by itself; SCAN, where TYPE and MATCH hold for names without prefix; KEYS. Not exact and so
// refused: RANDOMKEY, DBSIZE, SORT with BY or GET of other keys, COPY to another database. A transaction of a
// shadow is checked and sent when EXEC comes; an error that Redis would tell when queueing is told by EXEC.
// Messages go to channels with the prefix. Users' KEYS and SCAN see the keys of shadows: choose a prefix that
// nobody asks for. Divert needs Redis 6.2.
//
// Not carried: MONITOR, SYNC, CLIENT REPLY, subscriptions within MULTI, redirections of a cluster (each node
// would need its proxy), commands over 64 MiB.
package redis

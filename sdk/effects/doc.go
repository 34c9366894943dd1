// Package effects tells Jindu what a request did, beside what it answered, and keeps copies of requests
// from doing it to anything that users own.
//
//	reporter, err := effects.NewReporter(effects.Options{Service: "orders"})
//	db, err := effects.Open("mysql", dsn, effects.SQL{RequireMark: true, Shadows: effects.Pass})
//	client := &http.Client{Transport: &effects.Transport{Forward: []string{"payments.internal"}}}
//	server := &http.Server{Handler: reporter.Middleware(mux)}
//
//	gateway ─ X-Jindu-Mark ─► Middleware ─ ctx ─► handler ─┬─► Open, Wrap: /*mark*/ before every statement ─► proxy or database
//	                              │                        ├─► Transport: X-Jindu-Mark on calls out
//	                              │ handler returned       ├─► redisx: CLIENT SETNAME mark, command, in one go
//	                              ▼                        └─► SendMark, Record: messages, what else there is
//	                          Reporter ─ v1.EffectReport, at most 20 ms later ─► node
//
// Words: a run is one time a request is run (sdk.Run); it is known by its context, so statements, calls
// and messages must be given the context of the request. A shadow is a run that is a copy.
//
// Invariants:
//   - What a shadow's context reaches is refused unless a rule of the service says where it goes: SQL.Shadows,
//     Transport.Forward, Allow. A refusal is a *Refused and does nothing.
//   - With RequireMark a write whose context belongs to no run is refused too, because a lost context could be
//     that of a shadow; background work of the service says so with Background.
//   - A transaction belongs to one run. A statement of another run in it is refused.
//   - The reporter never delays a request. What it cannot take is dropped and told to the node as lost.
//
// PostgreSQL: the comment makes every text of a statement unique, which fills caches of prepared statements.
// Open therefore asks pgx for unnamed statements (default_query_exec_mode=exec); with Wrap, configure the
// connector that way. MySQL and MariaDB: interpolateParams=true saves a round trip for each statement.
//
// Limits: a SELECT that calls a function which writes counts as a read. Of INSERT ... RETURNING outside of a
// transaction PostgreSQL's log does not get the mark (the comment has it). What sql.Conn.Raw is used for
// passes by; the wrapper's Unwrap gives the driver's connection.
//
// The package imports api/v1, sdk and the standard library alone. The wrapper for go-redis is in redisx, so
// that nobody needs a driver that he does not use.
package effects

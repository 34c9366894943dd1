// Package redisx marks what a run does in Redis, for go-redis. It stands apart from package effects so that
// only who uses go-redis needs it.
//
//	client := redis.NewClient(...)
//	redisx.Attach(client, redisx.Options{RequireMark: true, Shadows: effects.Pass})
//	client.Set(ctx, ...)                      // ctx of the request
//	redisx.Watch(ctx, client, fn, keys...)    // instead of client.Watch
//	redisx.TxPipelined(ctx, client, fn)       // instead of client.TxPipelined
//	redisx.Conn(ctx, client, fn)              // instead of client.Conn
//
// A command goes out as a pipeline on one connection: CLIENT SETNAME mark, command, CLIENT SETNAME "". A proxy
// of Jindu swallows the names; Redis itself takes them. So no connection of the pool keeps a mark. What a shadow
// sends waits until its mark was taken.
//
// Invariants:
//   - A write of a shadow is refused unless Options.Shadows is Pass; with RequireMark so is that of nobody.
//     What is not known to read only is a write. A pipeline with a refused command is not sent at all.
//   - MULTI of a run outside of TxPipelined and Watch is refused: between its commands no mark may stand.
//
// Limits: on a connection that was taken with client.Conn instead of Conn, commands with a mark go over the
// pool, where a SELECT of that connection does not count. Subscriptions carry no mark. A ClusterClient needs
// Attach on each node: Options.NewClient of its ClusterOptions. rueidis is not supported: it puts commands of
// many requests on one connection, and its hooks cannot keep a name and its command together.
package redisx

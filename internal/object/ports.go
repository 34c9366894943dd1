package object

import (
	"context"
	"errors"
)

// Store is what objects are kept in. Its words and semantics are those of etcd, so that etcd can be a
// driver: keys with values, one revision for the whole store, transactions that compare first, watches
// that start at a revision. Errors carry a kind: Unavailable when the store cannot be reached or
// written now. objecttest.Run is what every driver must pass.
type Store interface {
	// Txn does all of t.Then in one durable step if every condition holds, else nothing. A key may be
	// written once in a transaction.
	Txn(ctx context.Context, t Txn) (TxnResult, error)
	// Range reads the keys of q in order, all at one revision, which it returns.
	Range(ctx context.Context, q Query) ([]KV, int64, error)
	// Watch follows the keys with prefix from revision from (at least 1) on. It costs nothing until
	// Next is called. ErrCompacted may come here or from Next.
	Watch(ctx context.Context, prefix string, from int64) (Watcher, error)
	// Compact lets go of what was before revision: reads below it and watches from it or below answer
	// ErrCompacted. Revisions already compacted are no error.
	Compact(ctx context.Context, revision int64) error
}

// Watcher delivers changes as they are asked for.
type Watcher interface {
	// Next blocks until there are changes or ctx ends. It returns those of one or several whole
	// transactions, in the order of their revisions.
	Next(ctx context.Context) ([]KVEvent, error)
	Close()
}

// ErrCompacted means that the revision asked for is no longer retained, or never was in this store:
// list again and go on from the revision of the list.
var ErrCompacted = errors.New("revision is not retained")

// KV is a key and what is known of it.
type KV struct {
	Key      string
	Value    []byte
	Created  int64 // revision at which the key came to be
	Modified int64 // revision of this value
}

// KVEvent is a change of a key. Of a deletion only Key and Modified are known.
type KVEvent struct {
	KV
	Deleted bool
}

// Condition holds while the key was last modified at a revision; 0: while it does not exist.
type Condition struct {
	Key      string
	Modified int64
}

// Write puts a value or deletes a key.
type Write struct {
	Key    string
	Value  []byte
	Delete bool
}

// Txn is a transaction.
type Txn struct {
	If   []Condition
	Then []Write
}

// TxnResult says what became of a transaction. Deleting only what is not there changes nothing and
// raises no revision.
type TxnResult struct {
	Held     bool  // the conditions held and Then was done
	Revision int64 // of the store, after it
}

// Query selects keys.
type Query struct {
	Prefix   string
	From     string // start at this key (reverse: below it) instead of at the prefix's end; empty: none
	Limit    int    // at most so many; 0: all
	Reverse  bool   // last key first
	Revision int64  // as of this revision; 0: now
}

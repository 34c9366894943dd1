package data

import (
	"time"

	"jindu.dev/jindu/internal/migrate/row"
)

// Op is what became of a row.
type Op uint8

// The operations.
const (
	Insert Op = iota
	Update
	Delete
)

// String is insert, update or delete.
func (o Op) String() string { return [...]string{"insert", "update", "delete"}[o] }

// Position is a place in a side's log, as text that its source understands. "" is: from now on.
type Position string

// Change is what became of one row, in the form of the side that it was captured on.
type Change struct {
	Table *row.Table
	Op    Op
	// Before is nil when the capture does not tell it; of an update whose key changed it holds at least the key.
	Before row.Row
	After  row.Row // nil of a delete
	// Version rises with every change of the row, on either side: the value of the rule's version column,
	// or, where there is none, what the source counts; see Txn.Sequence.
	Version int64
}

// Txn is what was committed together, in commit order.
type Txn struct {
	Position Position // behind it: what to go on from when it is applied
	Sequence int64    // rises with every transaction of the source, over restarts too
	Commit   time.Time
	Mark     string // the v1.Mark that its statements carried, "" when they had none
	Origin   bool   // written by a relay of ours
	Changes  []Change
}

// Key is the primary key of the row, before the change.
func (c *Change) Key() row.Key {
	from := c.Before
	if from == nil {
		from = c.After
	}
	k := make(row.Key, len(c.Table.Key))
	for i, at := range c.Table.Key {
		k[i] = from[at]
	}
	return k
}

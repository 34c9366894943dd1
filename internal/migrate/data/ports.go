package data

import (
	"context"
	"errors"
	"time"

	"jindu.dev/jindu/internal/migrate/row"
)

// ErrLogGone is wrapped by a Source's error when the log no longer reaches back to the position asked for:
// only a full comparison can find what is missing.
var ErrLogGone = errors.New("the log no longer holds that position")

// ErrFenced is wrapped when a write is refused because its epoch is older than the fence.
var ErrFenced = errors.New("a newer epoch holds these subjects")

// Source tells the changes of one side.
type Source interface {
	// Run tells every transaction behind from that touches one of the tables, in commit order, until ctx
	// ends or emit fails. It calls emit with an empty Txn (Position and Commit only) at least once a second
	// when nothing was committed, so that the watermark moves. A cut connection is tried again inside, with
	// backoff; what cannot be mended by trying is an error, ErrLogGone among them.
	Run(ctx context.Context, from Position, tables []string, emit func(Txn) error) error
	// Here is the position of the log's end now.
	Here(ctx context.Context) (Position, error)
}

// Write is a row to be written on one side, in that side's form.
type Write struct {
	Table   *row.Table
	Op      Op      // Insert and Update are the same: an upsert
	Row     row.Row // of a Delete only the key counts
	Key     row.Key // of the row as it was, where the key changed: it is deleted in the same transaction
	Version int64
	// VersionColumn is the index of the version column in Table, -1: table jindu_version holds versions.
	VersionColumn int
	// Absent is for backfills: write only when there is no row and no tombstone, whatever the version.
	Absent bool
}

// Fate of a Write.
type Fate uint8

// The fates.
const (
	Applied Fate = iota
	Stale        // the row, or its tombstone, is as new or newer
)

// Guard is what must hold of a write of a request; see Fence.
type Guard struct {
	Migration string
	Epoch     int64
	Bucket    int // -1 without a subject
}

// FenceRow is a range of buckets that a side lost with an epoch.
type FenceRow struct {
	Migration string
	Epoch     int64
	Low, High int // buckets Low <= b < High; without a subject a request counts as bucket 10000
}

// Range is a range of keys of a table: above After (nil: from the first), up to and with Until (nil: to the last).
type Range struct {
	After, Until row.Key
}

// Sum is what a database says of a range of rows.
type Sum struct {
	Rows int64
	Hash uint64
}

// Store is the database of one side. It is safe for concurrent use. Errors name the table and the remedy.
type Store interface {
	// Prepare makes the tables that Jindu needs (jindu_relay, jindu_version, jindu_fence, jindu_outbox), or
	// says which privilege is missing.
	Prepare(ctx context.Context) error
	// Table reads the columns and key of a table. Without a primary key there is no carrying its rows: an error.
	Table(ctx context.Context, name string) (*row.Table, error)
	// Position is what the relay named stream has applied here; ok is false before the first time.
	Position(ctx context.Context, stream string) (at Position, ok bool, err error)
	// Apply writes all of writes and the position of stream in one transaction, marked as origin. On an error
	// nothing was written; a *RowError names the write that cannot be applied, any other is the database's.
	Apply(ctx context.Context, stream string, at Position, writes []Write) ([]Fate, error)
	// Read reads up to limit rows of a range by key, columns as in t. lock is no lock: it reads what is committed.
	Read(ctx context.Context, t *row.Table, r Range, limit int) ([]row.Row, error)
	// Rows reads the rows with these keys; those that do not exist are left out.
	Rows(ctx context.Context, t *row.Table, keys []row.Key) ([]row.Row, error)
	// Sum sums a range in the database. mapped is nil for rows as they are; otherwise the sum is of rows as
	// the mapping carries them forward (row.Mapping.SQL says whether a database can), ErrNoSQL when it cannot.
	Sum(ctx context.Context, t *row.Table, r Range, mapped *row.Mapping) (Sum, error)
	// Middle is a key that splits a range of about rows rows into two halves.
	Middle(ctx context.Context, t *row.Table, r Range, rows int64) (row.Key, error)
	// Changed reads the keys of rows whose column settled is in [from, until), at most limit, by key behind after.
	Changed(ctx context.Context, t *row.Table, settled string, from, until time.Time, after row.Key, limit int) ([]row.Key, error)
	// Fence writes a fence row; writers under an older epoch for its buckets are refused from the moment it
	// returns, and none is under way any more. Position is the log's end behind the last such write.
	Fence(ctx context.Context, f FenceRow) (Position, error)
	// Unfence deletes the fence rows of a migration above an epoch.
	Unfence(ctx context.Context, migration string, above int64) error
	// HandOver sets the owner column of every row of a table that owner from owns to owner to, in chunks.
	HandOver(ctx context.Context, t *row.Table, owner string, from, to string) (int64, error)
	// Lag is how far a replica behind this database is; 0 where there is none or none is configured.
	Lag(ctx context.Context) (time.Duration, error)
	Close() error
}

// ErrNoSQL says that a database cannot compute the sum of mapped rows: the caller reads and sums itself.
var ErrNoSQL = errors.New("the mapping has no SQL form")

// RowError names the write of a batch that the database refuses whatever is tried.
type RowError struct {
	Index int
	Err   error
}

// Error is the reason in words.
func (e *RowError) Error() string { return e.Err.Error() }

// Unwrap is the database's error.
func (e *RowError) Unwrap() error { return e.Err }

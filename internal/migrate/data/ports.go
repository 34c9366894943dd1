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
	// Reached says whether everything up to want has been told when at is the last position told. It does no
	// I/O. A drain waits for it.
	Reached(at, want Position) bool
}

// Acker is what a Source has that keeps its log, or rows of an outbox, until they are applied.
type Acker interface {
	// Ack says that everything up to at is applied and stored: it is never asked for again.
	Ack(ctx context.Context, at Position) error
}

// Write is a row to be written on one side, in that side's form. Table holds the columns that are carried,
// which may be fewer than the database's table has: an update leaves the others as they are, an insert
// leaves them to their defaults.
//
// The guard: with a version column, an upsert is stale when the row's column is at least Version, a delete
// when it is above Version; where there is no row, both are stale when a tombstone's version is at least
// Sequence. Without a version column both are stale when jindu_version, gone or not, is at least Sequence;
// what is written leaves Sequence there. A delete always leaves a tombstone with Sequence, also where there
// was no row, so that a backfill cannot bring the row back; an upsert takes the tombstone away (with a version
// column) or turns it (without). Neither holds of Absent and Check.
type Write struct {
	Table    *row.Table
	Op       Op      // Insert and Update are the same: an upsert
	Row      row.Row // of a Delete only the key counts
	Key      row.Key // of the row as it was, where the key changed: it is deleted in the same transaction
	Version  int64   // value of the version column; of a delete, that of the row deleted
	Sequence int64   // Txn.Sequence: rises with every transaction of the stream
	// VersionColumn is the index of the version column in Table, -1: table jindu_version holds versions.
	VersionColumn int
	// Once are indices of columns in Table that are written only where there is no row yet.
	Once []int
	// Absent is for backfills: write only when there is no row and no tombstone, whatever the version. It
	// leaves nothing in jindu_version.
	Absent bool
	// Check is for repairs and for changes that come late: write only when the row is Was now (nil: there is
	// none), read under a lock in the same transaction, else its fate is Changed; columns in Once do not count.
	// With Sequence 0 the write
	// leaves nothing in jindu_version, and takes a tombstone of the row away.
	Check bool
	Was   row.Row
}

// Fate of a Write.
type Fate uint8

// The fates.
const (
	Applied Fate = iota
	Stale        // the row, or its tombstone, is as new or newer
	Changed      // Check: the row is not as it was compared
)

// Handover says which rows change their owner. It is a write like one of the service's: captured, carried to
// the other side, not marked as a relay's.
type Handover struct {
	Table   *row.Table
	Owner   string // column
	Version string // column that rises by one with it, "" without one
	From    string // owner now: old or new
	To      string
	Outbox  bool // the capture is the outbox: write its rows in the same transaction
	Chunk   int  // rows of one transaction
}

// ParkedRow is what a database keeps of a change that could not be applied, in table
// jindu_parked(stream VARCHAR(128), id VARCHAR(128), body LONGBLOB/BYTEA, PRIMARY KEY(stream, id)).
type ParkedRow struct {
	Stream string
	ID     string // sorts in commit order
	Body   []byte
}

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
	// Prepare makes the tables that Jindu needs (jindu_relay, jindu_version, jindu_fence, jindu_outbox,
	// jindu_parked), or says which privilege is missing.
	Prepare(ctx context.Context) error
	// Table reads the columns and key of a table. Without a primary key there is no carrying its rows: an error.
	Table(ctx context.Context, name string) (*row.Table, error)
	// Position is what the relay named stream has applied here; ok is false before the first time.
	Position(ctx context.Context, stream string) (at Position, ok bool, err error)
	// Apply writes all of writes, in order, and the position of stream in one transaction, marked as origin. On an
	// error nothing was written, or the outcome is unknown and the caller applies again; a *RowError names the
	// write that cannot be applied, any other is the database's.
	Apply(ctx context.Context, stream string, at Position, writes []Write) ([]Fate, error)
	// Read reads up to limit rows of a range by key, columns as in t. lock is no lock: it reads what is committed.
	Read(ctx context.Context, t *row.Table, r Range, limit int) ([]row.Row, error)
	// Rows reads the rows with these keys; those that do not exist are left out.
	Rows(ctx context.Context, t *row.Table, keys []row.Key) ([]row.Row, error)
	// Sum sums a range in the database. mapped is nil for rows as they are; otherwise the sum is of rows as
	// the mapping carries them forward (row.Mapping.SQL says whether a database can), ErrNoSQL when it cannot.
	Sum(ctx context.Context, t *row.Table, r Range, mapped *row.Mapping) (Sum, error)
	// Middle is the key of the row in the middle of a range of about rows rows: that of its row number rows/2,
	// counted from 1; nil when the range has fewer rows than that.
	Middle(ctx context.Context, t *row.Table, r Range, rows int64) (row.Key, error)
	// Changed reads the keys of rows whose column settled is in [from, until), at most limit, by key behind after.
	// A column without zone is held against the wall clock of from's location.
	Changed(ctx context.Context, t *row.Table, settled string, from, until time.Time, after row.Key, limit int) ([]row.Key, error)
	// Fence writes a fence row; writers under an older epoch for its buckets are refused from the moment it
	// returns, and none is under way any more. Position is the log's end behind the last such write. The same
	// row again is no error.
	Fence(ctx context.Context, f FenceRow) (Position, error)
	// Unfence deletes the fence rows of a migration above an epoch.
	Unfence(ctx context.Context, migration string, above int64) error
	// HandOver sets the owner column of every row of a table that From owns, in chunks; it tells how many.
	HandOver(ctx context.Context, h Handover) (int64, error)
	// Park keeps a change that could not be applied; the same again replaces it.
	Park(ctx context.Context, p ParkedRow) error
	// Parked reads at most limit parked changes of a stream, by id behind after.
	Parked(ctx context.Context, stream, after string, limit int) ([]ParkedRow, error)
	// Unpark deletes one.
	Unpark(ctx context.Context, stream, id string) error
	// Lag is how far a replica behind this database is; 0 where there is none or none is configured.
	Lag(ctx context.Context) (time.Duration, error)
	Close() error
}

// Kin is what a Store has that sums rows with less work when the other side's database is of its kind and the
// table has the same columns there: Store.Sum is in a form that every database can compute.
type Kin interface {
	// Kin is a text that two tables share when KinSum gives the same for the same rows of both; "" when it has no
	// such sum of this one.
	Kin(t *row.Table) string
	// KinSum sums a range of few rows, in one statement.
	KinSum(ctx context.Context, t *row.Table, r Range) (Sum, error)
}

// Mapper is what the core needs of a row.Mapping. Rows are in the columns of Old and New, which hold those
// columns that are carried.
type Mapper interface {
	Old() *row.Table
	New() *row.Table
	Forward(old row.Row) (row.Row, error)
	Backward(new row.Row) (row.Row, error)
	ForwardKey(old row.Key) (row.Key, error)
	BackwardKey(new row.Key) (row.Key, error)
	// Ordered says that the keys of both sides sort alike, so that a range of one is a range of the other.
	Ordered() bool
	// Once are the columns of New that only the new side has, with a default: they are written once and not
	// compared.
	Once() []int
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

// Notes keeps small things over a restart: cases, repairs, fences. Names are paths with slashes.
type Notes interface {
	// Put keeps body under a name; nil forgets it.
	Put(ctx context.Context, name string, body []byte) error
	// List reads what is kept under names that begin with prefix, by name.
	List(ctx context.Context, prefix string) (map[string][]byte, error)
}

package migrate

import (
	"context"
	"errors"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/meter"
	"jindu.dev/jindu/internal/migrate/writeset"
	"jindu.dev/jindu/internal/registry"
)

// Objects is the store of migrations. Errors are of kind Conflict when the revision no longer holds,
// NotFound when the migration is gone; anything else reads as a store that cannot be reached, with an
// unknown outcome.
type Objects interface {
	// Get reads a migration.
	Get(ctx context.Context, name string) (v1.Migration, error)
	// SetStatus writes a status if the object's revision still is the one given, and audits it as a
	// transition by whom.
	SetStatus(ctx context.Context, name string, revision int64, status v1.MigrationStatus, by string) (v1.Migration, error)
	// SetPaused writes spec.paused as the user who; the spec is theirs.
	SetPaused(ctx context.Context, name string, paused bool, who v1.Identity) (v1.Migration, error)
	// Audit is the newest records about a migration, newest first.
	Audit(ctx context.Context, name string, limit int) ([]v1.AuditRecord, error)
}

// Shares is the data path's say on shares (route.Server).
type Shares interface {
	// Override applies a share and who owns entities at once, before they are stored; with an older epoch it
	// has no effect.
	Override(migration string, buckets int, owner string, epoch int64)
	// Beat says that the controller lives.
	Beat(now time.Time)
	// Latched says that the data path set the share to 0 by itself, because no beat came.
	Latched(migration string) bool
	// Rearm ends the latch.
	Rearm(migration string)
}

// Outcomes is what the data path counted, charged to the cohort assigned.
type Outcomes interface {
	Outcomes(migration string) (oldSide, newSide Outcome)
}

// Outcome is cumulative since the process began.
type Outcome struct {
	Requests  int64
	Failures  int64 // answered 5xx, not at all, or by fallback
	Fallbacks int64 // answered by the other side
	Latency   meter.Counts
}

// sub takes an earlier moment away.
func (o *Outcome) sub(earlier *Outcome) {
	o.Requests -= earlier.Requests
	o.Failures -= earlier.Failures
	o.Fallbacks -= earlier.Fallbacks
	o.Latency.Sub(&earlier.Latency)
}

// Registry knows the instances.
type Registry interface {
	Snapshot() *registry.Snapshot
}

// Copy is a shadow request.
type Copy struct {
	Method string
	Host   string
	Target string // path and query
	Header []v1.Header
	Body   []byte
}

// Reply answers a Copy.
type Reply struct {
	Status    int
	Header    []v1.Header
	Body      []byte
	Truncated bool // the body was over maxBody
	Latency   time.Duration
}

// Caller sends a copy to an instance over connections of its own, and reads at most maxBody bytes of
// the answer's body.
type Caller interface {
	Call(ctx context.Context, address string, c *Copy, maxBody int64) (Reply, error)
}

// ErrUnreached is wrapped by a Caller's error when the instance was not reached: nothing was sent, so
// nothing is known of how it would have answered. Such a copy is a drop, that of a control is left out;
// other failures may be answers to compare.
var ErrUnreached = errors.New("instance was not reached")

// ErrNotDrained is wrapped by Data.Move when time was up before all changes of the losing side had
// arrived on the other: the fence stands, and what is pending follows.
var ErrNotDrained = errors.New("not all changes have arrived on the other side")

// ErrNoWayBack is wrapped by Data.Move when moving back would lose writes, because a person closed the
// window: nothing was fenced, and the rollback is held.
var ErrNoWayBack = errors.New("the old side no longer has what the new one wrote")

// Data is the part that carries rows across. Shares move from old to new when from < to, and back when
// from > to; the losing side is the one that the users leave. A share of 10,000 takes requests without a
// subject along. Operations of one migration are called one at a time, but for HandOver and Gates.
type Data interface {
	// Gates are what the data say to a promotion, as they stand; empty where the migration has none. It
	// does not block.
	Gates(migration string) []v1.Gate
	// Move fences the losing side for the buckets between from and to at the epoch and waits until its
	// changes arrived on the other, at most spec.data.drain; ErrNotDrained (wrapped) says that time was up.
	Move(ctx context.Context, migration string, epoch int64, from, to int) error
	// Settle takes fences above the epoch back: the move was not stored.
	Settle(ctx context.Context, migration string, epoch int64) error
	// HandOver gives all entities to one side. It may take long and is repeated after a restart.
	HandOver(ctx context.Context, migration string, side string) error
	// Across says that the rows that were there are on the other side and changes follow. It does not block.
	Across(migration string) bool
	// Normal is a row effect of a side in the form in which rows of both sides compare. It does no I/O.
	Normal(migration string, old bool, e v1.Effect) v1.Effect
}

// Ports are the world as this part sees it.
type Ports struct {
	Objects  Objects
	Shares   Shares
	Outcomes Outcomes
	Registry Registry
	Caller   Caller
	Data     Data // nil: this node carries no data
	// Effects is where captures tell what runs did; nil: effects are not compared on this node.
	Effects *writeset.Collector
}

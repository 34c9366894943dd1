package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"jindu.dev/jindu/sdk"
)

// Dialect is whose SQL is spoken.
type Dialect uint8

// The dialects.
const (
	MySQL    Dialect = iota // MariaDB too
	Postgres                // openGauss too
)

// ErrFenced says that a newer share holds the subject of the request. Nothing was written; the transaction
// is rolled back.
var ErrFenced = errors.New("outbox: a newer share holds this subject")

// Options say how to write. The zero value is MariaDB or MySQL, with a fence.
type Options struct {
	Dialect Dialect
	// Unfenced lets writes pass while there is no table jindu_fence: the service is in no migration (yet).
	// It costs a look at the catalogue for each transaction.
	Unfenced bool
	// Unmarked lets work without a mark pass the fence: jobs of the service's own, which no share moves.
	Unmarked bool
	// Isolation is for MariaDB and MySQL; the zero value is the database's default.
	Isolation sql.IsolationLevel
}

// lockKey is the advisory lock that stands for the fence in PostgreSQL.
const lockKey = 7461626

// noSubject is the bucket of a request without a subject.
const noSubject = 10_000

// Tx is a transaction under the fence.
type Tx struct {
	*sql.Tx
	dialect Dialect
	run     sdk.Run
}

// Begin begins a transaction and looks at the fence. The error wraps ErrFenced when it is closed.
func Begin(ctx context.Context, db *sql.DB, o Options) (*Tx, error) {
	level := o.Isolation
	if o.Dialect == Postgres {
		level = sql.LevelReadCommitted
	}
	under, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return nil, fmt.Errorf("outbox: begin: %w", err)
	}
	run, _ := sdk.RunIn(ctx)
	tx := &Tx{under, o.Dialect, run}
	if err := tx.fence(ctx, &o); err != nil {
		if undo := under.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			err = errors.Join(err, undo)
		}
		return nil, err
	}
	return tx, nil
}

// fence holds the fence and looks whether this request is on the right side of it.
func (tx *Tx) fence(ctx context.Context, o *Options) error {
	if tx.run.Shadow || !tx.run.Marked && o.Unmarked {
		return nil
	}
	if o.Unfenced {
		there, err := tx.fenceExists(ctx)
		if err != nil || !there {
			return err
		}
	}
	epoch, bucket := int64(0), noSubject
	if m := tx.run.Mark; tx.run.Marked {
		if epoch = m.Epoch; m.Bucket >= 0 {
			bucket = m.Bucket
		}
	}
	var newest int64
	var err error
	if tx.dialect == Postgres {
		// Two statements: the second sees what was committed before the first had the lock.
		if _, err = tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock_shared($1)", int64(lockKey)); err == nil {
			err = tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(epoch), 0) FROM jindu_fence WHERE epoch > $1 AND low <= $2 AND high > $3",
				epoch, bucket, bucket).Scan(&newest)
		}
	} else {
		// The row of epoch 0 is there to be locked; a locking read sees what is committed now.
		err = tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(epoch), 0) FROM jindu_fence WHERE epoch = 0 OR (epoch > ? AND low <= ? AND high > ?) LOCK IN SHARE MODE",
			epoch, bucket, bucket).Scan(&newest)
	}
	if err != nil {
		return fmt.Errorf("outbox: look at the fence: %w", err)
	}
	if newest > 0 {
		return fmt.Errorf("%w: bucket %d is another side's since epoch %d, the request is of epoch %d", ErrFenced, bucket, newest, epoch)
	}
	return nil
}

func (tx *Tx) fenceExists(ctx context.Context) (bool, error) {
	look := "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'jindu_fence'"
	if tx.dialect == Postgres {
		look = "SELECT COUNT(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('jindu_fence')"
	}
	var n int
	if err := tx.QueryRowContext(ctx, look).Scan(&n); err != nil {
		return false, fmt.Errorf("outbox: look for table jindu_fence: %w", err)
	}
	return n > 0, nil
}

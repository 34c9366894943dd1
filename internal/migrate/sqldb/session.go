package sqldb

import (
	"context"

	"jindu.dev/jindu/internal/migrate/dialect"
)

// A runner runs statements. Fields come as the driver's text or raw bytes, nil for NULL, and are valid until
// the function returns.
type runner interface {
	query(ctx context.Context, q dialect.Query, row func(fields [][]byte) error) error
	// exec runs statements one behind the other, in as few round trips as the protocol allows; it says how many
	// rows each touched.
	exec(ctx context.Context, qs ...dialect.Query) ([]int64, error)
}

// A tx is a transaction.
type tx interface {
	runner
	commit(ctx context.Context) error
	rollback()
}

// A pool holds connections.
type pool interface {
	runner
	begin(ctx context.Context) (tx, error)
	close() error
	// text says that fields are text as PostgreSQL prints it, not MySQL's raw bytes.
	text() bool
}

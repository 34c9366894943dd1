package sqldb

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
)

// writeUnderFence is a writer of a service: it looks at the fence, then writes in the same transaction.
func writeUnderFence(ctx context.Context, w *world, epoch int64, bucket int, id int64) (refused bool, err error) {
	sql := w.store.dialect.Fence()
	t, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = t.Rollback() }()
	args := []any{epoch, bucket, bucket}
	if sql.Shared != "" {
		if _, err := t.ExecContext(ctx, sql.Shared); err != nil {
			return false, err
		}
		args = args[:2]
	}
	var newest int64
	if err := t.QueryRowContext(ctx, sql.Check, args...).Scan(&newest); err != nil || newest > 0 {
		return newest > 0, err
	}
	mark := "?"
	if w.kind == "postgres" {
		mark = "$1"
	}
	if _, err := t.ExecContext(ctx, "INSERT INTO goods (id) VALUES ("+mark+")", id); err != nil {
		return false, err
	}
	return false, t.Commit()
}

func count(t *testing.T, db *sql.DB, query string) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// After Fence returns no write of an older epoch is committed any more, also of a writer that looked before.
func TestNothingIsCommittedBehindTheFence(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE goods (id BIGINT PRIMARY KEY)")
		var next, written atomic.Int64
		var wg sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range 4 {
			wg.Go(func() {
				for ctx.Err() == nil {
					refused, err := writeUnderFence(ctx, w, 1, 4711, next.Add(1))
					switch {
					case refused:
						return
					case err == nil:
						written.Add(1)
					case ctx.Err() == nil && !strings.Contains(err.Error(), "eadlock"):
						t.Error(w.kind, err)
						return
					}
				}
			})
		}
		for written.Load() < 50 && !t.Failed() {
			if _, err := writeUnderFence(ctx, w, 1, 1, next.Add(1)); err != nil && !strings.Contains(err.Error(), "eadlock") {
				t.Fatal(err)
			}
		}
		at, err := w.store.Fence(t.Context(), data.FenceRow{Migration: "m", Epoch: 2, Low: 4000, High: 5000})
		behind := count(t, w.db, "SELECT COUNT(*) FROM goods")
		if err != nil || at == "" {
			t.Fatalf("%s: %q %v", w.kind, at, err)
		}
		wg.Wait() // each of them is refused by itself
		if now := count(t, w.db, "SELECT COUNT(*) FROM goods"); now != behind {
			t.Errorf("%s: %d rows when Fence returned, %d now", w.kind, behind, now)
		}
		for _, c := range []struct {
			epoch   int64
			bucket  int
			refused bool
		}{{1, 4711, true}, {1, 3999, false}, {1, 5000, false}, {1, 4000, true}, {2, 4711, false}} {
			if refused, err := writeUnderFence(ctx, w, c.epoch, c.bucket, next.Add(1)); err != nil || refused != c.refused {
				t.Errorf("%s: epoch %d, bucket %d: refused %v, %v", w.kind, c.epoch, c.bucket, refused, err)
			}
		}
		if _, err := w.store.Fence(t.Context(), data.FenceRow{Migration: "m", Epoch: 2, Low: 4000, High: 5000}); err != nil {
			t.Errorf("%s: the same again: %v", w.kind, err)
		}
		if _, err := w.store.Fence(t.Context(), data.FenceRow{Migration: "m", Epoch: 2, Low: 0, High: 5000}); kind.Of(err) != kind.Conflict {
			t.Errorf("%s: another one of the same epoch: %v", w.kind, err)
		}
		if err := w.store.Unfence(t.Context(), "m", 1); err != nil {
			t.Error(err)
		}
		if refused, err := writeUnderFence(ctx, w, 1, 4711, next.Add(1)); err != nil || refused {
			t.Errorf("%s: still refused: %v %v", w.kind, refused, err)
		}
	})
}

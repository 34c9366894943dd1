package sqldb

import (
	"context"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dialect"
)

// Fence writes a fence row. It waits for every writer under way, as they share the lock that it takes alone.
func (s *Store) Fence(ctx context.Context, f data.FenceRow) (data.Position, error) {
	sql := s.dialect.Fence()
	var there bool
	for try := 1; ; try++ {
		err := s.alone(ctx, func(ctx context.Context, r tx) error {
			there = false
			err := r.query(ctx, dialect.Query{SQL: sql.Exists, Args: []any{f.Migration, f.Epoch}}, func(fields [][]byte) error {
				there = true
				if number(fields[0]) != int64(f.Low) || number(fields[1]) != int64(f.High) {
					return kind.New(kind.Conflict, "JD-SQLDB-014", "database %s: epoch %d of migration %s fences other subjects already; delete the row of table %s if no other Jindu wrote it", s.name, f.Epoch, f.Migration, dialect.FenceTable)
				}
				return nil
			})
			if err != nil || there {
				return err
			}
			_, err = r.exec(ctx, dialect.Query{SQL: sql.Insert, Args: []any{f.Migration, f.Epoch, int64(f.Low), int64(f.High)}})
			return err
		})
		if classOf(err) == classAgain && try < attempts && ctx.Err() == nil {
			if err := pause(ctx, try); err != nil {
				return "", s.fail("fence", err)
			}
			continue
		}
		if err != nil {
			return "", s.fail("fence", err)
		}
		return s.here(ctx, sql.Here)
	}
}

// alone runs do in a transaction in which no writer under the fence is.
func (s *Store) alone(ctx context.Context, do func(context.Context, tx) error) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	t, err := s.pool.begin(ctx)
	if err != nil {
		return err
	}
	err = t.query(ctx, dialect.Query{SQL: s.dialect.Fence().Lock}, func([][]byte) error { return nil })
	if err == nil {
		err = do(ctx, t)
	}
	if err != nil {
		t.rollback()
		return err
	}
	return t.commit(ctx)
}

// here is the log's end.
func (s *Store) here(ctx context.Context, query string) (data.Position, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var at data.Position
	err := s.pool.query(ctx, dialect.Query{SQL: query}, func(f [][]byte) error {
		at = data.Position(f[0])
		return nil
	})
	return at, s.fail("read the log's end", err)
}

// Unfence deletes the fence rows of a migration above an epoch.
func (s *Store) Unfence(ctx context.Context, migration string, above int64) error {
	err := s.alone(ctx, func(ctx context.Context, r tx) error {
		_, err := r.exec(ctx, dialect.Query{SQL: s.dialect.Fence().Delete, Args: []any{migration, above}})
		return err
	})
	if err = s.fail("unfence", err); kind.Of(err) == kind.NotFound {
		return nil // where no table was made yet nothing was ever fenced
	}
	return err
}

package sqldb

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dialect"
)

// attempts is how often what lost a race is tried.
const attempts = 6

// Apply writes all of writes and the position of stream in one transaction.
func (s *Store) Apply(ctx context.Context, stream string, at data.Position, writes []data.Write) ([]data.Fate, error) {
	alone := false
	for try := 1; ; try++ {
		var fates []data.Fate
		var err error
		if alone {
			fates, err = s.oneByOne(ctx, stream, at, writes)
		} else {
			fates, err = s.together(ctx, stream, at, writes)
		}
		if err == nil {
			return fates, nil
		}
		if _, refused := errors.AsType[*data.RowError](err); refused {
			return nil, err
		}
		c := classOf(err)
		switch {
		case c == classAgain && try < attempts:
			if err := pause(ctx, try); err != nil {
				return nil, s.fail("apply", err)
			}
		case !alone && (c == classRow || c == classParent || errors.Is(err, errMoved)):
			// One of them is refused, or only all of them at once are: a value that one gives up and another
			// takes. Each in its turn tells which.
			alone = true
		default:
			return nil, s.fail("apply", err)
		}
	}
}

// pause waits a little, longer each time, by chance.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(5*time.Millisecond) << try)))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// together writes in as few statements as there can be.
func (s *Store) together(ctx context.Context, stream string, at data.Position, writes []data.Write) ([]data.Fate, error) {
	var fates []data.Fate
	err := s.transact(ctx, stream, at, func(ctx context.Context, r tx) error {
		b := s.batch(writes, len(writes) == 1)
		fates = b.fates
		return b.run(ctx, r)
	})
	return fates, err
}

// oneByOne writes one behind the other, so that the database names the one that it refuses.
func (s *Store) oneByOne(ctx context.Context, stream string, at data.Position, writes []data.Write) ([]data.Fate, error) {
	fates := make([]data.Fate, 0, len(writes))
	err := s.transact(ctx, stream, at, func(ctx context.Context, r tx) error {
		for i := range writes {
			b := s.batch(writes[i:i+1], true)
			if err := b.run(ctx, r); err != nil {
				if c := classOf(err); c == classRow || c == classParent || errors.Is(err, errMoved) {
					return &data.RowError{Index: i, Err: s.refused(writes[i].Table.Name, err)}
				}
				return err
			}
			fates = append(fates, b.fates[0])
		}
		return nil
	})
	return fates, err
}

// transact runs do and writes the position behind it.
func (s *Store) transact(ctx context.Context, stream string, at data.Position, do func(context.Context, tx) error) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	t, err := s.pool.begin(ctx)
	if err != nil {
		return err
	}
	if err = do(ctx, t); err == nil {
		// Last, as every transaction of the stream waits for this row.
		_, err = t.exec(ctx, dialect.Query{SQL: s.dialect.SetPosition(), Args: []any{stream, string(at)}})
	}
	if err != nil {
		t.rollback()
		return err
	}
	return t.commit(ctx)
}

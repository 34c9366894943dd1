package sqldb

import (
	"context"
	"encoding/hex"

	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dialect"
	"jindu.dev/jindu/internal/migrate/row"
)

// Park keeps a change that could not be applied; the same again replaces it.
func (s *Store) Park(ctx context.Context, p data.ParkedRow) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	r := row.Row{{Text: p.Stream}, {Text: p.ID}, {Text: hexText(p.Body)}}
	_, err := s.pool.exec(ctx, s.dialect.Park(r))
	return s.fail("write table "+dialect.ParkedTable, err)
}

// Parked reads at most limit parked changes of a stream, by id behind after.
func (s *Store) Parked(ctx context.Context, stream, after string, limit int) ([]data.ParkedRow, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	t := s.dialect.Parkings()
	var list []data.ParkedRow
	var bad error
	err := s.pool.query(ctx, s.dialect.Parked(stream, after, limit), s.scan(t, all(t), func(r row.Row) {
		body, err := hex.DecodeString(r[2].Text)
		if err != nil {
			bad = err
		}
		list = append(list, data.ParkedRow{Stream: r[0].Text, ID: r[1].Text, Body: body})
	}))
	if err == nil {
		err = bad
	}
	return list, s.fail("read table "+dialect.ParkedTable, err)
}

// Unpark deletes one.
func (s *Store) Unpark(ctx context.Context, stream, id string) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	_, err := s.pool.exec(ctx, s.dialect.Delete(s.dialect.Parkings(), []row.Key{{{Text: stream}, {Text: id}}}))
	return s.fail("write table "+dialect.ParkedTable, err)
}

package sqldb

import (
	"context"

	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/row"
)

var _ data.Kin = (*Store)(nil)

// Kin is a text that two tables share whose rows KinSum sums alike; "" where there is no such sum.
func (s *Store) Kin(t *row.Table) string { return s.dialect.Kin(t) }

// KinSum sums a small range in one statement.
func (s *Store) KinSum(ctx context.Context, t *row.Table, r data.Range) (data.Sum, error) {
	q, ok := s.dialect.KinSum(t, r.After, r.Until)
	if !ok {
		return data.Sum{}, data.ErrNoSQL
	}
	return s.ask(ctx, t, q)
}

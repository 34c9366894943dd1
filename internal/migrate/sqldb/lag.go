package sqldb

import (
	"context"
	"strconv"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/dialect"
)

// Lag is how far the furthest replica is behind.
func (s *Store) Lag(ctx context.Context) (time.Duration, error) {
	var most time.Duration
	for _, address := range s.config.Replicas {
		lag, err := s.lagOf(ctx, address)
		if err != nil {
			return 0, s.fail("ask replica "+address, err)
		}
		most = max(most, lag)
	}
	return most, nil
}

func (s *Store) replica(address string) (pool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.replicas == nil {
		return nil, kind.New(kind.Unavailable, "JD-SQLDB-008", "database %s is closed", s.name)
	}
	if p := s.replicas[address]; p != nil {
		return p, nil
	}
	p, err := s.open(address)
	if err == nil {
		s.replicas[address] = p
	}
	return p, err
}

func (s *Store) lagOf(ctx context.Context, address string) (time.Duration, error) {
	p, err := s.replica(address)
	if err != nil {
		return 0, err
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var seconds string
	known := false
	column := s.dialect.LagColumn()
	err = p.query(ctx, dialect.Query{SQL: s.dialect.Lag()}, func(f [][]byte) error {
		at := column
		if at < 0 {
			at += len(f)
		}
		if at < len(f) && f[at] != nil {
			seconds, known = string(f[at]), true
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if !known {
		return 0, kind.New(kind.Unavailable, "JD-SQLDB-015", "database %s: %s does not say how far it is behind: it is no replica, or it has stopped; mend it, or take it out of replicas", s.name, address)
	}
	n, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return 0, err
	}
	return time.Duration(n * float64(time.Second)), nil
}

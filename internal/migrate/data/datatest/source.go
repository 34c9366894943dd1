package datatest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"jindu.dev/jindu/internal/migrate/data"
)

// Source tells the changes of a database. Each has a place of its own.
type Source struct {
	d *DB
	// Again makes a cut connection tell so many transactions again.
	Again func() int
}

var _ data.Source = (*Source)(nil)

// Source makes a source.
func (d *DB) Source() *Source { return &Source{d: d} }

// Here is the log's end.
func (s *Source) Here(context.Context) (data.Position, error) {
	if err := s.d.fault("here"); err != nil {
		return "", err
	}
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if s.d.down {
		return "", ErrDown
	}
	return at(len(s.d.log)), nil
}

// Reached says whether the first place is at or behind the second.
func (s *Source) Reached(told, want data.Position) bool { return place(told) >= place(want) }

// Next is the transaction behind a place; ok is false at the log's end.
func (s *Source) Next(from data.Position, tables []string) (t data.Txn, ok bool, err error) {
	if err := s.d.fault("read log"); err != nil {
		return t, false, err
	}
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if s.d.down {
		return t, false, ErrDown
	}
	n := place(from)
	if n < s.d.purged {
		return t, false, fmt.Errorf("position %s, the log begins behind %d: %w", from, s.d.purged, data.ErrLogGone)
	}
	if n >= len(s.d.log) {
		return data.Txn{Position: from, Commit: s.d.now()}, false, nil
	}
	t = s.d.log[n]
	var wanted []data.Change
	for _, c := range t.Changes {
		if slices.Contains(tables, c.Table.Name) {
			wanted = append(wanted, c)
		}
	}
	t.Changes = wanted
	return t, true, nil
}

// Run tells transactions until ctx ends.
func (s *Source) Run(ctx context.Context, from data.Position, tables []string, emit func(data.Txn) error) error {
	for ctx.Err() == nil {
		s.d.mu.Lock()
		wake := s.d.wake
		s.d.mu.Unlock()
		t, ok, err := s.Next(from, tables)
		switch {
		case errors.Is(err, data.ErrLogGone):
			return err
		case err == nil && ok:
			from = t.Position
			if err := emit(t); err != nil {
				return err
			}
			if s.Again != nil {
				from = at(max(place(from)-s.Again(), s.d.head()))
			}
			continue
		case err == nil:
			if err := emit(t); err != nil {
				return err
			}
		}
		beat := time.NewTimer(500 * time.Millisecond)
		select {
		case <-wake:
		case <-beat.C:
		case <-ctx.Done():
		}
		beat.Stop()
	}
	return ctx.Err()
}

func (d *DB) head() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.purged
}

func (d *DB) fault(op string) error {
	if d.Fault == nil {
		return nil
	}
	return d.Fault(op)
}

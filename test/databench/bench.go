package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"jindu.dev/jindu/internal/kit/dbserver"
)

// bench is a run: a directory, what runs now, and the numbers so far.
type bench struct {
	options
	dir   string // all of it
	began time.Time
	table table
	ends  []func() // of the section that runs, the last first
	count int
}

func open(o options) (*bench, error) {
	dir, err := os.MkdirTemp("", "jindu-databench-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL's other user passes through
		return nil, err
	}
	return &bench{options: o, dir: dir, began: time.Now()}, nil
}

func (b *bench) close() error {
	b.release()
	return os.RemoveAll(b.dir)
}

// release ends what the section started and gives its space back.
func (b *bench) release() {
	for _, end := range slices.Backward(b.ends) {
		end()
	}
	b.ends = nil
}

func (b *bench) atEnd(f func()) { b.ends = append(b.ends, f) }

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1fs load %.1f  %s\n", time.Since(b.began).Seconds(), load(), fmt.Sprintf(format, args...))
}

// temp is a new directory for the section that runs.
func (b *bench) temp(name string) (string, error) {
	b.count++
	dir := filepath.Join(b.dir, fmt.Sprintf("%s-%d", name, b.count))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	b.atEnd(func() { _ = os.RemoveAll(dir) }) // close removes what is above it
	return dir, nil
}

// server starts a database for the section that runs.
func (b *bench) server(k dbserver.Kind, args ...string) (*dbserver.Server, error) {
	dir, err := b.temp(string(k))
	if err != nil {
		return nil, err
	}
	s, err := dbserver.New(k, dir, args...)
	if err != nil {
		return nil, err
	}
	b.atEnd(s.Kill)
	return s, nil
}

// schema makes a schema, or a database of PostgreSQL, and opens it.
func (b *bench) schema(ctx context.Context, s *dbserver.Server, name string, statements ...string) (*sql.DB, error) {
	root, err := s.Open("")
	if err != nil {
		return nil, err
	}
	_, err = root.ExecContext(ctx, "CREATE DATABASE "+name)
	if err = errors.Join(err, root.Close()); err != nil {
		return nil, err
	}
	db, err := s.Open(name)
	if err != nil {
		return nil, err
	}
	b.atEnd(func() { _ = db.Close() }) // its server goes too
	db.SetMaxIdleConns(64)
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("%.60s: %w", statement, err)
		}
	}
	return db, nil
}

// poll waits until ok says so.
func poll(ctx context.Context, every, limit time.Duration, what string, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		done, err := ok()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %v", what, limit)
		case <-t.C:
		}
	}
}

package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	bbolt "go.etcd.io/bbolt"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
)

func put(t *testing.T, s *Store, key string, value []byte) int64 {
	t.Helper()
	r, err := s.Txn(t.Context(), object.Txn{Then: []object.Write{{Key: key, Value: value}}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Revision
}

func TestAPartOpensWhenItRunsAndClosesWhenItEnds(t *testing.T) {
	s := New(Config{Dir: t.TempDir()})
	if _, _, err := s.Range(t.Context(), object.Query{}); kind.Code(err) != "JD-STORE-007" {
		t.Errorf("before it runs: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	<-ready
	if err := s.Open(); err != nil {
		t.Errorf("open twice: %v", err)
	}
	put(t, s, "a", []byte("1"))
	w, err := s.Watch(t.Context(), "", 2)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := w.Next(context.Background())
		ended <- err
	}()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := <-ended; kind.Code(err) != "JD-STORE-007" {
		t.Errorf("a watcher of a closed store: %v", err)
	}
	for name, err := range map[string]error{
		"Txn":     func() error { _, err := s.Txn(t.Context(), object.Txn{}); return err }(),
		"Watch":   func() error { _, err := s.Watch(t.Context(), "", 1); return err }(),
		"Compact": s.Compact(t.Context(), 1),
	} {
		if kind.Of(err) != kind.Unavailable {
			t.Errorf("%s of a closed store: %v", name, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("close twice: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := New(Config{Dir: filepath.Join(file, "data")})
	if err := broken.Run(t.Context(), func() { t.Error("it is ready") }); kind.Code(err) != "JD-STORE-003" {
		t.Errorf("run without a directory: %v", err)
	}
}

func TestOldRevisionsAreLetGoByNumber(t *testing.T) {
	s := opened(t, Config{Dir: t.TempDir(), Retain: 80})
	put(t, s, "old", []byte("x"))
	last := int64(0)
	for i := range 300 {
		last = put(t, s, fmt.Sprintf("k%d", i%3), []byte(fmt.Sprint(i)))
	}
	retained(t, s, last, 80, 80+80/8+1)
	if got := everything(t, s); len(got) != 4 {
		t.Errorf("%d keys are left", len(got))
	}
}

func TestOldRevisionsAreLetGoByBytes(t *testing.T) {
	s := opened(t, Config{Dir: t.TempDir(), RetainBytes: 100_000})
	last := int64(0)
	for range 200 {
		last = put(t, s, "k", make([]byte, 5_000))
	}
	retained(t, s, last, 17, 23)
	big := put(t, s, "k", make([]byte, 200_000)) // alone above the bound: the newest stays
	retained(t, s, big, 1, 1)
}

// retained checks that between low and high revisions can be read.
func retained(t *testing.T, s *Store, now, low, high int64) {
	t.Helper()
	readable := int64(0)
	for r := now; r > 0; r-- {
		w, err := s.Watch(t.Context(), "", r)
		if errors.Is(err, object.ErrCompacted) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if events, err := w.Next(t.Context()); err != nil || events[0].Modified != r {
			t.Fatalf("watch from %d: %v, %v", r, events, err)
		}
		readable++
	}
	if readable < low || readable > high {
		t.Errorf("%d revisions are retained, want %d to %d", readable, low, high)
	}
	err := s.view(t.Context(), func(tx *bbolt.Tx) error {
		versions, entries := tx.Bucket(keysBucket).Stats().KeyN, tx.Bucket(logBucket).Stats().KeyN
		if int64(entries) != readable || int64(versions) > readable+4 {
			t.Errorf("%d versions and %d entries are kept for %d revisions", versions, entries, readable)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAWatcherReadsALongPastInPieces(t *testing.T) {
	s := opened(t, Config{Dir: t.TempDir()})
	for i := range 60 {
		put(t, s, fmt.Sprintf("k%d", i), make([]byte, 60_000))
	}
	w, err := s.Watch(t.Context(), "k", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	next := int64(1)
	for pieces := 0; next <= 60; pieces++ {
		events, err := w.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, e := range events {
			if e.Modified != next {
				t.Fatalf("revision %d, want %d", e.Modified, next)
			}
			next++
			size += len(e.Value)
		}
		if size > watchBytes+60_000 {
			t.Errorf("a piece has %d bytes", size)
		}
	}
}

func TestAFailedSyncStopsWritesUntilTheFileWasChecked(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		unknown bool
	}{
		"a full disk":             {&os.PathError{Op: "write", Err: syscall.ENOSPC}, false},
		"a file that cannot grow": {errors.New("file resize error"), false},
		"fdatasync":               {syscall.EIO, true},
		"fsync":                   {&os.PathError{Op: "sync", Err: syscall.EIO}, true},
	} {
		unknown, out := writeError(c.err)
		if unknown != c.unknown || kind.Of(out) != kind.Unavailable || !errors.Is(out, c.err) {
			t.Errorf("%s: %v, %t", name, out, unknown)
		}
	}
	s := opened(t, Config{Dir: t.TempDir()})
	put(t, s, "a", []byte("1"))
	_, s.broken = writeError(syscall.EIO)
	if _, err := s.Txn(t.Context(), object.Txn{Then: []object.Write{{Key: "b"}}}); kind.Code(err) != "JD-STORE-006" {
		t.Errorf("write: %v", err)
	}
	if err := s.Compact(t.Context(), 1); kind.Code(err) != "JD-STORE-006" {
		t.Errorf("compact: %v", err)
	}
	if got := everything(t, s); len(got) != 1 || !bytes.Equal(got[0].Value, []byte("1")) {
		t.Errorf("it cannot be read: %v", got)
	}
	if err := errors.Join(s.Close(), s.Open()); err != nil {
		t.Fatal(err)
	}
	put(t, s, "b", nil)
}

func TestADamagedRecordMetAtWorkIsNamed(t *testing.T) {
	s := opened(t, Config{Dir: t.TempDir()})
	put(t, s, "a", []byte("1"))
	err := s.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(keysBucket).Put(versionKey("a", 1), []byte("garbage of some length"))
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Watch(t.Context(), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Range":     func() error { _, _, err := s.Range(t.Context(), object.Query{}); return err }(),
		"Next":      func() error { _, err := w.Next(t.Context()); return err }(),
		"Txn":       func() error { _, err := s.Txn(t.Context(), object.Txn{Then: []object.Write{{Key: "a"}}}); return err }(),
		"condition": func() error { _, err := s.Txn(t.Context(), object.Txn{If: []object.Condition{{Key: "a"}}}); return err }(),
		"Compact":   s.Compact(t.Context(), 1),
		"panic":     s.view(t.Context(), func(*bbolt.Tx) error { panic("page 7 is not a page") }),
	} {
		if kind.Code(err) != "JD-STORE-002" || kind.Of(err) != kind.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := s.Range(t.Context(), object.Query{Prefix: "b"}); err != nil {
		t.Errorf("what is whole cannot be read: %v", err)
	}
}

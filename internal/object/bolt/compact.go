package bolt

import (
	"bytes"
	"context"
	"encoding/binary"

	bbolt "go.etcd.io/bbolt"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
)

// Compact lets go of what was before revision.
func (s *Store) Compact(ctx context.Context, revision int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return errClosed()
	}
	return s.compact(revision)
}

func (s *Store) compact(revision int64) (err error) {
	defer recovered(&err)
	tx, err := s.db.Begin(true)
	if err != nil {
		return kind.New(kind.Unavailable, "JD-STORE-004", "begin a transaction: %w; try again", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	if s.broken != nil {
		return s.broken
	}
	if now := getInt(tx.Bucket(metaBucket), revisionKey); revision > now {
		return kind.New(kind.Invalid, "JD-STORE-010", "compact to revision %d: the store is at %d", revision, now)
	}
	if err := compactTo(tx, func(r, _ int64) bool { return r <= revision }); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		unknown, out := writeError(err)
		if unknown {
			s.broken = out
		}
		return out
	}
	s.wake() // watchers that fell behind learn it
	return nil
}

// retain compacts, within the transaction that went over, what is beyond the bounds and a little more,
// so that not every transaction has to. The newest revision always stays.
func (s *Store) retain(tx *bbolt.Tx, now, size int64) error {
	slack := min(64, s.config.Retain/8)
	compacted := getInt(tx.Bucket(metaBucket), compactedKey)
	if now-compacted <= s.config.Retain+slack && size <= s.config.RetainBytes+s.config.RetainBytes/8 {
		return nil
	}
	return compactTo(tx, func(r, left int64) bool {
		return r < now && (now-r >= s.config.Retain || left > s.config.RetainBytes)
	})
}

// compactTo takes entries off the log, oldest first, while over(revision, bytes left) says so, and with
// each the versions of its key that it replaced. Revisions go as a whole.
func compactTo(tx *bbolt.Tx, over func(revision, left int64) bool) error {
	meta, keys, log := tx.Bucket(metaBucket), tx.Bucket(keysBucket), tx.Bucket(logBucket)
	left, compacted := getInt(meta, bytesKey), getInt(meta, compactedKey)
	var entries, versions [][]byte
	c := log.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		revision := int64(binary.BigEndian.Uint64(k))
		if revision != compacted && !over(revision, left) {
			break
		}
		compacted = revision
		left -= int64(binary.BigEndian.Uint32(v))
		entries = append(entries, bytes.Clone(k))
		old, err := replaced(keys, string(v[4:]), revision)
		if err != nil {
			return err
		}
		versions = append(versions, old...)
	}
	for _, k := range entries {
		if err := log.Delete(k); err != nil {
			return invalidWrite("log", err)
		}
	}
	for _, k := range versions {
		if err := keys.Delete(k); err != nil {
			return invalidWrite("keys", err)
		}
	}
	if err := putInt(meta, bytesKey, left); err != nil {
		return invalidWrite("", err)
	}
	if err := putInt(meta, compactedKey, compacted); err != nil {
		return invalidWrite("", err)
	}
	return nil
}

// replaced lists the places of the versions of key before revision, and of that at revision when it is
// a deletion.
func replaced(keys *bbolt.Bucket, key string, revision int64) ([][]byte, error) {
	var places [][]byte
	c := keys.Cursor()
	for k, r := c.Seek(versionKey(key, 0)); k != nil; k, r = c.Next() {
		got, at, ok := splitVersion(k)
		if !ok || string(got) != key || at > revision {
			break
		}
		if at < revision {
			places = append(places, bytes.Clone(k))
			continue
		}
		v, err := decodeRecord(k, r)
		if err != nil {
			return nil, err
		}
		if v.Deleted {
			places = append(places, bytes.Clone(k))
		}
	}
	return places, nil
}

// compactedError answers a reader whose revision is gone.
func compactedError(meta *bbolt.Bucket, revision int64) error {
	return kind.New(kind.Conflict, "JD-STORE-011", "revision %d: the store keeps those from %d on: %w", revision, getInt(meta, compactedKey)+1, object.ErrCompacted)
}

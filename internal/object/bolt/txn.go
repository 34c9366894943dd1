package bolt

import (
	"context"
	"encoding/binary"
	"strings"

	bbolt "go.etcd.io/bbolt"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
)

// Txn does t in one transaction of bbolt, synced before it returns.
func (s *Store) Txn(ctx context.Context, t object.Txn) (result object.TxnResult, err error) {
	if err := ctx.Err(); err != nil {
		return result, err
	}
	if err := checkTxn(t); err != nil {
		return result, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return result, errClosed()
	}
	defer recovered(&err)
	tx, err := s.db.Begin(true)
	if err != nil {
		return result, kind.New(kind.Unavailable, "JD-STORE-004", "begin a transaction: %w; try again", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	if s.broken != nil {
		return result, s.broken
	}
	result, changed, err := s.apply(tx, t)
	if err != nil || !changed {
		return result, err
	}
	if err := tx.Commit(); err != nil {
		unknown, out := writeError(err)
		if unknown {
			s.broken = out
		}
		return object.TxnResult{}, out
	}
	s.wake()
	return result, nil
}

func checkTxn(t object.Txn) error {
	seen := map[string]bool{}
	for _, w := range t.Then {
		if w.Key == "" || strings.IndexByte(w.Key, 0) >= 0 || len(w.Key) > 1024 || seen[w.Key] {
			return kind.New(kind.Invalid, "JD-STORE-008", "key %.64q is empty, longer than 1024 bytes, has a zero byte, or is written twice in a transaction", w.Key)
		}
		seen[w.Key] = true
	}
	return nil
}

// apply does t in tx. changed is false when there is nothing to commit.
func (s *Store) apply(tx *bbolt.Tx, t object.Txn) (result object.TxnResult, changed bool, err error) {
	meta, keys, log := tx.Bucket(metaBucket), tx.Bucket(keysBucket), tx.Bucket(logBucket)
	revision := getInt(meta, revisionKey)
	result.Revision = revision
	for _, c := range t.If {
		v, ok, err := at(keys.Cursor(), c.Key, revision)
		if err != nil {
			return result, false, err
		}
		modified := int64(0)
		if ok && !v.Deleted {
			modified = v.Modified
		}
		if modified != c.Modified {
			return result, false, nil
		}
	}
	result.Held = true
	next, number, size := revision+1, 0, getInt(meta, bytesKey)
	for _, w := range t.Then {
		v, ok, err := at(keys.Cursor(), w.Key, revision)
		if err != nil {
			return result, false, err
		}
		live := ok && !v.Deleted
		if w.Delete && !live {
			continue
		}
		created := next
		if live {
			created = v.Created
		}
		place := versionKey(w.Key, next)
		record := encodeRecord(place, w.Delete, created, w.Value)
		if err := keys.Put(place, record); err != nil {
			return result, false, invalidWrite(w.Key, err)
		}
		entry := append(binary.BigEndian.AppendUint32(nil, uint32(len(place)+len(record))), w.Key...)
		if err := log.Put(logKey(next, number), entry); err != nil {
			return result, false, invalidWrite(w.Key, err)
		}
		size += int64(len(place) + len(record))
		number++
	}
	if number == 0 {
		return result, false, nil
	}
	result.Revision = next
	if err := putInt(meta, revisionKey, next); err != nil {
		return result, false, invalidWrite("", err)
	}
	if err := putInt(meta, bytesKey, size); err != nil {
		return result, false, invalidWrite("", err)
	}
	return result, true, s.retain(tx, next, size)
}

func invalidWrite(key string, err error) error {
	return kind.New(kind.Internal, "JD-STORE-009", "put %q: %w", key, err)
}

// wake lets waiting watchers look.
func (s *Store) wake() {
	s.notify.Lock()
	defer s.notify.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// news is closed with the next change.
func (s *Store) news() <-chan struct{} {
	s.notify.Lock()
	defer s.notify.Unlock()
	return s.changed
}

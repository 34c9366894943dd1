package bolt

import (
	"bytes"
	"context"
	"encoding/binary"

	bbolt "go.etcd.io/bbolt"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
)

// Range reads keys in order at one revision.
func (s *Store) Range(ctx context.Context, q object.Query) ([]object.KV, int64, error) {
	var out []object.KV
	var revision int64
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		meta := tx.Bucket(metaBucket)
		revision = getInt(meta, revisionKey)
		if q.Revision > revision {
			return kind.New(kind.Invalid, "JD-STORE-010", "read at revision %d: the store is at %d", q.Revision, revision)
		}
		if q.Revision > 0 {
			revision = q.Revision
			if revision < getInt(meta, compactedKey) {
				return compactedError(meta, revision)
			}
		}
		c := tx.Bucket(keysBucket).Cursor()
		for place := first(c, q); place != nil; {
			key, _, ok := splitVersion(place)
			if !ok || !bytes.HasPrefix(key, []byte(q.Prefix)) {
				break
			}
			name := string(key)
			v, ok, err := at(c, name, revision)
			if err != nil {
				return err
			}
			if ok && !v.Deleted {
				out = append(out, v.KV)
				if len(out) == q.Limit {
					break
				}
			}
			if q.Reverse {
				place = before(c, append([]byte(name), 0))
			} else {
				place, _ = c.Seek(append([]byte(name), 1))
			}
		}
		return nil
	})
	return out, revision, err
}

// first is the place where the keys of q begin.
func first(c *bbolt.Cursor, q object.Query) []byte {
	if q.Reverse {
		end := prefixEnd(q.Prefix)
		if q.From != "" && (end == nil || q.From < string(end)) {
			end = []byte(q.From)
		}
		return before(c, end)
	}
	place, _ := c.Seek([]byte(max(q.Prefix, q.From)))
	return place
}

// before is the last place below end; nil is beyond all.
func before(c *bbolt.Cursor, end []byte) []byte {
	if end != nil {
		if place, _ := c.Seek(end); place != nil {
			place, _ = c.Prev()
			return place
		}
	}
	place, _ := c.Last()
	return place
}

// prefixEnd is the first key above all that have the prefix; nil when there is none.
func prefixEnd(prefix string) []byte {
	end := []byte(prefix)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) == 0 {
		return nil
	}
	end[len(end)-1]++
	return end
}

// A watcher reads the log from next on.
type watcher struct {
	store  *Store
	closed <-chan struct{}
	prefix []byte
	next   int64
}

// A watcher looks at so many entries of the log, and returns about so many bytes, at once.
const (
	watchScan  = 4096
	watchBytes = 1 << 20
)

// Watch follows the keys with prefix from revision from on.
func (s *Store) Watch(ctx context.Context, prefix string, from int64) (object.Watcher, error) {
	s.mu.RLock()
	closed := s.closed
	s.mu.RUnlock()
	w := &watcher{store: s, closed: closed, prefix: []byte(prefix), next: max(from, 1)}
	return w, s.view(ctx, func(tx *bbolt.Tx) error {
		if meta := tx.Bucket(metaBucket); w.next <= getInt(meta, compactedKey) {
			return compactedError(meta, w.next)
		}
		return nil
	})
}

// Next returns changes, or waits for them.
func (w *watcher) Next(ctx context.Context) ([]object.KVEvent, error) {
	for {
		news := w.store.news() // before looking, so that no change is missed
		events, end, err := w.look(ctx)
		if err != nil || len(events) > 0 {
			return events, err
		}
		if !end {
			continue
		}
		select {
		case <-news:
		case <-w.closed:
			return nil, errClosed()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// look reads whole revisions from next on. end says that nothing is left to look at.
func (w *watcher) look(ctx context.Context) (events []object.KVEvent, end bool, err error) {
	err = w.store.view(ctx, func(tx *bbolt.Tx) error {
		meta, keys := tx.Bucket(metaBucket), tx.Bucket(keysBucket)
		if w.next <= getInt(meta, compactedKey) {
			return compactedError(meta, w.next)
		}
		c := tx.Bucket(logBucket).Cursor()
		size, next := 0, w.next
		k, entry := c.Seek(logKey(w.next, 0))
		for seen := 0; k != nil; k, entry = c.Next() {
			revision := int64(binary.BigEndian.Uint64(k))
			if revision != next && (seen >= watchScan || size >= watchBytes) {
				next = revision
				break
			}
			next = revision
			seen++
			if len(entry) < 4 || !bytes.HasPrefix(entry[4:], w.prefix) {
				continue
			}
			place := versionKey(string(entry[4:]), revision)
			v, err := decodeRecord(place, keys.Get(place))
			if err != nil {
				return err
			}
			events = append(events, v.KVEvent)
			size += v.size
		}
		if k == nil {
			end = true
			next = max(w.next, getInt(meta, revisionKey)+1)
		}
		w.next = next
		return nil
	})
	return events, end, err
}

// Close ends the watcher; it holds nothing.
func (w *watcher) Close() {}

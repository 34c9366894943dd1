package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"sync"
	"syscall"

	bbolt "go.etcd.io/bbolt"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
)

// Config says where and how much to keep.
type Config struct {
	Dir         string // data directory; made when it is missing
	Retain      int64  // revisions that can be watched and read; default 10,000
	RetainBytes int64  // bytes of their values, about; default 64 MiB
}

// Store is an object.Store and a run.Part.
type Store struct {
	config Config

	mu     sync.RWMutex // guards db against Close
	db     *bbolt.DB    // nil: not open
	closed chan struct{}

	notify  sync.Mutex
	changed chan struct{} // closed and replaced after each change

	broken error // set once a sync failed; guarded by bbolt's writer lock
}

var _ object.Store = (*Store)(nil)

// New makes a Store; nothing is touched before Open or Run.
func New(config Config) *Store {
	if config.Retain == 0 {
		config.Retain = 10_000
	}
	if config.RetainBytes == 0 {
		config.RetainBytes = 64 << 20
	}
	return &Store{config: config, changed: make(chan struct{})}
}

// Name is the part's name.
func (s *Store) Name() string { return "store" }

// Run opens the store, and closes it when ctx ends.
func (s *Store) Run(ctx context.Context, ready func()) error {
	if err := s.Open(); err != nil {
		return err
	}
	ready()
	<-ctx.Done()
	return s.Close()
}

// Close waits for transactions under way and gives the file free. Watchers end.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil
	}
	close(s.closed)
	err := s.db.Close()
	s.db = nil
	return err
}

var (
	keysBucket = []byte("keys")
	logBucket  = []byte("log")
	metaBucket = []byte("meta")

	formatKey    = []byte("format")
	revisionKey  = []byte("revision")
	compactedKey = []byte("compacted")
	bytesKey     = []byte("bytes")
)

const format = 1

func errClosed() error {
	return kind.New(kind.Unavailable, "JD-STORE-007", "the store is not open: the node is starting or stopping; try again")
}

// view runs f in a read transaction. A damaged page that f meets is an error, not the end of the
// process.
func (s *Store) view(ctx context.Context, f func(*bbolt.Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return errClosed()
	}
	defer recovered(&err)
	return s.db.View(f)
}

// recovered turns a panic of bbolt, which means a damaged page, into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = kind.New(kind.Internal, "JD-STORE-002", "the store met a damaged page: %v; stop the node, keep a copy of the file, and restore from a backup or an export", p)
	}
}

// getInt is a number of the meta bucket; 0 when it is not there.
func getInt(b *bbolt.Bucket, key []byte) int64 {
	if v := b.Get(key); len(v) == 12 {
		return int64(binary.BigEndian.Uint64(v))
	}
	return 0
}

// putInt keeps a number with a checksum, which is looked at when the file is opened.
func putInt(b *bbolt.Bucket, key []byte, n int64) error {
	v := binary.BigEndian.AppendUint64(nil, uint64(n))
	return b.Put(key, binary.BigEndian.AppendUint32(v, intChecksum(key, v)))
}

func intChecksum(key, number []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, number)
}

// versionKey is where the keys bucket has the version of key at a revision.
func versionKey(key string, revision int64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(key), 0), uint64(revision))
}

// splitVersion is the key and the revision of a version's place.
func splitVersion(k []byte) (key []byte, revision int64, ok bool) {
	n := len(k) - 9
	if n < 1 || k[n] != 0 {
		return nil, 0, false
	}
	return k[:n], int64(binary.BigEndian.Uint64(k[n+1:])), true
}

func logKey(revision int64, number int) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(revision)), uint32(number))
}

// version is one value of a key, or its deletion.
type version struct {
	object.KVEvent
	size int
}

const (
	recordHead  = 13
	flagDeleted = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encodeRecord(place []byte, deleted bool, created int64, value []byte) []byte {
	r := make([]byte, recordHead, recordHead+len(value))
	if deleted {
		r[0] = flagDeleted
	}
	binary.BigEndian.PutUint64(r[1:], uint64(created))
	r = append(r, value...)
	binary.BigEndian.PutUint32(r[9:], checksum(place, r))
	return r
}

// checksum covers where a record stands and all of it but the checksum.
func checksum(place, record []byte) uint32 {
	sum := crc32.Update(0, castagnoli, place)
	sum = crc32.Update(sum, castagnoli, record[:9])
	return crc32.Update(sum, castagnoli, record[recordHead:])
}

func decodeRecord(place, record []byte) (version, error) {
	key, revision, ok := splitVersion(place)
	if !ok || len(record) < recordHead || binary.BigEndian.Uint32(record[9:]) != checksum(place, record) {
		return version{}, kind.New(kind.Internal, "JD-STORE-002", "the record at %q is damaged; stop the node, keep a copy of the file, and restore from a backup or an export", place)
	}
	v := version{size: len(place) + len(record)}
	v.Key, v.Modified, v.Deleted = string(key), revision, record[0]&flagDeleted != 0
	v.Created = int64(binary.BigEndian.Uint64(record[1:]))
	if !v.Deleted {
		v.Value = bytes.Clone(record[recordHead:])
	}
	return v, nil
}

// at is the version of key at a revision, if it has one by then.
func at(c *bbolt.Cursor, key string, revision int64) (version, bool, error) {
	step := c.Prev
	if beyond, _ := c.Seek(versionKey(key, revision+1)); beyond == nil {
		step = c.Last
	}
	place, record := step()
	got, _, ok := splitVersion(place)
	if !ok || string(got) != key {
		return version{}, false, nil
	}
	v, err := decodeRecord(place, record)
	return v, err == nil, err
}

// writeError says what a failed write means. A full disk, a limit or a device that refuses a write
// leaves the store as it was. A failed sync leaves unknown what is on disk.
func writeError(err error) (unknown bool, out error) {
	path, inPath := errors.AsType[*os.PathError](err)
	_, errno := errors.AsType[syscall.Errno](err)
	unknown = inPath && path.Op == "sync" || !inPath && errno
	if unknown {
		return true, kind.New(kind.Unavailable, "JD-STORE-006", "sync of the data file failed: %w; it is unknown what is on disk, so nothing more is written: check the disk and restart the node, which checks the file", err)
	}
	return false, kind.New(kind.Unavailable, "JD-STORE-004", "write to the data directory failed: %w; nothing was changed: free space there and try again", err)
}

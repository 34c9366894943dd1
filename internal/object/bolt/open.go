package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	bbolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"jindu.dev/jindu/internal/kit/kind"
)

// FileName is the name of the file in the data directory.
const FileName = "jindu.db"

// lockWait is how long another process may hold the file, such as the node before this one.
const lockWait = time.Second

// Open opens the file, after checking all of it, or makes a new one.
func (s *Store) Open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db != nil {
		return nil
	}
	path := filepath.Join(s.config.Dir, FileName)
	if err := os.MkdirAll(s.config.Dir, 0o700); err != nil {
		return notWritable(s.config.Dir, err)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(s.config.Dir, path); err != nil {
			return err
		}
	case err != nil:
		return notWritable(s.config.Dir, err)
	default:
		if err := check(path, info.Size()); err != nil {
			return err
		}
	}
	db, err := open(path, false)
	if err != nil {
		return openError(path, err)
	}
	s.db, s.broken, s.closed = db, nil, make(chan struct{})
	return nil
}

func notWritable(dir string, err error) error {
	return kind.New(kind.Denied, "JD-STORE-003", "data directory %s cannot be written: %w; free space there, give the user of the node write permission, or name another directory with --data-dir", dir, err)
}

func corrupt(path string, format string, args ...any) error {
	return kind.New(kind.Internal, "JD-STORE-002", "data file %s is damaged: %w. It was left as it is. Keep a copy, move it out of the data directory, start the node, and apply a backup or what jindu export last gave", path, fmt.Errorf(format, args...))
}

func openError(path string, err error) error {
	if e, ok := errors.AsType[*kind.Error](err); ok {
		return e
	}
	if errors.Is(err, berrors.ErrTimeout) {
		return kind.New(kind.Unavailable, "JD-STORE-001", "another node uses the data directory %s; stop it, or name another directory with --data-dir", filepath.Dir(path))
	}
	if _, ok := errors.AsType[*os.PathError](err); ok {
		return notWritable(filepath.Dir(path), err)
	}
	return corrupt(path, "%w", err)
}

// open opens a file of bbolt. A page that cannot be read, which bbolt and the kernel answer by a panic
// or a fault, is an error.
func open(path string, readOnly bool) (db *bbolt.DB, err error) {
	defer guard(path, &err)()
	return bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, ReadOnly: readOnly})
}

// guard makes panics and memory faults of this goroutine errors until the function it returns is called.
func guard(path string, err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if p := recover(); p != nil {
			*err = corrupt(path, "%v", p)
		}
	}
}

// create makes an empty store beside path and gives it its name when it is complete and synced.
func create(dir, path string) error {
	fresh := path + ".new"
	db, err := open(fresh, false)
	if err != nil {
		if errors.Is(err, berrors.ErrTimeout) {
			return openError(path, err)
		}
		return notWritable(dir, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{keysBucket, logBucket, metaBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return putInt(tx.Bucket(metaBucket), formatKey, format)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return notWritable(dir, err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return notWritable(dir, err)
	}
	return syncDir(dir)
}

// check reads the whole file and changes nothing.
func check(path string, size int64) error {
	if size == 0 {
		return corrupt(path, "it is empty")
	}
	db, err := open(path, true) // keeps writers out while it is open
	if err != nil {
		return openError(path, err)
	}
	return errors.Join(checkFile(path, db, size), db.Close())
}

func checkFile(path string, db *bbolt.DB, size int64) (err error) {
	defer guard(path, &err)()
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // in the data directory that the operator names
	if err != nil {
		return notWritable(filepath.Dir(path), err)
	}
	if err := errors.Join(checkPages(f, size), f.Close()); err != nil {
		return corrupt(path, "%w", err)
	}
	return db.View(func(tx *bbolt.Tx) error {
		meta, keys, log := tx.Bucket(metaBucket), tx.Bucket(keysBucket), tx.Bucket(logBucket)
		if meta == nil || keys == nil || log == nil {
			return corrupt(path, "parts of it are missing")
		}
		if err := checkMeta(meta); err != nil {
			return corrupt(path, "%w", err)
		}
		if f := getInt(meta, formatKey); f > format {
			return kind.New(kind.Unsupported, "JD-STORE-005", "data file %s has format %d, this version of jindu knows up to %d; run the version that wrote it", path, f, format)
		}
		if err := checkRecords(meta, keys, log); err != nil {
			return corrupt(path, "%w", err)
		}
		return nil
	})
}

// checkMeta reads every number.
func checkMeta(meta *bbolt.Bucket) error {
	return meta.ForEach(func(k, v []byte) error {
		if len(v) != 12 || binary.BigEndian.Uint32(v[8:]) != intChecksum(k, v[:8]) {
			return fmt.Errorf("number %q is damaged", k)
		}
		return nil
	})
}

// checkRecords reads every record and holds keys and log against each other.
func checkRecords(meta, keys, log *bbolt.Bucket) error {
	revision, compacted := getInt(meta, revisionKey), getInt(meta, compactedKey)
	recent := 0
	err := keys.ForEach(func(place, record []byte) error {
		v, err := decodeRecord(place, record)
		if err != nil {
			return err
		}
		if v.Modified > revision {
			return fmt.Errorf("%q has revision %d, the store is at %d", v.Key, v.Modified, revision)
		}
		if v.Modified > compacted {
			recent++
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = log.ForEach(func(k, entry []byte) error {
		if len(k) != 12 || len(entry) < 5 {
			return fmt.Errorf("entry %x of the log is damaged", k)
		}
		recent--
		place := versionKey(string(entry[4:]), int64(binary.BigEndian.Uint64(k)))
		if record := keys.Get(place); uint32(len(place)+len(record)) != binary.BigEndian.Uint32(entry) || record == nil {
			return fmt.Errorf("entry %x of the log has no record", k)
		}
		return nil
	})
	if err == nil && recent != 0 {
		return fmt.Errorf("keys and log differ by %d records", recent)
	}
	return err
}

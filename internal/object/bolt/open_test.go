package bolt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bbolt "go.etcd.io/bbolt"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
)

// filled makes a store with some history, closes it, and returns its file and all that it holds.
func filled(t *testing.T, dir string) (path string, content []object.KV) {
	t.Helper()
	s := opened(t, Config{Dir: dir})
	for i := range 60 {
		writes := []object.Write{{Key: fmt.Sprintf("o/%d", i%20), Value: bytes.Repeat([]byte{byte(i)}, 700)}}
		if i%7 == 0 {
			writes = append(writes, object.Write{Key: fmt.Sprintf("o/%d", (i+3)%20), Delete: true})
		}
		if _, err := s.Txn(t.Context(), object.Txn{Then: writes}); err != nil {
			t.Fatal(err)
		}
	}
	content = everything(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, FileName), content
}

func everything(t *testing.T, s *Store) []object.KV {
	t.Helper()
	kvs, _, err := s.Range(t.Context(), object.Query{})
	if err != nil {
		t.Fatal(err)
	}
	return kvs
}

func refused(t *testing.T, dir, code string, k kind.Kind, words ...string) {
	t.Helper()
	s := New(Config{Dir: dir})
	err := s.Open()
	if err == nil {
		_ = s.Close()
		t.Fatal("the store opened")
	}
	if kind.Code(err) != code || kind.Of(err) != k {
		t.Fatalf("got %v, want %s", err, code)
	}
	for _, w := range append(words, dir) {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q lacks %q", err, w)
		}
	}
}

func TestADamagedFileIsRefusedAndLeftAsItIs(t *testing.T) {
	damage := map[string]func(b []byte) []byte{
		"empty":         func([]byte) []byte { return nil },
		"cut in half":   func(b []byte) []byte { return b[:len(b)/2] },
		"cut to a head": func(b []byte) []byte { return b[:5000] },
		"zeros":         func(b []byte) []byte { clear(b); return b },
		"first head":    func(b []byte) []byte { b[20] ^= 1; return b },
		"second head":   func(b []byte) []byte { b[os.Getpagesize()+40] ^= 1; return b },
		"other file":    func([]byte) []byte { return bytes.Repeat([]byte("not a database\n"), 4096) },
		"a value": func(b []byte) []byte {
			i := bytes.LastIndex(b, bytes.Repeat([]byte{59}, 700))
			b[i+300] ^= 4
			return b
		},
		"a page of zeros": func(b []byte) []byte { // page 2 on: freelist, leaf and branch pages
			for p := 2 * os.Getpagesize(); p < len(b); p += os.Getpagesize() {
				clear(b[p : p+os.Getpagesize()])
			}
			return b
		},
	}
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path, _ := filled(t, dir)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			harmed := harm(bytes.Clone(whole))
			if bytes.Equal(harmed, whole) {
				t.Fatal("nothing was harmed")
			}
			if err := os.WriteFile(path, harmed, 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, dir, "JD-STORE-002", kind.Internal, "left as it is", "Keep a copy", "jindu export")
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(after, harmed) {
				t.Errorf("the file was changed (%v)", err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("the directory has %v", entries)
			}
			// The remedy works: the copy put back is the store again.
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			opened(t, Config{Dir: dir})
		})
	}
}

func TestRandomDamageIsNeverTakenForData(t *testing.T) {
	dir := t.TempDir()
	path, content := filled(t, dir)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	caught := 0
	const rounds = 300
	for i := range rounds {
		harmed := bytes.Clone(whole)
		for range 1 + r.IntN(4) {
			at := r.IntN(len(harmed))
			if r.IntN(2) == 0 { // structure stands at the beginning of pages
				at = at/os.Getpagesize()*os.Getpagesize() + r.IntN(64)
			}
			harmed[at] ^= byte(1 + r.IntN(255))
		}
		if err := os.WriteFile(path, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		s := New(Config{Dir: dir})
		if err := s.Open(); err != nil {
			caught++
			if kind.Code(err) != "JD-STORE-002" {
				t.Fatalf("round %d: %v", i, err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, harmed) {
				t.Fatalf("round %d: the file was changed (%v)", i, err)
			}
			continue
		}
		if got := everything(t, s); fmt.Sprint(got) != fmt.Sprint(content) {
			t.Fatalf("round %d: damage was taken for data", i)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if caught < rounds/10 {
		t.Errorf("only %d of %d damages were met; the test harms nothing", caught, rounds)
	}
}

func TestASecondNodeIsKeptOut(t *testing.T) {
	dir := t.TempDir()
	first := opened(t, Config{Dir: dir})
	refused(t, dir, "JD-STORE-001", kind.Unavailable, "another node uses the data directory", "--data-dir")
	if _, err := first.Txn(t.Context(), object.Txn{Then: []object.Write{{Key: "a", Value: []byte("1")}}}); err != nil {
		t.Errorf("the first node is disturbed: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if got := everything(t, opened(t, Config{Dir: dir})); len(got) != 1 {
		t.Errorf("after the first node left: %v", got)
	}
}

func TestAFileOfALaterVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	path, _ := filled(t, dir)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return putInt(tx.Bucket(metaBucket), formatKey, format+1) })
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	refused(t, dir, "JD-STORE-005", kind.Unsupported, "run the version that wrote it")
}

func TestAForeignDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	db, err := bbolt.Open(filepath.Join(dir, FileName), 0o600, nil)
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	refused(t, dir, "JD-STORE-002", kind.Internal, "parts of it are missing")
}

func TestAnUnfinishedNewFileIsNoHindrance(t *testing.T) {
	dir := t.TempDir()
	// As a node leaves it that was killed before the file had its name.
	db, err := bbolt.Open(filepath.Join(dir, FileName+".new"), 0o600, nil)
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	opened(t, Config{Dir: dir})
	if _, err := os.Stat(filepath.Join(dir, FileName+".new")); !os.IsNotExist(err) {
		t.Errorf("the unfinished file is still there: %v", err)
	}
}

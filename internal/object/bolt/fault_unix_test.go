//go:build unix

package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
)

// mounted mounts a small file system of memory, where the machine lets us.
func mounted(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("skipped: this test needs to mount a tmpfs, which needs root: %v: %s", err, bytes.TrimSpace(out))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// fillUp writes until a write fails, notes what was acknowledged, and returns the error.
func fillUp(t *testing.T, s *Store, acknowledged map[string]int64) error {
	t.Helper()
	for i := range 1000 {
		key := fmt.Sprintf("o/%d", len(acknowledged))
		r, err := s.Txn(t.Context(), object.Txn{Then: []object.Write{{Key: key, Value: bytes.Repeat([]byte{byte(i)}, 20_000)}}})
		if err != nil {
			return err
		}
		acknowledged[key] = r.Revision
	}
	t.Fatal("the disk does not fill up")
	return nil
}

func wantAll(t *testing.T, s *Store, acknowledged map[string]int64) {
	t.Helper()
	kvs := everything(t, s)
	if len(kvs) != len(acknowledged) {
		t.Errorf("%d keys are there, want %d", len(kvs), len(acknowledged))
	}
	for _, kv := range kvs {
		if acknowledged[kv.Key] != kv.Modified || len(kv.Value) != 20_000 {
			t.Errorf("%s: revision %d, %d bytes; acknowledged at %d", kv.Key, kv.Modified, len(kv.Value), acknowledged[kv.Key])
		}
	}
}

func TestAFullDiskRefusesWritesLosesNothingAndRecovers(t *testing.T) {
	disk := mounted(t, "size=4m")
	filler := filepath.Join(disk, "filler")
	err := os.WriteFile(filler, make([]byte, 2<<20), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(disk, "data")
	s := opened(t, Config{Dir: dir})
	acknowledged := map[string]int64{}
	err = fillUp(t, s, acknowledged)
	if kind.Code(err) != "JD-STORE-004" || kind.Of(err) != kind.Unavailable || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "free space") {
		t.Fatalf("a full disk is %v", err)
	}
	wantAll(t, s, acknowledged) // it can be read meanwhile
	if err := fillUp(t, s, acknowledged); kind.Code(err) != "JD-STORE-004" {
		t.Fatalf("still full: %v", err)
	}
	wantAll(t, s, acknowledged)

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	r, err := s.Txn(t.Context(), object.Txn{Then: []object.Write{{Key: "o/after", Value: make([]byte, 20_000)}}})
	if err != nil {
		t.Fatalf("with space again: %v", err)
	}
	acknowledged["o/after"] = r.Revision
	wantAll(t, s, acknowledged)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantAll(t, opened(t, Config{Dir: dir}), acknowledged) // which checks every page
}

func TestANodeThatStartsOnAFullDiskSaysSo(t *testing.T) {
	disk := mounted(t, "size=64k")
	if err := os.WriteFile(filepath.Join(disk, "filler"), make([]byte, 60<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, filepath.Join(disk, "data"), "JD-STORE-003", kind.Denied, "no space left", "free space there")
}

func TestAReadOnlyDirectoryIsRefused(t *testing.T) {
	disk := mounted(t, "size=4m")
	dir := filepath.Join(disk, "data")
	path, _ := filled(t, dir)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "remount,ro", disk).CombinedOutput(); err != nil {
		t.Skipf("skipped: this test needs to make a mount read-only: %v: %s", err, out)
	}
	refused(t, dir, "JD-STORE-003", kind.Denied, "cannot be written", "--data-dir")
	refused(t, filepath.Join(disk, "other"), "JD-STORE-003", kind.Denied, "cannot be written")
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", err)
	}
}

func TestAFileWithoutPermissionIsRefused(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("skipped: root may write everywhere; TestAReadOnlyDirectoryIsRefused covers it")
	}
	dir := t.TempDir()
	path, _ := filled(t, dir)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, "JD-STORE-003", kind.Denied, "permission")
}

// A limit of the file's size, as ulimit -f sets it, fails writes where a mount is not permitted.
func TestALimitOfTheFileRefusesWritesAndLosesNothing(t *testing.T) {
	if os.Getenv("JINDU_TEST_LIMIT") == "" {
		again(t, "JINDU_TEST_LIMIT=1")
		return
	}
	dir := t.TempDir()
	s := opened(t, Config{Dir: dir})
	ignoreLimitSignal()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 30}); err != nil {
		t.Skipf("skipped: no limit of the file size here: %v", err)
	}
	acknowledged := map[string]int64{}
	err := fillUp(t, s, acknowledged)
	if kind.Of(err) != kind.Unavailable {
		t.Fatalf("a write beyond the limit is %v", err)
	}
	wantAll(t, s, acknowledged)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 30, Max: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	r, err := s.Txn(t.Context(), object.Txn{Then: []object.Write{{Key: "o/after", Value: make([]byte, 20_000)}}})
	if err != nil {
		t.Fatalf("with space again: %v", err)
	}
	acknowledged["o/after"] = r.Revision
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantAll(t, opened(t, Config{Dir: dir}), acknowledged)
}

// again runs the test in a process of its own, where a limit harms nobody else.
func again(t *testing.T, env string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), env)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "SKIP") {
		t.Skipf("%s", out)
	}
}

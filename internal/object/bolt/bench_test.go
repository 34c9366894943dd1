package bolt

import (
	"fmt"
	"testing"

	"jindu.dev/jindu/internal/object"
)

// BenchmarkOpen opens, with its check, a store that retains 10,000 revisions of 4 KiB.
func BenchmarkOpen(b *testing.B) {
	for _, revisions := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("revisions=%d", revisions), func(b *testing.B) {
			dir := b.TempDir()
			s := New(Config{Dir: dir})
			if err := s.Open(); err != nil {
				b.Fatal(err)
			}
			s.db.NoSync = true // only to fill it fast
			for i := range revisions {
				if _, err := s.Txn(b.Context(), object.Txn{Then: []object.Write{{Key: fmt.Sprintf("o/%d", i%500), Value: make([]byte, 4096)}}}); err != nil {
					b.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := s.Open(); err != nil {
					b.Fatal(err)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTxn is one acknowledged write, synced.
func BenchmarkTxn(b *testing.B) {
	s := opened(b, Config{Dir: b.TempDir()})
	for i := 0; b.Loop(); i++ {
		if _, err := s.Txn(b.Context(), object.Txn{Then: []object.Write{{Key: fmt.Sprintf("o/%d", i%500), Value: make([]byte, 1024)}}}); err != nil {
			b.Fatal(err)
		}
	}
}

package bolt

import (
	"testing"

	"jindu.dev/jindu/internal/object"
	"jindu.dev/jindu/internal/object/objecttest"
)

func opened(t testing.TB, config Config) *Store {
	t.Helper()
	s := New(config)
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	objecttest.Run(t, func(t *testing.T, place string) (object.Store, func()) {
		s := opened(t, Config{Dir: place})
		return s, func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

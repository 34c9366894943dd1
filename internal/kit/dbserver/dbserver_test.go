package dbserver

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func started(t *testing.T, k Kind, args ...string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "jindu-dbserver-") //nolint:usetesting // PostgreSQL's other user must pass through
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s, err := New(k, dir, args...)
	if missing, ok := errors.AsType[*MissingError](err); ok && os.Getenv("CI") != "true" {
		t.Skip(missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

func TestAServerAnswersUntilItIsKilledAndAgainAfter(t *testing.T) {
	for _, k := range []Kind{KindMariaDB, KindPostgres, KindRedis} {
		s := started(t, k)
		addr := s.Addr
		if !s.Running() || s.PID() == 0 || s.Ended() == nil {
			t.Errorf("%s does not run", k)
		}
		if err := errors.Join(s.Pause(), s.Continue(), s.Ping(t.Context())); err != nil {
			t.Errorf("%s: %v", k, err)
		}
		s.Kill()
		if err := s.Ping(t.Context()); err == nil || s.Running() || s.PID() != 0 || s.Pause() == nil || s.Ended() != nil {
			t.Errorf("%s answers after kill -9", k)
		}
		s.Kill() // again is nothing
		if err := s.Restart(); err != nil || s.Addr != addr {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	s := started(t, KindRedis)
	s.args = []string{"--no-such-option", "x"}
	if err := s.Restart(); err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("%v", err)
	}
	if _, err := s.Open(""); err == nil {
		t.Error("SQL to Redis")
	}
}

func TestAProgramThatIsMissingIsNamed(t *testing.T) {
	if _, missing := Find("db2"); missing != "" {
		t.Errorf("a kind without programs misses %s", missing)
	}
	needs["none"] = []string{"no-such-program"}
	defer delete(needs, "none")
	_, err := New("none", t.TempDir())
	if e, ok := errors.AsType[*MissingError](err); !ok || e.Program != "no-such-program" || !strings.Contains(err.Error(), "none is not installed: no-such-program not found") {
		t.Errorf("%v", err)
	}
}

package dbtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"jindu.dev/jindu/internal/kit/dbserver"
)

// Kind is what a server is.
type Kind = dbserver.Kind

// The kinds.
const (
	KindMariaDB  = dbserver.KindMariaDB
	KindPostgres = dbserver.KindPostgres
	KindRedis    = dbserver.KindRedis
)

// Server is a running database; Addr, User, Password and DSN say how to reach it.
type Server struct {
	*dbserver.Server
	dir string
}

// Kill is kill -9 of the server, and returns when it is gone.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.mine(t)
	s.Server.Kill()
}

// Restart starts it again on its port, after Kill or from running, and returns when it answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.mine(t)
	if err := s.Server.Restart(); err != nil {
		t.Fatal(err)
	}
}

// Pause stops the process as it is (SIGSTOP); Continue lets it go on.
func (s *Server) Pause(t testing.TB) { t.Helper(); s.mine(t); failOn(t, s.Server.Pause()) }

// Continue ends a Pause.
func (s *Server) Continue(t testing.TB) { t.Helper(); s.mine(t); failOn(t, s.Server.Continue()) }

func failOn(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mine holds tests from ending a server that others use.
func (s *Server) mine(t testing.TB) {
	t.Helper()
	state.Lock()
	defer state.Unlock()
	if state.shared[s.Kind] == s {
		t.Fatalf("the shared %s is not yours to stop: take one of your own", s.Kind)
	}
}

const dirPrefix = "jindu-dbtest-"

// state is what this test binary holds.
var state struct {
	sync.Mutex
	main    bool
	dir     string
	shared  map[Kind]*Server
	servers map[*Server]bool
}

// Main runs the tests and then stops every server. TestMain calls it:
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
func Main(m *testing.M) {
	state.Lock()
	state.main = true
	state.Unlock()
	code := m.Run()
	stopAll()
	os.Exit(code)
}

func stopAll() {
	state.Lock()
	defer state.Unlock()
	for s := range state.servers {
		s.Server.Kill()
	}
	state.servers, state.shared = nil, nil
	if state.dir != "" {
		if err := os.RemoveAll(state.dir); err != nil {
			fmt.Fprintln(os.Stderr, "dbtest:", err)
		}
		state.dir = ""
	}
}

// root is the directory of this test binary. Directories of binaries that are no more are removed on the way.
func root() (string, error) {
	if state.dir != "" {
		return state.dir, nil
	}
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*")) // the pattern is a constant
	for _, d := range left {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(d), dirPrefix), "-")
		if n, err := strconv.Atoi(pid); err == nil && !dbserver.Alive(n) {
			_ = os.RemoveAll(d) // of another user perhaps: then it stays
		}
	}
	d, err := os.MkdirTemp("", dirPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return "", err
	}
	// PostgreSQL may run as another user, who must be able to pass through.
	if err := os.Chmod(d, 0o755); err != nil {
		return "", err
	}
	state.dir = d
	return d, nil
}

// MariaDB is the shared MariaDB of this test binary: binary log in row format with full images and annotated
// statements.
func MariaDB(t testing.TB) *Server { t.Helper(); return share(t, KindMariaDB) }

// Postgres is the shared PostgreSQL of this test binary: wal_level=logical.
func Postgres(t testing.TB) *Server { t.Helper(); return share(t, KindPostgres) }

// Redis is the shared Redis of this test binary. Keys of tests must not meet.
func Redis(t testing.TB) *Server { t.Helper(); return share(t, KindRedis) }

// NewMariaDB starts one for this test alone; args are more options, such as --innodb-flush-log-at-trx-commit=1.
func NewMariaDB(t testing.TB, args ...string) *Server {
	t.Helper()
	return private(t, KindMariaDB, args)
}

// NewPostgres starts one for this test alone; settings are name=value.
func NewPostgres(t testing.TB, settings ...string) *Server {
	t.Helper()
	return private(t, KindPostgres, settings)
}

// NewRedis starts one for this test alone; args are more options.
func NewRedis(t testing.TB, args ...string) *Server { t.Helper(); return private(t, KindRedis, args) }

func share(t testing.TB, k Kind) *Server {
	t.Helper()
	state.Lock()
	defer state.Unlock()
	if !state.main {
		t.Fatal("a shared server needs func TestMain(m *testing.M) { dbtest.Main(m) } in the package")
	}
	if s := state.shared[k]; s != nil {
		return s
	}
	s := create(t, k, nil)
	if state.shared == nil {
		state.shared = map[Kind]*Server{}
	}
	state.shared[k] = s
	return s
}

func private(t testing.TB, k Kind, args []string) *Server {
	t.Helper()
	state.Lock()
	defer state.Unlock()
	s := create(t, k, args)
	t.Cleanup(func() {
		state.Lock()
		defer state.Unlock()
		s.Server.Kill()
		delete(state.servers, s)
		if err := os.RemoveAll(s.dir); err != nil {
			t.Error(err)
		}
		if !state.main && len(state.servers) == 0 {
			_ = os.Remove(state.dir)
			state.dir = ""
		}
	})
	return s
}

// create starts a server; state is locked.
func create(t testing.TB, k Kind, args []string) *Server {
	t.Helper()
	dir, err := root()
	if err == nil {
		dir, err = os.MkdirTemp(dir, string(k)+"-") //nolint:usetesting // it must outlive the test, or be as PostgreSQL needs it
	}
	if err != nil {
		t.Fatal(err)
	}
	server, err := dbserver.New(k, dir, args...)
	if missing, ok := errors.AsType[*dbserver.MissingError](err); ok && os.Getenv("CI") != "true" {
		t.Skip(missing)
	}
	failOn(t, err)
	s := &Server{Server: server, dir: dir}
	if state.servers == nil {
		state.servers = map[*Server]bool{}
	}
	state.servers[s] = true
	return s
}

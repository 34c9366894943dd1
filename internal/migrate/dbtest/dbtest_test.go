package dbtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

func TestSharedServersAreOneEach(t *testing.T) {
	for _, s := range []*Server{MariaDB(t), Postgres(t)} {
		schema := s.Schema(t)
		db := s.DB(t, schema)
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE a (id INT PRIMARY KEY)"); err != nil {
			t.Fatalf("%s: %v", s.Kind, err)
		}
		if _, err := db.ExecContext(t.Context(), "INSERT INTO a VALUES (1)"); err != nil {
			t.Fatal(err)
		}
	}
	if first, second := MariaDB(t), MariaDB(t); first != second {
		t.Error("a second server was started")
	}
	var format, image, annotate string
	if err := MariaDB(t).DB(t, "").QueryRowContext(t.Context(), "SELECT @@binlog_format, @@binlog_row_image, @@binlog_annotate_row_events").Scan(&format, &image, &annotate); err != nil || format != "ROW" || image != "FULL" || annotate != "1" {
		t.Error(format, image, annotate, err)
	}
	var level string
	if err := Postgres(t).DB(t, "").QueryRowContext(t.Context(), "SHOW wal_level").Scan(&level); err != nil || level != "logical" {
		t.Error(level, err)
	}
	if err := Redis(t).Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestASchemaWithAReplicationSlotIsDropped(t *testing.T) {
	s := Postgres(t)
	var name string
	t.Run("inner", func(t *testing.T) {
		name = s.Schema(t)
		if _, err := s.DB(t, name).ExecContext(t.Context(), "SELECT pg_create_logical_replication_slot('slot_"+name+"', 'pgoutput')"); err != nil {
			t.Fatal(err)
		}
	})
	var n int
	if err := s.DB(t, "").QueryRowContext(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = $1", name).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d databases are left: %v", n, err)
	}
}

func TestAKilledServerKeepsWhatWasCommitted(t *testing.T) {
	for _, start := range []func(testing.TB, ...string) *Server{NewMariaDB, NewPostgres} {
		s := start(t)
		schema := s.Schema(t)
		db := s.DB(t, schema)
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE a (id INT PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "INSERT INTO a VALUES (7)"); err != nil {
			t.Fatal(err)
		}
		addr := s.Addr
		s.Kill(t)
		if err := db.PingContext(t.Context()); err == nil || s.PID() != 0 {
			t.Errorf("%s answers after kill -9", s.Kind)
		}
		s.Restart(t)
		var id int
		if err := s.DB(t, schema).QueryRowContext(t.Context(), "SELECT id FROM a").Scan(&id); err != nil || id != 7 || s.Addr != addr {
			t.Errorf("%s: %d, %v, %s", s.Kind, id, err, s.Addr)
		}
	}
}

func TestAPrivateServerLeavesNothing(t *testing.T) {
	var s *Server
	var pid int
	t.Run("inner", func(t *testing.T) {
		s = NewRedis(t)
		pid = s.PID()
		s.Pause(t)
		s.Continue(t)
		if !strings.HasPrefix(s.DSN(""), "127.0.0.1:") {
			t.Error(s.DSN(""))
		}
	})
	if err := syscall.Kill(pid, 0); err == nil {
		t.Error("the process is left")
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Error("the directory is left", err)
	}
}

func TestWhatAKilledTestLeftIsRemoved(t *testing.T) {
	gone := exec.CommandContext(t.Context(), "true")
	if err := gone.Run(); err != nil {
		t.Skip(err)
	}
	left := filepath.Join(os.TempDir(), dirPrefix+strconv.Itoa(gone.Process.Pid)+"-left") //nolint:usetesting // there the next test binary looks
	if err := os.Mkdir(left, 0o755); err != nil {
		t.Fatal(err)
	}
	state.Lock()
	defer state.Unlock()
	mine := state.dir
	state.dir = ""
	fresh, err := root()
	state.dir = mine
	if err != nil || os.Remove(fresh) != nil {
		t.Error(fresh, err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Error("the directory is left", err)
	}
}

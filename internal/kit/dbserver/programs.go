package dbserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// The account of every instance.
const (
	account  = "jindu"
	password = "jindu-local"
)

// needs are the programs of each kind.
var needs = map[Kind][]string{
	KindMariaDB:  {"mariadbd", "mariadb-install-db"},
	KindPostgres: {"postgres", "initdb"},
	KindRedis:    {"redis-server"},
}

// Find is where the programs of a kind are, or which one is missing.
func Find(k Kind) (at map[string]string, missing string) {
	dirs := []string{"/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"}
	if k == KindPostgres {
		// What is in PATH may be a wrapper; the newest version's own directory goes first.
		own, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is a constant
		for _, d := range own {
			dirs = append([]string{d}, dirs...)
		}
	}
	at = map[string]string{}
	for _, name := range needs[k] {
		for _, d := range dirs {
			if p, err := exec.LookPath(filepath.Join(d, name)); err == nil {
				at[name] = p
				break
			}
		}
		if at[name] == "" {
			p, err := exec.LookPath(name)
			if err != nil {
				return nil, name
			}
			at[name] = p
		}
	}
	return at, ""
}

// init makes the data directory.
func (s *Server) init() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	data := s.Dir()
	switch s.Kind {
	case KindMariaDB:
		s.User, s.Password = account, password
		// The server runs this at each start, and may not write it to the binary log.
		sql := fmt.Sprintf("SET SESSION sql_log_bin=0;\nCREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO '%s'@'%%' WITH GRANT OPTION;\n", account, password, account)
		if err := os.WriteFile(filepath.Join(s.dir, "init.sql"), []byte(sql), 0o644); err != nil {
			return err
		}
		args := []string{"--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"}
		if os.Geteuid() == 0 {
			args = append(args, "--user=root")
		}
		cmd := exec.CommandContext(ctx, s.programs["mariadb-install-db"], args...)
		cmd.Env = append(os.Environ(), "TMPDIR="+s.dir) // a server that starts removes what others keep in a shared one
		return quietly(cmd)
	case KindPostgres:
		s.User, s.Password = account, password
		pw := filepath.Join(s.dir, "pw")
		if err := os.WriteFile(pw, []byte(password+"\n"), 0o644); err != nil {
			return err
		}
		if err := os.Mkdir(data, 0o700); err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, s.programs["initdb"], "-D", data, "-U", account, "--pwfile", pw, "--auth=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
		if os.Geteuid() == 0 {
			if err := os.Chmod(s.dir, 0o755); err != nil { //nolint:gosec // the other user passes through
				return err
			}
			if err := asOther(cmd, data); err != nil {
				return err
			}
		}
		cmd.Dir = s.dir
		return quietly(cmd)
	default:
		return os.Mkdir(data, 0o700)
	}
}

// command is how the server is started. Options of the test come last and win.
func (s *Server) command() *exec.Cmd {
	data, port := s.Dir(), strconv.Itoa(s.port)
	switch s.Kind {
	case KindMariaDB:
		args := []string{
			"--no-defaults", "--datadir=" + data, "--bind-address=127.0.0.1", "--port=" + port, "--socket=" + filepath.Join(s.dir, "sock"),
			// A server that starts deletes what looks like its temporary tables, also those of another one.
			"--tmpdir=" + s.dir,
			"--pid-file=" + filepath.Join(s.dir, "pid"), "--init-file=" + filepath.Join(s.dir, "init.sql"), "--skip-name-resolve",
			"--log-bin=binlog", "--binlog-format=ROW", "--binlog-row-image=FULL", "--binlog-annotate-row-events=ON", "--server-id=" + strconv.Itoa(1+s.port),
			"--sync-binlog=0", "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M", "--innodb-doublewrite=0",
			"--performance-schema=OFF", "--max-connections=200", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci",
		}
		if os.Geteuid() == 0 {
			args = append(args, "--user=root")
		}
		return exec.CommandContext(context.Background(), s.programs["mariadbd"], append(args, s.args...)...)
	case KindPostgres:
		args := []string{"-D", data, "-p", port}
		settings := []string{
			"listen_addresses=127.0.0.1", "unix_socket_directories=", "wal_level=logical", "fsync=off", "full_page_writes=off",
			"shared_buffers=64MB", "max_connections=100", "max_wal_senders=20", "max_replication_slots=20", "wal_sender_timeout=10s", "autovacuum_naptime=10s",
		}
		for _, v := range append(settings, s.args...) {
			args = append(args, "-c", v)
		}
		cmd := exec.CommandContext(context.Background(), s.programs["postgres"], args...)
		if os.Geteuid() == 0 {
			_ = asOther(cmd, "") // without another user it says so itself, in its log
		}
		return cmd
	default:
		args := []string{"--bind", "127.0.0.1", "--port", port, "--dir", data, "--save", "", "--appendonly", "no", "--daemonize", "no"}
		return exec.CommandContext(context.Background(), s.programs["redis-server"], append(args, s.args...)...)
	}
}

func quietly(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out)
	}
	return nil
}

package dbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Kind is what a server is.
type Kind string

// The kinds.
const (
	KindMariaDB  Kind = "mariadb"
	KindPostgres Kind = "postgres"
	KindRedis    Kind = "redis"
)

// patience is how long a server may take to answer, on a machine that many share.
const patience = 120 * time.Second

// Server is a running database.
type Server struct {
	Kind           Kind
	Addr           string // 127.0.0.1:port, the same after Restart
	User, Password string // of a user who may do everything; Redis has none

	programs map[string]string
	dir      string
	args     []string
	port     int
	proc     *process
}

// process is one life of a server.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it ended
	err  error
}

// create makes the data directory and starts the server on a free port. Between looking for the port and
// listening on it another process may take it: then another is tried.
func (s *Server) create() error {
	if err := s.init(); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	var err error
	for range 3 {
		if s.port, err = freePort(); err != nil {
			return err
		}
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
		if err = s.start(); err == nil {
			return nil
		}
	}
	return err
}

// start runs the server and waits until it answers.
func (s *Server) start() error {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the process has its own handle
	cmd := s.command()
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	p := &process{cmd: cmd, done: make(chan struct{})}
	if err := startLinked(cmd); err != nil {
		return err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	s.proc = p
	if err := s.await(p); err != nil {
		s.kill()
		return err
	}
	return nil
}

// await returns when the server answers.
func (s *Server) await(p *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		if last = s.ping(ctx); last == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("the server ended: %w", errors.Join(p.err, last))
		case <-ctx.Done():
			return fmt.Errorf("the server did not answer: %w", last)
		case <-tick.C:
		}
	}
}

// kill ends the process without a chance to clean up, and waits until it is gone.
func (s *Server) kill() {
	if s.proc == nil {
		return
	}
	// PostgreSQL's backends outlive it for a moment, and a new postmaster does not start beside them.
	below := children(s.proc.cmd.Process.Pid)
	_ = s.proc.cmd.Process.Kill() // ended already: the same
	<-s.proc.done
	s.proc = nil
	end(below)
}

// Kill is kill -9 of the server, and returns when it is gone.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.mine(t)
	s.kill()
}

// Restart starts it again on its port, after Kill or from running, and returns when it answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.mine(t)
	s.kill()
	if err := s.start(); err != nil {
		t.Fatalf("%s: %v\n%s", s.Kind, err, s.tail())
	}
}

// Pause stops the process as it is (SIGSTOP); Continue lets it go on.
func (s *Server) Pause(t testing.TB) { t.Helper(); s.mine(t); s.signal(t, syscall.SIGSTOP) }

// Continue ends a Pause.
func (s *Server) Continue(t testing.TB) { t.Helper(); s.mine(t); s.signal(t, syscall.SIGCONT) }

func (s *Server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if s.proc == nil {
		t.Fatalf("%s does not run", s.Kind)
	}
	if err := s.proc.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// PID is the process, 0 when it does not run.
func (s *Server) PID() int {
	if s.proc == nil {
		return 0
	}
	return s.proc.cmd.Process.Pid
}

// Dir is where its data and log are.
func (s *Server) Dir() string { return filepath.Join(s.dir, "data") }

// mine holds tests from ending a server that others use.
func (s *Server) mine(t testing.TB) {
	t.Helper()
	state.Lock()
	defer state.Unlock()
	if state.shared[s.Kind] == s {
		t.Fatalf("the shared %s is not yours to stop: take one of your own", s.Kind)
	}
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// tail is the end of the server's log, for a failure.
func (s *Server) tail() string {
	b, err := os.ReadFile(s.logFile())
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b[max(0, len(b)-4096):]))
}

func freePort() (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()                          //nolint:errcheck // it was only to find the port
	return l.Addr().(*net.TCPAddr).Port, nil // the listener of "tcp" has no other kind
}

package dbserver

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

// MissingError says which program of a kind is not installed.
type MissingError struct {
	Kind    Kind
	Program string
}

// Error is the reason in words.
func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not installed: %s not found", e.Kind, e.Program)
}

// New makes the data directory below dir and starts a server on a free port; args are more options, which win
// over ours. Between looking for the port and listening on it another process may take it: then another is
// tried. The error is a *MissingError where the server is not installed.
func New(k Kind, dir string, args ...string) (*Server, error) {
	p, missing := Find(k)
	if missing != "" {
		return nil, &MissingError{k, missing}
	}
	s := &Server{Kind: k, programs: p, dir: dir, args: args}
	if err := s.init(); err != nil {
		return nil, fmt.Errorf("make the data directory of %s: %w", k, err)
	}
	var err error
	for range 3 {
		if s.port, err = freePort(); err != nil {
			return nil, err
		}
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("start %s: %w\n%s", k, err, s.Tail())
}

// start runs the server and waits until it answers.
func (s *Server) start() error {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
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
		s.Kill()
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
		if last = s.Ping(ctx); last == nil {
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

// Kill ends the process without a chance to clean up, and waits until it is gone.
func (s *Server) Kill() {
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

// Restart starts it again on its port, after Kill or from running, and returns when it answers.
func (s *Server) Restart() error {
	s.Kill()
	if err := s.start(); err != nil {
		return fmt.Errorf("start %s: %w\n%s", s.Kind, err, s.Tail())
	}
	return nil
}

// Ended is closed when the process ended; nil when none runs.
func (s *Server) Ended() <-chan struct{} {
	if s.proc == nil {
		return nil
	}
	return s.proc.done
}

// Running says whether it was started and not killed.
func (s *Server) Running() bool { return s.proc != nil }

// Pause stops the process as it is.
func (s *Server) Pause() error { return s.signal(stopSignal) }

// Continue ends a Pause.
func (s *Server) Continue() error { return s.signal(continueSignal) }

func (s *Server) signal(sig os.Signal) error {
	if s.proc == nil {
		return fmt.Errorf("%s does not run", s.Kind)
	}
	if err := s.proc.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("signal %s: %w", s.Kind, err)
	}
	return nil
}

// PID is the process, 0 when it does not run.
func (s *Server) PID() int {
	if s.proc == nil {
		return 0
	}
	return s.proc.cmd.Process.Pid
}

// Dir is where its data are.
func (s *Server) Dir() string { return filepath.Join(s.dir, "data") }

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// Tail is the end of the server's log, for a failure.
func (s *Server) Tail() string {
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

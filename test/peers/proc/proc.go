// Package proc starts real programs for the tests and benchmarks of this module, on loopback and free
// ports, and stops them.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// FreePort is a TCP port on loopback that nobody listened on a moment ago.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Find looks for a program in PATH and the places where Debian puts servers.
func Find(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if p := filepath.Join(dir, name); exec.Command(p, "-v").Run() == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: make need", name)
}

// Need is Find for a test that cannot do without the program: it skips with the reason, and fails
// where CI=true.
func Need(t testing.TB, name string) string {
	t.Helper()
	p, err := Find(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return p
}

// Process is a running program.
type Process struct {
	Cmd  *exec.Cmd
	out  lockedBuffer
	done chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Start starts a program; its output is kept for Output.
func Start(name string, args ...string) (*Process, error) {
	p := &Process{Cmd: exec.Command(name, args...), done: make(chan struct{})}
	p.Cmd.Stdout, p.Cmd.Stderr = &p.out, &p.out
	p.Cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.Cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		_ = p.Cmd.Wait() // how it ended is told by Output
	}()
	return p, nil
}

// Output is what the program printed so far.
func (p *Process) Output() string { return p.out.String() }

// Stop asks the program to end, and kills it and its children when it does not within 5 s.
func (p *Process) Stop() {
	_ = syscall.Kill(-p.Cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
	}
	_ = syscall.Kill(-p.Cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// Kill ends the program at once, as kill -9 does.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.Cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// Terminate asks the program to end; Succeeded waits for it.
func (p *Process) Terminate() error { return syscall.Kill(p.Cmd.Process.Pid, syscall.SIGTERM) }

// Succeeded waits for the program's end, at most 20 s, and says whether its exit code was 0.
func (p *Process) Succeeded() error {
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.Stop()
		return fmt.Errorf("%v did not end within 20 s: %s", p.Cmd.Args, p.Output())
	}
	if code := p.Cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("%v: exit code %d: %s", p.Cmd.Args, code, p.Output())
	}
	return nil
}

// WaitPort waits until something accepts connections on a port, the program ends, or 20 s pass.
func (p *Process) WaitPort(port int) error {
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	for range 1000 {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %s", p.Cmd.Path, strings.TrimSpace(p.Output()))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return errors.New(p.Cmd.Path + " does not listen on " + addr + ": " + p.Output())
}

// Jindu builds the binary of this tree into dir.
func Jindu(dir string, flags ...string) (string, error) {
	bin := filepath.Join(dir, "jindu")
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "jindu.dev/jindu").Output()
	if err != nil {
		return "", fmt.Errorf("find the product's module: %w", err)
	}
	cmd := exec.Command("go", slices.Concat([]string{"build", "-o", bin}, flags, []string{"./cmd/jindu"})...)
	cmd.Dir = strings.TrimSpace(string(root)) // its own go.mod counts
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build jindu: %w: %s", err, out)
	}
	return bin, nil
}

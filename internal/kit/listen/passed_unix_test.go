//go:build unix

package listen

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
)

// TestSocketsArePassedToAChild plays systemd: the test binary is started again with a socket as
// descriptor 3 and must accept on it.
func TestSocketsArePassedToAChild(t *testing.T) {
	if os.Getenv("LISTEN_TEST_CHILD") != "" {
		child(t)
		return
	}
	l, err := TCP(t.Context(), "x", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestSocketsArePassedToAChild$")
	cmd.Env = append(os.Environ(), "LISTEN_TEST_CHILD=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=gateway", "LISTEN_TEST_ADDR="+l.Addr().String())
	cmd.ExtraFiles = []*os.File{f}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	_, _ = f.Close(), l.Close()
}

func child(t *testing.T) {
	pid := os.Getpid()
	s, err := Passed(append(os.Environ(), fmt.Sprint("LISTEN_PID=", pid)), pid)
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.TCP(t.Context(), "gateway.listen", "nonsense")
	if err != nil || l.Addr().String() != os.Getenv("LISTEN_TEST_ADDR") {
		t.Fatalf("got %v, %v", l, err)
	}
}

package listen

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"jindu.dev/jindu/internal/kit/kind"
)

func TestAnAddressInUseSaysWhatToDo(t *testing.T) {
	first, err := TCP(t.Context(), "gateway.listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	_, err = TCP(t.Context(), "gateway.listen", first.Addr().String())
	if kind.Code(err) != "JD-LISTEN-001" || !strings.Contains(err.Error(), "set gateway.listen to another") {
		t.Errorf("got %v", err)
	}
}

func TestAWrongAddressIsExplained(t *testing.T) {
	for address, want := range map[string]string{
		"8080":            "JD-LISTEN-002",
		"localhost":       "JD-LISTEN-002",
		"127.0.0.1:70000": "JD-LISTEN-002",
		"127.0.0.1:http":  "JD-LISTEN-002",
		"127.0.0.1:":      "JD-LISTEN-002",
		"127.0.0.1:00":    "JD-LISTEN-002",
		"192.0.2.1:0":     "JD-LISTEN-002", // of the range for documentation
		"x.invalid:0":     "JD-LISTEN-005",
	} {
		l, err := TCP(t.Context(), "admin.listen", address)
		if err == nil {
			_ = l.Close()
		}
		if kind.Code(err) != want || !strings.Contains(err.Error(), "admin.listen") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestExplainKnowsPrivilegedPorts(t *testing.T) {
	if err := explain("k", ":80", &os.SyscallError{Syscall: "bind", Err: wsaAccess}); kind.Code(err) != "JD-LISTEN-003" || !strings.Contains(err.Error(), "CAP_NET_BIND_SERVICE") {
		t.Error(err)
	}
}

func TestLoopbackMeansThisMachineOnly(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true, "[::ffff:127.0.0.1]:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "example.com:1": false, "127.0.0.1": false,
	} {
		if got := Loopback(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestWithoutPassedSocketsNewOnesAreOpened(t *testing.T) {
	for _, env := range [][]string{nil, {"LISTEN_PID=1", "LISTEN_FDS=1"}} {
		s, err := Passed(env, 2)
		if err != nil {
			t.Fatal(err)
		}
		l, err := s.TCP(t.Context(), "gateway.listen", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
	}
}

func TestAPassedSocketIsTakenByName(t *testing.T) {
	open := func() *net.TCPListener {
		l, err := TCP(t.Context(), "x", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l.(*net.TCPListener)
	}
	gateway, admin := open(), open()
	s := &Sockets{passed: map[string]net.Listener{"gateway": gateway, "admin": admin}}
	l, err := s.TCP(t.Context(), "gateway.listen", ":1")
	if err != nil || l != net.Listener(gateway) {
		t.Fatalf("got %v, %v", l, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Accept(); err == nil {
		t.Error("the socket that nobody took is open")
	}
	_ = gateway.Close()
}

func TestBadAnnouncementsAreRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("sockets are passed on Unix only")
	}
	for _, env := range [][]string{{"LISTEN_FDS=x"}, {"LISTEN_FDS=2", "LISTEN_FDNAMES=one"}} {
		if _, err := Passed(append(env, fmt.Sprint("LISTEN_PID=", os.Getpid())), os.Getpid()); kind.Code(err) != "JD-LISTEN-004" {
			t.Errorf("%v: %v", env, err)
		}
	}
}

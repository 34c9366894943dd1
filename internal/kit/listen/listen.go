package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"

	"jindu.dev/jindu/internal/kit/kind"
)

// Sockets hands out listeners: those that systemd passed, and else new ones. The zero value has none
// passed.
type Sockets struct {
	passed map[string]net.Listener
}

// firstPassed is the first descriptor of systemd's protocol.
const firstPassed = 3

// Passed takes the sockets that the variables LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES announce to
// process pid, by name: FileDescriptorName=gateway in the socket unit serves the key gateway.listen.
func Passed(env []string, pid int) (*Sockets, error) {
	vars := map[string]string{}
	for _, e := range env {
		if name, value, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, "LISTEN_") {
			vars[name] = value
		}
	}
	s := &Sockets{passed: map[string]net.Listener{}}
	if vars["LISTEN_PID"] != strconv.Itoa(pid) {
		return s, nil
	}
	n, err := strconv.Atoi(vars["LISTEN_FDS"])
	names := strings.Split(vars["LISTEN_FDNAMES"], ":")
	if err != nil || n < 0 || n != len(names) {
		return nil, kind.New(kind.Invalid, "JD-LISTEN-004", "LISTEN_FDS=%s does not fit LISTEN_FDNAMES=%s; give each socket unit a FileDescriptorName", vars["LISTEN_FDS"], vars["LISTEN_FDNAMES"])
	}
	for i, name := range names {
		f := os.NewFile(uintptr(firstPassed+i), name)
		l, err := net.FileListener(f) // a duplicate
		err = errors.Join(err, f.Close())
		if err != nil {
			return nil, errors.Join(kind.New(kind.Invalid, "JD-LISTEN-004", "take the socket %s from systemd: %w", name, err), s.Close())
		}
		s.passed[name] = l
	}
	return s, nil
}

// Close closes the passed sockets that nobody took.
func (s *Sockets) Close() error {
	var errs []error
	for name, l := range s.passed {
		delete(s.passed, name)
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// TCP listens on address. key is the configuration key it is from, such as gateway.listen; errors name
// it, and a passed socket is chosen by its first word.
func (s *Sockets) TCP(ctx context.Context, key, address string) (net.Listener, error) {
	name, _, _ := strings.Cut(key, ".")
	if l, ok := s.passed[name]; ok {
		delete(s.passed, name)
		return l, nil
	}
	if err := Check(address); err != nil {
		return nil, kind.New(kind.Invalid, "JD-LISTEN-002", "%s: %w", key, err)
	}
	var cfg net.ListenConfig
	l, err := cfg.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, explain(key, address, err)
	}
	return l, nil
}

// TCP listens on address with no passed sockets.
func TCP(ctx context.Context, key, address string) (net.Listener, error) {
	return (&Sockets{}).TCP(ctx, key, address)
}

// Winsock has numbers of its own for what Unix calls EADDRINUSE, EACCES and EADDRNOTAVAIL.
const (
	wsaAccess       = syscall.Errno(10013)
	wsaInUse        = syscall.Errno(10048)
	wsaNotAvailable = syscall.Errno(10049)
)

// explain turns what the system says into what to do.
func explain(key, address string, err error) error {
	is := func(a, b syscall.Errno) bool { return errors.Is(err, a) || errors.Is(err, b) }
	switch {
	case is(syscall.EADDRINUSE, wsaInUse):
		return kind.New(kind.Unavailable, "JD-LISTEN-001", "%s: the address %s is in use; stop the process that listens there, or set %s to another (port 0 takes a free one): %w", key, address, key, err)
	case is(syscall.EACCES, wsaAccess):
		return kind.New(kind.Denied, "JD-LISTEN-003", "%s: this user may not listen on %s; use a port above 1023, or grant CAP_NET_BIND_SERVICE: %w", key, address, err)
	case is(syscall.EADDRNOTAVAIL, wsaNotAvailable):
		return kind.New(kind.Invalid, "JD-LISTEN-002", "%s: this machine has no address %s; use one that it has, or leave the host empty for all: %w", key, address, err)
	default:
		return kind.New(kind.Unavailable, "JD-LISTEN-005", "%s: listen on %s: %w", key, address, err)
	}
}

// Check says what is wrong with an address to listen on.
func Check(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address; write host:port, such as 127.0.0.1:8080 or :8080", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q has no port from 0 to 65535", address)
	} else if n == 0 && port != "0" {
		return fmt.Errorf("%q has no port", address)
	}
	return nil
}

// Loopback says whether only this machine can reach address: its host is a loopback address or
// localhost. An empty host is every interface.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

//go:build linux || darwin || freebsd || netbsd || openbsd

package http1

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// rawConn is the socket beneath nc, nil when there is none to get at, as with TLS.
func rawConn(nc net.Conn) syscall.RawConn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// sysRead reads what is there. It is false when the socket would block.
func sysRead(fd uintptr, b []byte) (n int, ready bool, err error) {
	for {
		n, err = syscall.Read(int(fd), b)
		switch {
		case err == nil && n == 0:
			return 0, true, io.EOF
		case err == nil:
			return n, true, nil
		case errors.Is(err, syscall.EAGAIN):
			return 0, false, nil
		case !errors.Is(err, syscall.EINTR):
			return 0, true, err
		}
	}
}

// sysWrite writes what the socket takes at once.
func sysWrite(fd uintptr, b []byte) (n int, err error) {
	for {
		n, err = syscall.Write(int(fd), b)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, syscall.EAGAIN):
			return 0, nil
		case !errors.Is(err, syscall.EINTR):
			return 0, err
		}
	}
}

// sysPeek looks at a socket without waiting: errStale when the peer closed it, errDesync when bytes
// wait that nobody asked for, nil when it is silent.
func sysPeek(fd uintptr) error {
	var b [1]byte
	for {
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case err == nil && n > 0:
			return errDesync
		case errors.Is(err, syscall.EAGAIN):
			return nil
		case errors.Is(err, syscall.EINTR):
		default:
			return errStale
		}
	}
}

// peek is sysPeek for the janitor: it neither waits nor disturbs a reader.
func peek(raw syscall.RawConn) (state error) {
	if raw == nil {
		return nil
	}
	if err := raw.Control(func(fd uintptr) { state = sysPeek(fd) }); err != nil {
		return errStale
	}
	return state
}

//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package http1

import (
	"net"
	"syscall"
)

// Without sockets to look into, connections are read and written plainly, and a peer that left is
// noticed by the next read or write.
func rawConn(net.Conn) syscall.RawConn { return nil }

func sysRead(uintptr, []byte) (int, bool, error) { return 0, true, errStale }

func sysWrite(uintptr, []byte) (int, error) { return 0, errStale }

func sysPeek(uintptr) error { return nil }

func peek(syscall.RawConn) error { return nil }

func left(syscall.RawConn) bool { return false }

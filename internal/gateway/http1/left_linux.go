package http1

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// left says that the peer closed its end, even when bytes of it are unread.
func left(raw syscall.RawConn) (gone bool) {
	if raw == nil {
		return false
	}
	err := raw.Control(func(fd uintptr) {
		list := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(list[:], 0)
		gone = err == nil && n > 0 && list[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	})
	return gone || err != nil
}

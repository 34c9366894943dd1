//go:build darwin || freebsd || netbsd || openbsd

package http1

import (
	"errors"
	"syscall"
)

// left says that the peer closed its end and nothing of it is unread.
func left(raw syscall.RawConn) bool { return errors.Is(peek(raw), errStale) }

//go:build unix

package scene

import (
	"os"
	"os/exec"
	"syscall"
)

// separate keeps Ctrl-C of the terminal from the children: they are stopped in order instead.
func separate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// interrupt asks a process to end.
func interrupt(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

package scene

import (
	"os"
	"os/exec"
	"syscall"
)

// separate keeps Ctrl-C of the console from the children: they are stopped in order instead.
func separate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// interrupt ends a process; there is no gentler way for one without a console of its own.
func interrupt(p *os.Process) error { return p.Kill() }

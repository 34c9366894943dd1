package scene

import (
	"os/exec"
	"runtime"
	"syscall"
)

// tie has the kernel kill the child when this process is killed itself. The signal follows the thread that
// started the child, so the caller's goroutine stays on it.
func tie(cmd *exec.Cmd) {
	runtime.LockOSThread()
	separate(cmd)
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

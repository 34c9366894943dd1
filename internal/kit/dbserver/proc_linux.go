package dbserver

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The signal of the parent's death comes when the thread that started the child ends, not the process. So one
// thread, kept for as long as the process lives, starts all of them.
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// startLinked starts cmd so that it is killed when this process dies.
func startLinked(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	done := make(chan error)
	starter() <- func() { done <- cmd.Start() }
	return <-done
}

// children are the processes that pid started.
func children(pid int) []int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	var all []int
	for f := range strings.FieldsSeq(string(b)) {
		if n, err := strconv.Atoi(f); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// end kills processes and waits until they are gone.
func end(pids []int) {
	for _, p := range pids {
		_ = syscall.Kill(p, syscall.SIGKILL) // gone already: the same
	}
	for until := time.Now().Add(patience); time.Now().Before(until) && len(pids) > 0; {
		if !Alive(pids[0]) {
			pids = pids[1:]
			continue
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Alive is false of a process that ended, whether or not its parent took notice.
func Alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(state, "Z")
}

package scene

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// guard runs a command that does not watch its parent, and stops it when standard input ends: gently first,
// then for good. It removes a directory afterwards, so that even a killed demo leaves nothing behind.
//
//	demo-service guard DIRECTORY COMMAND ARGUMENT...      (DIRECTORY may be "")
func guard(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return errors.New("guard: give a directory and a command")
	}
	if args[0] != "" {
		defer func() { _ = os.RemoveAll(args[0]) }() // in the system's folder for temporary files
	}
	cmd := exec.Command(args[1], args[2:]...) //nolint:noctx // it is stopped gently, below
	tie(cmd)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	var ended error
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended = cmd.Wait()
	}()
	select {
	case <-done:
		return ended
	case <-parentGone():
	case <-ctx.Done():
	}
	_ = interrupt(cmd.Process) // it ended in the meantime
	timer := time.NewTimer(5 * time.Second)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		_ = cmd.Process.Kill() // likewise
		<-done
	}
	return nil
}

// parentGone is closed when standard input ends.
func parentGone() <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, os.Stdin) // its end is all that matters
	}()
	return gone
}

//go:build !linux

package scene

import "os/exec"

func tie(cmd *exec.Cmd) { separate(cmd) }

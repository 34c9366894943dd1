package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"jindu": main})
}

// TestScript runs test/script, each file a story told by the real command line.
func TestScript(t *testing.T) {
	deadline, _ := t.Deadline()
	testscript.Run(t, testscript.Params{
		Deadline:            deadline,
		Dir:                 "../../test/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"node": setNode, "ready": waitReady, "answers": checkAnswer, "terminate": terminate, "wrong": runWrong, "until": runUntil,
		},
	})
}

// patience is how long a script waits for a condition; only a broken product takes it.
const patience = 20 * time.Second

// setNode chooses free ports for a node, as variables.
func setNode(ts *testscript.TestScript, _ bool, _ []string) {
	gateway, admin := free(ts), free(ts)
	ts.Setenv("GATEWAY", gateway.Addr().String())
	ts.Setenv("JINDU_GATEWAY_LISTEN", gateway.Addr().String())
	ts.Setenv("JINDU_ADMIN_LISTEN", admin.Addr().String())
	ts.Setenv("JINDU_SERVER", "http://"+admin.Addr().String())
	ts.Check(gateway.Close()) // both are held until both are known
	ts.Check(admin.Close())
}

func free(ts *testscript.TestScript) net.Listener {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	return l
}

// waitReady waits until the node takes traffic.
func waitReady(ts *testscript.TestScript, _ bool, _ []string) {
	poll(ts, "the node is ready", func() bool { return status(ts, ts.Getenv("JINDU_SERVER")+"/readyz") == http.StatusOK })
}

// checkAnswer: answers STATUS URL waits until a URL answers with the status; what is applied reaches the
// gateway a moment later.
func checkAnswer(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: answers STATUS URL")
	}
	poll(ts, fmt.Sprintf("%s answers %s", args[1], args[0]), func() bool { return strconv.Itoa(status(ts, args[1])) == args[0] })
}

// status is the status that a URL answers, 0 when nothing does.
func status(ts *testscript.TestScript, url string) int {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	ts.Check(err)
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		return 0
	}
	ts.Check(res.Body.Close())
	return res.StatusCode
}

// terminate NAME sends SIGTERM to a command in the background.
func terminate(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: terminate NAME")
	}
	for _, c := range ts.BackgroundCmds() {
		if c.Process != nil && c.ProcessState == nil {
			ts.Check(c.Process.Signal(syscall.SIGTERM))
		}
	}
}

// runWrong: wrong CODE COMMAND... runs a command that must end with the exit code.
func runWrong(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: wrong CODE COMMAND")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s\n%s%s", code, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// runUntil: until PATTERN COMMAND... runs a command again until its output matches.
func runUntil(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: until PATTERN COMMAND")
	}
	pattern, err := regexp.Compile(`(?m)` + args[0])
	ts.Check(err)
	poll(ts, fmt.Sprint(args), func() bool {
		return ts.Exec(args[1], args[2:]...) == nil && pattern.MatchString(ts.ReadFile("stdout"))
	})
}

func poll(ts *testscript.TestScript, what string, done func() bool) {
	end := time.NewTimer(patience)
	defer end.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-end.C:
			ts.Fatalf("not within %v: %s", patience, what)
		case <-tick.C:
		}
	}
}

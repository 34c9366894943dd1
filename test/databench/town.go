package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"jindu.dev/jindu/internal/kit/dbserver"
)

// town is what the shops stand in: a database, a node with a proxy before it, and the payment provider.
type town struct {
	maria   *dbserver.Server
	db      *sql.DB
	node    *exec.Cmd
	admin   string // URL
	proxy   string // address
	payment string // URL
}

func (b *bench) town(ctx context.Context, args ...string) (*town, error) {
	t := &town{}
	var err error
	if t.maria, err = b.server(dbserver.KindMariaDB, args...); err != nil {
		return nil, err
	}
	if err = b.schemas(ctx, t.maria); err != nil {
		return nil, err
	}
	if t.db, err = b.schema(ctx, t.maria, "bench"); err != nil {
		return nil, err
	}
	if err = b.startNode(ctx, t); err != nil {
		return nil, err
	}
	program, err := b.build(ctx, "./examples/shop-payment")
	if err != nil {
		return nil, err
	}
	t.payment, err = b.listening(exec.CommandContext(ctx, program, "--listen", "127.0.0.1:0"))
	return t, err
}

// startNode starts bin/jindu on ports that were free a moment ago.
func (b *bench) startNode(ctx context.Context, t *town) error {
	dir, err := b.temp("node")
	if err != nil {
		return err
	}
	ports, err := freePorts(ctx, 3)
	if err != nil {
		return err
	}
	t.admin, t.proxy = "http://"+ports[0], ports[2]
	config := filepath.Join(dir, "jindu.yaml")
	text := fmt.Sprintf("dataDir: %q\nstop: 5s\nlog: {level: warn}\nadmin: {listen: %q}\ngateway: {listen: %q}\neffects:\n  proxies:\n    shop: {protocol: mysql, listen: %q, upstream: %q, unmarked: refuse, shadow: {mode: rollback}}\n",
		filepath.Join(dir, "data"), ports[0], ports[1], t.proxy, t.maria.Addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	t.node = exec.CommandContext(ctx, filepath.FromSlash(b.node), "serve", "--config", config)
	t.node.Stderr = os.Stderr
	if err := b.start(t.node); err != nil {
		return fmt.Errorf("run make build first: %w", err)
	}
	return poll(ctx, 20*time.Millisecond, time.Minute, "the node is not ready", func() (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.admin+"/readyz", nil)
		if err != nil {
			return false, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		return resp.StatusCode == http.StatusOK, resp.Body.Close()
	})
}

// start starts a process that ends with its section.
func (b *bench) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	b.atEnd(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // gone already: the same
		stop := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer stop.Stop()
		_ = cmd.Wait() // it has nothing more to tell
	})
	return nil
}

// listening starts a service and gives the URL that it says it listens on.
func (b *bench) listening(cmd *exec.Cmd) (string, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	cmd.Stderr = os.Stderr
	if err := b.start(cmd); err != nil {
		return "", err
	}
	s := bufio.NewScanner(out)
	for s.Scan() {
		if address, ok := strings.CutPrefix(s.Text(), "listening "); ok {
			return "http://" + address, nil
		}
	}
	return "", errors.Join(fmt.Errorf("%s ended before it listened", filepath.Base(cmd.Path)), s.Err())
}

// build compiles a command of the project.
func (b *bench) build(ctx context.Context, pkg string) (string, error) {
	file := filepath.Join(b.dir, filepath.Base(pkg))
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", file, pkg).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return file, nil
}

func freePorts(ctx context.Context, n int) ([]string, error) {
	var addresses []string
	var open []net.Listener // until all are found, so that they differ
	defer func() {
		for _, l := range open {
			_ = l.Close() // nobody connected
		}
	}()
	for range n {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		open = append(open, l)
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}

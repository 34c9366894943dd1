package proc

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Node is a running Jindu node on free ports.
type Node struct {
	*Process
	Bin     string
	Dir     string
	Gateway int // port
	Observe int // port of the observe listener
	Admin   int // port
}

// StartNode starts a node in dir; extra is more YAML for the gateway section, indented by two spaces.
func StartNode(bin, dir, extra string) (*Node, error) {
	n := &Node{Bin: bin, Dir: dir}
	for _, p := range []*int{&n.Gateway, &n.Observe, &n.Admin} {
		port, err := FreePort()
		if err != nil {
			return nil, err
		}
		*p = port
	}
	conf := filepath.Join(dir, "jindu.yaml")
	text := fmt.Appendf(nil, "gateway:\n  listen: 127.0.0.1:%d\n  observe: 127.0.0.1:%d\n%sadmin:\n  listen: 127.0.0.1:%d\n", n.Gateway, n.Observe, extra, n.Admin)
	if err := os.WriteFile(conf, text, 0o600); err != nil {
		return nil, err
	}
	return n, n.Restart()
}

// Restart starts the node again, on the same ports and data, after it ended.
func (n *Node) Restart() error {
	var err error
	n.Process, err = Start(n.Bin, "serve", "--config", filepath.Join(n.Dir, "jindu.yaml"), "--data-dir", filepath.Join(n.Dir, "data"))
	if err != nil {
		return err
	}
	return n.Until(20*time.Second, "the node is ready", func() bool { return n.Get("/readyz", nil) == nil })
}

// Apply applies objects by the CLI and waits until the gateway answers by them: probe is a path with
// a Host that a route of theirs serves.
func (n *Node) Apply(objects, host, path string) error {
	file := filepath.Join(n.Dir, "objects.yaml")
	if err := os.WriteFile(file, []byte(objects), 0o600); err != nil {
		return err
	}
	if err := n.CLI("apply", "-f", file); err != nil {
		return err
	}
	client := http.Client{Timeout: 5 * time.Second}
	return n.Until(20*time.Second, "the gateway answers by what was applied", func() bool {
		req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", n.Gateway, path), nil)
		if err != nil {
			return false
		}
		req.Host = host
		resp, err := client.Do(req)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// CLI runs a command against the node.
func (n *Node) CLI(args ...string) error {
	p, err := Start(n.Bin, append(args, "--server", fmt.Sprintf("http://127.0.0.1:%d", n.Admin))...)
	if err != nil {
		return err
	}
	return p.Succeeded()
}

// Get reads a path of the admin listener into answer, which may be nil.
func (n *Node) Get(path string, answer any) error {
	client := http.Client{Timeout: 5 * time.Second}
	resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d%s", n.Admin, path))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %d: %s", path, resp.StatusCode, raw)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(raw, answer)
}

// Until waits until a condition holds, the node ends, or the limit passes.
func (n *Node) Until(limit time.Duration, what string, holds func() bool) error {
	deadline := time.Now().Add(limit)
	for !holds() {
		select {
		case <-n.done:
			return fmt.Errorf("the node ended before %s: %s", what, n.Output())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v not yet: %s; %s", limit, what, n.Output())
		}
	}
	return nil
}

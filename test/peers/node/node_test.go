package node

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/test/peers/proc"
	"jindu.dev/jindu/test/peers/shop"
)

// halfway starts two shops and a node whose migration has half of the subjects on the new side.
func halfway(t *testing.T) *proc.Node {
	t.Helper()
	bin, err := proc.Jindu(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	old, err := shop.New("old", "39.80")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(old.Close)
	young, err := shop.New("new", "39.80")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(young.Close)
	node, err := proc.StartNode(bin, t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Stop() })
	if err := node.Apply(shop.Objects(old, young, "  steps: [50, 100]\n"), shop.Host, "/orders/0"); err != nil {
		t.Fatal(err)
	}
	if err := node.Until(10*time.Second, "the migration mirrors", func() bool { return migration(t, node).Status.Phase == v1.PhaseMirror }); err != nil {
		t.Fatal(err)
	}
	if err := node.CLI("migration", "promote", "orders", "--reason", "test"); err != nil {
		t.Fatal(err)
	}
	if err := node.Until(10*time.Second, "half are on the new side", func() bool {
		n := 0
		for _, side := range assignment(t, node) {
			if side == "new" {
				n++
			}
		}
		return n > users/3
	}); err != nil {
		t.Fatal(err)
	}
	return node
}

const users = 200

func migration(t *testing.T, node *proc.Node) v1.Migration {
	t.Helper()
	var m v1.Migration
	if err := node.Get("/api/v1/migrations/orders", &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// assignment asks as each user and says which side answered.
func assignment(t *testing.T, node *proc.Node) []string {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second}
	sides := make([]string, users)
	for n := range sides {
		_, side, err := shop.Get(client, node.Gateway, n)
		if err != nil {
			t.Fatal(err)
		}
		sides[n] = side
	}
	return sides
}

func TestAfterKillNineDuringARampEveryUserIsWhereHeWas(t *testing.T) {
	node := halfway(t)
	before, sides := migration(t, node), assignment(t, node)
	for range 3 {
		node.Kill()
		if err := node.Restart(); err != nil {
			t.Fatal(err)
		}
		// The first requests count: the share must not jump, not even for a moment.
		for n, side := range assignment(t, node) {
			if side != sides[n] {
				t.Errorf("user-%d was on the %s side, now on the %s", n, sides[n], side)
			}
		}
		after := migration(t, node)
		a, b := after.Status, before.Status
		if a.Phase != b.Phase || a.Step != b.Step || a.Buckets != b.Buckets || a.Epoch != b.Epoch {
			t.Errorf("status was %s step %d buckets %d epoch %d, is %s step %d buckets %d epoch %d",
				b.Phase, b.Step, b.Buckets, b.Epoch, a.Phase, a.Step, a.Buckets, a.Epoch)
		}
	}
}

func TestSigtermFinishesWhatIsInFlight(t *testing.T) {
	node := halfway(t)
	var sent, failed atomic.Int64
	var wg sync.WaitGroup
	stopping := make(chan struct{})
	for w := range 8 {
		wg.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
			for n := w; ; n += 8 {
				_, _, err := shop.Get(client, node.Gateway, n)
				select {
				case <-stopping:
					// A refused connection is what a balancer in front expects now; a cut answer is not.
					if err != nil && !strings.Contains(err.Error(), "connection refused") && !strings.Contains(err.Error(), "connection reset by peer") && !strings.HasSuffix(err.Error(), "EOF") {
						failed.Add(1)
						t.Logf("while stopping: %v", err)
					}
					if err != nil {
						return
					}
				default:
					if err != nil {
						failed.Add(1)
						t.Logf("before the stop: %v", err)
						return
					}
				}
				sent.Add(1)
			}
		})
	}
	if err := node.Until(10*time.Second, "traffic flows", func() bool { return sent.Load() > 500 }); err != nil {
		t.Error(err)
	}
	close(stopping)
	if err := node.Terminate(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := node.Succeeded(); err != nil {
		t.Errorf("the node must end with code 0: %v", err)
	}
	if failed.Load() != 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), sent.Load())
	}
}

func TestAReloadWithABadFileKeepsTheOldConfiguration(t *testing.T) {
	node := halfway(t)
	conf := filepath.Join(node.Dir, "jindu.yaml")
	good, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(string(good), "gateway:", "gatway:", 1)
	if err := os.WriteFile(conf, []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	err = node.CLI("reload")
	if err == nil || !strings.Contains(err.Error(), "gateway") || !strings.Contains(err.Error(), "jindu.yaml:1") {
		t.Errorf("reload must fail and name the line and the key that was meant: %v", err)
	}
	if sides := assignment(t, node); len(sides) != users {
		t.Error("the node must go on")
	}
	if err := os.WriteFile(conf, append(good, "log: {level: debug}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := node.CLI("reload"); err != nil {
		t.Errorf("a good file must be taken: %v", err)
	}
}

func TestADataDirectoryThatIsTakenOrDamagedIsRefusedWithTheRemedy(t *testing.T) {
	node := halfway(t)
	node.Terminate() //nolint:errcheck // Succeeded tells
	if err := node.Succeeded(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(node.Dir, "data", "jindu.db")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), whole...)
	for i := range damaged[:min(len(damaged), 16<<10)] {
		damaged[i] = 0xff
	}
	if err := os.WriteFile(file, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := proc.Start(node.Bin, "serve", "--config", filepath.Join(node.Dir, "jindu.yaml"), "--data-dir", filepath.Join(node.Dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Succeeded(); err == nil || !strings.Contains(err.Error(), "JD-STORE-002") {
		t.Errorf("a damaged file must be refused with JD-STORE-002: %v", err)
	}
	after, err := os.ReadFile(file)
	if err != nil || string(after) != string(damaged) {
		t.Errorf("the damaged file must be left as it is (%v)", err)
	}
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := node.Restart(); err != nil {
		t.Errorf("the whole file must be taken again: %v", err)
	}
	second, err := proc.Start(node.Bin, "serve", "--config", filepath.Join(node.Dir, "jindu.yaml"), "--data-dir", filepath.Join(node.Dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Succeeded(); err == nil || !strings.Contains(err.Error(), "JD-STORE-001") {
		t.Errorf("a second node in the directory must be refused with JD-STORE-001: %v", err)
	}
}

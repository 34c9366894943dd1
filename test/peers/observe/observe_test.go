package observe

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
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

// sides starts an old shop, a new one that gets the total wrong, and a node that knows both.
func sides(t *testing.T, observe bool) (old, new *shop.Shop, node *proc.Node) {
	t.Helper()
	bin, err := proc.Jindu(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if old, err = shop.New("old", "39.80"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(old.Close)
	if new, err = shop.New("new", "39.81"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(new.Close)
	if node, err = proc.StartNode(bin, t.TempDir(), ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(node.Stop)
	if err := node.Apply(shop.Objects(old, new, fmt.Sprintf(migration, observe)), shop.Host, "/orders/0"); err != nil {
		t.Fatal(err)
	}
	return old, new, node
}

// migration observes or mirrors, asks the old side twice each time, and shows totals.
const migration = `  observe: %t
  mirror: {percent: 100, triplesPercent: 100}
  gates: {minSamples: 20}
  compare: {unmask: ["$.total"]}
`

func TestAnotherProxysMirrorIsComparedAndTrafficIsNotTouched(t *testing.T) {
	proxies := []struct {
		name  string
		start func(t *testing.T, old, observe int) int
	}{
		{"nginx", nginxMirror},
		{"envoy", envoyMirror},
		{"spring cloud gateway", springMirror},
	}
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			old, _, node := sides(t, true)
			port := p.start(t, old.Port, node.Observe)
			client := &http.Client{Timeout: 5 * time.Second}
			before := old.Plain.Load()
			n := 0
			var found v1.PathEvidence
			err := node.Until(30*time.Second, "the wrong total is found", func() bool {
				for range 20 {
					n++
					body, _, err := shop.Get(client, port, n)
					if err != nil || !strings.Contains(body, `"total":"39.80"`) {
						t.Fatalf("request %d: %q, %v; users must get the old answer", n, body, err)
					}
				}
				var e v1.Evidence
				if err := node.Get("/api/v1/migrations/orders/evidence", &e); err != nil {
					t.Fatal(err)
				}
				for _, ep := range e.Endpoints {
					for _, path := range ep.Paths {
						if path.Path == "$.total" && path.Verdict == v1.VerdictFail {
							found = path
							return true
						}
					}
				}
				return false
			})
			if err != nil {
				t.Fatal(err)
			}
			if s := found.Samples; len(s) == 0 || s[0].Old != `"39.80"` || s[0].New != `"39.81"` {
				t.Errorf("samples %+v", s)
			}
			if got := old.Plain.Load() - before; got != int64(n) {
				t.Errorf("the old side had %d requests of users, want %d", got, n)
			}
			var m v1.Migration
			if err := node.Get("/api/v1/migrations/orders", &m); err != nil {
				t.Fatal(err)
			}
			if m.Status.Buckets != 0 {
				t.Errorf("share is %d, nobody may move while observing", m.Status.Buckets)
			}
		})
	}
}

// nginxMirror starts nginx with its own mirror as the guide shows it.
func nginxMirror(t *testing.T, old, observe int) int {
	t.Helper()
	dir := t.TempDir()
	return startProxy(t, proc.Need(t, "nginx"), dir, "nginx.conf", func(port int) string {
		return nginxConf(dir, port, fmt.Sprintf(`
    location / { mirror /mirror; mirror_request_body on; proxy_pass http://127.0.0.1:%d; proxy_set_header Host $http_host; }
    location = /mirror { internal; proxy_pass http://127.0.0.1:%d$request_uri; proxy_set_header Host $http_host; }`, old, observe))
	}, func(conf string) []string { return []string{"-c", conf, "-p", dir} })
}

func nginxConf(dir string, port int, locations string) string {
	return fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/nginx.pid; error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server { listen 127.0.0.1:%[2]d;%[3]s
  }
}`, dir, port, locations)
}

// envoyMirror starts Envoy with its own request mirror policy as the guide shows it.
func envoyMirror(t *testing.T, old, observe int) int {
	t.Helper()
	bin, err := proc.Envoy()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	cluster := func(name string, port int) string {
		return fmt.Sprintf(`
  - {name: %[1]s, connect_timeout: 1s, load_assignment: {cluster_name: %[1]s, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %[2]d}}}}]}]}}`, name, port)
	}
	return startProxy(t, bin, t.TempDir(), "envoy.yaml", func(port int) string {
		return fmt.Sprintf(`static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: %d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          http_filters:
          - {name: envoy.filters.http.router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /}
                route: {cluster: old, request_mirror_policies: [{cluster: jindu}]}
  clusters:`, port) + cluster("old", old) + cluster("jindu", observe) + "\n"
	}, func(conf string) []string {
		return []string{"-c", conf, "--concurrency", "1", "--log-level", "error", "--disable-hot-restart"}
	})
}

// springMirror builds and starts a Spring Cloud Gateway with the filter that the guide shows.
func springMirror(t *testing.T, old, observe int) int {
	t.Helper()
	mvn, java := proc.Need(t, "mvn"), proc.Need(t, "java")
	dir := t.TempDir()
	if out, err := exec.Command(mvn, "-q", "-B", "-f", "scg/pom.xml", "-DbuildDir="+dir, "package").CombinedOutput(); err != nil {
		t.Fatalf("mvn package: %v: %s", err, out)
	}
	return startProxy(t, java, dir, "application.properties", func(port int) string {
		return fmt.Sprintf("server.address=127.0.0.1\nserver.port=%d\nold=http://127.0.0.1:%d\nobserve=http://127.0.0.1:%d\n", port, old, observe)
	}, func(conf string) []string {
		return []string{"-Xmx256m", "-jar", filepath.Join(dir, "scg-mirror.jar"), "--spring.config.location=" + conf}
	})
}

func startProxy(t *testing.T, bin, dir, name string, conf func(port int) string, args func(file string) []string) int {
	t.Helper()
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(conf(port)), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := proc.Start(bin, args(file)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	if err := p.WaitPort(port); err != nil {
		t.Fatal(err)
	}
	return port
}

// Taking Jindu out of the path is one change: the proxy in front names the old service again.
func TestTakingJinduOutUnderLoadLosesNothing(t *testing.T) {
	old, _, node := sides(t, false)
	dir := t.TempDir()
	front := func(port, upstream int) string {
		return nginxConf(dir, port, fmt.Sprintf(`
    location / { proxy_pass http://127.0.0.1:%d; proxy_set_header Host $http_host; }`, upstream))
	}
	port := 0
	bin := proc.Need(t, "nginx")
	port = startProxy(t, bin, dir, "front.conf", func(p int) string { return front(p, node.Gateway) },
		func(conf string) []string { return []string{"-c", conf, "-p", dir} })

	var sent, failed atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{}}
			for n := w; ; n += 8 {
				select {
				case <-stop:
					return
				default:
				}
				if body, _, err := shop.Get(client, port, n); err != nil || !strings.Contains(body, "39.80") {
					failed.Add(1)
					t.Logf("request %d: %q, %v", n, body, err)
				}
				sent.Add(1)
			}
		})
	}
	reached := func(n int64) func() bool {
		from := sent.Load()
		return func() bool { return sent.Load() >= from+n }
	}
	if err := node.Until(20*time.Second, "traffic flows through Jindu", reached(500)); err != nil {
		t.Error(err)
	}
	// The one change.
	if err := os.WriteFile(filepath.Join(dir, "front.conf"), []byte(front(port, old.Port)), 0o600); err != nil {
		t.Error(err)
	}
	reload, err := proc.Start(bin, "-c", filepath.Join(dir, "front.conf"), "-p", dir, "-s", "reload")
	if err == nil {
		err = reload.Succeeded()
	}
	if err != nil {
		t.Error(err)
	}
	before := old.Plain.Load()
	if err := node.Until(20*time.Second, "traffic flows past Jindu", func() bool {
		var o v1.Overview
		return node.Get("/api/v1/overview", &o) == nil && o.Rate == 0 && old.Plain.Load() > before+500
	}); err != nil {
		t.Error(err)
	}
	node.Stop() // drains what is in flight
	from := sent.Load()
	deadline := time.Now().Add(20 * time.Second)
	for sent.Load() < from+500 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond) // polls the condition of the loop
	}
	close(stop)
	wg.Wait()
	if sent.Load() < from+500 {
		t.Errorf("only %d requests after Jindu was stopped", sent.Load()-from)
	}
	if failed.Load() != 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), sent.Load())
	}
}

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"jindu.dev/jindu/test/peers/proc"
)

// A peer is a proxy under measurement.
type peer struct {
	name string
	port int
	proc *proc.Process
	// metrics is the address of Jindu's admin listener, "" for the others.
	metrics string
}

// pinned starts a program on one core.
func pinned(core int, name string, args ...string) (*proc.Process, error) {
	return proc.Start("taskset", append([]string{"-c", fmt.Sprint(core), name}, args...)...)
}

// scene is the files and programs of one run.
type scene struct {
	dir      string
	upstream int
	started  []*proc.Process
}

func (s *scene) stop() {
	for _, p := range s.started {
		p.Stop()
	}
}

// run starts a program on a core with a config file, and waits until it listens.
func (s *scene) run(core, port int, file, conf, bin string, args ...string) (*proc.Process, error) {
	if file != "" {
		if err := os.WriteFile(filepath.Join(s.dir, file), []byte(conf), 0o600); err != nil {
			return nil, err
		}
	}
	p, err := pinned(core, bin, args...)
	if err != nil {
		return nil, err
	}
	s.started = append(s.started, p)
	return p, p.WaitPort(port)
}

const body = `{"id":"1234567890","user":"u-4711","items":[{"sku":"A-1","count":2,"price":"19.90"}],"total":"39.80"}`

// startUpstream starts the server behind the proxies on the load's core.
func (s *scene) startUpstream() error {
	bin, err := proc.Find("nginx")
	if err != nil {
		return err
	}
	port, err := proc.FreePort()
	if err != nil {
		return err
	}
	s.upstream = port
	conf := fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/up.pid; error_log stderr crit;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000;
  client_body_temp_path %[1]s/1; proxy_temp_path %[1]s/2; fastcgi_temp_path %[1]s/3; uwsgi_temp_path %[1]s/4; scgi_temp_path %[1]s/5;
  server { listen 127.0.0.1:%[2]d backlog=4096; location / { default_type application/json; return 200 '%[3]s'; } } }`, s.dir, port, body)
	_, err = s.run(loadCore, port, "upstream.conf", conf, bin, "-c", filepath.Join(s.dir, "upstream.conf"), "-p", s.dir)
	return err
}

func (s *scene) startNginx(port int) (*proc.Process, error) {
	bin, err := proc.Find("nginx")
	if err != nil {
		return nil, err
	}
	conf := fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/n.pid; error_log stderr crit;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000;
  client_body_temp_path %[1]s/6; proxy_temp_path %[1]s/7; fastcgi_temp_path %[1]s/8; uwsgi_temp_path %[1]s/9; scgi_temp_path %[1]s/10;
  upstream up { server 127.0.0.1:%[3]d; keepalive 128; keepalive_requests 100000000; }
  server { listen 127.0.0.1:%[2]d backlog=4096; location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } } }`, s.dir, port, s.upstream)
	return s.run(proxyCore, port, "nginx.conf", conf, bin, "-c", filepath.Join(s.dir, "nginx.conf"), "-p", s.dir)
}

func (s *scene) startHaproxy(port int) (*proc.Process, error) {
	bin, err := proc.Find("haproxy")
	if err != nil {
		return nil, err
	}
	conf := fmt.Sprintf(`global
  maxconn 8192
  nbthread 1
defaults
  mode http
  option forwardfor
  timeout client 30s
  timeout server 30s
  timeout connect 1s
frontend in
  bind 127.0.0.1:%d
  default_backend up
backend up
  http-reuse always
  server up 127.0.0.1:%d
`, port, s.upstream)
	return s.run(proxyCore, port, "haproxy.cfg", conf, bin, "-db", "-f", filepath.Join(s.dir, "haproxy.cfg"))
}

func (s *scene) startCaddy(port int) (*proc.Process, error) {
	bin, err := proc.Find("caddy")
	if err != nil {
		return nil, err
	}
	conf := fmt.Sprintf("{\n  admin off\n  auto_https off\n  log {\n    level ERROR\n  }\n}\nhttp://127.0.0.1:%d {\n  reverse_proxy 127.0.0.1:%d\n}\n", port, s.upstream)
	return s.run(proxyCore, port, "Caddyfile", conf, bin, "run", "--config", filepath.Join(s.dir, "Caddyfile"), "--adapter", "caddyfile")
}

// startGo builds and starts one of the small peers of this module.
func (s *scene) startGo(name string) func(port int) (*proc.Process, error) {
	return func(port int) (*proc.Process, error) {
		bin := filepath.Join(s.dir, name)
		if out, err := exec.Command("go", "build", "-o", bin, "./bench/"+name).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w: %s", name, err, out)
		}
		return s.run(proxyCore, port, "", "", bin, "-listen", fmt.Sprintf("127.0.0.1:%d", port), "-upstream", fmt.Sprintf("127.0.0.1:%d", s.upstream))
	}
}

// startJindu starts a node with a route, and a migration whose cohorts decide each request.
func (s *scene) startJindu(bin string, port, admin int) (*proc.Process, error) {
	conf := fmt.Sprintf("gateway:\n  listen: 127.0.0.1:%d\nadmin:\n  listen: 127.0.0.1:%d\n", port, admin)
	p, err := s.run(proxyCore, port, "jindu.yaml", conf, bin, "serve", "--config", filepath.Join(s.dir, "jindu.yaml"), "--data-dir", filepath.Join(s.dir, "data"))
	if err != nil {
		return nil, err
	}
	objects := fmt.Sprintf(`apiVersion: jindu.dev/v1
kind: Instance
metadata: {name: old}
spec: {service: orders, ip: 127.0.0.1, port: %[1]d, metadata: {runtime: java17}}
---
apiVersion: jindu.dev/v1
kind: Instance
metadata: {name: new}
spec: {service: orders, ip: 127.0.0.2, port: %[1]d, metadata: {runtime: go1.26}}
---
apiVersion: jindu.dev/v1
kind: Route
metadata: {name: orders}
spec:
  rules:
  - matches: [{path: {type: PathPrefix, value: /orders}, method: GET}]
    backendRefs: [{service: orders}]
---
apiVersion: jindu.dev/v1
kind: Migration
metadata: {name: orders}
spec: {service: orders, from: {runtime: java17}, to: {runtime: go1.26}, mirror: {percent: 0}, paused: true}
`, s.upstream)
	file := filepath.Join(s.dir, "objects.yaml")
	if err := os.WriteFile(file, []byte(objects), 0o600); err != nil {
		return nil, err
	}
	apply, err := proc.Start(bin, "apply", "-f", file, "--server", fmt.Sprintf("http://127.0.0.1:%d", admin))
	if err != nil {
		return nil, err
	}
	if err := apply.Succeeded(); err != nil {
		return nil, err
	}
	return p, waitReady(fmt.Sprintf("http://127.0.0.1:%d/orders/1", port))
}

// ready starts bin anew with an empty data directory and returns the time until it is ready and its
// resident memory when it then idles.
func (s *scene) ready(bin string) (time.Duration, int64, error) {
	port, err := proc.FreePort()
	if err != nil {
		return 0, 0, err
	}
	admin, err := proc.FreePort()
	if err != nil {
		return 0, 0, err
	}
	dir, err := os.MkdirTemp(s.dir, "ready")
	if err != nil {
		return 0, 0, err
	}
	conf := filepath.Join(dir, "jindu.yaml")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "gateway:\n  listen: 127.0.0.1:%d\nadmin:\n  listen: 127.0.0.1:%d\n", port, admin), 0o600); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	p, err := proc.Start(bin, "serve", "--config", conf, "--data-dir", filepath.Join(dir, "data"))
	if err != nil {
		return 0, 0, err
	}
	defer p.Stop()
	if err := waitReady(fmt.Sprintf("http://127.0.0.1:%d/readyz", admin)); err != nil {
		return 0, 0, fmt.Errorf("%w: %s", err, p.Output())
	}
	took := time.Since(began)
	rss, err := residentBytes(p.Cmd.Process.Pid)
	return took, rss, err
}

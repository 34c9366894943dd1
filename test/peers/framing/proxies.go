package framing

import (
	"fmt"
	"os"
	"path/filepath"

	"jindu.dev/jindu/test/peers/proc"
)

// nginx starts nginx as a reverse proxy to origin, with its defaults for everything that is framing.
func nginx(bin, dir string, origin int) (*proc.Process, int, error) {
	return start(dir, "nginx.conf", bin, func(port int) string {
		return fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/nginx.pid; error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  client_header_timeout 1s; client_body_timeout 1s; proxy_read_timeout 1s;
  upstream origin { server 127.0.0.1:%[3]d; keepalive 8; }
  server {
    listen 127.0.0.1:%[2]d;
    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_request_buffering off; }
  }
}`, dir, port, origin)
	}, func(conf string) []string { return []string{"-c", conf, "-p", dir} })
}

// haproxy starts haproxy as a reverse proxy to origin, with its defaults for everything that is framing.
func haproxy(bin, dir string, origin int) (*proc.Process, int, error) {
	return start(dir, "haproxy.cfg", bin, func(port int) string {
		return fmt.Sprintf(`global
  maxconn 256
defaults
  mode http
  timeout client 1s
  timeout server 1s
  timeout connect 1s
  timeout http-request 1s
frontend in
  bind 127.0.0.1:%d
  default_backend origin
backend origin
  server origin 127.0.0.1:%d
`, port, origin)
	}, func(conf string) []string { return []string{"-db", "-f", conf} })
}

// jindu starts a node whose gateway sends everything to origin.
func jindu(bin, dir string, origin int) (*proc.Process, int, error) {
	n, err := proc.StartNode(bin, dir, "  timeouts: {head: 1s, stall: 1s}\n")
	if n == nil {
		return nil, 0, err
	}
	if err != nil {
		return n.Process, 0, err
	}
	return n.Process, n.Gateway, n.Apply(fmt.Sprintf(`apiVersion: jindu.dev/v1
kind: Service
metadata: {name: origin}
spec: {outlier: {disabled: true}}
---
apiVersion: jindu.dev/v1
kind: Instance
metadata: {name: origin}
spec: {service: origin, ip: 127.0.0.1, port: %d}
---
apiVersion: jindu.dev/v1
kind: Route
metadata: {name: origin}
spec: {rules: [{backendRefs: [{service: origin}], timeouts: {request: 3s}}]}
`, origin), "example.test", "/")
}

func start(dir, name, bin string, conf func(port int) string, args func(file string) []string) (*proc.Process, int, error) {
	port, err := proc.FreePort()
	if err != nil {
		return nil, 0, err
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(conf(port)), 0o600); err != nil {
		return nil, 0, err
	}
	p, err := proc.Start(bin, args(file)...)
	if err != nil {
		return nil, 0, err
	}
	return p, port, p.WaitPort(port)
}

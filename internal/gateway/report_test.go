package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/route"
)

func TestTheDefaultConfigurationIsValid(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestEachWrongFieldIsNamed(t *testing.T) {
	for path, spoil := range map[string]func(*Config){
		"listen":                   func(c *Config) { c.Listen = "8080" },
		"observe":                  func(c *Config) { c.Observe = c.Listen },
		"trustedProxies":           func(c *Config) { c.TrustedProxies = []string{"10.0.0.0/8", "x"} },
		"traceSample":              func(c *Config) { c.TraceSample = 2 },
		"accessLog.sample":         func(c *Config) { c.AccessLog.Sample = -1 },
		"limits.connections":       func(c *Config) { c.Limits.Connections = 0 },
		"limits.headBytes":         func(c *Config) { c.Limits.HeadBytes = 10 },
		"limits.bodyBytes":         func(c *Config) { c.Limits.BodyBytes = -1 },
		"timeouts.head":            func(c *Config) { c.Timeouts.Head = 0 },
		"upstream.idleTimeout":     func(c *Config) { c.Upstream.IdleTimeout = -1 },
		"upstream.idleConnections": func(c *Config) { c.Upstream.Idle = -1 },
	} {
		c := Default()
		spoil(&c)
		err := c.Validate()
		var e *kind.Error
		if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Path != path || e.Fields[0].Detail == "" {
			t.Errorf("%s: got %v", path, err)
		}
	}
	c := Default()
	c.Listen, c.Observe = "[::1]:0", "127.0.0.1:0"
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestTrustIsByNetwork(t *testing.T) {
	c := Default()
	c.TrustedProxies = []string{"10.1.2.3/8", "::1"}
	s := compileSettings(c)
	for addr, want := range map[string]bool{"10.200.0.1": true, "::ffff:10.0.0.1": true, "::1": true, "11.0.0.1": false, "::2": false} {
		if s.Trusts(netip.MustParseAddr(addr)) != want {
			t.Errorf("%s: %v", addr, !want)
		}
	}
}

func TestReloadChangesSettingsAndNothingElse(t *testing.T) {
	g := New(Default(), Options{})
	table := g.Load().Table
	c := Default()
	c.Via = true
	g.Reload(c)
	if v := g.Load(); !v.Via || v.Table != table {
		t.Fatal("not in force")
	}
}

// finished runs an exchange that ended with status through g.
func finished(g *Gateway, status int, path string, random uint64) {
	ex := &Exchange{Start: g.Now(), Status: status, Origin: OriginGateway}
	ex.Request = route.Request{Method: []byte("GET"), Path: []byte(path), Random: random, ClientIP: netip.MustParseAddr("10.0.0.1")}
	v := g.Load()
	v.Decide(ex)
	v.Finish(ex, g.Now())
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestTheAccessLogIsSampledAndKeepsErrors(t *testing.T) {
	var out bytes.Buffer
	c := Default()
	c.AccessLog.Sample = 0.5
	g := New(c, Options{AccessLog: &out})
	in, beyond := uint64(0), uint64(0)
	for Share(Mix(in, useLog)) >= 0.5 {
		in++
	}
	for Share(Mix(beyond, useLog)) < 0.5 {
		beyond++
	}
	finished(g, 200, "/taken", in)
	finished(g, 200, "/left", beyond)
	finished(g, 503, "/error\x01\"\xff", beyond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.Run(ctx)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "/taken") {
		t.Fatalf("got %q", lines)
	}
	var line struct {
		Path   string
		Status int
		Origin string
	}
	if err := json.Unmarshal([]byte(lines[1]), &line); err != nil || line.Path != "/error\x01\"\ufffd" || line.Status != 503 || line.Origin != "gateway" {
		t.Fatalf("%q: %+v, %v", lines[1], line, err)
	}
}

func TestLinesThatAreNotWrittenAreCounted(t *testing.T) {
	c := Default()
	c.AccessLog.Sample = 1
	g := New(c, Options{AccessLog: failing{}})
	for range accessQueue + 10 {
		finished(g, 200, "/", 0)
	}
	if n := g.access.Dropped.Load(); n != 10 {
		t.Fatalf("%d dropped from a full queue", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g.Run(ctx)
	if n := g.access.Dropped.Load(); n != accessQueue+10 || g.access.Written.Load() != 0 {
		t.Fatalf("%d dropped after the disk failed", n)
	}
	New(Default(), Options{}).Run(ctx) // without a log there is nothing to run
}

func TestMetricsAreExposed(t *testing.T) {
	now := time.Unix(0, 0)
	g := New(Default(), Options{Now: func() time.Time { return now }})
	finished(g, 404, "/", 0)
	g.Rejected("malformed request line")
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(g.Collector()); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			switch {
			case m.Counter != nil:
				got[f.GetName()] += m.Counter.GetValue()
			case m.Histogram != nil:
				got[f.GetName()] += float64(m.Histogram.GetSampleCount())
			}
		}
	}
	if got["jindu_gateway_requests_total"] != 1 || got["jindu_gateway_request_seconds"] != 1 || got["jindu_gateway_rejected_total"] != 1 {
		t.Fatalf("got %v", got)
	}
}

func TestSeriesAreBounded(t *testing.T) {
	g := New(Default(), Options{})
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range maxSeries + 100 {
		g.seriesOf(seriesKey{route: string(rune(i + 256))})
	}
	if len(g.series) > maxSeries+1 {
		t.Fatalf("%d series", len(g.series))
	}
}

func TestEachFailureHasStatusCodeAndWords(t *testing.T) {
	for f, status := range map[Failure]int{NoInstance: 503, CircuitOpen: 503, NoConnection: 503, Refused: 503, Broken: 502, TimedOut: 504, ClientLeft: 499} {
		if f.Status() != status || f.Detail() == "" || !strings.HasPrefix(f.Code(), "JD-GATEWAY-") {
			t.Errorf("%d: %d %s %q", f, f.Status(), f.Code(), f.Detail())
		}
	}
}

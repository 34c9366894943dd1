package gateway

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

// Config is what a node says of its gateway.
type Config struct {
	Listen  string `yaml:"listen" doc:"Address of the gateway's listener."`
	Observe string `yaml:"observe" doc:"Address of the listener that takes copies from another proxy's mirror; empty: none. Its requests are answered 204 and only compared."`

	TrustedProxies []string `yaml:"trustedProxies" reload:"live" doc:"Networks (CIDR) of proxies in front of the gateway: their X-Forwarded-*, Forwarded and X-Jindu-* headers are believed; everybody else's are removed."`
	Forwarded      bool     `yaml:"forwarded" reload:"live" doc:"Send the Forwarded header (RFC 7239) beside X-Forwarded-*."`
	Via            bool     `yaml:"via" reload:"live" doc:"Send the Via header both ways."`
	UnusualNames   bool     `yaml:"unusualHeaderNames" reload:"live" doc:"Keep request headers whose names have characters other than letters, digits and hyphen. Off, they are removed, as nginx does, since servers read them as another header."`
	TraceSample    float64  `yaml:"traceSample" reload:"live" doc:"Share (0 to 1) of traces that begin here and are marked as sampled."`

	Limits    Limits    `yaml:"limits" doc:"Bounds of messages and connections."`
	Timeouts  Timeouts  `yaml:"timeouts" doc:"Limits of time that routes do not set."`
	Upstream  Upstreams `yaml:"upstream" doc:"Connections to instances."`
	AccessLog AccessLog `yaml:"accessLog" doc:"Log of requests."`
}

// Limits bound messages and connections.
type Limits struct {
	Connections  int   `yaml:"connections" doc:"Client connections at most; further ones are closed at once."`
	HeadBytes    int   `yaml:"headBytes" doc:"Bytes of a request's or answer's head at most."`
	TargetBytes  int   `yaml:"targetBytes" doc:"Bytes of a request target at most."`
	HeaderFields int   `yaml:"headerFields" doc:"Header fields of a message at most."`
	BodyBytes    int64 `yaml:"bodyBytes" reload:"live" doc:"Bytes of a request body at most; over it 413. 0: no bound. A body is streamed, not held."`
	Fenced       int   `yaml:"fenced" reload:"live" doc:"Requests that a fence refused and that wait for the share that follows, at most; further ones are answered 503."`
	ReplayBytes  int   `yaml:"replayBytes" reload:"live" doc:"Bytes of a request body that are kept for a retry or a fallback; a longer one is sent once."`
}

// Timeouts are limits of time.
type Timeouts struct {
	Head   time.Duration `yaml:"head" reload:"live" doc:"From the first byte of a request's head to its last."`
	Idle   time.Duration `yaml:"idle" reload:"live" doc:"A client connection without a request is closed after this."`
	Stall  time.Duration `yaml:"stall" reload:"live" doc:"A body that does not move for this long, in either direction, ends its exchange."`
	Fenced time.Duration `yaml:"fenced" reload:"live" doc:"A request that a fence refused waits at most this long for the share that follows."`
	Drain  time.Duration `yaml:"drain" doc:"At the end of the process, requests in flight may go on for this long."`
}

// Upstreams bound connections to instances.
type Upstreams struct {
	Idle        int           `yaml:"idleConnections" reload:"live" doc:"Idle connections kept to one instance at most."`
	IdleTimeout time.Duration `yaml:"idleTimeout" reload:"live" doc:"An idle connection to an instance is closed after this; it should be below the service's own."`
}

// AccessLog says which requests are logged.
type AccessLog struct {
	Sample float64 `yaml:"sample" reload:"live" doc:"Share (0 to 1) of requests that are logged."`
	Errors bool    `yaml:"errors" reload:"live" doc:"Log every request that ended in 5xx, whatever the share."`
}

// Default is a working configuration.
func Default() Config {
	return Config{
		Listen:      ":8080",
		TraceSample: 1,
		Limits: Limits{Connections: 65536, HeadBytes: 32 << 10, TargetBytes: 16 << 10, HeaderFields: 100,
			BodyBytes: 1 << 30, Fenced: 4096, ReplayBytes: 64 << 10},
		Timeouts:  Timeouts{Head: 10 * time.Second, Idle: 75 * time.Second, Stall: 60 * time.Second, Fenced: 2 * time.Second, Drain: 25 * time.Second},
		Upstream:  Upstreams{Idle: 256, IdleTimeout: 50 * time.Second},
		AccessLog: AccessLog{Sample: 0.01, Errors: true},
	}
}

// Validate names every wrong field.
func (c *Config) Validate() error {
	var fields []kind.Field
	wrong := func(path, value, detail string) {
		fields = append(fields, kind.Field{Path: path, Value: value, Detail: detail})
	}
	address := func(path, value string) {
		if _, ok := portOf(value); !ok {
			wrong(path, value, "must be host:port or :port")
		}
	}
	address("listen", c.Listen)
	if c.Observe != "" {
		address("observe", c.Observe)
		if port, _ := portOf(c.Listen); c.Observe == c.Listen && port != 0 {
			wrong("observe", c.Observe, "must differ from listen")
		}
	}
	for _, t := range c.TrustedProxies {
		if _, err := parsePrefix(t); err != nil {
			wrong("trustedProxies", t, "must be an address or a network such as 10.0.0.0/8")
		}
	}
	share := func(path string, v float64) {
		if !(v >= 0 && v <= 1) {
			wrong(path, "", "must be between 0 and 1")
		}
	}
	share("traceSample", c.TraceSample)
	share("accessLog.sample", c.AccessLog.Sample)
	atLeast := func(path string, v, least int64) {
		if v < least {
			wrong(path, "", "must be at least "+strconv.FormatInt(least, 10))
		}
	}
	atLeast("limits.connections", int64(c.Limits.Connections), 1)
	atLeast("limits.headBytes", int64(c.Limits.HeadBytes), 1<<10)
	atLeast("limits.targetBytes", int64(c.Limits.TargetBytes), 64)
	atLeast("limits.headerFields", int64(c.Limits.HeaderFields), 8)
	atLeast("limits.bodyBytes", c.Limits.BodyBytes, 0)
	atLeast("limits.fenced", int64(c.Limits.Fenced), 0)
	atLeast("limits.replayBytes", int64(c.Limits.ReplayBytes), 0)
	atLeast("upstream.idleConnections", int64(c.Upstream.Idle), 0)
	positive := func(path string, d time.Duration) {
		if d <= 0 {
			wrong(path, d.String(), "must be above 0")
		}
	}
	positive("timeouts.head", c.Timeouts.Head)
	positive("timeouts.idle", c.Timeouts.Idle)
	positive("timeouts.stall", c.Timeouts.Stall)
	positive("timeouts.fenced", c.Timeouts.Fenced)
	positive("timeouts.drain", c.Timeouts.Drain)
	positive("upstream.idleTimeout", c.Upstream.IdleTimeout)
	if len(fields) == 0 {
		return nil
	}
	return kind.New(kind.Invalid, "JD-GATEWAY-101", "the gateway's configuration is wrong").WithFields(fields...)
}

// portOf is the port of host:port, :port or [ipv6]:port.
func portOf(addr string) (uint64, bool) {
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return 0, false
	}
	if host := addr[:i]; strings.ContainsRune(host, ':') && (host[0] != '[' || host[len(host)-1] != ']') {
		return 0, false
	}
	port, err := strconv.ParseUint(addr[i+1:], 10, 16)
	return port, err == nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

// Settings are the parts of a Config that a request looks at, compiled. They are immutable.
type Settings struct {
	Config
	trusted []netip.Prefix
}

func compileSettings(c Config) *Settings {
	s := &Settings{Config: c}
	for _, t := range c.TrustedProxies {
		if p, err := parsePrefix(t); err == nil {
			s.trusted = append(s.trusted, p.Masked())
		}
	}
	return s
}

// Trusts says that the peer is one of the trusted proxies.
func (s *Settings) Trusts(peer netip.Addr) bool {
	peer = peer.Unmap()
	for _, p := range s.trusted {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}

package app

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/gateway"
	"jindu.dev/jindu/internal/gateway/http1"
	"jindu.dev/jindu/internal/kit/listen"
	"jindu.dev/jindu/internal/kit/logs"
	"jindu.dev/jindu/internal/kit/run"
	"jindu.dev/jindu/internal/kit/web"
	"jindu.dev/jindu/internal/migrate"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/writeset"
	"jindu.dev/jindu/internal/object"
	"jindu.dev/jindu/internal/object/bolt"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/registry/probe"
	"jindu.dev/jindu/internal/route"
)

// certificates are looked at this often.
const certificates = 10 * time.Second

// node is a process: its parts and what connects them.
type node struct {
	opts    Options
	log     *slog.Logger
	level   *logs.Level
	started time.Time
	ready   atomic.Bool
	metrics *prometheus.Registry

	configMu sync.Mutex // of reloads
	config   Config

	store    *bolt.Store
	objects  *object.Objects
	feed     *feed
	registry *registry.Server
	route    *route.Server
	migrate  *migrate.Server
	gateway  *gateway.Gateway
	http1    *http1.Server
	client   *http1.Client
	traffic  *traffic
	effects  *writeset.Collector
	proxies  []*effects.Server
	notes    *bolt.Store // what the data part must not forget
	data     *data.Server
	guard    *web.Guard
	admin    *web.Server
	tls      *listen.TLS // nil: the admin listener is plain
}

// Run runs a node until ctx ends, then drains and stops it.
func Run(ctx context.Context, o Options) error {
	cfg, _, err := LoadConfig(o)
	if err != nil {
		return err
	}
	n, err := newNode(cfg, o)
	if err != nil {
		return err
	}
	defer n.client.Close()
	return n.run(ctx)
}

// newNode makes every part; nothing is opened yet but the files that name certificates and tokens.
func newNode(cfg Config, o Options) (*node, error) {
	n := &node{opts: o, config: cfg, started: time.Now(), metrics: prometheus.NewRegistry()}
	var err error
	if n.log, n.level, err = logs.New(cmp.Or(o.Stderr, io.Discard), cfg.Log); err != nil {
		return nil, err
	}
	dir, err := dataDir(cfg, func(name string) string { return lookup(o.Env, name) })
	if err != nil {
		return nil, err
	}
	if err := n.newAccess(cfg.Admin); err != nil {
		return nil, err
	}

	n.store = bolt.New(bolt.Config{Dir: dir})
	judge := &admission{
		snapshot: func() *registry.Snapshot { return n.registry.Snapshot() },
		routes:   func(revision int64) ([]v1.Route, bool) { return n.feed.routesAt(revision) },
		now:      time.Now,
	}
	n.objects = object.New(n.store, object.Types(), judge.admit, object.Options{Now: time.Now})
	n.registry, err = registry.New(cfg.Registry, registry.Options{Objects: instanceStore{n.objects}, Checker: probe.New(), Now: time.Now, Log: n.log})
	if err != nil {
		return nil, err
	}
	n.route, err = route.New(cfg.Route, route.Options{Apply: func(t *route.Table) { n.gateway.Apply(t) }, Now: time.Now, Log: n.log})
	if err != nil {
		return nil, err
	}
	observer := &tap{}
	n.gateway = gateway.New(cfg.Gateway, gateway.Options{Log: n.log, Tap: observer, AccessLog: o.Stdout})
	n.http1 = http1.NewServer(n.gateway, cfg.Gateway, http1.Options{})
	n.client = http1.NewClient(http1.ClientConfig{})
	n.effects, n.notes = writeset.NewCollector(writeset.Limits{}, n.started), newNotes(dir)
	if n.proxies, err = newProxies(cfg.Effects, n.effects, n.log); err != nil {
		return nil, err
	}
	if n.data, err = newData(cfg.Data, n.notes, n.effects, n.log); err != nil {
		return nil, err
	}
	n.migrate, err = migrate.New(cfg.Migrate, migrate.Ports{
		Objects: migrationStore{n.objects}, Shares: n.route, Outcomes: outcomes{n.gateway}, Registry: n.registry, Caller: caller{n.client, n.endRun},
		Data: crossing{n.data}, Effects: n.effects,
	}, migrate.Options{Log: n.log, Version: o.Version})
	if err != nil {
		return nil, err
	}
	observer.migrate = n.migrate
	n.traffic = newTraffic(n.gateway, time.Now)
	n.feed = newFeed(n.objects, n.log, sinks{
		services: n.registry.SetServices, instances: n.registry.SetInstances,
		putInstance: n.registry.PutInstance, deleteInstance: n.registry.DeleteInstance,
		routes: n.route.SetRoutes,
		migrations: func(list []v1.Migration) {
			n.route.SetMigrations(list)
			n.migrate.SetMigrations(list)
			n.data.SetMigrations(list)
		},
	})
	n.metrics.MustRegister(n.gateway.Collector(), n.migrate.Collector(), effects.Collector(n.proxies...), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	server := web.ServerConfig{Name: "admin", Addr: cfg.Admin.Listen, Key: "admin.listen", Log: n.log}
	if n.tls != nil {
		server.TLS = n.tls.Config()
	}
	n.admin = web.NewServer(server, n.adminHandler())
	return n, nil
}

// endRun tells every proxy that a run of a shadow is over.
func (n *node) endRun(run string) {
	for _, p := range n.proxies {
		p.EndRun(run)
	}
}

// newAccess reads certificates and tokens, and refuses to go on when the listener would be open to all.
func (n *node) newAccess(a Admin) error {
	tokens, err := readTokens(a)
	if err != nil {
		return err
	}
	if err := web.CheckListen(a.Listen, a.Cert != "", len(tokens)); err != nil {
		return err
	}
	n.guard, err = web.NewGuard(web.Access{Loopback: a.LocalPrincipal && web.LoopbackAddr(a.Listen), Public: public}, tokens)
	if err != nil || a.Cert == "" {
		return err
	}
	n.tls, err = listen.NewTLS(listen.Files{Cert: a.Cert, Key: a.Key, ClientCA: a.ClientCA}, certificates, func(err error) {
		if err != nil {
			n.log.Error("certificate not read, the one before stays", "error", err)
		} else {
			n.log.Info("certificate read")
		}
	})
	return err
}

func readTokens(a Admin) ([]web.Token, error) {
	if a.Tokens == "" {
		return nil, nil
	}
	return web.LoadTokens(a.Tokens)
}

// run starts the parts in order and stops them in reverse.
func (n *node) run(ctx context.Context) error {
	parts := []run.Part{
		n.store,
		n.feed, // fills registry, route and migrate before they start
		n.registry,
		run.Func("tables", func(ctx context.Context, ready func()) error {
			n.registry.Subscribe(n.route.SetRegistry)
			return n.route.Run(ctx, ready)
		}),
		n.notes,
		n.data, // before migrate, which moves shares by it
		n.migrate,
		n.traffic,
	}
	for _, p := range n.proxies {
		parts = append(parts, proxyPart(p, n.effects))
	}
	if n.tls != nil {
		parts = append(parts, n.tls)
	}
	parts = append(parts, n.admin, n.http1, run.Func("lifecycle", n.lifecycle))
	// The parts get a context of their own: when the end is asked for, readiness fails first and the
	// listeners close only after the drain time.
	cfg := n.config // a reload replaces it
	ctx, cancel := n.drained(ctx, cfg.Drain)
	defer cancel()
	return run.Parts(ctx, cfg.Stop, n.up, parts...)
}

// up is called when every part is ready.
func (n *node) up() {
	n.ready.Store(true)
	n.log.Info("ready", "version", n.opts.Version, "gateway", n.gatewayAddress(), "admin", n.adminAddress())
}

// drained ends the drain time after ctx; readiness fails at once.
func (n *node) drained(ctx context.Context, drain time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		n.ready.Store(false)
		n.log.Info("stopping", "drain", drain)
		pause(out, drain) // cut short when the parts end by themselves
		cancel()
	})
	return out, func() { stop(); cancel() }
}

// lifecycle reloads on request until ctx ends.
func (n *node) lifecycle(ctx context.Context, ready func()) error {
	ready()
	for {
		select {
		case <-ctx.Done():
			n.ready.Store(false)
			return nil
		case <-n.opts.Reload:
			if done, err := n.reload(); err != nil {
				n.log.Error("configuration not reloaded, the one before stays", "error", err)
			} else {
				n.log.Info("configuration reloaded", "applied", len(done.Applied), "restart", len(done.Restart))
			}
		}
	}
}

func (n *node) gatewayAddress() string { return address(n.http1.Addr()) }
func (n *node) adminAddress() string   { return address(n.admin.Addr()) }

func address(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// addressOf is the address of an instance as pools and ejection key it.
func addressOf(s v1.InstanceSpec) string {
	ip, err := netip.ParseAddr(s.IP)
	if err != nil {
		return net.JoinHostPort(s.IP, strconv.Itoa(s.Port))
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(s.Port)).String() // admission holds it to 1-65535
}

// lookup is the value of a variable in env, "" when it is not set; the last one counts.
func lookup(env []string, name string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

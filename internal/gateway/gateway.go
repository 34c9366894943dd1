package gateway

import (
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/route"
)

// Options are what the node hands to its gateway. Every field may be zero.
type Options struct {
	Log       *slog.Logger
	Now       func() time.Time
	Random    func() uint64
	Tap       Tap       // nil: nothing is recorded
	AccessLog io.Writer // nil: no access log
}

// Gateway is the engine of the data path.
type Gateway struct {
	Events Events

	log    *slog.Logger
	now    func() time.Time
	start  time.Time
	random func() uint64
	tap    Tap
	access *accessLog

	view        atomic.Pointer[View]
	inFlight    atomic.Int64
	connections atomic.Int64
	fenced      atomic.Int64                  // requests that wait for a newer share
	changed     atomic.Pointer[chan struct{}] // closed by the next Apply

	mu        sync.Mutex
	attach    func(*Upstream) Conns
	upstreams map[string]*Upstream
	series    map[seriesKey]*series
	totals    map[string]*subsetTotals // by Subset.ID
	outcomes  map[string]*[2]*outcome  // by migration
	rejected  map[string]int64         // by reason
}

// New makes a gateway with an empty table: every request is answered 404 until Apply.
func New(cfg Config, opts Options) *Gateway {
	g := &Gateway{log: opts.Log, now: opts.Now, random: opts.Random, tap: opts.Tap,
		upstreams: map[string]*Upstream{}, series: map[seriesKey]*series{}, totals: map[string]*subsetTotals{},
		outcomes: map[string]*[2]*outcome{}, rejected: map[string]int64{}}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.now == nil {
		g.now = time.Now
	}
	if g.random == nil {
		g.random = rand.Uint64
	}
	g.start = g.now()
	g.access = newAccessLog(opts.AccessLog)
	changed := make(chan struct{})
	g.changed.Store(&changed)
	empty, _ := route.Build(nil, nil, &registry.Snapshot{}, route.Defaults{})
	g.view.Store(&View{g: g, Settings: compileSettings(cfg)})
	g.Apply(empty)
	return g
}

// View is a route table with all that the engine resolved for it. It is immutable but for counters.
type View struct {
	*Settings
	Table *route.Table

	g       *Gateway
	subsets []*balancer // by Subset.Index
	totals  []*subsetTotals
	circuit []*breaker   // by Subset.Index; nil where the service asks for none
	rules   []*ruleState // by Rule.Index
	norule  *ruleState
	cohorts map[*route.Cohort]*cohortState
}

// Load returns the view in force. A driver takes it once for each exchange.
func (g *Gateway) Load() *View { return g.view.Load() }

// Clock is the time since the gateway was made: it never goes back.
func (g *Gateway) Clock(t time.Time) int64 { return int64(t.Sub(g.start)) }

// Now is the gateway's clock.
func (g *Gateway) Now() time.Time { return g.now() }

// Random draws a number.
func (g *Gateway) Random() uint64 { return g.random() }

// Mix makes of one random number others that do not depend on each other, one for each use: what is
// logged must not hang together with where it was sent.
func Mix(random, use uint64) uint64 {
	x := random + use*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Share is a random number between 0 and 1.
func Share(random uint64) float64 { return float64(random>>11) / (1 << 53) }

// The uses of an exchange's random number beside the choice of a backend. Tries count up from UseTry.
const (
	useLog = iota + 1
	UseTrace
	UseTry
)

// Tap is who watches exchanges, nil when nobody does.
func (g *Gateway) Tap() Tap { return g.tap }

// Log is the gateway's logger.
func (g *Gateway) Log() *slog.Logger { return g.log }

// Attach sets how the driver makes its connections to an upstream. It is called once, before Run.
func (g *Gateway) Attach(make func(*Upstream) Conns) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.attach = make
	for _, u := range g.upstreams {
		u.Conns = make(u)
	}
}

// Reload puts the live fields of cfg in force.
func (g *Gateway) Reload(cfg Config) {
	g.mu.Lock()
	defer g.mu.Unlock()
	next := *g.view.Load()
	next.Settings = compileSettings(cfg)
	g.view.Store(&next)
}

// Apply puts a table in force. Exchanges under way keep the one they began with; no connection is
// closed but idle ones of addresses that were in no table for a while.
func (g *Gateway) Apply(t *route.Table) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.Clock(g.now())
	old := g.view.Load()
	v := &View{g: g, Settings: old.Settings, Table: t, cohorts: make(map[*route.Cohort]*cohortState, len(t.Cohorts))}
	circuits := old.circuits()
	for _, s := range t.Subsets {
		limits := limitsOf(s)
		v.subsets = append(v.subsets, newBalancer(s, func(i *registry.Instance) *Upstream { return g.upstream(i, limits, now) }))
		v.totals = append(v.totals, g.totalsOf(s))
		v.circuit = append(v.circuit, circuitOf(s, circuits))
	}
	budgets := old.ruleStates()
	for _, r := range t.Rules {
		v.rules = append(v.rules, newRuleState(r, budgets))
	}
	v.norule = &ruleState{requests: new(atomic.Int64), retries: &budget{}}
	for _, c := range t.Cohorts {
		v.cohorts[c] = g.cohortOf(c, old)
	}
	g.view.Store(v)
	changed := make(chan struct{})
	close(*g.changed.Swap(&changed))
	g.forget(now)
}

type ruleKey struct{ route, name string }

func (v *View) ruleStates() map[ruleKey]*ruleState {
	m := make(map[ruleKey]*ruleState, len(v.rules))
	for _, r := range v.rules {
		m[ruleKey{r.rule.Route, r.rule.Name}] = r
	}
	return m
}

// newRuleState keeps budget and request counter of the rule of the same name, unless its budget changed.
func newRuleState(r *route.Rule, old map[ruleKey]*ruleState) *ruleState {
	s := &ruleState{rule: r}
	if o := old[ruleKey{r.Route, r.Name}]; o != nil && o.retries.percent == r.Retry.Percent {
		s.requests, s.retries = o.requests, o.retries
		return s
	}
	s.requests, s.retries = new(atomic.Int64), &budget{percent: r.Retry.Percent, floor: 10}
	return s
}

func (g *Gateway) upstream(i *registry.Instance, limits *upstreamLimits, now int64) *Upstream {
	u := g.upstreams[i.Address]
	if u == nil {
		u = &Upstream{Address: i.Address, Addr: i.Addr}
		u.limits.Store(limits)
		if g.attach != nil {
			u.Conns = g.attach(u)
		}
		g.upstreams[i.Address] = u
	}
	u.limits.Store(limits)
	u.unused = now
	return u
}

// forgetAfter is how long the state of an address outlives its last table, so that an instance that
// flaps keeps its ejection and its connections.
const forgetAfter = int64(5 * time.Minute)

func (g *Gateway) forget(now int64) {
	for address, u := range g.upstreams {
		if now-u.unused > forgetAfter && u.inFlight.Load() == 0 {
			delete(g.upstreams, address)
			if u.Conns != nil {
				u.Conns.Close()
			}
		}
	}
}

func (g *Gateway) totalsOf(s *route.Subset) *subsetTotals {
	t := g.totals[s.ID]
	if t == nil {
		t = &subsetTotals{service: s.Service, text: s.Text}
		g.totals[s.ID] = t
	}
	return t
}

// circuits are the breakers of a view by Subset.ID.
func (v *View) circuits() map[string]*breaker {
	m := map[string]*breaker{}
	for i, b := range v.circuit {
		if b != nil {
			m[v.Table.Subsets[i].ID] = b
		}
	}
	return m
}

// circuitOf keeps the breaker of the subset of the same name, unless its spec changed.
func circuitOf(s *route.Subset, old map[string]*breaker) *breaker {
	if s.Spec.Breaker == nil {
		return nil
	}
	if b := old[s.ID]; b != nil && sameBreaker(b.spec, *s.Spec.Breaker) {
		return b
	}
	return newBreaker(*s.Spec.Breaker)
}

func (g *Gateway) cohortOf(c *route.Cohort, old *View) *cohortState {
	o := g.outcomes[c.Migration]
	if o == nil {
		o = &[2]*outcome{{}, {}}
		g.outcomes[c.Migration] = o
	}
	s := &cohortState{old: o[0], new: o[1]}
	for oc, os := range old.cohorts {
		if oc.Migration == c.Migration {
			if sameBreaker(os.breaker.spec, c.Breaker) {
				s.breaker = os.breaker
			}
			if valueOr(oc.Fallback.Budget, 20) == valueOr(c.Fallback.Budget, 20) {
				s.fallback = os.fallback
			}
		}
	}
	if s.breaker == nil {
		s.breaker = newBreaker(c.Breaker)
	}
	if s.fallback == nil {
		s.fallback = &budget{percent: valueOr(c.Fallback.Budget, 20), floor: 20}
	}
	return s
}

func sameBreaker(a, b v1.BreakerSpec) bool {
	return a.Disabled == b.Disabled && a.Window == b.Window && a.Open == b.Open &&
		valueOr(a.Failures, 50) == valueOr(b.Failures, 50) && valueOr(a.Requests, 20) == valueOr(b.Requests, 20)
}

func valueOr[T any](p *T, fallback T) T {
	if p == nil {
		return fallback
	}
	return *p
}

// Outcomes are what became of the requests assigned to the two sides of a migration, whoever answered.
func (g *Gateway) Outcomes(migration string) (old, new Outcome) {
	g.mu.Lock()
	o := g.outcomes[migration]
	g.mu.Unlock()
	if o == nil {
		return old, new
	}
	return o[0].load(), o[1].load()
}

// Traffic are the counters of every subset that was in a table, by what answered.
func (g *Gateway) Traffic() []SubsetCounters {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]SubsetCounters, 0, len(g.totals))
	for _, t := range g.totals {
		c := SubsetCounters{Service: t.service, Subset: t.text, Requests: t.requests.Load(), Failures: t.failures.Load()}
		t.latency.Snapshot(&c.Latency)
		out = append(out, c)
	}
	return out
}

// Ejected says that the instance at the address is passively ejected now.
func (g *Gateway) Ejected(address string) bool {
	g.mu.Lock()
	u := g.upstreams[address]
	g.mu.Unlock()
	return u != nil && u.ejected(g.Clock(g.now()))
}

// InFlight is the number of requests under way.
func (g *Gateway) InFlight() int64 { return g.inFlight.Load() }

// Connections is the number of client connections open.
func (g *Gateway) Connections() int64 { return g.connections.Load() }

// Opened and Closed note client connections.
func (g *Gateway) Opened() int64 { return g.connections.Add(1) }

// Closed is the end of one.
func (g *Gateway) Closed() { g.connections.Add(-1) }

// Rejected counts a request that was refused before it was routed. Reasons are a fixed few.
func (g *Gateway) Rejected(reason string) {
	g.mu.Lock()
	g.rejected[reason]++
	g.mu.Unlock()
}

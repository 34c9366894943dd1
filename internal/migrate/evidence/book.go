package evidence

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/compare"
)

// Short names of the classes that the code asks for.
const (
	unknown = v1.NoiseUnknown
	idLike  = v1.NoiseIDLike
)

// Limits bound a Book.
type Limits struct {
	Endpoints int // default 256; beyond it the one not seen for longest goes, and is counted
	Paths     int // over all endpoints; default 8192; beyond it paths are omitted, and counted
}

// Config is what a Book is about.
type Config struct {
	Compare v1.CompareSpec
	Gates   v1.GatesSpec
	Now     time.Time
	Limits  Limits
}

// Observation is one request with the answers it got.
type Observation struct {
	Endpoint string // such as GET /orders/{id}; see Book.Endpoint
	Cluster  uint64 // hash of subject and endpoint
	Subject  uint64 // hash of the subject, or of what stands in for it
	At       time.Time
	Trace    string // trace id; ids are bound over a trace
	Old      compare.Answer
	Old2     *compare.Answer // asked at the same time as New, in random order; nil: a pair
	New      compare.Answer
	Safe     bool // GET or HEAD, or every instance asked declares itself shadow-safe; else only Old and New are used
	// NewFirst: the new side answered the user, and the others were asked after it. Then Old2 is no control,
	// since what changed in between sets the first answer apart, and New2 is: asked at the same time as Old,
	// in random order. An answer that is a failure is an answer: leaving out those of one side would tip
	// the balance.
	NewFirst bool
	New2     *compare.Answer
	// Twice: the request is unsafe and was done on the old side, which cannot do it again. New and New2 are two
	// runs of the new side, one after the other, each undone; NewFirst is set with it.
	Twice bool
}

// Result is what a look at the book says.
type Result struct {
	Verdict   v1.Verdict
	Endpoints []v1.EndpointEvidence // the worst first
	First     *v1.DifferenceRef     // the most specific cause, when the verdict is fail
	Gate      v1.Gate
}

// Book gathers the evidence of one migration for one pair of versions.
type Book struct {
	mu        sync.Mutex
	rules     *compare.Rules
	spec      v1.CompareSpec
	gates     gates
	alpha     float64
	limits    Limits
	endpoints map[string]*endpoint
	templates *Templates
	traces    traces
	paths     int   // over all endpoints
	tested    int64 // paths that became testable
	evicted   int64 // endpoints dropped over the bound
	since     time.Time
}

// gates are the bounds of the mismatch gate with their defaults.
type gates struct {
	alpha       float64
	minSamples  int64
	maxMismatch float64 // a rate, not percent
}

func gatesOf(s v1.GatesSpec) gates {
	return gates{
		alpha:       value(s.Alpha, 0.01),
		minSamples:  int64(value(s.MinSamples, 300)),
		maxMismatch: value(s.MaxMismatch, 1) / 100,
	}
}

func value[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// NewBook makes an empty book, or says what is wrong with the spec.
func NewBook(cfg Config) (*Book, error) {
	rules, err := compare.Compile(cfg.Compare, cfg.Now)
	if err != nil {
		return nil, fmt.Errorf("make evidence book: %w", err)
	}
	g := gatesOf(cfg.Gates)
	return &Book{
		rules: rules, spec: cfg.Compare, gates: g, alpha: g.alpha, since: cfg.Now,
		limits:    Limits{Endpoints: cmp.Or(cfg.Limits.Endpoints, 256), Paths: cmp.Or(cfg.Limits.Paths, 8192)},
		endpoints: map[string]*endpoint{}, templates: NewTemplates(),
	}, nil
}

// Since is when the book was begun.
func (b *Book) Since() time.Time { return b.since }

// Endpoint names the endpoint of a request, and forgets endpoints that turned out to be instances of a
// template. template is the path template of the route that matched, "" when it has none.
func (b *Book) Endpoint(method, path, template string) string {
	name, stale := b.templates.Endpoint(method, path, template)
	if len(stale) > 0 {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, s := range stale {
			b.forget(s)
		}
	}
	return name
}

// Add counts an observation. A reason says that it could not be compared: truncated, state_differs; it is
// counted as such. A second old answer that cannot be compared leaves a pair.
func (b *Book) Add(o Observation) (reason string) {
	_, reason = b.Judge(o)
	return reason
}

// Judge is Add, and names the paths at which the observation spoke against the new side.
func (b *Book) Judge(o Observation) (against []string, reason string) {
	if why, ok := compare.Comparable(&o.Old, &o.New); !ok {
		b.NotComparable(o.Endpoint, why)
		return nil, why
	}
	first, control := &o.Old, o.Old2
	if o.NewFirst {
		first, control = &o.New, o.New2
	}
	in := parsed{triple: control != nil && o.Safe}
	if in.triple {
		_, in.triple = compare.Comparable(first, control)
	}
	for {
		b.mu.Lock()
		rules := b.rules
		b.mu.Unlock()

		old := rules.Parse(&o.Old)
		in.shown = old.Paths
		fresh := rules.Parse(&o.New)
		in.fresh = rules.Diff(old, fresh)
		switch {
		case in.triple && o.NewFirst:
			in.second = rules.Diff(rules.Parse(o.New2), fresh)
		case in.triple:
			in.second = rules.Diff(old, rules.Parse(o.Old2))
		}
		in.states = leaveStates(&in.fresh) + leaveStates(&in.second)
		if b.count(rules, &o, &in) {
			return in.against, ""
		}
	}
}

// leaveStates takes out differences of the data that the sides found: they say nothing of the code.
func leaveStates(list *[]compare.Difference) int64 {
	all := len(*list)
	*list = slices.DeleteFunc(*list, func(d compare.Difference) bool { return d.Kind == compare.KindState })
	return int64(all - len(*list))
}

// Rules are those that the book compares by now.
func (b *Book) Rules() *compare.Rules {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rules
}

// count adds what was parsed under rules; false when the book has others by now.
func (b *Book) count(rules *compare.Rules, o *Observation, in *parsed) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rules != rules {
		return false
	}
	b.endpoint(b.known(o), o.At).add(b, o, in)
	return true
}

// known is the endpoint that an observation belongs to. An endpoint comes into being by an answer other
// than 404: what scanners and typing errors ask for is one endpoint a method.
func (b *Book) known(o *Observation) string {
	if _, ok := b.endpoints[o.Endpoint]; ok || o.Old.Status != 404 || o.New.Status != 404 {
		return o.Endpoint
	}
	method, _, _ := strings.Cut(o.Endpoint, " ")
	return method + nowhere
}

// NotComparable counts a request of an endpoint that could not be compared, for one of the reasons of
// v1.MirrorCounts. An endpoint of which nothing is comparable by nature holds nothing up.
func (b *Book) NotComparable(endpoint, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.endpoint(endpoint, time.Time{})
	e.notComparable++
	if reason == compare.ReasonTruncated || reason == compare.ReasonState || strings.HasPrefix(reason, "effects_") {
		e.missed++
	}
}

// Reconfigure takes a changed spec. Gates, ignore rules and masks apply at once to what is there; a change
// of what counts as a difference begins the evidence anew.
func (b *Book) Reconfigure(spec v1.CompareSpec, g v1.GatesSpec, now time.Time) error {
	rules, err := compare.Compile(spec, now)
	if err != nil {
		return fmt.Errorf("change evidence book: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gates = gatesOf(g)
	if sameDifferences(b.spec, spec) && b.gates.alpha == b.alpha {
		b.rules = b.rules.With(rules)
		b.spec = spec
		return nil
	}
	b.rules, b.spec, b.alpha, b.since = rules, spec, b.gates.alpha, now
	b.endpoints, b.traces, b.paths, b.tested, b.evicted = map[string]*endpoint{}, traces{}, 0, 0, 0
	return nil
}

// endpoint returns an endpoint, making room for a new one when there is none.
func (b *Book) endpoint(name string, at time.Time) *endpoint {
	if e, ok := b.endpoints[name]; ok {
		return e
	}
	if len(b.endpoints) >= b.limits.Endpoints {
		var oldest *endpoint
		for _, e := range b.endpoints {
			if oldest == nil || e.seen.Before(oldest.seen) || e.seen.Equal(oldest.seen) && e.name < oldest.name {
				oldest = e
			}
		}
		b.forget(oldest.name)
		b.evicted++
	}
	e := newEndpoint(name)
	e.seen = at
	b.endpoints[name] = e
	return e
}

func (b *Book) forget(name string) {
	if e, ok := b.endpoints[name]; ok {
		b.paths -= len(e.paths)
		delete(b.endpoints, name)
	}
}

// sameDifferences says whether two specs count the same as a difference.
func sameDifferences(a, b v1.CompareSpec) bool {
	return slices.Equal(a.Headers, b.Headers) && maps.Equal(a.Rules, b.Rules) && maps.EqualFunc(a.Enums, b.Enums, slices.Equal)
}

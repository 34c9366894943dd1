package route

import (
	"net/netip"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/registry"
)

// Fields reads the headers of a request. The returned views are valid while the request is.
type Fields interface {
	// Get returns the first value of a header, nil when it is absent. name is lower-case.
	Get(name string) []byte
}

// Request is what a decision depends on: views into the head of a request.
type Request struct {
	Method   []byte
	Host     []byte // lower-case, without port
	Path     []byte // as sent
	Query    []byte // after the ?, without it
	Fields   Fields
	ClientIP netip.Addr
	Random   uint64 // for choices that are not sticky
}

// Side is the side of a migration.
type Side uint8

// The sides. SideNone: no migration has a say.
const (
	SideNone Side = iota
	SideOld
	SideNew
)

// String is none, old or new.
func (s Side) String() string { return [...]string{"none", "old", "new"}[s] }

// Subset is a set of instances of a service chosen by a selector. Identity is (service, selector text):
// a new table keeps no pointers of the old one, so runtime state is keyed by ID or by address.
type Subset struct {
	Index     int    // place in Table.Subsets
	ID        string // "orders/runtime=java17"
	Service   string
	Selector  v1.Selector
	Text      string               // selector in words
	Spec      v1.ServiceSpec       // with defaults written out
	Instances []*registry.Instance // usable ones of a weight above 0, by name; empty: nothing can answer
}

// Cohort is what a table knows of a migration.
type Cohort struct {
	Migration string
	Service   string
	Salt      string
	Subject   []v1.ValueSource
	Buckets   int // subjects with a smaller bucket are on the new side
	Epoch     int64
	Phase     v1.Phase
	Old, New  *Subset
	Fallback  v1.FallbackSpec // with defaults written out, as is Breaker
	Breaker   v1.BreakerSpec
	// Marked: requests carry a mark, so that what they do can be told apart and fenced.
	Marked bool
	// Owner is the side that all entities were handed over to, SideNone: each is its creator's.
	Owner Side

	owners  []ownerRule
	subject sources
	seed    uint64 // of the hash
}

// Rule is a compiled rule of a Route.
type Rule struct {
	Index   int // place in Table.Rules
	Route   string
	Name    string
	Filters Filters
	// Timeouts; zero means none.
	Timeout, TryTimeout time.Duration
	Retry               RetryPolicy
	Mirrors             []Mirror

	backends backends
}

// RetryPolicy bounds repetition within one subset.
type RetryPolicy struct {
	Attempts int // beyond the first
	Codes    []int
	Backoff  time.Duration
	Percent  float64 // of requests
}

// Mirror is a compiled RequestMirror filter.
type Mirror struct {
	Subset  *Subset
	Percent float64

	target int
}

// Refusal says why a request goes nowhere.
type Refusal uint8

// The refusals, with the status that the gateway answers.
const (
	RefusedNot        Refusal = iota
	RefusedPath               // the path could be read in two ways: 400
	RefusedNoRoute            // no rule matches: 404
	RefusedNoInstance         // nothing in the subset can answer: 503, or the other side under the rules of fallback
)

// Decision is where one request goes. It may be used again; Decide keeps its buffers.
type Decision struct {
	Refused Refusal
	Rule    *Rule   // nil when none matches
	Subset  *Subset // nil when the rule answers by itself (redirect)
	// Cohort is the migration that has a say, nil when none.
	Cohort *Cohort
	// Side is the side assigned, SideNone without a cohort; Subset is that side's.
	Side Side
	// ByOwner: the owner of the entity that the request is about decided, not the subject's share.
	ByOwner bool
	// Subject is the hash of (salt, subject), 0 when there is no subject.
	Subject uint64
	// HasSubject tells a hash of 0 from none.
	HasSubject bool
	// Prefix is the prefix the rule matched, without trailing slash, for ReplacePrefixMatch; "" for /.
	Prefix string
	// Template is the path template the rule matched, "" when it was not a template.
	Template string

	scratch scratch
	steps   int // map look-ups and candidates tried, for tests
}

// Bucket is the bucket that a share moves with its subject; -1 without a subject, and where the owner of
// an entity decided, which no subject's share moves.
func (d *Decision) Bucket() int {
	if !d.HasSubject || d.ByOwner {
		return -1
	}
	return int(d.Subject % Buckets)
}

// reset empties d but keeps its buffers.
func (d *Decision) reset() {
	*d = Decision{scratch: scratch{path: d.scratch.path[:0], value: d.scratch.value[:0], claims: d.scratch.claims[:0]}}
}

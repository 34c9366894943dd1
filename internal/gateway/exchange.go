package gateway

import (
	"net/netip"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/route"
)

// Exchange is one request and its answer on their way through the gateway. It is a concrete struct,
// pooled by its protocol driver; every []byte is a view that is valid until the driver releases it.
type Exchange struct {
	// The request's head.
	Request route.Request
	Target  []byte // as sent: path and query
	Client  netip.AddrPort
	TLS     bool

	Decision route.Decision
	Trace    TraceContext

	// Answered is the side that answered; it differs from Decision.Side after a fallback.
	Answered route.Side
	FellBack bool
	Instance string // address that answered
	Status   int    // sent to the client; 0 when none was
	Origin   Origin // who made the answer
	Start    time.Time
	Latency  time.Duration // until the last byte of the answer was handed to the client
	Tries    int
	// Shadow marks a request that is itself a copy (X-Jindu-Shadow from a trusted peer).
	Shadow bool

	// Run is that of the mark of the last try, 0 where requests carry none.
	Run uint64
	// Fenced: the answer is a fence's refusal. It had no effect and is nobody's failure.
	Fenced bool

	// Subset is the one whose instance answered, or was asked last; nil when none was.
	Subset *route.Subset
	// Failure is why there is no answer of the service, Answered when there is one.
	Failure Failure
	// BytesIn and BytesOut are bytes of body received from and sent to the client.
	BytesIn, BytesOut int64

	trial   bool // the request tries whether the circuit may close
	reached bool // the side that was assigned was asked
	// The same of a subset that is no new side.
	trialOther, allowed bool
	waits               bool // it waits for a newer share
	last                bool // time to wait for one is up
}

// Origin says who made an answer.
type Origin uint8

// The origins.
const (
	OriginUpstream Origin = iota // the service
	OriginGateway                // Jindu: redirect, no route, no instance, bad request, timeout
	OriginNone                   // nobody: the client left
)

// String is upstream, gateway or none.
func (o Origin) String() string { return [...]string{"upstream", "gateway", "none"}[o] }

// Reset makes the exchange ready for the next request; it keeps buffers.
func (ex *Exchange) Reset() {
	d := ex.Decision
	*ex = Exchange{Decision: d}
}

// TraceContext is the W3C trace context of an exchange.
type TraceContext struct {
	TraceID [16]byte
	SpanID  [8]byte // of the gateway's own span, the parent for the service
	Parent  [8]byte // of the caller, zero when the trace begins here
	Sampled bool
}

// Tap watches exchanges for a migration. Plan is asked on the request path after the decision and must
// neither block nor allocate; Done gets what was recorded after the answer was sent, and owns it.
type Tap interface {
	Plan(ex *Exchange) Plan
	Done(rec *Recorded)
}

// Outgoing is a request of the gateway's own: a copy that is sent to an instance.
type Outgoing struct {
	Method, Host, Target string
	Header               []v1.Header
	Body                 []byte
}

// Incoming is what came back.
type Incoming struct {
	Status    int
	Header    []v1.Header
	Body      []byte
	Truncated bool // the body was over the client's bound and cut
}

// Plan says what to record of an exchange.
type Plan struct {
	Record      bool
	MaxRequest  int // bytes of request body; over it the recording is marked truncated
	MaxResponse int // bytes of answer body
}

// Recorded is the one bounded recording of an exchange: it served retry and fallback, and now serves
// mirror and compare. Everything in it is a copy.
type Recorded struct {
	Migration  string
	Service    string
	Route      string // name of the Route object
	Rule       string
	Assigned   route.Side
	Answered   route.Side
	Subject    uint64 // cluster key; 0 and !HasSubject: client address and trace id stand in
	HasSubject bool
	Trace      string // trace id, 32 hex digits
	Run        string // run of the mark that the answering side got, "" when the migration has none
	Epoch      int64  // of the share when the request was routed
	ByOwner    bool   // the entity's owner decided, not the subject's share
	ClientIP   netip.Addr
	// Observed marks a copy made by another proxy: there is no answer here.
	Observed bool
	// Template is the path template of the rule that matched, "" when it was not a template.
	Template string

	Method    string
	Host      string
	Target    string      // path and query as forwarded
	Header    []v1.Header // as forwarded, without hop-by-hop fields
	Body      []byte
	Truncated bool // request body was over the cap: not replayable

	Status            int
	ResponseHeader    []v1.Header // as received from the instance, X-Jindu-State included
	ResponseBody      []byte
	ResponseTruncated bool
	Instance          string

	Start   time.Time
	Latency time.Duration
}

package migrate

import (
	"net/netip"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/route"
)

// Plan says what the gateway should record of an exchange.
type Plan struct {
	Record      bool
	MaxRequest  int // bytes of request body
	MaxResponse int // bytes of answer body
}

// Recorded is one exchange as the gateway recorded it: its fields are those of gateway.Recorded.
// Everything in it is a copy that this part owns.
type Recorded struct {
	Migration  string
	Service    string
	Route      string
	Rule       string
	Assigned   route.Side
	Answered   route.Side
	Subject    uint64 // hash of (salt, subject)
	HasSubject bool
	Trace      string // trace id, 32 hex digits
	Run        string // run of the mark that the answering side got, "" when the migration has none
	Epoch      int64  // of the share when the request was routed
	ByOwner    bool   // the entity's owner decided, not the subject's share
	ClientIP   netip.Addr
	Observed   bool   // a copy made by another proxy: there is no answer here
	Template   string // path template of the rule that matched, "" when it was none

	Method    string
	Host      string
	Target    string
	Header    []v1.Header
	Body      []byte
	Truncated bool // the request body was over the cap

	Status            int
	ResponseHeader    []v1.Header
	ResponseBody      []byte
	ResponseTruncated bool
	Instance          string

	Start   time.Time
	Latency time.Duration
}

// size is what a recording weighs in memory, in bytes.
func (r *Recorded) size() int64 {
	n := len(r.Body) + len(r.ResponseBody) + len(r.Target) + len(r.Host) + 512
	for _, h := range r.Header {
		n += len(h.Name) + len(h.Value) + 32
	}
	for _, h := range r.ResponseHeader {
		n += len(h.Name) + len(h.Value) + 32
	}
	return int64(n)
}

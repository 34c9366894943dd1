package v1

import "time"

// MigrationSpec moves a service from one subset of its instances to another, whatever the two are:
// Java to Go, x86 to arm64, v1 to v2. Every key but service, from and to has a default.
type MigrationSpec struct {
	Service string   `json:"service" doc:"Name of the service."`
	From    Selector `json:"from" doc:"The old subset, such as {runtime: java17}."`
	To      Selector `json:"to" doc:"The new subset, such as {runtime: go1.26}. No instance may be in both."`

	Steps   []float64     `json:"steps,omitempty" maxItems:"64" doc:"Shares of subjects on the new side, in percent, rising, the last 100; default 1, 5, 25, 50, 100."`
	Subject []ValueSource `json:"subject,omitempty" maxItems:"4" doc:"Where the subject is read; the first that is present counts; without one a request stays on the old side. Default: header X-User-Id, then cookie uid."`
	Salt    string        `json:"salt,omitempty" doc:"Changes which subjects move first; default the migration's name. It cannot change once the ramp began."`
	Observe bool          `json:"observe,omitempty" doc:"Stay in the observe phase: compare what an existing proxy copies to the observe listener, move nobody."`
	Paused  bool          `json:"paused,omitempty" doc:"Keep the share, decide nothing but a rollback."`

	Mirror   MirrorSpec   `json:"mirror,omitzero" doc:"How requests are copied to the side that did not answer."`
	Compare  CompareSpec  `json:"compare,omitzero" doc:"What counts as a difference."`
	Gates    GatesSpec    `json:"gates,omitzero" doc:"What the evidence must show before users move."`
	Fallback FallbackSpec `json:"fallback,omitzero" doc:"Return of single requests to the old side."`
	Breaker  BreakerSpec  `json:"breaker,omitzero" doc:"Circuit breaker of the new side."`
	Approval ApprovalSpec `json:"approval,omitzero" doc:"Which commands need a second person."`

	Effects EffectsSpec `json:"effects,omitzero" doc:"What requests do is compared beside what they answer; without captures only answers are."`
	Data    *DataSpec   `json:"data,omitempty" doc:"Rows that are carried across and kept in step; without it no row is touched."`
}

// Marked says whether requests of the migration carry a mark, so that what they do can be told apart.
func (s *MigrationSpec) Marked() bool { return s.Effects.Compared() || s.Data != nil }

// MirrorSpec bounds the copies.
type MirrorSpec struct {
	Percent      *float64 `json:"percent,omitempty" minimum:"0" maximum:"100" doc:"Share of comparable requests that are mirrored; default 100."`
	Triples      *float64 `json:"triplesPercent,omitempty" minimum:"0" maximum:"100" doc:"Share of mirrored requests that also ask the side that answered first a second time, to learn noise; default 20."`
	MaxInFlight  int      `json:"maxInFlight,omitempty" minimum:"0" doc:"Copies under way at most; default 64."`
	MaxBytes     int64    `json:"maxBytes,omitempty" minimum:"0" doc:"Bytes of recordings that wait or run at most; default 64 MiB."`
	MaxBodyBytes int64    `json:"maxBodyBytes,omitempty" minimum:"0" doc:"A request or answer body over this is not recorded; default 1 MiB."`
	Timeout      Duration `json:"timeout,omitempty" doc:"Limit of one copy; default 5s."`
	// MaxRate keeps mirroring from overloading the services.
	MaxRate int `json:"maxRatePerSecond,omitempty" minimum:"0" doc:"Copies a second at most; beyond it requests are not sampled, which is no drop; default 1000."`
}

// CompareSpec says what counts as a difference.
type CompareSpec struct {
	Headers []string        `json:"headers,omitempty" maxItems:"64" doc:"Response headers that matter; default Content-Type, Location, Set-Cookie (names and flags), Cache-Control, ETag presence."`
	Rules   map[string]bool `json:"rules,omitempty" doc:"Old/new equivalence rules by name, on or off; see docs for the names and their defaults."`
	// Enums is for the rule enum-ordinal.
	Enums  map[string][]string `json:"enums,omitempty" doc:"By field path, the names of an enum in the order of their ordinals."`
	Ignore []IgnoreRule        `json:"ignore,omitempty" maxItems:"256" doc:"Differences that are accepted, each with an owner and an expiry."`
	Unmask []string            `json:"unmask,omitempty" maxItems:"256" doc:"Field paths whose values may be shown; all others are masked in API, console and dossier."`
}

// IgnoreRule accepts a difference until it expires.
type IgnoreRule struct {
	Endpoint string    `json:"endpoint,omitempty" doc:"Endpoint template such as GET /orders/{id}; every endpoint when absent."`
	Path     string    `json:"path" doc:"Field path such as $.items[].price, status, or header:Content-Type."`
	Owner    string    `json:"owner" minLength:"1" doc:"Who answers for it."`
	Expires  time.Time `json:"expires" doc:"After this moment the difference counts again."`
	Reason   string    `json:"reason" minLength:"1" doc:"Why it is acceptable."`
}

// GatesSpec are the bounds of the gates. Looks at the data spend alpha, so that looking often does not
// make a false alarm likely.
type GatesSpec struct {
	Alpha          *float64 `json:"alpha,omitempty" doc:"Chance of a false alarm over the whole migration; default 0.01."`
	MinSamples     *int     `json:"minSamples,omitempty" minimum:"1" doc:"Comparable clusters an endpoint needs before mismatch can pass; default 300."`
	MaxMismatch    *float64 `json:"maxMismatchPercent,omitempty" doc:"Mismatch passes when its smallest detectable difference is at or below this, in percent; default 1."`
	MinRequests    *int     `json:"minRequests,omitempty" minimum:"1" doc:"Requests of the new cohort a step needs for error rate and latency; default 1000."`
	MaxErrorExcess *float64 `json:"maxErrorExcessPercent,omitempty" doc:"Error rate of the new cohort above the old one, in percentage points, that still passes; default 0.5."`
	LatencyFactor  *float64 `json:"latencyFactor,omitempty" doc:"A new answer is slow when it takes longer than factor x old p99 + slack; default 1.25."`
	LatencySlack   Duration `json:"latencySlack,omitempty" doc:"Default 5ms."`
	MaxSlow        *float64 `json:"maxSlowPercent,omitempty" doc:"Upper bound of the share of slow answers that still passes, in percent; default 3."`
	MaxDrops       *float64 `json:"maxMirrorDropsPercent,omitempty" doc:"Mirror copies dropped, in percent; default 0.1."`
	Mirror         Duration `json:"mirrorTime,omitempty" doc:"Least time in the mirror phase; default 10m."`
	Step           Duration `json:"stepTime,omitempty" doc:"Least time at each step; default 10m."`
	Hold           Duration `json:"holdTime,omitempty" doc:"Least time at 100 % before done; default 1h."`
}

// FallbackSpec returns a request to the old side when the new one refused it before any effect: no
// connection, or 503 with X-Jindu-Refused: 1. PUT and DELETE never cross.
type FallbackSpec struct {
	Disabled bool     `json:"disabled,omitempty" doc:"Turn fallback off."`
	Budget   *float64 `json:"budgetPercent,omitempty" minimum:"0" maximum:"100" doc:"Fallbacks at most this share of the new cohort's requests, beside 20 a second; default 20."`
}

// BreakerSpec opens the circuit of a subset that fails too often. While that of a migration's new side
// is open, its cohort is served by the old side under the fallback rules, and each such request counts
// as a failure of the new side.
type BreakerSpec struct {
	Disabled bool     `json:"disabled,omitempty" doc:"Turn the breaker off."`
	Failures *float64 `json:"failurePercent,omitempty" minimum:"1" maximum:"100" doc:"Share of failures in the window that opens it; default 50."`
	Requests *int     `json:"minRequests,omitempty" minimum:"1" doc:"Requests in the window before it may open; default 20."`
	Window   Duration `json:"window,omitempty" doc:"Default 10s."`
	Open     Duration `json:"open,omitempty" doc:"Time until a trial request; default 5s."`
}

// ApprovalSpec says which commands need a second person with the role approver. An emergency rollback
// never does.
type ApprovalSpec struct {
	Promote bool `json:"promote,omitempty" doc:"A promotion by hand needs a second person."`
	Resume  bool `json:"resume,omitempty" doc:"Closing a rollback (resume after it) needs a second person."`
}

// Phase is where a migration stands.
type Phase string

// The phases of a migration, in order; a rollback can happen in each but done needs a command.
const (
	PhaseObserve    Phase = "observe"     // copies come from another proxy; no user moves
	PhaseMirror     Phase = "mirror"      // the old side answers everyone, the new one is compared
	PhaseRamp       Phase = "ramp"        // the share rises step by step
	PhaseHold       Phase = "hold"        // everyone is on the new side, the old one stays ready
	PhaseDone       Phase = "done"        // finished; rollback is still one command
	PhaseRolledBack Phase = "rolled_back" // everyone is on the old side, until resume
)

// Verdict is what a gate says. Not enough evidence holds; a fail rolls back.
type Verdict string

// The three verdicts.
const (
	VerdictPass      Verdict = "pass"
	VerdictFail      Verdict = "fail"
	VerdictNotEnough Verdict = "not_enough"
)

// MigrationStatus is the controller's account of a migration, and what the data path obeys.
type MigrationStatus struct {
	Phase           Phase           `json:"phase,omitempty" enum:"observe,mirror,ramp,hold,done,rolled_back" doc:"Where the migration stands."`
	Step            int             `json:"step" doc:"Index into spec.steps during ramp; -1 before it."`
	Buckets         int             `json:"buckets" minimum:"0" maximum:"10000" doc:"Share on the new side in ten-thousandths: a subject whose bucket is below it is on the new side."`
	Epoch           int64           `json:"epoch" doc:"Rises with every change of buckets."`
	Since           *time.Time      `json:"since,omitempty" doc:"When the current phase or step began."`
	Latched         bool            `json:"latched,omitempty" doc:"The data path set the share to 0 by itself because the controller was silent; resume re-arms it."`
	Reason          string          `json:"reason,omitempty" doc:"Why the last transition happened."`
	Blocked         string          `json:"blocked,omitempty" doc:"What keeps the migration from going on now."`
	Verdict         Verdict         `json:"verdict,omitempty" enum:"pass,fail,not_enough" doc:"Of all gates together at the last transition."`
	Gates           []Gate          `json:"gates,omitempty" doc:"The gates as they stood at the last transition; live ones are in the evidence."`
	Baseline        *Baseline       `json:"baseline,omitempty" doc:"Old cohort of the last step at which it was large enough."`
	FirstDifference *DifferenceRef  `json:"firstDifference,omitempty" doc:"What differed first, when the mismatch gate failed."`
	Pending         *PendingCommand `json:"pending,omitempty" doc:"A command that waits for a second person."`
	History         []Transition    `json:"history,omitempty" doc:"The last 64 transitions, oldest first."`
	Versions        string          `json:"versions,omitempty" doc:"The pair of versions that the evidence is about; a new version on either side starts it anew."`
	Owner           string          `json:"owner,omitempty" enum:"creator,old,new" doc:"Who owns entities where spec.data.owners tells them: empty or creator: the side that created each; old or new: that side, all were handed over to it."`
}

// Gate is one condition with the numbers that decided it.
type Gate struct {
	Name     string  `json:"name" enum:"mismatch,errors,latency,mirror_drops,effects,data_lag,data_differences" doc:"Which condition."`
	Verdict  Verdict `json:"verdict" enum:"pass,fail,not_enough" doc:"What it says."`
	Baseline string  `json:"baseline,omitempty" enum:"concurrent,frozen" doc:"Which old cohort it was compared with."`
	Detail   string  `json:"detail" doc:"One sentence with the numbers."`
	Value    float64 `json:"value" doc:"What was measured: percent."`
	Bound    float64 `json:"bound" doc:"What it was held against: percent."`
	Samples  int64   `json:"samples" doc:"How many observations."`
}

// Baseline is the frozen old cohort.
type Baseline struct {
	Step      int       `json:"step" doc:"Step at which it was taken."`
	Taken     time.Time `json:"taken" doc:"When."`
	Requests  int64     `json:"requests" doc:"Requests of the old cohort."`
	Failures  int64     `json:"failures" doc:"Failures among them."`
	P99Micros int64     `json:"p99Micros" doc:"99th percentile of its latency, in microseconds."`
}

// DifferenceRef names a difference.
type DifferenceRef struct {
	Endpoint string `json:"endpoint" doc:"Endpoint template, such as GET /orders/{id}."`
	Path     string `json:"path" doc:"Field path, status, or header:Name."`
}

// PendingCommand waits for a second person.
type PendingCommand struct {
	Command string    `json:"command" enum:"promote,resume" doc:"What was asked for."`
	By      string    `json:"by" doc:"Who asked."`
	At      time.Time `json:"at" doc:"When; it lapses after an hour."`
}

// Transition is one move of the migration.
type Transition struct {
	At      time.Time `json:"at" doc:"When."`
	By      string    `json:"by" doc:"controller, data path, or who commanded it."`
	Phase   Phase     `json:"phase" doc:"Phase after it."`
	Step    int       `json:"step" doc:"Step after it."`
	Buckets int       `json:"buckets" doc:"Share after it, in ten-thousandths."`
	Reason  string    `json:"reason" doc:"Why."`
	Verdict Verdict   `json:"verdict,omitempty" doc:"Of the gates."`
	Gates   []Gate    `json:"gates,omitempty" doc:"The gates that decided."`
}

// Command is the body of a migration command.
type Command struct {
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Why; kept in history and audit."`
}

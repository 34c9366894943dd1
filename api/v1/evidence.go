package v1

import "time"

// Evidence is what is known of a migration now. Values are masked unless spec.compare.unmask lists
// their path.
type Evidence struct {
	Migration string             `json:"migration" doc:"Name of the migration."`
	Versions  string             `json:"versions" doc:"Pair of versions that it is about, old → new."`
	Since     time.Time          `json:"since" doc:"When collecting began."`
	Gates     []Gate             `json:"gates" doc:"The gates as they stand now."`
	Verdict   Verdict            `json:"verdict" enum:"pass,fail,not_enough" doc:"All gates together."`
	Old       CohortTraffic      `json:"old" doc:"Traffic of the old cohort in this phase or step."`
	New       CohortTraffic      `json:"new" doc:"Traffic of the new cohort in this phase or step."`
	Mirror    MirrorCounts       `json:"mirror" doc:"What became of the copies."`
	Endpoints []EndpointEvidence `json:"endpoints" doc:"By endpoint template, the worst first."`
}

// CohortTraffic is the traffic charged to the cohort assigned; a fallback counts as a failure of the
// new side.
type CohortTraffic struct {
	Requests  int64 `json:"requests" doc:"Requests assigned."`
	Failures  int64 `json:"failures" doc:"Answered 5xx, not at all, or by fallback."`
	Fallbacks int64 `json:"fallbacks" doc:"Answered by the other side."`
	P50Micros int64 `json:"p50Micros" doc:"Median latency in microseconds."`
	P99Micros int64 `json:"p99Micros" doc:"99th percentile of latency in microseconds."`
}

// MirrorCounts says what became of recorded requests.
type MirrorCounts struct {
	Offered       int64            `json:"offered" doc:"Recordings offered for mirroring."`
	Compared      int64            `json:"compared" doc:"Pairs and triples compared."`
	Triples       int64            `json:"triples" doc:"Compared with a control: a second answer of the side that answered first."`
	NotSampled    int64            `json:"notSampled" doc:"Left out by percent or rate; no drop."`
	NotComparable map[string]int64 `json:"notComparable" doc:"By reason: unsafe_method, state_differs, truncated, shadow_header, upgraded, effects_late, effects_lost, effects_refused."`
	Dropped       map[string]int64 `json:"dropped" doc:"By reason: queue_full, bytes_full, timeout, failed, shutdown."`
}

// EndpointEvidence is what is known of one endpoint.
type EndpointEvidence struct {
	Endpoint      string         `json:"endpoint" doc:"Method and path template."`
	Verdict       Verdict        `json:"verdict" enum:"pass,fail,not_enough" doc:"Of this endpoint."`
	Pairs         int64          `json:"pairs" doc:"Answers compared."`
	Clusters      int64          `json:"clusters" doc:"Different (subject, endpoint) among them: the n of the test."`
	Triples       int64          `json:"triples" doc:"Those with a control: a second answer of the side that answered first."`
	NotComparable int64          `json:"notComparable" doc:"Seen but not comparable."`
	Mismatches    int64          `json:"mismatches" doc:"Clusters with a difference that counts."`
	Rate          float64        `json:"rate" doc:"Mismatches per cluster."`
	Low           float64        `json:"low" doc:"Wilson interval 95 %, lower end; for display."`
	High          float64        `json:"high" doc:"Wilson interval 95 %, upper end; for display."`
	Detectable    float64        `json:"detectable" doc:"Smallest difference rate that n would have shown."`
	StateDiffers  int64          `json:"stateDiffers,omitempty" doc:"Places where the sides had found other data before they changed it, so that what they wrote does not compare."`
	Paths         []PathEvidence `json:"paths" doc:"Paths that differed or are noisy, the worst first."`
	OmittedPaths  int64          `json:"omittedPaths" doc:"Paths beyond the bound that are not tracked."`
}

// NoiseClass is how a path behaves when the old side is asked twice.
type NoiseClass string

// The classes of noise.
const (
	NoiseUnknown       NoiseClass = "unknown"
	NoiseDeterministic NoiseClass = "deterministic"
	NoiseTimeLike      NoiseClass = "time_like"
	NoiseIDLike        NoiseClass = "id_like"
	NoiseOrderFree     NoiseClass = "order_free"
	NoiseTolerance     NoiseClass = "tolerance"
)

// PathEvidence is what is known of one field path of an endpoint.
type PathEvidence struct {
	Path      string     `json:"path" doc:"Field path such as $.items[].price, status, body, or header:Name."`
	Class     NoiseClass `json:"class" enum:"unknown,deterministic,time_like,id_like,order_free,tolerance" doc:"How it behaves between two old answers."`
	Verdict   Verdict    `json:"verdict" enum:"pass,fail,not_enough" doc:"Of this path."`
	Clusters  int64      `json:"clusters" doc:"Clusters that showed the path."`
	Evidence  int64      `json:"evidence" doc:"b: old = old, new differs (clusters)."`
	Counter   int64      `json:"counter" doc:"c: old differs from old, new = old (clusters)."`
	Noise     int64      `json:"noise" doc:"Old differs from old."`
	Subjects  int64      `json:"subjects" doc:"Different subjects among the evidence."`
	PValue    float64    `json:"pValue" doc:"One-sided exact test, after Holm's correction."`
	Alpha     float64    `json:"alpha" doc:"What this look may spend."`
	FirstSeen *time.Time `json:"firstSeen,omitempty" doc:"When it differed first."`
	Ignored   string     `json:"ignored,omitempty" doc:"Owner and expiry of the ignore rule that covers it."`
	Samples   []Sample   `json:"samples" doc:"Up to five differing values, masked."`
}

// Sample shows one difference.
type Sample struct {
	At    time.Time `json:"at" doc:"When."`
	Old   string    `json:"old" doc:"Value of the old side."`
	New   string    `json:"new" doc:"Value of the new side."`
	Trace string    `json:"trace,omitempty" doc:"Trace id of the request."`
}

// Dossier is the signed-off record of a migration: what was compared, how often, what differed, what
// was ignored and by whom, and every decision with its numbers.
type Dossier struct {
	Made     time.Time       `json:"made" doc:"When the report was made."`
	Version  string          `json:"version" doc:"Jindu's version."`
	Name     string          `json:"name" doc:"Name of the migration."`
	Spec     MigrationSpec   `json:"spec" doc:"As it stands."`
	Status   MigrationStatus `json:"status" doc:"As it stands."`
	Evidence Evidence        `json:"evidence" doc:"As it stands."`
	Ignored  []IgnoreRule    `json:"ignored" doc:"Every ignore rule in force."`
	Expired  []IgnoreRule    `json:"expired" doc:"Every ignore rule that no longer holds."`
	Audit    []AuditRecord   `json:"audit" doc:"Every change and transition, newest first."`
}

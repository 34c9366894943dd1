package v1

import "time"

// EffectsSpec says how what a request did is compared, beside what it answered: rows written, Redis
// operations, messages sent, calls out. Without it only answers are compared.
type EffectsSpec struct {
	Old    []string `json:"old,omitempty" maxItems:"16" doc:"Captures that must have told all of a run of the old side before it is compared: report (sdk/effects or the Java agent), proxy:NAME and database:NAME, as the node's configuration names them."`
	New    []string `json:"new,omitempty" maxItems:"16" doc:"The same of the new side."`
	Settle Duration `json:"settle,omitempty" doc:"How long after the answers the captures may take; what is late then is not compared and counted; default 2s."`
	// Tables pairs what the two sides call by different names, old to new, so that they compare.
	Names map[string]string `json:"names,omitempty" doc:"Names of the old side's tables, key prefixes, topics and call targets that the new side calls otherwise, old: new."`
}

// Compared says whether effects are compared at all.
func (e *EffectsSpec) Compared() bool { return len(e.Old) > 0 || len(e.New) > 0 }

// EffectKind is what sort of thing a request did.
type EffectKind string

// The kinds of effects.
const (
	EffectRow     EffectKind = "row"     // a row inserted, updated or deleted
	EffectSQL     EffectKind = "sql"     // a statement that writes, where its rows are not known
	EffectRedis   EffectKind = "redis"   // an operation that writes
	EffectMessage EffectKind = "message" // a message sent
	EffectCall    EffectKind = "call"    // a request to another service
)

// Effect is one thing that a run of a request did.
type Effect struct {
	Kind   EffectKind `json:"kind" enum:"row,sql,redis,message,call" doc:"What sort of thing."`
	Op     string     `json:"op" maxLength:"64" doc:"insert, update, delete; the Redis command in capitals; send; the method of a call."`
	Target string     `json:"target" maxLength:"1024" doc:"Table, Redis key, topic, or host and path of a call."`
	// Key are the columns of a row's primary key.
	Key    []ColumnValue `json:"key,omitempty" maxItems:"64" doc:"Primary key of a row; before the change."`
	Before []ColumnValue `json:"before,omitempty" maxItems:"4096" doc:"The row before; of an update, the columns that changed."`
	After  []ColumnValue `json:"after,omitempty" maxItems:"4096" doc:"The row after; of an update, the columns that changed."`
	Args   []string      `json:"args,omitempty" maxItems:"4096" doc:"Arguments of a statement or a Redis operation, as text."`
	Text   string        `json:"text,omitempty" maxLength:"65536" doc:"The statement, without its mark; only where the rows are not known."`
	Body   string        `json:"body,omitempty" doc:"Body of a message or call; base64 when it is no UTF-8."`
	Base64 bool          `json:"base64,omitempty" doc:"The body is base64."`
	Rows   int64         `json:"rows,omitempty" doc:"Rows that a statement changed."`
	// Status and Answer are for replay: a dependency that is not there answers from the recording.
	Status int    `json:"status,omitempty" doc:"Status that a call was answered with."`
	Answer string `json:"answer,omitempty" doc:"Body that a call was answered with; base64 like the body."`
	// Fate is empty for an effect that happened.
	Fate      string `json:"fate,omitempty" enum:"rolled_back,shadowed,refused,unknown" doc:"What became of it: empty: it happened; rolled_back: recorded and undone; shadowed: it went to a shadow table, prefix or topic; refused: it was not let out; unknown: the connection was lost before the outcome was."`
	Truncated bool   `json:"truncated,omitempty" doc:"Something of it was over a bound and is missing."`
}

// ColumnValue is a column and its value in canonical text, the same for every database.
type ColumnValue struct {
	Name  string  `json:"name" doc:"Column."`
	Value *string `json:"value" doc:"Canonical text; null is SQL's NULL."`
}

// EffectReport is what sdk/effects and the Java agent send of runs.
type EffectReport struct {
	Runs []RunEffects `json:"runs" maxItems:"1024" doc:"One element a run."`
	Lost int64        `json:"lost,omitempty" doc:"Runs since the last report that were dropped because the reporter's queue was full."`
}

// RunEffects are effects of one run.
type RunEffects struct {
	Run     string   `json:"run" minLength:"16" maxLength:"16" doc:"The run of the mark."`
	Effects []Effect `json:"effects" maxItems:"4096" doc:"In the order in which they happened."`
	Closed  bool     `json:"closed,omitempty" doc:"The request ended; nothing more comes of this run."`
	// Statements lets the node tell that a capture at the database missed some.
	Statements int `json:"statements,omitempty" doc:"Statements that write which the run sent to databases, for holding against what captures saw."`
}

// EffectCounts says what became of effects.
type EffectCounts struct {
	Runs         int64            `json:"runs" doc:"Runs whose effects were asked for."`
	Complete     int64            `json:"complete" doc:"Runs of which every capture told all."`
	Late         int64            `json:"late" doc:"Runs of which a capture had not told all in time: not compared."`
	Unattributed map[string]int64 `json:"unattributed" doc:"Writes without a mark, by capture: they belong to no request that Jindu knows."`
	Refused      map[string]int64 `json:"refused" doc:"Writes of shadows that were not let out, by capture."`
	Dropped      map[string]int64 `json:"dropped" doc:"Effects dropped, by reason: runs, effects, bytes, reporter."`
}

// EffectsView is what is known of a migration's effects.
type EffectsView struct {
	Counts EffectCounts     `json:"counts" doc:"What became of effects."`
	Pairs  []RunEffectsView `json:"pairs" doc:"The latest pairs whose effects differ, newest first, at most 100."`
}

// RunEffectsView is a pair of runs side by side, for people.
type RunEffectsView struct {
	At       time.Time `json:"at" doc:"When the request began."`
	Endpoint string    `json:"endpoint" doc:"Endpoint template."`
	Trace    string    `json:"trace,omitempty" doc:"Trace id."`
	Paths    []string  `json:"paths" doc:"Field paths that differ."`
	Old      []Effect  `json:"old" doc:"What the old side did; values are masked unless spec.compare.unmask lists their path."`
	New      []Effect  `json:"new" doc:"What the new side did."`
}

package v1

import "time"

// DataSpec carries the rows of a migration across: captured on the side that wrote them, applied on the
// other, reconciled, and back. Without it no row is touched.
type DataSpec struct {
	Old    DataSide    `json:"old" doc:"Database of the old side."`
	New    DataSide    `json:"new" doc:"Database of the new side."`
	Tables []TableRule `json:"tables" minItems:"1" maxItems:"256" doc:"What is carried; parents before children."`
	Owners []OwnerRule `json:"owners,omitempty" maxItems:"64" doc:"How a request about an entity tells which side created it; such a request goes to that side whatever its subject's share, until the entity is handed over."`
	// Winner is who is right when rows differ and a repair is asked for.
	Winner string   `json:"winner,omitempty" enum:"old,new,owner" doc:"Which side's row a repair copies: old, new, or the side that owns the row; without it nothing can be repaired."`
	MaxLag Duration `json:"maxLag,omitempty" doc:"Convergence, commit to applied, that still lets users move; default 1s."`
	Strong Duration `json:"strong,omitempty" doc:"Alarm for tables declared strong; default 100ms."`
	Grace  Duration `json:"grace,omitempty" doc:"How long a difference must last before it is called one; default 2s."`
	Every  Duration `json:"every,omitempty" doc:"Time between the rolling windows; default 10s."`
	Drain  Duration `json:"drain,omitempty" doc:"How long a change of share waits for the losing side's changes to arrive on the other; default 2s."`
	// Delay lets copies run on the rows that the request found.
	Delay   Duration `json:"mirrorDelay,omitempty" doc:"In the mirror phase changes of the old side are applied this long after their commit, so that copies of a request find the rows as the request found them; default 250ms with spec.effects, else 0s."`
	MaxRate int      `json:"maxRowsPerSecond,omitempty" minimum:"0" doc:"Backfill and full comparison read at most this many rows a second; default 50,000."`
	Chunk   int      `json:"chunkRows,omitempty" minimum:"0" maximum:"100000" doc:"Rows of one read of a backfill; default 1000."`
}

// DataSide names a database and how its changes are captured.
type DataSide struct {
	Database string `json:"database" doc:"Name of a database in the node's configuration, data.databases."`
	Capture  string `json:"capture" enum:"binlog,pgoutput,outbox" doc:"binlog: MariaDB or MySQL, row format. pgoutput: PostgreSQL logical decoding. outbox: the service writes a row of table jindu_outbox in its own transaction."`
}

// TableRule is one table, and how its rows look on the other side.
type TableRule struct {
	Name    string       `json:"name" doc:"Table on the old side."`
	To      string       `json:"to,omitempty" doc:"Table on the new side; default the same."`
	Version string       `json:"version,omitempty" doc:"Column of the old side that rises with every change of a row, on either side. Without it Jindu keeps versions in a table of its own, jindu_version."`
	Owner   string       `json:"owner,omitempty" doc:"Column that says which side owns the row: old or new. Without it the side that may write it is that of its request."`
	Columns []ColumnRule `json:"columns,omitempty" maxItems:"512" doc:"Columns that differ between the sides; all others are carried as they are."`
	Skip    []string     `json:"skip,omitempty" maxItems:"512" doc:"Columns of the old side that are not carried nor compared."`
	Money   []string     `json:"money,omitempty" maxItems:"512" doc:"Columns of money or stock: a difference in one opens a case and is never repaired without a person."`
	Strong  bool         `json:"strong,omitempty" doc:"Changes must arrive within spec.data.strong, else the alarm."`
	// Settled is for the rolling windows.
	Settled string `json:"settled,omitempty" doc:"Column with the time of a row's last change, indexed; rolling windows compare by it. Without it the table is compared in full only."`
}

// ColumnRule says what becomes of columns. From and To name columns; one to many splits, many to one joins.
type ColumnRule struct {
	From  []string `json:"from,omitempty" maxItems:"16" doc:"Columns of the old side; none with default: the new side alone has it."`
	To    []string `json:"to,omitempty" maxItems:"16" doc:"Columns of the new side; none: the same as skip."`
	Split string   `json:"split,omitempty" maxLength:"16" doc:"Separator: one text column becomes several by it and back."`
	Scale int      `json:"scale,omitempty" minimum:"-18" maximum:"18" doc:"Number of the new side = number of the old side x 10^scale: 2 turns an amount into cents."`
	Zone  string   `json:"zone,omitempty" doc:"The old side keeps a time without zone in this one, such as Asia/Shanghai; the new side keeps the instant."`
	// Values translates.
	Values  map[string]string `json:"values,omitempty" doc:"Values of the old side and what the new side writes for them; both must be unique, so that the way back exists."`
	Null    string            `json:"null,omitempty" enum:"empty" doc:"empty: NULL of the one side is the empty text of the other."`
	Default *string           `json:"default,omitempty" doc:"Value of a column that only the new side has."`
	Type    string            `json:"type,omitempty" enum:"text,integer,decimal,boolean,time" doc:"Read the old value as this before writing it: integer to boolean, text to decimal."`
}

// OwnerRule finds the entity of a request. The first rule whose path fits and whose id is present counts.
type OwnerRule struct {
	Path   string       `json:"path" doc:"Path template with {id}, such as /orders/{id}/cancel or /callbacks/{id}. A trailing /* fits the path itself and everything below."`
	Method string       `json:"method,omitempty" doc:"Request method, in capitals; any when absent."`
	ID     *ValueSource `json:"id,omitempty" doc:"Where the id is when it is not in the path."`
	New    string       `json:"new" doc:"RE2, anchored at both ends: ids that the new side created. All others are the old side's."`
}

// Sides of data, and who owns an entity that was never handed over.
const (
	SideOld      = "old"
	SideNew      = "new"
	OwnerCreator = "creator"
)

// DataStatus is where the data of a migration stands. It is computed when asked, not stored.
type DataStatus struct {
	Migration string         `json:"migration" doc:"Name of the migration."`
	Owner     string         `json:"owner" enum:"creator,old,new" doc:"Who owns entities: the side that created each, or one side after all were handed over."`
	Window    string         `json:"window" enum:"closed,open" doc:"Whether a rollback still finds its data: open while the reverse relay keeps the old side current."`
	Relays    []RelayStatus  `json:"relays" doc:"Old to new, and back."`
	Tables    []TableStatus  `json:"tables" doc:"By table of the old side."`
	Cases     int            `json:"cases" doc:"Open cases."`
	Parked    int64          `json:"parked" doc:"Changes that could not be applied and wait for a person."`
	Problem   string         `json:"problem,omitempty" doc:"What keeps data from crossing, and what to do."`
	Gates     []Gate         `json:"gates" doc:"What data says to a promotion."`
	Fences    []FenceStatus  `json:"fences,omitempty" doc:"Shares that moved, newest first."`
	Windows   []WindowResult `json:"windows" doc:"The last rolling windows, newest first."`
}

// RelayStatus is one direction.
type RelayStatus struct {
	From      string     `json:"from" enum:"old,new" doc:"Side whose changes are carried."`
	Capture   string     `json:"capture" doc:"How they are captured."`
	State     string     `json:"state" enum:"off,starting,running,stalled,lost" doc:"lost: the log that was needed is gone, a full comparison must find what differs."`
	Position  string     `json:"position" doc:"Place in the log up to which everything is applied."`
	Watermark *time.Time `json:"watermark,omitempty" doc:"Everything committed before it is applied."`
	Changes   int64      `json:"changes" doc:"Row changes applied."`
	Stale     int64      `json:"stale" doc:"Changes passed over because the row was newer already."`
	Origin    int64      `json:"origin" doc:"Changes passed over because Jindu itself had written them."`
	Parked    int64      `json:"parked" doc:"Changes that could not be applied, and those of the same rows behind them."`
	P50Micros int64      `json:"p50Micros" doc:"Median of convergence, commit to applied, in microseconds."`
	P99Micros int64      `json:"p99Micros" doc:"99th percentile of it."`
	MaxMicros int64      `json:"maxMicros" doc:"Largest of the last minute."`
	Alarms    int64      `json:"alarms" doc:"Changes of strong tables that came too late."`
	Problem   string     `json:"problem,omitempty" doc:"Why it does not run, and what to do."`
}

// TableStatus is one table.
type TableStatus struct {
	Table    string     `json:"table" doc:"Name on the old side."`
	To       string     `json:"to" doc:"Name on the new side."`
	Backfill string     `json:"backfill" enum:"waiting,running,done,failed" doc:"Where the copy of what was there before stands."`
	Copied   int64      `json:"copied" doc:"Rows that the backfill read."`
	OldRows  int64      `json:"oldRows" doc:"Rows of the old side at the last full comparison; -1 before one."`
	NewRows  int64      `json:"newRows" doc:"Rows of the new side at the last full comparison; -1 before one."`
	Differ   int64      `json:"differ" doc:"Rows known to differ now, after the grace."`
	Repaired int64      `json:"repaired" doc:"Rows repaired."`
	Compared *time.Time `json:"compared,omitempty" doc:"When the last full comparison ended."`
	Problem  string     `json:"problem,omitempty" doc:"What is wrong, and what to do."`
}

// WindowResult is one rolling window.
type WindowResult struct {
	Table   string    `json:"table" doc:"Table of the old side."`
	From    time.Time `json:"from" doc:"Begin."`
	Until   time.Time `json:"until" doc:"End, below the watermark of both relays."`
	Rows    int64     `json:"rows" doc:"Rows of the old side in it."`
	Differ  int64     `json:"differ" doc:"Rows that differ, after the grace."`
	Settled int64     `json:"settled" doc:"Rows that differed at first and no longer did after the grace."`
}

// FenceStatus is one change of share as the databases know it.
type FenceStatus struct {
	Epoch   int64     `json:"epoch" doc:"Epoch that began with it."`
	From    string    `json:"from" enum:"old,new" doc:"Side that may no longer write for these subjects."`
	Low     int       `json:"low" doc:"First bucket that moved."`
	High    int       `json:"high" doc:"Bucket behind the last one that moved; 10001 includes requests without a subject."`
	At      time.Time `json:"at" doc:"When."`
	Drained bool      `json:"drained" doc:"Every change of the losing side had arrived before the share changed."`
	Pending int64     `json:"pending,omitempty" doc:"Changes that had not, when the time was up."`
}

// RowDifference is a row that is not the same on both sides.
type RowDifference struct {
	Table   string        `json:"table" doc:"Table of the old side."`
	Key     []ColumnValue `json:"key" doc:"Primary key, as the old side writes it."`
	Kind    string        `json:"kind" enum:"missing_old,missing_new,differs" doc:"On which side it is missing, or that it differs."`
	Columns []string      `json:"columns,omitempty" doc:"Columns that differ."`
	Old     []ColumnValue `json:"old,omitempty" doc:"Row of the old side, carried into the new side's form; masked unless unmasked."`
	New     []ColumnValue `json:"new,omitempty" doc:"Row of the new side."`
	Since   time.Time     `json:"since" doc:"When it was first seen."`
	Case    string        `json:"case,omitempty" doc:"The case it belongs to."`
}

// DiffRequest asks for a comparison.
type DiffRequest struct {
	Tables []string `json:"tables,omitempty" doc:"Tables of the old side; all when absent."`
	Full   bool     `json:"full,omitempty" doc:"Compare everything by bisection; otherwise what is known already is shown."`
}

// DiffResult is what a comparison found.
type DiffResult struct {
	Rows        map[string]int64 `json:"rows" doc:"Rows compared, by table of the old side."`
	Differences []RowDifference  `json:"differences" doc:"At most 1,000."`
	More        int64            `json:"more,omitempty" doc:"Differences beyond those shown."`
	Seconds     float64          `json:"seconds" doc:"How long it took."`
}

// RepairRequest asks for a repair.
type RepairRequest struct {
	Tables []string `json:"tables,omitempty" doc:"Tables of the old side; all when absent."`
	DryRun bool     `json:"dryRun,omitempty" doc:"Say what would be written and write nothing."`
	Undo   string   `json:"undo,omitempty" doc:"Take back the repair with this id instead."`
}

// RepairResult is what a repair did or would do.
type RepairResult struct {
	ID      string          `json:"id" doc:"Of the repair, for undo; empty of a dry run."`
	Winner  string          `json:"winner" doc:"Whose rows were copied."`
	Rows    []RowDifference `json:"rows" doc:"Rows written, at most 1,000."`
	Written int64           `json:"written" doc:"How many rows were written, or would be."`
	Skipped int64           `json:"skipped" doc:"Rows that changed since they were compared, or differ no more."`
	Cases   int64           `json:"cases" doc:"Rows that need a person: money or stock."`
	DryRun  bool            `json:"dryRun" doc:"Nothing was written."`
}

// Case is a difference that only a person may settle.
type Case struct {
	ID         string        `json:"id" doc:"Of the case."`
	Opened     time.Time     `json:"opened" doc:"When."`
	Closed     *time.Time    `json:"closed,omitempty" doc:"When it was settled."`
	By         string        `json:"by,omitempty" doc:"Who settled it."`
	Decision   string        `json:"decision,omitempty" enum:"old,new,both,equal" doc:"Whose row was taken; both: it stays as it is; equal: the sides came to agree by themselves."`
	Reason     string        `json:"reason,omitempty" doc:"Why."`
	Difference RowDifference `json:"difference" doc:"The row."`
	History    []CaseChange  `json:"history" doc:"What both sides did to the row, as captured, oldest first."`
}

// CaseChange is one captured change of a row.
type CaseChange struct {
	Side     string        `json:"side" enum:"old,new" doc:"Where it was committed."`
	At       time.Time     `json:"at" doc:"Commit time."`
	Op       string        `json:"op" enum:"insert,update,delete" doc:"What was done."`
	Run      string        `json:"run,omitempty" doc:"Run of the request that did it, when its mark is known."`
	Position string        `json:"position" doc:"Place in the log."`
	After    []ColumnValue `json:"after,omitempty" doc:"The row after it."`
}

// CaseDecision settles a case.
type CaseDecision struct {
	Decision string `json:"decision" enum:"old,new,both" doc:"Whose row is taken; both leaves the rows as they are."`
	Reason   string `json:"reason" minLength:"1" maxLength:"500" doc:"Why; kept in the case and the audit."`
}

// ParkedChange could not be applied.
type ParkedChange struct {
	ID       string        `json:"id" doc:"Of the change, for retry and skip."`
	From     string        `json:"from" enum:"old,new" doc:"Side it was captured on."`
	Table    string        `json:"table" doc:"Table of the old side."`
	Key      []ColumnValue `json:"key" doc:"Primary key."`
	Position string        `json:"position" doc:"Place in the log."`
	At       time.Time     `json:"at" doc:"Commit time."`
	Op       string        `json:"op" enum:"insert,update,delete" doc:"What was done."`
	Error    string        `json:"error" doc:"Why it could not be applied."`
	Behind   int64         `json:"behind" doc:"Later changes of the same row that wait behind it."`
}

// SampleMapping is a dry run of the mapping on rows as they are.
type SampleMapping struct {
	Table string        `json:"table" doc:"Table of the old side."`
	Old   []ColumnValue `json:"old" doc:"Row of the old side."`
	New   []ColumnValue `json:"new" doc:"What would be written on the new side."`
	Back  []ColumnValue `json:"back" doc:"That carried back; columns that do not come back the same are listed in lossy."`
	Lossy []string      `json:"lossy,omitempty" doc:"Columns that would not survive the way there and back."`
	Error string        `json:"error,omitempty" doc:"Why the row cannot be carried."`
}

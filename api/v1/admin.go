package v1

import (
	"encoding/json"
	"time"
)

// AuditRecord says who changed what, when, from what to what.
type AuditRecord struct {
	Revision int64           `json:"revision" doc:"Store revision of the change; unique, rising."`
	At       time.Time       `json:"at" doc:"When, by the node's clock."`
	By       string          `json:"by" doc:"Principal, or controller:<part>."`
	Action   string          `json:"action" enum:"create,update,delete,transition,command" doc:"What happened; command: something was done that changed nothing of the object, such as a repair of its rows."`
	Kind     Kind            `json:"kind" enum:"Service,Instance,Route,Migration" doc:"Of the object."`
	Name     string          `json:"name" doc:"Of the object."`
	Before   json.RawMessage `json:"before,omitempty" doc:"Spec (or status, for a transition) before; absent for create."`
	After    json.RawMessage `json:"after,omitempty" doc:"Spec (or status) after, or what was done; absent for delete."`
}

// AuditPage is a page of the audit log, newest first.
type AuditPage struct {
	Items []AuditRecord `json:"items" doc:"Records, newest first."`
	Next  int64         `json:"next,omitempty" doc:"Pass as before to get the next page; absent at the end."`
	// Trimmed counts from the store's beginning: the log is bounded.
	Trimmed int64 `json:"trimmed" doc:"Oldest records let go so far, because the log is bounded."`
}

// List is a list of objects with the revision at which it was true.
type List[T any] struct {
	Items    []T   `json:"items" doc:"Objects, by name."`
	Revision int64 `json:"revision" doc:"Store revision of the list; watch from the next one."`
}

// WatchEvent is one event of the watch stream.
type WatchEvent struct {
	Type     string          `json:"type" enum:"put,delete" doc:"What happened."`
	Kind     Kind            `json:"kind" enum:"Service,Instance,Route,Migration" doc:"Of the object."`
	Name     string          `json:"name" doc:"Of the object."`
	Revision int64           `json:"revision" doc:"Store revision of the change."`
	Object   json.RawMessage `json:"object,omitempty" doc:"The object after a put."`
}

// Role is what a principal may do; each includes those before it, except register.
type Role string

// The roles.
const (
	RoleViewer   Role = "viewer"   // read everything
	RoleOperator Role = "operator" // change objects, command migrations
	RoleApprover Role = "approver" // second person of a command
	RoleAdmin    Role = "admin"    // node: reload
	RoleRegister Role = "register" // register and heartbeat the services named in the token, nothing else
)

// Identity says who the caller is.
type Identity struct {
	Name     string   `json:"name" doc:"Principal: the name of the token, or local."`
	Role     Role     `json:"role" enum:"viewer,operator,approver,admin,register" doc:"What it may do."`
	Services []string `json:"services,omitempty" doc:"Services a register token is for."`
	Actor    string   `json:"actor,omitempty" doc:"Who a local caller says it is. It is shown in audit and never counts as another person."`
}

// By is the identity as audit and history show it: the principal, with the claimed actor of a local
// caller behind a colon. Rules that need two persons compare Name, never By.
func (i Identity) By() string {
	if i.Actor == "" {
		return i.Name
	}
	return i.Name + ":" + i.Actor
}

// Node describes the running process.
type Node struct {
	Version  string    `json:"version" doc:"Version of the binary."`
	Go       string    `json:"go" doc:"Go version it was built with."`
	OS       string    `json:"os" doc:"Operating system."`
	Arch     string    `json:"arch" doc:"Architecture."`
	Started  time.Time `json:"started" doc:"When the process started."`
	Ready    bool      `json:"ready" doc:"Whether it takes traffic."`
	Gateway  string    `json:"gateway" doc:"Address of the gateway's listener."`
	Revision int64     `json:"revision" doc:"Revision of the store."`
	Applied  int64     `json:"applied" doc:"Revision of the route table in force."`
}

// Reload answers a reload of the node's configuration.
type Reload struct {
	Applied []ConfigChange `json:"applied" doc:"Changes in force now."`
	Restart []ConfigChange `json:"restart" doc:"Changes that wait for a restart."`
}

// ConfigChange is one key whose value changed.
type ConfigChange struct {
	Path string `json:"path" doc:"Key, such as gateway.maxConnections."`
	Old  string `json:"old" doc:"Value before, as YAML; a secret as its reference."`
	New  string `json:"new" doc:"Value after."`
}

// Overview is the live traffic of the node over the last interval.
type Overview struct {
	At          time.Time       `json:"at" doc:"End of the interval."`
	Seconds     float64         `json:"seconds" doc:"Length of the interval."`
	Rate        float64         `json:"rate" doc:"Requests a second."`
	Errors      float64         `json:"errors" doc:"Answers 5xx or none, a second."`
	InFlight    int64           `json:"inFlight" doc:"Requests under way."`
	Connections int64           `json:"connections" doc:"Client connections open."`
	Subsets     []SubsetTraffic `json:"subsets" doc:"By service and subset, by rate."`
}

// SubsetTraffic is the traffic of one subset over the interval.
type SubsetTraffic struct {
	Service   string  `json:"service" doc:"Name of the service."`
	Subset    string  `json:"subset" doc:"Selector in words, such as runtime=java17; * for the whole service."`
	Rate      float64 `json:"rate" doc:"Requests a second."`
	Errors    float64 `json:"errors" doc:"Failures a second."`
	P50Micros int64   `json:"p50Micros" doc:"Median latency in microseconds."`
	P99Micros int64   `json:"p99Micros" doc:"99th percentile of latency in microseconds."`
}

// EstateRow is one service on the board's page.
type EstateRow struct {
	Service   string         `json:"service" doc:"Name of the service."`
	Owner     string         `json:"owner,omitempty" doc:"Who to ask."`
	Runtimes  map[string]int `json:"runtimes" doc:"Instances by runtime."`
	Usable    int            `json:"usable" doc:"Instances that get traffic."`
	Rate      float64        `json:"rate" doc:"Requests a second."`
	NewShare  float64        `json:"newShare" doc:"Measured share of calls answered by the new side, in percent."`
	Migration string         `json:"migration,omitempty" doc:"Name of its migration."`
	Phase     Phase          `json:"phase,omitempty" doc:"Phase of its migration."`
	Share     float64        `json:"share" doc:"Share of subjects on the new side, in percent."`
	Blocked   string         `json:"blocked,omitempty" doc:"What keeps it from going on."`
}

// Problem is the body of every error (RFC 9457), with a stable code.
type Problem struct {
	Status int          `json:"status" doc:"HTTP status."`
	Title  string       `json:"title" doc:"Kind of the error."`
	Code   string       `json:"code" doc:"Stable code, listed in api/errors.md."`
	Detail string       `json:"detail" doc:"What is wrong and what to do."`
	Errors []FieldError `json:"errors,omitempty" doc:"Each wrong field."`
}

// FieldError is one wrong field.
type FieldError struct {
	Field  string `json:"field" doc:"Path of the field, such as spec.rules[0].backendRefs."`
	Value  string `json:"value,omitempty" doc:"What was given."`
	Detail string `json:"detail" doc:"What is wrong with it and what to do."`
}

package v1

import "time"

// APIVersion is the apiVersion of every object of this package.
const APIVersion = "jindu.dev/v1"

// Kind names a type of object.
type Kind string

// The kinds of objects.
const (
	KindService   Kind = "Service"
	KindInstance  Kind = "Instance"
	KindRoute     Kind = "Route"
	KindMigration Kind = "Migration"
)

// Kinds lists every kind in the order in which a bundle of objects is applied: a migration before the
// instances that it keeps apart, so that no request reaches the new side in between.
var Kinds = []Kind{KindService, KindMigration, KindRoute, KindInstance}

// TypeMeta says what an object is.
type TypeMeta struct {
	APIVersion string `json:"apiVersion" enum:"jindu.dev/v1" doc:"Version of the object's shape."`
	Kind       Kind   `json:"kind" enum:"Service,Instance,Route,Migration" doc:"Type of the object."`
}

// Meta is the part of an object that is the same for every kind.
type Meta struct {
	Name       string            `json:"name" maxLength:"253" pattern:"^[a-z0-9]([-a-z0-9.:_]*[a-z0-9])?$" doc:"Unique within the kind."`
	Labels     map[string]string `json:"labels,omitempty" doc:"Free labels for people and tools."`
	Generation int64             `json:"generation,omitempty" doc:"Rises by one with each change of the spec; set by the server."`
	Revision   int64             `json:"revision,omitempty" doc:"Store revision of the last change; set by the server. When given with a write, the write happens only if it still holds."`
	Created    *time.Time        `json:"created,omitempty" doc:"When the object was first applied; set by the server."`
	Updated    *time.Time        `json:"updated,omitempty" doc:"When spec or status last changed; set by the server."`
}

// Service is a named set of instances that answer the same requests.
type Service struct {
	TypeMeta
	Metadata Meta          `json:"metadata"`
	Spec     ServiceSpec   `json:"spec"`
	Status   ServiceStatus `json:"status,omitzero"`
}

// Instance is one process of a service at one address.
type Instance struct {
	TypeMeta
	Metadata Meta           `json:"metadata"`
	Spec     InstanceSpec   `json:"spec"`
	Status   InstanceStatus `json:"status,omitzero"`
}

// Route says which requests go to which services and subsets.
type Route struct {
	TypeMeta
	Metadata Meta        `json:"metadata"`
	Spec     RouteSpec   `json:"spec"`
	Status   RouteStatus `json:"status,omitzero"`
}

// Migration moves a service's users from one subset of its instances to another.
type Migration struct {
	TypeMeta
	Metadata Meta            `json:"metadata"`
	Spec     MigrationSpec   `json:"spec"`
	Status   MigrationStatus `json:"status,omitzero"`
}

// Selector chooses a subset of a service's instances by metadata: every key must be present with the
// given value; a value ending in "*" matches by prefix. {runtime: java*} is the subset of all Java
// instances. An empty selector matches every instance.
type Selector map[string]string

// Duration is a time span written as Go writes it: "250ms", "5s", "1h30m".
type Duration string

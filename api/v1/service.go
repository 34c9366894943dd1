package v1

import "time"

// ServiceSpec is what a user says of a service.
type ServiceSpec struct {
	Description string       `json:"description,omitempty" doc:"One line for people."`
	Owner       string       `json:"owner,omitempty" doc:"Team or person to ask."`
	HealthCheck *HealthCheck `json:"healthCheck,omitempty" doc:"Active check of every instance; none when absent."`
	// Protection keeps instances in service when too many vanish at once (push-empty protection).
	Protection     *Protection  `json:"protection,omitempty" doc:"Push-empty protection; on with its defaults when absent."`
	Outlier        *Outlier     `json:"outlier,omitempty" doc:"Passive ejection of failing instances; on with its defaults when absent."`
	Breaker        *BreakerSpec `json:"breaker,omitempty" doc:"Circuit breaker of each subset; none when absent. While it is open, requests are answered 503 at once. The new side of a migration has the migration's."`
	ConnectTimeout Duration     `json:"connectTimeout,omitempty" doc:"Limit of one connection attempt; default 1s."`
	MaxConnections int          `json:"maxConnections,omitempty" minimum:"0" doc:"Connections to one instance at most; default 1024."`
}

// HealthCheck asks an instance actively.
type HealthCheck struct {
	Type      string   `json:"type" enum:"HTTP,TCP" doc:"HTTP: GET path must answer 200-399. TCP: a connection must open."`
	Path      string   `json:"path,omitempty" doc:"Path of an HTTP check; default /healthz."`
	Interval  Duration `json:"interval,omitempty" doc:"Time between checks; default 2s."`
	Timeout   Duration `json:"timeout,omitempty" doc:"Limit of one check; default 1s."`
	Healthy   int      `json:"healthyThreshold,omitempty" minimum:"0" doc:"Successes in a row that make an instance healthy; default 1."`
	Unhealthy int      `json:"unhealthyThreshold,omitempty" minimum:"0" doc:"Failures in a row that make it unhealthy; default 3."`
}

// Protection is push-empty protection: below the threshold of usable instances, lost or unhealthy
// ones are kept in service, since a registry or network fault is likelier than the end of them all.
type Protection struct {
	Disabled  bool `json:"disabled,omitempty" doc:"Turn the protection off."`
	Threshold int  `json:"thresholdPercent,omitempty" minimum:"0" maximum:"100" doc:"Share of instances, in percent, that must stay usable; default 20."`
}

// Outlier ejects an instance that fails in a row.
type Outlier struct {
	Disabled        bool     `json:"disabled,omitempty" doc:"Turn ejection off."`
	Consecutive     int      `json:"consecutiveFailures,omitempty" minimum:"0" doc:"Failures in a row that eject; default 5."`
	BaseEjection    Duration `json:"baseEjection,omitempty" doc:"Time of the first ejection, doubled with each further one, at most 5m; default 5s."`
	MaxEjectPercent int      `json:"maxEjectedPercent,omitempty" minimum:"0" maximum:"100" doc:"At most this share of a subset is ejected at once; default 50."`
}

// ServiceStatus is what the registry knows of a service now. It is computed when asked, not stored.
type ServiceStatus struct {
	Instances int  `json:"instances" doc:"Instances known."`
	Usable    int  `json:"usable" doc:"Instances that get traffic."`
	Protected bool `json:"protected,omitempty" doc:"Push-empty protection is holding lost instances."`
}

// InstanceSpec is what an instance or a user says of one process.
type InstanceSpec struct {
	Service  string            `json:"service" doc:"Name of the service."`
	IP       string            `json:"ip" format:"ip" doc:"IPv4 or IPv6 address."`
	Port     int               `json:"port" minimum:"1" maximum:"65535" doc:"TCP port."`
	Weight   *int              `json:"weight,omitempty" minimum:"0" maximum:"10000" doc:"Share of the subset's traffic relative to the others; default 100, 0 gets none."`
	Metadata map[string]string `json:"metadata,omitempty" doc:"Facts that selectors match: runtime (go1.26, java17), version, arch, gray-tag, cluster, shadow-safe (true: unsafe methods may be mirrored here)."`
	// TTL makes the instance a leased one: without a heartbeat for this long it is gone.
	TTL      Duration `json:"ttl,omitempty" doc:"Lease: gone without a heartbeat for this long. Empty: a fixed instance, kept until deleted."`
	Draining bool     `json:"draining,omitempty" doc:"Gets no new traffic; requests in flight finish."`
}

// State is where an instance stands in its life.
type State string

// The states of an instance.
const (
	StateServing  State = "serving"  // gets traffic when healthy
	StateDraining State = "draining" // finishes what it has, gets nothing new
	StateGone     State = "gone"     // left or lost its lease; forgotten after a while
)

// InstanceStatus is what the registry knows of an instance now. It lives in memory, not in the store.
type InstanceStatus struct {
	State         State      `json:"state" enum:"serving,draining,gone" doc:"Where the instance stands in its life."`
	Healthy       bool       `json:"healthy" doc:"What active checks say; true where there are none."`
	Reason        string     `json:"reason,omitempty" doc:"Why it is unhealthy or gone."`
	LastHeartbeat *time.Time `json:"lastHeartbeat,omitempty" doc:"Last heartbeat of a leased instance."`
	Ejected       bool       `json:"ejected,omitempty" doc:"Passively ejected by the gateway now."`
}

// Registration is the body of a register call, which is also the heartbeat: the same call again
// renews the lease.
type Registration struct {
	Service  string            `json:"service" doc:"Name of the service; created when it does not exist and the caller may."`
	IP       string            `json:"ip,omitempty" doc:"Address of the instance; the caller's address when absent."`
	Port     int               `json:"port" minimum:"1" maximum:"65535" doc:"TCP port of the instance."`
	Weight   *int              `json:"weight,omitempty" minimum:"0" maximum:"10000" doc:"Default 100."`
	Metadata map[string]string `json:"metadata,omitempty" doc:"runtime, version, arch, gray-tag, cluster, shadow-safe, and any other."`
	TTL      Duration          `json:"ttl,omitempty" doc:"Lease time; default 15s."`
}

// Lease answers a register call.
type Lease struct {
	Instance  string   `json:"instance" doc:"Name of the Instance object."`
	TTL       Duration `json:"ttl" doc:"The lease ends this long after the last heartbeat."`
	Heartbeat Duration `json:"heartbeat" doc:"Repeat the register call at this interval."`
	State     State    `json:"state" enum:"serving,draining,gone" doc:"What the registry holds the instance for; an instance told draining should prepare to stop."`
}

// Deregistration is the body of a deregister call.
type Deregistration struct {
	Service string `json:"service" doc:"Name of the service."`
	IP      string `json:"ip,omitempty" doc:"Address of the instance; the caller's address when absent."`
	Port    int    `json:"port" minimum:"1" maximum:"65535" doc:"TCP port of the instance."`
}

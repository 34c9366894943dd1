package demo

import (
	"context"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/load"
)

// Node is Jindu's admin API, as a user speaks to it.
type Node interface {
	Apply(ctx context.Context, kind v1.Kind, name string, spec any) error
	// Usable is how many instances of a service get traffic.
	Usable(ctx context.Context, service string) (int, error)
	Migration(ctx context.Context, name string) (v1.Migration, error)
	Evidence(ctx context.Context, name string) (v1.Evidence, error)
	Overview(ctx context.Context) (v1.Overview, error)
}

// StandIn is the runtime of the Go process that plays the old service where there is no JDK.
const StandIn = "go-stand-in"

// Place is where everything runs.
type Place struct {
	Node       Node
	Gateway    string // URL
	Console    string // URL
	OldRuntime string // java17, or go-stand-in where there is no JDK
	NewRuntime string // go1.26
}

// Stage starts and stops the processes.
type Stage interface {
	// Open starts the node, the store and the old service. say tells what happens, in words.
	Open(ctx context.Context, say func(string)) (Place, error)
	// Enter starts the new service.
	Enter(ctx context.Context) error
	// Failed delivers the error of a process that ended by itself.
	Failed() <-chan error
	// Close stops everything and removes what was kept.
	Close()
}

// Dial makes the client of the load.
type Dial func(url string, timeout time.Duration) (load.Client, error)

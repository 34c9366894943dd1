package shop

import (
	"context"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/load"
)

// Name is the name of the demo's service, route and migration.
const Name = "shop"

// Node is Jindu's admin API, as a user speaks to it.
type Node interface {
	Apply(ctx context.Context, kind v1.Kind, name string, spec any) error
	Usable(ctx context.Context, service string) (int, error)
	Migration(ctx context.Context, name string) (v1.Migration, error)
	Command(ctx context.Context, name, verb, reason string) error
	Evidence(ctx context.Context, name string) (v1.Evidence, error)
	Effects(ctx context.Context, name string) (v1.EffectsView, error)
	Data(ctx context.Context, name string) (v1.DataStatus, error)
	Diff(ctx context.Context, name string, in v1.DiffRequest) (v1.DiffResult, error)
	Repair(ctx context.Context, name string, in v1.RepairRequest) (v1.RepairResult, error)
}

// Place is where everything runs.
type Place struct {
	Node       Node
	Gateway    string // URL
	Console    string // URL
	OldRuntime string
	NewRuntime string
	OldData    v1.DataSide // as the node's configuration names the databases
	NewData    v1.DataSide
	OldStore   string // for people: MariaDB 10.11
	NewStore   string
	Effects    v1.EffectsSpec
}

// Stage starts and stops the processes, and reads the databases past Jindu.
type Stage interface {
	Open(ctx context.Context, say func(string)) (Place, error)
	// Enter starts the new shop.
	Enter(ctx context.Context) error
	// Rows reads what a side's database holds.
	Rows(ctx context.Context, side string) (Rows, error)
	// Spoil changes n rows of the new side by hand, as somebody does who should not, and says which orders.
	Spoil(ctx context.Context, n int) ([]string, error)
	Failed() <-chan error
	Close()
}

// Rows is what the Judge reads of one side.
type Rows struct {
	Orders   map[string]Order // by id
	Stock    map[string]int64 // by sku: left, over both allotments
	Sold     map[string]int64 // by sku: items of orders that were not cancelled
	Messages map[string]int   // by order: messages about it
	Counts   map[string]int64 // rows of each table
}

// Order is one row.
type Order struct {
	Request string // the request that made it
	User    string
	Status  string // paid, created, cancelled
	Cents   int64
}

// Dial makes the client of the load.
type Dial func(url string, timeout time.Duration) (load.Client, error)

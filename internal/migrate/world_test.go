package migrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/writeset"
	"jindu.dev/jindu/internal/registry"
	"jindu.dev/jindu/internal/route"
)

// world is every port of a server, in memory.
type world struct {
	mu        sync.Mutex
	object    v1.Migration
	hang      bool // the store answers only when the caller gives up
	by        []string
	overrides []Effect
	beats     int
	old, new  Outcome
	instances []*registry.Instance
	asked     []string
	copies    []*Copy
	call      func(ctx context.Context, address string, c *Copy) (Reply, error)
	stop      func() // ends the server and waits
}

func (w *world) Get(context.Context, string) (v1.Migration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.object, nil
}

func (w *world) SetStatus(ctx context.Context, _ string, revision int64, status v1.MigrationStatus, by string) (v1.Migration, error) {
	if err := w.wait(ctx); err != nil {
		return v1.Migration{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if revision != w.object.Metadata.Revision {
		return v1.Migration{}, kind.New(kind.Conflict, "JD-TEST-001", "revision %d", w.object.Metadata.Revision)
	}
	w.object.Status = status
	w.object.Metadata.Revision++
	w.by = append(w.by, by)
	return w.object, nil
}

func (w *world) SetPaused(ctx context.Context, _ string, paused bool, who v1.Identity) (v1.Migration, error) {
	if err := w.wait(ctx); err != nil {
		return v1.Migration{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.object.Spec.Paused = paused
	w.object.Metadata.Revision++
	w.by = append(w.by, who.By())
	return w.object, nil
}

func (w *world) wait(ctx context.Context) error {
	w.mu.Lock()
	hang := w.hang
	w.mu.Unlock()
	if hang {
		<-ctx.Done()
		return fmt.Errorf("store: %w", ctx.Err())
	}
	return nil
}

func (w *world) Audit(context.Context, string, int) ([]v1.AuditRecord, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hang {
		return nil, errors.New("down")
	}
	return []v1.AuditRecord{{Revision: 1, By: "ann", Action: "create"}}, nil
}

func (w *world) Override(name string, buckets int, owner string, epoch int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.overrides = append(w.overrides, Effect{Name: name, Buckets: buckets, Owner: owner, Epoch: epoch})
}

func (w *world) Beat(time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.beats++
}

func (w *world) Latched(string) bool { return false }
func (w *world) Rearm(string)        {}

// now is what the data path and the store were told so far.
func (w *world) now() (overrides []Effect, beats int, status v1.MigrationStatus, by string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.by); n > 0 {
		by = w.by[n-1]
	}
	return append(overrides, w.overrides...), w.beats, w.object.Status, by
}

func (w *world) Outcomes(string) (oldSide, newSide Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.old, w.new
}

func (w *world) Snapshot() *registry.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &registry.Snapshot{Services: map[string]*registry.Service{"orders": {Name: "orders", Instances: w.instances}}}
}

func (w *world) Call(ctx context.Context, address string, c *Copy, _ int64) (Reply, error) {
	w.mu.Lock()
	w.asked = append(w.asked, address)
	w.copies = append(w.copies, c)
	call := w.call
	w.mu.Unlock()
	if call != nil {
		return call(ctx, address, c)
	}
	return Reply{Status: 200, Header: []v1.Header{{Name: "Content-Type", Value: "application/json"}}, Body: []byte(`{"id":1}`)}, nil
}

func (w *world) seen() (asked []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append(asked, w.asked...)
}

// run starts a server over a world within a synctest bubble; the migration is told and begun.
func run(t *testing.T, change func(*v1.Migration)) (*Server, *world) {
	t.Helper()
	return runWith(t, nil, change)
}

// runWith is run with a data part.
func runWith(t *testing.T, data Data, change func(*v1.Migration)) (*Server, *world) {
	t.Helper()
	w := &world{instances: []*registry.Instance{instance("a", "java17", "1.0"), instance("b", "go1.26", "2.0")}}
	created := time.Now()
	w.object = v1.Migration{
		Metadata: v1.Meta{Name: "move", Revision: 1, Created: &created},
		Spec: v1.MigrationSpec{
			Service: "orders", From: v1.Selector{"runtime": "java17"}, To: v1.Selector{"runtime": "go1.26"}, Steps: []float64{10, 100},
			Gates: v1.GatesSpec{Mirror: "10s", Step: "10s", Hold: "10s"},
		},
	}
	if change != nil {
		change(&w.object)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	var mu sync.Mutex
	s, err := New(Default(), Ports{Objects: w, Shares: w, Outcomes: w, Registry: w, Caller: w, Data: data, Effects: writeset.NewCollector(writeset.Limits{}, time.Now())}, Options{Version: "9.9.9", Random: func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return rng.Uint64()
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	ready := make(chan struct{})
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	<-ready
	s.SetMigrations([]v1.Migration{w.object})
	time.Sleep(time.Second) // of the bubble's clock
	synctest.Wait()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(w.stop)
	return s, w
}

// recorded is a request of a subject that the old side answered.
func recorded(subject uint64) *Recorded {
	return &Recorded{
		Migration: "move", Service: "orders", Answered: route.SideOld, Assigned: route.SideOld, Subject: subject, HasSubject: true,
		ClientIP: netip.MustParseAddr("10.0.0.1"), Method: "GET", Host: "shop", Target: "/orders/7?x=1", Template: "/orders/{id}", Status: 200,
		Trace:          strings.Repeat("0a", 16),
		ResponseHeader: []v1.Header{{Name: "Content-Type", Value: "application/json"}}, ResponseBody: []byte(`{"id":1}`), Start: time.Now(),
	}
}

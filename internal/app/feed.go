package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/object"
)

// feed keeps typed copies of the objects by watching them, and hands each kind that changed to its
// part. It is a run.Part; it is ready when the parts have what was stored.
type feed struct {
	objects *object.Objects
	log     *slog.Logger
	sinks   sinks

	mu         sync.Mutex
	revision   int64
	services   named[v1.Service]
	instances  named[v1.Instance]
	routes     named[v1.Route]
	migrations named[v1.Migration]
}

// sinks are who is told of each kind. The lists are by name and belong to the receiver; instances are
// many and change often, so they go one by one once the first list is known.
type sinks struct {
	services       func([]v1.Service)
	instances      func(list []v1.Instance, revision int64)
	putInstance    func(v1.Instance)
	deleteInstance func(name string, revision int64)
	routes         func([]v1.Route)
	migrations     func([]v1.Migration)
}

func newFeed(objects *object.Objects, log *slog.Logger, s sinks) *feed {
	return &feed{objects: objects, log: log, sinks: s}
}

// Name is the part's name.
func (f *feed) Name() string { return "feed" }

// Run follows the store until ctx ends. A store that fails is asked again; what is known stays.
func (f *feed) Run(ctx context.Context, ready func()) error {
	if err := f.list(ctx); err != nil {
		return err
	}
	ready()
	for {
		err := f.follow(ctx)
		for err != nil {
			if ctx.Err() == nil {
				f.log.Warn("objects are not followed, listing again", "error", err)
			}
			if !pause(ctx, time.Second) {
				return nil
			}
			err = f.list(ctx)
		}
	}
}

// pause waits; it is false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// list reads everything anew, all kinds as of one revision.
func (f *feed) list(ctx context.Context) error {
	services, at, err := listOf[v1.Service](ctx, f.objects, v1.KindService, 0)
	if err != nil {
		return err
	}
	instances, _, err := listOf[v1.Instance](ctx, f.objects, v1.KindInstance, at)
	if err != nil {
		return err
	}
	routes, _, err := listOf[v1.Route](ctx, f.objects, v1.KindRoute, at)
	if err != nil {
		return err
	}
	migrations, _, err := listOf[v1.Migration](ctx, f.objects, v1.KindMigration, at)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.revision, f.services, f.instances, f.routes, f.migrations = at, services, instances, routes, migrations
	f.mu.Unlock()
	f.sinks.instances(snapshotOf(f, &f.instances), at)
	f.tell(v1.Kinds)
	return nil
}

func listOf[T any](ctx context.Context, o *object.Objects, k v1.Kind, revision int64) (named[T], int64, error) {
	list, at, err := o.List(ctx, k, revision)
	if err != nil {
		return named[T]{}, 0, fmt.Errorf("list %s: %w", k, err)
	}
	out := named[T]{values: make(map[string]T, len(list))}
	for _, item := range list { // by name
		if out.values[item.Metadata.Name], err = object.As[T](item); err != nil {
			return named[T]{}, 0, err
		}
		out.names = append(out.names, item.Metadata.Name)
	}
	return out, at, nil
}

// follow applies changes until the watch ends.
func (f *feed) follow(ctx context.Context) error {
	f.mu.Lock()
	from := f.revision + 1
	f.mu.Unlock()
	w, err := f.objects.Watch(ctx, from)
	if err != nil {
		return err
	}
	defer w.Close()
	for {
		events, err := w.Next(ctx)
		if err != nil {
			return err
		}
		changed, err := f.apply(events)
		f.tell(changed)
		if err != nil {
			return err
		}
	}
}

// apply takes events over and says which kinds they changed.
func (f *feed) apply(events []object.Event) ([]v1.Kind, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var changed []v1.Kind
	var errs []error
	for _, e := range events {
		var err error
		switch e.Kind {
		case v1.KindService:
			err = take(&f.services, e)
		case v1.KindInstance:
			err = f.instance(e)
		case v1.KindRoute:
			err = take(&f.routes, e)
		case v1.KindMigration:
			err = take(&f.migrations, e)
		}
		errs = append(errs, err)
		f.revision = e.Revision
		if !slices.Contains(changed, e.Kind) {
			changed = append(changed, e.Kind)
		}
	}
	return changed, errors.Join(errs...)
}

// instance takes one over and hands it on.
func (f *feed) instance(e object.Event) error {
	if err := take(&f.instances, e); err != nil {
		return err
	}
	if e.Type == object.Delete {
		f.sinks.deleteInstance(e.Name, e.Revision)
	} else {
		f.sinks.putInstance(f.instances.values[e.Name])
	}
	return nil
}

// named are objects of one kind by name, in order.
type named[T any] struct {
	names  []string
	values map[string]T
}

func take[T any](n *named[T], e object.Event) error {
	at, found := slices.BinarySearch(n.names, e.Name)
	if e.Type == object.Delete {
		if found {
			n.names = slices.Delete(n.names, at, at+1)
		}
		delete(n.values, e.Name)
		return nil
	}
	v, err := object.As[T](e.Object)
	if err != nil {
		return err
	}
	if !found {
		n.names = slices.Insert(n.names, at, e.Name)
	}
	n.values[e.Name] = v
	return nil
}

// tell hands the kinds that go as lists to their parts.
func (f *feed) tell(changed []v1.Kind) {
	for _, k := range changed {
		switch k {
		case v1.KindService:
			f.sinks.services(snapshotOf(f, &f.services))
		case v1.KindRoute:
			f.sinks.routes(snapshotOf(f, &f.routes))
		case v1.KindMigration:
			f.sinks.migrations(snapshotOf(f, &f.migrations))
		}
	}
}

// snapshotOf is one of f's kinds as a list, by name.
func snapshotOf[T any](f *feed, n *named[T]) []T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return n.list()
}

func (n *named[T]) list() []T {
	out := make([]T, 0, len(n.names))
	for _, name := range n.names {
		out = append(out, n.values[name])
	}
	return out
}

// at is the store revision that the parts have been told of.
func (f *feed) at() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.revision
}

// routesAt are all routes, if they are known as of a store revision; else false.
func (f *feed) routesAt(revision int64) ([]v1.Route, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.revision != revision {
		return nil, false
	}
	return f.routes.list(), true
}

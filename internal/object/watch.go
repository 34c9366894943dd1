package object

import (
	"context"
	"errors"
	"iter"
	"slices"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// The types of an Event.
const (
	Put    = "put"
	Delete = "delete"
)

// Event is one change of an object.
type Event struct {
	Type     string // Put or Delete
	Kind     v1.Kind
	Name     string
	Revision int64
	Object   Object // after a put
}

// Watch follows the changes of objects.
type Watch struct {
	watcher Watcher
	from    int64
	kinds   []v1.Kind
}

// Watch follows the objects of kinds (none: all) from revision from on: to miss nothing, list and
// watch from the revision of the list plus one. The caller closes it.
func (o *Objects) Watch(ctx context.Context, from int64, kinds ...v1.Kind) (*Watch, error) {
	for _, k := range kinds {
		if _, err := o.typeOf(k); err != nil {
			return nil, err
		}
	}
	now, err := o.Revision(ctx)
	if err != nil {
		return nil, err
	}
	if from < 1 || from > now+1 {
		// Beyond the end: the caller has seen a store that was newer, such as before a restore.
		return nil, resync(from, ErrCompacted)
	}
	w, err := o.store.Watch(ctx, objectPrefix, from)
	if err != nil {
		return nil, resync(from, err)
	}
	return &Watch{watcher: w, from: from, kinds: kinds}, nil
}

func resync(from int64, err error) error {
	if errors.Is(err, ErrCompacted) {
		return kind.New(kind.Conflict, "JD-OBJECT-008", "watch from revision %d: %w; list again and watch from the revision of the list plus one", from, err)
	}
	return err
}

// Next blocks until there are changes or ctx ends; in the order of their revisions. After an error of
// kind Conflict that is ErrCompacted the caller lists and watches anew.
func (w *Watch) Next(ctx context.Context) ([]Event, error) {
	for {
		changes, err := w.watcher.Next(ctx)
		if err != nil {
			return nil, resync(w.from, err)
		}
		var events []Event
		for _, c := range changes {
			w.from = c.Modified + 1
			e := Event{Type: Put, Revision: c.Modified}
			e.Kind, e.Name = parseKey(c.Key)
			if len(w.kinds) > 0 && !slices.Contains(w.kinds, e.Kind) {
				continue
			}
			if c.Deleted {
				e.Type = Delete
			} else if e.Object, err = decodeKV(c.KV); err != nil {
				return nil, err
			}
			events = append(events, e)
		}
		if len(events) > 0 {
			return events, nil
		}
	}
}

// Events is Next as a sequence of single events; it ends with the first error, also that of ctx.
func (w *Watch) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			events, err := w.Next(ctx)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// Close ends the watch.
func (w *Watch) Close() { w.watcher.Close() }

package object_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
)

func TestListAndWatchMissNothing(t *testing.T) {
	o := newObjects(t, newStore(t), nil)
	apply(t, o, service("before", "x"), object.Created)
	list, revision, err := o.List(t.Context(), v1.KindService, 0)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	w, err := o.Watch(t.Context(), revision+1, v1.KindService)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	apply(t, o, migration("other"), object.Created)
	apply(t, o, service("a", "1"), object.Created)
	apply(t, o, service("a", "1"), object.Unchanged)
	apply(t, o, service("a", "2"), object.Updated)
	if err := o.Delete(t.Context(), v1.KindService, "before", 0, "me"); err != nil {
		t.Fatal(err)
	}
	var got []string
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for e, err := range w.Events(ctx) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			break
		}
		got = append(got, fmt.Sprintf("%s %s %s %d %s", e.Type, e.Kind, e.Name, e.Revision, e.Object.Spec))
		if e.Type == object.Put && e.Object.Metadata.Revision != e.Revision {
			t.Errorf("object of revision %d in an event of %d", e.Object.Metadata.Revision, e.Revision)
		}
		if len(got) == 3 {
			cancel()
		}
	}
	want := []string{`put Service a 3 {"owner":"1"}`, `put Service a 4 {"owner":"2"}`, "delete Service before 5 "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAWatchThatCannotBeCompleteSaysSo(t *testing.T) {
	store := newStore(t)
	o := newObjects(t, store, nil)
	for i := range 5 {
		apply(t, o, service(fmt.Sprintf("s%d", i), "x"), object.Created)
	}
	if err := store.Compact(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	for _, from := range []int64{-1, 0, 2, 3, 7, 1 << 40} {
		_, err := o.Watch(t.Context(), from)
		if !errors.Is(err, object.ErrCompacted) || kind.Code(err) != "JD-OBJECT-008" || !strings.Contains(err.Error(), "list again") {
			t.Errorf("from %d: %v", from, err)
		}
	}
	for _, from := range []int64{4, 6} {
		w, err := o.Watch(t.Context(), from)
		if err != nil {
			t.Errorf("from %d: %v", from, err)
			continue
		}
		w.Close()
	}
	w, err := o.Watch(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := store.Compact(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Next(t.Context()); !errors.Is(err, object.ErrCompacted) || kind.Code(err) != "JD-OBJECT-008" {
		t.Errorf("a watcher that fell behind: %v", err)
	}
	if _, _, err := o.List(t.Context(), v1.KindService, 2); kind.Code(err) != "JD-OBJECT-008" {
		t.Errorf("list of the past: %v", err)
	}
	if _, err := o.Watch(t.Context(), 5, "Pod"); kind.Code(err) != "JD-OBJECT-005" {
		t.Errorf("watch of an unknown kind: %v", err)
	}
}

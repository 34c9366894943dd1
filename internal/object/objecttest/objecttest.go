// Package objecttest is the conformance suite of object.Store: what a driver must do, whatever it is
// made of.
package objecttest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
)

// Open opens the store at place, an empty folder at first; the same place again is the same store. It
// must retain at least 1,000 revisions.
type Open func(t *testing.T, place string) (store object.Store, end func())

// patience is how long something that must happen may take on a slow machine.
const patience = 30 * time.Second

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"ATransactionIsAllOrNothing":              allOrNothing,
		"ConditionsCompareTheRevisionOfAKey":      conditions,
		"ARevisionRisesWithChangesOnly":           revisions,
		"KeysComeInOrderByPrefixFromAndLimit":     order,
		"ARangeAtARevisionShowsThePast":           past,
		"OfRacingWritersOneWins":                  race,
		"AWatchDeliversEveryChangeOnceInOrder":    watchOrder,
		"AWatchStartsInThePast":                   watchPast,
		"AWatchEndsWithItsContext":                watchEnd,
		"WhatIsCompactedIsNotRead":                compaction,
		"ASlowWatcherIsToldToResync":              slowWatcher,
		"WhatWasAcknowledgedIsThereAfterReopen":   reopen,
		"ValuesAreCopies":                         copies,
		"AClosedContextStopsEveryCall":            canceled,
		"KeysThatAStoreCannotTellApartAreRefused": badKeys,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// start opens a store that closes with the test.
func start(t *testing.T, open Open) object.Store {
	t.Helper()
	s, end := open(t, t.TempDir())
	t.Cleanup(end)
	return s
}

func put(key, value string) object.Write { return object.Write{Key: key, Value: []byte(value)} }

func del(key string) object.Write { return object.Write{Key: key, Delete: true} }

// do writes and returns the revision.
func do(t *testing.T, s object.Store, writes ...object.Write) int64 {
	t.Helper()
	r, err := s.Txn(t.Context(), object.Txn{Then: writes})
	if err != nil || !r.Held {
		t.Fatalf("transaction: %+v, %v", r, err)
	}
	return r.Revision
}

func get(t *testing.T, s object.Store, key string, revision int64) *object.KV {
	t.Helper()
	kvs, _, err := s.Range(t.Context(), object.Query{Prefix: key, Limit: 1, Revision: revision})
	if err != nil {
		t.Fatal(err)
	}
	if len(kvs) == 0 || kvs[0].Key != key {
		return nil
	}
	return &kvs[0]
}

func keysOf(t *testing.T, s object.Store, q object.Query) []string {
	t.Helper()
	kvs, _, err := s.Range(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]string, 0, len(kvs))
	for _, kv := range kvs {
		keys = append(keys, kv.Key)
	}
	return keys
}

func allOrNothing(t *testing.T, open Open) {
	s := start(t, open)
	r := do(t, s, put("a", "1"), put("b", "2"))
	for _, key := range []string{"a", "b"} {
		if kv := get(t, s, key, 0); kv == nil || kv.Created != r || kv.Modified != r {
			t.Fatalf("%s: %+v, want revision %d", key, kv, r)
		}
	}
	got, err := s.Txn(t.Context(), object.Txn{If: []object.Condition{{Key: "a", Modified: r}, {Key: "b", Modified: r + 7}}, Then: []object.Write{put("a", "9"), del("b"), put("c", "9")}})
	if err != nil || got.Held || got.Revision != r {
		t.Fatalf("got %+v, %v; want not held at revision %d", got, err, r)
	}
	if a, b, c := get(t, s, "a", 0), get(t, s, "b", 0), get(t, s, "c", 0); string(a.Value) != "1" || b == nil || c != nil {
		t.Errorf("a transaction whose conditions fail changed something: %v %v %v", a, b, c)
	}
	r2 := do(t, s, put("a", "3"), del("b"), put("c", "4"))
	if a := get(t, s, "a", 0); string(a.Value) != "3" || a.Created != r || a.Modified != r2 {
		t.Errorf("a is %+v", a)
	}
	if b := get(t, s, "b", 0); b != nil {
		t.Errorf("b is %+v after its deletion", b)
	}
}

func conditions(t *testing.T, open Open) {
	s := start(t, open)
	const key = "k"
	try := func(modified int64) (int64, bool) {
		t.Helper()
		r, err := s.Txn(t.Context(), object.Txn{If: []object.Condition{{Key: key, Modified: modified}}, Then: []object.Write{put(key, "x")}})
		if err != nil {
			t.Fatal(err)
		}
		return r.Revision, r.Held
	}
	if _, held := try(1); held {
		t.Error("a missing key is at revision 1")
	}
	r, held := try(0)
	if !held {
		t.Fatal("a missing key is not missing")
	}
	if _, held := try(0); held {
		t.Error("a key that exists is missing")
	}
	if _, held := try(r - 1); held {
		t.Error("a key is at an older revision")
	}
	if _, held := try(r); !held {
		t.Error("a key is not at its revision")
	}
	do(t, s, del("k"))
	if _, held := try(0); !held {
		t.Error("a deleted key is not missing")
	}
}

func revisions(t *testing.T, open Open) {
	s := start(t, open)
	_, before, err := s.Range(t.Context(), object.Query{Prefix: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if r := do(t, s, put("a", "1")); r != before+1 {
		t.Errorf("first change is revision %d, want %d", r, before+1)
	}
	if r := do(t, s, put("a", "1"), put("b", "1")); r != before+2 {
		t.Errorf("a transaction of two writes is revision %d, want %d", r, before+2)
	}
	if r := do(t, s, del("none")); r != before+2 {
		t.Errorf("deleting nothing is revision %d, want %d", r, before+2)
	}
	if r := do(t, s); r != before+2 {
		t.Errorf("an empty transaction is revision %d, want %d", r, before+2)
	}
	if r := do(t, s, del("none"), del("a")); r != before+3 {
		t.Errorf("deleting one of two is revision %d, want %d", r, before+3)
	}
}

func order(t *testing.T, open Open) {
	s := start(t, open)
	all := []string{"a", "a/", "a/1", "a/10", "a/2", "a0", "b", "z\xff", "z\xffz"}
	for _, i := range rand.Perm(len(all)) {
		do(t, s, put(all[i], "1"))
		do(t, s, put(all[i], "2"))
	}
	do(t, s, put("a/3", "x"))
	do(t, s, del("a/3"))
	for _, c := range []struct {
		q    object.Query
		want []string
	}{
		{object.Query{}, all},
		{object.Query{Prefix: "a/"}, all[1:5]},
		{object.Query{Prefix: "a/", Limit: 2}, all[1:3]},
		{object.Query{Prefix: "a/", From: "a/10"}, all[3:5]},
		{object.Query{Prefix: "a/", From: "a/11"}, all[4:5]},
		{object.Query{Prefix: "a/", From: "a"}, all[1:5]},
		{object.Query{Prefix: "a/", From: "b"}, nil},
		{object.Query{Prefix: "a/3"}, nil},
		{object.Query{Prefix: "c"}, nil},
		{object.Query{Prefix: "a/", Reverse: true}, []string{"a/2", "a/10", "a/1", "a/"}},
		{object.Query{Prefix: "a/", Reverse: true, From: "a/2", Limit: 2}, []string{"a/10", "a/1"}},
		{object.Query{Prefix: "a/", Reverse: true, From: "a/0"}, []string{"a/"}},
		{object.Query{Prefix: "a/", Reverse: true, From: "zz"}, []string{"a/2", "a/10", "a/1", "a/"}},
		{object.Query{Prefix: "z\xff", Reverse: true}, []string{"z\xffz", "z\xff"}},
		{object.Query{Reverse: true, Limit: 1}, []string{"z\xffz"}},
	} {
		if got := keysOf(t, s, c.q); !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %q, want %q", c.q, got, c.want)
		}
	}
}

// past holds the store against a model: random transactions, then every revision is read again.
func past(t *testing.T, open Open) {
	s := start(t, open)
	r := rand.New(rand.NewPCG(1, 2))
	model := map[string]string{}
	snapshots := map[int64]map[string]string{}
	for i := range 200 {
		var writes []object.Write
		for _, n := range r.Perm(6)[:1+r.IntN(3)] {
			key := fmt.Sprintf("k/%d", n)
			if r.IntN(4) == 0 {
				writes = append(writes, del(key))
				delete(model, key)
			} else {
				writes = append(writes, put(key, fmt.Sprint(i)))
				model[key] = fmt.Sprint(i)
			}
		}
		at := do(t, s, writes...)
		snapshots[at] = maps.Clone(model)
	}
	for at, want := range snapshots {
		kvs, revision, err := s.Range(t.Context(), object.Query{Prefix: "k/", Revision: at})
		if err != nil || revision != at {
			t.Fatalf("read at %d: revision %d, %v", at, revision, err)
		}
		got := map[string]string{}
		for _, kv := range kvs {
			got[kv.Key] = string(kv.Value)
			if kv.Modified > at || kv.Created > kv.Modified {
				t.Errorf("at %d: %+v", at, kv)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("at %d: got %v, want %v", at, got, want)
		}
	}
	if _, _, err := s.Range(t.Context(), object.Query{Prefix: "k/", Revision: 1 << 40}); kind.Of(err) != kind.Invalid {
		t.Errorf("read in the future: %v", err)
	}
}

func race(t *testing.T, open Open) {
	s := start(t, open)
	first := do(t, s, put("counter", ""))
	const writers, rounds = 8, 10
	var wg sync.WaitGroup
	var mu sync.Mutex
	wins := map[int64]int{}
	for range writers {
		wg.Go(func() {
			for range rounds {
				for {
					kv, _, err := s.Range(t.Context(), object.Query{Prefix: "counter"})
					if err != nil || len(kv) != 1 {
						t.Errorf("read: %v, %v", kv, err)
						return
					}
					r, err := s.Txn(t.Context(), object.Txn{If: []object.Condition{{Key: "counter", Modified: kv[0].Modified}}, Then: []object.Write{put("counter", string(kv[0].Value)+"x")}})
					if err != nil {
						t.Errorf("write: %v", err)
						return
					}
					if r.Held {
						mu.Lock()
						wins[r.Revision]++
						mu.Unlock()
						break
					}
				}
			}
		})
	}
	wg.Wait()
	if got := len(get(t, s, "counter", 0).Value); got != writers*rounds || len(wins) != writers*rounds {
		t.Errorf("%d increments are there and %d won, want %d", got, len(wins), writers*rounds)
	}
	for r := first + 1; r <= first+writers*rounds; r++ {
		if wins[r] != 1 {
			t.Errorf("revision %d was given %d times", r, wins[r])
		}
	}
}

// collect reads from a watch until it has n events.
func collect(t *testing.T, w object.Watcher, n int) []object.KVEvent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []object.KVEvent
	for len(all) < n {
		events, err := w.Next(ctx)
		if err != nil {
			t.Fatalf("after %d of %d events: %v", len(all), n, err)
		}
		if len(events) == 0 {
			t.Fatal("Next returned nothing")
		}
		all = append(all, events...)
	}
	return all
}

func watchOrder(t *testing.T, open Open) {
	s := start(t, open)
	from := do(t, s, put("w/0", "before"), put("other", "x")) + 1
	const watchers, writers, each = 3, 4, 25
	var wg sync.WaitGroup
	seen := make([][]object.KVEvent, watchers)
	for i := range watchers {
		w, err := s.Watch(t.Context(), "w/", from)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Close)
		wg.Go(func() { seen[i] = collect(t, w, 2*writers*each) })
	}
	var wrote sync.Map
	for n := range writers {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("w/%d/%d", n, i)
				wrote.Store(key, do(t, s, put(key, "1"), put("other", key)))
				do(t, s, del(key), put("other", key))
			}
		})
	}
	wg.Wait()
	for i, events := range seen {
		last := int64(0)
		for _, e := range events {
			if e.Modified <= last {
				t.Fatalf("watcher %d: revision %d after %d", i, e.Modified, last)
			}
			last = e.Modified
			if r, _ := wrote.Load(e.Key); !e.Deleted && (r != e.Modified || string(e.Value) != "1" || e.Created != e.Modified) {
				t.Errorf("watcher %d: %+v, but it was written at %v", i, e, r)
			}
		}
		if len(events) != 2*writers*each || fmt.Sprint(events) != fmt.Sprint(seen[0]) {
			t.Errorf("watcher %d saw %d events, or others than watcher 0", i, len(events))
		}
	}
}

func watchPast(t *testing.T, open Open) {
	s := start(t, open)
	first := do(t, s, put("w/a", "1"), put("w/b", "1"))
	do(t, s, put("x", "1"))
	last := do(t, s, del("w/a"), put("w/b", "2"))
	w, err := s.Watch(t.Context(), "w/", first)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	got := collect(t, w, 4)
	want := []string{"w/a", "w/b", "w/a", "w/b"}
	for i, e := range got {
		at := first
		if i >= 2 {
			at = last
		}
		if e.Key != want[i] || e.Modified != at || e.Deleted != (i == 2) {
			t.Errorf("event %d is %+v, want %s at %d", i, e, want[i], at)
		}
	}
	// One that starts in the future waits for it.
	future, err := s.Watch(t.Context(), "w/", last+2)
	if err != nil {
		t.Fatal(err)
	}
	defer future.Close()
	do(t, s, put("w/skipped", "1"))
	do(t, s, put("w/seen", "1"))
	if e := collect(t, future, 1)[0]; e.Key != "w/seen" {
		t.Errorf("a watch from the future saw %q first", e.Key)
	}
}

func watchEnd(t *testing.T, open Open) {
	s := start(t, open)
	r := do(t, s, put("a", "1"))
	w, err := s.Watch(t.Context(), "a", r+1)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := w.Next(ctx)
		ended <- err
	}()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Next goes on after its context ended")
	}
}

func compaction(t *testing.T, open Open) {
	s := start(t, open)
	var at []int64
	for i := range 10 {
		at = append(at, do(t, s, put("a", fmt.Sprint(i)), put(fmt.Sprintf("k%d", i), "x")))
	}
	gone := do(t, s, del("k0"))
	if err := s.Compact(t.Context(), at[5]); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context(), at[2]); err != nil {
		t.Errorf("compacting what is compacted: %v", err)
	}
	if _, _, err := s.Range(t.Context(), object.Query{Prefix: "a", Revision: at[4]}); !errors.Is(err, object.ErrCompacted) {
		t.Errorf("read below: %v", err)
	}
	if _, err := watchOnce(t, s, at[4]); !errors.Is(err, object.ErrCompacted) {
		t.Errorf("watch below: %v", err)
	}
	for i := 5; i < 10; i++ {
		if kv := get(t, s, "a", at[i]); kv == nil || string(kv.Value) != fmt.Sprint(i) {
			t.Errorf("at %d: %+v, want %d", at[i], kv, i)
		}
	}
	if kv := get(t, s, "k1", 0); kv == nil || kv.Modified != at[1] {
		t.Errorf("a key that is older than the compaction is %+v", kv)
	}
	if kv := get(t, s, "k0", at[9]); kv == nil {
		t.Error("a key deleted later is not there at a retained revision")
	}
	if e, err := watchOnce(t, s, at[6]); err != nil || e.Modified != at[6] {
		t.Errorf("watch above: %+v, %v", e, err)
	}
	if err := s.Compact(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if keys := keysOf(t, s, object.Query{}); len(keys) != 10 {
		t.Errorf("after compacting all: %q", keys)
	}
	if err := s.Compact(t.Context(), gone+1); kind.Of(err) != kind.Invalid {
		t.Errorf("compacting the future: %v", err)
	}
}

func watchOnce(t *testing.T, s object.Store, from int64) (object.KVEvent, error) {
	t.Helper()
	w, err := s.Watch(t.Context(), "", from)
	if err != nil {
		return object.KVEvent{}, err
	}
	defer w.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	events, err := w.Next(ctx)
	if err != nil {
		return object.KVEvent{}, err
	}
	return events[0], nil
}

func slowWatcher(t *testing.T, open Open) {
	s := start(t, open)
	from := do(t, s, put("a", "0"))
	w, err := s.Watch(t.Context(), "", from)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	collect(t, w, 1)
	var last int64
	for i := range 20 {
		last = do(t, s, put("a", fmt.Sprint(i))) // a watcher that does not read holds up nobody
	}
	if err := s.Compact(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		events, err := w.Next(ctx)
		if errors.Is(err, object.ErrCompacted) {
			return
		}
		// A driver may have read ahead; it must not leave out anything then.
		if err != nil || len(events) == 0 {
			t.Fatalf("got %v, %v", events, err)
		}
		if events[len(events)-1].Modified == last {
			return
		}
	}
}

func reopen(t *testing.T, open Open) {
	place := t.TempDir()
	s, end := open(t, place)
	first := do(t, s, put("a", "1"), put("b", "1"))
	last := do(t, s, put("a", "2"), del("b"))
	end()
	s, end = open(t, place)
	defer end()
	if a := get(t, s, "a", 0); a == nil || string(a.Value) != "2" || a.Created != first || a.Modified != last {
		t.Errorf("a is %+v", a)
	}
	if b := get(t, s, "b", first); b == nil {
		t.Error("the past is gone")
	}
	if e, err := watchOnce(t, s, last); err != nil || e.Modified != last {
		t.Errorf("watch: %+v, %v", e, err)
	}
	if r := do(t, s, put("c", "1")); r != last+1 {
		t.Errorf("next revision is %d, want %d", r, last+1)
	}
}

func copies(t *testing.T, open Open) {
	s := start(t, open)
	value := []byte("before")
	do(t, s, object.Write{Key: "a", Value: value})
	copy(value, "XXXXXX")
	kv := get(t, s, "a", 0)
	if string(kv.Value) != "before" {
		t.Errorf("the store shares the writer's value: %q", kv.Value)
	}
	copy(kv.Value, "YYYYYY")
	if kv := get(t, s, "a", 0); string(kv.Value) != "before" {
		t.Errorf("the store shares the reader's value: %q", kv.Value)
	}
}

func canceled(t *testing.T, open Open) {
	s := start(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Txn(ctx, object.Txn{Then: []object.Write{put("a", "1")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("Txn: %v", err)
	}
	if _, _, err := s.Range(ctx, object.Query{Prefix: "a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Range: %v", err)
	}
	if err := s.Compact(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Compact: %v", err)
	}
	if kv := get(t, s, "a", 0); kv != nil {
		t.Errorf("a write of an ended context is there: %+v", kv)
	}
}

func badKeys(t *testing.T, open Open) {
	s := start(t, open)
	for _, writes := range [][]object.Write{{put("", "x")}, {put("a\x00b", "x")}, {put("a", "1"), put("a", "2")}, {put("a", "1"), del("a")}} {
		if _, err := s.Txn(t.Context(), object.Txn{Then: writes}); kind.Of(err) != kind.Invalid {
			t.Errorf("%v: %v", writes, err)
		}
	}
}

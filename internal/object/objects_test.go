package object_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
	"jindu.dev/jindu/internal/object/bolt"
)

func newStore(t *testing.T) *bolt.Store {
	t.Helper()
	s := bolt.New(bolt.Config{Dir: t.TempDir()})
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// clock ticks a second with every look.
func clock() func() time.Time {
	var mu sync.Mutex
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
}

func newObjects(t *testing.T, store object.Store, admit object.Admit) *object.Objects {
	t.Helper()
	return object.New(store, object.Types(), admit, object.Options{Now: clock()})
}

func service(name, owner string) object.Object {
	o := object.Object{TypeMeta: v1.TypeMeta{APIVersion: v1.APIVersion, Kind: v1.KindService}, Spec: json.RawMessage(`{"owner":"` + owner + `"}`)}
	o.Metadata.Name = name
	return o
}

func migration(name string) object.Object {
	o := object.Object{TypeMeta: v1.TypeMeta{APIVersion: v1.APIVersion, Kind: v1.KindMigration}, Spec: json.RawMessage(`{"service":"s","from":{"a":"1"},"to":{"a":"2"}}`)}
	o.Metadata.Name = name
	return o
}

func apply(t *testing.T, o *object.Objects, in object.Object, want object.Outcome) object.Object {
	t.Helper()
	got, err := o.Apply(t.Context(), in, "tester", false)
	if err != nil || got.Outcome != want {
		t.Fatalf("apply %s: %s, %v; want %s", in.Metadata.Name, got.Outcome, err, want)
	}
	return got.Object
}

func audit(t *testing.T, o *object.Objects, q object.AuditQuery) []v1.AuditRecord {
	t.Helper()
	page, err := o.Audit(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}

func TestAGenerationRisesWithTheSpecOnly(t *testing.T) {
	o := newObjects(t, newStore(t), nil)
	first := apply(t, o, service("a", "x"), object.Created)
	if m := first.Metadata; m.Generation != 1 || m.Revision != 1 || m.Created == nil || !m.Created.Equal(*m.Updated) {
		t.Errorf("created: %+v", m)
	}
	apply(t, o, service("a", "x"), object.Unchanged)
	spelt := service("a", "x")
	spelt.Spec = json.RawMessage("{ \"owner\" : \"x\", \"description\": \"\" }")
	apply(t, o, spelt, object.Unchanged) // another spelling of the same
	if r, err := o.Revision(t.Context()); err != nil || r != 1 {
		t.Errorf("an apply that changes nothing wrote: revision %d, %v", r, err)
	}
	labelled := service("a", "x")
	labelled.Metadata.Labels = map[string]string{"team": "blue"}
	if m := apply(t, o, labelled, object.Updated).Metadata; m.Generation != 1 || m.Revision != 2 || m.Labels["team"] != "blue" {
		t.Errorf("labelled: %+v", m)
	}
	labelled.Spec = json.RawMessage(`{"owner":"y"}`)
	labelled.Metadata.Generation, labelled.Metadata.Created = 99, nil // the server's, whatever is sent
	labelled.Status = json.RawMessage(`{"instances":7}`)
	second := apply(t, o, labelled, object.Updated)
	if m := second.Metadata; m.Generation != 2 || m.Revision != 3 || !m.Created.Equal(*first.Metadata.Created) || !m.Updated.After(*m.Created) || second.Status != nil {
		t.Errorf("updated: %+v, status %s", m, second.Status)
	}
	read, err := o.Get(t.Context(), v1.KindService, "a", 0)
	a, _ := json.Marshal(read)
	b, _ := json.Marshal(second)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("read %s, %v; applied %s", a, err, b)
	}
	records := audit(t, o, object.AuditQuery{})
	var actions []string
	for i, r := range records {
		actions = append(actions, r.Action)
		if r.Revision != int64(3-i) || r.By != "tester" || r.Kind != v1.KindService || r.Name != "a" || r.At.IsZero() {
			t.Errorf("record %d: %+v", i, r)
		}
	}
	if !slices.Equal(actions, []string{"update", "update", "create"}) {
		t.Errorf("actions %q", actions)
	}
	if r := records[0]; string(r.Before) != `{"owner":"x"}` || string(r.After) != `{"owner":"y"}` {
		t.Errorf("update is %s -> %s", r.Before, r.After)
	}
	if r := records[1]; !strings.Contains(string(r.After), `"team":"blue"`) || strings.Contains(string(r.Before), "blue") {
		t.Errorf("change of labels is %s -> %s", r.Before, r.After)
	}
	if r := records[2]; r.Before != nil || string(r.After) != `{"owner":"x"}` {
		t.Errorf("create is %s -> %s", r.Before, r.After)
	}
}

func TestCreateNeverReplaces(t *testing.T) {
	o := newObjects(t, newStore(t), nil)
	first, err := o.Create(t.Context(), service("orders", "shop"), "ann")
	if err != nil || first.Outcome != object.Created {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := o.Create(t.Context(), service("orders", ""), "bo"); kind.Of(err) != kind.Exists || kind.Code(err) != "JD-OBJECT-014" {
		t.Errorf("a second one gives %v", err)
	}
	now, err := o.Get(t.Context(), v1.KindService, "orders", 0)
	if err != nil || now.Metadata.Revision != first.Object.Metadata.Revision {
		t.Errorf("it was changed: %+v, %v", now, err)
	}
}

func TestADryRunChecksAllAndWritesNothing(t *testing.T) {
	o := newObjects(t, newStore(t), func(_ context.Context, c object.Change, _ object.View) error {
		if strings.Contains(string(c.After.Spec), "bad") {
			return kind.New(kind.Invalid, "JD-TEST-001", "bad owner")
		}
		return nil
	})
	tried, err := o.Apply(t.Context(), service("a", "x"), "me", true)
	if err != nil || tried.Outcome != object.Created || tried.Object.Metadata.Generation != 1 {
		t.Errorf("tried: %+v, %v", tried, err)
	}
	if _, err := o.Apply(t.Context(), service("a", "bad"), "me", true); kind.Code(err) != "JD-TEST-001" {
		t.Errorf("a dry run does not ask: %v", err)
	}
	if r, err := o.Revision(t.Context()); err != nil || r != 0 {
		t.Errorf("revision %d, %v", r, err)
	}
}

func TestAnObjectThatIsNotValidIsRefused(t *testing.T) {
	o := newObjects(t, newStore(t), nil)
	with := func(edit func(*object.Object)) object.Object {
		in := service("a", "x")
		edit(&in)
		return in
	}
	for name, c := range map[string]struct {
		in          object.Object
		code, words string
	}{
		"unknown kind":       {with(func(o *object.Object) { o.Kind = "Servise" }), "JD-OBJECT-005", "did you mean Service?"},
		"strange kind":       {with(func(o *object.Object) { o.Kind = "Pod" }), "JD-OBJECT-005", `use one of ["Service"`},
		"another version":    {with(func(o *object.Object) { o.APIVersion = "v2" }), "JD-OBJECT-003", "use jindu.dev/v1"},
		"no name":            {with(func(o *object.Object) { o.Metadata.Name = "" }), "JD-OBJECT-003", "metadata.name"},
		"capitals":           {with(func(o *object.Object) { o.Metadata.Name = "Orders" }), "JD-OBJECT-003", "a-z 0-9"},
		"a path":             {with(func(o *object.Object) { o.Metadata.Name = "a/b" }), "JD-OBJECT-003", "metadata.name = a/b"},
		"a zero byte":        {with(func(o *object.Object) { o.Metadata.Name = "a\x00b" }), "JD-OBJECT-003", "metadata.name"},
		"ends with a dash":   {with(func(o *object.Object) { o.Metadata.Name = "a-" }), "JD-OBJECT-003", "metadata.name"},
		"long name":          {with(func(o *object.Object) { o.Metadata.Name = strings.Repeat("a", 254) }), "JD-OBJECT-003", "1 to 253"},
		"negative revision":  {with(func(o *object.Object) { o.Metadata.Revision = -1 }), "JD-OBJECT-003", "metadata.revision = -1"},
		"many labels":        {with(func(o *object.Object) { o.Metadata.Labels = labels(65) }), "JD-OBJECT-003", "at most 64"},
		"unknown field":      {with(func(o *object.Object) { o.Spec = json.RawMessage(`{"ownr":"x"}`) }), "JD-OBJECT-002", "spec.ownr: unknown field; did you mean owner?"},
		"unknown deep field": {with(func(o *object.Object) { o.Spec = json.RawMessage(`{"healthCheck":{"type":"TCP","pathh":"/"}}`) }), "JD-OBJECT-002", "spec.healthCheck.pathh: unknown field; did you mean path?"},
		"wrong type":         {with(func(o *object.Object) { o.Spec = json.RawMessage(`{"maxConnections":"many"}`) }), "JD-OBJECT-001", "spec.maxConnections = string: must be a whole number"},
		"too large":          {service("a", strings.Repeat("x", object.MaxBytes)), "JD-OBJECT-004", "split it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := o.Apply(t.Context(), c.in, "me", false)
			if kind.Code(err) != c.code || kind.Of(err) != kind.Invalid || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v, want %s with %q", err, c.code, c.words)
			}
		})
	}
	if list, _, err := o.List(t.Context(), v1.KindService, 0); err != nil || len(list) != 0 {
		t.Errorf("stored: %v, %v", list, err)
	}
}

func labels(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint(i)] = "x"
	}
	return m
}

func TestOfWritersOnOneRevisionOneWins(t *testing.T) {
	store := newStore(t)
	first := apply(t, newObjects(t, store, nil), service("a", "start"), object.Created)
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		o := newObjects(t, store, nil) // each as a process of its own
		wg.Go(func() {
			in := service("a", fmt.Sprint(i))
			in.Metadata.Revision = first.Metadata.Revision
			_, errs[i] = o.Apply(t.Context(), in, "me", false)
		})
	}
	wg.Wait()
	wins := 0
	for _, err := range errs {
		switch {
		case err == nil:
			wins++
		case kind.Code(err) != "JD-OBJECT-007" || kind.Of(err) != kind.Conflict:
			t.Errorf("a loser got %v", err)
		}
	}
	if wins != 1 {
		t.Errorf("%d writers won", wins)
	}
}

// An Admit function that allows three objects is asked by several processes at once: what it saw must
// still hold when the object is stored.
func TestWhatAdmitSawHoldsWhenTheObjectIsStored(t *testing.T) {
	store := newStore(t)
	const allowed = 3
	admit := func(_ context.Context, c object.Change, view object.View) error {
		list, err := view.List(v1.KindService)
		if err != nil {
			return err
		}
		if len(list) >= allowed && c.Before == nil {
			return kind.New(kind.Exhausted, "JD-TEST-001", "enough")
		}
		return nil
	}
	var wg sync.WaitGroup
	for p := range 4 {
		o := newObjects(t, store, admit)
		wg.Go(func() {
			for i := range 3 {
				if _, err := o.Apply(t.Context(), service(fmt.Sprintf("s%d-%d", p, i), "x"), "me", false); err != nil && kind.Of(err) != kind.Exhausted {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	o := newObjects(t, store, nil)
	if list, _, err := o.List(t.Context(), v1.KindService, 0); err != nil || len(list) != allowed {
		t.Errorf("%d objects are stored, %v; admitted were %d", len(list), err, allowed)
	}
}

func TestAdmitSeesTheChangeAndMayRefuseADeletion(t *testing.T) {
	var seen []string
	o := newObjects(t, newStore(t), func(_ context.Context, c object.Change, view object.View) error {
		text := func(o *object.Object) string {
			if o == nil {
				return "-"
			}
			return o.Metadata.Name
		}
		seen = append(seen, text(c.Before)+">"+text(c.After))
		if _, err := view.Get(v1.KindService, "b"); kind.Of(err) != kind.NotFound {
			t.Errorf("view has b: %v", err)
		}
		if c.After == nil {
			return kind.New(kind.Conflict, "JD-TEST-002", "in use")
		}
		return nil
	})
	apply(t, o, service("a", "x"), object.Created)
	apply(t, o, service("a", "y"), object.Updated)
	if err := o.Delete(t.Context(), v1.KindService, "a", 0, "me"); kind.Code(err) != "JD-TEST-002" {
		t.Errorf("deletion: %v", err)
	}
	if _, err := o.Get(t.Context(), v1.KindService, "a", 0); err != nil {
		t.Errorf("the object is gone: %v", err)
	}
	if !slices.Equal(seen, []string{"->a", "a>a", "a>-"}) {
		t.Errorf("seen %q", seen)
	}
}

func TestAStatusIsWrittenByItsRevisionAndAuditedAtTransitions(t *testing.T) {
	o := newObjects(t, newStore(t), nil)
	m := apply(t, o, migration("m"), object.Created)
	set := func(revision int64, status any, transition bool) (object.Object, error) {
		return o.SetStatus(t.Context(), v1.KindMigration, "m", revision, status, "controller:migrate", transition)
	}
	got, err := set(m.Metadata.Revision, v1.MigrationStatus{Phase: v1.PhaseMirror}, true)
	if err != nil || got.Metadata.Revision != m.Metadata.Revision+1 || got.Metadata.Generation != 1 {
		t.Fatalf("first: %+v, %v", got.Metadata, err)
	}
	if _, err := set(m.Metadata.Revision, v1.MigrationStatus{}, false); kind.Code(err) != "JD-OBJECT-007" || kind.Of(err) != kind.Conflict {
		t.Errorf("by an old revision: %v", err)
	}
	same, err := set(got.Metadata.Revision, v1.MigrationStatus{Phase: v1.PhaseMirror}, false)
	if err != nil || same.Metadata.Revision != got.Metadata.Revision {
		t.Errorf("the same status again: %+v, %v", same.Metadata, err)
	}
	quiet, err := set(got.Metadata.Revision, v1.MigrationStatus{Phase: v1.PhaseMirror, Blocked: "waiting"}, false)
	if err != nil || quiet.Metadata.Revision != got.Metadata.Revision+1 {
		t.Errorf("without a transition: %+v, %v", quiet.Metadata, err)
	}
	moved, err := set(quiet.Metadata.Revision, json.RawMessage(`{"phase":"ramp","step":0,"buckets":100,"epoch":1}`), true)
	if err != nil {
		t.Fatal(err)
	}
	// The user's change keeps the status; the controller's keeps the spec.
	changed := migration("m")
	changed.Spec = json.RawMessage(`{"service":"s","from":{"a":"1"},"to":{"a":"2"},"paused":true}`)
	after := apply(t, o, changed, object.Updated)
	typed, err := object.As[v1.Migration](after)
	if err != nil || typed.Status.Buckets != 100 || !typed.Spec.Paused || after.Metadata.Generation != 2 {
		t.Errorf("after a change of the spec: %+v, %v", typed, err)
	}
	if _, err := set(moved.Metadata.Revision, v1.MigrationStatus{}, true); kind.Of(err) != kind.Conflict {
		t.Errorf("a status based on the old spec: %v", err)
	}
	var moves []string
	for _, r := range audit(t, o, object.AuditQuery{Kind: v1.KindMigration, Name: "m"}) {
		moves = append(moves, r.Action+" by "+r.By)
		if r.Action == "transition" && r.Revision == moved.Metadata.Revision && (!strings.Contains(string(r.Before), "waiting") || !strings.Contains(string(r.After), "ramp")) {
			t.Errorf("transition %s -> %s", r.Before, r.After)
		}
	}
	if want := []string{"update by tester", "transition by controller:migrate", "transition by controller:migrate", "create by tester"}; !slices.Equal(moves, want) {
		t.Errorf("audit is %q, want %q", moves, want)
	}
}

func TestAStatusThatCannotBeWrittenIsRefused(t *testing.T) {
	o := newObjects(t, newStore(t), nil)
	s := apply(t, o, service("a", "x"), object.Created)
	m := apply(t, o, migration("m"), object.Created)
	for name, c := range map[string]struct {
		kind     v1.Kind
		name     string
		revision int64
		status   any
		code     string
	}{
		"computed":      {v1.KindService, "a", s.Metadata.Revision, v1.ServiceStatus{}, "JD-OBJECT-009"},
		"no revision":   {v1.KindMigration, "m", 0, v1.MigrationStatus{}, "JD-OBJECT-007"},
		"no object":     {v1.KindMigration, "none", 1, v1.MigrationStatus{}, "JD-OBJECT-006"},
		"unknown kind":  {"Pod", "m", 1, nil, "JD-OBJECT-005"},
		"unknown field": {v1.KindMigration, "m", m.Metadata.Revision, json.RawMessage(`{"fase":"ramp"}`), "JD-OBJECT-002"},
		"too large":     {v1.KindMigration, "m", m.Metadata.Revision, v1.MigrationStatus{Reason: strings.Repeat("x", object.MaxBytes)}, "JD-OBJECT-004"},
	} {
		if _, err := o.SetStatus(t.Context(), c.kind, c.name, c.revision, c.status, "c", true); kind.Code(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

func TestADeletedObjectIsGoneAndItsRecordStays(t *testing.T) {
	o := newObjects(t, newStore(t), nil)
	first := apply(t, o, service("a", "x"), object.Created)
	apply(t, o, service("a-b", "x"), object.Created) // a neighbour
	if err := o.Delete(t.Context(), v1.KindService, "a", 77, "me"); kind.Code(err) != "JD-OBJECT-007" {
		t.Errorf("by another revision: %v", err)
	}
	if err := o.Delete(t.Context(), v1.KindService, "a", first.Metadata.Revision, "me"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		o.Delete(t.Context(), v1.KindService, "a", 0, "me"),
		func() error { _, err := o.Get(t.Context(), v1.KindService, "a", 0); return err }(),
	} {
		if kind.Code(err) != "JD-OBJECT-006" || kind.Of(err) != kind.NotFound {
			t.Errorf("after the deletion: %v", err)
		}
	}
	if was, err := o.Get(t.Context(), v1.KindService, "a", first.Metadata.Revision); err != nil || was.Metadata.Name != "a" {
		t.Errorf("before the deletion: %v, %v", was, err)
	}
	if r := audit(t, o, object.AuditQuery{Limit: 1})[0]; r.Action != "delete" || string(r.Before) != `{"owner":"x"}` || r.After != nil {
		t.Errorf("record %+v", r)
	}
	if again := apply(t, o, service("a", "x"), object.Created); again.Metadata.Generation != 1 {
		t.Errorf("created again: %+v", again.Metadata)
	}
	if err := o.Delete(t.Context(), "Pod", "a", 0, "me"); kind.Code(err) != "JD-OBJECT-005" {
		t.Errorf("unknown kind: %v", err)
	}
}

// trouble is a store whose answers a test bends.
type trouble struct {
	object.Store
	txn func() (object.TxnResult, error)
}

func (s trouble) Txn(context.Context, object.Txn) (object.TxnResult, error) { return s.txn() }

func TestTroubleOfTheStoreReachesTheCallerAsItIs(t *testing.T) {
	store := newStore(t)
	full := kind.New(kind.Unavailable, "JD-STORE-004", "full")
	o := newObjects(t, trouble{store, func() (object.TxnResult, error) { return object.TxnResult{}, full }}, nil)
	if _, err := o.Apply(t.Context(), service("a", "x"), "me", false); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	tries := 0
	o = newObjects(t, trouble{store, func() (object.TxnResult, error) { tries++; return object.TxnResult{}, nil }}, nil)
	if _, err := o.Apply(t.Context(), service("a", "x"), "me", false); kind.Code(err) != "JD-OBJECT-010" || tries < 2 {
		t.Errorf("after %d tries: %v", tries, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	o = newObjects(t, store, nil)
	for name, err := range map[string]error{
		"apply":    func() error { _, err := o.Apply(t.Context(), service("a", "x"), "me", false); return err }(),
		"list":     func() error { _, _, err := o.List(t.Context(), v1.KindService, 0); return err }(),
		"get":      func() error { _, err := o.Get(t.Context(), v1.KindService, "a", 0); return err }(),
		"watch":    func() error { _, err := o.Watch(t.Context(), 1); return err }(),
		"audit":    func() error { _, err := o.Audit(t.Context(), object.AuditQuery{}); return err }(),
		"revision": func() error { _, err := o.Revision(t.Context()); return err }(),
	} {
		if kind.Of(err) != kind.Unavailable {
			t.Errorf("%s of a closed store: %v", name, err)
		}
	}
}

func TestAStoredValueThatCannotBeReadIsNamed(t *testing.T) {
	store := newStore(t)
	put := func(key string) {
		t.Helper()
		if _, err := store.Txn(t.Context(), object.Txn{Then: []object.Write{{Key: key, Value: []byte("{")}}}); err != nil {
			t.Fatal(err)
		}
	}
	o := newObjects(t, store, nil)
	apply(t, o, service("a", "x"), object.Created)
	put("o/Service/bad")
	if _, _, err := o.List(t.Context(), v1.KindService, 0); kind.Code(err) != "JD-OBJECT-013" || !strings.Contains(err.Error(), "o/Service/bad") {
		t.Errorf("list: %v", err)
	}
	if _, err := o.Apply(t.Context(), service("bad", "x"), "me", false); kind.Code(err) != "JD-OBJECT-013" {
		t.Errorf("apply must not overwrite what it cannot read: %v", err)
	}
	put("audit/0000000000000001")
	if _, err := o.Audit(t.Context(), object.AuditQuery{}); kind.Code(err) != "JD-OBJECT-013" {
		t.Errorf("audit: %v", err)
	}
	put("head")
	if _, err := o.Apply(t.Context(), service("b", "x"), "me", false); kind.Code(err) != "JD-OBJECT-013" {
		t.Errorf("apply over a broken head: %v", err)
	}
}

func TestTypedObjectsGoBothWays(t *testing.T) {
	var s v1.Service
	s.APIVersion, s.Kind, s.Metadata.Name, s.Spec.Owner = v1.APIVersion, v1.KindService, "a", "x"
	o, err := object.From(s)
	if err != nil || o.Kind != v1.KindService || string(o.Spec) != `{"owner":"x"}` || o.Status != nil {
		t.Fatalf("%+v, %v", o, err)
	}
	if back, err := object.As[v1.Service](o); err != nil || back.Spec.Owner != "x" {
		t.Errorf("%+v, %v", back, err)
	}
	if _, err := object.As[v1.Service](object.Object{Spec: json.RawMessage(`{"owner":1}`)}); kind.Code(err) != "JD-OBJECT-012" {
		t.Errorf("of another type: %v", err)
	}
	if _, err := object.From(make(chan int)); kind.Code(err) != "JD-OBJECT-012" {
		t.Errorf("no object: %v", err)
	}
}

package object

import (
	"context"
	"encoding/json"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// maxTries bounds how often a write starts again because another process wrote first.
const maxTries = 16

// head counts the audit log; every write replaces it.
type head struct {
	Last    int64 `json:"last"`    // number of the newest record; the first is 1
	First   int64 `json:"first"`   // number of the oldest record kept
	Bytes   int64 `json:"bytes"`   // of the records kept
	Trimmed int64 `json:"trimmed"` // records let go
}

// step is what a write does with one object.
type step struct {
	object  *Object         // nil: delete
	record  *v1.AuditRecord // nil: none; kind, name, who and when are filled in
	by      string
	dry     bool
	written *Object // gets the object with its new revision
}

// state is what a write finds. It is the View of its Admit function.
type state struct {
	ctx      context.Context
	objects  *Objects
	revision int64 // at which all of it was read
	kind     v1.Kind
	name     string
	object   *Object // nil: there is none
	head     head
	headMod  int64
}

// at refuses a change that is based on another revision of the object.
func (s *state) at(revision int64) error {
	if revision == 0 || s.object != nil && s.object.Metadata.Revision == revision {
		return nil
	}
	if s.object == nil {
		return kind.New(kind.Conflict, "JD-OBJECT-007", "%s %q does not exist, revision %d was expected; leave metadata.revision out to create it", s.kind, s.name, revision)
	}
	return kind.New(kind.Conflict, "JD-OBJECT-007", "%s %q is at revision %d, not %d: somebody changed it since; read it again and repeat the change", s.kind, s.name, s.object.Metadata.Revision, revision)
}

// Revision is that at which everything here was read.
func (s *state) Revision() int64 { return s.revision }

// Get is the object as the write found it.
func (s *state) Get(k v1.Kind, name string) (Object, error) {
	return s.objects.Get(s.ctx, k, name, s.revision)
}

// List is the objects of a kind as the write found them.
func (s *state) List(k v1.Kind) ([]Object, error) {
	list, _, err := s.objects.List(s.ctx, k, s.revision)
	return list, err
}

// write reads the state, lets decide work out the step, and does it in one transaction. It starts again
// when another process wrote in between.
func (o *Objects) write(ctx context.Context, k v1.Kind, name string, decide func(*state) (*step, error)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range maxTries {
		s, err := o.read(ctx, k, name)
		if err != nil {
			return err
		}
		st, err := decide(s)
		if err != nil || st == nil {
			return err
		}
		txn, err := o.txn(ctx, s, st)
		if err != nil || st.dry {
			return err
		}
		result, err := o.store.Txn(ctx, txn)
		if err != nil {
			return err
		}
		if result.Held {
			if st.written != nil {
				*st.written = *st.object
				st.written.Metadata.Revision = result.Revision
			}
			return nil
		}
	}
	return kind.New(kind.Unavailable, "JD-OBJECT-010", "%s %q: other writers were first %d times; try again", k, name, maxTries)
}

// read is what a write of an object starts from, all at one revision.
func (o *Objects) read(ctx context.Context, k v1.Kind, name string) (*state, error) {
	s := &state{ctx: ctx, objects: o, kind: k, name: name}
	var err error
	if s.head, s.headMod, s.revision, err = o.readHead(ctx); err != nil {
		return nil, err
	}
	found, err := o.Get(ctx, k, name, s.revision)
	if err != nil && kind.Of(err) == kind.NotFound {
		return s, nil
	}
	s.object = &found
	return s, err
}

// readHead returns the head, the revision of its last change and that of the store.
func (o *Objects) readHead(ctx context.Context) (h head, modified, revision int64, err error) {
	h.First = 1
	kvs, revision, err := o.store.Range(ctx, Query{Prefix: headKey, Limit: 1})
	if err != nil || len(kvs) == 0 {
		return h, 0, revision, err
	}
	if err := json.Unmarshal(kvs[0].Value, &h); err != nil {
		return h, 0, revision, kind.New(kind.Internal, "JD-OBJECT-013", "stored key %s cannot be read: %w; restore from a backup or an export", headKey, err)
	}
	return h, kvs[0].Modified, revision, nil
}

// txn is the transaction of a step: the object, its audit record, and what of the log is let go.
func (o *Objects) txn(ctx context.Context, s *state, st *step) (Txn, error) {
	key := objectKey(s.kind, s.name)
	put := Write{Key: key, Delete: true}
	if st.object != nil {
		data, err := json.Marshal(st.object)
		if err != nil {
			return Txn{}, kind.New(kind.Internal, "JD-OBJECT-012", "encode %s %q: %w", s.kind, s.name, err)
		}
		if len(data) > MaxBytes {
			return Txn{}, tooLarge(string(s.kind)+" "+s.name, len(data))
		}
		put = Write{Key: key, Value: data}
	}
	was := int64(0)
	if s.object != nil {
		was = s.object.Metadata.Revision
	}
	t := Txn{If: []Condition{{headKey, s.headMod}, {key, was}}, Then: []Write{put}}
	if st.record != nil {
		data, err := o.record(s, st)
		if err != nil {
			return Txn{}, err
		}
		s.head.Last++
		s.head.Bytes += int64(len(data))
		t.Then = append(t.Then, Write{Key: auditKey(s.head.Last), Value: data})
		let, err := o.trim(ctx, s)
		if err != nil {
			return Txn{}, err
		}
		t.Then = append(t.Then, let...)
	}
	data, err := json.Marshal(s.head)
	if err != nil {
		return Txn{}, kind.New(kind.Internal, "JD-OBJECT-012", "encode head: %w", err)
	}
	t.Then = append(t.Then, Write{Key: headKey, Value: data})
	return t, nil
}

// Command writes an audit record of what somebody did about an object that changed nothing of it but its
// revision: whoever watches hears of it in its place. what is any value that has a JSON form. Errors are of
// kind NotFound when there is no such object.
func (o *Objects) Command(ctx context.Context, k v1.Kind, name, by string, what any) error {
	after, err := json.Marshal(what)
	if err != nil {
		return kind.New(kind.Internal, "JD-OBJECT-012", "encode what was done about %s %q: %w", k, name, err)
	}
	return o.write(ctx, k, name, func(s *state) (*step, error) {
		if s.object == nil {
			return nil, notFound(k, name)
		}
		return &step{object: s.object, by: by, record: &v1.AuditRecord{Action: "command", After: after}}, nil
	})
}

func (o *Objects) record(s *state, st *step) ([]byte, error) {
	r := *st.record
	r.At, r.By, r.Kind, r.Name = o.opts.Now().UTC(), st.by, s.kind, s.name
	data, err := json.Marshal(r)
	if err != nil {
		return nil, kind.New(kind.Internal, "JD-OBJECT-012", "encode audit record of %s %q: %w", s.kind, s.name, err)
	}
	return data, nil
}

// trim lets the oldest records go while there are too many, at most a few with each write, always
// keeping the newest.
func (o *Objects) trim(ctx context.Context, s *state) ([]Write, error) {
	over := func() bool {
		return s.head.Last-s.head.First >= o.opts.MaxAudit || s.head.Bytes > o.opts.MaxAuditBytes
	}
	if !over() {
		return nil, nil
	}
	oldest, _, err := o.store.Range(ctx, Query{Prefix: auditPrefix, Limit: 8, Revision: s.revision})
	if err != nil {
		return nil, err
	}
	var writes []Write
	for _, kv := range oldest {
		if !over() {
			break
		}
		writes = append(writes, Write{Key: kv.Key, Delete: true})
		s.head.First++
		s.head.Trimmed++
		s.head.Bytes -= int64(len(kv.Value))
	}
	return writes, nil
}

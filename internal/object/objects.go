package object

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/kit/suggest"
)

// Change is what an Admit function judges. Before is nil when the object is created, After when it is
// deleted.
type Change struct {
	Before, After *Object
}

// View shows all objects as they are while a change is judged, the changed one as it was before.
type View interface {
	Revision() int64                            // of the store as it is shown
	Get(k v1.Kind, name string) (Object, error) // NotFound when there is none
	List(k v1.Kind) ([]Object, error)           // by name
}

// Admit refuses a change of a spec by an error, best of kind Invalid with fields. It must not write
// objects: it runs inside the write.
type Admit func(ctx context.Context, c Change, view View) error

// Options are what Objects needs beside a store.
type Options struct {
	Now           func() time.Time // required
	MaxAudit      int64            // audit records kept; default 10,000
	MaxAuditBytes int64            // bytes of audit records kept, about; default 64 MiB
}

// Objects is the one way to the objects of a node. It is safe for concurrent use.
type Objects struct {
	store Store
	types map[v1.Kind]Type
	admit Admit
	opts  Options
	mu    sync.Mutex // writes of this process one by one; those of others are met by head
}

// New makes Objects. A nil admit lets every well-formed object in.
func New(store Store, types []Type, admit Admit, opts Options) *Objects {
	if opts.MaxAudit == 0 {
		opts.MaxAudit = 10_000
	}
	if opts.MaxAuditBytes == 0 {
		opts.MaxAuditBytes = 64 << 20
	}
	o := &Objects{store: store, types: map[v1.Kind]Type{}, admit: admit, opts: opts}
	for _, t := range types {
		o.types[t.Kind] = t
	}
	return o
}

// Outcome says what an apply did, or would do.
type Outcome string

// The outcomes of an apply.
const (
	Created   Outcome = "created"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged"
)

// Applied is the object after an apply, or as it would be after one that was only tried.
type Applied struct {
	Object  Object
	Outcome Outcome
}

// Apply creates or updates an object. The user's are kind, name, labels and spec; the rest of in is
// ignored, save that a revision above 0 must still be the object's. With dryRun everything is checked
// and nothing written.
func (o *Objects) Apply(ctx context.Context, in Object, by string, dryRun bool) (Applied, error) {
	return o.apply(ctx, in, by, dryRun, false)
}

// Create is Apply for an object that must not exist yet; one that does is an error of kind Exists.
func (o *Objects) Create(ctx context.Context, in Object, by string) (Applied, error) {
	return o.apply(ctx, in, by, false, true)
}

func (o *Objects) apply(ctx context.Context, in Object, by string, dryRun, create bool) (Applied, error) {
	t, err := o.typeOf(in.Kind)
	if err != nil {
		return Applied{}, err
	}
	if err := checkMeta(in); err != nil {
		return Applied{}, err
	}
	if in.Spec, err = canonical(t.spec, in.Spec, "spec"); err != nil {
		return Applied{}, err
	}
	var out Applied
	err = o.write(ctx, in.Kind, in.Metadata.Name, func(s *state) (*step, error) {
		if err := s.at(in.Metadata.Revision); err != nil {
			return nil, err
		}
		next := Object{TypeMeta: in.TypeMeta, Spec: in.Spec}
		next.Metadata = v1.Meta{Name: in.Metadata.Name, Labels: in.Metadata.Labels}
		now := o.opts.Now().UTC()
		next.Metadata.Created, next.Metadata.Updated = &now, &now
		next.Metadata.Generation = 1
		out.Outcome = Created
		record := v1.AuditRecord{Action: "create", After: next.Spec}
		if s.object != nil {
			if create {
				return nil, kind.New(kind.Exists, "JD-OBJECT-014", "%s %q exists already; apply it to change it", in.Kind, in.Metadata.Name)
			}
			specSame := bytes.Equal(s.object.Spec, next.Spec)
			labelsSame := maps.Equal(s.object.Metadata.Labels, next.Metadata.Labels)
			if specSame && labelsSame {
				out = Applied{*s.object, Unchanged}
				return nil, nil
			}
			out.Outcome = Updated
			next.Metadata.Created = s.object.Metadata.Created
			next.Metadata.Generation = s.object.Metadata.Generation
			next.Metadata.Revision = s.object.Metadata.Revision
			if !specSame {
				next.Metadata.Generation++
			}
			next.Status = s.object.Status
			record = v1.AuditRecord{Action: "update", Before: s.object.Spec, After: next.Spec}
			if !labelsSame {
				record.Before, record.After = withLabels(*s.object), withLabels(next)
			}
		}
		if o.admit != nil {
			if err := o.admit(ctx, Change{Before: s.object, After: &next}, s); err != nil {
				return nil, err
			}
		}
		out.Object = next
		return &step{object: &next, record: &record, by: by, dry: dryRun, written: &out.Object}, nil
	})
	return out, err
}

// withLabels is what audit shows of a change of labels.
func withLabels(o Object) json.RawMessage {
	data, _ := json.Marshal(struct { // both have a JSON form
		Labels map[string]string `json:"labels"`
		Spec   json.RawMessage   `json:"spec"`
	}{o.Metadata.Labels, o.Spec})
	return data
}

// SetStatus replaces the status of an object whose revision is still revision. A transition leaves an
// audit record. status is JSON, or a value that has a JSON form.
func (o *Objects) SetStatus(ctx context.Context, k v1.Kind, name string, revision int64, status any, by string, transition bool) (Object, error) {
	t, err := o.typeOf(k)
	if err != nil {
		return Object{}, err
	}
	if t.Computed {
		return Object{}, kind.New(kind.Unsupported, "JD-OBJECT-009", "the status of a %s is worked out when it is read; it cannot be written", k)
	}
	if revision <= 0 {
		return Object{}, kind.New(kind.Invalid, "JD-OBJECT-007", "status of %s %q: give the revision that it is based on", k, name)
	}
	data, err := json.Marshal(status)
	if err == nil {
		data, err = canonical(t.status, data, "status")
	}
	if err != nil {
		return Object{}, err
	}
	var out Object
	err = o.write(ctx, k, name, func(s *state) (*step, error) {
		if s.object == nil {
			return nil, notFound(k, name)
		}
		if err := s.at(revision); err != nil {
			return nil, err
		}
		if !transition && bytes.Equal(s.object.Status, data) {
			out = *s.object
			return nil, nil
		}
		next := *s.object
		now := o.opts.Now().UTC()
		next.Status, next.Metadata.Updated = data, &now
		st := &step{object: &next, by: by, written: &out}
		if transition {
			st.record = &v1.AuditRecord{Action: "transition", Before: s.object.Status, After: data}
		}
		return st, nil
	})
	return out, err
}

// Delete removes an object; a revision above 0 must still be the object's.
func (o *Objects) Delete(ctx context.Context, k v1.Kind, name string, revision int64, by string) error {
	if _, err := o.typeOf(k); err != nil {
		return err
	}
	return o.write(ctx, k, name, func(s *state) (*step, error) {
		if s.object == nil {
			return nil, notFound(k, name)
		}
		if err := s.at(revision); err != nil {
			return nil, err
		}
		if o.admit != nil {
			if err := o.admit(ctx, Change{Before: s.object}, s); err != nil {
				return nil, err
			}
		}
		return &step{record: &v1.AuditRecord{Action: "delete", Before: s.object.Spec}, by: by}, nil
	})
}

func (o *Objects) typeOf(k v1.Kind) (Type, error) {
	t, ok := o.types[k]
	if ok {
		return t, nil
	}
	known := make([]string, 0, len(o.types))
	for _, k := range v1.Kinds {
		if _, ok := o.types[k]; ok {
			known = append(known, string(k))
		}
	}
	detail := fmt.Sprintf("use one of %q", known)
	if meant := suggest.Nearest(string(k), known); meant != "" {
		detail = "did you mean " + meant + "?"
	}
	return t, kind.New(kind.Invalid, "JD-OBJECT-005", "there is no such kind of object").WithFields(
		kind.Field{Path: "kind", Value: fmt.Sprintf("%.64s", k), Detail: detail})
}

func notFound(k v1.Kind, name string) error {
	return kind.New(kind.NotFound, "JD-OBJECT-006", "there is no %s %q; list them to see the names", k, name)
}

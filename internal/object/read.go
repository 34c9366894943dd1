package object

import (
	"context"
	"encoding/json"
	"errors"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// Revision is that of the store.
func (o *Objects) Revision(ctx context.Context) (int64, error) {
	_, revision, err := o.store.Range(ctx, Query{Prefix: headKey, Limit: 1})
	return revision, err
}

// Get reads an object as of a revision; 0 is now.
func (o *Objects) Get(ctx context.Context, k v1.Kind, name string, revision int64) (Object, error) {
	key := objectKey(k, name)
	kvs, _, err := o.store.Range(ctx, Query{Prefix: key, Limit: 1, Revision: revision})
	if err != nil {
		return Object{}, readError(err, revision)
	}
	if len(kvs) == 0 || kvs[0].Key != key {
		return Object{}, notFound(k, name)
	}
	return decodeKV(kvs[0])
}

// List reads the objects of a kind by name, as of a revision (0 is now), which it returns.
func (o *Objects) List(ctx context.Context, k v1.Kind, revision int64) ([]Object, int64, error) {
	kvs, at, err := o.store.Range(ctx, Query{Prefix: objectKey(k, ""), Revision: revision})
	if err != nil {
		return nil, 0, readError(err, revision)
	}
	list := make([]Object, 0, len(kvs))
	for _, kv := range kvs {
		object, err := decodeKV(kv)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, object)
	}
	return list, at, nil
}

func readError(err error, revision int64) error {
	if errors.Is(err, ErrCompacted) {
		return kind.New(kind.Conflict, "JD-OBJECT-008", "revision %d: %w; read without a revision and go on from there", revision, err)
	}
	return err
}

// AuditQuery selects audit records.
type AuditQuery struct {
	Kind   v1.Kind // empty: every kind
	Name   string  // empty: every name
	Before int64   // AuditPage.Next of the page before; 0: the newest
	Limit  int     // records of a page at most; default 100, at most 1,000
}

// auditScan bounds how many records one page looks at: a page of a rare object may be short, and Next
// goes on.
const auditScan = 2_000

// Audit reads a page of the audit log, newest first. The log keeps the last Options.MaxAudit records
// and about Options.MaxAuditBytes; AuditPage.Trimmed counts those let go.
func (o *Objects) Audit(ctx context.Context, q AuditQuery) (v1.AuditPage, error) {
	limit := min(max(q.Limit, 0), 1_000)
	if limit == 0 {
		limit = 100
	}
	page := v1.AuditPage{Items: []v1.AuditRecord{}}
	h, _, revision, err := o.readHead(ctx)
	if err != nil {
		return page, err
	}
	page.Trimmed = h.Trimmed
	before := h.Last + 1
	if q.Before > 0 {
		before = min(before, q.Before)
	}
	oldest := max(h.First, before-auditScan)
	for len(page.Items) < limit && before > oldest {
		kvs, _, err := o.store.Range(ctx, Query{Prefix: auditPrefix, From: auditKey(before), Reverse: true, Limit: 100, Revision: revision})
		if err != nil {
			return page, readError(err, revision)
		}
		if len(kvs) == 0 {
			before = h.First
		}
		for _, kv := range kvs {
			before--
			var r v1.AuditRecord
			if err := json.Unmarshal(kv.Value, &r); err != nil {
				return page, kind.New(kind.Internal, "JD-OBJECT-013", "stored record %s cannot be read: %w; restore from a backup or an export", kv.Key, err)
			}
			r.Revision = kv.Modified
			if (q.Kind == "" || q.Kind == r.Kind) && (q.Name == "" || q.Name == r.Name) {
				page.Items = append(page.Items, r)
			}
			if len(page.Items) == limit || before == oldest {
				break
			}
		}
	}
	if before > h.First {
		page.Next = before
	}
	return page, nil
}

package app

import (
	"context"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/object"
)

// migrationStore is the object store as migrate sees it.
type migrationStore struct{ objects *object.Objects }

func (s migrationStore) Get(ctx context.Context, name string) (v1.Migration, error) {
	o, err := s.objects.Get(ctx, v1.KindMigration, name, 0)
	if err != nil {
		return v1.Migration{}, err
	}
	return object.As[v1.Migration](o)
}

func (s migrationStore) SetStatus(ctx context.Context, name string, revision int64, status v1.MigrationStatus, by string) (v1.Migration, error) {
	o, err := s.objects.SetStatus(ctx, v1.KindMigration, name, revision, status, by, true)
	if err != nil {
		return v1.Migration{}, err
	}
	return object.As[v1.Migration](o)
}

// SetPaused tries again when somebody else changed the object in between: it changes one key only.
func (s migrationStore) SetPaused(ctx context.Context, name string, paused bool, who v1.Identity) (v1.Migration, error) {
	for {
		m, err := s.Get(ctx, name)
		if err != nil {
			return v1.Migration{}, err
		}
		m.Spec.Paused = paused
		applied, err := applyTyped(ctx, s.objects, m, who)
		if kind.Of(err) != kind.Conflict || ctx.Err() != nil {
			return applied, err
		}
	}
}

func (s migrationStore) Audit(ctx context.Context, name string, limit int) ([]v1.AuditRecord, error) {
	page, err := s.objects.Audit(ctx, object.AuditQuery{Kind: v1.KindMigration, Name: name, Limit: limit})
	return page.Items, err
}

// instanceStore is the object store as registry sees it.
type instanceStore struct{ objects *object.Objects }

func (s instanceStore) PutInstance(ctx context.Context, in v1.Instance, by v1.Identity) (v1.Instance, error) {
	return applyTyped(ctx, s.objects, in, by)
}

func (s instanceStore) DeleteInstance(ctx context.Context, name string, by v1.Identity) error {
	err := s.objects.Delete(ctx, v1.KindInstance, name, 0, by.By())
	if kind.Of(err) == kind.NotFound {
		return nil
	}
	return err
}

func (s instanceStore) CreateService(ctx context.Context, name string, by v1.Identity) error {
	_, err := s.objects.Create(ctx, object.Object{
		TypeMeta: v1.TypeMeta{APIVersion: v1.APIVersion, Kind: v1.KindService}, Metadata: v1.Meta{Name: name},
	}, by.By())
	if kind.Of(err) == kind.Exists {
		return nil
	}
	return err
}

// applyTyped applies an object given by its type and returns it as stored.
func applyTyped[T any](ctx context.Context, objects *object.Objects, typed T, by v1.Identity) (T, error) {
	o, err := object.From(typed)
	if err != nil {
		return typed, err
	}
	applied, err := objects.Apply(ctx, o, by.By(), false)
	if err != nil {
		return typed, err
	}
	return object.As[T](applied.Object)
}

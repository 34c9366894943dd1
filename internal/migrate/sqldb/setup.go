package sqldb

import (
	"context"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dialect"
)

// Prepare makes the tables that Jindu needs. Those that are there are left as they are, so that a user without
// the privilege to create tables will do once they were made for it.
func (s *Store) Prepare(ctx context.Context) error {
	for _, def := range s.dialect.Setup() {
		if err := s.table(ctx, def); err != nil {
			return err
		}
	}
	if q := s.dialect.LockRow(); q != "" {
		ctx, cancel := s.limit(ctx)
		defer cancel()
		if _, err := s.pool.exec(ctx, dialect.Query{SQL: q}); err != nil {
			return s.fail("write table "+dialect.FenceTable, err)
		}
	}
	return s.encoding(ctx)
}

func (s *Store) table(ctx context.Context, def dialect.Definition) error {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	look := dialect.Query{SQL: "SELECT 1 FROM " + s.dialect.Quote(def.Name) + " WHERE 1 = 0"}
	none := func([][]byte) error { return nil }
	err := s.pool.query(ctx, look, none)
	if err == nil || classOf(err) != classMissing && classOf(err) != classDenied {
		return s.fail("look for table "+def.Name, err)
	}
	if _, made := s.pool.exec(ctx, dialect.Query{SQL: def.SQL}); made != nil {
		if s.pool.query(ctx, look, none) == nil {
			return nil // another node was first
		}
		if classOf(made) == classDenied {
			return kind.New(kind.Denied, "JD-SQLDB-004", "database %s: user %s may not create table %s: grant it CREATE, or run: %s: %w", s.name, s.config.User, def.Name, def.SQL, made)
		}
		return s.fail("create table "+def.Name, made)
	}
	return nil
}

// encoding makes sure that the database's bytes of a text are ours.
func (s *Store) encoding(ctx context.Context) error {
	if !s.pool.text() {
		return nil
	}
	ctx, cancel := s.limit(ctx)
	defer cancel()
	var encoding string
	err := s.pool.query(ctx, dialect.Query{SQL: "SHOW server_encoding"}, func(f [][]byte) error {
		encoding = string(f[0])
		return nil
	})
	if err == nil && encoding != "UTF8" {
		return kind.New(kind.Unsupported, "JD-SQLDB-012", "database %s has encoding %s; sums are of UTF-8: move it to a database with encoding UTF8", s.name, encoding)
	}
	return s.fail("read the encoding", err)
}

// Position is what the relay named stream has applied here.
func (s *Store) Position(ctx context.Context, stream string) (at data.Position, ok bool, err error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	err = s.pool.query(ctx, dialect.Query{SQL: s.dialect.Position(), Args: []any{stream}}, func(f [][]byte) error {
		at, ok = data.Position(f[0]), true
		return nil
	})
	return at, ok, s.fail("read table "+dialect.RelayTable, err)
}

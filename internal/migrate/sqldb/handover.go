package sqldb

import (
	"context"
	"encoding/json"
	"strconv"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dialect"
	"jindu.dev/jindu/internal/migrate/row"
)

// HandOver sets the owner column of every row of a table that From owns, in chunks; it tells how many.
func (s *Store) HandOver(ctx context.Context, h data.Handover) (int64, error) {
	owner, version := h.Table.Index(h.Owner), -1
	if h.Version != "" {
		version = h.Table.Index(h.Version)
	}
	if owner < 0 || h.Version != "" && version < 0 {
		return 0, kind.New(kind.Invalid, "JD-SQLDB-005", "database %s: table %s has no column %s or %s", s.name, h.Table.Name, h.Owner, h.Version)
	}
	if h.Chunk <= 0 || h.Chunk > most {
		h.Chunk = most
	}
	var total int64
	for try := 1; ; {
		n, err := s.handOver(ctx, &h, owner, version)
		switch {
		case err != nil && classOf(err) == classAgain && try < attempts:
			if err := pause(ctx, try); err != nil {
				return total, s.fail("hand over "+h.Table.Name, err)
			}
			try++
			continue
		case err != nil:
			return total, s.fail("hand over "+h.Table.Name, err)
		case n == 0:
			return total, nil
		}
		try = 1
		total += n
	}
}

// handOver does one chunk.
func (s *Store) handOver(ctx context.Context, h *data.Handover, owner, version int) (int64, error) {
	ctx, cancel := s.limit(ctx)
	defer cancel()
	t, err := s.pool.begin(ctx)
	if err != nil {
		return 0, err
	}
	var found []row.Row
	err = t.query(ctx, s.dialect.Owned(h.Table, owner, row.Value{Text: h.From}, h.Chunk), s.scan(h.Table, all(h.Table), func(r row.Row) { found = append(found, r) }))
	if err == nil && len(found) > 0 {
		err = s.rewrite(ctx, t, h, owner, version, found)
	}
	if err != nil || len(found) == 0 {
		t.rollback()
		return 0, err
	}
	return int64(len(found)), t.commit(ctx)
}

func (s *Store) rewrite(ctx context.Context, t tx, h *data.Handover, owner, version int, found []row.Row) error {
	keys := make([]row.Key, len(found))
	for i, r := range found {
		keys[i] = h.Table.KeyOf(r)
	}
	qs := []dialect.Query{s.dialect.SetOwner(h.Table, owner, row.Value{Text: h.To}, version, keys)}
	if h.Outbox {
		for i, r := range found {
			r[owner] = row.Value{Text: h.To}
			next := int64(0)
			if version >= 0 && !r[version].Null {
				n, err := strconv.ParseInt(r[version].Text, 10, 64)
				if err != nil {
					return kind.New(kind.Invalid, "JD-SQLDB-005", "database %s: column %s of table %s holds no integer", s.name, h.Version, h.Table.Name)
				}
				next = n + 1
				r[version].Text = strconv.FormatInt(next, 10)
			}
			key, err := object(h.Table, h.Table.Key, row.Row(keys[i]))
			if err != nil {
				return err
			}
			after, err := object(h.Table, all(h.Table), r)
			if err != nil {
				return err
			}
			qs = append(qs, dialect.Query{SQL: s.dialect.Outbox(), Args: []any{h.Table.Name, "u", key, after, next}})
		}
	}
	_, err := t.exec(ctx, qs...)
	return err
}

// object is a JSON object of columns and their canonical text.
func object(t *row.Table, columns []int, values row.Row) (string, error) {
	m := make(map[string]*string, len(columns))
	for i, at := range columns {
		m[t.Columns[at].Name] = nil
		if !values[i].Null {
			m[t.Columns[at].Name] = &values[i].Text
		}
	}
	b, err := json.Marshal(m)
	return string(b), err
}

package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dialect"
	"jindu.dev/jindu/internal/migrate/row"
)

// maxShapes bounds the sets of columns that rows of one table are remembered with.
const maxShapes = 64

// tables knows the columns of the tables that are carried.
type tables struct {
	src   *Source
	names map[string]string // as the database spells it, to as the rule does
	whole map[string]*row.Table
	// shapes are tables with the columns that rows have, by name and columns: a service may leave some out.
	shapes map[string]*row.Table
}

func newTables(s *Source, names []string) *tables {
	t := &tables{src: s, names: map[string]string{}, whole: map[string]*row.Table{}, shapes: map[string]*row.Table{}}
	for _, n := range names {
		t.names[n] = n
		if rest, ok := strings.CutPrefix(n, "public."); ok && !s.mysql() {
			t.names[rest] = n
		} else if !strings.Contains(n, ".") && !s.mysql() {
			t.names["public."+n] = n
		}
	}
	return t
}

func (t *tables) carried(name string) bool {
	_, ok := t.names[name]
	return ok
}

// change makes a change of a row of the outbox.
func (t *tables) change(ctx context.Context, r *record) (data.Change, error) {
	var key, after map[string]*string
	bad := func(format string, args ...any) (data.Change, error) {
		return data.Change{}, kind.New(kind.Invalid, "JD-OUTBOX-005", "row %d of jindu_outbox (table %s, op %q): %w; correct what writes it, then correct or delete the row", r.id, r.table, r.op, fmt.Errorf(format, args...))
	}
	if err := json.Unmarshal([]byte(r.key), &key); err != nil {
		return bad("row_key is no object of texts: %w", err)
	}
	var c data.Change
	switch r.op {
	case "i":
		c.Op = data.Insert
	case "u":
		c.Op = data.Update
	case "d":
		c.Op = data.Delete
	default:
		return bad("op is none of i, u, d")
	}
	if (c.Op == data.Delete) == (r.after.Valid && r.after.String != "null") {
		return bad("row_after must be there, and null with op d")
	}
	if c.Op == data.Delete {
		after = key
	} else if err := json.Unmarshal([]byte(r.after.String), &after); err != nil {
		return bad("row_after is no object of texts: %w", err)
	}
	shape, err := t.shape(ctx, t.names[r.table], after)
	if err != nil {
		return data.Change{}, err
	}
	c.Table, c.Version = shape, r.version
	before, missing := values(shape, key, true)
	if missing != "" {
		return bad("row_key lacks column %s of the primary key", missing)
	}
	if c.Op == data.Delete {
		c.Before = before
		return c, nil
	}
	if c.After, missing = values(shape, after, false); missing != "" {
		return bad("row_after lacks column %s of the primary key", missing)
	}
	for _, at := range shape.Key {
		if before[at] != c.After[at] && c.Op == data.Update {
			c.Before = before
		}
	}
	return c, nil
}

// values puts texts into the order of a table; missing is a column of the key that has none.
func values(t *row.Table, texts map[string]*string, keyOnly bool) (out row.Row, missing string) {
	out = make(row.Row, len(t.Columns))
	for i := range t.Columns {
		text, ok := texts[t.Columns[i].Name]
		isKey := slices.Contains(t.Key, i)
		switch {
		case text != nil && (isKey || !keyOnly):
			out[i].Text = *text
		case isKey:
			return nil, t.Columns[i].Name
		default:
			_ = ok
			out[i].Null = true
		}
	}
	return out, ""
}

// shape is a table with the columns that a row has. One that the database does not have (any more) is left out;
// of a delete the whole table counts, as the row says nothing but its key.
func (t *tables) shape(ctx context.Context, name string, texts map[string]*string) (*row.Table, error) {
	columns := slices.Sorted(maps.Keys(texts))
	id := name + "\x00" + strings.Join(columns, "\x00")
	if s := t.shapes[id]; s != nil {
		return s, nil
	}
	whole := t.whole[name]
	known := func(c string) bool { return whole != nil && whole.Index(c) >= 0 }
	if whole == nil || slices.ContainsFunc(columns, func(c string) bool { return !known(c) }) {
		var err error
		if whole, err = t.src.table(ctx, name); err != nil {
			return nil, err
		}
		t.whole[name] = whole
	}
	s := &row.Table{Name: name}
	for i := range whole.Columns {
		if _, ok := texts[whole.Columns[i].Name]; ok || slices.Contains(whole.Key, i) {
			s.Columns = append(s.Columns, whole.Columns[i])
		}
	}
	for _, at := range whole.Key {
		s.Key = append(s.Key, s.Index(whole.Columns[at].Name))
	}
	if len(texts) == len(whole.Key) { // a delete
		s = whole
	}
	if len(t.shapes) >= maxShapes {
		clear(t.shapes)
	}
	t.shapes[id] = s
	return s, nil
}

// table reads columns and key of a table.
func (s *Source) table(ctx context.Context, name string) (*row.Table, error) {
	t := &row.Table{Name: name}
	rows, err := s.db.QueryContext(ctx, s.dialect.Columns(), s.dialect.CatalogueName(name))
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", name, err)
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	for rows.Next() {
		var n dialect.Native
		if err := rows.Scan(&n.Name, &n.Type, &n.Full, &n.Charset, &n.Collation, &n.Length, &n.Precision, &n.Scale, &n.Nullable, &n.Filled, &n.Generated, &n.JSON, &n.Fold); err != nil {
			return nil, fmt.Errorf("read the columns of %s: %w", name, err)
		}
		if c, err := s.dialect.Column(n); err == nil { // one without canonical text cannot be in the outbox
			t.Columns = append(t.Columns, c)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", name, err)
	}
	keys, err := s.db.QueryContext(ctx, s.dialect.KeyColumns(), s.dialect.CatalogueName(name))
	if err != nil {
		return nil, fmt.Errorf("read the key of %s: %w", name, err)
	}
	defer func() { _ = keys.Close() }() // Err says what went wrong
	for keys.Next() {
		var k string
		if err := keys.Scan(&k); err != nil {
			return nil, fmt.Errorf("read the key of %s: %w", name, err)
		}
		at := t.Index(k)
		if at < 0 {
			return nil, kind.New(kind.Unsupported, "JD-OUTBOX-006", "table %s: column %s of its primary key has a type without canonical text", name, k)
		}
		t.Key = append(t.Key, at)
	}
	if err := keys.Err(); err != nil {
		return nil, fmt.Errorf("read the key of %s: %w", name, err)
	}
	if len(t.Key) == 0 {
		return nil, kind.New(kind.Invalid, "JD-OUTBOX-006", "there is no table %s with a primary key in %s: create it, or take it out of the tables", name, s.config.Schema)
	}
	return t, nil
}

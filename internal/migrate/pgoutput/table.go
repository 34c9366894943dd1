package pgoutput

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/dialect"
	"jindu.dev/jindu/internal/migrate/row"
)

// relation is a table as the stream describes it.
type relation struct {
	table *row.Table
	relay bool
	full  bool // the row before a change comes whole
	ref   string
	arity int
}

// load makes a relation of its description. Names and types are the stream's; what the stream does not say
// (the key, NULL allowed, order) is the catalogue's, by name.
func (s *Source) load(ctx context.Context, c *pgconn.PgConn, m relationMessage, name string) (*relation, error) {
	d := &dialect.Dialect{Kind: dialect.Postgres}
	rel := &relation{table: &row.Table{Name: name}, full: m.identity == 'f', ref: quote(m.schema) + "." + quote(m.name), arity: len(m.columns)}
	now := map[string][]string{}
	rows, err := query(ctx, c, d.Columns(), rel.ref)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		now[r[0]] = r
	}
	keys, err := query(ctx, c, d.KeyColumns(), rel.ref)
	if err != nil {
		return nil, err
	}
	for _, col := range m.columns {
		n, err := native(ctx, c, col)
		if err != nil {
			return nil, err
		}
		if f := now[col.name]; len(f) > 12 {
			n.Collation, n.Nullable, n.Filled, n.Generated, n.Fold = f[4], yes(f[8]), yes(f[9]), yes(f[10]), yes(f[12])
		} else {
			n.Nullable = true // dropped since
		}
		rc, err := d.Column(n)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
		rel.table.Columns = append(rel.table.Columns, rc)
	}
	for _, k := range keys {
		at := rel.table.Index(k[0])
		if at < 0 || m.identity != 'f' && !m.columns[at].key {
			return nil, lost("JD-PGOUTPUT-007", "the primary key of table %s is another one now than in the log (column %s): compare it in full", name, k[0])
		}
		rel.table.Key = append(rel.table.Key, at)
	}
	if len(rel.table.Key) == 0 {
		return nil, kind.New(kind.Invalid, "JD-PGOUTPUT-005", "table %s has no primary key: without one its rows cannot be carried; add one", name)
	}
	return rel, nil
}

func yes(s string) bool { return s == "t" || s == "true" || s == "1" }

// native asks what a type is. A domain counts as the type that it is of, with that one's length.
func native(ctx context.Context, c *pgconn.PgConn, col relationColumn) (dialect.Native, error) {
	r, err := query(ctx, c, `SELECT COALESCE(u.typname, t.typname), CASE WHEN t.typtype='d' THEN t.typtypmod ELSE $2::int END,
format_type(COALESCE(u.oid, t.oid), CASE WHEN t.typtype='d' THEN t.typtypmod ELSE $2::int END)
FROM pg_type t LEFT JOIN pg_type u ON u.oid=t.typbasetype AND t.typtype='d' WHERE t.oid=$1::oid`, strconv.FormatUint(uint64(col.oid), 10), strconv.Itoa(int(col.modifier)))
	if err != nil {
		return dialect.Native{}, err
	}
	if len(r) == 0 {
		return dialect.Native{Name: col.name, Type: "text", Full: "text"}, nil // dropped since: text is as it came
	}
	n := dialect.Native{Name: col.name, Type: r[0][0], Full: r[0][2]}
	mod, err := strconv.Atoi(r[0][1])
	if err != nil {
		return n, fmt.Errorf("the type of column %s: %w", col.name, err)
	}
	switch n.Type {
	case "numeric":
		if n.Scale = -1; mod >= 0 {
			n.Scale = int64((mod - 4) & 65535)
		}
	case "time", "timestamp", "timestamptz":
		if n.Scale = 6; mod >= 0 {
			n.Scale = int64(mod)
		}
	case "bit", "varbit":
		n.Length = int64(max(mod, 0))
	case "bpchar", "varchar":
		n.Length = int64(max(mod-4, 0))
	}
	return n, nil
}

// canon is the canonical text of a value. Money has the signs of the locale C around its number.
func canon(c *row.Column, text string) (row.Value, error) {
	if c.Native == "money" {
		text = strings.NewReplacer("$", "", ",", "").Replace(text)
	}
	return row.Canon(c, text)
}

// row makes a row of a tuple. missing are the columns whose values are not in the log, filled from old where
// that is the whole row before.
func (rel *relation) row(tuple []value, old row.Row) (out row.Row, missing []int, err error) {
	if len(tuple) != rel.arity {
		return nil, nil, fmt.Errorf("a row of %d columns, the table has %d", len(tuple), rel.arity)
	}
	size := 0
	for i := range tuple {
		size += len(tuple[i].text)
	}
	var b strings.Builder // one allocation for all values
	b.Grow(size)
	for i := range tuple {
		b.Write(tuple[i].text)
	}
	all := b.String()
	out = make(row.Row, len(tuple))
	for i := range tuple {
		switch v := &tuple[i]; v.kind {
		case valueNull:
			out[i].Null = true
		case valueUnchanged:
			if old == nil {
				missing = append(missing, i)
				out[i].Null = true
			} else {
				out[i] = old[i]
			}
		default:
			if out[i], err = canon(&rel.table.Columns[i], all[:len(v.text)]); err != nil {
				return nil, nil, err
			}
			all = all[len(v.text):]
		}
	}
	return out, missing, nil
}

// fill reads the values that are not in the log from the row as it is now; false when there is no such row.
func (s *Source) fill(ctx context.Context, c *pgconn.PgConn, rel *relation, r row.Row, missing []int) (bool, error) {
	d := &dialect.Dialect{Kind: dialect.Postgres}
	cols := make([]string, len(missing))
	for i, at := range missing {
		n := quote(rel.table.Columns[at].Name)
		cols[i] = n + " IS NULL, " + n + "::text"
	}
	where := make([]string, len(rel.table.Key))
	args := make([]string, len(rel.table.Key))
	for i, at := range rel.table.Key {
		col := &rel.table.Columns[at]
		text, ok := d.Bind(col, r[at]).(string)
		if !ok {
			return false, fmt.Errorf("table %s: key column %s is NULL", rel.table.Name, col.Name)
		}
		where[i] = quote(col.Name) + " = " + d.Param(i+1, col)
		args[i] = text
	}
	rows, err := query(ctx, c, "SELECT "+strings.Join(cols, ", ")+" FROM "+rel.ref+" WHERE "+strings.Join(where, " AND "), args...)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	for i, at := range missing {
		if r[at].Null = yes(rows[0][2*i]); r[at].Null {
			continue
		}
		if r[at], err = canon(&rel.table.Columns[at], rows[0][2*i+1]); err != nil {
			return false, err
		}
	}
	return true, nil
}

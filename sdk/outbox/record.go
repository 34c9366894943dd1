package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Op is what became of a row.
type Op string

// The operations.
const (
	Insert Op = "i"
	Update Op = "u"
	Delete Op = "d"
)

// Row is a row, or its key: values by column. Values are nil, bool, integers, string, []byte, float64,
// time.Time (an instant) and the types of this package: Decimal, Local, Date, JSON.
type Row map[string]any

// Record writes what became of a row, behind the statement that did it. after is the whole row, nil of a
// delete. version must be higher than at the row's last change on either side.
func (tx *Tx) Record(ctx context.Context, table string, op Op, key, after Row, version int64) error {
	if tx.run.Shadow {
		return nil
	}
	if table == "" || len(key) == 0 || (after == nil) != (op == Delete) || op != Insert && op != Update && op != Delete {
		return fmt.Errorf("outbox: record %q of table %q: it needs a table, a key, one of i, u, d, and the row after it unless it is d", op, table)
	}
	rowKey, err := document(key)
	if err != nil {
		return fmt.Errorf("outbox: key of table %s: %w", table, err)
	}
	var rowAfter any
	if after != nil {
		if rowAfter, err = document(after); err != nil {
			return fmt.Errorf("outbox: row of table %s: %w", table, err)
		}
	}
	var mark any
	if tx.run.Marked {
		mark = tx.run.Mark.String()
	}
	_, err = tx.ExecContext(ctx, tx.bind("INSERT INTO jindu_outbox (tbl, op, row_key, row_after, version, mark) VALUES (?, ?, ?, ?, ?, ?)"),
		table, string(op), rowKey, rowAfter, version, mark)
	if err != nil {
		return fmt.Errorf("outbox: record of table %s: %w", table, err)
	}
	return nil
}

// RecordRow is Record of an insert or update with the row as it is now, read back by its key. versionColumn
// holds its version; "" is for rows that are only ever inserted.
func (tx *Tx) RecordRow(ctx context.Context, table string, op Op, key Row, versionColumn string) error {
	if tx.run.Shadow {
		return nil
	}
	if op == Delete || len(key) == 0 {
		return errors.New("outbox: RecordRow is for inserts and updates, with a key; say Record of a delete")
	}
	var where []string
	var args []any
	for _, column := range slices.Sorted(maps.Keys(key)) {
		where, args = append(where, tx.name(column)+" = ?"), append(args, plain(key[column]))
	}
	after, err := tx.read(ctx, tx.bind("SELECT * FROM "+tx.name(table)+" WHERE "+strings.Join(where, " AND ")), args)
	if err != nil {
		return fmt.Errorf("outbox: read row of table %s: %w", table, err)
	}
	version := int64(1)
	if versionColumn != "" {
		v, ok := after[versionColumn].(int64)
		if !ok {
			return fmt.Errorf("outbox: table %s has no integer column %q", table, versionColumn)
		}
		version = v
	}
	return tx.Record(ctx, table, op, key, after, version)
}

// read reads exactly one row.
func (tx *Tx) read(ctx context.Context, query string, args []any) (after Row, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	values, into := make([]any, len(types)), make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if after != nil {
			return nil, errors.New("there are several: the key is not the whole key")
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		after = Row{}
		for i, t := range types {
			if after[t.Name()], err = typed(tx.dialect, values[i], t.DatabaseTypeName()); err != nil {
				return nil, fmt.Errorf("column %s: %w", t.Name(), err)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if after == nil {
		return nil, errors.New("there is none")
	}
	return after, nil
}

// bind writes PostgreSQL's placeholders for ours. No statement of this package has a ? elsewhere.
func (tx *Tx) bind(query string) string {
	if tx.dialect != Postgres {
		return query
	}
	var b strings.Builder
	for i, part := range strings.Split(query, "?") {
		if i > 0 {
			fmt.Fprintf(&b, "$%d", i)
		}
		b.WriteString(part)
	}
	return b.String()
}

// name quotes the name of a table or column.
func (tx *Tx) name(s string) string {
	q := "`"
	if tx.dialect == Postgres {
		q = `"`
	}
	return q + strings.ReplaceAll(s, q, q+q) + q
}

// document is a row as a JSON object of canonical texts.
func document(r Row) (string, error) {
	texts := make(map[string]*string, len(r))
	for column, v := range r {
		if v == nil {
			texts[column] = nil
			continue
		}
		text, err := canonical(v)
		if err != nil {
			return "", fmt.Errorf("column %s: %w", column, err)
		}
		texts[column] = &text
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(texts); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

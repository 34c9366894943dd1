package dialect

import (
	"slices"
	"strings"

	"jindu.dev/jindu/internal/migrate/row"
)

// Find asks for columns of the rows with these keys, locked until the transaction ends or not.
func (d *Dialect) Find(t *row.Table, columns []int, keys []row.Key, lock bool) Query {
	b := d.builder()
	if d.postgres() {
		b.add("SELECT ", d.selection(t, columns, "t."), " FROM ", b.arrays(t, t.Key, func(i, c int) row.Value { return keys[i][c] }, len(keys)), " JOIN ", d.Table(t.Name), " t ON ", d.sameKey(t))
		if lock {
			b.add(" FOR UPDATE OF t")
		}
		return b.query()
	}
	b.add("SELECT ", d.selection(t, columns, ""), " FROM ", d.Table(t.Name), " WHERE ")
	b.keys(t, keys)
	if lock {
		b.add(" FOR UPDATE")
	}
	return b.query()
}

// keys writes that the key is one of these.
func (b *builder) keys(t *row.Table, keys []row.Key) {
	if len(t.Key) == 1 {
		c := &t.Columns[t.Key[0]]
		b.add(b.d.Quote(c.Name), " IN (")
		for i, k := range keys {
			if i > 0 {
				b.add(", ")
			}
			b.param(c, k[0])
		}
		b.add(")")
		return
	}
	for i, k := range keys {
		if i > 0 {
			b.add(" OR ")
		}
		b.add("(")
		for j, at := range t.Key {
			if j > 0 {
				b.add(" AND ")
			}
			c := &t.Columns[at]
			b.add(b.d.Quote(c.Name), " = ")
			b.param(c, k[j])
		}
		b.add(")")
	}
}

// arrays writes a table x of columns as one argument a column: however many rows there are, the statement is
// the same, so that its plan is kept.
func (b *builder) arrays(t *row.Table, columns []int, value func(i, c int) row.Value, n int) string {
	names := make([]string, len(columns))
	marks := make([]string, len(columns))
	for j, at := range columns {
		c := &t.Columns[at]
		list := make([]*string, n)
		for i := range n {
			if s, ok := b.d.Bind(c, value(i, j)).(string); ok {
				list[i] = &s
			}
		}
		b.args = append(b.args, list)
		names[j], marks[j] = b.d.Quote(c.Name), b.d.mark(len(b.args))+"::text[]"
	}
	if b.d.Kind == OpenGauss {
		// Several arrays side by side: there only in the list of a SELECT.
		for j := range marks {
			marks[j] = "unnest(" + marks[j] + ") AS " + names[j]
		}
		return "(SELECT " + strings.Join(marks, ", ") + ") x"
	}
	return "unnest(" + strings.Join(marks, ", ") + ") AS x(" + strings.Join(names, ", ") + ")"
}

// sameKey is the condition that row t has the key of x.
func (d *Dialect) sameKey(t *row.Table) string {
	terms := make([]string, 0, len(t.Key))
	for _, at := range t.Key {
		c := &t.Columns[at]
		terms = append(terms, "t."+d.Quote(c.Name)+" = x."+d.Quote(c.Name)+"::"+d.cast(c))
	}
	return strings.Join(terms, " AND ")
}

// Upsert writes rows, new or not. Columns in once are written only with a new row. Where the row is there and
// version, the index of a column or -1, is not below the new one's, it stays. On MariaDB and MySQL it must be
// known which rows are there, as any unique key would count; see Insert.
func (d *Dialect) Upsert(t *row.Table, rows []row.Row, once []int, version int) Query {
	set := make([]int, 0, len(t.Columns))
	for i := range t.Columns {
		if !slices.Contains(once, i) && (!t.IsKey(i) || t.Columns[i].Fold && d.mysql()) {
			set = append(set, i)
		}
	}
	switch d.Kind {
	case DM8:
		return d.merge(t, rows, set, version)
	case OpenGauss:
		return d.gaussUpsert(t, rows, set, version)
	case Postgres:
		b := d.builder()
		b.insert(t, rows)
		b.add(" ON CONFLICT (", d.list(t, t.Key, ""), ") DO ")
		if len(set) == 0 {
			b.add("NOTHING")
			return b.query()
		}
		b.add("UPDATE SET ", d.assign(t, set, "EXCLUDED.", ""))
		if version >= 0 {
			v := d.Quote(t.Columns[version].Name)
			b.add(" WHERE ", d.Table(t.Name), ".", v, " < EXCLUDED.", v)
		}
		return b.query()
	}
	b := d.builder()
	b.insert(t, rows)
	b.add(" ON DUPLICATE KEY UPDATE ")
	if len(set) == 0 {
		k := d.Quote(t.Columns[t.Key[0]].Name)
		b.add(k, " = ", k)
		return b.query()
	}
	b.add(d.assign(t, set, "VALUES(", ")"))
	return b.query()
}

// gaussUpsert tells rows that are there from new ones by itself: openGauss's own clause for duplicates counts
// any unique key.
func (d *Dialect) gaussUpsert(t *row.Table, rows []row.Row, set []int, version int) Query {
	b := d.builder()
	b.add("MERGE INTO ", d.Table(t.Name), " t USING (SELECT ", d.casts(t), " FROM ", b.rows(t, rows), ") s ON (", d.keysEqual(t), ")")
	b.matched(t, set, version)
	return b.query()
}

func (d *Dialect) merge(t *row.Table, rows []row.Row, set []int, version int) Query {
	b := d.builder()
	b.add("MERGE INTO ", d.Table(t.Name), " t USING (")
	for i, r := range rows {
		if i > 0 {
			b.add(" UNION ALL ")
		}
		b.add("SELECT ")
		for j := range t.Columns {
			if j > 0 {
				b.add(", ")
			}
			b.param(&t.Columns[j], r[j])
			if i == 0 {
				b.add(" ", d.Quote(t.Columns[j].Name))
			}
		}
		b.add(" FROM DUAL")
	}
	b.add(") s ON (", d.keysEqual(t), ")")
	b.matched(t, set, version)
	return b.query()
}

func (d *Dialect) keysEqual(t *row.Table) string {
	terms := make([]string, 0, len(t.Key))
	for _, at := range t.Key {
		k := d.Quote(t.Columns[at].Name)
		terms = append(terms, "t."+k+" = s."+k)
	}
	return strings.Join(terms, " AND ")
}

func (b *builder) matched(t *row.Table, set []int, version int) {
	if len(set) > 0 {
		b.add(" WHEN MATCHED THEN UPDATE SET ", b.d.assign(t, set, "s.", ""))
		if version >= 0 {
			v := b.d.Quote(t.Columns[version].Name)
			b.add(" WHERE t.", v, " < s.", v)
		}
	}
	b.add(" WHEN NOT MATCHED THEN INSERT (", b.d.list(t, all(t), ""), ") VALUES (", b.d.list(t, all(t), "s."), ")")
}

// assign is name = EXCLUDED.name and the like.
func (d *Dialect) assign(t *row.Table, set []int, before, after string) string {
	list := make([]string, 0, len(set))
	for _, i := range set {
		name := d.Quote(t.Columns[i].Name)
		list = append(list, name+" = "+before+name+after)
	}
	return strings.Join(list, ", ")
}

// Insert writes rows that are not there yet; one that is there is an error.
func (d *Dialect) Insert(t *row.Table, rows []row.Row) Query {
	b := d.builder()
	b.insert(t, rows)
	return b.query()
}

func (b *builder) insert(t *row.Table, rows []row.Row) {
	b.add("INSERT INTO ", b.d.Table(t.Name), " (", b.d.list(t, all(t), ""), ") ")
	if b.d.postgres() {
		b.add("SELECT ", b.d.casts(t), " FROM ", b.rows(t, rows))
		return
	}
	b.add("VALUES ")
	for i, r := range rows {
		if i > 0 {
			b.add(", ")
		}
		b.add("(")
		for j := range t.Columns {
			if j > 0 {
				b.add(", ")
			}
			// A value that is assigned needs no cast: the column's type is there.
			b.placeholder(b.d.Bind(&t.Columns[j], r[j]))
		}
		b.add(")")
	}
}

func (b *builder) rows(t *row.Table, rows []row.Row) string {
	return b.arrays(t, all(t), func(i, c int) row.Value { return rows[i][c] }, len(rows))
}

// casts are the columns of x as what they are.
func (d *Dialect) casts(t *row.Table) string {
	list := make([]string, 0, len(t.Columns))
	for i := range t.Columns {
		name := d.Quote(t.Columns[i].Name)
		list = append(list, "x."+name+"::"+d.cast(&t.Columns[i])+" AS "+name)
	}
	return strings.Join(list, ", ")
}

// Delete deletes the rows with these keys.
func (d *Dialect) Delete(t *row.Table, keys []row.Key) Query {
	b := d.builder()
	if d.postgres() {
		from := b.arrays(t, t.Key, func(i, c int) row.Value { return keys[i][c] }, len(keys))
		b.add("DELETE FROM ", d.Table(t.Name), " t USING ", from, " WHERE ", d.sameKey(t))
		return b.query()
	}
	b.add("DELETE FROM ", d.Table(t.Name), " WHERE ")
	b.keys(t, keys)
	return b.query()
}

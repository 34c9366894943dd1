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
		from := b.arrays(t, t.Key, func(i, c int) row.Value { return keys[i][c] }, len(keys))
		b.add("SELECT ", d.selection(t, columns, "t."), " FROM ", from, " JOIN ", d.Table(t.Name), " t ON ", d.sameKey(t))
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
	if len(t.Key) == 2 && alike(keys) {
		first, second := &t.Columns[t.Key[0]], &t.Columns[t.Key[1]]
		b.add(b.d.Quote(first.Name), " = ")
		b.param(first, keys[0][0])
		b.add(" AND ", b.d.Quote(second.Name), " IN (")
		for i, k := range keys {
			if i > 0 {
				b.add(", ")
			}
			b.param(second, k[1])
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

// alike says that the keys differ in their second column only.
func alike(keys []row.Key) bool {
	for _, k := range keys {
		if k[0] != keys[0][0] {
			return false
		}
	}
	return true
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

// Update writes rows that are there: they were found, and are locked. Columns in once stay as they are. False
// when nothing is left to write. What finds a row is its primary key alone: MariaDB's clause for duplicates would
// take any unique key, but the primary key is tried first.
func (d *Dialect) Update(t *row.Table, rows []row.Row, once []int) (Query, bool) {
	set := make([]int, 0, len(t.Columns))
	for i := range t.Columns {
		if !slices.Contains(once, i) && (!t.IsKey(i) || t.Columns[i].Fold) {
			set = append(set, i)
		}
	}
	if len(set) == 0 {
		return Query{}, false
	}
	b := d.builder()
	switch {
	case d.mysql():
		b.insert(t, rows)
		b.add(" ON DUPLICATE KEY UPDATE ", d.assign(t, set, "VALUES(", ")"))
	case d.postgres():
		from := b.rows(t, rows)
		b.add("UPDATE ", d.Table(t.Name), " t SET ")
		for i, at := range set {
			if i > 0 {
				b.add(", ")
			}
			c := &t.Columns[at]
			b.add(d.Quote(c.Name), " = x.", d.Quote(c.Name), "::", d.cast(c))
		}
		b.add(" FROM ", from, " WHERE ", d.sameKey(t))
	default:
		return d.merge(t, rows, set), true
	}
	return b.query(), true
}

// merge is DM8's: it has no other statement for many rows.
func (d *Dialect) merge(t *row.Table, rows []row.Row, set []int) Query {
	b := d.builder()
	b.dual(t, rows)
	b.add(" WHEN MATCHED THEN UPDATE SET ", d.assign(t, set, "s.", ""))
	return b.query()
}

// dual begins a MERGE of rows.
func (b *builder) dual(t *row.Table, rows []row.Row) {
	b.add("MERGE INTO ", b.d.Table(t.Name), " t USING (")
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
				b.add(" ", b.d.Quote(t.Columns[j].Name))
			}
		}
		b.add(" FROM DUAL")
	}
	b.add(") s ON (", b.d.keysEqual(t), ")")
}

func (d *Dialect) keysEqual(t *row.Table) string {
	terms := make([]string, 0, len(t.Key))
	for _, at := range t.Key {
		k := d.Quote(t.Columns[at].Name)
		terms = append(terms, "t."+k+" = s."+k)
	}
	return strings.Join(terms, " AND ")
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
		from := b.rows(t, rows)
		b.add("SELECT ", b.d.casts(t), " FROM ", from)
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

// Note writes rows of table jindu_version, new or not.
func (d *Dialect) Note(rows []row.Row) Query { return d.put(d.Versions(), rows) }

// Park writes a row of table jindu_parked, new or not.
func (d *Dialect) Park(r row.Row) Query { return d.put(d.Parkings(), []row.Row{r}) }

// put writes rows of a table that has no unique key but its primary key.
func (d *Dialect) put(t *row.Table, rows []row.Row) Query {
	var set []int
	for i := range t.Columns {
		if !t.IsKey(i) {
			set = append(set, i)
		}
	}
	b := d.builder()
	switch d.Kind {
	case MariaDB, MySQL:
		b.insert(t, rows)
		b.add(" ON DUPLICATE KEY UPDATE ", d.assign(t, set, "VALUES(", ")"))
	case Postgres:
		b.insert(t, rows)
		b.add(" ON CONFLICT (", d.list(t, t.Key, ""), ") DO UPDATE SET ", d.assign(t, set, "EXCLUDED.", ""))
	case OpenGauss:
		from := b.rows(t, rows)
		b.add("MERGE INTO ", d.Table(t.Name), " t USING (SELECT ", d.casts(t), " FROM ", from, ") s ON (", d.keysEqual(t), ")")
		b.matched(t, set)
	default:
		b.dual(t, rows)
		b.matched(t, set)
	}
	return b.query()
}

// matched writes both branches of a MERGE.
func (b *builder) matched(t *row.Table, set []int) {
	b.add(" WHEN MATCHED THEN UPDATE SET ", b.d.assign(t, set, "s.", ""),
		" WHEN NOT MATCHED THEN INSERT (", b.d.list(t, all(t), ""), ") VALUES (", b.d.list(t, all(t), "s."), ")")
}

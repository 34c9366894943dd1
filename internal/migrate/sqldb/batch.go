package sqldb

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/dialect"
	"jindu.dev/jindu/internal/migrate/row"
)

// batch is some writes on their way into one transaction.
type batch struct {
	s      *Store
	writes []data.Write
	single bool // one write: whatever row the database finds by its key is the row
	ops    []op
	groups []*group
	fates  []data.Fate
}

// op is a write, or the deletion of the key that a write's row had before.
type op struct {
	write  int
	target *target
	gone   bool // delete the row
	second bool // the deletion of an old key: no fate of its own
}

// group is what is written to one table in one form.
type group struct {
	table   *row.Table
	version int
	once    []int
	full    bool // rows are compared: read them whole
	targets []*target
	by      map[string]*target
}

// target is one row: what is there, and what is to become of it.
type target struct {
	key     row.Key
	encoded []byte

	exists  bool
	version int64
	current row.Row // where the group is full
	marked  bool    // jindu_version has it
	gone    bool    // as a tombstone
	seq     int64   // with this version
	fresh   bool    // by a write of this batch

	was       bool // a row was there at the beginning
	deleted   bool // delete it before anything is written
	row       row.Row
	last      int  // write that gave row
	mark      bool // write jindu_version
	unmark    bool // delete from it
	hadMarked bool
}

func (s *Store) batch(writes []data.Write, single bool) *batch {
	b := &batch{s: s, writes: writes, single: single, fates: make([]data.Fate, len(writes))}
	for i := range writes {
		w := &writes[i]
		g := b.group(w)
		g.full = g.full || w.Check
		key := w.Table.KeyOf(w.Row)
		if w.Op != data.Delete && w.Key != nil && !slices.Equal(w.Key, key) {
			b.ops = append(b.ops, op{write: i, target: g.target(w.Key), gone: true, second: true})
		}
		b.ops = append(b.ops, op{write: i, target: g.target(key), gone: w.Op == data.Delete})
	}
	return b
}

func (b *batch) group(w *data.Write) *group {
	for _, g := range b.groups {
		if g.table == w.Table && g.version == w.VersionColumn && slices.Equal(g.once, w.Once) {
			return g
		}
	}
	g := &group{table: w.Table, version: w.VersionColumn, once: w.Once, by: map[string]*target{}}
	b.groups = append(b.groups, g)
	return g
}

// name tells keys apart as the database does, as far as that can be known here; see batch.single.
func (g *group) name(k row.Key) string {
	fold := false
	for _, at := range g.table.Key {
		fold = fold || g.table.Columns[at].Fold
	}
	if fold {
		k = slices.Clone(k)
		for i, at := range g.table.Key {
			if g.table.Columns[at].Fold {
				k[i].Text = strings.TrimRight(strings.ToLower(k[i].Text), " ")
			}
		}
	}
	return string(row.EncodeKey(k))
}

func (g *group) target(k row.Key) *target {
	name := g.name(k)
	t := g.by[name]
	if t == nil {
		t = &target{key: k, encoded: row.EncodeKey(k)}
		g.by[name] = t
		g.targets = append(g.targets, t)
	}
	return t
}

// run does all of it.
func (b *batch) run(ctx context.Context, r tx) error {
	for _, g := range b.groups {
		if err := b.look(ctx, r, g); err != nil {
			return b.s.fail("lock rows of table "+g.table.Name, err)
		}
	}
	for i := range b.ops {
		b.decide(&b.ops[i])
	}
	return b.write(ctx, r)
}

// look reads and locks what is there.
func (b *batch) look(ctx context.Context, r tx, g *group) error {
	// In one order, so that two transactions do not wait for each other.
	sorted := slices.Clone(g.targets)
	slices.SortFunc(sorted, func(a, c *target) int { return bytes.Compare(a.encoded, c.encoded) })
	columns := slices.Clone(g.table.Key)
	if g.version >= 0 {
		columns = append(columns, g.version)
	}
	if g.full {
		columns = all(g.table)
	}
	for part := range slices.Chunk(sorted, most) {
		keys := make([]row.Key, len(part))
		for i, t := range part {
			keys[i] = t.key
		}
		found := func(read row.Row) { b.found(g, part, columns, read) }
		if err := r.query(ctx, b.s.dialect.Find(g.table, columns, keys, true), b.s.scan(g.table, columns, found)); err != nil {
			return err
		}
		if err := b.versions(ctx, r, g, part); err != nil {
			return err
		}
	}
	return nil
}

// found takes one row in that is there.
func (b *batch) found(g *group, part []*target, columns []int, read row.Row) {
	whole := make(row.Row, len(g.table.Columns))
	for i, at := range columns {
		whole[at] = read[i]
	}
	t := g.by[g.name(g.table.KeyOf(whole))]
	if t == nil {
		if !b.single && len(part) > 1 {
			return // a collation that folds more than case: the insert will be refused, and done alone
		}
		t = part[0]
	}
	t.exists, t.was = true, true
	if g.full {
		t.current = whole
	}
	if g.version >= 0 {
		t.version, _ = strconv.ParseInt(whole[g.version].Text, 10, 64) // NULL counts as 0
	}
}

// versions reads table jindu_version. With a version column only tombstones count, and only where no row is.
func (b *batch) versions(ctx context.Context, r tx, g *group, part []*target) error {
	table := b.s.dialect.Versions()
	byKey := make(map[string]*target, len(part))
	var keys []row.Key
	for _, t := range part {
		if g.version >= 0 && t.exists {
			continue
		}
		encoded := hexText(t.encoded)
		byKey[encoded] = t
		keys = append(keys, row.Key{{Text: g.table.Name}, {Text: encoded}})
	}
	if len(keys) == 0 {
		return nil
	}
	return r.query(ctx, b.s.dialect.Find(table, all(table), keys, true), b.s.scan(table, all(table), func(v row.Row) {
		if t := byKey[v[1].Text]; t != nil {
			t.marked, t.hadMarked, t.gone = true, true, v[3].Text == "true"
			t.seq, _ = strconv.ParseInt(v[2].Text, 10, 64) // a BIGINT is one
		}
	}))
}

// write sends what was decided: first what goes, then what comes and stays, in the order of the writes.
func (b *batch) write(ctx context.Context, r tx) error {
	var qs []dialect.Query
	var expect []int64 // rows that each must touch; -1: it does not matter
	add := func(q dialect.Query, n int) {
		qs, expect = append(qs, q), append(expect, int64(n))
	}
	d := b.s.dialect
	for _, g := range b.byFirst(func(o *op) bool { return o.gone }) {
		var keys []row.Key
		for _, t := range g.targets {
			if t.deleted {
				keys = append(keys, t.key)
			}
		}
		for part := range slices.Chunk(keys, most) {
			add(d.Delete(g.table, part), len(part))
		}
	}
	for _, g := range b.byFirst(func(o *op) bool { return !o.gone }) {
		var inserts, updates []*target
		for _, t := range g.targets {
			switch {
			case t.row == nil:
			case t.was && !t.deleted:
				updates = append(updates, t)
			default:
				inserts = append(inserts, t)
			}
		}
		for part := range slices.Chunk(rows(inserts), most) {
			add(d.Insert(g.table, part), len(part))
		}
		for part := range slices.Chunk(rows(updates), most) {
			if q, ok := d.Update(g.table, part, g.once); ok {
				n := len(part)
				if !b.s.pool.text() {
					n = -1 // MySQL counts what changed, in a way of its own
				}
				add(q, n)
			}
		}
	}
	for _, q := range b.notes() {
		add(q, -1)
	}
	if len(qs) == 0 {
		return nil
	}
	touched, err := r.exec(ctx, qs...)
	if err != nil {
		return err
	}
	for i, n := range touched {
		if expect[i] >= 0 && n != expect[i] {
			return errMoved
		}
	}
	return nil
}

// errMoved says that a row that was locked is not there, or that a trigger kept it from being written.
var errMoved = kind.New(kind.Conflict, "JD-SQLDB-013", "a statement touched another number of rows than it named: a rule or trigger of the table changes what is written; it must not")

// byFirst are the groups in the order in which a kind of write first comes.
func (b *batch) byFirst(want func(*op) bool) []*group {
	if len(b.groups) == 1 {
		return b.groups
	}
	var order []*group
	for i := range b.ops {
		if !want(&b.ops[i]) {
			continue
		}
		if g := b.group(&b.writes[b.ops[i].write]); !slices.Contains(order, g) {
			order = append(order, g)
		}
	}
	return order
}

// rows are those of targets in the order of the writes that gave them.
func rows(targets []*target) []row.Row {
	slices.SortStableFunc(targets, func(a, b *target) int { return a.last - b.last })
	out := make([]row.Row, len(targets))
	for i, t := range targets {
		out[i] = t.row
	}
	return out
}

// notes are the statements for jindu_version.
func (b *batch) notes() []dialect.Query {
	d := b.s.dialect
	table := d.Versions()
	var gone []row.Key
	var notes []row.Row
	for _, g := range b.groups {
		for _, t := range g.targets {
			name, key := row.Value{Text: g.table.Name}, row.Value{Text: hexText(t.encoded)}
			switch {
			case t.unmark:
				gone = append(gone, row.Key{name, key})
			case t.mark:
				notes = append(notes, row.Row{name, key, {Text: strconv.FormatInt(t.seq, 10)}, {Text: strconv.FormatBool(t.gone)}})
			}
		}
	}
	var qs []dialect.Query
	for part := range slices.Chunk(gone, most) {
		qs = append(qs, d.Delete(table, part))
	}
	for part := range slices.Chunk(notes, most) {
		qs = append(qs, d.Note(part))
	}
	return qs
}

const hexDigits = "0123456789abcdef"

func hexText(b []byte) string {
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, hexDigits[c>>4], hexDigits[c&15])
	}
	return string(out)
}

package data

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/row"
)

// cargo is one change on its way to the other side.
type cargo struct {
	change *Change
	pair   *Pair
	ident  string  // of the row; see Pair.ident
	key    row.Key // of the row, as the side writes it that it was captured on
	write  Write
	err    error // why it cannot be applied: it is parked
	behind bool  // parked only because an earlier change of its row is
	id     string
	sealed bool // Was is known, so that Check can be asked for
}

// A loader makes cargo of what one side's source tells.
type loader struct {
	plan  *Plan
	from  side
	added func(from side, table, column string) // a column that the plan does not know; nil: nobody asks
	last  struct {                              // projection of the table seen last
		table *row.Table
		pair  *Pair
		pick  []int
	}
}

// shape says that a table no longer has the columns that the plan was made for: the plan is made anew.
type shapeError struct{ table, column string }

func (e *shapeError) Error() string {
	return fmt.Sprintf("a change of table %s has no column %s: the table was altered; correct spec.data.tables, or restore the column", e.table, e.column)
}

// project puts a captured row into the columns that are carried.
func (l *loader) project(t *row.Table) (*Pair, []int, error) {
	if l.last.table == t {
		return l.last.pair, l.last.pick, nil
	}
	pair := l.plan.by[l.from][t.Name]
	if pair == nil {
		return nil, nil, nil
	}
	carried := pair.tables[l.from]
	pick := make([]int, len(carried.Columns))
	for i := range carried.Columns {
		if pick[i] = t.Index(carried.Columns[i].Name); pick[i] < 0 {
			return nil, nil, &shapeError{t.Name, carried.Columns[i].Name}
		}
	}
	if known := pair.known[l.from]; known != nil && l.added != nil {
		for i := range t.Columns {
			if name := t.Columns[i].Name; known.Index(name) < 0 {
				l.added(l.from, t.Name, name)
			}
		}
	}
	l.last.table, l.last.pair, l.last.pick = t, pair, pick
	return pair, pick, nil
}

func picked(r row.Row, pick []int) row.Row {
	if r == nil {
		return nil
	}
	out := make(row.Row, len(pick))
	for i, at := range pick {
		if at < len(r) {
			out[i] = r[at]
		} else {
			out[i].Null = true
		}
	}
	return out
}

// load makes the cargo of one change: a write, or a delete and a write where the key changed. A change that
// cannot be carried comes back with its error.
func (l *loader) load(t *Txn, index int, sequence int64) ([]cargo, error) {
	change := &t.Changes[index]
	pair, pick, err := l.project(change.Table)
	if err != nil || pair == nil {
		return nil, err
	}
	before, after := picked(change.Before, pick), picked(change.After, pick)
	if change.Op == Delete {
		after = nil
	}
	base := cargo{change: change, pair: pair, id: fmt.Sprintf("%020d-%06d", sequence, index)}
	source := pair.tables[l.from]
	write := Write{
		Table: pair.tables[l.from.other()], Op: change.Op, Sequence: sequence, VersionColumn: pair.version[l.from.other()],
	}
	if l.from == oldSide {
		write.Once = pair.Mapper.Once()
	}
	// Before holds at least the key; the rest of it counts only where all of it is known.
	full := change.Op == Insert || before != nil && !sparse(source, before)
	var was row.Row
	if full && before != nil {
		if was, err = pair.carry(l.from, before); err != nil {
			full = false
		}
	}
	if before == nil && after == nil {
		return nil, kind.New(kind.Internal, "JD-DATA-015", "table %s: a change at %s tells neither row nor key", change.Table.Name, t.Position)
	}
	beforeKey := row.Key(nil)
	if before != nil {
		beforeKey = source.KeyOf(before)
	}
	if change.Op == Delete {
		return []cargo{l.remove(base, write, beforeKey, pair.versionOf(l.from, before, change.Version), was, full)}, nil
	}
	afterKey := source.KeyOf(after)
	var out []cargo
	if beforeKey != nil && change.Op == Update && keyText(source, beforeKey) != keyText(source, afterKey) {
		gone := base
		gone.id += "a"
		out = append(out, l.remove(gone, write, beforeKey, pair.versionOf(l.from, before, change.Version), was, full))
		was, full = nil, true // the new key's row is a new one
	}
	c := base
	c.write = write
	c.write.Op = Update
	c.key, c.ident = afterKey, pair.ident(l.from, afterKey)
	c.write.Version = pair.versionOf(l.from, after, change.Version)
	c.write.Row, c.err = pair.carry(l.from, after)
	c.write.Was, c.sealed = was, full
	return append(out, c), nil
}

func (l *loader) remove(c cargo, w Write, key row.Key, version int64, was row.Row, full bool) cargo {
	c.key, c.ident = key, c.pair.ident(l.from, key)
	w.Op, w.Version = Delete, version
	var to row.Key
	if to, c.err = c.pair.carryKey(l.from, key); c.err == nil {
		w.Row = make(row.Row, len(w.Table.Columns))
		for i := range w.Row {
			w.Row[i].Null = true
		}
		for i, at := range w.Table.Key {
			w.Row[at] = to[i]
		}
	}
	w.Was, c.sealed = was, full
	c.write = w
	return c
}

// sparse says whether a row before a change holds no more than its key.
func sparse(t *row.Table, r row.Row) bool {
	for i, v := range r {
		if !v.Null && !t.IsKey(i) {
			return false
		}
	}
	return len(t.Key) < len(t.Columns)
}

// parcel is a parked change as it is stored: enough to carry it anew under a rule that was corrected since.
type parcel struct {
	Table    string    `json:"table"`
	Columns  []string  `json:"columns"`
	Key      []int     `json:"key"`
	Op       Op        `json:"op"`
	Before   row.Row   `json:"before,omitempty"`
	After    row.Row   `json:"after,omitempty"`
	Version  int64     `json:"version"`
	Sequence int64     `json:"sequence"`
	Position Position  `json:"position"`
	Commit   time.Time `json:"commit"`
	Mark     string    `json:"mark,omitempty"`
	Ident    string    `json:"ident"`
	Error    string    `json:"error"`
	Behind   bool      `json:"behind,omitempty"`
}

// wrap makes the parcel of cargo.
func (c *cargo) wrap(stream string, t *pending) (ParkedRow, error) {
	names := make([]string, len(c.change.Table.Columns))
	for i := range names {
		names[i] = c.change.Table.Columns[i].Name
	}
	p := parcel{
		Table: c.change.Table.Name, Columns: names, Key: c.change.Table.Key, Op: c.change.Op, Before: c.change.Before, After: c.change.After,
		Version: c.change.Version, Sequence: t.sequence, Position: t.position, Commit: t.commit, Mark: t.mark, Ident: c.ident, Behind: c.behind,
		Error: "an earlier change of the row is parked",
	}
	if c.err != nil {
		p.Error = c.err.Error()
	}
	body, err := json.Marshal(p)
	if err != nil {
		return ParkedRow{}, kind.New(kind.Internal, "JD-DATA-015", "table %s: write down a parked change: %w", p.Table, err)
	}
	return ParkedRow{Stream: stream, ID: c.id, Body: body}, nil
}

// unwrap reads a parked row.
func unwrap(p ParkedRow) (parcel, error) {
	var out parcel
	if err := json.Unmarshal(p.Body, &out); err != nil {
		return out, kind.New(kind.Internal, "JD-DATA-015", "table jindu_parked: row %s of %s cannot be read: %w", p.ID, p.Stream, err)
	}
	fits := out.Op <= Delete && len(out.Key) > 0 && (out.Before != nil || out.After != nil)
	for _, at := range out.Key {
		fits = fits && at >= 0 && at < len(out.Columns)
	}
	for _, r := range []row.Row{out.Before, out.After} {
		fits = fits && (r == nil || len(r) == len(out.Columns))
	}
	if !fits {
		return out, kind.New(kind.Internal, "JD-DATA-015", "table jindu_parked: row %s of %s is none that Jindu wrote", p.ID, p.Stream)
	}
	return out, nil
}

// txn is the parcel as its source told it.
func (p *parcel) txn() *Txn {
	t := &row.Table{Name: p.Table, Key: p.Key}
	for _, name := range p.Columns {
		t.Columns = append(t.Columns, row.Column{Name: name})
	}
	return &Txn{
		Position: p.Position, Sequence: p.Sequence, Commit: p.Commit, Mark: p.Mark,
		Changes: []Change{{Table: t, Op: p.Op, Before: p.Before, After: p.After, Version: p.Version}},
	}
}

// view is the parcel for people.
func (p *parcel) view(from side, id, shown string, behind int64) v1.ParkedChange {
	t := p.txn().Changes[0].Table
	r := p.Before
	if r == nil {
		r = p.After
	}
	var key row.Key
	if len(r) == len(t.Columns) {
		key = t.KeyOf(r)
	}
	return v1.ParkedChange{
		ID: publicID(from, id), From: from.String(), Table: shown, Key: namedKey(t, key), Position: string(p.Position), At: p.Commit, Op: p.Op.String(),
		Error: p.Error, Behind: behind,
	}
}

// publicID is an id of a parked change that says which relay it is of.
func publicID(from side, id string) string { return from.String() + "-" + id }

// digest is a short name of anything long.
func digest(s string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // a hash never fails
	return hex.EncodeToString(h.Sum(nil))
}

package data

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/row"
)

// maxShown bounds the rows of an answer.
const maxShown = 1000

// keptRepairs is how many repairs can be taken back; maxRepair is how many rows one may write.
const (
	keptRepairs = 20
	maxRepair   = 5000
)

// mend is one row that a repair wrote.
type mend struct {
	Table  string  `json:"table"` // of the old side
	On     side    `json:"on"`    // side written
	Before row.Row `json:"before,omitempty"`
	After  row.Row `json:"after,omitempty"`
}

// mended is a repair as it is kept, so that it can be taken back.
type mended struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Winner string    `json:"winner"`
	Rows   []mend    `json:"rows"`
	Undone bool      `json:"undone,omitempty"`
}

// fix is a row to be repaired.
type fix struct {
	s     *suspect
	pair  *Pair
	seen  twin
	shown v1.RowDifference
	on    side // side to be written
}

// fixes are the differences that the declared winner settles, those that only a person may settle, and those
// that have no winner.
func (j *Judge) fixes(tables []string, winner string, limit int) (list []fix, persons, nobody int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.list {
		if !s.known || !s.looked || len(tables) > 0 && !slices.Contains(tables, s.pair.Rule.Name) {
			continue
		}
		if s.cause != "" || s.money() {
			persons++
			continue
		}
		on, ok := s.loser(winner)
		if !ok || len(list) == limit {
			nobody++
			continue
		}
		list = append(list, fix{s: s, pair: s.pair, seen: s.seen, shown: s.view(), on: on})
	}
	return list, persons, nobody
}

// loser is the side whose row gives way to the winner's. Where the owner decides and the rows do not agree on
// who that is, nobody does.
func (s *suspect) loser(winner string) (side, bool) {
	switch winner {
	case v1.SideOld:
		return newSide, true
	case v1.SideNew:
		return oldSide, true
	}
	owner := ""
	for _, on := range sides() {
		at, r := s.pair.owner[on], s.seen.rows[on]
		if at < 0 {
			return 0, false
		}
		if r == nil {
			continue
		}
		says := r[at].Text
		if r[at].Null || says != v1.SideOld && says != v1.SideNew || owner != "" && owner != says {
			return 0, false
		}
		owner = says
	}
	if owner == v1.SideOld {
		return newSide, true
	}
	return oldSide, owner != ""
}

// write is what makes the losing side's row that of the winner, as long as it is what it was.
func (f *fix) write() (Write, error) {
	from := f.on.other()
	w := Write{Table: f.pair.tables[f.on], Op: Update, VersionColumn: f.pair.version[f.on], Check: true, Was: f.seen.rows[f.on]}
	if f.on == newSide {
		w.Once = f.pair.Mapper.Once()
	}
	if f.seen.rows[from] == nil {
		w.Op, w.Row = Delete, f.seen.rows[f.on]
		return w, nil
	}
	var err error
	w.Row, err = f.pair.carry(from, f.seen.rows[from])
	return w, err
}

// mender writes repairs.
type mender struct {
	stores [2]Store
	stream string
}

// mend writes one row. It is false when a row is not as it was compared, or the database refuses it.
func (m *mender) mend(ctx context.Context, f *fix, id string) (mend, bool, error) {
	w, err := f.write()
	if err != nil {
		return mend{}, false, nil //nolint:nilerr // the winner's row cannot be carried: the difference stays and says so
	}
	// The winner's row may have changed since: then the relay carries it.
	from := f.on.other()
	key := f.s.key[from]
	var now row.Row
	if key != nil {
		rows, err := m.stores[from].Rows(ctx, f.pair.tables[from], []row.Key{key})
		if err != nil {
			return mend{}, false, err
		}
		if len(rows) > 0 {
			now = rows[0]
		}
	}
	if !sameOrNone(now, f.seen.rows[from]) {
		return mend{}, false, nil
	}
	fates, err := m.stores[f.on].Apply(ctx, m.stream, Position(id), []Write{w})
	if _, refused := errors.AsType[*RowError](err); refused {
		return mend{}, false, nil
	}
	if err != nil {
		return mend{}, false, err
	}
	one := mend{Table: f.pair.Rule.Name, On: f.on, Before: w.Was}
	if w.Op != Delete {
		one.After = w.Row
	}
	return one, len(fates) == 1 && fates[0] == Applied, nil
}

// undo takes back one row, as long as it is what the repair left.
func (m *mender) undo(ctx context.Context, p *Pair, one *mend, id string) (bool, error) {
	t := p.tables[one.On]
	for _, r := range []row.Row{one.Before, one.After} {
		if r != nil && len(r) != len(t.Columns) {
			return false, nil // the table was altered since
		}
	}
	w := Write{Table: t, Op: Update, Row: one.Before, VersionColumn: p.version[one.On], Check: true, Was: one.After}
	if one.Before == nil {
		w.Op, w.Row = Delete, one.After
	}
	if one.On == newSide {
		w.Once = p.Mapper.Once() // what the repair left alone stays, what it deleted comes back
	}
	fates, err := m.stores[one.On].Apply(ctx, m.stream, Position(id), []Write{w})
	if _, refused := errors.AsType[*RowError](err); refused {
		return false, nil
	}
	return err == nil && len(fates) == 1 && fates[0] == Applied, err
}

// Repaired counts rows and lets them be looked at again.
func (j *Judge) Repaired(s *suspect, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.repaired[s.pair.Rule.Name]++
	s.due = now
}

// Differences are the known differences of tables, oldest first, at most limit, and how many more there are.
func (j *Judge) Differences(tables []string, limit int) (list []v1.RowDifference, more int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var known []*suspect
	for _, s := range j.list {
		if s.known && (len(tables) == 0 || slices.Contains(tables, s.pair.Rule.Name)) {
			known = append(known, s)
		}
	}
	slices.SortFunc(known, func(a, b *suspect) int {
		if c := a.since.Compare(b.since); c != 0 {
			return c
		}
		if a.ident < b.ident {
			return -1
		}
		return 1
	})
	list = []v1.RowDifference{}
	for i, s := range known {
		if i == limit {
			break
		}
		list = append(list, s.view())
	}
	more = int64(len(known) - len(list))
	for table, n := range j.over {
		if len(tables) == 0 || slices.Contains(tables, table) {
			more += n
		}
	}
	return list, more
}

func (m *mended) encode() ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, kind.New(kind.Internal, "JD-DATA-015", "write down repair %s: %w", m.ID, err)
	}
	return body, nil
}

package binlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
	"jindu.dev/jindu/internal/migrate/data"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

const (
	quiet = 200 * time.Millisecond // how long nothing is told at least before a watermark is
	slow  = 800 * time.Millisecond // how long nothing may be told
	jump  = time.Second            // a clock that goes back by more was set: what it says counts
)

// stream is one Run: where it is, over connections.
type stream struct {
	src   *Source
	names []string
	emit  func(data.Txn) error

	at     position // behind the last transaction that was read
	defs   map[string]*definition
	srv    server
	ctl    *conn // for questions
	ctx    context.Context
	probes *probes

	files    string // the file that the dump is in, without GTIDs
	maps     map[uint64]*bound
	origins  map[uint64]bool
	t        *txn
	mark     time.Time // the watermark: everything before is read
	told     time.Time // the Commit last told
	fresh    bool      // the watermark is newer than what was told last
	lastEmit time.Time

	// What of a transaction was told before the connection was lost.
	half struct {
		g       gtidEvent
		changes int
		parts   int
	}
}

// txn is the transaction that is being read.
type txn struct {
	g       gtidEvent
	server  uint32
	open    bool // an end follows
	changes []data.Change
	read    int // changes, told ones too
	bytes   int
	parts   int
	skip    int // changes that were told before the connection was lost
	mark    string
	mixed   bool
	origin  bool
	at      uint32
}

// session reads from one connection until it is lost.
func (st *stream) session(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	st.ctx = ctx
	var err error
	if st.ctl, err = st.src.dial(ctx, statementTimeout); err != nil {
		return err
	}
	defer st.ctl.close()
	if st.srv, err = st.src.look(st.ctl); err != nil {
		return err
	}
	if st.at.none() {
		if st.at, _, err = st.srv.end(st.ctl); err != nil {
			return err
		}
	}
	if err := st.src.holds(st.ctl, st.srv, st.at); err != nil {
		return err
	}
	if err := st.define(); err != nil {
		return err
	}
	look, err := st.src.dial(ctx, statementTimeout)
	if err != nil {
		return err
	}
	defer look.close()
	dump, err := st.src.dump(ctx, st.at, st.src.opt.ServerID)
	if err != nil {
		return err
	}
	defer dump.close()
	st.probes = &probes{done: make(chan struct{})}
	go st.probes.run(ctx, st.srv, look, dump.close)
	defer func() { cancel(); <-st.probes.done }()
	st.t, st.maps, st.origins, st.files = nil, map[uint64]*bound{}, map[uint64]bool{}, st.at.file
	for {
		b, err := dump.event()
		if err != nil {
			if code(err) == errReplicaLog {
				if gone := st.src.holds(st.ctl, st.srv, st.at); gone != nil {
					return gone
				}
			}
			return errors.Join(st.probes.failure(), err)
		}
		if err := st.event(b); err != nil {
			return err
		}
		if err := st.tick(); err != nil {
			return err
		}
	}
}

// event takes in one event.
func (st *stream) event(b []byte) error {
	h, body, err := parseHeader(b)
	if err != nil {
		return st.broken(h, err)
	}
	switch h.kind {
	case evRotate:
		r := reader{b: body}
		r.u64()
		st.files = string(r.b)
		if st.at.file != "" && st.t == nil {
			st.at.file, st.at.at = st.files, 4
		}
		return nil
	case evMariaGTID:
		g, err := parseMariaGTID(body)
		if err != nil {
			return st.broken(h, err)
		}
		st.begin(g, h)
		st.t.open = !g.standalone
	case evGTID, evAnonymousGTID:
		g, err := parseMySQLGTID(h.kind, body)
		if err != nil {
			return st.broken(h, err)
		}
		st.begin(g, h)
	case evTaggedGTID:
		return kind.New(kind.Unsupported, "JD-BINLOG-007", "%s logs tagged GTIDs, which are not read: leave gtid_next=AUTOMATIC:tag out", st.src.db.Address)
	case evAnnotate:
		st.statement(body)
	case evRowsQuery:
		if len(body) > 0 {
			st.statement(body[1:])
		}
	case evTableMap:
		m, err := parseTableMap(body)
		if err != nil {
			return st.broken(h, err)
		}
		return st.tableMap(m)
	case evWriteV1, evUpdateV1, evDeleteV1, evWriteV2, evUpdateV2, evDeleteV2, evWritePacked, evUpdatePacked, evDeletePacked:
		return st.rows(h, body)
	case evPartialUpdate:
		r := reader{b: body}
		if b := st.maps[r.little(6)]; b != nil {
			return st.partial(b, "a JSON column was logged as a change of a part", "binlog_row_value_options", "nothing")
		}
	case evQuery, evQueryPacked:
		q, err := parseQuery(body, h.kind == evQueryPacked)
		if err != nil {
			return st.broken(h, err)
		}
		return st.query(q, h)
	case evXID:
		return st.commit(h)
	case evXAPrepare:
		return st.prepared(h, body)
	case evPayload:
		return st.payload(h, body)
	case evIncident:
		return lost("JD-BINLOG-008", "%s logged an incident: changes are missing in its log behind %s; compare in full", st.src.db.Address, st.at.text())
	}
	if st.t == nil && st.at.file != "" && h.end > 0 && h.flags&flagArtificial == 0 && h.kind != evHeartbeat && h.kind != evHeartbeatV2 {
		st.at.at = h.end
	}
	return nil
}

// broken is an event that cannot be read. The connection may have spoilt it, so it is tried again.
func (st *stream) broken(h header, err error) error {
	return &brokenError{fmt.Errorf("event of type %d behind %s: %w", h.kind, st.at.text(), err)}
}

// brokenError is of an event that cannot be read.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }

func (e *brokenError) Unwrap() error { return e.err }

func (st *stream) begin(g gtidEvent, h header) {
	st.t = &txn{g: g, server: h.server, at: h.at}
	if st.half.changes > 0 && st.half.g == g {
		st.t.skip, st.t.parts = st.half.changes, st.half.parts
	}
}

// statement takes the mark of a statement. Where statements of one transaction carry different ones it has none.
func (st *stream) statement(text []byte) {
	if st.t == nil || st.t.mixed {
		return
	}
	m, _, ok := sqltext.Mark(text)
	if !ok || m == (v1.Mark{}) {
		return
	}
	if s := m.String(); st.t.mark == "" {
		st.t.mark = s
	} else if st.t.mark != s {
		st.t.mark, st.t.mixed = "", true
	}
}

func (st *stream) tableMap(m tableMap) error {
	delete(st.maps, m.id)
	delete(st.origins, m.id)
	if string(m.schema) != st.src.db.Schema {
		return nil
	}
	if string(m.table) == relayTable {
		if st.t != nil {
			st.t.origin = true
		}
		return nil
	}
	d := st.defs[string(m.table)]
	if d == nil {
		return nil
	}
	b, err := st.bind(d, m)
	if err != nil {
		return err
	}
	st.maps[m.id] = b
	return nil
}

func (st *stream) rows(h header, body []byte) error {
	r := reader{b: body}
	b := st.maps[r.little(6)]
	if b == nil || st.t == nil {
		return nil
	}
	e, err := parseRows(h.kind, body)
	if err != nil {
		return st.broken(h, err)
	}
	if e.width != len(b.columns) {
		return st.broken(h, fmt.Errorf("rows of table %s have %d columns, its map %d", b.table.Name, e.width, len(b.columns)))
	}
	op := data.Insert
	switch h.kind {
	case evUpdateV1, evUpdateV2, evUpdatePacked:
		op = data.Update
	case evDeleteV1, evDeleteV2, evDeletePacked:
		op = data.Delete
	}
	d := reader{b: e.data}
	for len(d.b) > 0 {
		from := len(d.b)
		c := data.Change{Table: b.table, Op: op}
		first, err := b.image(&d, e.before)
		switch {
		case op == data.Insert:
			c.After = first
		case err == nil && op == data.Update:
			c.Before = first
			c.After, err = b.image(&d, e.after)
		default:
			c.Before = first
		}
		if err != nil {
			switch {
			case errors.Is(err, errShort):
				return st.broken(h, err)
			case errors.Is(err, errNotLogged):
				return st.partial(b, err.Error(), "binlog_row_image", "FULL")
			}
			return lost("JD-BINLOG-012", "rows of table %s.%s behind %s cannot be read: %w: compare in full", st.src.db.Schema, b.table.Name, st.at.text(), err)
		}
		if from == len(d.b) {
			return st.broken(h, errShort)
		}
		if err := st.change(c, from-len(d.b)); err != nil {
			return err
		}
	}
	return nil
}

// change adds one to the transaction, which is told in parts when it has become too large.
func (st *stream) change(c data.Change, size int) error {
	t := st.t
	t.read++
	if t.read <= t.skip {
		return nil
	}
	t.changes = append(t.changes, c)
	if t.bytes += size + 64; t.bytes < st.src.opt.part {
		return nil
	}
	if err := st.tell(data.Txn{Position: st.at.text()}, false); err != nil {
		return err
	}
	t.parts++
	t.bytes, t.changes = 0, nil
	st.half.g, st.half.changes, st.half.parts = t.g, t.read, t.parts
	return nil
}

// query takes in a statement: a bracket of a transaction, or a change of schema.
func (st *stream) query(q queryEvent, h header) error {
	s := parseStatement(string(q.text[:min(len(q.text), 1<<20)]))
	s.whole = s.whole && len(q.text) <= 1<<20
	switch {
	case s.begins("begin"), s.begins("start", "transaction"), s.begins("xa", "start"):
		if st.t == nil {
			st.begin(gtidEvent{none: true}, h)
		}
		st.t.open = true
		return nil
	case s.begins("commit"):
		return st.commit(h)
	case s.begins("rollback"), s.begins("xa", "rollback"):
		if st.t != nil && (len(st.t.changes) > 0 || st.t.parts > 0) {
			return lost("JD-BINLOG-010", "a transaction behind %s mixes tables with and without transactions and was rolled back, so what became of its rows is not in the log; compare in full", st.at.text())
		}
		if s.begins("rollback", "to") {
			return nil
		}
		return st.commit(h)
	case s.begins("savepoint"), s.begins("release"), s.begins("xa", "end"):
		return nil
	}
	if err := st.schemaChange(s, q); err != nil {
		return err
	}
	if st.t != nil && !st.t.open || st.t == nil && st.at.file != "" {
		if st.t == nil {
			st.begin(gtidEvent{none: true}, h)
		}
		return st.commit(h)
	}
	return nil
}

// prepared ends the first half of an XA transaction.
func (st *stream) prepared(h header, body []byte) error {
	if onePhase := len(body) > 0 && body[0] != 0; !onePhase && st.t != nil && len(st.t.changes)+st.t.parts > 0 {
		return lost("JD-BINLOG-010", "an XA transaction behind %s changed rows of %s and was decided later, which is not read; compare in full, or capture by outbox",
			st.at.text(), strings.Join(st.names, ", "))
	}
	return st.commit(h)
}

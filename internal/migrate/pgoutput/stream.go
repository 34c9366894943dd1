package pgoutput

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"jindu.dev/jindu/internal/migrate/data"
)

// Times of the stream: between statuses, and the longest that nothing is told.
const (
	every = 200 * time.Millisecond
	quiet = 200 * time.Millisecond
	slow  = 800 * time.Millisecond
	jump  = time.Second // a clock that goes back by more was set: what it says counts
)

// stream is one Run: where it is, over connections.
type stream struct {
	src   *Source
	names []string
	emit  func(data.Txn) error

	at       lsn // behind the last transaction, or what the server says it has sent
	ctl      *pgconn.PgConn
	ctx      context.Context
	srv      server
	probes   *probes
	byOID    map[uint32]*relation
	given    map[[2]string]string // tables by schema and name
	t        *txn
	msg      rowMessage
	mark     time.Time // the watermark: everything before is read
	told     time.Time // the Commit last told
	fresh    bool      // the watermark is newer than what was told last
	lastEmit time.Time

	half struct { // what of a transaction was told before the connection was lost
		commit  lsn
		changes int
		parts   int
	}
}

// txn is the transaction that is being read.
type txn struct {
	begin   beginMessage
	changes []data.Change
	read    int
	bytes   int
	parts   int
	skip    int
	mark    string
	mixed   bool
	origin  bool
}

// session reads from one connection until it is lost.
func (st *stream) session(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	st.ctx = ctx
	var err error
	if st.ctl, err = st.src.dial(ctx, false); err != nil {
		return err
	}
	defer closeConn(st.ctl)
	if st.srv, err = st.src.look(ctx, st.ctl); err != nil {
		return err
	}
	if st.at == 0 {
		if st.at, err = st.src.here(ctx, st.ctl, st.tables()); err != nil {
			return err
		}
	}
	if err := st.ready(); err != nil {
		return err
	}
	look, err := st.src.dial(ctx, false)
	if err != nil {
		return err
	}
	defer closeConn(look)
	w, err := st.start()
	if err != nil {
		return err
	}
	defer w.close()
	stop := context.AfterFunc(ctx, w.close)
	defer stop()
	st.probes = &probes{done: make(chan struct{})}
	go st.probes.run(ctx, st.srv, look, w.close)
	w.sent.Add(1)
	go w.status(ctx, st.src)
	defer func() { cancel(); w.close(); <-st.probes.done; w.sent.Wait() }()
	st.t, st.byOID = nil, map[uint32]*relation{}
	for {
		f, err := w.frame()
		if err != nil {
			return errors.Join(st.probes.failure(), err)
		}
		if f.kind == copyKeepalive {
			if st.t == nil && f.end > st.at {
				st.at = f.end
			}
			if f.ask {
				w.answer(st.src.acknowledged(), st.at)
			}
		} else if err := st.message(f.data); err != nil {
			return err
		}
		w.seen(st.at)
		if err := st.tick(); err != nil {
			return err
		}
	}
}

// tables are those of the run and those that the publication is to hold besides.
func (st *stream) tables() []string {
	seen, out := map[string]bool{}, []string(nil)
	for _, t := range append(append([]string(nil), st.src.opt.Tables...), st.names...) {
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}

// ready makes sure that the stream tells everything behind the position.
func (st *stream) ready() error {
	s := st.src
	all, err := s.resolve(st.ctx, st.ctl, st.names)
	if err != nil {
		return err
	}
	st.given = map[[2]string]string{}
	for _, t := range all {
		st.given[[2]string{t.schema, t.name}] = t.given
	}
	lack, _, err := s.missing(st.ctx, st.ctl, all)
	if err != nil {
		return err
	}
	if len(lack) > 0 {
		return lost("JD-PGOUTPUT-008", "publication %s of %s does not hold table %s: its changes behind %s are not in the stream; compare it in full", s.slot, s.db.Address, lack[0].given, st.at.text())
	}
	slot, err := s.slotState(st.ctx, st.ctl, st.srv)
	switch {
	case err != nil:
		return err
	case !slot.there:
		return lost("JD-PGOUTPUT-009", "%s has no replication slot %s: changes behind %s are not kept; compare in full", s.db.Address, s.slot, st.at.text())
	case slot.why != "":
		return lost("JD-PGOUTPUT-009", "replication slot %s of %s is of no use: %s; compare in full", s.slot, s.db.Address, slot.why)
	case slot.confirmed > st.at:
		return lost("JD-PGOUTPUT-009", "replication slot %s of %s is at %s, behind position %s: what is between is not kept; compare in full", s.slot, s.db.Address, slot.confirmed.text(), st.at.text())
	}
	r, err := query(st.ctx, st.ctl, "SELECT pg_current_wal_insert_lsn()")
	if err != nil {
		return err
	}
	end, err := parsePosition(dataPosition(r[0][0]))
	if err != nil {
		return err
	}
	if end < st.at {
		return lost("JD-PGOUTPUT-009", "the log of %s ends at %s, before position %s: the server lost its end, or is another one; compare in full", s.db.Address, end.text(), st.at.text())
	}
	return s.evict(st.ctx, st.ctl)
}

// start asks for the stream. The connection is ours from then on: one goroutine reads, statuses are written
// beside it.
func (st *stream) start() (*wire, error) {
	s := st.src
	c, err := s.dial(st.ctx, true)
	if err != nil {
		return nil, err
	}
	options := "proto_version '1', publication_names " + literal(quote(s.slot))
	if st.srv.version >= 140000 {
		options += ", messages 'true'"
	}
	ctx, cancel := context.WithTimeout(st.ctx, statementTimeout)
	defer cancel()
	text := fmt.Sprintf("START_REPLICATION SLOT %s LOGICAL %s (%s)", s.slot, st.at.text(), options)
	c.Frontend().Send(&pgproto3.Query{String: text})
	if err := c.Frontend().Flush(); err != nil {
		closeConn(c)
		return nil, fmt.Errorf("start the stream: %w", err)
	}
	for {
		m, err := c.ReceiveMessage(ctx)
		if err != nil {
			closeConn(c)
			switch state(err) {
			case stateNotPrepared, stateNotFound:
				return nil, lost("JD-PGOUTPUT-009", "replication slot %s of %s is of no use: %w; compare in full", s.slot, s.db.Address, err)
			}
			return nil, fmt.Errorf("start the stream: %w", err)
		}
		switch m := m.(type) {
		case *pgproto3.CopyBothResponse:
			h, err := c.Hijack()
			if err != nil {
				closeConn(c)
				return nil, fmt.Errorf("start the stream: %w", err)
			}
			return &wire{conn: h.Conn, front: h.Frontend}, nil
		case *pgproto3.ErrorResponse:
			closeConn(c)
			err := pgconn.ErrorResponseToPgError(m)
			if err.Code == stateNotPrepared || err.Code == stateNotFound {
				return nil, lost("JD-PGOUTPUT-009", "replication slot %s of %s is of no use: %w; compare in full", s.slot, s.db.Address, err)
			}
			return nil, fmt.Errorf("start the stream: %w", err)
		}
	}
}

// message takes in one message of the plugin.
func (st *stream) message(b []byte) error {
	r := reader{b: b}
	var err error
	switch k := r.u8(); k {
	case msgBegin:
		var m beginMessage
		if m, err = parseBegin(&r); err == nil {
			st.t = &txn{begin: m}
			if st.half.changes > 0 && st.half.commit == m.commit {
				st.t.skip, st.t.parts = st.half.changes, st.half.parts
			}
		}
	case msgCommit:
		var m commitMessage
		if m, err = parseCommit(&r); err == nil {
			return st.commit(m)
		}
	case msgRelation:
		var m relationMessage
		if m, err = parseRelation(&r); err == nil {
			return st.relation(m)
		}
	case msgInsert, msgUpdate, msgDelete:
		if err = st.msg.parse(k, &r); err == nil && st.t != nil {
			return st.row(k, len(b))
		}
	case msgTruncate:
		var oids []uint32
		if oids, err = parseTruncate(&r); err == nil {
			return st.truncate(oids)
		}
	case msgMessage:
		var m logicalMessage
		if m, err = parseLogical(&r); err == nil {
			st.logical(m)
		}
	case msgOrigin, msgType:
	default:
		err = fmt.Errorf("a message of kind %q is not known", k)
	}
	if err != nil {
		return fmt.Errorf("message behind %s: %w", st.at.text(), err)
	}
	return nil
}

// tell emits what was read of the transaction.
func (st *stream) tell(at lsn) error {
	t := st.t
	if t.parts >= 1<<partBits {
		return lost("JD-PGOUTPUT-012", "a transaction behind %s has more than %s parts of %d bytes; compare in full", st.at.text(), strconv.Itoa(1<<partBits), st.src.opt.part)
	}
	out := data.Txn{Position: at.text(), Sequence: t.begin.commit.sequence() + int64(t.parts), Commit: t.begin.at, Mark: t.mark, Origin: t.origin, Changes: t.changes}
	for i := range out.Changes {
		out.Changes[i].Version = out.Sequence
	}
	return st.send(out)
}

// send emits. The server takes the time of a commit a moment before it writes it, so that a watermark, or a
// commit that was written first, may have come between: time does not go back for that.
func (st *stream) send(out data.Txn) error {
	if out.Commit.Before(st.told) {
		out.Commit = st.told
	}
	st.told = out.Commit
	if err := st.emit(out); err != nil {
		return &emitError{err}
	}
	st.lastEmit = time.Now()
	return nil
}

func (st *stream) commit(m commitMessage) error {
	t := st.t
	if t == nil {
		return nil
	}
	st.probes.hurry(len(t.changes) > 0)
	if len(t.changes) > 0 || t.parts > 0 || t.origin {
		if err := st.tell(m.end); err != nil {
			return err
		}
	}
	st.at, st.t, st.half.changes = max(st.at, m.end), nil, 0
	return nil
}

// tick tells the watermark when nothing else was told. It does not go back, unless the server's clock did.
func (st *stream) tick() error {
	if st.t != nil {
		return nil
	}
	mark, ok := st.probes.take(st.at)
	if ok {
		st.mark, st.fresh = mark, true
	}
	if st.mark.Add(jump).Before(st.told) {
		st.told = st.mark
	}
	since := time.Since(st.lastEmit)
	if since < quiet || !st.mark.After(st.told) && (since < slow || !st.fresh) {
		return nil
	}
	st.fresh = false
	return st.send(data.Txn{Position: st.at.text(), Sequence: st.at.behind(), Commit: st.mark})
}

func dataPosition(s string) data.Position { return data.Position(s) }

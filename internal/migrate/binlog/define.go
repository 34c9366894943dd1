package binlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"jindu.dev/jindu/internal/kit/kind"
)

// define reads the definitions of all tables and finds out from where on they hold.
//
//	 stream                    end of the log before reading   after reading
//	───┼──────── log ahead ─────────────┼───────────────────────────┼───►
//	   statements here: the definition  statements here: read again
//	   holds behind the last of them
func (st *stream) define() error {
	st.defs = map[string]*definition{}
	for _, name := range st.names {
		d, err := st.load(name)
		if err != nil {
			return err
		}
		if d == nil {
			return kind.New(kind.NotFound, "JD-BINLOG-006", "%s has no table %s.%s: create it, or take it out of the tables", st.src.db.Address, st.src.db.Schema, name)
		}
		st.defs[d.table.Name] = d
	}
	st.cascades()
	return nil
}

// load reads one definition; nil when there is no such table.
func (st *stream) load(name string) (*definition, error) {
	const tries = 5
	for range tries {
		before, _, err := st.srv.end(st.ctl)
		if err != nil {
			return nil, err
		}
		d, err := st.src.readTable(st.ctl, name)
		if err != nil || d == nil {
			return nil, err
		}
		after, _, err := st.srv.end(st.ctl)
		if err != nil {
			return nil, err
		}
		d.read = before
		if !st.at.reached(after) {
			if d.pending, err = st.src.ahead(st.ctx, st.at, after, d.table.Name); err != nil {
				return nil, err
			}
		}
		if !d.pending.set || d.pending.in(before) {
			return d, nil
		}
	}
	return nil, fmt.Errorf("table %s.%s changes faster than its definition can be read", st.src.db.Schema, name)
}

// bind makes rows of a table readable, or says that it cannot be certain what their columns are.
func (st *stream) bind(d *definition, m tableMap) (*bound, error) {
	why, named := d.misfit(m)
	if d.stale || why != "" {
		fresh, err := st.load(d.table.Name)
		if err != nil {
			return nil, err
		}
		if fresh == nil {
			return nil, st.uncertain(d, "the table is no more")
		}
		*d = *fresh
		why, named = d.misfit(m)
	}
	within := st.t != nil && d.pending.end.file == "" && d.pending.gtid == st.t.g // CREATE TABLE ... SELECT
	if why == "" && !named && d.pending.set && !within {
		why = "a statement behind it changed the table before its definition was read"
	}
	if why != "" {
		return nil, st.uncertain(d, why)
	}
	return d.bind(m), nil
}

func (st *stream) uncertain(d *definition, why string) error {
	return lost("JD-BINLOG-013", "what columns the rows of table %s.%s behind %s have is not certain: %s; compare it in full, or set binlog_row_metadata=FULL so that the log names columns",
		st.src.db.Schema, d.table.Name, st.at.text(), why)
}

// schemaChange takes in what a statement may have done to the tables.
func (st *stream) schemaChange(s statement, q queryEvent) error {
	for name, d := range st.defs {
		switch affects(s, q, st.src.db.Schema, name) {
		case rowsGone:
			return lost("JD-BINLOG-014", "table %s.%s lost or changed rows behind %s by a statement that logs no rows (%s); compare it in full", st.src.db.Schema, name, st.at.text(), s.start())
		case asWritten:
			return lost("JD-BINLOG-004", "rows of table %s.%s behind %s were changed by a statement logged as text (%s): set binlog_format=ROW for every session, then compare in full",
				st.src.db.Schema, name, st.at.text(), s.start())
		case reshaped:
			switch here := st.place(); {
			case !here.in(d.read):
				d.stale = true
			case d.pending.set && d.pending.in(here.end) || d.pending.gtid == here.gtid && here.end.file == "":
				d.pending = place{}
			}
		case nothing:
		}
	}
	return nil
}

// place is that of the transaction under way.
func (st *stream) place() place {
	if st.at.file != "" || st.t == nil {
		p := st.at
		p.at++ // a statement in a file is behind what was read
		return place{end: p, set: true}
	}
	return place{gtid: st.t.g, set: true}
}

// affects is what a statement means for a table.
func affects(s statement, q queryEvent, schema, table string) meaning {
	m := s.means()
	if m == nothing {
		return nothing
	}
	if m == rowsGone && (s.begins("drop", "database") || s.begins("drop", "schema")) {
		if s.names(schema, schema, schema) {
			return rowsGone
		}
		return nothing
	}
	if !s.names(schema, table, string(q.schema)) {
		return nothing
	}
	return m
}

// start is the first words of a statement, for people; never its values.
func (s statement) start() string {
	var out []string
	for _, w := range s.words[:min(3, len(s.words))] {
		if w.quoted {
			break
		}
		out = append(out, w.text)
	}
	return strings.Join(out, " ")
}

// ahead reads the log from one place to another and tells the last statement that may have changed a table.
func (s *Source) ahead(ctx context.Context, from, to position, table string) (place, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := s.dump(ctx, from, s.hash("ahead")|1<<31)
	if err != nil {
		return place{}, err
	}
	defer c.close()
	a := looker{src: s, table: table, at: from.clone(), file: from.file}
	for !a.at.reached(to) {
		b, err := c.event()
		if err != nil {
			return place{}, err
		}
		if err := a.event(b, 0); err != nil {
			return place{}, err
		}
	}
	return a.last, nil
}

// looker reads the log for changes of schema only.
type looker struct {
	src   *Source
	table string
	at    position
	file  string
	g     *gtidEvent
	by    uint32
	open  bool
	last  place
}

func (a *looker) event(b []byte, end uint32) error {
	h, body, err := parseHeader(b)
	if err != nil {
		return err
	}
	if end > 0 {
		h.end = end
	}
	switch h.kind {
	case evRotate:
		r := reader{b: body}
		r.u64()
		a.file = string(r.b)
		if a.at.file != "" {
			a.at.file, a.at.at = a.file, 4
		}
		return nil
	case evMariaGTID, evGTID, evAnonymousGTID:
		g, err := parseMariaGTID(body)
		if h.kind != evMariaGTID {
			g, err = parseMySQLGTID(h.kind, body)
		}
		if err != nil {
			return err
		}
		a.g, a.by, a.open = &g, h.server, h.kind == evMariaGTID && !g.standalone
	case evQuery, evQueryPacked:
		q, err := parseQuery(body, h.kind == evQueryPacked)
		if err != nil {
			return err
		}
		a.query(q, h)
	case evXID, evXAPrepare:
		a.end(h)
	case evPayload:
		p, err := payload(body)
		if err != nil {
			return err
		}
		defer func() { _ = p.Close() }() // it only reads
		for {
			b, err := nextEvent(p)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if err := a.event(b, h.end); err != nil {
				return err
			}
		}
	}
	if a.at.file != "" && h.end > 0 && h.flags&flagArtificial == 0 && h.kind != evHeartbeat && h.kind != evHeartbeatV2 {
		a.at.file, a.at.at = a.file, h.end
	}
	return nil
}

func (a *looker) query(q queryEvent, h header) {
	s := parseStatement(string(q.text[:min(len(q.text), 1<<20)]))
	s.whole = s.whole && len(q.text) <= 1<<20
	switch {
	case s.begins("begin"), s.begins("start", "transaction"), s.begins("xa", "start"):
		a.open = true
		return
	case s.begins("commit"), s.begins("rollback") && !s.begins("rollback", "to"):
		a.end(h)
		return
	}
	if affects(s, q, a.src.db.Schema, a.table) == reshaped {
		a.last = place{set: true}
		if a.g != nil && a.at.file == "" {
			a.last.gtid = *a.g
		} else {
			a.last.end = position{file: a.file, at: h.end}
		}
	}
	if !a.open {
		a.end(h)
	}
}

// end moves behind a transaction.
func (a *looker) end(header) {
	if a.g != nil {
		a.at.add(*a.g, a.by)
	}
	a.g, a.open = nil, false
}

// cascades tells of foreign keys by which the engine changes rows without a word in the log.
func (st *stream) cascades() {
	rows, err := st.ctl.query("SELECT TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE, UPDATE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA=?", st.src.db.Schema)
	if err != nil {
		st.src.opt.Logger.Warn("foreign keys cannot be read", "source", st.src.name, "error", err)
		return
	}
	for _, r := range rows {
		if st.defs[r[0]] != nil && (changesRows(r[2]) || changesRows(r[3])) {
			st.src.opt.Logger.Warn("a foreign key changes rows by cascade, which the binary log does not tell: only comparing finds them",
				"source", st.src.name, "table", r[0], "constraint", r[1], "onDelete", r[2], "onUpdate", r[3])
		}
	}
}

func changesRows(rule string) bool {
	return rule == "CASCADE" || strings.HasPrefix(rule, "SET ")
}

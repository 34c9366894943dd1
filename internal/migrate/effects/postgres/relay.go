package postgres

import (
	"strings"

	"jindu.dev/jindu/internal/migrate/sqltext"
)

// expected is an answer that a link owes.
type expected struct {
	kind  byte // of the message it answers
	hide  int  // statements at its beginning that are the proxy's own; all of it where that is below 0
	move  int  // characters that were put in front of the client's text
	no    *refusal
	of    *prepared // Q and E: what runs
	po    *portal
	rows  int64
	tag   string
	quiet bool // Z is not told
	// What to put back when it fails: the statement or portal that had the name before.
	name  string
	was   *prepared
	wasPo *portal
}

const all = -1

// say sends a message on a link, and notes the answer that it owes.
func (l *link) say(raw []byte, e expected) error {
	l.sending = append(l.sending, raw...)
	l.pending = append(l.pending, e)
	if len(l.sending) < l.session.limits.batch {
		return nil
	}
	return l.settleAll()
}

// settleAll has the server answer what it was sent, and passes the answers on.
func (l *link) settleAll() error {
	if n := len(l.pending); n > 0 && l.pending[n-1].kind != 'S' && l.pending[n-1].kind != 'Q' {
		l.sending = append(l.sending, msgFlush...)
	}
	return l.relay()
}

func (l *link) push() error {
	if len(l.sending) == 0 {
		return nil
	}
	_, err := l.conn.Write(l.sending)
	if cap(l.sending) > 2*l.session.limits.batch {
		l.sending = nil
	}
	l.sending = l.sending[:0]
	return err
}

// relay sends what is due and reads all answers that are owed.
func (l *link) relay() error {
	if err := l.push(); err != nil {
		return err
	}
	s := l.session
	for len(l.pending) > 0 {
		m, err := l.next()
		if err != nil {
			return err
		}
		if s.async(m) {
			continue
		}
		if err := l.answer(m); err != nil {
			return err
		}
		if len(s.out) > keepBuffer {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	l.pending = l.pending[:0]
	return nil
}

// pop takes the oldest expectation off.
func (l *link) pop() {
	l.pending[0] = expected{}
	if l.pending = l.pending[1:]; len(l.pending) == 0 {
		l.pending = nil
	}
}

// answer takes one message of an answer.
func (l *link) answer(m message) error {
	s, e := l.session, &l.pending[0]
	show := e.hide == 0
	last := false
	switch m.kind {
	case 'E':
		return l.failed(m, e)
	case '1', '2', '3', 'n', 's', 'I':
		last = e.kind != 'Q'
	case 'T':
		last = e.kind == 'D'
	case 'C':
		last = e.kind == 'E'
		e.tag = tagOf(m)
		if e.hide == 0 && e.of != nil {
			s.completed(l, e)
		}
	case 'Z':
		if e.kind != 'S' && e.kind != 'Q' || len(m.body()) != 1 {
			return errProtocol
		}
		s.ready(l, m.body()[0], e)
		if e.hide != all && !e.quiet {
			s.put(readyMessage(s.shown(l)))
		}
		l.pop()
		return nil
	case 't':
		if c := (cursor{b: m.body()}); e.of != nil {
			e.of.oids = append([]byte(nil), c.take(4*c.u16())...)
		}
	case 'D', 'd', 'c', 'H', 'V':
	case 'G':
		if show {
			s.put(m.raw)
		}
		return l.copyIn(e)
	default:
		return errProtocol
	}
	if show {
		s.put(m.raw)
	}
	for m.rest > 0 {
		if err := s.flush(); err != nil {
			return err
		}
		b, err := l.piece(m.rest)
		if err != nil {
			return err
		}
		m.rest -= len(b)
		if show {
			s.put(b)
		}
	}
	if m.kind == 'C' && e.hide > 0 {
		e.hide--
	}
	if last {
		l.pop()
	}
	return nil
}

func tagOf(m message) string {
	c := cursor{b: m.body()}
	return string(c.text())
}

// failed takes an error, which ends an answer and, but for simple queries, all up to Sync.
func (l *link) failed(m message, e *expected) error {
	s := l.session
	raw := m.raw
	switch {
	case e.no != nil:
		raw = errorMessage(e.no.state, "jindu proxy "+s.Name()+": "+e.no.text)
	case e.move > 0:
		raw = movedError(raw, e.move)
	}
	s.put(raw)
	s.batch.failed = true
	if l.status == 'T' {
		l.status = 'E'
	}
	if e.kind == 'Q' {
		e.tag = ""
		return nil // Z follows
	}
	s.batch.skipping = true
	for i, p := range l.pending {
		if p.kind == 'S' {
			l.pending = l.pending[i:]
			return nil
		}
		s.undo(&l.pending[i])
	}
	l.pending = nil
	return nil
}

// undo puts back what a message that failed, or was not looked at, would have replaced.
func (s *session) undo(e *expected) {
	if e.name == markName && e.hide == all {
		s.markReady = false
	}
	switch e.kind {
	case 'P', 'c':
		if e.was != nil {
			s.prepared[e.name] = e.was
		} else if e.kind == 'P' {
			delete(s.prepared, e.name)
		}
	case 'B':
		if e.wasPo != nil {
			s.portals[e.name] = e.wasPo
		} else {
			delete(s.portals, e.name)
		}
	}
}

// completed keeps the books when a statement of the client succeeded.
func (s *session) completed(l *link, e *expected) {
	e.rows += rowsOf(e.tag)
	switch e.tag {
	case "COMMIT", "ROLLBACK", "PREPARE TRANSACTION":
		if l == s.main {
			s.ending = e.tag
		}
	}
	s.last = *e
	if e.kind == 'E' {
		s.wrote(e)
	}
}

// wrote remembers what a user's statement did until its transaction ends.
func (s *session) wrote(e *expected) {
	if !e.of.user() || !writesRows(e.of.info) || e.of.aside {
		return
	}
	if e.tag == "" || e.of.is(sqltext.Unknown) && (strings.HasPrefix(e.tag, "SELECT") || e.tag == "SHOW") {
		return // a function that is not known: most only read
	}
	s.fx.add(s, e.of.mark, s.effectOf(e.of, e.po, e.rows))
}

// ready keeps the books when the server is ready for more.
func (s *session) ready(l *link, status byte, e *expected) {
	if e.kind == 'Q' && e.hide == 0 && e.of != nil && !s.batch.failed {
		s.wrote(e)
	}
	l.status = status
	if l != s.main || s.shade.open || e.hide == all {
		return
	}
	if status == 'E' || s.batch.failed && status == 'I' {
		s.emitted = ""
	}
	if status != 'I' {
		return
	}
	s.userTx, s.emitted = false, ""
	clear(s.portals)
	if s.batch.failed || s.ending == "ROLLBACK" {
		s.fx.forget()
	} else if s.aside == nil || s.aside.status == 'I' {
		s.fx.settle(s)
	}
	s.ending = ""
}

// shown is what the client is told of its transaction.
func (s *session) shown(l *link) byte {
	if !s.shade.open {
		return s.main.status
	}
	switch {
	case s.shade.dead && s.shade.explicit:
		return 'E'
	case !s.shade.explicit:
		return 'I'
	}
	_ = l
	return s.main.status
}

// copyIn passes on what the client copies into a table.
func (l *link) copyIn(e *expected) error {
	s := l.session
	// The server passes over what was sent behind, up to where the client says that it is done.
	kept := l.pending[:1]
	for _, p := range l.pending[1:] {
		if p.kind != 'S' && p.kind != 'H' {
			return errProtocol
		}
	}
	l.pending = kept
	if err := s.flush(); err != nil {
		return err
	}
	for {
		m, err := s.cl.next()
		if err != nil {
			return err
		}
		switch m.kind {
		case 'd', 'c', 'f':
		case 'H', 'S':
			continue
		default:
			return errProtocol
		}
		l.sending = append(l.sending, m.raw...)
		for m.rest > 0 {
			if err := l.push(); err != nil {
				return err
			}
			b, err := s.cl.piece(m.rest)
			if err != nil {
				return err
			}
			m.rest -= len(b)
			l.sending = append(l.sending, b...)
		}
		if len(l.sending) >= keepBuffer || m.kind != 'd' {
			if err := l.push(); err != nil {
				return err
			}
		}
		if m.kind != 'd' {
			if e.kind == 'E' {
				l.sending = append(l.sending, msgFlush...)
				return l.push()
			}
			return nil
		}
	}
}

// ask runs one statement of the proxy's own, beside what the client has prepared, and gives its rows as
// text. What the link owes the client is passed on before.
func (l *link) ask(sql string, o asking) (reply, error) { return l.tell(o.messages(sql), o) }

// tell sends messages of the proxy's own that end in Sync.
func (l *link) tell(messages []byte, o asking) (r reply, failed error) {
	if len(l.pending) > 0 {
		if err := l.settleAll(); err != nil {
			return r, err
		}
	}
	l.sending = append(l.sending, messages...)
	if err := l.push(); err != nil {
		return r, err
	}
	for {
		m, err := l.next()
		if err != nil {
			return r, err
		}
		if m.kind != 'N' && l.session.async(m) {
			continue
		}
		switch m.kind {
		case 'E':
			if failed == nil {
				failed = newServerError(m)
			}
		case 't':
			c := cursor{b: m.body()}
			r.oids = append([]byte(nil), c.take(4*c.u16())...)
		case 'T':
			r.columns = append([]byte(nil), m.body()...)
			if o.described != nil {
				o.described(r.columns)
			}
		case 'C':
			r.tag = tagOf(m)
		case 'Z':
			if len(m.body()) != 1 {
				return r, errProtocol
			}
			l.status = m.body()[0]
			return r, failed
		case 'D':
			if err := o.row(l, m, &r); err != nil {
				return r, err
			}
		case '1', '2', '3', 'n', 's', 'I', 'N':
		default:
			return r, errProtocol
		}
	}
}

// reply is what a statement of the proxy's own answered.
type reply struct {
	rows    [][][]byte
	columns []byte
	oids    []byte // of parameters, where they were described
	tag     string
	over    bool // there were more rows than asked for
}

// asking says how a statement of the proxy's own is run.
type asking struct {
	oids   []byte // types of its parameters, four bytes each
	values []byte // as a Bind has them: formats, number, values
	format []byte // of the results; text without
	most   int    // rows kept
	noRun  bool   // it is described only
	// Told of the columns, and of each row.
	described func(columns []byte)
	each      func(cells [][]byte)
}

const own = "jindu_proxy"

// messages are Parse, Bind, Describe, Execute, Close and Sync: they leave alone what has no name, which is
// the client's. What an error before left behind is closed first.
func (o asking) messages(sql string) []byte {
	name := zero(own)
	oids := []byte{byte(len(o.oids) >> 10), byte(len(o.oids) >> 2)}
	b := appendMessage(nil, 'C', []byte("P"), name)
	b = appendMessage(b, 'C', []byte("S"), name)
	b = appendMessage(b, 'P', name, zero(sql), oids, o.oids)
	values := o.values
	if values == nil {
		values = []byte{0, 0, 0, 0}
	}
	format := o.format
	if format == nil {
		format = []byte{0, 0}
	}
	b = appendMessage(b, 'B', name, name, values, format)
	b = appendMessage(b, 'D', []byte("P"), name)
	if !o.noRun {
		b = appendMessage(b, 'E', name, []byte{0, 0, 0, 0})
	}
	b = appendMessage(b, 'C', []byte("P"), name)
	b = appendMessage(b, 'C', []byte("S"), name)
	return append(b, msgSync...)
}

func (o asking) row(l *link, m message, r *reply) error {
	raw := m.raw
	if m.rest > 0 {
		raw = append([]byte(nil), raw...)
		for m.rest > 0 {
			b, err := l.piece(m.rest)
			if err != nil {
				return err
			}
			m.rest -= len(b)
			if len(raw) > maxMessage {
				return errTooLarge
			}
			raw = append(raw, b...)
		}
	}
	cells, ok := readRow(raw[headBytes:])
	if !ok {
		return errProtocol
	}
	if o.each != nil {
		o.each(cells)
	}
	if len(r.rows) >= o.most {
		r.over = true
		return nil
	}
	kept := make([][]byte, len(cells))
	for i, c := range cells {
		if c != nil {
			kept[i] = append([]byte{}, c...)
		}
	}
	r.rows = append(r.rows, kept)
	return nil
}

// readRow takes a row apart; NULLs are nil.
func readRow(body []byte) ([][]byte, bool) {
	c := cursor{b: body}
	cells := make([][]byte, c.u16())
	for i := range cells {
		n := int32(c.u32())
		if n >= 0 {
			cells[i] = c.take(int(n))
			if cells[i] == nil && !c.bad {
				cells[i] = []byte{}
			}
		}
	}
	return cells, !c.bad && len(c.b) == 0
}

// do runs a statement of the proxy's own that answers with no rows.
func (l *link) do(sql string) error {
	_, err := l.ask(sql, asking{})
	return err
}

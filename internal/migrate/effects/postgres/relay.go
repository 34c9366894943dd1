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

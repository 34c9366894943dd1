package postgres

import (
	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// message carries one message of the client out; false ends the connection in order.
func (s *session) message(m message) (bool, error) {
	s.simple = false
	switch m.kind {
	case 'X':
		_, err := s.main.conn.Write(m.raw)
		return false, err
	case 'Q':
		return true, s.query(m)
	case 'S':
		return true, s.sync()
	case 'd', 'c', 'f': // of a copy that has failed
		if m.rest > 0 {
			return false, errTooLarge
		}
		return true, nil
	}
	if m.rest > 0 {
		return false, errTooLarge
	}
	s.batch.open = true
	if s.batch.skipping {
		return true, nil
	}
	c := cursor{b: m.body()}
	var err error
	switch m.kind {
	case 'P':
		err = s.parse(m, &c)
	case 'B':
		err = s.bind(m, &c)
	case 'D':
		err = s.describe(m, &c)
	case 'E':
		err = s.execute(m, &c)
	case 'C':
		err = s.closeOne(m, &c)
	case 'H':
		err = s.settle()
	case 'F':
		s.Refused(v1.Mark{}, v1.Effect{})
		err = s.refuse(&refusal{"0A000", "calls of functions beside SQL are not carried; use SELECT"})
	default:
		return false, errProtocol
	}
	return true, err
}

// settle passes on all answers that are owed.
func (s *session) settle() error {
	if err := s.main.settleAll(); err != nil {
		return err
	}
	if s.aside != nil {
		return s.aside.settleAll()
	}
	return nil
}

// poison has the server refuse something in the place of what the client sent: so all that follows fails as
// it would after an error of the server's own.
func (s *session) poison(no *refusal) error {
	return s.main.say(appendMessage(nil, 'P', zero(own), zero("refused by the jindu proxy"), []byte{0, 0}), expected{kind: 'P', no: no, name: own})
}

// sync ends a batch.
func (s *session) sync() error {
	b := s.batch
	if s.aside != nil && (b.aside || len(s.aside.pending) > 0) {
		if err := s.syncAside(); err != nil {
			return err
		}
	}
	quiet := s.shade.open
	if err := s.main.say(msgSync, expected{kind: 'S', quiet: quiet}); err != nil {
		return err
	}
	if err := s.main.settleAll(); err != nil {
		return err
	}
	if quiet {
		if err := s.leaveBatch(); err != nil {
			return err
		}
		s.put(readyMessage(s.shown(s.main)))
	}
	s.batch = batch{}
	return nil
}

// query carries a simple query out.
func (s *session) query(m message) error {
	if s.batch.skipping {
		return nil
	}
	if err := s.settle(); err != nil {
		return err
	}
	if s.batch.skipping {
		return nil
	}
	s.batch, s.simple = batch{}, true
	c := cursor{b: m.body()}
	text := c.text()
	if c.bad {
		return errProtocol
	}
	p := s.read(text)
	s.count(p)
	err := s.simpleStatement(m, p)
	s.batch = batch{}
	return err
}

func (s *session) simpleStatement(m message, p *prepared) error {
	if err := s.enter(p); err != nil {
		return err
	}
	if no := s.admit(p, func() v1.Effect { return s.effectOf(p, nil, 0) }); no != nil {
		return s.refuse(no)
	}
	switch {
	case controls(p):
		return s.control(p, m.raw, expected{kind: 'Q', of: p})
	case p.shadow() && s.Rule.Shadow.Mode == effects.ShadowDivert:
		return s.divertQuery(p, m)
	case p.shadow() && !p.is(sqltext.Read):
		return s.writeInShade(p, nil, m.raw)
	case s.shade.open:
		return s.within(m.raw, expected{kind: 'Q', of: p})
	}
	return s.forward(p, m.raw, expected{kind: 'Q', of: p})
}

// forward sends a simple query to the main connection, with the mark for the log where it needs one.
func (s *session) forward(p *prepared, raw []byte, e expected) error {
	if p.user() {
		s.userTx = true
	}
	if s.carriesMark(p) {
		// Both are one transaction: that of the client, or the one which the server makes of one query.
		lead := markSQL(p.mark) + ";"
		e.hide, e.move = 1, len(lead)
		raw = appendMessage(nil, 'Q', []byte(lead), raw[headBytes:])
		s.emitted = p.mark.Run
	}
	if err := s.main.say(raw, e); err != nil {
		return err
	}
	err := s.main.settleAll()
	if err != nil {
		s.unsure(p, nil)
	}
	return err
}

// unsure records what was sent and not answered.
func (s *session) unsure(p *prepared, po *portal) {
	switch {
	case p.user() && writesRows(p.info) && s.main.status == 'I':
		e := s.effectOf(p, po, 0)
		e.Fate = "unknown"
		s.Record(p.mark, e)
	case p.is(sqltext.Commit):
		s.fx.unsure(s)
	}
}

// within runs a simple query inside of the shade.
func (s *session) within(raw []byte, e expected) error {
	e.quiet = true
	if err := s.main.say(raw, e); err != nil {
		return err
	}
	if err := s.main.settleAll(); err != nil {
		return err
	}
	return s.answered()
}

// answered ends the answer to a simple query.
func (s *session) answered() error {
	if !s.simple {
		return nil
	}
	if err := s.leaveBatch(); err != nil {
		return err
	}
	s.put(readyMessage(s.shown(s.main)))
	return nil
}

// done answers a statement itself.
func (s *session) done(tag string) error {
	s.put(appendComplete(nil, tag))
	return s.answered()
}

// refuse answers a statement with an error, and what it is part of fails.
func (s *session) refuse(no *refusal) error {
	if s.shade.open && (!s.shade.explicit || s.shade.dead) {
		// Outside of a transaction of the client only the batch fails, and goes back to its savepoint.
		if err := s.main.settleAll(); err != nil || s.batch.skipping {
			return err
		}
		return s.fail(&serverError{raw: errorMessage(no.state, "jindu proxy "+s.Name()+": "+no.text)})
	}
	if err := s.join(); err != nil {
		return err
	}
	switch {
	case !s.simple:
		return s.poison(no)
	case s.main.status == 'T':
		e := expected{kind: 'Q', no: no, quiet: s.shade.open}
		if err := s.main.say(appendQuery(nil, "refused by the jindu proxy"), e); err != nil {
			return err
		}
		if err := s.main.settleAll(); err != nil || !s.shade.open {
			return err
		}
		return s.answered()
	}
	s.put(errorMessage(no.state, "jindu proxy "+s.Name()+": "+no.text))
	return s.answered()
}

// fail answers with an error of the server's that was told to the proxy.
func (s *session) fail(e *serverError) error {
	s.put(e.raw)
	s.batch.failed = true
	if !s.simple {
		s.batch.skipping = true
	}
	return s.answered()
}

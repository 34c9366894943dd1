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

func (s *session) parse(m message, c *cursor) error {
	name, text := string(c.text()), c.text()
	n := c.u16()
	oids := c.take(4 * n)
	if c.bad {
		return errProtocol
	}
	p := s.read(text)
	p.name = name
	if len(s.prepared) >= s.limits.prepared && s.prepared[name] == nil {
		return s.refuse(&refusal{"54000", "too many prepared statements; close some"})
	}
	if err := s.enter(p); err != nil {
		return err
	}
	if s.batch.skipping {
		return nil
	}
	l := s.main
	if p.shadow() && s.Rule.Shadow.Mode == effects.ShadowDivert && !controls(p) {
		if no := s.admit(p, func() v1.Effect { return s.effectOf(p, nil, 0) }); no != nil {
			return s.refuse(no)
		}
		var err error
		if l, err = s.partAside(p); err != nil || l == nil {
			return err
		}
		p.aside = true
	}
	p.oids = append([]byte(nil), oids...)
	e := expected{kind: 'P', name: name, was: s.prepared[name]}
	s.prepared[name] = p
	return s.to(l, m.raw, e)
}

// to sends a message on a link. What the other link owes is passed on before, so that answers keep their order.
func (s *session) to(l *link, raw []byte, e expected) error {
	other := s.main
	if l == s.main {
		other = s.aside
	}
	if other != nil && len(other.pending) > 0 {
		if err := other.settleAll(); err != nil {
			return err
		}
		if s.batch.skipping {
			s.undo(&e)
			return nil
		}
	}
	return l.say(raw, e)
}

func (s *session) linkOf(p *prepared) *link {
	if p.aside {
		return s.aside
	}
	return s.main
}

func (s *session) bind(m message, c *cursor) error {
	name, of := string(c.text()), string(c.text())
	if c.bad {
		return errProtocol
	}
	rest := c.b
	if !skipValues(c) {
		return errProtocol
	}
	values := rest[:len(rest)-len(c.b)]
	p := s.prepared[of]
	switch {
	case p == nil, p.aside && s.aside == nil:
		return s.refuse(&refusal{"26000", "prepared statement \"" + of + "\" is not known; prepare it again"})
	case len(s.portals) >= s.limits.prepared && s.portals[name] == nil:
		return s.refuse(&refusal{"54000", "too many portals; close some"})
	}
	if err := s.enter(p); err != nil {
		return err
	}
	if s.batch.skipping {
		return nil
	}
	if p.aside {
		if no := s.admit(p, func() v1.Effect { return s.effectOf(p, nil, 0) }); no != nil {
			return s.refuse(no)
		}
		if l, err := s.partAside(p); err != nil || l == nil {
			return err
		}
	}
	po := &portal{of: p, values: append([]byte(nil), values...), formats: append([]byte(nil), c.b...)}
	e := expected{kind: 'B', name: name, wasPo: s.portals[name]}
	s.portals[name] = po
	return s.to(s.linkOf(p), m.raw, e)
}

func (s *session) describe(m message, c *cursor) error {
	what := c.take(1)
	name := string(c.text())
	if c.bad {
		return errProtocol
	}
	l, e := s.main, expected{kind: 'D'}
	if what[0] == 'S' {
		if e.of = s.prepared[name]; e.of != nil && e.of.aside {
			l = s.aside
		}
	} else if po := s.portals[name]; po != nil && po.of.aside {
		l = s.aside
	}
	if l == nil {
		return s.refuse(&refusal{"26000", "\"" + name + "\" is not known; prepare it again"})
	}
	return s.to(l, m.raw, e)
}

func (s *session) closeOne(m message, c *cursor) error {
	what := c.take(1)
	name := string(c.text())
	if c.bad {
		return errProtocol
	}
	l := s.main
	e := expected{kind: 'C'}
	if what[0] == 'S' {
		if p := s.prepared[name]; p != nil {
			if p.aside && s.aside != nil {
				l = s.aside
			}
			e = expected{kind: 'c', name: name, was: p}
			delete(s.prepared, name)
		}
	} else if po := s.portals[name]; po != nil {
		if po.of.aside && s.aside != nil {
			l = s.aside
		}
		delete(s.portals, name)
	}
	return s.to(l, m.raw, e)
}

func (s *session) execute(m message, c *cursor) error {
	name := string(c.text())
	most := c.u32()
	if c.bad {
		return errProtocol
	}
	po := s.portals[name]
	if po == nil || po.of.aside && s.aside == nil {
		return s.refuse(&refusal{"34000", "portal \"" + name + "\" is not known; bind it again"})
	}
	p := po.of
	s.count(p)
	if po.done {
		return s.refuse(&refusal{"55000", "portal \"" + name + "\" has run"})
	}
	if no := s.admit(p, func() v1.Effect { return s.effectOf(p, po, 0) }); no != nil {
		return s.refuse(no)
	}
	e := expected{kind: 'E', of: p, po: po}
	switch {
	case controls(p):
		return s.control(p, m.raw, e)
	case p.shadow() && s.Rule.Shadow.Mode == effects.ShadowDivert:
		return s.divertPortal(po, m, most)
	case p.shadow() && !p.is(sqltext.Read):
		po.part = most != 0
		return s.writeInShade(p, po, m.raw)
	}
	if p.user() {
		s.userTx, s.batch.mixed = true, true
	}
	if s.carriesMark(p) {
		if err := s.emit(p.mark); err != nil {
			return err
		}
	}
	return s.to(s.main, m.raw, e)
}

// markName is the proxy's statement, and portal, that puts a mark into the log.
const markName = "jindu_mark"

// emit puts the mark into the log, in the transaction that the next statement is part of. The statement is
// prepared once a connection, and again when the client has dropped all.
func (s *session) emit(m v1.Mark) error {
	s.emitted = m.Run
	name := zero(markName)
	type step struct {
		kind byte
		raw  []byte
	}
	var steps []step
	if !s.markReady {
		s.markReady = true
		steps = append(steps, step{'C', appendMessage(nil, 'C', []byte("S"), name)},
			step{'P', appendMessage(nil, 'P', name, zero("SELECT pg_catalog.pg_logical_emit_message(true, 'jindu.mark', $1)"), []byte{0, 1}, textOID)})
	}
	steps = append(steps, step{'C', appendMessage(nil, 'C', []byte("P"), name)},
		step{'B', appendMessage(nil, 'B', name, name, textValues(m.String()), []byte{0, 0})},
		step{'E', appendMessage(nil, 'E', name, []byte{0, 0, 0, 0})})
	for _, st := range steps {
		if err := s.to(s.main, st.raw, expected{kind: st.kind, hide: all, name: markName}); err != nil {
			return err
		}
	}
	return nil
}

// skipValues goes over the formats and values of a Bind.
func skipValues(c *cursor) bool {
	c.take(2 * c.u16())
	for range c.u16() {
		if n := int32(c.u32()); n > 0 {
			c.take(int(n))
		}
	}
	return !c.bad
}

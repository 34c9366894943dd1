package postgres

import (
	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

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

package redis

import (
	"slices"
)

// hold keeps a command of a transaction until EXEC.
func (s *session) hold(h held, size int) error {
	if h.name == "scan" || h.name == "keys" {
		return s.no("ERR jindu proxy " + s.Name() + ": " + commandName(h.name) + " within MULTI of a shadow is not carried")
	}
	if s.tx.size += size; s.tx.size > s.limits.held || len(s.tx.held) >= s.limits.queued {
		return s.no("ERR jindu proxy " + s.Name() + ": the transaction is too large; send less at once")
	}
	s.tx.held = append(s.tx.held, h)
	return s.expect(expected{what: local, bytes: queuedOK})
}

// transact carries out the other words of transactions.
func (s *session) transact(name string, sp *spec, c command) error {
	tx := s.tx
	switch {
	case name == "watch" && tx.open:
		return s.reject("ERR WATCH inside MULTI is not allowed")
	case name == "watch":
		return s.watch(sp, c)
	case name == "unwatch" && tx.open:
		return s.hold(held{name, sp, keep(c.args), nil}, len(c.raw))
	case name == "unwatch":
		if err := s.unwatch(); err != nil {
			return err
		}
		return s.expect(expected{what: local, bytes: okay})
	case !tx.open:
		return s.reject("ERR " + commandName(name) + " without MULTI")
	case len(c.args) != 1:
		return s.no("ERR wrong number of arguments for '" + name + "' command")
	}
	s.tx = transaction{}
	if name == "discard" || tx.aborted {
		if err := s.unwatch(); err != nil {
			return err
		}
		if name == "discard" {
			return s.expect(expected{what: local, bytes: okay})
		}
		return s.expect(expected{what: local, bytes: failing("EXECABORT Transaction discarded because of previous errors.")})
	}
	return s.execute(tx)
}

// watch watches what users and what shadows have by that name.
func (s *session) watch(sp *spec, c command) error {
	keys, ok := sp.keysOf(c.args)
	if !ok {
		return s.reject("ERR wrong number of arguments for 'watch' command")
	}
	if s.aside != nil && s.aside.watching != s.mark.Run {
		if err := s.unwatch(); err != nil {
			return err
		}
	}
	a, err := s.openAside()
	if err != nil {
		return err
	}
	args := keep(c.args)
	for _, k := range keys {
		args = append(args, s.key(args[k.at]))
	}
	replies, err := s.exchange(a, appendCommand(nil, args...), 1)
	if err != nil {
		return err
	}
	a.watching = s.mark.Run
	return s.expect(expected{what: local, bytes: slices.Clone(replies[0])})
}

func (s *session) unwatch() error {
	if s.aside == nil || s.aside.watching == "" {
		return nil
	}
	s.aside.watching = ""
	_, err := s.ask(s.aside, []byte("UNWATCH"))
	return err
}

// execute sends a transaction of a shadow with its claims, and takes the answers to those out again.
func (s *session) execute(tx transaction) error {
	if s.aside != nil && s.aside.watching != s.mark.Run {
		if err := s.unwatch(); err != nil {
			return err
		}
	}
	a, err := s.openAside()
	if err != nil {
		return err
	}
	own, err := s.lookUp(a, tx.held...)
	if err != nil {
		return err
	}
	batch := []byte("*1\r\n$5\r\nMULTI\r\n")
	var mine []bool // by element of the answer: whether it is of a claim
	for _, h := range tx.held {
		for _, k := range h.keys {
			if k.use != readsKey && k.use != channel {
				own[string(h.args[k.at])] = true
			}
		}
		p := s.translate(h, own)
		batch = append(append(batch, p.claims...), p.raw...)
		for range p.n {
			mine = append(mine, true)
		}
		mine = append(mine, false)
	}
	batch = append(batch, "*1\r\n$4\r\nEXEC\r\n"...)
	replies, err := s.exchange(a, batch, len(mine)+2)
	if err != nil {
		for _, h := range tx.held {
			if h.spec.class == writes {
				s.recordShadow(h, "unknown")
			}
		}
		return err
	}
	a.watching = ""
	v, _, err := parseValue(replies[len(replies)-1], 0)
	if err != nil {
		return err
	}
	return s.expect(expected{what: local, bytes: s.executed(tx, v, mine)})
}

// executed records what a transaction did and gives the answer that the client sees.
func (s *session) executed(tx transaction, v value, mine []bool) []byte {
	if v.null || v.failed() || len(v.list) != len(mine) {
		return v.append(nil)
	}
	shown := value{kind: v.kind, list: []value{}}
	at := 0
	for i, e := range v.list {
		if mine[i] {
			continue
		}
		h := tx.held[at]
		at++
		if h.spec.class == writes && !e.failed() {
			s.Events().Diverted.Add(1)
			s.recordShadow(h, "shadowed")
		}
		s.plainNames(h.spec, &e)
		shown.list = append(shown.list, e)
	}
	return shown.append(nil)
}

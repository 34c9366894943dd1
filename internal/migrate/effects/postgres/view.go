package postgres

import (
	"errors"
	"strings"
	"time"

	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// control carries out the words of transactions and sessions, whoever sends them: BEGIN, COMMIT, SET. Drivers
// send them without a mark.
func (s *session) control(p *prepared, raw []byte, e expected) error {
	v := &s.shade
	if v.open && p.marked && (!p.mark.Shadow || p.mark.Run != v.run) && !v.busy() && !s.batch.saved {
		if err := s.closeShade(); err != nil {
			return err
		}
	}
	s.forgetPrepared(p)
	if !v.open && p.shadow() && p.is(sqltext.Set) && s.Rule.Shadow.Mode != effects.ShadowRefuse {
		return s.settingOfShadow(p, raw, e)
	}
	if !v.open {
		return s.controlPlain(p, raw, e)
	}
	if !s.simple {
		if err := s.main.settleAll(); err != nil || s.batch.skipping {
			return err
		}
	}
	v.used = time.Now()
	return s.controlShade(p, raw, e)
}

func (s *session) controlPlain(p *prepared, raw []byte, e expected) error {
	if s.aside != nil || s.Rule.Shadow.Mode == effects.ShadowDivert {
		if ended, err := s.controlAside(p); err != nil || ended {
			return err
		}
	}
	if p.is(sqltext.Savepoint) {
		s.fx.savepoint(p.text)
		s.emitted = "" // what is gone back over may have held the mark
	}
	if s.simple {
		return s.forward(p, raw, e)
	}
	return s.to(s.main, raw, e)
}

// settingOfShadow keeps a setting that a shadow makes outside of a transaction from whoever comes next.
func (s *session) settingOfShadow(p *prepared, raw []byte, e expected) error {
	if s.Rule.Shadow.Mode == effects.ShadowDivert {
		return s.refuse(&refusal{stateDenied, "a setting of a shadow would stay with the connection; set it without a mark, or in the connection's parameters (JD-EFFECTS-111)"})
	}
	if s.main.status != 'I' || s.batch.mixed || isSetLocal(p.text) {
		return s.controlPlain(p, raw, e)
	}
	if first, _ := firstAndLast(p.text); !strings.EqualFold(first, "SET") && !strings.EqualFold(first, "RESET") {
		return s.refuse(&refusal{stateDenied, "it would stay with the connection when the shadow is gone (JD-EFFECTS-111)"})
	}
	if err := s.openShade(p); err != nil || s.batch.skipping {
		return err
	}
	if !s.simple { // its portal went with Sync
		return s.setInShade(p)
	}
	return s.controlShade(p, raw, e)
}

// controlShade carries out the words of transactions on the client's view.
func (s *session) controlShade(p *prepared, raw []byte, e expected) error {
	v := &s.shade
	if v.dead && p.info.Class != sqltext.Commit && p.info.Class != sqltext.Rollback {
		return s.refuse(&refusal{stateLost, shadeIsDead})
	}
	switch p.info.Class {
	case sqltext.Begin:
		if !v.explicit {
			v.explicit, v.begun, v.saved, v.begin = true, false, false, p.text
		}
		return s.done("BEGIN")
	case sqltext.Commit:
		return s.commitView(p)
	case sqltext.Rollback:
		return s.rollbackView(p)
	case sqltext.Savepoint:
		return s.savepointInShade(p)
	}
	if !p.marked && !v.explicit && !s.batch.saved {
		// The pool's or the driver's own: it must outlast the shade.
		if err := s.closeShade(); err != nil {
			return err
		}
		if !s.simple {
			return s.setInShade(p)
		}
		return s.controlPlain(p, raw, e)
	}
	return s.setInShade(p)
}

// setInShade runs a setting, and repeats it behind the shade when it is not the shadow's own.
func (s *session) setInShade(p *prepared) error {
	if err := s.join(); err != nil {
		return err
	}
	r, err := s.main.ask(p.text, asking{})
	if e, ok := errors.AsType[*serverError](err); ok {
		return s.fail(e)
	}
	if err != nil {
		return err
	}
	if s.shade.open && !p.marked && !isSetLocal(p.text) && len(s.shade.settings) < s.limits.settings {
		s.shade.settings = append(s.shade.settings, p.text)
	}
	return s.done(r.tag)
}

// endView makes the client's transaction one that has ended.
func (s *session) endView(p *prepared) {
	v := &s.shade
	v.explicit, v.begun, v.saved, v.dead = chains(p.text), false, false, false
	v.begin = "BEGIN"
}

func (s *session) commitView(p *prepared) error {
	v := &s.shade
	if !v.busy() {
		s.endView(p)
		return s.done("COMMIT")
	}
	if v.dead || s.main.status == 'E' {
		return s.rollbackView(p)
	}
	err := s.main.do("SET CONSTRAINTS ALL IMMEDIATE")
	if e, ok := errors.AsType[*serverError](err); ok { // as the commit would fail
		if err := s.undoView(p); err != nil {
			return err
		}
		return s.fail(e)
	}
	if err != nil {
		return err
	}
	if v.saved {
		if err := s.own("RELEASE SAVEPOINT " + viewPoint); err != nil {
			return err
		}
	}
	s.fx.settle(s)
	clear(s.portals)
	s.endView(p)
	return s.done("COMMIT")
}

// rollbackView takes the shade back to where the client's transaction began.
func (s *session) rollbackView(p *prepared) error {
	if err := s.undoView(p); err != nil {
		return err
	}
	return s.done("ROLLBACK")
}

func (s *session) undoView(p *prepared) error {
	v := &s.shade
	s.fx.forget()
	busy, saved, dead := v.busy(), v.saved, v.dead
	s.endView(p)
	clear(s.portals)
	switch {
	case dead:
		open := v.explicit
		v.dead, v.begun = true, false
		if err := s.closeShade(); err != nil || !open {
			return err
		}
		return nil
	case !busy:
		return nil
	case saved:
		if err := s.own("ROLLBACK TO SAVEPOINT " + viewPoint); err != nil {
			return err
		}
		return s.own("RELEASE SAVEPOINT " + viewPoint)
	}
	return s.closeShade() // it was the client's own from the beginning
}

func (s *session) savepointInShade(p *prepared) error {
	v := &s.shade
	_, name := firstAndLast(p.text)
	switch {
	case !v.explicit:
		return s.refuse(&refusal{"25P01", "savepoints need a transaction; send BEGIN first"})
	case strings.HasPrefix(strings.ToLower(name), "jindu_"):
		return s.refuse(&refusal{"3B001", "savepoint " + name + " does not exist, or is the proxy's own"})
	}
	if err := s.join(); err != nil {
		return err
	}
	r, err := s.main.ask(p.text, asking{})
	if e, ok := errors.AsType[*serverError](err); ok {
		return s.fail(e)
	}
	if err != nil {
		return err
	}
	s.fx.savepoint(p.text)
	return s.done(r.tag)
}

// forgetPrepared follows statements that drop prepared ones.
func (s *session) forgetPrepared(p *prepared) {
	if !p.is(sqltext.Set) {
		return
	}
	first, last := firstAndLast(p.text)
	switch strings.ToUpper(first) {
	case "DEALLOCATE":
		if strings.EqualFold(last, "ALL") {
			clear(s.prepared)
			s.markReady = false
		}
		delete(s.prepared, last)
	case "DISCARD":
		if strings.EqualFold(last, "ALL") {
			clear(s.prepared)
			s.markReady = false
		}
	}
}

// chains says whether COMMIT or ROLLBACK begins another transaction.
func chains(sql string) bool {
	_, last := firstAndLast(sql)
	return strings.EqualFold(last, "CHAIN") && !strings.Contains(strings.ToUpper(sql), "NO CHAIN")
}

func isSetLocal(sql string) bool {
	sc := sqltext.NewScanner([]byte(sql), sqltext.Options{Dialect: sqltext.Postgres})
	sc.Next()
	t := sc.Next()
	word := sql[t.Start:t.End]
	return t.Kind == sqltext.Word && (strings.EqualFold(word, "LOCAL") || strings.EqualFold(word, "TRANSACTION") || strings.EqualFold(word, "CONSTRAINTS"))
}

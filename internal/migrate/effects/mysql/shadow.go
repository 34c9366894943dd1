package mysql

import (
	"strings"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/migrate/effects"
	"jindu.dev/jindu/internal/migrate/sqltext"
)

// control carries out the words of transactions and sessions, whoever sends them: BEGIN, COMMIT, SET, USE.
// Drivers send them without a mark.
func (s *session) control(st *statement) error {
	if s.shade.open && st.marked && (!st.mark.Shadow || st.mark.Run != s.shade.run) && !s.shade.busy() {
		if err := s.closeShade(); err != nil {
			return err
		}
	}
	if s.shade.open {
		return s.controlShade(st)
	}
	if st.marked && st.mark.Shadow && st.is(sqltext.Use) && s.Rule.Shadow.Mode == effects.ShadowDivert {
		return s.refuseShadow(st, "it would leave the schema where shadows go")
	}
	return s.controlPlain(st)
}

func (s *session) controlPlain(st *statement) error {
	if s.aside != nil {
		if ended, err := s.controlAside(st); err != nil || ended {
			return err
		}
	}
	if st.is(sqltext.Set) && s.Rule.Shadow.Mode == effects.ShadowDivert {
		s.repeatAside(st)
	}
	return s.forward(st)
}

// shadow decides about a statement of a shadow that is not of the words of transactions.
func (s *session) shadow(st *statement) error {
	if s.userTx && s.main.inTrans() {
		return s.refuseShadow(st, "the open transaction is a user's, and a shadow cannot join it; end it first")
	}
	switch {
	case s.Rule.Shadow.Mode == effects.ShadowDivert:
		return s.divert(st)
	case s.shade.open && s.shade.run != st.mark.Run:
		if s.shade.busy() {
			return s.refuseShadow(st, "the open transaction is another shadow's; end it first")
		}
		if err := s.closeShade(); err != nil {
			return err
		}
	}
	switch {
	case s.shade.dead:
		return s.refuseDead()
	case st.is(sqltext.Read):
		if !s.shade.open {
			return s.forward(st)
		}
		if err := s.join(); err != nil {
			return err
		}
		_, err := s.within(st)
		return err
	case s.Rule.Shadow.Mode == effects.ShadowRollback && st.is(sqltext.Write):
		return s.writeInShade(st)
	case s.Rule.Shadow.Mode == effects.ShadowRefuse:
		return s.refuseShadow(st, "effects.proxies."+s.Name()+".shadow.mode is refuse; set rollback or divert to let shadows write")
	}
	return s.refuseShadow(st, "only reads, and writes that a rollback takes back, are let through")
}

// refuseShadow answers a shadow's statement with an error and records that it was not let out.
func (s *session) refuseShadow(st *statement, why string) error {
	if st.marked && !st.is(sqltext.Read) {
		s.Refused(st.mark, s.effectOf(st, &answer{}))
	} else {
		s.Refused(v1.Mark{}, v1.Effect{})
	}
	return s.refuse(errDenied, "42000", "JD-EFFECTS-111", "a statement of a shadow that "+does(st.info)+" is refused: "+why)
}

// writeInShade runs a write of a shadow in a transaction that will be rolled back.
func (s *session) writeInShade(st *statement) error {
	why, err := s.notUndone(st)
	if err != nil {
		return err
	}
	if why != "" {
		return s.refuseShadow(st, why)
	}
	if !s.shade.open {
		err = s.openShade(st)
	} else {
		err = s.join()
	}
	if err != nil {
		return err
	}
	a, held, err := s.write(s.main, st, "rolled_back")
	if err != nil {
		return err
	}
	s.afterShade(&a)
	if !s.shade.explicit && s.shade.autocommit {
		s.fx.settle(s)
	}
	_, err = s.cl.conn.Write(held)
	return err
}

// notUndone says why a rollback might not take a write back, "" when it does.
func (s *session) notUndone(st *statement) (string, error) {
	tables, ok := sqltext.Tables(st.text, s.options())
	if !ok {
		return "the proxy cannot tell which tables it writes", nil
	}
	triggers := false
	for _, t := range tables {
		if t.Catalog != "" {
			return "the proxy does not know the table " + t.Name, nil
		}
		known, err := s.table(s.main, t)
		if err != nil {
			return "", err
		}
		switch {
		case known == nil:
			return "the proxy does not find table " + nameOf(t) + " (temporary tables are not let through)", nil
		case !known.transactional:
			return "table " + nameOf(t) + " is " + known.engine + ", which rolls nothing back; make it InnoDB, or use divert", nil
		}
		triggers = triggers || known.triggers
	}
	if triggers {
		rows, _, _, err := s.main.ask("SELECT CONCAT(table_schema, '.', table_name) FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND engine <> 'InnoDB' "+
			"AND table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') LIMIT 1", 1)
		if err != nil {
			return "", err
		}
		if len(rows) > 0 {
			return "it runs triggers, and " + strings.ToValidUTF8(string(rows[0][0]), "?") + ", which they might write, rolls nothing back; make it InnoDB, or use divert", nil
		}
	}
	return "", nil
}
